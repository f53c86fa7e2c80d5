package rollout

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// The tags of a task definition's revision that keep the last decision on its deployment: neither CodeDeploy's deployments
// nor Amazon ECS's have tags or a text that can be changed, and the revision is registered for one deployment.
const (
	decisionTag = "greenlight.decision"
	whyTag      = "greenlight.why"
	// maxTag is what ECS allows a tag's value.
	maxTag = 256
)

// Decision is what somebody decided on a deployment that waited.
type Decision struct {
	// What says "approved" or "rejected", and Why why.
	What, Why string
	// Who is an ARN.
	Who  string
	When time.Time
}

// String is the decision in one line.
func (d Decision) String() string {
	return fmt.Sprintf("%s by %s at %s: %s", d.What, d.Who, d.When.UTC().Format(time.RFC3339), d.Why)
}

// Who returns the ARN of whoever calls.
func (a AWS) Who(ctx context.Context) (string, error) {
	out, err := a.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", awsclient.Error(err)
	}
	return aws.ToString(out.Arn), nil
}

// Keep stores a decision with the revision that is deployed.
func (a AWS) Keep(ctx context.Context, s State, d Decision) error {
	tag := func(key, value string) ecstypes.Tag {
		return ecstypes.Tag{Key: aws.String(key), Value: aws.String(tagText(value))}
	}
	_, err := a.ECS.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: &s.Definition, Tags: []ecstypes.Tag{
		tag(decisionTag, fmt.Sprintf("%s %s %s", d.What, d.When.UTC().Format(time.RFC3339), d.Who)), tag(whyTag, d.Why),
	}})
	return awsclient.Error(err)
}

// Kept returns the decision that is stored, as text, or nothing.
func (a AWS) Kept(ctx context.Context, s State) (string, error) {
	if s.Definition == "" {
		return "", nil
	}
	out, err := a.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: &s.Definition, Include: []ecstypes.TaskDefinitionField{ecstypes.TaskDefinitionFieldTags},
	})
	if err != nil {
		return "", awsclient.Error(err)
	}
	kept := map[string]string{}
	for _, t := range out.Tags {
		kept[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	words := strings.SplitN(kept[decisionTag], " ", 3)
	if len(words) < 3 {
		return kept[decisionTag], nil
	}
	return fmt.Sprintf("%s by %s at %s: %s", words[0], words[2], words[1], kept[whyTag]), nil
}

// tagText is a text as a tag's value may hold it.
func tagText(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, text)
	if runes := []rune(text); len(runes) > maxTag {
		return string(runes[:maxTag])
	}
	return text
}

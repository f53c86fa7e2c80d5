// Package approval is how somebody answers a gate that asks: by tags of the task definition's revision that is deployed.
// Neither CodeDeploy's deployments nor Amazon ECS's have tags or a text that can be changed, and the revision is
// registered for one deployment.
//
// It refuses an answer to another question than the one that was asked: tags that were there before name none.
package approval

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// The tags: who decided what and when, and why; the last one only where a gate asked.
const (
	Decision = "greenlight.decision"
	Why      = "greenlight.why"
	Answer   = "greenlight.answer"
)

// The two decisions. A decision as it is stored begins with one of them.
const (
	Approved = "approved"
	Rejected = "rejected"
)

// Tags reads the tags of a task definition's revision.
func Tags(ctx context.Context, api *ecs.Client, definition string) (map[string]string, error) {
	out, err := api.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: &definition, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags},
	})
	if err != nil {
		return nil, awsclient.Error(err)
	}
	if t := out.TaskDefinition; t == nil || aws.ToString(t.TaskDefinitionArn) != definition {
		return nil, fmt.Errorf("ecs DescribeTaskDefinition: the answer is not about %.200q", definition)
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// Answered returns the decision on a question, and what is said of it; both are empty where nobody decided.
func Answered(tags map[string]string, question string) (decision, text string) {
	for _, d := range []string{Approved, Rejected} {
		if question != "" && tags[Answer] == d+" "+question && strings.HasPrefix(tags[Decision], d+" by ") &&
			strings.TrimSpace(tags[Why]) != "" {
			return d, tags[Decision] + ": " + tags[Why]
		}
	}
	return "", ""
}

// Text is a text as a tag's value may hold it.
func Text(text string) string {
	const most = 256 // characters, as ECS allows
	allowed := []rune(regexp.MustCompile(`[^\p{L}\p{N} _.:/=+@-]`).ReplaceAllString(text, "_"))
	return string(allowed[:min(len(allowed), most)])
}

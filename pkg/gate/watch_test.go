package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Both releases apart, behind an Application Load Balancer: of nothing else does AWS's word say anything.
func TestWhatCannotBeWatched(t *testing.T) {
	checked, problems := suite.Read(suite.Source{Name: "s", Text: []byte("version: 1\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\nwatch: {for: 1m}\n")})
	if checked == nil {
		t.Fatal(problems)
	}
	const listener = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/lb/1/2"
	for want, c := range map[string]struct {
		green, blue discovery.TaskDefinition
		listener    string
	}{
		"":                           {discovery.TaskDefinition{TargetGroup: "g"}, discovery.TaskDefinition{TargetGroup: "b"}, listener},
		"its task set has":           {discovery.TaskDefinition{}, discovery.TaskDefinition{TargetGroup: "b"}, listener},
		"one target group":           {discovery.TaskDefinition{TargetGroup: "g"}, discovery.TaskDefinition{TargetGroup: "g"}, listener},
		"reads no other's":           {discovery.TaskDefinition{TargetGroup: "g"}, discovery.TaskDefinition{TargetGroup: "b"}, strings.Replace(listener, "/app/", "/net/", 1)},
		"which is the placeholder's": {discovery.TaskDefinition{TargetGroup: "g", Bootstrap: true}, discovery.TaskDefinition{TargetGroup: "b"}, listener},
	} {
		in := &invocation{stage: &payload.StageEvent{Service: "arn:aws:ecs:eu-west-1:1:service/c/s"}}
		in.facts.Replacement, in.facts.Original = discovery.Of(c.green, nil), discovery.Of(c.blue, nil)
		in.facts.Production.ARN = c.listener
		if _, err := in.subject(checked); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// CodeDeploy gives up after an hour: nobody goes on until then, and says so while somebody listens.
func TestAWatchEndsBeforeCodeDeploysHourDoes(t *testing.T) {
	in := &invocation{}
	in.facts.Target = discovery.Of(codedeploy.Target{Events: []types.LifecycleEvent{
		{LifecycleEventName: aws.String(string(lifecycle.AllowTraffic)), EndTime: aws.Time(time.Now().Add(-56 * time.Minute))},
	}}, nil)
	if err := (&Gate{}).again(t.Context(), in); err == nil || !strings.Contains(err.Error(), "it took 56m0s already, and CodeDeploy waits for an hour") {
		t.Error(err)
	}
}

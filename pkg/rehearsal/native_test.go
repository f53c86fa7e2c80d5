package rehearsal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// stageEvent is what Amazon ECS invokes a hook with.
type stageEvent struct {
	ExecutionID string `json:"executionId"`
	Stage       string `json:"lifecycleStage"`
	Resource    string `json:"resourceArn"`
	Details     struct {
		Service    string             `json:"serviceArn"`
		Target     string             `json:"targetServiceRevisionArn"`
		Test       map[string]float64 `json:"testTrafficWeights"`
		Production map[string]float64 `json:"productionTrafficWeights"`
	} `json:"executionDetails"`
	Hook map[string]any `json:"hookDetails"`
}

// shares are the target's and the other revision's weights: "25/75", or "-" where none are told.
func (e stageEvent) shares(weights map[string]float64) string {
	if len(weights) == 0 {
		return "-"
	}
	rest, others := 0.0, 0
	for arn, w := range weights {
		if arn != e.Details.Target {
			rest, others = rest+w, others+1
		}
	}
	if others == 0 {
		return fmt.Sprintf("%g", weights[e.Details.Target])
	}
	return fmt.Sprintf("%g/%g", weights[e.Details.Target], rest)
}

// nativeHook is a hook of Amazon ECS's own deployments that says what it sees, and answers as its mode says.
func nativeHook(mode string) {
	lambda.Start(func(ctx context.Context, e stageEvent) (any, error) {
		n, _ := e.Hook["n"].(float64)
		_, _ = fmt.Fprintf(os.Stdout, "sees %s test %s production %s details %v; production %s, test %s\n", e.Stage, e.shares(e.Details.Test),
			e.shares(e.Details.Production), e.Hook, versionAt(ctx, os.Getenv("PRODUCTION_URL")), versionAt(ctx, os.Getenv("TEST_URL")))
		target, _ := e.Details.Production[e.Details.Target]
		switch {
		case mode == "later" && n < 2:
			return map[string]any{"hookStatus": "IN_PROGRESS", "callBackDelay": 1, "hookDetails": map[string]any{"n": n + 1, fmt.Sprintf("k%g", n): true}}, nil
		case mode == "never":
			return map[string]any{"hookStatus": "IN_PROGRESS"}, nil
		case mode == "nonsense":
			return map[string]any{"status": "SUCCEEDED"}, nil
		case mode == "error":
			return nil, fmt.Errorf("cannot read the suite")
		case mode == "FAILED", mode == "bad at 50" && target == 50 && e.Stage == "PRE_PRODUCTION_TRAFFIC_SHIFT":
			return map[string]any{"hookStatus": "FAILED"}, nil
		}
		return map[string]any{"hookStatus": "SUCCEEDED"}, nil
	})
}

// nativePlan is a good release in one of Amazon ECS's own deployments, with the test binary as the hook of the stages.
func nativePlan(t *testing.T, strategy, mode string, stages ...lifecycle.Name) rehearsal.Plan {
	t.Helper()
	config, err := deployment.ParseStrategy(strategy)
	if err != nil {
		t.Fatal(err)
	}
	return plan(t, func(p *rehearsal.Plan) {
		p.Config, p.Hooks = config, map[lifecycle.Name]rehearsal.Hook{}
		p.Native = &rehearsal.Native{HookTimeout: deployment.HookTimeout{After: 24 * time.Hour}}
		for _, s := range stages {
			p.Hooks[s] = rehearsal.Hook{Function: "hook", Argv: []string{p.Machine.Self, "native", mode}, Dir: t.TempDir()}
		}
	})
}

// sight lists what the hooks saw, in order.
func sight(r rehearsal.Result) (seen []string) {
	for _, e := range r.Timeline {
		if text, ok := strings.CutPrefix(e.Text, "sees "); ok && e.Kind == rehearsal.KindLog {
			seen = append(seen, text)
		}
	}
	return seen
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// stagesOf are the stages that a deployment went through, with their steps.
func stagesOf(r rehearsal.Result, status deployment.EventStatus) (all []string) {
	for _, e := range r.Lifecycle {
		if e.Status == status {
			name := string(e.Name)
			if e.Step > 0 {
				name += fmt.Sprintf(" %d", e.Step)
			}
			if e.Rollback {
				name += " rollback"
			}
			all = append(all, name)
		}
	}
	return all
}

func ecsAt(endpoint string) *ecs.Client {
	return ecs.New(ecs.Options{
		Region: rehearsal.Region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""),
	})
}

// serviceDeployment is the deployment as ECS shows it.
func (h *held) serviceDeployment() types.ServiceDeployment {
	h.t.Helper()
	out, err := ecsAt(h.endpoint).DescribeServiceDeployments(h.t.Context(), &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{h.id}})
	if err != nil || len(out.ServiceDeployments) != 1 {
		h.t.Fatalf("%+v, %v", out, err)
	}
	return out.ServiceDeployments[0]
}

func TestANativeDeploymentGoesThroughItsStages(t *testing.T) {
	t.Parallel()
	h := hold(t, nativePlan(t, "blue-green", "good", deployment.HookStages()...))
	r := h.end(rehearsal.Shifted)
	same(t, sight(r), []string{
		"RECONCILE_SERVICE test - production - details map[]; production 1.0.0, test 1.0.0",
		"PRE_SCALE_UP test - production - details map[]; production 1.0.0, test 1.0.0",
		"POST_SCALE_UP test - production - details map[]; production 1.0.0, test 1.0.0",
		"TEST_TRAFFIC_SHIFT test 100/0 production - details map[]; production 1.0.0, test 1.1.0",
		"POST_TEST_TRAFFIC_SHIFT test - production - details map[]; production 1.0.0, test 1.1.0",
		"PRE_PRODUCTION_TRAFFIC_SHIFT test - production 0/100 details map[]; production 1.0.0, test 1.1.0",
		"PRODUCTION_TRAFFIC_SHIFT test - production 100/0 details map[]; production 1.1.0, test 1.1.0",
		"POST_PRODUCTION_TRAFFIC_SHIFT test - production - details map[]; production 1.1.0, test 1.1.0",
	})
	var want []string
	for _, s := range deployment.Stages() {
		want = append(want, string(s))
	}
	same(t, stagesOf(r, deployment.EventSucceeded), want)
	if r.Controller != "ECS" || r.FailedStep != 0 || len(r.Hooks) != 8 || r.Hooks[0].Invocations != 1 {
		t.Errorf("%+v", r.Hooks)
	}
	unharmed(t, r)
}

func TestANativeHookThatFailsRollsBack(t *testing.T) {
	for mode, want := range map[string]string{
		"FAILED":   "hook reported Failed and did not say why",
		"nonsense": `the function returned no hookStatus, which ECS takes for FAILED: "{\"status\":\"SUCCEEDED\"}"`,
		"error":    "the function returned an error: errorString: cannot read the suite",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := nativePlan(t, "blue-green", mode, deployment.PostTestTrafficShift)
			p.Keep = true
			h := hold(t, p)
			h.until("keeping", notes("kept running until Ctrl-C"))
			d := h.serviceDeployment()
			if d.Status != types.ServiceDeploymentStatusRollbackSuccessful || aws.ToString(d.StatusReason) != "The lifecycle hook hook failed." ||
				d.Rollback == nil || aws.ToString(d.Rollback.ServiceRevisionArn) != aws.ToString(d.SourceServiceRevisions[0].Arn) || d.TargetServiceRevision.RunningTaskCount != 0 {
				t.Errorf("%+v", d)
			}
			h.stop()
			r := h.end(rehearsal.RolledBack)
			if r.Why != want || r.FailedEvent != deployment.PostTestTrafficShift {
				t.Errorf("why %q in %s, want %q", r.Why, r.FailedEvent, want)
			}
			same(t, stagesOf(r, deployment.EventSucceeded), []string{"PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT rollback"})
			if n, _ := r.Served("production", "1.1.0"); n > 0 {
				t.Errorf("the new release answered %d production requests", n)
			}
			unharmed(t, r)
		})
	}
}

var _ = json.Valid

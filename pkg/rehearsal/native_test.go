package rehearsal_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

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
			e.shares(e.Details.Production), e.Hook, versionAt(ctx, os.Getenv("PRODUCTION_URL"), ""), versionAt(ctx, os.Getenv("TEST_URL"), os.Getenv("TEST_HEADERS")))
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
			p.Hooks[s] = rehearsal.Hook{Function: "hook", Argv: hookProgram(t, "native", mode), Dir: t.TempDir()}
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
	h := hold(t, nativePlan(t, "blue-green", "good", lifecycle.HookStages()...))
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
	for _, s := range lifecycle.Stages() {
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
			p := nativePlan(t, "blue-green", mode, lifecycle.PostTestTrafficShift)
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
			if r.Why != want || r.FailedEvent != lifecycle.PostTestTrafficShift {
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

// The hooks of the shift are invoked at each step, with the weights before it and while it moves.
func TestEachStepInvokesItsHooks(t *testing.T) {
	for strategy, want := range map[string][]string{
		"canary:10,5m": {"0/100", "10/90", "10/90", "100/0"},
		"linear:25,2m": {"0/100", "25/75", "25/75", "50/50", "50/50", "75/25", "75/25", "100/0"},
	} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			r := hold(t, nativePlan(t, strategy, "good", lifecycle.PreProductionTrafficShift, lifecycle.ProductionTrafficShift)).end(rehearsal.Shifted)
			var weights []string
			for _, text := range sight(r) {
				_, rest, _ := strings.Cut(text, "production ")
				share, _, _ := strings.Cut(rest, " ")
				weights = append(weights, share)
			}
			same(t, weights, want)
			if len(r.Hooks) != len(want) || r.Hooks[1].Step != 1 || r.Hooks[len(want)-1].Step != len(want)/2 {
				t.Errorf("%+v", r.Hooks)
			}
			unharmed(t, r)
		})
	}
}

// What is bad at a step takes both listeners' traffic back, and the hooks of the shifts hear of it by the weights.
func TestABadStepRollsBack(t *testing.T) {
	t.Parallel()
	r := hold(t, nativePlan(t, "linear:25,2m", "bad at 50", lifecycle.TestTrafficShift, lifecycle.PreProductionTrafficShift, lifecycle.ProductionTrafficShift)).end(rehearsal.RolledBack)
	if r.FailedEvent != lifecycle.PreProductionTrafficShift || r.FailedStep != 3 || !slices.Equal(production(r), []int{0, 25, 50, 0}) {
		t.Errorf("failed in %s, step %d; shares %v", r.FailedEvent, r.FailedStep, production(r))
	}
	seen := sight(r)
	same(t, seen[len(seen)-3:], []string{
		"PRE_PRODUCTION_TRAFFIC_SHIFT test - production 50/50 details map[]; production " + strings.Split(seen[len(seen)-3], "production ")[2],
		"PRODUCTION_TRAFFIC_SHIFT test - production 0/100 details map[]; production 1.0.0, test 1.1.0",
		"TEST_TRAFFIC_SHIFT test 0/100 production - details map[]; production 1.0.0, test 1.0.0",
	})
	same(t, stagesOf(r, deployment.EventSkipped), []string{
		"RECONCILE_SERVICE", "PRODUCTION_TRAFFIC_SHIFT 3", "PRE_PRODUCTION_TRAFFIC_SHIFT 4", "PRODUCTION_TRAFFIC_SHIFT 4", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",
	})
	if last := r.Hooks[len(r.Hooks)-1]; !last.Rollback || last.Event != lifecycle.TestTrafficShift {
		t.Errorf("%+v", last)
	}
	unharmed(t, r)
}

func TestAHookInProgressIsInvokedAgainWithItsDetails(t *testing.T) {
	t.Parallel()
	r := hold(t, nativePlan(t, "blue-green", "later", lifecycle.PostTestTrafficShift)).end(rehearsal.Shifted)
	same(t, sight(r), []string{
		"POST_TEST_TRAFFIC_SHIFT test - production - details map[]; production 1.0.0, test 1.1.0",
		"POST_TEST_TRAFFIC_SHIFT test - production - details map[k0:true n:1]; production 1.0.0, test 1.1.0",
		"POST_TEST_TRAFFIC_SHIFT test - production - details map[k0:true k1:true n:2]; production 1.0.0, test 1.1.0",
	})
	if len(r.Hooks) != 1 || r.Hooks[0].Invocations != 3 {
		t.Errorf("%+v", r.Hooks)
	}
}

func TestAHooksTimeOutSaysWhatHappens(t *testing.T) {
	for _, goOn := range []bool{false, true} {
		t.Run(deployment.HookTimeout{GoOn: goOn}.Action(), func(t *testing.T) {
			t.Parallel()
			p := nativePlan(t, "blue-green", "never", lifecycle.PostTestTrafficShift)
			p.Native.HookTimeout = deployment.HookTimeout{After: 2 * time.Hour, GoOn: goOn}
			if goOn {
				r := hold(t, p).end(rehearsal.Shifted)
				told := regexp.MustCompile(`did not answer SUCCEEDED or FAILED within the hook's time-out of 2h0m0s \(compressed by --speed 1000\).*; the hook's time-out says CONTINUE`)
				if !slices.ContainsFunc(r.Timeline, func(e rehearsal.Event) bool { return told.MatchString(e.Text) }) {
					t.Errorf("nobody was told: %+v", r.Timeline)
				}
				return
			}
			r := hold(t, p).end(rehearsal.RolledBack)
			if r.FailedEvent != lifecycle.PostTestTrafficShift || !strings.HasPrefix(r.Why, "timed out: hook did not answer") || r.Hooks[0].Reported {
				t.Errorf("%s: %q, %+v", r.FailedEvent, r.Why, r.Hooks)
			}
		})
	}
}

func TestAPauseThatNobodyEndsTimesOut(t *testing.T) {
	t.Parallel()
	p := nativePlan(t, "blue-green", "good")
	p.Native.Pauses, p.Native.HookTimeout.After = []lifecycle.Name{lifecycle.PostTestTrafficShift}, time.Hour
	r := hold(t, p).end(rehearsal.RolledBack)
	if want := "timed out: nobody called ContinueServiceDeployment within 1h0m0s (compressed by --speed 1000)"; r.Why != want || r.FailedEvent != lifecycle.PostTestTrafficShift {
		t.Errorf("%s: %q, want %q", r.FailedEvent, r.Why, want)
	}
}

// Before production traffic moves there is nobody behind its listener; afterwards there is the release.
func TestAServiceIsCreated(t *testing.T) {
	for mode, outcome := range map[string]rehearsal.Outcome{"good": rehearsal.Shifted, "FAILED": rehearsal.Failed} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := nativePlan(t, "blue-green", mode, lifecycle.ProductionTrafficShift)
			p.Native.Create, p.BlueRelease, p.Keep, p.Traffic = true, "", true, 0
			h := hold(t, p)
			h.until("keeping", notes("kept running until Ctrl-C"))
			d := h.serviceDeployment()
			if len(d.SourceServiceRevisions) != 0 || aws.ToString(d.TargetServiceRevision.Arn) == "" {
				t.Errorf("%+v", d)
			}
			h.stop()
			r := h.end(outcome)
			same(t, sight(r), []string{"PRODUCTION_TRAFFIC_SHIFT test - production 100 details map[]; production 1.1.0, test 1.1.0"})
			if !slices.Equal(production(r), []int{0, 100}) {
				t.Errorf("shares %v", production(r))
			}
		})
	}
}

// With a rule on the production listener a request with its header meets the new release, and no other one does.
func TestTestTrafficComesByAHeader(t *testing.T) {
	t.Parallel()
	p := nativePlan(t, "blue-green", "good", lifecycle.PostTestTrafficShift)
	p.Header, p.Keep = rehearsal.Header{Name: "X-Side", Value: "green"}, true
	p.Native.Pauses = []lifecycle.Name{lifecycle.PostTestTrafficShift}
	h := hold(t, p)
	h.until("the pause", notes("aws ecs continue-service-deployment"))
	revision, err := ecsAt(h.endpoint).DescribeServiceRevisions(t.Context(), &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{aws.ToString(h.serviceDeployment().TargetServiceRevision.Arn)}})
	if err != nil {
		t.Fatal(err)
	}
	behind := revision.ServiceRevisions[0]
	rules := elb.New(elb.Options{Region: rehearsal.Region, BaseEndpoint: aws.String(h.endpoint), Credentials: credentials.NewStaticCredentialsProvider("x", "y", "")})
	out, err := rules.DescribeRules(t.Context(), &elb.DescribeRulesInput{RuleArns: []string{*behind.LoadBalancers[0].AdvancedConfiguration.TestListenerRule, *behind.LoadBalancers[0].AdvancedConfiguration.ProductionListenerRule}})
	if err != nil || len(out.Rules) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	condition, groups := out.Rules[0].Conditions[0], out.Rules[0].Actions[0].ForwardConfig.TargetGroups
	if aws.ToString(condition.Field) != "http-header" || aws.ToString(condition.HttpHeaderConfig.HttpHeaderName) != "X-Side" || !slices.Equal(condition.HttpHeaderConfig.Values, []string{"green"}) ||
		aws.ToString(groups[1].TargetGroupArn) != aws.ToString(behind.ResolvedConfiguration.LoadBalancers[0].TargetGroupArn) || aws.ToInt32(groups[1].Weight) != 100 {
		t.Errorf("%+v, %+v", condition, groups)
	}
	if groups := out.Rules[1].Actions[0].ForwardConfig.TargetGroups; aws.ToInt32(groups[0].Weight) != 100 || aws.ToInt32(groups[1].Weight) != 0 || !aws.ToBool(out.Rules[1].IsDefault) {
		t.Errorf("%+v", groups)
	}
	h.goOn()
	h.until("keeping", notes("kept running until Ctrl-C"))
	h.stop()
	r := h.end(rehearsal.Shifted)
	if r.Total("test") == 0 {
		t.Error("nothing met the rule")
	}
	same(t, sight(r), []string{"POST_TEST_TRAFFIC_SHIFT test - production - details map[]; production 1.0.0, test 1.1.0"})
}

// goOn answers the pause that the deployment is at.
func (h *held) goOn() {
	h.t.Helper()
	for _, x := range h.serviceDeployment().LifecycleHookDetails {
		if x.Status == types.DeploymentLifecycleHookStatusAwaitingAction {
			if _, err := ecsAt(h.endpoint).ContinueServiceDeployment(h.t.Context(), &ecs.ContinueServiceDeploymentInput{ServiceDeploymentArn: &h.id, HookId: x.HookId}); err != nil {
				h.t.Fatal(err)
			}
			return
		}
	}
	h.t.Fatal("the deployment waits for nothing")
}

// Somebody ends a native deployment: by the stop, by an answer to a PAUSE, or by an alarm.
func TestANativeDeploymentIsEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alarm")
	for name, c := range map[string]struct {
		end     func(*testing.T, *held) error
		outcome rehearsal.Outcome
		why     string
		shares  []int
	}{
		"stop": {func(t *testing.T, h *held) error {
			_, err := ecsAt(h.endpoint).StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: &h.id})
			return err
		}, rehearsal.RolledBack, "somebody called StopServiceDeployment", []int{0, 10, 0}},
		"abort": {func(t *testing.T, h *held) error {
			_, err := ecsAt(h.endpoint).StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: &h.id, StopType: types.StopServiceDeploymentStopTypeAbort})
			return err
		}, rehearsal.Stopped, "somebody called StopServiceDeployment", []int{0, 10}},
		"answer": {func(t *testing.T, h *held) error {
			_, err := ecsAt(h.endpoint).ContinueServiceDeployment(t.Context(), &ecs.ContinueServiceDeploymentInput{
				ServiceDeploymentArn: &h.id, HookId: h.serviceDeployment().LifecycleHookDetails[0].HookId, Action: types.DeploymentLifecycleHookActionRollback,
			})
			return err
		}, rehearsal.RolledBack, "somebody called ContinueServiceDeployment with ROLLBACK", []int{0, 10, 0}},
		"alarm": {func(*testing.T, *held) error { return os.WriteFile(file, nil, 0o600) }, rehearsal.RolledBack, "the alarm went off: the file", []int{0, 10, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := nativePlan(t, "canary:10,5m", "good")
			p.Native.Pauses = []lifecycle.Name{lifecycle.PreProductionTrafficShift}
			if name == "alarm" {
				p.Alarm.File = file
			}
			h := hold(t, p)
			h.until("the first pause", notes("aws ecs continue-service-deployment"))
			h.goOn()
			h.until("the second pause", notes("aws ecs continue-service-deployment"))
			if err := c.end(t, h); err != nil {
				t.Fatal(err)
			}
			r := h.end(c.outcome)
			if !strings.HasPrefix(r.Why, c.why) || r.FailedEvent != lifecycle.PreProductionTrafficShift || r.FailedStep != 2 || !slices.Equal(production(r), c.shares) {
				t.Errorf("%q in %s, step %d; shares %v", r.Why, r.FailedEvent, r.FailedStep, production(r))
			}
			unharmed(t, r)
		})
	}
}

// A pipeline registers a task definition and updates the service: that begins the deployment, once.
func TestUpdateServiceBeginsTheDeployment(t *testing.T) {
	t.Parallel()
	p := nativePlan(t, "blue-green", "good")
	p.AwaitUpdate, p.Keep = true, true
	h := hold(t, p)
	h.until("the wait", notes("aws ecs update-service"))
	client := ecsAt(h.endpoint)
	registered, err := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("task-app"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("app:1.1.0")}},
	})
	if err != nil || registered.TaskDefinition.Revision != 3 {
		t.Fatalf("%+v, %v", registered, err)
	}
	update := func() error {
		_, err := client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("rehearsal"), Service: aws.String("app"), TaskDefinition: aws.String("task-app")})
		return err
	}
	if err := update(); err != nil {
		t.Fatal(err)
	}
	list, err := client.ListServiceDeployments(t.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("rehearsal"), Service: aws.String("app")})
	if err != nil || len(list.ServiceDeployments) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	h.until("keeping", notes("kept running until Ctrl-C"))
	if d := list.ServiceDeployments[0]; aws.ToString(d.ServiceDeploymentArn) != h.id {
		t.Errorf("%+v", d)
	}
	revision, err := client.DescribeServiceRevisions(t.Context(), &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{aws.ToString(list.ServiceDeployments[0].TargetServiceRevisionArn)}})
	if err != nil || aws.ToString(revision.ServiceRevisions[0].TaskDefinition) != aws.ToString(registered.TaskDefinition.TaskDefinitionArn) || aws.ToString(revision.ServiceRevisions[0].ContainerImages[0].Image) != "app:1.1.0" {
		t.Errorf("%+v, %v", revision, err)
	}
	if err := update(); err != nil { // nothing changes
		t.Error(err)
	}
	_, err = client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("rehearsal"), Service: aws.String("app"), ForceNewDeployment: true})
	if err == nil || !strings.Contains(err.Error(), "it holds one deployment") {
		t.Errorf("a second deployment: %v", err)
	}
	h.stop()
	h.end(rehearsal.Shifted)
}

// The aws command line takes a paused deployment to its end.
func TestTheAWSCommandLineDrivesAPausedDeployment(t *testing.T) {
	t.Parallel()
	cli := need(t, "aws", "ecs", "continue-service-deployment", "help")
	p := nativePlan(t, "blue-green", "good")
	p.Native.Pauses = []lifecycle.Name{lifecycle.PostTestTrafficShift, lifecycle.PreProductionTrafficShift}
	h := hold(t, p)
	run := func(line string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+h.endpoint, "AWS_PAGER=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	var line string
	h.until("the first pause", func(e rehearsal.Event) bool {
		line = e.Text
		return strings.Contains(e.Text, "aws ecs continue-service-deployment")
	})
	run(line) // as it is printed
	h.until("the second pause", notes("aws ecs continue-service-deployment"))
	arn := run(cli + " ecs list-service-deployments --cluster rehearsal --service app --status IN_PROGRESS --query serviceDeployments[0].serviceDeploymentArn --output text")
	hook := run(cli + " ecs describe-service-deployments --service-deployment-arns " + arn + ` --query "serviceDeployments[0].lifecycleHookDetails[?status=='AWAITING_ACTION'].hookId" --output text`)
	if arn != h.id || !strings.HasPrefix(hook, "ecs-pause-") {
		t.Fatalf("deployment %s, hook %s", arn, hook)
	}
	run(cli + " ecs continue-service-deployment --service-deployment-arn " + arn + " --hook-id " + hook + " --action CONTINUE")
	unharmed(t, h.end(rehearsal.Shifted))
}

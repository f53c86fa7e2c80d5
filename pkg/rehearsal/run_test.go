package rehearsal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// production lists the new release's shares of the production traffic, in order.
func production(r rehearsal.Result) []int {
	var shares []int
	for _, s := range r.Shifts {
		if s.Listener == "production" {
			shares = append(shares, s.Green)
		}
	}
	return shares
}

func status(r rehearsal.Result, name lifecycle.Name) deployment.EventStatus {
	for _, e := range r.Lifecycle {
		if e.Name == name {
			return e.Status
		}
	}
	return ""
}

func config(t *testing.T, text string) deployment.Config {
	t.Helper()
	c, err := deployment.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProductionTrafficMovesAsTheConfigurationSays(t *testing.T) {
	for text, want := range map[string][]int{
		"all-at-once": {0, 100},
		"CodeDeployDefault.ECSCanary10Percent5Minutes": {0, 10, 100},
		"linear:30,1m": {0, 30, 60, 90, 100},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			h := hold(t, plan(t, func(p *rehearsal.Plan) { p.Config, p.Traffic = config(t, text), 300 }))
			r := h.end(rehearsal.Shifted)
			if got := production(r); !slices.Equal(got, want) {
				t.Errorf("shares %v, want %v", got, want)
			}
			unharmed(t, r)
			// While ten per cent are green, most requests are still blue's.
			if len(want) == 3 {
				blue, green := 0, 0
				for _, q := range r.AccessLog {
					if q.At.After(r.Shifts[len(r.Shifts)-2].At) && q.At.Before(r.Shifts[len(r.Shifts)-1].At) && q.Listener == "production" {
						if q.Release == "1.1.0" {
							green++
						} else {
							blue++
						}
					}
				}
				if blue <= green {
					t.Errorf("at 10 %%, blue answered %d and green %d", blue, green)
				}
			}
		})
	}
}

// What each hook may observe: facts about the order of things that hooks are written against.
func TestEachHookSeesItsOwnState(t *testing.T) {
	h := hold(t, plan(t, func(p *rehearsal.Plan) { hookAt(t, p, "Succeeded", lifecycle.Hookable()...) }))
	r := h.end(rehearsal.Shifted)
	want := map[lifecycle.Name]string{
		lifecycle.BeforeInstall:         "sees Blue PRIMARY 100%; production 1.0.0, test 1.0.0",
		lifecycle.AfterInstall:          "sees Blue PRIMARY 100%, Green ACTIVE 0%; production 1.0.0, test 1.0.0",
		lifecycle.AfterAllowTestTraffic: "sees Blue PRIMARY 100%, Green ACTIVE 0%; production 1.0.0, test 1.1.0",
		lifecycle.BeforeAllowTraffic:    "sees Blue PRIMARY 100%, Green ACTIVE 0%; production 1.0.0, test 1.1.0",
		lifecycle.AfterAllowTraffic:     "sees Blue ACTIVE 0%, Green PRIMARY 100%; production 1.1.0, test 1.1.0",
	}
	got := map[lifecycle.Name]string{}
	for _, e := range r.Timeline {
		if e.Kind == rehearsal.KindLog && strings.HasPrefix(e.Text, "sees") {
			got[e.Lifecycle] = e.Text
		}
	}
	for event, text := range want {
		if got[event] != text {
			t.Errorf("%s: %q, want %q", event, got[event], text)
		}
	}
	unharmed(t, r)
}

func TestReadyWaitsForContinueDeployment(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.ReadyWait, p.Speed = time.Hour, 100 // 36 s: longer than this test takes
		hookAt(t, p, "Succeeded", lifecycle.AfterAllowTestTraffic)
	}))
	h.until("Ready", notes("Ready: waits 1h0m0s"))
	out, err := h.client.GetDeployment(t.Context(), &sdk.GetDeploymentInput{DeploymentId: &h.id})
	if err != nil || out.DeploymentInfo.Status != types.DeploymentStatusReady {
		t.Fatalf("status %+v, %v, want Ready", out, err)
	}
	// The hook of the test phase runs during the wait.
	h.until("the hook's end", func(e rehearsal.Event) bool {
		return e.Kind == rehearsal.KindEnd && e.Lifecycle == lifecycle.AfterAllowTestTraffic
	})
	if _, err := h.client.ContinueDeployment(t.Context(), &sdk.ContinueDeploymentInput{DeploymentId: &h.id, DeploymentWaitType: types.DeploymentWaitTypeReadyWait}); err != nil {
		t.Fatal(err)
	}
	unharmed(t, h.end(rehearsal.Shifted))
}

func TestReadyStopsWhenNobodyContinues(t *testing.T) {
	t.Parallel()
	r := hold(t, plan(t, func(p *rehearsal.Plan) { p.ReadyWait = 5 * time.Minute })).end(rehearsal.Stopped)
	if !strings.Contains(r.Why, "timed out: nobody called ContinueDeployment within the wait of 5m0s") || status(r, lifecycle.BeforeAllowTraffic) != deployment.EventSkipped {
		t.Errorf("why %q, BeforeAllowTraffic %s", r.Why, status(r, lifecycle.BeforeAllowTraffic))
	}
	if n, _ := r.Served("production", "1.1.0"); n > 0 {
		t.Errorf("the new release answered %d production requests", n)
	}
	unharmed(t, r)
}

// alive returns those processes of a list in a file that run.
func alive(t *testing.T, file string) []int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Kill(pid, 0) == nil {
			found = append(found, pid)
		}
	}
	return found
}

// Somebody stops a canary half-way: the traffic goes back, and what happened can be read afterwards.
func TestStopDeploymentWithRollback(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Config, p.Speed, p.Keep = config(t, "canary:20,48h"), 100, true
		script := fmt.Sprintf(`echo $$ >>%q; exec %q %s good http://127.0.0.1:1`, pids, p.Machine.Self, task.BuiltinArg)
		p.Green = rehearsal.Command{Text: "good", Argv: []string{"/bin/sh", "-c", script}}
	}))
	h.until("the canary", notes("20 % for 48h"))
	stopped, err := h.client.StopDeployment(t.Context(), &sdk.StopDeploymentInput{DeploymentId: &h.id, AutoRollbackEnabled: aws.Bool(true)})
	if err != nil || stopped.Status != types.StopStatusPending {
		t.Fatalf("stop: %+v, %v", stopped, err)
	}
	h.until("keeping", notes("kept running until Ctrl-C"))
	if alive := alive(t, pids); len(alive) > 0 {
		t.Errorf("tasks %v of the release that was rolled back still run", alive)
	}
	first, err := h.client.GetDeployment(t.Context(), &sdk.GetDeploymentInput{DeploymentId: &h.id})
	if err != nil || first.DeploymentInfo.Status != types.DeploymentStatusStopped || first.DeploymentInfo.ErrorInformation.Code != "MANUAL_STOP" {
		t.Fatalf("the stopped deployment: %+v, %v", first, err)
	}
	back, err := h.client.GetDeployment(t.Context(), &sdk.GetDeploymentInput{DeploymentId: first.DeploymentInfo.RollbackInfo.RollbackDeploymentId})
	if err != nil || back.DeploymentInfo.Creator != types.DeploymentCreatorCodeDeployRollback || back.DeploymentInfo.Status != types.DeploymentStatusSucceeded {
		t.Fatalf("the rollback: %+v, %v", back, err)
	}
	if triggered := aws.ToString(back.DeploymentInfo.RollbackInfo.RollbackTriggeringDeploymentId); triggered != h.id {
		t.Errorf("the rollback says that it rolls back %q", triggered)
	}
	list, err := h.client.ListDeployments(t.Context(), &sdk.ListDeploymentsInput{})
	if err != nil || len(list.Deployments) != 2 || list.Deployments[1] != h.id {
		t.Errorf("deployments %+v, %v", list, err)
	}
	h.stop()
	r := h.end(rehearsal.RolledBack)
	if got := production(r); !slices.Equal(got, []int{0, 20, 0}) {
		t.Errorf("shares %v, want 0, 20, 0", got)
	}
	unharmed(t, r)
}

// A hook that hangs is given up when somebody stops the deployment: nobody waits for its hour.
func TestStopDeploymentEndsAHook(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Speed = 50 // the hook's hour has 72 s
		hookAt(t, p, "Hang", lifecycle.AfterInstall)
	}))
	h.until("the hook at work", notes("sees Blue PRIMARY"))
	if _, err := h.client.StopDeployment(t.Context(), &sdk.StopDeploymentInput{DeploymentId: &h.id, AutoRollbackEnabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	r := h.end(rehearsal.RolledBack)
	if r.FailedEvent != lifecycle.AfterInstall || len(r.Hooks) != 1 || r.Hooks[0].Reported || status(r, lifecycle.AfterInstall) != deployment.EventFailed {
		t.Errorf("failed in %s: %+v", r.FailedEvent, r.Hooks)
	}
	unharmed(t, r)
}

func TestStopDeploymentWithoutRollbackLeavesEverything(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) { p.Config, p.Speed, p.Keep = config(t, "canary:20,48h"), 100, true }))
	h.until("the canary", notes("20 % for 48h"))
	if _, err := h.client.StopDeployment(t.Context(), &sdk.StopDeploymentInput{DeploymentId: &h.id}); err != nil {
		t.Fatal(err)
	}
	h.until("keeping", notes("kept running until Ctrl-C"))
	target, err := h.client.GetDeploymentTarget(t.Context(), &sdk.GetDeploymentTargetInput{DeploymentId: &h.id, TargetId: aws.String("rehearsal:app")})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range target.DeploymentTarget.EcsTarget.TaskSetsInfo {
		if want := map[types.TargetLabel]float64{"Blue": 80, "Green": 20}[s.TaskSetLabel]; s.TrafficWeight != want || s.RunningCount != 2 {
			t.Errorf("%s has %g %% and %d tasks, want %g %% and 2", s.TaskSetLabel, s.TrafficWeight, s.RunningCount, want)
		}
	}
	h.stop()
	r := h.end(rehearsal.Stopped)
	if got := production(r); !slices.Equal(got, []int{0, 20}) || r.RollbackID != "" {
		t.Errorf("shares %v, rollback %q: everything must stay as it was", got, r.RollbackID)
	}
}

func TestAnAlarmStopsAndRollsBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alarm")
	for name, c := range map[string]struct {
		alarm rehearsal.Alarm
		want  string
	}{
		"errors": {rehearsal.Alarm{Errors: 3}, "production requests were answered by 1.1.0 with 5xx"},
		"file":   {rehearsal.Alarm{File: file}, "alarm\" exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hold(t, plan(t, func(p *rehearsal.Plan) {
				p.Config, p.Speed, p.Alarm = config(t, "canary:20,48h"), 100, c.alarm
				p.Green = rehearsal.Command{Text: "builtin:500", Builtin: "500"}
			}))
			h.until("the canary", notes("20 % for 48h"))
			if c.alarm.File != "" {
				if err := os.WriteFile(c.alarm.File, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := h.end(rehearsal.RolledBack)
			if !strings.Contains(r.Why, c.want) || r.FailedEvent != lifecycle.AllowTraffic || !slices.Equal(production(r), []int{0, 20, 0}) {
				t.Errorf("why %q in %s, shares %v", r.Why, r.FailedEvent, production(r))
			}
		})
	}
}

func TestWithoutATestListenerItsHookIsSkippedSilently(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.NoTestListener = true
		hookAt(t, p, "Failed", lifecycle.AfterAllowTestTraffic)
	}))
	r := h.end(rehearsal.Shifted) // the hook would have failed it
	for _, e := range []lifecycle.Name{lifecycle.AllowTestTraffic, lifecycle.AfterAllowTestTraffic} {
		if status(r, e) != deployment.EventSkipped {
			t.Errorf("%s %s, want Skipped", e, status(r, e))
		}
	}
	if len(r.Hooks) != 0 || r.Total("test") != 0 {
		t.Errorf("hooks %+v", r.Hooks)
	}
}

func TestWithoutAutomaticRollbackAFailureStays(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.NoRollback = true
		hookAt(t, p, "Failed", lifecycle.AfterAllowTestTraffic)
	}))
	r := h.end(rehearsal.Failed)
	last := r.Shifts[len(r.Shifts)-1]
	if last.Listener != "test" || last.Green != 100 || r.RollbackID != "" {
		t.Errorf("the last shift is %+v, rollback %q: the test listener must stay on green", last, r.RollbackID)
	}
	if n, _ := r.Served("production", "1.1.0"); n > 0 {
		t.Errorf("the new release answered %d production requests", n)
	}
}

func TestAFailureBeforeInstallHasNothingToRollBack(t *testing.T) {
	t.Parallel()
	r := hold(t, plan(t, func(p *rehearsal.Plan) { hookAt(t, p, "Failed", lifecycle.BeforeInstall) })).end(rehearsal.Failed)
	if r.RollbackID != "" || status(r, lifecycle.Install) != deployment.EventSkipped || r.FailedEvent != lifecycle.BeforeInstall {
		t.Errorf("rollback %q, Install %s, failed in %s", r.RollbackID, status(r, lifecycle.Install), r.FailedEvent)
	}
	unharmed(t, r)
}

// As long as the original task set stays, there is a way back.
func TestAStopInTheTerminationWaitRollsBack(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) { p.TerminationWait, p.Speed = 48*time.Hour, 100 }))
	h.until("the wait", notes("stays for the termination wait"))
	if _, err := h.client.StopDeployment(t.Context(), &sdk.StopDeploymentInput{DeploymentId: &h.id, AutoRollbackEnabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	r := h.end(rehearsal.RolledBack)
	if got := production(r); !slices.Equal(got, []int{0, 100, 0}) || r.Why != "in the termination wait somebody called StopDeployment" {
		t.Errorf("shares %v, why %q", got, r.Why)
	}
	unharmed(t, r)
}

func TestTheTerminationWaitCanBeEnded(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) { p.TerminationWait, p.Speed = 48*time.Hour, 100 }))
	h.until("the wait", notes("stays for the termination wait"))
	if _, err := h.client.ContinueDeployment(t.Context(), &sdk.ContinueDeploymentInput{DeploymentId: &h.id, DeploymentWaitType: types.DeploymentWaitTypeTerminationWait}); err != nil {
		t.Fatal(err)
	}
	unharmed(t, h.end(rehearsal.Shifted))
}

// A release that never becomes healthy gets no traffic at all: not even the test listener's.
func TestAReleaseThatIsNeverHealthyIsNotInstalled(t *testing.T) {
	t.Parallel()
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.Green = rehearsal.Command{Text: "builtin:never-ready", Builtin: "never-ready"}
		p.StartTimeout, p.Speed = 2*time.Second, 10_000
	}))
	r := h.end(rehearsal.RolledBack)
	if want := "its tasks did not answer GET / with 200-499"; r.FailedEvent != lifecycle.Install || !strings.Contains(r.Why, want) {
		t.Errorf("failed in %s: %q, want Install and %q", r.FailedEvent, r.Why, want)
	}
	if n := r.Total("test"); n > 0 || len(r.Shifts) > 4 {
		t.Errorf("%d test requests, shifts %+v", n, r.Shifts)
	}
	unharmed(t, r)
}

// A task that dies is replaced, as ECS does, and its requests go elsewhere meanwhile.
func TestACrashedTaskIsReplaced(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "crashed")
	h := hold(t, plan(t, func(p *rehearsal.Plan) {
		p.TerminationWait, p.Speed = 48*time.Hour, 100
		// The first task to find no marker lives for five seconds, which a busy machine needs to start it; every other one stays.
		script := fmt.Sprintf(`if mkdir %q 2>/dev/null; then %q %s good http://127.0.0.1:1 & sleep 5; kill $!; exit 3; fi; exec %q %s good http://127.0.0.1:1`, marker, p.Machine.Self, task.BuiltinArg, p.Machine.Self, task.BuiltinArg)
		p.Green = rehearsal.Command{Text: "crashing", Argv: []string{"/bin/sh", "-c", script}}
	}))
	// On a slow machine the crash comes before the wait, on a quick one after it began.
	left := []string{"ended by itself: exit status 3; ECS starts another", "is up in its place", "stays for the termination wait"}
	h.until("the crash, the replacement and the wait", func(e rehearsal.Event) bool {
		left = slices.DeleteFunc(left, func(text string) bool { return strings.Contains(e.Text, text) })
		return len(left) == 0
	})
	target, err := h.client.GetDeploymentTarget(t.Context(), &sdk.GetDeploymentTargetInput{DeploymentId: &h.id, TargetId: aws.String("rehearsal:app")})
	if err != nil {
		t.Fatal(err)
	}
	if sets := target.DeploymentTarget.EcsTarget.TaskSetsInfo; sets[len(sets)-1].RunningCount != 2 {
		t.Errorf("green has %d tasks, want 2", sets[len(sets)-1].RunningCount)
	}
	// The dead one has left the target group.
	finder := discovery.Finder{AWS: awsclient.Environment{Region: rehearsal.Region, AccessKeyID: "x", SecretAccessKey: "y", Endpoint: h.endpoint}.Config()}
	group := "arn:aws:elasticloadbalancing:" + rehearsal.Region + ":" + rehearsal.Account + ":targetgroup/rehearsal-tg2/0000000000000001"
	if health, err := finder.Health(t.Context(), group); err != nil || health != "2 healthy" && health != "1 healthy, 1 initial (Elb.InitialHealthChecking)" {
		t.Errorf("green's target group: %q, %v", health, err)
	}
	if _, err := h.client.ContinueDeployment(t.Context(), &sdk.ContinueDeploymentInput{DeploymentId: &h.id}); err != nil {
		t.Fatal(err)
	}
	h.end(rehearsal.Shifted)
}

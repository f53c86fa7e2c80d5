package rollout_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

const (
	definition = "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:"
	native     = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/app/1"
)

// serve returns AWS's side of a server.
func serve(t *testing.T, h http.Handler, region string) rollout.AWS {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return rollout.NewAWS(awsclient.Environment{Region: region, AccessKeyID: "ann", SecretAccessKey: "s", Endpoint: server.URL}.Config())
}

// one is a server that knows one deployment, and no other way to change it than this.
func one(t *testing.T, id string, change func(*deployment.Deployment)) (rollout.AWS, *fake.Server) {
	t.Helper()
	at := time.Now()
	d := deployment.Deployment{
		ID: id, Application: "a", Group: "g", Cluster: "c", Service: "app", AutoRollback: true,
		AppSpec: "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: " + definition +
			"2\n        LoadBalancerInfo: {ContainerName: app, ContainerPort: 80}\nHooks:\n  - AfterAllowTestTraffic: gate\n",
		TaskSets: []deployment.TaskSet{
			{ID: "arn:blue", Label: deployment.Blue, Status: "ACTIVE", Running: 1, TaskDefinition: definition + "1"},
			{ID: "arn:green", Label: deployment.Green, Status: "PRIMARY", Weight: 100, Running: 1, TaskDefinition: definition + "2"},
		},
	}
	if id == native {
		d.Native = &deployment.Native{Target: deployment.Green, Hooks: []deployment.Hook{{Function: "arn:aws:lambda:eu-west-1:123456789012:function:gate:live"}}}
	}
	d = deployment.New(d, at, deployment.Event{Name: "PRE_SCALE_UP"})
	if id != native {
		d = deployment.New(d, at)
	}
	change(&d)
	book := deployment.NewBook()
	book.Add(d)
	s := &fake.Server{Region: "eu-west-1", Account: "123456789012", Book: book, Definitions: func() map[string]json.RawMessage {
		described := func(revision string) json.RawMessage {
			return json.RawMessage(`{"taskDefinitionArn":"` + definition + revision + `"}`)
		}
		return map[string]json.RawMessage{definition + "1": described("1"), definition + "2": described("2")}
	}}
	return serve(t, s, "eu-west-1"), s
}

// A controller's good word is no release that serves: which revision does is looked up.
func TestAGoodWordIsNotTakenForARelease(t *testing.T) {
	finish := func(d *deployment.Deployment, status deployment.Status) {
		d.Finish(status, time.Now(), &deployment.Error{Message: "because"})
	}
	for name, c := range map[string]struct {
		id     string
		change func(*deployment.Deployment)
		phase  rollout.Phase
		reason string
	}{
		"native: it serves": {native, func(d *deployment.Deployment) { finish(d, deployment.Succeeded) }, rollout.Live, "because"},
		"native: no task of it runs": {native, func(d *deployment.Deployment) {
			d.SetRunning(deployment.Green, 0)
			finish(d, deployment.Succeeded)
		}, rollout.Ended, "Amazon ECS says SUCCESSFUL, and the new revision does not serve, or not alone"},
		"native: not all of the traffic is its": {native, func(d *deployment.Deployment) {
			d.Shift(10)
			finish(d, deployment.Succeeded)
		}, rollout.Ended, "Amazon ECS says SUCCESSFUL, and the new revision does not serve, or not alone"},
		"native: rolled back":     {native, func(d *deployment.Deployment) { finish(d, deployment.RolledBack) }, rollout.RolledBack, "because"},
		"native: not rolled back": {native, func(d *deployment.Deployment) { finish(d, deployment.Failed) }, rollout.Ended, "because"},
		"native: stopped":         {native, func(d *deployment.Deployment) { finish(d, deployment.Stopped) }, rollout.Ended, "because"},
		"CodeDeploy: it serves":   {"d-ABCDEFGHI", func(d *deployment.Deployment) { finish(d, deployment.Succeeded) }, rollout.Live, "because"},
		"CodeDeploy: old one does": {"d-ABCDEFGHI", func(d *deployment.Deployment) {
			d.TaskSets[0].Status, d.TaskSets[1].Status = "PRIMARY", "ACTIVE"
			finish(d, deployment.Succeeded)
		}, rollout.Ended, "CodeDeploy says Succeeded, and another revision serves: " + definition + "1"},
		"CodeDeploy: no task of it runs": {"d-ABCDEFGHI", func(d *deployment.Deployment) {
			d.SetRunning(deployment.Green, 0)
			finish(d, deployment.Succeeded)
		}, rollout.Ended, "CodeDeploy says Succeeded, and no task of the new revision runs"},
		"CodeDeploy: whoever stopped it had it rolled back": {"d-ABCDEFGHI", func(d *deployment.Deployment) {
			d.AutoRollback = false
			finish(d, deployment.Stopped)
		}, rollout.RollingBack, "because"},
		"CodeDeploy: its rollback is to come": {"d-ABCDEFGHI", func(d *deployment.Deployment) { finish(d, deployment.Failed) }, rollout.RollingBack, "because"},
		"CodeDeploy: no rollback came": {"d-ABCDEFGHI", func(d *deployment.Deployment) {
			d.Finish(deployment.Failed, time.Now().Add(-time.Minute), &deployment.Error{Message: "because"})
		}, rollout.Ended, "because"},
		"CodeDeploy: it begins": {"d-ABCDEFGHI", func(d *deployment.Deployment) { d.Begin(lifecycle.BeforeInstall, time.Now()) }, rollout.UnderWay, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := one(t, c.id, c.change)
			controller, err := a.Of(c.id)
			if err != nil {
				t.Fatal(err)
			}
			s, err := controller.Look(t.Context(), c.id)
			if err != nil || s.Phase != c.phase || s.Reason != c.reason || s.Definition != definition+"2" || strings.Join(s.Functions, " ") != "gate" {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// What may not be looked up is no end.
func TestWhatCannotBeSeenIsAnError(t *testing.T) {
	for _, id := range []string{native, "d-ABCDEFGHI"} {
		a, s := one(t, id, func(d *deployment.Deployment) { d.Finish(deployment.Succeeded, time.Now(), nil) })
		s.Bend = func(w http.ResponseWriter, _ *http.Request, c fake.Call) bool {
			if c.Operation == "DescribeServices" {
				fake.Refuse(w, c, &fake.Fault{Code: "AccessDeniedException", Message: "no"})
			}
			return c.Operation == "DescribeServices"
		}
		controller, _ := a.Of(id)
		if s, err := controller.Look(t.Context(), id); s.Phase.Over() || err == nil || !strings.Contains(err.Error(), "which revision serves cannot be looked up: ecs DescribeServices: AccessDeniedException: no") {
			t.Errorf("%s: %v, %v", id, s.Phase, err)
		}
	}
}

// An answer that lacks what was asked for is no answer.
func TestAnEmptyAnswerIsAnError(t *testing.T) {
	a, s := one(t, "d-ABCDEFGHI", func(*deployment.Deployment) {})
	s.Bend = func(w http.ResponseWriter, _ *http.Request, c fake.Call) bool {
		if c.Operation == "GetApplicationRevision" {
			_, _ = io.WriteString(w, "{}")
		}
		return c.Operation == "GetApplicationRevision"
	}
	_, err := rollout.CodeDeploy{AWS: &a}.Look(t.Context(), "d-ABCDEFGHI")
	if err == nil || err.Error() != "codedeploy GetApplicationRevision: the answer holds no AppSpec" {
		t.Error(err)
	}
}

// A deployment is begun once: a call that broke off may have been carried out.
func TestADeploymentIsBegunOnce(t *testing.T) {
	var calls atomic.Int32
	a := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}), "eu-west-1")
	_, err := rollout.CodeDeploy{AWS: &a, Application: "a", Group: "g"}.Begin(t.Context(), "", "x", "")
	if !errors.Is(err, rollout.ErrUnclear) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// The console's pages are those of the partition.
func TestALinkIsOfItsPartition(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "https://console.aws.amazon.com/", "cn-north-1": "https://console.amazonaws.cn/",
		"us-gov-west-1": "https://console.amazonaws-us-gov.com/",
	} {
		_, s := one(t, native, func(*deployment.Deployment) {})
		a := serve(t, s, region)
		controller, _ := a.Of(native)
		if seen, err := controller.Look(t.Context(), native); err != nil || !strings.HasPrefix(seen.Link, want) || !strings.HasSuffix(seen.Link, "?region="+region) {
			t.Errorf("%s: %q, %v", region, seen.Link, err)
		}
	}
}

// A decision is kept as a tag can hold it.
func TestADecisionIsKeptInWhatATagMayHold(t *testing.T) {
	a, _ := one(t, native, func(*deployment.Deployment) {})
	s := rollout.State{Definition: definition + "2"}
	if kept, _, err := a.Kept(t.Context(), s); kept != "" || err != nil {
		t.Errorf("nothing was kept: %q, %v", kept, err)
	}
	for _, why := range []string{"first", "5 % – größer\n" + strings.Repeat("é", 300)} {
		if err := a.Keep(t.Context(), s, "approved by ann", why); err != nil {
			t.Fatal(err)
		}
	}
	kept, _, err := a.Kept(t.Context(), s)
	if want := "approved by ann: 5 _ _ größer_" + strings.Repeat("é", 256-13); kept != want || err != nil {
		t.Errorf("%q, %v", kept, err)
	}
}

// What a gate asks is what the deployment waits for, until the gate has a verdict or its time is over.
func TestAGateThatAsksIsWaitedFor(t *testing.T) {
	line := func(id, event, more string) string {
		return `{"event":"` + event + `","deployment_id":"` + id + `","lifecycle_event":"BeforeAllowTraffic","timestamp":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","reason":"blue is ill"` + more + `}`
	}
	asks := func(id string, left time.Duration) string {
		return line(id, "ask", `,"question":"1/BeforeAllowTraffic/now","until":"`+time.Now().Add(left).UTC().Format(time.RFC3339)+`"`)
	}
	for _, id := range []string{native, "d-1A2B3C4D5"} {
		for name, tc := range map[string]struct {
			lines []string
			want  rollout.Phase
		}{
			"it asks":               {[]string{line(id, "verdict", ""), asks(id, time.Hour)}, rollout.Waits},
			"it asks again":         {[]string{asks(id, time.Hour), line(id, "verdict", ""), asks(id, time.Hour)}, rollout.Waits},
			"it was answered":       {[]string{asks(id, time.Hour), line(id, "verdict", "")}, rollout.UnderWay},
			"its time is over":      {[]string{asks(id, -time.Second)}, rollout.UnderWay},
			"another deployment":    {[]string{asks("d-OTHER", time.Hour)}, rollout.UnderWay},
			"it is no line of ours": {[]string{"asks", `{"event":"ask","deployment_id":"` + id + `"}`, `{"event":"ask","deployment_id":"` + id + `","question":"q","until":"soon"}`}, rollout.UnderWay},
		} {
			a, server := one(t, id, func(d *deployment.Deployment) { d.Begin(d.Events[0].Name, time.Now()) })
			for _, text := range tc.lines {
				server.Log("/aws/lambda/gate", "s", text)
			}
			controller, _ := a.Of(id)
			s, err := controller.Look(t.Context(), id)
			if err != nil || s.Unread != nil || s.Phase != tc.want || (s.Wait != nil) != (tc.want == rollout.Waits) {
				t.Errorf("%s, %s: %s %+v %v %v, want %s", id, name, s.Phase, s.Wait, err, s.Unread, tc.want)
				continue
			}
			if s.Wait == nil {
				continue
			}
			if !strings.Contains(s.Wait.Ends, "the gate is inconclusive: blue is ill; until 20") || s.Wait.Question != "1/BeforeAllowTraffic/now" {
				t.Errorf("%s: %+v", name, s.Wait)
			}
			if _, answered, err := a.Kept(t.Context(), s); answered || err != nil {
				t.Errorf("%s: nobody answered: %v", name, err)
			}
			if err := a.Keep(t.Context(), s, "approved by ann at noon", "fine"); err != nil {
				t.Error(err)
			}
			if text, answered, err := a.Kept(t.Context(), s); !answered || err != nil || text != "approved by ann at noon: fine" {
				t.Errorf("%s: %q, %v, %v", name, text, answered, err)
			}
			s.Wait.Question = "1/BeforeAllowTraffic/later"
			if _, answered, _ := a.Kept(t.Context(), s); answered {
				t.Errorf("%s: it answers another question, too", name)
			}
		}
	}
}

// Whether a gate asks is not known where its log cannot be read, and that is told; the deployment is still seen.
func TestALogThatCannotBeReadIsTold(t *testing.T) {
	a, server := one(t, native, func(*deployment.Deployment) {})
	server.Bend = func(w http.ResponseWriter, _ *http.Request, c fake.Call) bool {
		if c.Operation == "FilterLogEvents" {
			fake.Refuse(w, c, &fake.Fault{Code: "AccessDeniedException"})
			return true
		}
		return false
	}
	controller, _ := a.Of(native)
	if s, err := controller.Look(t.Context(), native); err != nil || s.Phase != rollout.UnderWay || s.Unread == nil || !strings.Contains(s.Unread.Error(), "AccessDenied") {
		t.Errorf("%+v, %v", s, err)
	}
}

// To stop a deployment that waits for a gate is to stop it, and not to end a PAUSE.
func TestADeploymentWhoseGateAsksCanBeStopped(t *testing.T) {
	a, server := one(t, native, func(*deployment.Deployment) {})
	var called []string
	server.Bend = func(_ http.ResponseWriter, _ *http.Request, c fake.Call) bool {
		called = append(called, c.Operation)
		return false
	}
	controller, _ := a.Of(native)
	s := rollout.State{ID: native, Wait: &rollout.Wait{Question: "q"}}
	if err := controller.Decide(t.Context(), s, false); err != nil || strings.Join(called, " ") != "StopServiceDeployment" {
		t.Errorf("%v, %v", called, err)
	}
	if err := controller.Decide(t.Context(), s, true); err == nil {
		t.Errorf("what nobody approved was stopped, or went on: %v", called)
	}
}

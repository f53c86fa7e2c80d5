package payload_test

import (
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

func TestParse(t *testing.T) {
	got, err := payload.Parse([]byte(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"eyJ=="}`))
	if want := (payload.Event{DeploymentID: "d-1A2B3C4D5", HookExecutionID: "eyJ=="}); err != nil || got != want {
		t.Errorf("Parse = %+v, %v, want %+v", got, err, want)
	}
}

func TestAHookThatInvokesItselfCounts(t *testing.T) {
	ev := payload.Event{DeploymentID: "d-1", HookExecutionID: "e"}
	for call := 1; call <= 3; call++ {
		got, err := payload.Parse(ev.Next())
		if ev.Call = call; err != nil || got != ev || payload.IsStage(ev.Next()) {
			t.Errorf("call %d: %+v, %v", call, got, err)
		}
	}
}

func TestParseRefusesWhatCannotBeAnswered(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "not a JSON object",
		`null`:                   "DeploymentId is missing",
		`[]`:                     "not a JSON object",
		`"d-1"`:                  "not a JSON object",
		`{`:                      "not a JSON object",
		`{"DeploymentId":"d-1"}`: "LifecycleEventHookExecutionId is missing",
		`{"deploymentId":"d-1","LifecycleEventHookExecutionId":"e"}`:                               "DeploymentId is missing",
		`{"DeploymentId":7,"LifecycleEventHookExecutionId":"e"}`:                                   "DeploymentId is not a string",
		`{"DeploymentId":null,"LifecycleEventHookExecutionId":"e"}`:                                "DeploymentId is not a string",
		`{"DeploymentId":" ","LifecycleEventHookExecutionId":"e"}`:                                 "DeploymentId is empty",
		`{"DeploymentId":"d-1","LifecycleEventHookExecutionId":""}`:                                "LifecycleEventHookExecutionId is empty",
		`{"DeploymentId":"d-1\n","LifecycleEventHookExecutionId":"e"}`:                             "control characters",
		`{"DeploymentId":"d-1\u001b[31m","LifecycleEventHookExecutionId":"e"}`:                     "control characters",
		`{"DeploymentId":"` + strings.Repeat("d", 5000) + `","LifecycleEventHookExecutionId":"e"}`: "5000 bytes",
		`{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e","GreenlightCall":0}`:            "GreenlightCall is not a number of calls",
		`{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e","GreenlightCall":"1"}`:          "GreenlightCall is not a number of calls",
		`{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e","GreenlightCall":1e99}`:         "GreenlightCall is not a number of calls",
		// What an EventBridge rule or a test event of the console would send.
		`{"detail-type":"CodeDeploy Deployment State-change Notification","detail":{"deploymentId":"d-1"}}`: "DeploymentId is missing",
	} {
		if _, err := payload.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.60q) = %v, want an error with %q", text, err, want)
		}
	}
}

// FuzzParse holds that an accepted event can be answered, and comes back the same when sent again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"eyJ=="}`))
	f.Add([]byte(`{"DeploymentId":"d-1","DeploymentId":"d-2","LifecycleEventHookExecutionId":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ev, err := payload.Parse(text)
		if err != nil {
			return
		}
		if ev.DeploymentID == "" || ev.HookExecutionID == "" {
			t.Fatalf("accepted an event without ids: %+v", ev)
		}
		next := ev
		next.Call++
		if got, err := payload.Parse(ev.Next()); err != nil || got != next && ev.Call+1 > 0 {
			t.Fatalf("sent again: %+v, %v, want %+v", got, err, ev)
		}
	})
}

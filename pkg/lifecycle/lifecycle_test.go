package lifecycle_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

func TestParse(t *testing.T) {
	got, err := lifecycle.Parse([]byte(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"eyJ=="}`))
	if want := (lifecycle.Event{DeploymentID: "d-1A2B3C4D5", HookExecutionID: "eyJ=="}); err != nil || got != want {
		t.Errorf("Parse = %+v, %v, want %+v", got, err, want)
	}
}

func TestParseRefusesWhatCannotBeAnswered(t *testing.T) {
	for payload, want := range map[string]string{
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
		// What an EventBridge rule or a test event of the console would send.
		`{"detail-type":"CodeDeploy Deployment State-change Notification","detail":{"deploymentId":"d-1"}}`: "DeploymentId is missing",
	} {
		if _, err := lifecycle.Parse([]byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.60q) = %v, want an error with %q", payload, err, want)
		}
	}
}

// FuzzParse holds that an accepted event can be answered, and comes back the same when sent again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"eyJ=="}`))
	f.Add([]byte(`{"DeploymentId":"d-1","DeploymentId":"d-2","LifecycleEventHookExecutionId":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		ev, err := lifecycle.Parse(payload)
		if err != nil {
			return
		}
		if ev.DeploymentID == "" || ev.HookExecutionID == "" {
			t.Fatalf("accepted an event without ids: %+v", ev)
		}
		again, err := json.Marshal(map[string]string{"DeploymentId": ev.DeploymentID, "LifecycleEventHookExecutionId": ev.HookExecutionID})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := lifecycle.Parse(again); err != nil || got != ev {
			t.Fatalf("sent again: %+v, %v, want %+v", got, err, ev)
		}
	})
}

func TestEveryHookableEventIsALifecycleEvent(t *testing.T) {
	var hookable []lifecycle.Name
	for _, n := range lifecycle.All() {
		if n.TakesHook() {
			hookable = append(hookable, n)
		}
	}
	if len(hookable) != 5 || len(lifecycle.All()) != 8 {
		t.Errorf("%d of %d lifecycle events take hooks, want 5 of 8", len(hookable), len(lifecycle.All()))
	}
}

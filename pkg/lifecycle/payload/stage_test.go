package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

const (
	deploymentARN = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/s/1"
	green, blue   = "arn:aws:ecs:eu-west-1:123456789012:service-revision/c/s/2", "arn:aws:ecs:eu-west-1:123456789012:service-revision/c/s/1"
)

func TestParseStage(t *testing.T) {
	nested := `{"executionId":"x","lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT","resourceArn":"` + deploymentARN + `","executionDetails":{"serviceArn":"arn:s","targetServiceRevisionArn":"` + green + `","productionTrafficWeights":{"` + green + `":100,"` + blue + `":0}}}`
	rollback := `{"executionId":"x","lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT","resourceArn":"` + deploymentARN + `","executionDetails":{"serviceArn":"arn:s","targetServiceRevisionArn":"` + green + `","productionTrafficWeights":{"` + green + `":0,"` + blue + `":100}}}`
	flat := `{"executionId":"x","lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT","resourceArn":"` + deploymentARN + `","serviceArn":"arn:s","targetServiceRevisionArn":"` + green + `","productionTrafficWeights":{"` + green + `":100}}`
	want := payload.StageEvent{Stage: lifecycle.ProductionTrafficShift, Deployment: deploymentARN, Service: "arn:s", TargetRevision: green}
	for name, tc := range map[string]struct {
		payload  string
		rollback bool
		share    float64
	}{"nested": {nested, false, 100}, "rollback": {rollback, true, 0}, "as in early 2025": {flat, false, 100}} {
		want.Rollback, want.ProductionShare, want.ShareKnown, want.Weighted = tc.rollback, tc.share, tc.share != 0, true
		if got, err := payload.ParseStage([]byte(tc.payload)); err != nil || got != want || !payload.IsStage([]byte(tc.payload)) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
}

// Before production traffic moves the target has weight 0 in every deployment: that is no rollback.
func TestWeightsBeforeTheShiftAreNoRollback(t *testing.T) {
	got, err := payload.ParseStage([]byte(`{"lifecycleStage":"PRE_PRODUCTION_TRAFFIC_SHIFT","executionDetails":{"targetServiceRevisionArn":"` + green + `","productionTrafficWeights":{"` + green + `":0,"` + blue + `":100}}}`))
	if err != nil || got.Rollback {
		t.Errorf("%+v, %v", got, err)
	}
}

// A baseline is what production serves and is not the new release: what nobody knows is not taken for 0.
func TestHowMuchOfProductionIsGreen(t *testing.T) {
	both := func(g, b string) string {
		return `,"productionTrafficWeights":{"` + green + `":` + g + `,"` + blue + `":` + b + `}`
	}
	for _, tc := range []struct {
		stage, weights string
		share          float64
		known          bool
	}{
		{"TEST_TRAFFIC_SHIFT", "", 0, true},
		{"POST_TEST_TRAFFIC_SHIFT", "", 0, true},
		{"POST_TEST_TRAFFIC_SHIFT", both("5", "95"), 5, true},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", "", 0, false},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", `,"productionTrafficWeights":{}`, 0, false},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", `,"productionTrafficWeights":{"` + green + `":0}`, 0, false},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", both("0", "100"), 0, true},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", `,"productionTrafficWeights":{"` + blue + `":100}`, 0, true},
		{"PRE_PRODUCTION_TRAFFIC_SHIFT", both("10", "90"), 10, true},
		{"PRODUCTION_TRAFFIC_SHIFT", both("0", "100"), 0, false},
		{"PRODUCTION_TRAFFIC_SHIFT", both("100", "0"), 100, true},
	} {
		text := `{"lifecycleStage":"` + tc.stage + `","executionDetails":{"targetServiceRevisionArn":"` + green + `"` + tc.weights + `}}`
		ev, err := payload.ParseStage([]byte(text))
		if err != nil || ev.ProductionShare != tc.share || ev.ShareKnown != tc.known {
			t.Errorf("%s%s: %g, known %v, %v; want %g, known %v", tc.stage, tc.weights, ev.ProductionShare, ev.ShareKnown, err, tc.share, tc.known)
		}
	}
}

// A rollback opens the gate: only weights that name the release and give it nothing are one.
func TestWeightsWithoutTheReleaseAreNoRollback(t *testing.T) {
	for weights, want := range map[string]bool{
		`{"` + green + `":0,"` + blue + `":100}`: true, `{"` + blue + `":100}`: false, `{}`: false, `{"` + green + `":0}`: false, `{"` + green + `":1,"` + blue + `":99}`: false,
	} {
		ev, err := payload.ParseStage([]byte(`{"lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT","executionDetails":{"targetServiceRevisionArn":"` + green + `","productionTrafficWeights":` + weights + `}}`))
		if err != nil || ev.Rollback != want {
			t.Errorf("%s: rollback %v, %v; want %v", weights, ev.Rollback, err, want)
		}
	}
}

// Weights are whole per cents of one traffic: what they do not add up to is no number to judge by, and a rollback is
// still one.
func TestWeightsAddUp(t *testing.T) {
	for weights, want := range map[string]string{
		`{}`: "", `{"` + green + `":0}`: "", `{"` + green + `":33,"` + blue + `":67}`: "", `{"` + green + `":33,"` + blue + `":66}`: "", `{"` + green + `":101}`: "",
		`{"` + green + `":0,"` + blue + `":90}`: "do not add up: 90 %", `{"` + green + `":60,"` + blue + `":60}`: "do not add up: 120 %",
		`{"` + green + `":-5,"` + blue + `":105}`: "the least -5",
	} {
		for _, member := range []string{"productionTrafficWeights", "testTrafficWeights"} {
			ev, err := payload.ParseStage([]byte(`{"lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT","executionDetails":{"targetServiceRevisionArn":"` + green + `","` + member + `":` + weights + `}}`))
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", member, weights, err, want)
			}
			if weighted := weights != `{}` && weights != `{"`+green+`":0}`; member[0] == 'p' && (ev.Weighted != weighted || ev.Stage == "") {
				t.Errorf("%s: weighted %v at %q", weights, ev.Weighted, ev.Stage)
			}
		}
	}
}

func TestCodeDeploysEventIsNoStage(t *testing.T) {
	if payload.IsStage([]byte(`{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e","lifecycleStage":"X"}`)) {
		t.Error("an event of CodeDeploy is taken for a stage")
	}
}

func TestOnlySucceededAnswersSucceeded(t *testing.T) {
	for status, want := range map[lifecycle.Status]string{lifecycle.Succeeded: `{"hookStatus":"SUCCEEDED"}`, lifecycle.Failed: `{"hookStatus":"FAILED"}`, "": `{"hookStatus":"FAILED"}`} {
		if got, _ := json.Marshal(payload.Answer(status)); string(got) != want {
			t.Errorf("%q: %s, want %s", status, got, want)
		}
	}
}

// FuzzParseStage holds that whatever is taken for a stage is answered, and that no stage that is unknown
// is one to judge in.
func FuzzParseStage(f *testing.F) {
	f.Add([]byte(`{"lifecycleStage":"POST_TEST_TRAFFIC_SHIFT","executionDetails":{"targetServiceRevisionArn":"x","testTrafficWeights":{"x":1}}}`))
	f.Add([]byte(`{"lifecycleStage":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ev, err := payload.ParseStage(text)
		if err != nil || !payload.IsStage(text) {
			return
		}
		if ev.Stage == "" {
			t.Fatal("accepted an event without a stage")
		}
		if n, ok := ev.Stage.Event(); ok && !n.TakesHook() {
			t.Fatalf("%q is taken for %q, which takes no hook", ev.Stage, n)
		}
	})
}

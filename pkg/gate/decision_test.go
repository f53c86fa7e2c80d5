package gate_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// The map from verdicts to statuses is total: what is not named here as open is shut.
func TestOnlyAPassOpensByItself(t *testing.T) {
	for _, verdict := range []smoke.Verdict{"", smoke.Pass, smoke.Fail, smoke.Error, smoke.Inconclusive, smoke.Skipped, "pass", "PASSED", "Succeeded"} {
		want := lifecycle.Failed
		if verdict == smoke.Pass {
			want = lifecycle.Succeeded
		}
		if got := (gate.Decision{Verdict: verdict}).Status(); got != want {
			t.Errorf("%q: %s, want %s", verdict, got, want)
		}
		if got := (gate.Decision{Verdict: verdict, InconclusiveAllowed: true}).Status(); got != want {
			t.Errorf("%q, with a policy that nobody applied: %s, want %s", verdict, got, want)
		}
	}
}

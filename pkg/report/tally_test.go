package report

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// TestACheckOwnsItsSetup: its attempts may all have held.
func TestACheckOwnsItsSetup(t *testing.T) {
	for want, c := range map[string]finding.CheckResult{
		"its setup did not hold":    {Reason: "setup: 1 of 1 attempts failed: step 1"},
		"its teardown did not hold": {Reason: "teardown: 1 of 1 attempts failed: step 1", Attempts: 5},
		"2 of 5 attempts failed":    {Reason: "2 of 5 attempts failed: teardown: x", Attempts: 5, Failures: 2},
		"all 5 attempts held":       {Attempts: 5},
	} {
		if got := tally(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package smoke_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

func TestTheWorstVerdictWins(t *testing.T) {
	order := []smoke.Verdict{smoke.Pass, smoke.Inconclusive, smoke.Error, smoke.Fail}
	for i, a := range order {
		for j, b := range order {
			if got, want := smoke.Worst(a, b), order[max(i, j)]; got != want {
				t.Errorf("Worst(%s, %s) = %s, want %s", a, b, got, want)
			}
		}
	}
}

func TestAnUnknownVerdictIsAnError(t *testing.T) {
	for _, v := range []smoke.Verdict{"", "pass", "Successful", smoke.Skipped} {
		if got := smoke.Worst(smoke.Pass, v); got != smoke.Error {
			t.Errorf("Worst(PASS, %q) = %s, want ERROR", v, got)
		}
	}
}

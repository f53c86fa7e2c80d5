package finding_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

func TestTheWorstVerdictWins(t *testing.T) {
	order := []finding.Verdict{finding.Pass, finding.Inconclusive, finding.Error, finding.Fail}
	for i, a := range order {
		for j, b := range order {
			if got, want := finding.Worst(a, b), order[max(i, j)]; got != want {
				t.Errorf("Worst(%s, %s) = %s, want %s", a, b, got, want)
			}
		}
	}
}

func TestAnUnknownVerdictIsAnError(t *testing.T) {
	for _, v := range []finding.Verdict{"", "pass", "Successful", finding.Skipped} {
		if got := finding.Worst(finding.Pass, v); got != finding.Error {
			t.Errorf("Worst(PASS, %q) = %s, want ERROR", v, got)
		}
	}
}

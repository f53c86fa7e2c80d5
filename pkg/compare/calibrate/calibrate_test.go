package calibrate_test

import (
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/compare/calibrate"
)

// The short form of what `make bench` prints, with 2,000 runs a row, in full.
func TestEqualSidesFailNoMoreSuitesThanAlpha(t *testing.T) {
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{20, 100} {
			s := calibrate.Scenario{Checks: 3, Pairs: pairs, Median: 100 * time.Millisecond, Sigma: sigma}
			tally := calibrate.Run(s, 400, 1)
			if tally.FailRate() > compare.Alpha {
				t.Errorf("sigma %.1f, %d pairs: %d of %d suites fail, want at most 1 %%", sigma, pairs, tally.Failed, tally.Runs)
			}
			if tally.Passed+tally.Failed != tally.Runs {
				t.Errorf("sigma %.1f, %d pairs: %+v does not add up", sigma, pairs, tally)
			}
		}
	}
}

func TestWhatIsClearlyWorseIsFound(t *testing.T) {
	base := calibrate.Scenario{Checks: 3, Pairs: 100, Median: 100 * time.Millisecond, Sigma: 0.3}
	for name, c := range map[string]struct {
		set   func(*calibrate.Scenario)
		least float64
	}{
		"60 % slower":   {func(s *calibrate.Scenario) { s.Shift = 1.6 }, 0.95},
		"twice as slow": {func(s *calibrate.Scenario) { s.Shift = 2 }, 0.99},
		"20 % hangs":    {func(s *calibrate.Scenario) { s.Hangs = 0.2 }, 0.95},
		"20 % errors":   {func(s *calibrate.Scenario) { s.Errors = 0.2 }, 0.95},
		"20 % stalls":   {func(s *calibrate.Scenario) { s.Stalls = 0.2 }, 0.95},
	} {
		s := base
		c.set(&s)
		if got := calibrate.Run(s, 100, 1).FailRate(); got < c.least {
			t.Errorf("%s: found in %.0f %% of the suites, want %.0f %%", name, 100*got, 100*c.least)
		}
	}
}

func TestTooFewPairsAreInconclusive(t *testing.T) {
	s := calibrate.Scenario{Checks: 2, Pairs: 19, Median: time.Second, Sigma: 0.3}
	if got := calibrate.Run(s, 10, 1); got.Inconclusive != 10 {
		t.Errorf("%+v, want 10 inconclusive", got)
	}
}

package main

import (
	"math/rand/v2"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// The short form of what `make bench` prints, with 2,000 runs a row, in full.
func TestEqualSidesFailNoMoreSuitesThanAlpha(t *testing.T) {
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{20, 100} {
			if got := (scenario{pairs: pairs, sigma: sigma}).failRate(400, 1); got > compare.Alpha {
				t.Errorf("sigma %.1f, %d pairs: %.1f %% of the suites fail, want at most 1 %%", sigma, pairs, 100*got)
			}
		}
	}
}

func TestWhatIsClearlyWorseIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		worse scenario
		least float64
	}{
		"60 % slower":   {scenario{shift: 1.6}, 0.95},
		"twice as slow": {scenario{shift: 2}, 0.99},
		"20 % errors":   {scenario{errors: 0.2}, 0.95},
		"20 % stalls":   {scenario{stalls: 0.2}, 0.95},
	} {
		c.worse.pairs, c.worse.sigma = 100, 0.3
		if got := c.worse.failRate(100, 1); got < c.least {
			t.Errorf("%s: found in %.0f %% of the suites, want %.0f %%", name, 100*got, 100*c.least)
		}
	}
}

func TestTooFewPairsAreInconclusive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	sample := scenario{pairs: 19, sigma: 0.3}.sample(rng, false)
	for _, r := range compare.Judge([]compare.Sample{sample, sample}) {
		if r.Outcome != compare.Inconclusive {
			t.Errorf("got %v, want inconclusive", r.Outcome)
		}
	}
}

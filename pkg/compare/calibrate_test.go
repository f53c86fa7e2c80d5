package compare_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// scenario is a suite of checks with lognormal latencies whose truth is known. The first check's green side is worse by
// shift, errors and stalls; the others' are the same as blue.
type scenario struct {
	pairs int
	// sigma is the spread of a latency's logarithm: 0.3 is a quiet service, 0.9 one with a heavy tail (the 95th
	// percentile is 4.4 times the median).
	sigma float64
	// shift is what green's latencies are multiplied by; 0 means 1.
	shift float64
	// errors is the share of green's responses that fail, or never come.
	errors float64
	// stalls is the share of green's responses that come, but 20 medians late.
	stalls float64
}

// runs is 2,000 for the figures in buildtools/bench/README.md: go test -v ./pkg/compare -runs 2000.
var runs = flag.Int("runs", 400, "how many suites of equal sides are judged")

const (
	simulatedChecks = 3
	simulatedMedian = 100 * time.Millisecond // of every latency on the blue side
)

// failRate judges the scenario so many times, and returns the share of suites that fail. The same seed gives the same.
func (s scenario) failRate(runs int, seed uint64) float64 {
	rng := rand.New(rand.NewPCG(seed, 0x6772656e)) // repeatable
	failed := 0
	for range runs {
		samples := make([]compare.Sample, simulatedChecks)
		for i := range samples {
			samples[i] = s.sample(rng, i == 0)
		}
		if slices.ContainsFunc(compare.Judge(samples), func(r compare.Result) bool { return r.Outcome == compare.Fail }) {
			failed++
		}
	}
	return float64(failed) / float64(runs)
}

func (s scenario) sample(rng *rand.Rand, worse bool) compare.Sample {
	pairs := make([]compare.Pair, s.pairs)
	for i := range pairs {
		pairs[i] = compare.Pair{Green: s.shot(rng), Blue: s.shot(rng)}
		if worse {
			s.worsen(rng, &pairs[i].Green)
		}
	}
	return compare.Sample{Pairs: pairs}
}

func (s scenario) shot(rng *rand.Rand) compare.Shot {
	return compare.Shot{Latency: time.Duration(float64(simulatedMedian) * math.Exp(s.sigma*rng.NormFloat64()))}
}

func (s scenario) worsen(rng *rand.Rand, shot *compare.Shot) {
	if s.shift > 0 {
		shot.Latency = time.Duration(s.shift * float64(shot.Latency))
	}
	if rng.Float64() < s.stalls {
		shot.Latency += 20 * simulatedMedian
	}
	shot.Failed = rng.Float64() < s.errors
}

func TestEqualSidesFailNoMoreSuitesThanAlpha(t *testing.T) {
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{20, 40, 100} {
			got := (scenario{pairs: pairs, sigma: sigma}).failRate(*runs, 1)
			t.Logf("sigma %.1f, %d pairs: %.2f %%", sigma, pairs, 100*got)
			if got > compare.Alpha {
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
		"25 % slower":   {scenario{shift: 1.25}, 0}, // for whoever wants to know
		"5 % errors":    {scenario{errors: 0.05}, 0},
		"8 % errors":    {scenario{errors: 0.08}, 0},
		"60 % slower":   {scenario{shift: 1.6}, 0.95},
		"twice as slow": {scenario{shift: 2}, 0.99},
		"20 % errors":   {scenario{errors: 0.2}, 0.95},
		"20 % stalls":   {scenario{stalls: 0.2}, 0.95},
	} {
		c.worse.pairs, c.worse.sigma = 100, 0.3
		got := c.worse.failRate(100, 1)
		t.Logf("%s: found in %.0f %%", name, 100*got)
		if got < c.least {
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

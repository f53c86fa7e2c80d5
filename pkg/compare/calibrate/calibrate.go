// Package calibrate measures how often the rules of pkg/compare are wrong: suites of simulated checks
// with a known truth are judged many times, and the verdicts counted.
//
// It is for benchmarks and tests. It refuses to be random: the same scenario and seed give the same tally.
package calibrate

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// Scenario is a suite of checks with lognormal latencies. The first check's green side is worse by
// Shift, Errors and Hangs; the others' are the same as blue.
type Scenario struct {
	Checks, Pairs int
	// Median of every latency on the blue side, and Sigma the spread of its logarithm: 0.3 is a
	// quiet service, 0.9 one with a heavy tail (the 95th percentile is 4.4 times the median).
	Median time.Duration
	Sigma  float64
	// Shift is what green's latencies are multiplied by; 0 means 1.
	Shift float64
	// Errors is the share of green's responses that fail.
	Errors float64
	// Hangs is the share of green's responses that never come: the client gives up, so they fail.
	Hangs float64
	// Stalls is the share of green's responses that come, but 20 medians late.
	Stalls float64
}

// Tally counts the verdicts of simulated suites: the worst of a suite's checks.
type Tally struct{ Runs, Passed, Failed, Inconclusive int }

// FailRate is the share of suites that failed.
func (t Tally) FailRate() float64 { return float64(t.Failed) / float64(t.Runs) }

// Run judges the scenario so many times.
func Run(s Scenario, runs int, seed uint64) Tally {
	rng := rand.New(rand.NewPCG(seed, 0x6772656e)) //nolint:gosec // must be repeatable, not secret
	t := Tally{Runs: runs}
	for range runs {
		samples := make([]compare.Sample, s.Checks)
		for i := range samples {
			samples[i] = s.sample(rng, i == 0)
		}
		switch worst(compare.Judge(samples)) {
		case compare.Pass:
			t.Passed++
		case compare.Fail:
			t.Failed++
		default:
			t.Inconclusive++
		}
	}
	return t
}

func (s Scenario) sample(rng *rand.Rand, worse bool) compare.Sample {
	pairs := make([]compare.Pair, s.Pairs)
	for i := range pairs {
		pairs[i] = compare.Pair{Green: s.shot(rng), Blue: s.shot(rng)}
		if worse {
			s.worsen(rng, &pairs[i].Green)
		}
	}
	return compare.Sample{Pairs: pairs}
}

func (s Scenario) shot(rng *rand.Rand) compare.Shot {
	return compare.Shot{Latency: time.Duration(float64(s.Median) * math.Exp(s.Sigma*rng.NormFloat64()))}
}

func (s Scenario) worsen(rng *rand.Rand, shot *compare.Shot) {
	if s.Shift > 0 {
		shot.Latency = time.Duration(s.Shift * float64(shot.Latency))
	}
	if rng.Float64() < s.Stalls {
		shot.Latency += 20 * s.Median
	}
	shot.Failed = rng.Float64() < s.Errors+s.Hangs
}

func worst(results []compare.Result) compare.Outcome {
	worst := compare.Pass
	for _, r := range results {
		switch {
		case r.Outcome == compare.Fail:
			return compare.Fail
		case r.Outcome != compare.Pass:
			worst = compare.Inconclusive
		}
	}
	return worst
}

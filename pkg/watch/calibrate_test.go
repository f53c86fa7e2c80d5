package watch

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

var runs = flag.Int("runs", 300, "how many watches are simulated")

// world is production as it could be: shares of errors, and percentiles that vary from minute to minute.
type world struct {
	requests      int
	errors, worse float64 // shares of failed requests, of both and of green beside
	sigma, slower float64 // of a minute's percentile; slower is green's factor
	drift         float64 // the spread of a load that moves slowly (AR(1), 0.98 a minute)
	same          bool    // blue serves in the same minutes
}

// failRate is the share of watches that fail, by any of the looks.
func (w world) failRate(t *testing.T, runs int) float64 {
	rng := rand.New(rand.NewPCG(1, 2)) // repeatable
	failed := 0
	for range runs {
		s := watching(t, ", logs: [{name: errors, pattern: error}]")
		load, level := 0.0, make([]float64, 20)
		for i := range level {
			load = 0.98*load + math.Sqrt(1-0.98*0.98)*w.drift*rng.NormFloat64()
			level[i] = load
		}
		side := func(served func(i int) bool, share, factor float64) Metrics {
			m := idle(20)
			for i := range level {
				if !served(i) {
					continue
				}
				m.Requests[i], m.Unhealthy[i] = float64(w.requests), 0
				for range w.requests {
					if rng.Float64() < share {
						m.Errors[i]++
					}
				}
				for p := range m.Percentiles {
					m.Percentiles[p][i] = 100 * float64(p+1) * factor * math.Exp(level[i]+w.sigma*rng.NormFloat64())
				}
			}
			return m
		}
		green := side(func(i int) bool { return i >= 10 }, w.errors+w.worse, w.slower)
		blue := side(func(i int) bool { return i < 10 || w.same }, w.errors, 1)
		cut := func(m Metrics, n int) Metrics {
			out := Metrics{Requests: m.Requests[:10+n], Errors: m.Errors[:10+n], Unhealthy: m.Unhealthy[:10+n]}
			for p := range m.Percentiles {
				out.Percentiles[p] = m.Percentiles[p][:10+n]
			}
			return out
		}
		for n := 1; n <= 10; n++ { // lines of logs as many as errors
			g, b := cut(green, n), cut(blue, n)
			if Judge(s, Measured{Settled: n, Green: g, Blue: b, Logs: []Lines{{Green: g.Errors, Blue: b.Errors}}}).Verdict == finding.Fail {
				failed++
				break
			}
		}
	}
	return float64(failed) / float64(runs)
}

func TestHowOftenAWatchFails(t *testing.T) {
	for name, tc := range map[string]struct {
		world       world
		least, most float64
	}{
		"equal":                          {world{requests: 200, errors: 0.01, sigma: 0.2, slower: 1}, 0, 0.02},
		"equal, in the same minutes":     {world{requests: 200, errors: 0.01, sigma: 0.2, slower: 1, same: true}, 0, 0.02},
		"equal, a load that moves, same": {world{requests: 200, errors: 0.01, sigma: 0.1, slower: 1, drift: 0.2, same: true}, 0, 0.02},
		// What moves between the minutes before and after looks like the release: only min_ratio is against that.
		"equal, a load that moves": {world{requests: 200, errors: 0.01, sigma: 0.1, slower: 1, drift: 0.2}, 0, 0.04},
		"5 % more errors":          {world{requests: 200, errors: 0.01, worse: 0.05, sigma: 0.2, slower: 1}, 0.99, 1},
		"2 % more errors":          {world{requests: 200, worse: 0.02, sigma: 0.2, slower: 1}, 0.95, 1},
		"1.5 times slower":         {world{requests: 200, sigma: 0.2, slower: 1.5}, 0.95, 1},
	} {
		got := tc.world.failRate(t, *runs)
		t.Logf("%s: %.1f %%", name, 100*got)
		if got < tc.least || got > tc.most {
			t.Errorf("%s: %.1f %% fail, want %.0f to %.0f", name, 100*got, 100*tc.least, 100*tc.most)
		}
	}
}

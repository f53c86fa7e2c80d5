package compare_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

// runs is 1,000 for the tables of `make bench`.
var runs = flag.Int("runs", 100, "how many suites each row of the tables judges")

// What a comparison does by default, as buildtools/smoke/README.md says it.
const (
	pairs  = 300
	warmup = 20
	over   = 30.0 // seconds
	// burst is how long green alone is warmed between two blocks, wide how many requests there are at a time.
	burst = 20.0
	wide  = 8
	limit = 120.0
)

// side is one side of one run: the latency in ms of its k-th request, made at a time in seconds, and whether it fails.
type side func(k int, at float64) (ms float64, failed bool)

// kind makes a side for each run.
type kind func(r *rand.Rand) side

func latency(f func(r *rand.Rand) float64) kind {
	return func(r *rand.Rand) side { return func(int, float64) (float64, bool) { return f(r), false } }
}

func lognormal(median, sigma float64) func(r *rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return median * math.Exp(sigma*r.NormFloat64()) }
}

func plus(ms float64, f func(r *rand.Rand) float64) func(r *rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return ms + f(r) }
}

func either(p float64, a, b func(r *rand.Rand) float64) func(r *rand.Rand) float64 {
	return func(r *rand.Rand) float64 {
		if r.Float64() < p {
			return a(r)
		}
		return b(r)
	}
}

// drift has an AR(1) process of its own in the logarithm of the latencies.
func drift(median, phi, sd float64) kind {
	return func(r *rand.Rand) side {
		x := sd * r.NormFloat64()
		return func(int, float64) (float64, bool) {
			x = phi*x + sd*math.Sqrt(1-phi*phi)*r.NormFloat64()
			return median * math.Exp(x+0.3*r.NormFloat64()), false
		}
	}
}

// hosts is n tasks, asked in turn, each on a host of its own.
func hosts(median float64, n int, sd float64) kind {
	return func(r *rand.Rand) side {
		factor := make([]float64, n)
		for i := range factor {
			factor[i] = math.Exp(sd * r.NormFloat64())
		}
		return func(k int, _ float64) (float64, bool) {
			return median * factor[k%n] * math.Exp(0.3*r.NormFloat64()), false
		}
	}
}

// cold is n tasks whose first answers take longer by a factor, which decays with their requests.
func cold(median, factor, decay float64, n int) kind {
	return func(r *rand.Rand) side {
		return func(k int, _ float64) (float64, bool) {
			return median * (1 + (factor-1)*math.Exp(-float64(k/n)/decay)) * math.Exp(0.3*r.NormFloat64()), false
		}
	}
}

// fills is a cache: half of the first requests miss, which costs 300 ms.
func fills(decay float64) kind {
	return func(r *rand.Rand) side {
		return func(k int, _ float64) (float64, bool) {
			ms := 50 * math.Exp(0.3*r.NormFloat64())
			if r.Float64() < 0.5*math.Exp(-float64(k)/decay) {
				ms += 300 * math.Exp(0.3*r.NormFloat64())
			}
			return ms, false
		}
	}
}

// leaks takes 1 ms longer with every request.
func leaks(r *rand.Rand) side {
	return func(k int, _ float64) (float64, bool) { return 100*math.Exp(0.3*r.NormFloat64()) + float64(k), false }
}

// pauses stands still for so many seconds every so many.
func pauses(median, pause, every float64) kind {
	return func(r *rand.Rand) side {
		offset := every * r.Float64()
		return func(_ int, at float64) (float64, bool) {
			ms := median * math.Exp(0.2*r.NormFloat64())
			if since := math.Mod(at+offset, every); since < pause {
				ms += 1000 * (pause - since)
			}
			return ms, false
		}
	}
}

func failing(p float64, k kind) kind {
	return func(r *rand.Rand) side {
		s := k(r)
		return func(k int, at float64) (float64, bool) {
			ms, failed := s(k, at)
			return ms, failed || r.Float64() < p
		}
	}
}

// measured makes one comparison as pkg/smoke does.
func measured(r *rand.Rand, green, blue kind, bound time.Duration) compare.Sample {
	g, b := green(r), blue(r)
	kg, kb, now := warmup, warmup, 1.0
	for k := range warmup {
		g(k, 0)
		b(k, 0)
	}
	shot := func(ms float64, failed bool) compare.Shot {
		return compare.Shot{Latency: time.Duration(ms * 1e6), Failed: failed}
	}
	s := compare.Sample{Bound: bound, MinShift: compare.MinShift, MinRatio: compare.MinRatio}
	first := 0.0
	for {
		var block compare.Block
		for i := range pairs {
			at := now + over*(float64(i)+r.Float64())/pairs
			block.Pairs = append(block.Pairs, compare.Pair{Green: shot(g(kg, at)), Blue: shot(b(kb, at))})
			kg, kb = kg+1, kb+1
		}
		if now += over; first == 0 {
			first = now
		}
		block.After = time.Duration((now - first) * 1e9)
		s.Blocks = append(s.Blocks, block)
		if !s.Again() || now-first+burst+over > limit {
			return s
		}
		for end := now + burst; now < end; kg++ {
			ms, _ := g(kg, now)
			now += max(ms/1000, over/pairs) / wide
		}
	}
}

// answers are the latencies of one side in ms, in the first block.
func answers(s compare.Sample, side func(compare.Pair) compare.Shot) []float64 {
	var all []float64
	for _, p := range s.Blocks[0].Pairs {
		if shot := side(p); !shot.Failed {
			all = append(all, shot.Latency.Seconds()*1000)
		}
	}
	return all
}

func green(p compare.Pair) compare.Shot { return p.Green }
func blue(p compare.Pair) compare.Shot  { return p.Blue }

// kayenta is NetflixACAJudge with its defaults, simplified: a tolerance of 0.25 of the Hodges-Lehmann estimate, a
// confidence of 0.98.
func kayenta(s compare.Sample) bool {
	g, b := answers(s, green), answers(s, blue)
	slices.Sort(g)
	slices.Sort(b)
	n, m := float64(len(g)), float64(len(b))
	low := int(n*m/2 - 2.3263*math.Sqrt(n*m*(n+m+1)/12))
	return difference(g, b, low) > 0.25*math.Abs(difference(g, b, len(g)*len(b)/2))
}

// difference is the one of that rank among all of a value of g and one of b, by bisection.
func difference(g, b []float64, rank int) float64 {
	low, high := g[0]-b[len(b)-1], g[len(g)-1]-b[0]
	for range 40 {
		middle, below, k := (low+high)/2, 0, 0
		for _, x := range g { // how many are not above the middle
			for k < len(b) && x-b[k] > middle {
				k++
			}
			below += len(b) - k
		}
		if below > rank {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// flagger fails at five of ten p99 over twice blue's own, argo at two of five p95 over 1.5 times blue's own.
func flagger(s compare.Sample, p99 float64) bool { return beyond(s, 10, 0.99, 2*p99) >= 5 }
func argo(s compare.Sample, p95 float64) bool    { return beyond(s, 5, 0.95, 1.5*p95) >= 2 }

// beyond is how many parts of green have a percentile over the limit.
func beyond(s compare.Sample, parts int, q, limit float64) (n int) {
	g := answers(s, green)
	for i := range parts {
		part := slices.Sorted(slices.Values(g[i*len(g)/parts : (i+1)*len(g)/parts]))
		if part[min(len(part)-1, int(q*float64(len(part))))] > limit {
			n++
		}
	}
	return n
}

// row is one kind of service, and what is said of it, in percent of the runs.
type row struct {
	name        string
	green, blue kind
	suites      int // how many comparisons the suite has
	bound       float64
	most, least float64 // FAIL
}

func (w row) judge(t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 11)) // repeatable
	var long []float64
	for k := range 20000 {
		ms, _ := w.blue(r)(1000000+k, 0)
		long = append(long, ms)
	}
	slices.Sort(long)
	p95, p99 := long[19000], long[19800]
	var fail, inconclusive, byKayenta, byFlagger, byArgo, blocks int
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	for range *runs {
		var samples []compare.Sample
		var k, f, a bool
		for range max(w.suites, 1) {
			s := measured(r, w.green, w.blue, time.Duration(w.bound*p95*1e6))
			samples = append(samples, s)
			blocks += len(s.Blocks)
			k1, f1, a1 := kayenta(s), flagger(s, p99), argo(s, p95)
			k, f, a = k || k1, f || f1, a || a1
		}
		results := compare.Judge(samples)
		is := func(o compare.Outcome) bool {
			return slices.ContainsFunc(results, func(r compare.Result) bool { return r.Outcome == o })
		}
		count(&fail, is(compare.Fail))
		count(&inconclusive, is(compare.Inconclusive) && !is(compare.Fail))
		count(&byKayenta, k)
		count(&byFlagger, f)
		count(&byArgo, a)
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(*runs) }
	t.Logf("| %-46s | %5.1f | %5.1f | %4.2f | %5.1f | %5.1f | %5.1f |", w.name, share(fail), share(inconclusive),
		float64(blocks)/float64(*runs*max(w.suites, 1)), share(byKayenta), share(byFlagger), share(byArgo))
	slack := 0.0
	if *runs < 1000 {
		slack = 3 // three of a hundred
	}
	if got := share(fail); got > w.most+slack || got < w.least-slack {
		t.Errorf("%s: FAIL in %.1f %%, want %g to %g", w.name, got, w.least, w.most)
	}
}

func table(t *testing.T, rows []row) {
	t.Logf("| %-46s | FAIL  | INCON | blocks | Kayenta | Flagger | Argo |", "")
	for _, w := range rows {
		w.judge(t)
	}
}

// TestTableEqualSides: what is equal fails in no more than 2 % of the runs, and in 3 % with three comparisons.
func TestTableEqualSides(t *testing.T) {
	var rows []row
	for _, n := range []int{1, 3} {
		equal := func(name string, k kind) {
			rows = append(rows, row{name: fmt.Sprintf("%s (%d)", name, n), green: k, blue: k, suites: n, most: float64(2 * n)})
		}
		for _, sigma := range []float64{0.3, 0.9, 1.3} {
			equal(fmt.Sprintf("lognormal, sigma %g", sigma), latency(lognormal(100, sigma)))
		}
		for _, p := range []float64{0.5, 0.1, 0.05, 0.03} {
			equal(fmt.Sprintf("%g %% at 600 ms, others at 30", 100*p), latency(either(p, lognormal(600, 0.3), lognormal(30, 0.3))))
		}
		equal("pauses of 300 ms every 4 s", pauses(50, 0.3, 4))
		equal("pauses of 300 ms every 1 s", pauses(50, 0.3, 1))
		for _, phi := range []float64{0.9, 0.98, 0.995} {
			for _, sd := range []float64{0.2, 0.4} {
				equal(fmt.Sprintf("drift, phi %g, sd %g", phi, sd), drift(100, phi, sd))
			}
		}
		for _, sd := range []float64{0.05, 0.1, 0.15, 0.2, 0.3} {
			equal(fmt.Sprintf("2 tasks, hosts differ by %g", sd), hosts(100, 2, sd))
		}
		equal("6 tasks, hosts differ by 0.2", hosts(100, 6, 0.2))
		equal("2 % errors", failing(0.02, latency(lognormal(100, 0.3))))
		equal("30 % errors", failing(0.3, latency(lognormal(100, 0.3))))
	}
	table(t, rows)
}

// TestTableCold: a release that is only cold does not fail.
func TestTableCold(t *testing.T) {
	blue := latency(lognormal(100, 0.3))
	var rows []row
	for _, decay := range []float64{10, 20, 50, 100, 300} {
		rows = append(rows, row{name: fmt.Sprintf("5x slower, decays with %g a task", decay), green: cold(100, 5, decay, 2), blue: blue, most: 2})
	}
	rows = append(rows,
		row{name: "5x slower, decays with 1000 a task", green: cold(100, 5, 1000, 2), blue: blue, most: 5},
		row{name: "2x slower, decays with 300 a task", green: cold(100, 2, 300, 2), blue: blue, most: 2},
		row{name: "a cache that fills with 50", green: fills(50), blue: latency(lognormal(50, 0.3)), most: 2},
		row{name: "a cache that fills with 200", green: fills(200), blue: latency(lognormal(50, 0.3)), most: 2},
		row{name: "10 ms, 5x slower, decays with 300 a task", green: cold(10, 5, 300, 2), blue: latency(lognormal(10, 0.3)), most: 2},
		row{name: "cold, and 1.5x slower for good", green: cold(150, 5, 100, 2), blue: blue, least: 75, most: 100},
		row{name: "leaks: every request 1 ms slower", green: leaks, blue: blue, least: 98, most: 100},
	)
	table(t, rows)
}

// TestTableBound: a bound that the true p95 is just below makes no false alarm.
func TestTableBound(t *testing.T) {
	var rows []row
	for _, sigma := range []float64{0.3, 0.9} {
		k := latency(lognormal(100, sigma))
		for _, f := range []float64{1.02, 1.05, 1.1, 1.2, 1.5, 2} {
			rows = append(rows, row{name: fmt.Sprintf("sigma %g, bound %g x p95", sigma, f), green: k, blue: k, bound: f, most: 1})
		}
	}
	rows = append(rows,
		row{name: "faster than blue, over its bound", green: latency(lognormal(70, 0.3)), blue: latency(lognormal(100, 0.3)), bound: 0.65, most: 1},
		row{name: "1.2x slower, bound 1.0 x blue's p95", green: latency(lognormal(120, 0.3)), blue: latency(lognormal(100, 0.3)), bound: 1, most: 100, least: 95})
	table(t, rows)
}

// TestTablePower: what is worse is found.
func TestTablePower(t *testing.T) {
	fast := latency(lognormal(20, 0.2))
	var rows []row
	worse := func(name string, least float64, green, blue kind) {
		rows = append(rows, row{name: name, green: green, blue: blue, least: least, most: 100})
	}
	for _, c := range []struct{ sigma, factor, least float64 }{
		{0.3, 1.2, 0}, {0.3, 1.3, 0}, {0.3, 1.5, 95}, {0.3, 2, 99}, {0.9, 1.5, 0}, {0.9, 2, 95}, {0.9, 3, 99},
	} {
		worse(fmt.Sprintf("sigma %g, %gx slower", c.sigma, c.factor), c.least,
			latency(lognormal(100*c.factor, c.sigma)), latency(lognormal(100, c.sigma)))
	}
	quiet := lognormal(100, 0.3)
	worse("5 % take 1 s longer", 90, latency(either(0.05, plus(1000, quiet), quiet)), latency(quiet))
	worse("10 % take 1 s longer", 95, latency(either(0.1, plus(1000, quiet), quiet)), latency(quiet))
	worse("45 % take 1.8x as long", 0, latency(either(0.45, lognormal(180, 0.3), quiet)), latency(quiet))
	worse("5 ms, 4x slower", 0, latency(lognormal(20, 0.3)), latency(lognormal(5, 0.3)))
	worse("15 ms, 2.7x slower", 95, latency(lognormal(40, 0.3)), latency(lognormal(15, 0.3)))
	worse("3 % errors", 0, failing(0.03, latency(quiet)), latency(quiet))
	worse("5 % errors", 94, failing(0.05, latency(quiet)), latency(quiet))
	worse("10 % errors", 99, failing(0.1, latency(quiet)), latency(quiet))
	worse("stands still for 500 ms every 5 s", 95, pauses(20, 0.5, 5), fast)
	worse("stands still for 2 s every 20 s", 80, pauses(20, 2, 20), fast)
	worse("drift 0.98, 0.2, 1.5x slower", 0, drift(150, 0.98, 0.2), drift(100, 0.98, 0.2))
	worse("drift 0.98, 0.2, 2x slower", 65, drift(200, 0.98, 0.2), drift(100, 0.98, 0.2))
	worse("hosts differ by 0.1, 1.5x slower", 0, hosts(150, 2, 0.1), hosts(100, 2, 0.1))
	worse("hosts differ by 0.1, 2x slower", 80, hosts(200, 2, 0.1), hosts(100, 2, 0.1))
	table(t, rows)
}

package smoke

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// coldPairs is how many pairs in a row without two right answers end the warm-up. compare.MinPairs of them end the
// comparison: if only green fails, Fisher's p-value is then 1e-11, and if blue does, there is nothing to compare with.
const coldPairs = 5

const (
	sideBySide = 3 // how many comparisons are measured at a time
	// wide is how many requests of a comparison a side has at a time, at most, warmWide how many while it warms up.
	wide, warmWide = 4, 8
)

// compare asks target and baseline in turn and compares their answers. Blocked, if not empty, says why it does not.
func (r *runner) compare(ctx context.Context, blocked string) {
	switch {
	case len(r.compares) == 0:
		return
	case r.job.UncomparableBaseline != "":
		blocked = "the old release is not compared with: " + r.job.UncomparableBaseline
	case blocked == "" && r.blue == nil:
		blocked = "there is no old release to compare with"
		if r.job.NoBaseline != "" {
			blocked += ": " + r.job.NoBaseline
		}
		if !r.suite.BaselineOptional {
			r.fault(finding.BlameEnvironment, blocked+"; and the suite requires one")
		}
	}
	if blocked != "" {
		r.skipCompares(blocked)
		return
	}
	each := r.suite.SetupPerCheck // which makes no difference here
	endGreen, setup := r.begin(ctx, &r.green, each)
	defer func() {
		if end := endGreen(); !held(end) {
			r.noteFlow(end)
		}
	}()
	endBlue, setupBlue := r.begin(ctx, &r.blue, each)
	defer func() {
		if end := endBlue(); !held(end) {
			r.warning("teardown did not hold on the old release: %s", end.Reason)
		}
	}()
	switch {
	case !held(setup):
		r.noteFlow(setup)
		r.skipCompares("setup did not hold")
		return
	case !held(setupBlue):
		why := "setup did not hold on the old release: " + setupBlue.Reason
		r.skipCompares(why)
		if dead := shareable(r.blue.session); dead && r.suite.BaselineOptional {
			r.record(func(f *findings) { f.excused = len(r.compares) })
		} else {
			r.fault(finding.BlameEnvironment, why)
		}
		return
	}
	var samples []compare.Sample
	var measured []*measurement
	cut := false
	for group := range slices.Chunk(r.compares, sideBySide) {
		all := r.measure(ctx, group)
		r.mu.Lock()
		for _, m := range all {
			r.found.Measured = append(r.found.Measured, *m)
			if cut = cut || !m.Whole; !cut {
				samples, measured = append(samples, m.Sample), append(measured, m)
			}
		}
		r.mu.Unlock()
		if cut {
			r.compareCut(ctx, r.compares[len(measured):])
			break
		}
	}
	results := compare.Judge(samples)
	for i, m := range measured {
		if r.suite.BaselineOptional && m.excused(results[i]) {
			r.skip(finding.PhaseCompare, m.comparison.Name,
				r.secrets.Line("the old release does not answer, and the suite does not require it: "+m.Blue, maxReason))
			r.record(func(f *findings) { f.excused++ })
		} else {
			r.compared(m, results[i])
		}
	}
}

// measurement is what the pairs of one comparison gave.
type measurement struct {
	comparison *suite.Comparison
	Sample     compare.Sample
	// Green and Blue are the first failure of each side, in words: "blue answered GET /report: status: …".
	Green, Blue string
	Dead        bool // the old release never answered but with a server's error: it does not serve
	Whole       bool // nothing is left to measure

	runner *runner
	stop   context.CancelFunc
	// every is the time between two pairs; known says that it fits what a request takes.
	every time.Duration
	known bool
	ended time.Time // when the last block did
	// hopeless says that so many pairs in a row failed that no more are made, broken why no answer can be trusted.
	hopeless bool
	broken   string
}

// excused reports whether the old release alone is the reason that nothing can be compared. It is false when the new
// release fails too or is over its bound: a dead production does not excuse that.
func (m *measurement) excused(res compare.Result) bool {
	bound := m.comparison.P95
	return m.Dead && m.Green == "" && (bound == 0 || res.Green.P95 <= bound)
}

func (r *runner) skipCompares(why string) {
	for _, c := range r.compares {
		r.skip(finding.PhaseCompare, c.Name, r.secrets.Line(why, maxReason))
	}
}

// compareCut notes the comparisons that were not measured, because the time ran out or a certificate did not verify.
func (r *runner) compareCut(ctx context.Context, left []*suite.Comparison) {
	for _, c := range left {
		r.skip(finding.PhaseCompare, c.Name, "it was not measured to the end")
	}
	if ctx.Err() != nil {
		r.fault(finding.BlameConfig, fmt.Sprintf("cut short: %d of %d comparisons were not measured, the first %s", len(left),
			len(r.compares), redact.Quote(left[0].Name)))
	}
}

// measure makes the blocks of a few comparisons, side by side: pairs at fixed times, as users come, whatever the sides
// do. Then it looks who has to be measured again: green alone gets more requests, so that a release that is only cold
// gets warm, and all of them another block. Only when nobody else is measured is green warmed.
func (r *runner) measure(ctx context.Context, group []*suite.Comparison) []*measurement {
	var all, open []*measurement
	for _, c := range group {
		m := &measurement{Dead: true}
		warmup, d := c.Warmup, c.WarmupFor
		if i := slices.IndexFunc(r.past.Measured, func(m measurement) bool { return m.Sample.Check == c.Name }); i >= 0 {
			*m = r.past.Measured[i]
			warmup, d = min(warmup, coldPairs), 0 // only the connections are new
		}
		m.runner, m.comparison, m.ended = r, c, time.Now()
		m.every = max(c.Over/time.Duration(c.Pairs), time.Microsecond)
		if r.suite.Rate > 0 {
			m.every = max(m.every, time.Duration(float64(len(group))/r.suite.Rate*float64(time.Second)))
		}
		m.Sample.Check, m.Sample.Bound, m.Sample.MinShift, m.Sample.MinRatio = c.Name, c.P95, c.MinShift, c.MinRatio
		all = append(all, m)
		if !m.Whole {
			open = append(open, m)
			m.warm(ctx, []*side{r.green, r.blue}, warmup, d)
		}
	}
	for len(open) > 0 {
		together(open, func(m *measurement) { m.block(ctx) })
		open = slices.DeleteFunc(slices.Clone(open), func(m *measurement) bool { return !m.again(ctx) })
		together(open, func(m *measurement) { m.warm(ctx, []*side{r.green}, 0, m.burst()) })
	}
	for _, m := range all {
		if m.broken != "" {
			r.fault(finding.BlameConfig, fmt.Sprintf("comparison %s: %s", redact.Quote(m.comparison.Name), m.broken))
		}
	}
	return all
}

func together(all []*measurement, do func(*measurement)) {
	var each []func()
	for _, m := range all {
		each = append(each, func() { do(m) })
	}
	parallel.Do(each...)
}

// burst is how long green alone is warmed before it is measured again.
func (m *measurement) burst() time.Duration { return m.length() * 2 / 3 }

// length is how long a block takes.
func (m *measurement) length() time.Duration { return m.every * time.Duration(m.comparison.Pairs) }

// again reports whether another block has to be measured; else it is over, whole or not.
func (m *measurement) again(ctx context.Context) bool {
	blocks := m.Sample.Blocks
	if m.broken != "" || m.halfway() {
		return false
	}
	next := m.burst() + m.length()
	end, bounded := ctx.Deadline()
	m.Whole = !m.Sample.Again() || blocks[len(blocks)-1].After+next > m.comparison.WarmUpWithin ||
		bounded && !m.runner.job.GoOn && time.Until(end) <= next
	return !m.Whole
}

// halfway reports whether a block was begun and is not measured to its end.
func (m *measurement) halfway() bool {
	n := len(m.Sample.Blocks)
	return n == 0 || len(m.Sample.Blocks[n-1].Pairs) < m.comparison.Pairs && !m.hopeless
}

// warm sends requests that nobody counts, so many or for so long; what they take says how many a second the sides bear.
func (m *measurement) warm(ctx context.Context, sides []*side, n int, d time.Duration) {
	ctx, m.stop = context.WithCancel(ctx)
	defer m.stop()
	var mu sync.Mutex
	begun, row, took := 0, 0, map[*side][]time.Duration{}
	end := time.Now().Add(d)
	next := func() bool {
		mu.Lock()
		defer mu.Unlock()
		begun++
		// More requests do not warm up a side that fails, and one that hangs would use up the hook's time.
		return ctx.Err() == nil && row < coldPairs && (begun <= n || time.Now().Before(end))
	}
	worker := func() {
		for next() {
			right, began := true, time.Now()
			for _, s := range sides {
				shot, ok := m.shot(ctx, s)
				mu.Lock()
				if right = right && ok && !shot.Failed; right {
					took[s] = append(took[s], shot.Latency)
				}
				mu.Unlock()
			}
			mu.Lock()
			if row++; right {
				row = 0
			}
			mu.Unlock()
			if d > 0 { // what answers at once is not asked without end
				Pause(ctx, time.Until(began.Add(m.every)))
			}
		}
	}
	parallel.Do(slices.Repeat([]func(){worker}, warmWide)...)
	for _, all := range took {
		slices.Sort(all)
		m.every = max(m.every, all[len(all)/2]*2/wide) // so that half of the places are free
		m.known = true
	}
}

// block makes the pairs of a block, or those that an earlier call did not come to. Each has its time, somewhere in its
// part of the whole: what is periodic in a service does not meet the requests in step.
func (m *measurement) block(ctx context.Context) {
	ctx, m.stop = context.WithCancel(ctx)
	defer m.stop()
	r, s, began := m.runner, &m.Sample, time.Now()
	if len(s.Blocks) == 0 || !m.halfway() {
		s.Blocks = append(s.Blocks, compare.Block{})
	}
	b := &s.Blocks[len(s.Blocks)-1]
	had := len(b.Pairs)
	pairs, shots := make([]compare.Pair, m.comparison.Pairs-had), make([]int, m.comparison.Pairs-had)
	at := make([]time.Time, len(pairs)) // both sides at once
	for i := range at {
		at[i] = began.Add(m.every*time.Duration(i) + rand.N(m.every)) //nolint:gosec // jitter
	}
	var mu sync.Mutex
	made, row := had, 0
	var all []func()
	for _, side := range []*side{r.green, r.blue} {
		places := make(chan struct{}, wide)
		for i := range pairs {
			all = append(all, func() {
				if !Pause(ctx, time.Until(at[i])) {
					return
				}
				var waited time.Duration
				select {
				case places <- struct{}{}:
				default: // who comes while a side stands still waits for it, too
					places <- struct{}{}
					waited = time.Since(at[i])
				}
				shot, ok := m.shot(ctx, side)
				<-places
				if m.known {
					shot.Latency += waited
				}
				mu.Lock()
				defer mu.Unlock()
				if !ok {
					return
				}
				if side == r.green {
					pairs[i].Green = shot
				} else {
					pairs[i].Blue = shot
				}
				if shots[i]++; shots[i] < 2 {
					return
				}
				made++
				if row++; !pairs[i].Green.Failed && (!pairs[i].Blue.Failed || pairs[i].Blue.Wrong) {
					row = 0 // a repair has to be right to the end
				}
				if row >= compare.MinPairs {
					m.hopeless = true
					m.stop()
				}
				r.tell(Progress{Phase: finding.PhaseCompare, Done: made, Total: m.comparison.Pairs, Text: m.comparison.Name})
			})
		}
	}
	parallel.Do(all...)
	for i, p := range pairs {
		if shots[i] == 2 {
			b.Pairs = append(b.Pairs, p)
		}
	}
	if n := len(s.Blocks); n > 1 {
		b.After = s.Blocks[n-2].After + time.Since(m.ended)
	}
	m.ended = time.Now()
}

// shot asks a side once; it reports false when it was cut short, or when no answer can be trusted.
func (m *measurement) shot(ctx context.Context, s *side) (compare.Shot, bool) {
	r := m.runner
	a := r.attempt(ctx, &m.comparison.Check, s, 1, false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if s == r.blue && !a.stopped {
		m.Dead = m.Dead && shareable(a)
	}
	switch {
	case a.stopped:
		return compare.Shot{}, false
	case a.config != "":
		m.broken = a.config
		m.stop()
		return compare.Shot{}, false
	case a.failed() || len(a.latencies) == 0 || a.fault != probe.FaultNone:
		first := &m.Green
		if s == r.blue {
			first = &m.Blue
		}
		if *first == "" && a.failed() {
			*first = s.name + " answered " + a.findings[0].Line()
		}
		balancers := slices.Contains([]int{502, 503, 504}, a.status) // its own status: behind it, nobody answered
		return compare.Shot{Failed: true, Wrong: a.fault == probe.FaultNone && !balancers}, true
	}
	return compare.Shot{Latency: a.latencies[0]}, true
}

func (r *runner) compared(m *measurement, res compare.Result) {
	c, s := m.comparison, m.Sample
	for _, first := range []string{m.Green, m.Blue} {
		if res.Outcome != compare.Pass && first != "" {
			res.Reason += "; " + first
		}
	}
	out := finding.Comparison{
		Check: c.Name, Place: r.suite.Place(c.At), Pairs: res.Pairs,
		GreenErrors: res.Green.Errors, BlueErrors: res.Blue.Errors,
		GreenP50: res.Green.P50, BlueP50: res.Blue.P50, GreenP95: res.Green.P95, BlueP95: res.Blue.P95,
		Reason: r.secrets.Line(res.Reason, maxReason), Statistics: res.Statistics,
	}
	for _, b := range s.Blocks {
		for _, p := range b.Pairs {
			out.Green = appendLatency(out.Green, p.Green)
			out.Blue = appendLatency(out.Blue, p.Blue)
		}
	}
	if res.Warning != "" {
		r.warning("comparison %s: %s", redact.Quote(c.Name), res.Warning)
	}
	out.Blame = cmp.Or(map[compare.Outcome]finding.Blame{
		compare.Pass: finding.BlameNone, compare.Fail: finding.BlameRelease, compare.Inconclusive: finding.BlameEnvironment,
	}[res.Outcome], finding.BlameGate)
	out.Verdict = verdictOf(out.Blame)
	r.record(func(f *findings) { f.report.Compares = append(f.report.Compares, out) })
	r.tell(Progress{Phase: finding.PhaseCompare, Done: res.Pairs, Total: res.Pairs, Compare: &out})
}

func appendLatency(l []time.Duration, s compare.Shot) []time.Duration {
	if s.Failed {
		return l
	}
	return append(l, s.Latency)
}

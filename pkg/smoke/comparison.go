package smoke

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// coldPairs is how many pairs in a row without two right answers end the warm-up. compare.MinPairs of them end the
// comparison: Fisher's test then has a p-value of 1e-11 when only green fails, and when blue fails there is nothing to
// compare with.
const coldPairs = 5

// compare asks target and baseline in turn and compares their answers. Blocked, when not empty, says why nothing is
// compared.
func (r *runner) compare(ctx context.Context, blocked string) {
	switch {
	case len(r.compares) == 0:
		return
	case r.job.UncomparableBaseline != "":
		r.skipCompares("the old release is not compared with: " + r.job.UncomparableBaseline)
		return
	case blocked != "":
		r.skipCompares(blocked)
		return
	case r.blue == nil:
		why := "there is no old release to compare with"
		if r.job.NoBaseline != "" {
			why += ": " + r.job.NoBaseline
		}
		r.skipCompares(why)
		if !r.suite.BaselineOptional() {
			r.against(finding.Inconclusive, finding.BlameEnvironment, why+"; and the suite requires one")
		}
		return
	}
	endGreen, setup := r.begin(ctx, &r.green)
	defer func() {
		if end := endGreen(); !held(end) {
			r.noteFlow(end)
		}
	}()
	endBlue, setupBlue := r.begin(ctx, &r.blue)
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
		if dead := shareable(r.blue.session); dead && r.suite.BaselineOptional() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.found.excused = len(r.compares)
			return
		}
		r.against(finding.Inconclusive, finding.BlameEnvironment, why)
		return
	}
	var samples []compare.Sample
	var measured []measurement
	for i, c := range r.compares {
		m, ok := r.measure(ctx, c)
		m.Whole = ok
		r.mu.Lock()
		r.found.Measured = append(r.found.Measured, m)
		r.mu.Unlock()
		if !ok {
			r.compareCut(ctx, r.compares[i:])
			break
		}
		samples = append(samples, m.Sample)
		measured = append(measured, m)
	}
	results := compare.Judge(samples)
	for i, m := range measured {
		if r.suite.BaselineOptional() && m.excused(results[i]) {
			r.skip(finding.PhaseCompare, m.comparison.Name,
				r.secrets.Line("the old release does not answer, and the suite does not require it: "+m.Blue, maxReason))
			r.mu.Lock()
			r.found.excused++
			r.mu.Unlock()
			continue
		}
		r.compared(m, results[i])
	}
}

// measurement is what the pairs of one comparison gave.
type measurement struct {
	comparison *suite.Comparison
	Sample     compare.Sample
	// Green and Blue are the first failure of each side, in words: "blue answered GET /report: status: …".
	Green, Blue string
	// Dead says that the old release never answered but with a server's error: it does not serve.
	Dead bool
	// Whole says that nothing is left to measure.
	Whole bool
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

// measure makes the pairs of one comparison, one request at a time: AB BA AB …, so that a disturbance
// from outside affects both sides alike. It reports false when it was cut short, or when no answer can be trusted.
func (r *runner) measure(ctx context.Context, c *suite.Comparison) (measurement, bool) {
	m := measurement{comparison: c, Sample: compare.Sample{Check: c.Name, Bound: c.P95}, Dead: true}
	s := &m.Sample
	asked := c.AsCheck()
	warmup, row := c.Warmup, 0
	if i := slices.IndexFunc(r.past.Measured, func(m measurement) bool { return m.Sample.Check == c.Name }); i >= 0 {
		m = r.past.Measured[i]
		m.comparison, warmup = c, min(warmup, coldPairs) // only the connections are new
	}
	if m.Whole {
		return m, true
	}
	had := len(s.Pairs)
	for i := range warmup + c.Pairs - had {
		var p compare.Pair
		var okG, okB bool
		if i%2 == 0 {
			p.Green, okG = r.shot(ctx, asked, r.green, &m)
			p.Blue, okB = r.shot(ctx, asked, r.blue, &m)
		} else {
			p.Blue, okB = r.shot(ctx, asked, r.blue, &m)
			p.Green, okG = r.shot(ctx, asked, r.green, &m)
		}
		if !okG || !okB {
			return m, false
		}
		if i >= warmup {
			s.Pairs = append(s.Pairs, p)
		}
		if row++; !p.Green.Failed && !p.Blue.Failed {
			row = 0
		}
		// A side that hangs would use up the hook's time, and more requests do not warm up a side that fails.
		if row == coldPairs && i < warmup {
			warmup = i + 1
		}
		if row >= compare.MinPairs && len(s.Pairs) >= compare.MinPairs {
			break
		}
		r.tell(Progress{Phase: finding.PhaseCompare, Done: i + 1, Total: c.Warmup + c.Pairs, Text: c.Name})
	}
	return m, true
}

func (r *runner) shot(ctx context.Context, c *suite.Check, s *side, m *measurement) (compare.Shot, bool) {
	a := r.attempt(ctx, c, s, 1, false)
	if s == r.blue && !a.stopped {
		m.Dead = m.Dead && shareable(a)
	}
	switch {
	case a.stopped:
		return compare.Shot{}, false
	case a.config != "":
		r.fault(finding.BlameConfig, fmt.Sprintf("comparison %s: %s", redact.Quote(c.Name), a.config))
		return compare.Shot{}, false
	case a.failed() || len(a.latencies) == 0 || a.fault != probe.FaultNone:
		first, name := &m.Green, "green"
		if s == r.blue {
			first, name = &m.Blue, "blue"
		}
		if *first == "" && a.failed() {
			*first = name + " answered " + a.findings[0].Line()
		}
		return compare.Shot{Failed: true}, true
	}
	return compare.Shot{Latency: a.latencies[0]}, true
}

func (r *runner) compared(m measurement, res compare.Result) {
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
		Reason: r.secrets.Line(res.Reason, maxReason),
	}
	for _, p := range s.Pairs {
		out.Green = appendLatency(out.Green, p.Green)
		out.Blue = appendLatency(out.Blue, p.Blue)
	}
	switch res.Outcome {
	case compare.Pass:
		out.Verdict, out.Blame = finding.Pass, finding.BlameNone
	case compare.Fail:
		out.Verdict, out.Blame = finding.Fail, finding.BlameRelease
	case compare.Inconclusive:
		out.Verdict, out.Blame = finding.Inconclusive, finding.BlameEnvironment
	default:
		out.Verdict, out.Blame = finding.Error, finding.BlameGate
	}
	r.mu.Lock()
	r.found.compares = append(r.found.compares, out)
	r.mu.Unlock()
	r.tell(Progress{Phase: finding.PhaseCompare, Done: len(s.Pairs), Total: len(s.Pairs), Compare: &out})
}

func appendLatency(l []time.Duration, s compare.Shot) []time.Duration {
	if s.Failed {
		return l
	}
	return append(l, s.Latency)
}

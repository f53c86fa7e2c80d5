package smoke

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	greenlight "github.com/greenlight-ecs/greenlight/pkg/version"
)

// finish writes the report: PASS only when something that counts was tested and nothing speaks against it.
func (r *runner) finish(ctx context.Context) finding.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := func(text string) string { return r.secrets.Line(text, maxReason) }
	out := r.found.report
	out.Suite, out.SuiteSHA256 = r.suite.Name, r.suite.SHA256
	out.Target, out.Baseline = line(shownURL(r.job.Target.URL)), line(shownURL(r.job.Baseline.URL))
	out.Release, out.DeploymentID = line(r.job.Release), line(r.job.DeploymentID)
	out.Nonce, out.Greenlight = r.job.Nonce, greenlight.Number()
	out.InconclusiveAllowed, out.InconclusiveAsks = r.suite.InconclusiveAllowed, r.suite.AskFor > 0
	out.Started, out.Duration = r.started, time.Since(r.started)
	out.Checks, out.Compares = append([]finding.CheckResult{}, out.Checks...), slices.Clone(out.Compares)
	out.NotRun, out.Warnings = slices.Clone(out.NotRun), slices.Clone(out.Warnings)
	for _, c := range r.found.checks {
		if c != nil {
			out.Checks = append(out.Checks, *c)
		}
	}
	c := r.conclusion(&out)
	out.Verdict, out.Blame, out.Reason = c.verdict, c.blame, c.reason
	out.Unfinished = r.unfinished(ctx, &out)
	return out
}

// conclusion is the worst of all that counts.
func (r *runner) conclusion(out *finding.Report) verdictReason {
	var all []verdictReason
	for _, c := range out.Checks {
		if !c.Observe && c.Verdict != finding.Pass {
			all = append(all, verdictReason{c.Verdict, c.Blame, fmt.Sprintf("check %s: %s", redact.Quote(c.Check), c.Reason)})
		}
	}
	for _, c := range out.Compares {
		if c.Verdict != finding.Pass {
			why := fmt.Sprintf("comparison %s: %s", redact.Quote(c.Check), c.Reason)
			all = append(all, verdictReason{c.Verdict, c.Blame, why})
		}
	}
	all = append(all, r.found.faults...)
	if len(all) == 0 {
		return r.passed(out)
	}
	worst, more := all[0], 0
	for _, v := range all[1:] {
		if v.verdict == worst.verdict {
			more++
		} else if finding.Worst(v.verdict, worst.verdict) == v.verdict {
			worst, more = v, 0
		}
	}
	if more > 0 {
		worst.reason += fmt.Sprintf(" (and %d more)", more)
	}
	worst.blame = cmp.Or(worst.blame, finding.BlameGate)
	return worst
}

// passed returns PASS when all that was planned was run and something was tested, otherwise ERROR.
func (r *runner) passed(out *finding.Report) verdictReason {
	counted, planned := 0, 0
	for i, c := range r.checks {
		if !c.Observe {
			planned++
			if r.found.checks[i] != nil {
				counted++
			}
		}
	}
	ready, wrong := out.Readiness != nil && out.Readiness.Verdict == finding.Pass, ""
	switch {
	case r.does(finding.PhaseReady) && !ready:
		wrong = "readiness was planned and did not run"
	case r.does(finding.PhaseJudge) && (counted == 0 || counted != planned):
		wrong = "checks were planned and did not run"
	case r.does(finding.PhaseCompare) && len(out.Compares)+r.found.excused != len(r.compares) &&
		r.job.UncomparableBaseline == "" && r.blue != nil:
		wrong = "comparisons were planned and did not run"
	case counted == 0 && !ready && len(out.Compares) == 0:
		wrong = "nothing was tested"
	}
	if wrong != "" {
		return verdictReason{finding.Error, finding.BlameGate, wrong}
	}
	var passed []string
	if counted > 0 {
		passed = append(passed, compare.Count(counted, "check")+" passed")
	}
	if n := len(out.Compares); n > 0 {
		passed = append(passed, compare.Count(n, "comparison")+" passed")
	}
	if passed == nil {
		passed = append(passed, fmt.Sprintf("ready: %d rounds in a row", out.Readiness.Consecutive))
	}
	return verdictReason{finding.Pass, finding.BlameNone, strings.Join(passed, ", ")}
}

// mostIdle is after how many runs in a row that got nothing done nobody goes on: a request takes longer than a run.
const mostIdle = 3

// halfway is what another run needs to go on with one whose time was up. Like a report, it holds nothing secret.
type halfway struct {
	// Done is how many rounds, attempts and pairs all runs made; Idle is how many runs in a row added nothing to it.
	Spent      time.Duration
	Done, Idle int
	// Right says that the release once answered right, Others how many rounds another one answered after that.
	Readiness     *finding.Readiness
	Right, Proven bool
	Others        int
	// Checks are those that were judged, and without a verdict those that were begun.
	Checks   []finding.CheckResult
	Measured []measurement
}

// unfinished is what another run needs to go on, where time was up and nothing failed; the caller holds the lock.
func (r *runner) unfinished(ctx context.Context, out *finding.Report) json.RawMessage {
	if !r.job.GoOn || ctx.Err() == nil || out.Verdict != finding.Error || out.Blame != finding.BlameConfig {
		return nil
	}
	h := r.found.halfway
	h.Spent, h.Readiness, h.Proven = r.past.Spent+time.Since(r.started), out.Readiness, out.ReleaseProven
	if h.Readiness != nil {
		h.Done = h.Readiness.Rounds
	}
	for _, c := range out.Checks {
		c.Latencies, c.Findings = nil, c.Findings[:min(len(c.Findings), 3)]
		if slices.Contains(r.found.begun, c.Check) {
			c.Verdict = ""
		}
		h.Done += c.Attempts
		h.Checks = append(h.Checks, c)
	}
	for _, c := range r.past.Checks { // what this run did not come to
		if !slices.ContainsFunc(h.Checks, func(k finding.CheckResult) bool { return k.Check == c.Check }) {
			h.Done += c.Attempts
			h.Checks = append(h.Checks, c)
		}
	}
	for _, m := range h.Measured {
		for _, b := range m.Sample.Blocks {
			h.Done += len(b.Pairs)
		}
	}
	if h.Done <= r.past.Done {
		h.Idle = r.past.Idle + 1
	}
	if h.Idle >= mostIdle {
		// The release had less than its time-out in each of them, so nobody may call this a time-out of the release.
		out.Reason += fmt.Sprintf("; no attempt ended in %d calls in a row: give the function more time than one may take",
			h.Idle)
		return nil
	}
	text, _ := json.Marshal(h)
	return text
}

// goOn takes what an earlier run found of a check; it reports true when that was judged.
func (r *runner) goOn(j *judgement) bool {
	i := slices.IndexFunc(r.past.Checks, func(c finding.CheckResult) bool { return c.Check == j.check.Name })
	if i < 0 {
		return false
	}
	j.result = r.past.Checks[i]
	j.made, j.asserted = j.result.Attempts, j.result.Attempts
	if j.result.Verdict == "" {
		return false
	}
	r.record(func(f *findings) { f.checks[j.index] = &j.result })
	return true
}

package smoke

import (
	"cmp"
	"context"
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
	out := finding.Report{
		Suite: r.suite.Name(), SuiteSHA256: r.suite.SHA256(),
		Target: line(shownURL(r.job.Target.URL)), Baseline: line(shownURL(r.job.Baseline.URL)),
		Release: line(r.job.Release), DeploymentID: line(r.job.DeploymentID), ReleaseProven: r.found.proven,
		Nonce: r.job.Nonce, Greenlight: greenlight.Number(),
		InconclusiveAllowed: r.suite.InconclusiveAllowed(), InconclusiveAsks: r.suite.AskFor() > 0,
		Started: r.started, Duration: time.Since(r.started), Readiness: r.found.readiness,
		Checks: append([]finding.CheckResult{}, r.found.flows...), Compares: slices.Clone(r.found.compares),
		NotRun: slices.Clone(r.found.notRun), Warnings: slices.Clone(r.found.warnings),
	}
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
	if v := r.found.ready; v.verdict != "" && v.verdict != finding.Pass {
		all = append(all, v)
	}
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

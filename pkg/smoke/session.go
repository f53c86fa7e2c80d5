package smoke

import (
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// begin runs the suite's setup on a side, for each check or once for all that follows there; nil when the suite has none
// of that kind. What it returns runs the teardown, whatever came before, and takes the session away.
func (r *runner) begin(
	ctx context.Context, s **side, each bool,
) (end func() *finding.CheckResult, setup *finding.CheckResult) {
	first, last, own := r.suite.Setup()
	if own != each {
		first, last = nil, nil
	}
	without := *s
	if first != nil {
		with := *without
		with.session = r.attempt(ctx, first, without, 1, false)
		*s, setup = &with, r.flowResult(first, with.session)
	}
	return func() *finding.CheckResult {
		defer func() { *s = without }()
		if last == nil {
			return nil
		}
		a := r.attempt(ctx, last, *s, 1, false)
		if a.asserted == 0 && !a.failed() && !a.stopped {
			return nil // there was nothing to clean up
		}
		return r.flowResult(last, a)
	}, setup
}

// flowResult is the result of setup or teardown, as that of a check.
func (r *runner) flowResult(c *suite.Check, a *attempt) *finding.CheckResult {
	j := &judgement{check: c, started: time.Now(), unfinished: a.stopped, config: a.config}
	switch {
	case a.config != "":
		j.made = 1
		j.keep(a)
	case !a.stopped || a.failed():
		j.made = 1
		j.note(a)
	}
	res := &j.result
	res.Check, res.Place, res.Attempts = c.Name, r.suite.Place(c.At), j.made
	res.Blame, res.Reason = j.verdict(r)
	res.Verdict = verdictOf(res.Blame)
	return res
}

// held reports whether a flow held, or there was none.
func held(flow *finding.CheckResult) bool { return flow == nil || flow.Verdict == finding.Pass }

// noteFlow keeps the result of setup or teardown on the new release.
func (r *runner) noteFlow(flow *finding.CheckResult) {
	if flow != nil {
		r.record(func(f *findings) { f.flows = append(f.flows, *flow) })
	}
}

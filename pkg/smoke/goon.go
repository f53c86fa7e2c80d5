package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

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

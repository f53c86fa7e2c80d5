package smoke

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// readyPause is the pause after a failed round. After one that held there is none, so that twenty do not take longer.
const readyPause = time.Second

// maxRelapseFactor bounds how many more rounds in a row are asked for after answers of another release.
const maxRelapseFactor = 5

// waiting is the state of the wait for the expected release.
type waiting struct {
	finding.Readiness
	started     time.Time
	checks      []*suite.Check
	right       bool           // the expected release has answered at least once
	others      map[string]int // counts the other versions that answered after that
	otherRounds int
	last        *attempt // the last that failed
	consecutive int      // the suite's
}

// ready waits until the readiness checks hold in a row, each on a fresh connection.
func (r *runner) ready(ctx context.Context) bool {
	w := &waiting{
		started: time.Now().Add(-r.past.Spent), checks: r.suite.ReadinessChecks(), others: map[string]int{},
		right: r.past.Right, otherRounds: r.past.Others, consecutive: r.suite.Consecutive,
	}
	if r.past.Readiness != nil {
		w.Readiness = *r.past.Readiness
	}
	within, cancel := context.WithDeadline(ctx, r.deadline)
	defer cancel()
	for {
		failed, stopped := false, false
		for _, a := range r.rounds(within, w) {
			switch {
			case a == nil:
				w.right = true
				w.Consecutive++
			case a.config != "" && a.fault != probe.FaultLocal: // a limit of this machine may pass
				return r.readyEnds(w, finding.BlameConfig, reasonOf(a))
			case a.stopped && !a.failed():
				stopped = true
				w.Rounds--
			default:
				failed = true
				w.failed(a)
			}
		}
		switch {
		case stopped && within.Err() == nil:
			return r.readyEnds(w, finding.BlameGate, "a round of readiness broke off")
		case failed:
			w.Consecutive = 0
		case !stopped && w.Consecutive >= w.needed():
			return r.isReady(w)
		}
		w.Waited = time.Since(w.started)
		r.tellReady(w)
		if stopped || failed && !Pause(within, readyPause) || within.Err() != nil {
			blame, why := r.notReady(ctx, w)
			return r.readyEnds(w, blame, why)
		}
	}
}

// rounds asks all readiness checks: in one round until the release has answered, then in as many side by side as checks
// may run, since only an unbroken row counts. It returns the attempt that failed for each round, or nil.
func (r *runner) rounds(ctx context.Context, w *waiting) []*attempt {
	n := 1
	if w.Consecutive > 0 {
		n = min(r.concurrency(), w.needed()-w.Consecutive)
	}
	out := make([]*attempt, n)
	var all sync.WaitGroup
	for i := range out {
		out[i] = &attempt{stopped: true} // a round that breaks off has not held
		w.Rounds++
		number := w.Rounds
		all.Go(func() {
			defer r.recover()
			for _, c := range w.checks {
				a := r.attempt(ctx, c, r.green, number, true)
				if a.failed() || a.stopped || a.config != "" || a.asserted == 0 {
					out[i] = a
					return
				}
			}
			out[i] = nil
		})
	}
	all.Wait()
	return out
}

// needed is how many rounds must hold in a row. With one old task among four, 20 right answers in a row come by chance
// once in 300 tries; every answer of another release after the first right one is one more try, and raises the number.
func (w *waiting) needed() int { return w.consecutive * min(1+w.otherRounds, maxRelapseFactor) }

func (w *waiting) failed(a *attempt) {
	w.last = a
	if !w.right {
		return
	}
	w.Relapses++
	if a.other != "" {
		w.otherRounds++
		if len(w.others) < 5 {
			w.others[a.other]++
		}
	}
}

func (r *runner) isReady(w *waiting) bool {
	why := w.relapses()
	if why != "" {
		r.warning("readiness: %s", why)
	}
	proven := slices.ContainsFunc(w.checks, func(c *suite.Check) bool { return c.ProvesRelease })
	r.record(func(f *findings) { f.report.ReleaseProven = f.report.ReleaseProven || proven })
	return r.readyEnds(w, finding.BlameNone, why)
}

// relapses describes the wrong answers that came after the first right one.
func (w *waiting) relapses() string {
	if w.Relapses == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d rounds failed after the first right answer", w.Relapses, w.Rounds)
	for other, n := range w.others {
		times := "once"
		if n > 1 {
			times = fmt.Sprintf("%d times", n)
		}
		text += "; " + other + " answered " + times
	}
	return text
}

// notReady says why the wait ended without success.
func (r *runner) notReady(ctx context.Context, w *waiting) (finding.Blame, string) {
	cut, took := ctx.Err() != nil, time.Since(w.started)
	switch {
	case w.last == nil && cut:
		return finding.BlameConfig, fmt.Sprintf("timed out while waiting for the release: %d of %d rounds held, none failed",
			w.Consecutive, w.needed())
	case w.last == nil:
		return finding.BlameRelease, fmt.Sprintf("not ready within %s: only %d of %d rounds were answered in that time",
			r.suite.Within, w.Consecutive, w.needed())
	}
	why := reasonOf(w.last)
	switch first := w.last.check.Steps[0]; {
	case cut && r.job.GoOn && time.Now().Before(r.deadline):
		return finding.BlameConfig, "timed out while waiting for the release: " + why
	case w.last.config != "":
		return finding.BlameConfig, why
	case !w.last.check.Flow && first.Reads() && !first.SendsRelease() && r.sharedByBlue(ctx, w.last):
		return finding.BlameEnvironment, "not ready, and the old release fails in the same way: " + why
	}
	reason := fmt.Sprintf("not ready after %s", took.Round(100*time.Millisecond))
	if more := w.relapses(); more != "" {
		reason += " (" + more + ")"
	}
	return finding.BlameRelease, reason + ": " + why
}

// sharedByBlue asks the old release once whether it fails in the same way: the same error on the way, or a 5xx status.
func (r *runner) sharedByBlue(ctx context.Context, a *attempt) bool {
	if r.blue == nil || ctx.Err() != nil || !shareable(a) || r.suite.HostMentionsRelease() {
		return false
	}
	blue := r.attempt(ctx, a.check.Once(), r.blue, a.number, true)
	return shareable(blue) && blue.fault == a.fault
}

// shareable reports whether an attempt failed in a way that the environment may cause, so that blue may fail in the
// same way: in the connection, or by a server's error. A redirect is an answer.
func shareable(a *attempt) bool {
	switch {
	case !a.failed() || a.config != "":
		return false
	case a.fault == probe.FaultNone:
		return a.status >= http.StatusInternalServerError
	}
	return a.fault != probe.FaultRedirectAway && a.fault != probe.FaultRedirectLoop
}

// readyEnds ends the wait; it reports whether the release is ready.
func (r *runner) readyEnds(w *waiting, blame finding.Blame, reason string) bool {
	w.Verdict, w.Reason, w.Waited = verdictOf(blame), r.secrets.Line(reason, maxReason), time.Since(w.started)
	r.record(func(f *findings) {
		f.report.Readiness, f.Right, f.Others = &w.Readiness, w.right, w.otherRounds
		if blame != finding.BlameNone {
			f.faults = slices.Insert(f.faults, 0, verdictReason{w.Verdict, blame, w.Reason})
		}
	})
	r.tellReady(w)
	return blame == finding.BlameNone
}

func (r *runner) tellReady(w *waiting) {
	state := w.Readiness
	p := Progress{Phase: finding.PhaseReady, Done: w.Consecutive, Total: w.needed(), Readiness: &state}
	if w.last != nil && w.Consecutive == 0 {
		p.Text = r.secrets.Line(reasonOf(w.last), maxReason)
	}
	r.tell(p)
}

// reasonOf tells what failed in an attempt: check, request, subject, expected and got.
func reasonOf(a *attempt) string {
	what := " asserted nothing"
	if a.config != "" {
		what = ": " + a.config
	} else if a.failed() {
		what = ": " + a.findings[0].Line()
	}
	return "check " + redact.Quote(a.check.Name) + what
}

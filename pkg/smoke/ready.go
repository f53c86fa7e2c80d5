package smoke

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// readyPause is the pause after a failed round of readiness. There is none after a round that held, so that twenty in a
// row take no longer than their requests.
const readyPause = time.Second

// maxRelapseFactor bounds how many more rounds in a row are asked for after answers of another release.
const maxRelapseFactor = 5

// waiting is the state of the wait for the expected release.
type waiting struct {
	finding.Readiness
	started time.Time
	checks  []*suite.Check
	right   bool // the expected release has answered at least once
	// others counts the other versions that answered after that.
	others      map[string]int
	otherRounds int
	last        *attempt // the last that failed
}

// ready waits until the readiness checks hold in a row, each on a fresh connection.
func (r *runner) ready(ctx context.Context) bool {
	w := &waiting{
		started: time.Now().Add(-r.past.Spent), checks: r.suite.ReadinessChecks(), others: map[string]int{},
		right: r.past.Right, otherRounds: r.past.Others,
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
				return r.readyEnds(w, finding.Error, finding.BlameConfig, reasonOf(a))
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
			return r.readyEnds(w, finding.Error, finding.BlameGate, "a round of readiness broke off")
		case failed:
			w.Consecutive = 0
		case !stopped && w.Consecutive >= w.needed(r.suite.Consecutive):
			return r.isReady(w)
		}
		w.Waited = time.Since(w.started)
		r.tellReady(w)
		if stopped || failed && !Pause(within, readyPause) || within.Err() != nil {
			return r.notReady(ctx, w)
		}
	}
}

// rounds asks all readiness checks: in one round until the release has answered, and from then on in as many rounds
// side by side as checks may run, since only an unbroken row of right answers counts. For each round it returns the
// attempt that failed, or nil.
func (r *runner) rounds(ctx context.Context, w *waiting) []*attempt {
	n := 1
	if w.Consecutive > 0 {
		n = min(r.concurrency(), w.needed(r.suite.Consecutive)-w.Consecutive)
	}
	out := make([]*attempt, n)
	var all sync.WaitGroup
	for i := range out {
		out[i] = &attempt{stopped: true} // a round that breaks off has not held
		w.Rounds++
		number := w.Rounds
		all.Go(func() {
			defer r.recover()
			out[i] = r.round(ctx, w.checks, number)
		})
	}
	all.Wait()
	return out
}

// needed is how many rounds must hold in a row. With one old task among four, 20 right answers in a row come by chance
// once in 300 tries, and every answer of another release after the first right one begins one more try. So each such
// answer raises the number.
func (w *waiting) needed(consecutive int) int {
	return consecutive * min(1+w.otherRounds, maxRelapseFactor)
}

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

// round asks every readiness check; it returns the attempt that did not hold, or nil.
func (r *runner) round(ctx context.Context, checks []*suite.Check, number int) *attempt {
	for _, c := range checks {
		a := r.attempt(ctx, c, r.green, number, true)
		if a.failed() || a.stopped || a.config != "" || a.asserted == 0 {
			return a
		}
	}
	return nil
}

func (r *runner) isReady(w *waiting) bool {
	why := w.relapses()
	if why != "" {
		r.warning("readiness: %s", why)
	}
	r.mu.Lock()
	for _, c := range w.checks {
		r.found.proven = r.found.proven || c.ProvesRelease
	}
	r.mu.Unlock()
	r.readyEnds(w, finding.Pass, finding.BlameNone, why)
	return true
}

// relapses describes the wrong answers that came after the first right one.
func (w *waiting) relapses() string {
	if w.Relapses == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d rounds failed after the first right answer", w.Relapses, w.Rounds)
	for other, n := range w.others {
		times := fmt.Sprintf("%d times", n)
		if n == 1 {
			times = "once"
		}
		text += "; " + other + " answered " + times
	}
	return text
}

// notReady says why the wait ended without success.
func (r *runner) notReady(ctx context.Context, w *waiting) bool {
	cut := ctx.Err() != nil
	w.Waited = time.Since(w.started)
	switch {
	case w.last == nil && cut:
		return r.readyEnds(w, finding.Error, finding.BlameConfig,
			fmt.Sprintf("timed out while waiting for the release: %d of %d rounds held, none failed",
				w.Consecutive, w.needed(r.suite.Consecutive)))
	case cut && r.job.GoOn && time.Now().Before(r.deadline):
		return r.readyEnds(w, finding.Error, finding.BlameConfig,
			"timed out while waiting for the release: "+reasonOf(w.last))
	case w.last == nil:
		return r.readyEnds(w, finding.Fail, finding.BlameRelease,
			fmt.Sprintf("not ready within %s: only %d of %d rounds were answered in that time",
				r.suite.Within, w.Consecutive, w.needed(r.suite.Consecutive)))
	case w.last.config != "":
		return r.readyEnds(w, finding.Error, finding.BlameConfig, reasonOf(w.last))
	case !w.last.check.Flow && w.last.check.Steps[0].Reads() && !w.last.check.Steps[0].SendsRelease() &&
		r.sharedByBlue(ctx, w.last):
		return r.readyEnds(w, finding.Inconclusive, finding.BlameEnvironment,
			"not ready, and the old release fails in the same way: "+reasonOf(w.last))
	}
	reason := fmt.Sprintf("not ready after %s", w.Waited.Round(100*time.Millisecond))
	if more := w.relapses(); more != "" {
		reason += " (" + more + ")"
	}
	return r.readyEnds(w, finding.Fail, finding.BlameRelease, reason+": "+reasonOf(w.last))
}

// sharedByBlue asks the old release once whether it fails in the same way.
func (r *runner) sharedByBlue(ctx context.Context, a *attempt) bool {
	return r.blue != nil && ctx.Err() == nil && shareable(a) && !r.suite.HostMentionsRelease() &&
		sameFault(a, r.attempt(ctx, a.check.Once(), r.blue, a.number, true))
}

// shareable reports whether an attempt failed in a way that the environment may cause, so that blue may fail in the
// same way.
func shareable(a *attempt) bool {
	return a.failed() && a.config == "" && (transport(a.fault) || a.status >= 500 && a.fault == probe.FaultNone)
}

// transport reports whether a fault lies in the connection and not in the answer: a redirect is an answer.
func transport(f probe.Fault) bool {
	switch f {
	case probe.FaultNone, probe.FaultRequest, probe.FaultInterrupted, probe.FaultCertificate, probe.FaultHandshake, probe.FaultLocal,
		probe.FaultRedirectAway, probe.FaultRedirectLoop:
		return false
	default:
		return true
	}
}

// sameFault reports whether both sides fail in the same way: with the same class of transport error, or a 5xx status.
func sameFault(green, blue *attempt) bool {
	if !shareable(green) || !shareable(blue) {
		return false
	}
	if green.fault != probe.FaultNone || blue.fault != probe.FaultNone {
		return green.fault == blue.fault
	}
	return green.status >= 500 && blue.status >= 500
}

func (r *runner) readyEnds(w *waiting, v finding.Verdict, b finding.Blame, reason string) bool {
	w.Verdict, w.Waited = v, time.Since(w.started)
	w.Reason = r.secrets.Line(reason, maxReason)
	r.mu.Lock()
	r.found.readiness, r.found.Right, r.found.Others = &w.Readiness, w.right, w.otherRounds
	r.found.ready = verdictReason{v, b, w.Reason}
	r.mu.Unlock()
	r.tellReady(w)
	return false
}

func (r *runner) tellReady(w *waiting) {
	state := w.Readiness
	p := Progress{Phase: finding.PhaseReady, Done: w.Consecutive, Total: w.needed(r.suite.Consecutive), Readiness: &state}
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

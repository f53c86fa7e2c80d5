package smoke

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	// sharedEvery is how often both sides are asked while a shared fault lasts: a recovery is noticed within a second, and
	// a release that is down gets one request a second for each check.
	sharedEvery = time.Second
	warmEvery   = 5 // the first attempt uses a connection that is kept, and every fifth; the others open one
	// mostHangs is after how many time-outs in a row, beyond the allowed failures, a check is not tried any more: it has
	// failed, and each further attempt would take its whole time-out from the other checks.
	mostHangs = 5
)

// judgement is the state of one check while its attempts are made.
type judgement struct {
	check   *suite.Check
	index   int
	result  finding.CheckResult
	started time.Time
	// own counts the failures that blue does not share. They still count when the check is judged again.
	own, made  int
	asserted   int
	hangs      int // time-outs in a row
	config     string
	shared     string // what the new release answered when the old one failed in the same way
	stuck      string // why a shared fault kept it from being judged
	unfinished bool
	wrongFlow  *finding.CheckResult // its own setup or teardown, where that did not hold
}

// judge runs every attempt of every check, several checks at a time. It reports whether all checks that count held.
// Blocked, if not empty, says why none is run.
func (r *runner) judge(ctx context.Context, blocked string) (all bool) {
	if blocked == "" {
		end, setup := r.begin(ctx, &r.green, false)
		defer func() {
			r.noteFlow(end())
			all = r.held()
		}()
		r.noteFlow(setup)
		if held(setup) {
			r.judgeChecks(ctx)
			return all
		}
		blocked = "setup did not hold"
	}
	for _, c := range r.checks {
		r.skip(finding.PhaseJudge, c.Name, blocked)
	}
	return false
}

func (r *runner) judgeChecks(ctx context.Context) {
	// A slot is the right to send requests. A check gives its slot back while it waits for blue to recover.
	slots := make(chan struct{}, r.concurrency())
	var all sync.WaitGroup
	var next, done atomic.Int64
	ended := map[string]chan struct{}{}
	for _, c := range r.checks {
		ended[c.Name] = make(chan struct{})
	}
	for range min(r.concurrency(), len(r.checks)) {
		all.Go(func() {
			defer r.recover()
			for i := next.Add(1) - 1; i < int64(len(r.checks)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				j := &judgement{check: r.checks[i], index: int(i), started: time.Now()}
				if r.goOn(j) {
					done.Add(1)
					close(ended[j.check.Name])
					continue
				}
				for _, name := range j.check.After { // it stands above, so somebody works on it, or the tags leave it out
					if before := ended[name]; before != nil {
						select {
						case <-before:
						case <-ctx.Done():
						}
					}
				}
				shared := r.within(slots, func() bool { return r.attempts(ctx, j) })
				if shared && j.check.Observe { // an observed check never blocks, so nothing waits for it
					j.stuck, shared = "the old release fails in the same way: "+j.shared, false
				}
				if !shared {
					r.judged(j, &done)
					close(ended[j.check.Name])
					continue
				}
				all.Go(func() {
					defer r.recover()
					defer close(ended[j.check.Name])
					r.judgeAnew(ctx, j, slots)
					r.judged(j, &done)
				})
			}
		})
	}
	all.Wait()
	r.cutShort(ctx)
}

// attempts makes the check's attempts; it reports true when blue shares a fault, and the check must wait.
// Four of five attempts open a connection of their own: behind a load balancer that distributes connections, a check of
// five attempts then reaches each of four tasks.
func (r *runner) attempts(ctx context.Context, j *judgement) (shared bool) {
	c := j.check
	green := r.green
	end, setup := r.begin(ctx, &green, true)
	defer func() { j.flow(end()) }()
	if j.flow(setup); !held(setup) {
		return false
	}
	for j.made < c.Attempts {
		if ctx.Err() != nil {
			j.unfinished = true
			return false
		}
		n := j.own + j.made + 1
		a := r.attempt(ctx, c, green, n, n%warmEvery != 1)
		if a.stopped && !a.failed() {
			j.unfinished = true
			return false
		}
		if a.config != "" {
			j.config = a.config
			j.keep(a)
			return false
		}
		session := green.session != nil && !green.session.jar.Empty() // which blue does not have
		if !a.stopped && c.Single() && !session && r.sharedByBlue(ctx, a) {
			j.shared = a.findings[0].Line()
			return true
		}
		j.made++
		j.note(a)
		if j.hangs++; a.fault != probe.FaultTimeout {
			j.hangs = 0
		}
		if j.hangs >= mostHangs && j.result.Failures >= c.Allowed+mostHangs {
			return false
		}
		if a.stopped { // the attempt failed first; then its clean-up was cut off
			j.unfinished = true
			return false
		}
	}
	return false
}

// flow keeps the check's own setup or teardown where it did not hold.
func (j *judgement) flow(res *finding.CheckResult) {
	if held(res) || j.wrongFlow != nil {
		return
	}
	j.wrongFlow, j.unfinished = res, j.unfinished || res.Attempts == 0
	j.result.Findings = append(j.result.Findings, res.Findings...)
}

// within runs f in one of the slots, and gives the slot back whatever happens.
func (r *runner) within(slots chan struct{}, f func() bool) bool {
	slots <- struct{}{}
	defer func() { <-slots }()
	return f()
}

// judgeAnew waits until blue answers, and then makes the attempts again, until all are made or the time for waiting is
// over. Failures that blue did not share still count.
func (r *runner) judgeAnew(ctx context.Context, j *judgement, slots chan struct{}) {
	for {
		j.own, j.made = j.result.Failures, 0
		if !r.blueRecovers(ctx, j, slots) {
			j.stuck = fmt.Sprintf("the old release fails in the same way, and did not recover within what was left of %s: %s",
				r.suite.Within, j.shared)
			return
		}
		if !r.within(slots, func() bool { return r.attempts(ctx, j) }) {
			return
		}
	}
}

// blueRecovers asks both sides every second until blue answers; it reports false when that timed out.
func (r *runner) blueRecovers(ctx context.Context, j *judgement, slots chan struct{}) bool {
	within, cancel := context.WithDeadline(ctx, r.deadline)
	defer cancel()
	asked := j.check.Once()
	for Pause(within, sharedEvery) {
		state := "still fails"
		recovered := r.within(slots, func() bool {
			blue := r.attempt(within, asked, r.blue, 0, true)
			if !r.attempt(within, asked, r.green, 0, true).failed() {
				state = "answers"
			}
			return !blue.stopped && !shareable(blue)
		})
		r.tell(Progress{Phase: finding.PhaseJudge, Text: fmt.Sprintf("check %s: a fault shared with the old release; the "+
			"new one %s", redact.Quote(j.check.Name), state)})
		if recovered {
			return true
		}
	}
	return false
}

// note counts an attempt and keeps what it found, each kind of failure once.
func (j *judgement) note(a *attempt) {
	j.asserted += a.asserted
	j.result.Latencies = append(j.result.Latencies, a.latencies...)
	if !a.failed() {
		return
	}
	j.result.Failures++
	j.keep(a)
}

func (j *judgement) keep(a *attempt) {
	for _, f := range a.findings {
		known := slices.IndexFunc(j.result.Findings, func(k finding.Finding) bool {
			return k.Place == f.Place && k.Step == f.Step && k.Subject == f.Subject && k.Expected == f.Expected && k.Got == f.Got
		})
		if known >= 0 {
			j.result.Findings[known].Count++
		} else if len(j.result.Findings) < maxFindings {
			j.result.Findings = append(j.result.Findings, f)
		}
	}
}

// judged gives the check its verdict, and reports it to the watcher.
func (r *runner) judged(j *judgement, done *atomic.Int64) {
	c := j.check
	res := &j.result
	res.Check, res.Place, res.Observe = c.Name, r.suite.Place(c.At), c.Observe
	res.Attempts = j.own + j.made
	res.Duration = time.Since(j.started)
	res.Blame, res.Reason = j.verdict(r)
	res.Verdict = verdictOf(res.Blame)
	r.record(func(f *findings) {
		f.checks[j.index] = res
		f.report.ReleaseProven = f.report.ReleaseProven || res.Verdict == finding.Pass && c.ProvesRelease && !c.Observe
		if j.unfinished && res.Verdict != finding.Fail {
			f.begun = append(f.begun, c.Name)
			out := finding.NotRun{Check: c.Name, Phase: finding.PhaseJudge, Why: res.Reason}
			f.report.NotRun = append(f.report.NotRun, out)
		}
	})
	if r.job.GoOn && j.unfinished && res.Verdict == finding.Error {
		return // another run tells it
	}
	told := *res
	r.tell(Progress{Phase: finding.PhaseJudge, Done: int(done.Add(1)), Total: len(r.checks), Check: &told})
}

// verdict says whose business the check's result is, and why.
func (j *judgement) verdict(r *runner) (finding.Blame, string) {
	c, res := j.check, &j.result
	counted := fmt.Sprintf("%d of %d attempts failed", res.Failures, res.Attempts)
	if left := c.Attempts - j.made; left > 0 && j.hangs >= mostHangs {
		counted += fmt.Sprintf(", and %d more were not tried after %d time-outs in a row", left, j.hangs)
	}
	if c.Allowed > 0 {
		counted += fmt.Sprintf(", %d may", c.Allowed)
	}
	switch {
	case res.Failures > c.Allowed:
		return finding.BlameRelease, r.secrets.Line(counted+": "+res.Findings[0].Line(), maxReason)
	case j.wrongFlow != nil:
		return j.wrongFlow.Blame, j.wrongFlow.Check + ": " + j.wrongFlow.Reason
	case j.config != "":
		return finding.BlameConfig, r.secrets.Line(j.config, maxReason)
	case j.stuck != "":
		return finding.BlameEnvironment, r.secrets.Line(j.stuck, maxReason)
	case j.unfinished:
		return finding.BlameConfig, fmt.Sprintf("timed out after %d of %d attempts", j.own+j.made, j.own+c.Attempts)
	case j.asserted == 0 || j.made == 0:
		return finding.BlameGate, "nothing was asserted, so nothing was tested"
	case res.Failures > 0:
		return finding.BlameNone, r.secrets.Line(counted+": "+res.Findings[0].Line(), maxReason)
	}
	return finding.BlameNone, ""
}

// cutShort reports the checks that were never started.
func (r *runner) cutShort(ctx context.Context) {
	why, cut := "it never began", []string(nil)
	if ctx.Err() != nil {
		why = "the run timed out before it began"
	}
	for i, res := range r.found.checks {
		if c := r.checks[i]; res == nil {
			r.skip(finding.PhaseJudge, c.Name, why)
			if !c.Observe {
				cut = append(cut, c.Name)
			}
		}
	}
	if len(cut) > 0 {
		const text = "cut short: %d of %d checks did not run, the first %s"
		r.fault(finding.BlameConfig, fmt.Sprintf(text, len(cut), len(r.checks), redact.Quote(cut[0])))
	}
}

// held reports whether every check that counts passed.
func (r *runner) held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, res := range r.found.checks {
		if !r.checks[i].Observe && (res == nil || res.Verdict != finding.Pass) {
			return false
		}
	}
	return len(r.found.faults) == 0 &&
		!slices.ContainsFunc(r.found.report.Checks, func(f finding.CheckResult) bool { return !held(&f) })
}

// begin runs the suite's setup on a side, for each check or once for all that follows there; nil when the suite has none
// of that kind. What it returns runs the teardown, whatever came before, and takes the session away.
func (r *runner) begin(
	ctx context.Context, s **side, each bool,
) (end func() *finding.CheckResult, setup *finding.CheckResult) {
	first, last := r.suite.Setup, r.suite.Teardown
	if r.suite.SetupPerCheck != each {
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
		r.record(func(f *findings) { f.report.Checks = append(f.report.Checks, *flow) })
	}
}

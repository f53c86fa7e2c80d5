package smoke

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

const (
	// cleanupGrace is how long "always" steps are still tried after the run's context has ended.
	cleanupGrace = time.Second
	// lastGrace is when Run returns at the latest after its context has ended, whatever hangs.
	lastGrace = cleanupGrace + 500*time.Millisecond
	// maxReason bounds a one-line reason, in characters.
	maxReason = 500
)

// Run reads and runs a suite. It always returns, soon after ctx ends at the latest, and never panics:
// what could not be run is named in the report, and is never a pass. Watch may be nil; it is called from
// one goroutine at a time and must be quick.
func Run(ctx context.Context, job Job, watch func(Progress)) Report {
	suite, problems := Read(job.Suite)
	if suite == nil {
		r := &runner{job: job, started: time.Now(), suite: &Suite{file: job.Suite.Name}}
		errs := problems.Errors(false)
		reason := fmt.Sprintf("the suite is wrong: %s: %s", errs[0].Place, errs[0].Text)
		if len(errs) > 1 {
			reason += fmt.Sprintf(" (and %d more problems)", len(errs)-1)
		}
		r.refuse(reason)
		return r.finish()
	}
	r := &runner{suite: suite, job: job, watch: watch, started: time.Now()}
	for _, p := range problems {
		r.found.warnings = append(r.found.warnings, fmt.Sprintf("%s: %s", p.Place, p.Text))
	}
	return r.run(ctx)
}

// Run runs the suite, which was read from job.Suite: see the function Run.
func (s *Suite) Run(ctx context.Context, job Job, watch func(Progress)) Report {
	return (&runner{suite: s, job: job, watch: watch, started: time.Now()}).run(ctx)
}

func (r *runner) run(ctx context.Context) Report {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.recover()
		if r.prepare(ctx) {
			r.phases(ctx)
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
		late := time.NewTimer(lastGrace)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			r.fault(BlameGate, "a part of the run did not stop when its time was up")
		}
	}
	return r.finish()
}

// runner is one run of a suite.
type runner struct {
	suite   *Suite
	job     Job
	started time.Time
	watch   func(Progress)
	telling sync.Mutex
	// dial replaces dialling in tests of what takes time.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	vars     map[string]string
	secrets  *redact.Redactor
	checks   []*check // those that the tags leave
	compares []*comparison
	green    *side
	blue     *side // nil when no baseline is known
	// deadline is when waiting ends: for readiness, and for a shared fault to pass.
	deadline time.Time

	mu    sync.Mutex
	found findings
}

// findings is what the run has found so far; guarded by runner.mu.
type findings struct {
	readiness *Readiness
	ready     verdictReason
	checks    []*CheckResult // by index of runner.checks
	compares  []Comparison
	// excused counts comparisons that the suite's policy leaves out.
	excused int
	notRun  []NotRun
	// faults are what is wrong beside the checks: the suite, a certificate, ourselves, the time.
	faults   []verdictReason
	warnings []string
	proven   bool
}

// verdictReason is one reason for the run's verdict.
type verdictReason struct {
	verdict Verdict
	blame   Blame
	reason  string
}

// refuse ends a run before it began, because of its suite, its settings or its secrets.
func (r *runner) refuse(reason string) { r.fault(BlameConfig, reason) }

func (r *runner) fault(b Blame, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.faults = append(r.found.faults, verdictReason{Error, b, r.secrets.Line(reason, maxReason)})
}

func (r *runner) warning(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.warnings = append(r.found.warnings, r.secrets.Line(fmt.Sprintf(format, args...), maxReason))
}

// recover turns a panic into a finding: a gate that crashes must not open.
func (r *runner) recover() {
	if p := recover(); p != nil {
		r.fault(BlameGate, fmt.Sprintf("the gate itself broke: %v", p))
	}
}

// prepare binds the job to the suite; it reports false when they do not fit.
func (r *runner) prepare(ctx context.Context) bool {
	if !r.bind() || !r.choose() {
		return false
	}
	toGreen, toBlue, err := r.sideHeaders()
	if err != nil {
		r.refuse("a header that leads to the target: " + err.Error())
		return false
	}
	if why := r.suite.OneAddress(ctx, r.job); why != "" {
		r.warning("%s", why)
	}
	s := sideSettings{
		serverName: r.suite.server, roots: r.suite.roots, rate: r.suite.policy.rate, connections: r.concurrency(),
		dial: r.dial,
	}
	if s.host, err = r.suite.host.header(scope{vars: r.vars}); err != nil {
		r.refuse("host: " + err.Error())
		return false
	}
	if r.green, err = newSide(r.job.Target, r.job.TargetAddrs, s); err != nil {
		r.refuse("target: " + err.Error())
		return false
	}
	r.green.headers = toGreen
	if r.job.Baseline != "" {
		if r.blue, err = newSide(r.job.Baseline, r.job.BaselineAddrs, s); err != nil {
			r.refuse("baseline: " + err.Error())
			return false
		}
		r.blue.headers = toBlue
	}
	return true
}

// bind gives every variable its value.
func (r *runner) bind() bool {
	r.vars = map[string]string{varRelease: r.job.Release, varDeployment: r.job.DeploymentID}
	for name, v := range r.job.Values {
		r.vars[name] = v.Text
	}
	var missing string
	for _, v := range r.suite.variables {
		_, given := r.job.Values[v.name]
		switch {
		case !given && v.ref != nil && missing == "":
			missing = v.name
		case !given:
			r.vars[v.name] = v.text
		}
	}
	var err error
	r.secrets, err = r.suite.Redactor(r.job.Values)
	r.secrets = r.secrets.With(r.job.Hidden...)
	switch {
	case err != nil:
		r.refuse(err.Error())
	case missing != "":
		r.refuse(fmt.Sprintf("variable %s has no value", missing))
	case r.job.Release == "" && r.suite.MentionsRelease():
		r.refuse("the suite mentions ${RELEASE}, and nobody said which release it is: render-taskdef --release stamps it, smoke --release says it")
	default:
		return true
	}
	return false
}

// choose takes the checks that the tags leave.
func (r *runner) choose() bool {
	r.checks, r.compares = r.suite.chosen(r.job.Tags)
	if !r.does(PhaseReady) && !r.does(PhaseJudge) && !r.does(PhaseCompare) {
		r.refuse("no phase is to be run, so nothing would be tested")
		return false
	}
	if !slices.ContainsFunc(r.checks, func(c *check) bool { return !c.observe }) {
		r.refuse(fmt.Sprintf("the tags %s leave no check that counts", quote(fmt.Sprint(r.job.Tags))))
		return false
	}
	r.found.checks = make([]*CheckResult, len(r.checks))
	return true
}

// chosen returns the checks and comparisons that a tag filter leaves.
func (s *Suite) chosen(tags []string) ([]*check, []*comparison) {
	checks := make([]*check, 0, len(s.checks))
	for i := range s.checks {
		if keeps(tags, s.checks[i].tags) {
			checks = append(checks, &s.checks[i])
		}
	}
	var compares []*comparison
	for i := range s.compares {
		if keeps(tags, s.compares[i].tags) {
			compares = append(compares, &s.compares[i])
		}
	}
	return checks, compares
}

func (r *runner) does(p Phase) bool { return slices.Contains(r.job.Phases, p) }

func (r *runner) concurrency() int {
	if r.job.Concurrency > 0 {
		return r.job.Concurrency
	}
	return r.suite.policy.concurrency
}

// phases runs what the job asks for, in order, as long as it makes sense to go on.
func (r *runner) phases(ctx context.Context) {
	defer r.green.close()
	defer r.blue.close()
	r.deadline = time.Now().Add(r.suite.readiness.within)
	blocked := ""
	if r.does(PhaseReady) && !r.ready(ctx) {
		blocked = "the release did not get ready"
	}
	if r.does(PhaseJudge) {
		if blocked != "" {
			for _, c := range r.checks {
				r.skip(c.name, blocked)
			}
		} else if !r.judge(ctx) {
			blocked = "the checks did not hold"
		}
	}
	if r.does(PhaseCompare) {
		r.compare(ctx, blocked)
	}
}

// skip notes what does not run, because of something that is a finding already.
func (r *runner) skip(name, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.notRun = append(r.found.notRun, NotRun{Check: name, Why: why})
}

// pause waits, and reports false when the context ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		// A deadline at the same instant has been reached too, even where the context's timer comes second.
		if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
			<-ctx.Done()
			return false
		}
		return true
	case <-ctx.Done():
		return false
	}
}

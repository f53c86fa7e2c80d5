// Package smoke runs a smoke suite against a release and says what that proved: from observations to a verdict.
//
// Running (run, ready, judge, comparison) turns a Job into attempts; an attempt is one pass through a check's steps.
// Concluding (conclude) takes the worst of all results that count.
//
// The words: a release is one version of the application. The new release answers at the target (green), the old one at
// the baseline (blue); the two are the sides of a run. A phase is a part of a run: ready, judge, compare.
//
// It never retries outside readiness and a declared "eventually", never counts what did not run as passed, and knows
// nothing of AWS: what becomes of the verdict is its callers' business.
package smoke

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	cleanupGrace = time.Second // how long "always" steps are still tried after the run's context has ended
	// lastGrace is when Run returns at the latest after its context has ended, whatever hangs.
	lastGrace = cleanupGrace + 500*time.Millisecond
	maxReason = 500 // bounds a one-line reason, in characters
)

// Job is all that one run of a suite needs, as a value: it can be run here or sent as JSON to the
// prober, which runs it inside the VPC. A Job may hold secrets; it must never be logged.
type Job struct {
	Suite suite.Source `json:"suite"`
	// Values are the suite's variables, resolved: all that Suite.References asks for, and overrides.
	Values map[string]suite.Value `json:"values,omitempty"`
	// Target is the way to the release to judge, Baseline to the one in production, without a URL where there is none.
	Target     Side   `json:"target"`
	Baseline   Side   `json:"baseline,omitzero"`
	Nonce      string `json:"nonce,omitempty"`       // identifies this run; its report repeats it
	NoBaseline string `json:"no_baseline,omitempty"` // why there is none ("production already serves the new release")
	// Hidden are further texts that no output may show: the function's own credentials. They never leave the process.
	Hidden       []string `json:"-"`
	Release      string   `json:"release,omitempty"`       // the expected version, ${RELEASE}; empty when it is not known
	DeploymentID string   `json:"deployment_id,omitempty"` // ${DEPLOYMENT_ID}
	// Phases are the phases to run; they run in the order of the constants, whatever the order here.
	Phases      []finding.Phase `json:"phases"`
	Tags        []string        `json:"tags,omitempty"`        // selects the checks with one of them; "!" excludes
	Concurrency int             `json:"concurrency,omitempty"` // overrides the suite's policy when it is positive
	// Deadline is when the sender wants the report; zero when the job is run here: then the context has the deadline.
	Deadline time.Time `json:"deadline,omitzero"`
	// GoOn asks for what another run needs to go on with this one, where time is up; Before is that of an earlier run.
	GoOn   bool            `json:"go_on,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	// UncomparableBaseline says why nothing is compared with the baseline (it is a bootstrap task), or is empty.
	UncomparableBaseline string `json:"uncomparable_baseline,omitempty"`
}

// Progress tells a watcher of Run what just happened. Only what is new is set.
type Progress struct {
	Phase finding.Phase
	// Done of Total: rounds in a row while ready, checks while judging, pairs of one check while comparing.
	Done, Total int
	Check       *finding.CheckResult
	Compare     *finding.Comparison
	Readiness   *finding.Readiness
	Text        string // one line about what is going on, redacted
}

// ReadAndRun reads a suite and runs it as Run does. When the suite is wrong, the report's verdict is ERROR.
func ReadAndRun(ctx context.Context, job Job, watch func(Progress)) finding.Report {
	s, problems := suite.Read(job.Suite)
	r := &runner{suite: cmp.Or(s, &suite.Suite{}), job: job, watch: watch, started: time.Now()}
	if s == nil {
		errs := problems.Errors(false)
		reason := fmt.Sprintf("the suite is wrong: %s: %s", errs[0].Place, errs[0].Text)
		if len(errs) > 1 {
			reason += fmt.Sprintf(" (and %d more problems)", len(errs)-1)
		}
		r.fault(finding.BlameConfig, reason)
		return r.finish(ctx)
	}
	for _, p := range problems {
		r.found.report.Warnings = append(r.found.report.Warnings, fmt.Sprintf("%s: %s", p.Place, p.Text))
	}
	return r.run(ctx)
}

// Run runs a suite that was read from job.Suite. It returns soon after ctx ends at the latest, and never panics: what
// could not be run is named in the report and no pass. Watch may be nil; it must be quick, and gets one call at a time.
func Run(ctx context.Context, s *suite.Suite, job Job, watch func(Progress)) finding.Report {
	return (&runner{suite: s, job: job, watch: watch, started: time.Now()}).run(ctx)
}

func (r *runner) run(ctx context.Context) finding.Report {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.recover()
		if err := r.prepare(ctx); err != nil {
			r.fault(finding.BlameConfig, err.Error())
			return
		}
		r.phases(ctx)
	}()
	late, stop := afterwards(ctx, lastGrace)
	defer stop()
	select {
	case <-done:
	case <-late.Done():
		r.fault(finding.BlameGate, "a part of the run did not stop when it timed out")
	}
	return r.finish(ctx)
}

// runner is one run of a suite.
type runner struct {
	suite   *suite.Suite
	job     Job
	started time.Time
	watch   func(Progress)
	telling sync.Mutex
	dial    func(ctx context.Context, network, addr string) (net.Conn, error) // of tests whose time is simulated

	vars     map[string]string
	secrets  *redact.Redactor
	checks   []*suite.Check // those that the tags select
	compares []*suite.Comparison
	green    *side
	blue     *side     // nil when no baseline is known
	past     halfway   // how far an earlier run came that this one goes on with
	deadline time.Time // ends the wait for readiness, and the wait for a shared fault to pass

	mu    sync.Mutex
	found findings
}

// findings is what the run has found so far; guarded by runner.mu.
type findings struct {
	report  finding.Report         // its checks are setup and teardown only, its verdict comes at the end
	checks  []*finding.CheckResult // by index of runner.checks
	excused int                    // counts comparisons that the suite's policy leaves out
	faults  []verdictReason        // other than failed checks: in the suite, with a certificate, in this program, with time
	begun   []string               // the checks that time ended in the middle of
	halfway
}

// verdictReason is one reason for the run's verdict.
type verdictReason struct {
	verdict finding.Verdict
	blame   finding.Blame
	reason  string
}

// verdictOf is what a run says whose reason is somebody's business.
func verdictOf(b finding.Blame) finding.Verdict {
	return cmp.Or(map[finding.Blame]finding.Verdict{
		finding.BlameNone: finding.Pass, finding.BlameRelease: finding.Fail, finding.BlameEnvironment: finding.Inconclusive,
	}[b], finding.Error)
}

// record keeps what was found.
func (r *runner) record(what func(*findings)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what(&r.found)
}

// fault notes a reason, other than a failed check, why the run cannot pass.
func (r *runner) fault(b finding.Blame, reason string) {
	why := verdictReason{verdictOf(b), b, r.secrets.Line(reason, maxReason)}
	r.record(func(f *findings) { f.faults = append(f.faults, why) })
}

func (r *runner) warning(format string, args ...any) {
	text := r.secrets.Line(fmt.Sprintf(format, args...), maxReason)
	r.record(func(f *findings) { f.report.Warnings = append(f.report.Warnings, text) })
}

// tell calls the watcher, from one goroutine at a time.
func (r *runner) tell(p Progress) {
	if r.watch == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.watch(p)
}

// recover turns a panic into a finding: a gate that crashes must not open.
func (r *runner) recover() {
	if p := recover(); p != nil {
		r.fault(finding.BlameGate, fmt.Sprintf("the gate itself broke: %v", p))
	}
}

// prepare binds the job to the suite; the error says why they do not fit.
func (r *runner) prepare(ctx context.Context) error {
	if err := r.bind(); err != nil {
		return err
	}
	if err := r.choose(); err != nil {
		return err
	}
	if why := OneAddress(ctx, r.suite, r.job); why != "" {
		r.warning("%s", why)
	}
	host, err := r.suite.HostHeader(suite.Scope{Vars: r.vars})
	if err != nil {
		return fmt.Errorf("host: %w", err)
	}
	r.green, err = r.side("target", r.job.Target, r.job.Baseline, host)
	if err == nil && r.job.Baseline.URL != "" {
		r.blue, err = r.side("baseline", r.job.Baseline, r.job.Target, host)
	}
	return err
}

// bind gives every variable its value.
func (r *runner) bind() error {
	vars, missing := r.suite.Bind(r.job.Release, r.job.DeploymentID, r.job.Values)
	secrets, err := r.suite.Redactor(r.job.Values)
	r.vars, r.secrets = vars, secrets.With(r.job.Hidden...)
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(r.job.Release) != r.job.Release:
		return fmt.Errorf("the release is %s: take the blanks and line breaks around it away", redact.Quote(r.job.Release))
	case missing != "":
		return fmt.Errorf("variable %s has no value", missing)
	case r.job.Release == "" && r.suite.MentionsRelease():
		return errors.New("the suite mentions ${RELEASE}, but the release is not known: stamp it with render-taskdef " +
			"--release, or give it with smoke --release")
	}
	return nil
}

// choose selects the checks by the job's tags.
func (r *runner) choose() error {
	r.checks, r.compares = r.suite.Chosen(r.job.Tags)
	r.found.checks = make([]*finding.CheckResult, len(r.checks))
	if !r.does(finding.PhaseReady) && !r.does(finding.PhaseJudge) && !r.does(finding.PhaseCompare) {
		return errors.New("no phase is to be run, so nothing would be tested")
	}
	if !slices.ContainsFunc(r.checks, func(c *suite.Check) bool { return !c.Observe }) {
		return fmt.Errorf("the tags %s leave no check that counts", redact.Quote(fmt.Sprint(r.job.Tags)))
	}
	return nil
}

func (r *runner) does(p finding.Phase) bool { return slices.Contains(r.job.Phases, p) }

func (r *runner) concurrency() int { return cmp.Or(max(r.job.Concurrency, 0), r.suite.Concurrency) }

// phases runs what the job asks for, in order, as long as it makes sense to go on.
func (r *runner) phases(ctx context.Context) {
	defer r.green.close()
	defer r.blue.close()
	_ = json.Unmarshal(r.job.Before, &r.past) // what is none is the beginning
	r.deadline = time.Now().Add(r.suite.Within - r.past.Spent)
	r.found.report.ReleaseProven = r.past.Proven
	blocked := ""
	if was := r.past.Readiness; was != nil && was.Verdict == finding.Pass {
		r.found.report.Readiness = was
	} else if r.does(finding.PhaseReady) && !r.ready(ctx) {
		blocked = "the release did not become ready"
	}
	if r.does(finding.PhaseJudge) && !r.judge(ctx, blocked) && blocked == "" {
		blocked = "the checks did not hold"
	}
	if r.does(finding.PhaseCompare) {
		r.compare(ctx, blocked)
	}
}

// skip notes a check or comparison that does not run, for a reason that has been reported already.
func (r *runner) skip(phase finding.Phase, name, why string) {
	out := finding.NotRun{Check: name, Phase: phase, Why: why}
	r.record(func(f *findings) { f.report.NotRun = append(f.report.NotRun, out) })
}

// Pause waits, and reports false when the context ended meanwhile.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		// A deadline at this very instant counts as reached, even when the context's own timer fires after ours.
		if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
			<-ctx.Done()
			return false
		}
		return true
	case <-ctx.Done():
		return false
	}
}

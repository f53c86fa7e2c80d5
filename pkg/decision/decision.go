// Package decision is the one place where Succeeded is made.
//
// It makes it out of witnesses: values that only the code that saw something can make, since their fields
// are its own. A run of the suite, a proof of which release was asked, the verdict of an earlier gate, what
// production serves, an authorised skip: the zero value of each says that nobody saw it. So what is missing,
// or contradicts another witness, is Failed without anybody having thought of the case.
package decision

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Seen is all that one invocation of a hook has seen.
type Seen struct {
	// Deployment is the deployment's id or ARN, Event the gate that judges it.
	Deployment string
	Event      lifecycle.Name
	// Cluster and Service are the names of what is deployed, Step the number of a step of it; empty where nobody says it.
	Cluster, Service string
	Step             int
	// Release is the expected version, or empty where nobody said it; OldRelease is what production runs, where that
	// is known. Where both have one name, no answer can tell them apart.
	Release, OldRelease string
	// Target is the base URL that leads to the new release.
	Target string
	// Suite and SuiteSHA256 name the suite; Suite alone, as it was asked for, where it could not be read.
	Suite, SuiteSHA256 string
	// Observing says that no verdict blocks (MODE=observe), Rollback that the controller is taking a release
	// back, which must never be stopped.
	Observing, Rollback bool
	// Problem is why there is no run; its zero value is none.
	Problem Problem

	Run      Run
	Proof    Proof
	Evidence Evidence
	Baseline Baseline
	Skip     Skip
	Answer   Answer
	// Compared is evidence of an earlier step of the same deployment, in which production was the old release's and
	// both were compared.
	Compared Evidence
	// Idle is why there is nothing to watch.
	Idle Idle
	// Ahead is all that the event before anything is started rests on.
	Ahead Ahead
}

// Problem is what kept the suite from being run.
type Problem struct {
	Blame  finding.Blame
	Reason string
}

// Overruled is why a verdict that shuts the gate does not.
type Overruled string

// The ways in which a verdict is overruled. The zero value is none.
const (
	// ByPolicy is INCONCLUSIVE that the suite's own policy allows.
	ByPolicy Overruled = "policy"
	// ByMode is the observe mode, ByRollback a deployment that takes a release back.
	ByMode     Overruled = "observe"
	ByRollback Overruled = "rollback"
	// BySkip is an authorised skip.
	BySkip Overruled = "skip"
	// ByApproval is INCONCLUSIVE that somebody was asked about, and approved.
	ByApproval Overruled = "approval"
)

// Decision is what an invocation comes to. Its zero value is Failed.
type Decision struct {
	Verdict finding.Verdict
	Blame   finding.Blame
	// Reason is one line; its first words tell what failed, what was expected and what came.
	Reason    string
	Overruled Overruled
	// Seen is what it was decided on.
	Seen Seen

	status lifecycle.Status
}

// Status is what the controller is told.
func (d Decision) Status() lifecycle.Status {
	if d.status == lifecycle.Succeeded {
		return d.status
	}
	return lifecycle.Failed
}

// WouldFail reports whether the gate was shut, and stood open only because it observes or must not stop a rollback.
func (d Decision) WouldFail() bool { return d.Overruled == ByMode || d.Overruled == ByRollback }

// Passed reports whether the gate opened for what the suite said: a PASS, or an INCONCLUSIVE that the suite
// allows and that counted.
func (d Decision) Passed() bool {
	return d.Verdict == finding.Pass || d.Overruled == ByPolicy && !d.Seen.Observing && !d.Seen.Rollback
}

// Asks is for how long somebody is to be asked what to make of it, or 0: it is INCONCLUSIVE, the suite asks, nobody has
// answered, and the gate is shut.
func (d Decision) Asks() time.Duration {
	if d.Verdict != finding.Inconclusive || d.Status() == lifecycle.Succeeded || d.Seen.Answer != (Answer{}) {
		return 0
	}
	return d.Seen.Run.suite.AskFor
}

// Decide makes the decision. Whatever is not named here as open is shut.
func Decide(s Seen) Decision {
	v, blame, reason := s.found()
	d := Decision{Verdict: v, Blame: blame, Reason: reason, Seen: s, status: lifecycle.Failed}
	switch {
	case v == finding.Pass:
		d.status = lifecycle.Succeeded
	case v == finding.Inconclusive && s.Run.suite.InconclusiveAllowed:
		d.status, d.Overruled = lifecycle.Succeeded, ByPolicy
	case s.Rollback:
		d.status, d.Overruled, d.Reason = lifecycle.Succeeded, ByRollback, "WOULD FAIL: "+reason
	case s.Observing:
		d.status, d.Overruled, d.Reason = lifecycle.Succeeded, ByMode, "WOULD FAIL: "+reason
	case v == finding.Inconclusive && s.Run.suite.AskFor > 0 && s.Answer.approved:
		d.status, d.Overruled, d.Reason = lifecycle.Succeeded, ByApproval, s.Answer.text+"; it was INCONCLUSIVE: "+reason
	case s.Skip.by != "":
		d.status, d.Overruled, d.Verdict = lifecycle.Succeeded, BySkip, finding.Skipped
		d.Reason = fmt.Sprintf("SKIPPED by %q until %s because %q; it was %s: %s",
			s.Skip.by, s.Skip.until.UTC().Format(time.RFC3339), s.Skip.why, v, reason)
	case v == finding.Inconclusive && s.Answer.text != "":
		d.Reason = s.Answer.text + "; it was INCONCLUSIVE: " + reason
	}
	return d
}

// found is the verdict before anybody overrules it.
func (s Seen) found() (finding.Verdict, finding.Blame, string) {
	r := s.Run.report
	switch {
	case s.Problem != (Problem{}):
		return finding.Error, s.Problem.Blame, s.Problem.Reason
	case s.Event == lifecycle.BeforeInstall:
		return s.Ahead.found()
	case s.Event == lifecycle.AfterAllowTraffic && s.Idle.why != "":
		return finding.Pass, finding.BlameNone, "nothing to watch: " + s.Idle.why
	case r == nil:
		return finding.Error, finding.BlameGate, "the gate did not come to a verdict"
	}
	switch r.Verdict {
	case finding.Pass, finding.Inconclusive:
		if flaw := s.flaw(); flaw != "" {
			return finding.Error, finding.BlameGate, flaw + "; the run said: " + r.Reason
		}
		if !s.proven() {
			return finding.Error, finding.BlameConfig, "release not proven: " + s.unproven() + "; the run said: " + r.Reason
		}
		return r.Verdict, r.Blame, r.Reason
	case finding.Fail, finding.Error:
		return r.Verdict, r.Blame, r.Reason
	default:
		return finding.Error, finding.BlameGate, fmt.Sprintf("the run ended with %.40q, which is not a verdict", r.Verdict)
	}
}

// proven reports whether something showed that the answers were this release's.
func (s Seen) proven() bool {
	return s.Event != lifecycle.AfterAllowTraffic && s.provenByCheck() || s.Proof.by != "" || s.Evidence.verdict != nil
}

func (s Seen) provenByCheck() bool {
	return s.Run.report.ReleaseProven && s.Run.suite.ProvesRelease() && (s.OldRelease == "" || s.OldRelease != s.Release)
}

func (s Seen) unproven() string {
	why := cmp.Or(s.Proof.missing, "nobody asked the test listener where it leads")
	what := "no check that passed demands ${RELEASE} of every answer"
	if s.OldRelease != "" && s.OldRelease == s.Release {
		what = fmt.Sprintf("both releases are called %.100q", s.Release)
	}
	return what + ", and " + why + `. Expect it in a check, as in json: {$.version: "${RELEASE}"}`
}

// Run is the witness of a run of the suite in this invocation, here or in the prober.
type Run struct {
	suite  *suite.Suite
	job    smoke.Job
	report *finding.Report
}

// Ran is the run of a suite, for whoever made the job and got its report.
func Ran(suite *suite.Suite, job smoke.Job, report finding.Report) Run {
	return Run{suite, job, &report}
}

// Report is what the run found, or nil.
func (r Run) Report() *finding.Report { return r.report }

// flaw says what is missing in a run that says PASS or INCONCLUSIVE, or what contradicts it; "" when nothing does.
func (s Seen) flaw() string {
	looks := []func() string{s.identity, s.readiness, s.checks, s.comparisons}
	if s.Event == lifecycle.AfterAllowTraffic {
		looks = []func() string{s.identity, s.watched}
	}
	for _, look := range looks {
		if flaw := look(); flaw != "" {
			return flaw
		}
	}
	return ""
}

// identity: the report is this run's.
func (s Seen) identity() string {
	if r := s.Run.report; r.SuiteSHA256 != s.Run.suite.SHA256 || r.Nonce != s.Run.job.Nonce ||
		s.Run.job.Target.URL != s.Target {
		return "the report is not about this run"
	}
	return ""
}

// watched: every item of the suite's watch was judged here, once, and held.
func (s Seen) watched() string {
	r, w := s.Run.report, s.Run.suite.Watch
	if w == nil || !slices.Equal(s.Run.job.Phases, []finding.Phase{finding.PhaseWatch}) {
		return "the release was not watched"
	}
	judged := map[string]finding.CheckResult{}
	for _, c := range r.Checks {
		judged[c.Check] = c
	}
	for _, name := range w.Items() {
		switch c := judged[name]; {
		case c.Attempts == 0:
			return fmt.Sprintf("%q was not judged", name)
		case c.Verdict != finding.Pass && (c.Verdict != finding.Inconclusive || r.Verdict != finding.Inconclusive):
			return fmt.Sprintf("%q ended with %s", name, c.Verdict)
		}
	}
	if len(r.Checks) != len(w.Items()) {
		return "other things were judged than the suite's watch has"
	}
	return ""
}

// readiness: the release was waited for, and came.
func (s Seen) readiness() string {
	r := s.Run.report
	switch {
	case r.Readiness == nil:
		return "nobody waited for the release to be ready"
	case r.Readiness.Verdict == finding.Pass, s.shared(r.Readiness.Verdict):
		return ""
	}
	return fmt.Sprintf("readiness ended with %s", r.Readiness.Verdict)
}

// shared reports whether it is an INCONCLUSIVE that blue's answer can have caused, in a run that says no more.
func (s Seen) shared(v finding.Verdict) bool {
	return v == finding.Inconclusive && s.Run.report.Verdict == finding.Inconclusive && s.Baseline.url != ""
}

// checks: every check that counts was judged here, once, and held; or an earlier gate's verdict says so.
func (s Seen) checks() string {
	r := s.Run.report
	if !slices.Contains(s.Run.job.Phases, finding.PhaseJudge) {
		if s.Event != lifecycle.BeforeAllowTraffic || s.Evidence.verdict == nil {
			return "the checks were not run, and no verdict of an earlier gate is known"
		}
		return ""
	}
	if r.Readiness.Verdict != finding.Pass {
		return "" // INCONCLUSIVE, and so nothing could be judged
	}
	judged := map[string]finding.CheckResult{}
	for _, c := range r.Checks {
		if !c.Observe {
			judged[c.Check] = c
		}
	}
	counted := s.Run.suite.Counted()
	for _, name := range counted {
		c := judged[name]
		switch {
		case s.shared(c.Verdict):
		case c.Attempts == 0:
			return fmt.Sprintf("the check %q was not run", name)
		case c.Verdict != finding.Pass:
			return fmt.Sprintf("the check %q ended with %s", name, c.Verdict)
		}
	}
	if teardown := s.Run.suite.Teardown; teardown != nil { // it runs where there is something to clean up
		if c, ran := judged[teardown.Name]; ran && c.Verdict == finding.Pass {
			counted = append(counted, teardown.Name)
		}
	}
	if len(judged) != len(counted) {
		return "other checks were run than the suite has"
	}
	return ""
}

// comparisons: where this gate compares, every comparison was made with a baseline and held, or is excused.
func (s Seen) comparisons() string {
	r, suite, job := s.Run.report, s.Run.suite, s.Run.job
	if len(r.Compares) > 0 && s.Baseline.url == "" {
		return "something was compared, though there is no baseline"
	}
	if s.Event != lifecycle.BeforeAllowTraffic {
		return ""
	}
	held := map[string]bool{}
	for _, c := range r.Compares {
		if c.Verdict != finding.Pass && (c.Verdict != finding.Inconclusive || r.Verdict != finding.Inconclusive) {
			return fmt.Sprintf("the comparison %q ended with %s", c.Check, c.Verdict)
		}
		held[c.Check] = true
	}
	excused := r.Verdict == finding.Inconclusive || job.UncomparableBaseline != "" || suite.BaselineOptional ||
		s.Compared.verdict != nil && s.Baseline.url == ""
	for _, name := range suite.Comparisons() {
		if !held[name] && !excused {
			return fmt.Sprintf("the comparison %q was not made", name)
		}
	}
	return ""
}

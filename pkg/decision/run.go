package decision

import (
	"fmt"
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

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
	for _, look := range []func() string{s.identity, s.readiness, s.checks, s.comparisons} {
		if flaw := look(); flaw != "" {
			return flaw
		}
	}
	return ""
}

// identity: the report is this run's.
func (s Seen) identity() string {
	if r := s.Run.report; r.SuiteSHA256 != s.Run.suite.SHA256() || r.Nonce != s.Run.job.Nonce ||
		s.Run.job.Target.URL != s.Target {
		return "the report is not about this run"
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
	if _, teardown, _ := s.Run.suite.Setup(); teardown != nil { // it runs where there is something to clean up
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
	excused := r.Verdict == finding.Inconclusive || job.UncomparableBaseline != "" || suite.BaselineOptional() ||
		s.Compared.verdict != nil && s.Baseline.url == ""
	for _, name := range suite.Comparisons() {
		if !held[name] && !excused {
			return fmt.Sprintf("the comparison %q was not made", name)
		}
	}
	return ""
}

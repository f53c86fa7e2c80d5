package decision_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// row is one combination of what may have been seen.
type row struct {
	verdict finding.Verdict
	// second is the gate before production's traffic; whole says that the checks were run in this invocation.
	second, whole bool
	// checks is what came of the second of two checks: "held", "shared", "failed" or "missing".
	checks string
	// compared is what came of the comparison: "held", "inconclusive" or "" when it was not made.
	compared string
	// evidence is what the first gate left: "passed", "observed", "another suite's", "skipped" or "".
	evidence string
	// production is what the baseline was made of: "blue", "10 % green" or "unknown".
	production string
	// proof is "check", "listener" or "".
	proof                                        string
	observing, rollback, skip, allowed, optional bool
	// earlier is a verdict that an earlier step of the same deployment left: "compared", "nothing compared" or "".
	earlier string
	// ahead is what was seen before anything was started: "nothing in the way", "a flaw" or "nobody looked"; "" in any
	// other event.
	ahead string
	// asks says that the suite's policy is to ask; answer is what the tags say: "approved", "rejected", "nobody" where the
	// time is over, "approved, another question", "approved, nobody's name", "approved, no reason" or "".
	asks   bool
	answer string
}

const question = "d-1/AfterAllowTestTraffic/2026-11-29T13:00:00.123Z"

// answered makes the witness in the way that the gate does.
func (r row) answered() decision.Answer {
	tags := map[string]string{"greenlight.decision": "approved by ann at 13:01", "greenlight.why": "blue is ill", "greenlight.answer": "approved " + question}
	switch r.answer {
	case "rejected":
		tags["greenlight.decision"], tags["greenlight.answer"] = "rejected by ann at 13:01", "rejected "+question
	case "nobody":
		return decision.Unanswered("nobody approved")
	case "approved, another question":
		tags["greenlight.answer"] = "approved d-1/AfterAllowTestTraffic/2026-11-29T12:00:00.123Z"
	case "approved, nobody's name":
		tags["greenlight.decision"] = "rejected by ann at 13:01"
	case "approved, no reason":
		tags["greenlight.why"] = " "
	case "":
		delete(tags, "greenlight.answer")
	}
	return decision.AnswerIn(tags, question)
}

const (
	succeeded = lifecycle.Succeeded
	failed    = lifecycle.Failed
)

// expected is the decision a second time, from the rule and not from the code: what counts has to
// have been judged against this release, and to have held.
func expected(r row) (finding.Verdict, lifecycle.Status) {
	blue := r.production == "blue"
	evidence := r.evidence == "passed"
	judged := r.whole && r.checks == "held" || !r.whole && r.second && evidence
	excused := r.compared == "" && (r.optional || !r.second || r.earlier == "compared" && !blue)
	undecided := r.whole && r.checks == "shared" && blue || judged
	proven := r.proof != "" || evidence
	v := finding.Error
	switch r.verdict {
	case finding.Fail:
		v = finding.Fail
	case finding.Pass:
		if judged && proven && (r.compared == "held" && blue || excused) {
			v = finding.Pass
		}
	case finding.Inconclusive:
		if undecided && proven && (r.compared == "" || blue) {
			v = finding.Inconclusive
		}
	case finding.Error, finding.Skipped:
	}
	if r.ahead != "" { // whatever else was seen
		v = map[bool]finding.Verdict{true: finding.Pass, false: finding.Error}[r.ahead == "nothing in the way"]
	}
	switch {
	case v == finding.Pass || v == finding.Inconclusive && r.allowed:
		return v, succeeded
	case r.rollback || r.observing:
		return v, succeeded
	case v == finding.Inconclusive && r.asks && r.answer == "approved":
		return v, succeeded
	case r.skip:
		return finding.Skipped, succeeded
	}
	return v, failed
}

// suites are one for each policy: allowed, optional, and whether a check proves the release.
func suites(t testing.TB) func(allowed, optional, proves bool) *suite.Suite {
	return func(allowed, optional, proves bool) *suite.Suite {
		return policies(t)(map[bool]string{true: "allow", false: "fail"}[allowed], optional, proves)
	}
}

var read sync.Map

// policies are the same by the word for what is inconclusive.
func policies(t testing.TB) func(inconclusive string, optional, proves bool) *suite.Suite {
	return func(inconclusive string, optional, proves bool) *suite.Suite {
		key := fmt.Sprint(inconclusive, optional, proves)
		if s, ok := read.Load(key); ok {
			return s.(*suite.Suite)
		}
		expect := `"1.1"`
		if proves {
			expect = `"${RELEASE}"`
		}
		text := fmt.Sprintf("version: 1\nchecks:\n  - {name: version, request: GET /version, expect: {body: %s}}\n  - {name: list, request: GET /list, expect: {status: 200}}\n"+
			"  - {name: watched, request: GET /watched, observe: true, expect: {status: 200}}\n"+
			"compare:\n  - {name: report, request: GET /report}\npolicy: {inconclusive: %s, baseline: %s}\n",
			expect, inconclusive, map[bool]string{true: "optional", false: "required"}[optional])
		s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(text)})
		if s == nil {
			t.Fatal(problems)
		}
		read.Store(key, s)
		return s
	}
}

// seen makes the witnesses of a row in the way that the gate does.
func (r row) seen(s *suite.Suite) decision.Seen {
	seen := decision.Seen{
		Deployment: "d-1", Event: lifecycle.AfterAllowTestTraffic, Release: "1.1", OldRelease: "1.0", Target: "http://green", Suite: s.Name, SuiteSHA256: s.SHA256,
	}
	if r.evidence != "" {
		first := seen
		first.Run = decision.Ran(s, smoke.Job{Target: smoke.Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseJudge}}, good(s))
		first.Proof = decision.ByListener("arn:l", discovery.Way{Groups: []string{"two"}}, "two", "")
		switch r.evidence {
		case "observed":
			first.Observing = true
		case "another suite's":
			first.SuiteSHA256 = "00"
		case "skipped":
			first.Problem.Reason, first.Skip = "broken", decision.Authorised("ann", "INC-7", time.Now())
		}
		text, err := decision.Decide(first).Record(time.Now())
		if err != nil {
			panic(err)
		}
		seen.Evidence = decision.EvidenceIn(text, seen)
	}
	report := good(s)
	report.Verdict, report.ReleaseProven, report.Compares = r.verdict, r.proof == "check", nil
	if r.second {
		seen.Event = lifecycle.BeforeAllowTraffic
	}
	job := smoke.Job{Target: smoke.Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseReady, finding.PhaseCompare}}
	if r.whole {
		job.Phases = append(job.Phases, finding.PhaseJudge)
	}
	switch r.checks {
	case "missing":
		report.Checks = report.Checks[:1]
	case "shared":
		report.Checks[1].Verdict, report.Checks[1].Attempts = finding.Inconclusive, 0
	case "failed":
		report.Checks[1].Verdict = finding.Fail
	}
	if r.compared != "" {
		v := map[string]finding.Verdict{"held": finding.Pass, "inconclusive": finding.Inconclusive}[r.compared]
		report.Compares = []finding.Comparison{{Check: "report", Verdict: v}}
	}
	share := discovery.Fact[float64]{}
	switch r.production {
	case "blue":
		share = discovery.Of[float64](0, nil)
	case "10 % green":
		share = discovery.Of[float64](10, nil)
	}
	seen.Baseline = decision.BaselineAt("http://blue", share)
	if r.proof == "listener" {
		seen.Proof = decision.ByListener("arn:l", discovery.Way{Groups: []string{"two"}}, "two", "")
	}
	if r.earlier != "" {
		step := seen
		all := good(s)
		step.Run = decision.Ran(s, smoke.Job{Target: smoke.Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseJudge, finding.PhaseCompare}}, all)
		if step.Proof = decision.ByListener("arn:l", discovery.Way{Groups: []string{"two"}}, "two", ""); r.earlier == "compared" {
			all.Compares = []finding.Comparison{{Check: "report", Verdict: finding.Pass}}
			step.Baseline = decision.BaselineAt("http://blue", discovery.Of[float64](0, nil))
			step.Run = decision.Ran(s, smoke.Job{Target: smoke.Side{URL: "http://green"}, Phases: []finding.Phase{finding.PhaseJudge, finding.PhaseCompare}}, all)
		}
		text, err := decision.Decide(step).Record(time.Now())
		if err != nil {
			panic(err)
		}
		seen.Compared = decision.ComparedIn(text, seen)
	}
	switch r.ahead {
	case "nothing in the way":
		seen.Event, seen.Ahead = lifecycle.BeforeInstall, decision.LookedAhead(nil)
	case "a flaw":
		seen.Event, seen.Ahead = lifecycle.BeforeInstall, decision.LookedAhead([]string{"a flaw"})
	case "nobody looked":
		seen.Event = lifecycle.BeforeInstall
	}
	seen.Observing, seen.Rollback = r.observing, r.rollback
	if r.skip {
		seen.Skip = decision.Authorised("ann", "INC-7", time.Now())
	}
	seen.Run, seen.Answer = decision.Ran(s, job, report), r.answered()
	return seen
}

// good is the report of a run in which everything held.
func good(s *suite.Suite) finding.Report {
	held := func(name string) finding.CheckResult {
		return finding.CheckResult{Check: name, Verdict: finding.Pass, Attempts: 5}
	}
	return finding.Report{
		SuiteSHA256: s.SHA256, Verdict: finding.Pass, Readiness: &finding.Readiness{Verdict: finding.Pass},
		Checks: []finding.CheckResult{held("version"), held("list"), {Check: "watched", Observe: true, Verdict: finding.Fail}},
	}
}

// rows calls f for every combination that can differ.
func rows(all func(row)) {
	f := func(r row) {
		if all(r); r.allowed || r.optional {
			return
		}
		if r.verdict != finding.Inconclusive { // what cannot be approved
			r.answer, r.asks = "approved", true
			all(r)
			return
		}
		for _, r.answer = range []string{"approved", "rejected", "nobody", "approved, another question", "approved, nobody's name", "approved, no reason", ""} {
			for _, r.asks = range []bool{true, false} {
				all(r)
			}
		}
	}
	both := []bool{false, true}
	for _, verdict := range []finding.Verdict{"", finding.Pass, finding.Fail, finding.Error, finding.Inconclusive, "pass"} {
		for _, checks := range []string{"held", "shared", "failed", "missing"} {
			for _, production := range []string{"blue", "10 % green", "unknown"} {
				for _, proof := range []string{"check", "listener", ""} {
					for i := range 64 {
						bit := func(n int) bool { return i>>n&1 != 0 }
						r := row{
							verdict: verdict, checks: checks, production: production, proof: proof,
							whole: bit(0), observing: bit(1), rollback: bit(2), skip: bit(3), allowed: bit(4), optional: bit(5),
						}
						for _, r.second = range both {
							r.evidence, r.compared, r.earlier, r.ahead = "", "", "", ""
							if !r.second {
								f(r)
								for _, r.ahead = range []string{"nothing in the way", "a flaw", "nobody looked"} {
									f(r)
								}
								continue
							}
							for _, r.earlier = range []string{"compared", "nothing compared"} {
								f(r)
							}
							r.earlier = ""
							for _, r.evidence = range []string{"", "passed", "observed", "another suite's", "skipped"} {
								for _, r.compared = range []string{"", "held", "inconclusive"} {
									f(r)
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestEveryCombination holds the decision against its second implementation, and against what an open gate implies.
func TestEveryCombination(t *testing.T) {
	find := policies(t)
	count, opened, wrong := 0, 0, 0
	rows(func(r row) {
		inconclusive := "fail"
		if r.allowed {
			inconclusive = "allow"
		} else if r.asks {
			inconclusive = "ask"
		}
		d := decision.Decide(r.seen(find(inconclusive, r.optional, r.proof == "check")))
		verdict, status := expected(r)
		asks := verdict == finding.Inconclusive && status == failed && r.asks && r.answer != "rejected" && r.answer != "nobody"
		if got := d.Asks(); got != map[bool]time.Duration{true: 30 * time.Minute}[asks] {
			t.Errorf("%+v: asks for %s", r, got)
		}
		count++
		if d.Status() == succeeded {
			opened++
		}
		if openedWithout(r, d) {
			t.Errorf("%+v: opened: %s", r, d.Reason)
		}
		if d.Verdict != verdict || d.Status() != status {
			if wrong++; wrong <= 10 {
				t.Errorf("%+v:\n%s %s (%s), want %s %s", r, d.Verdict, d.Status(), d.Reason, verdict, status)
			}
		}
	})
	if count < 10_000 || opened == 0 || wrong > 10 {
		t.Errorf("%d rows, %d opened, %d wrong", count, opened, wrong)
	}
}

// openedWithout is the one property: where nothing overrules it, Succeeded means that every counted check of this suite
// was asked of this release and held, by this invocation or the first gate's; or that somebody skipped it. Before
// anything is started it means that somebody looked, and nothing is in the way.
func openedWithout(r row, d decision.Decision) bool {
	if d.Status() != succeeded || r.observing || r.rollback || r.skip {
		return false
	}
	if r.ahead != "" {
		return r.ahead != "nothing in the way"
	}
	held := r.whole && r.checks == "held" || !r.whole && r.evidence == "passed"
	shared := (r.allowed || r.asks && r.answer == "approved") && r.verdict == finding.Inconclusive && r.checks == "shared" && r.production == "blue"
	return !held && !shared || r.proof == "" && r.evidence != "passed"
}

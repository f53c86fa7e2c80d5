package decision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

var whole = []finding.Phase{finding.PhaseReady, finding.PhaseJudge, finding.PhaseCompare}

// passing is a second gate that saw all there is to see.
func passing(t *testing.T) (decision.Seen, *suite.Suite, smoke.Job, finding.Report) {
	t.Helper()
	s := suites(t)(false, false, true)
	job := smoke.Job{Phases: whole, Nonce: "n", Target: smoke.Side{URL: "http://green"}}
	report := good(s)
	report.Nonce, report.ReleaseProven, report.Reason = "n", true, "2 checks passed"
	report.Compares = []finding.Comparison{{Check: "report", Verdict: finding.Pass}}
	seen := decision.Seen{
		Deployment: "d-1", Event: lifecycle.BeforeAllowTraffic, Release: "1.1", Target: "http://green", Suite: s.Name, SuiteSHA256: s.SHA256,
		Baseline: decision.BaselineAt("http://blue", discovery.Of[float64](0, nil)), Run: decision.Ran(s, job, report),
	}
	if d := decision.Decide(seen); d.Verdict != finding.Pass || d.Status() != succeeded || d.Reason != report.Reason {
		t.Fatalf("%s %s: %s", d.Verdict, d.Status(), d.Reason)
	}
	return seen, s, job, report
}

func TestNothingSeenIsFailed(t *testing.T) {
	if got := (decision.Decision{}).Status(); got != failed {
		t.Errorf("a decision that nobody made: %s", got)
	}
	d := decision.Decide(decision.Seen{})
	if d.Verdict != finding.Error || d.Blame != finding.BlameGate || d.Status() != failed || d.Reason == "" {
		t.Errorf("%+v", d)
	}
}

// Each takes one witness away from a gate that would open, or contradicts one.
func TestEveryWitnessIsNeeded(t *testing.T) {
	seen, checked, job, report := passing(t)
	for name, tc := range map[string]struct {
		change func(*decision.Seen, *smoke.Job, *finding.Report)
		blame  finding.Blame
		reason string
	}{
		"another run's report":       {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Nonce = "m" }, finding.BlameGate, "not about this run"},
		"another address was asked":  {func(_ *decision.Seen, j *smoke.Job, _ *finding.Report) { j.Target.URL = "http://blue" }, finding.BlameGate, "not about this run"},
		"one name for both releases": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.OldRelease = "1.1" }, finding.BlameConfig, `both releases are called "1.1"`},
		"another suite's report":     {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.SuiteSHA256 = "00" }, finding.BlameGate, "not about this run"},
		"nobody waited":              {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Readiness = nil }, finding.BlameGate, "nobody waited"},
		"not ready": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) {
			r.Readiness = &finding.Readiness{Verdict: finding.Fail}
		}, finding.BlameGate, "readiness ended with FAIL"},
		"ready only as blue": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) {
			r.Readiness = &finding.Readiness{Verdict: finding.Inconclusive}
		}, finding.BlameGate, "readiness ended with INCONCLUSIVE"},
		"a check was not run":        {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks = r.Checks[1:] }, finding.BlameGate, `the check "version" was not run`},
		"a check without an attempt": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[1].Attempts = 0 }, finding.BlameGate, `the check "list" was not run`},
		"a check that only observed": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[1].Observe = true }, finding.BlameGate, `the check "list" was not run`},
		"a check that failed":        {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[1].Verdict = finding.Fail }, finding.BlameGate, `the check "list" ended with FAIL`},
		"a check of nobody's": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) {
			r.Checks = append(r.Checks, finding.CheckResult{Check: "more", Verdict: finding.Pass, Attempts: 1})
		}, finding.BlameGate, "other checks"},
		"checks left out without evidence": {func(_ *decision.Seen, j *smoke.Job, _ *finding.Report) {
			j.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseCompare}
		}, finding.BlameGate, "the checks were not run"},
		"a comparison was not made":   {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Compares = nil }, finding.BlameGate, `the comparison "report" was not made`},
		"another comparison":          {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Compares[0].Check = "x" }, finding.BlameGate, `the comparison "report" was not made`},
		"a comparison that failed":    {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Compares[0].Verdict = finding.Fail }, finding.BlameGate, `the comparison "report" ended with FAIL`},
		"a comparison with nobody":    {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.Baseline = decision.Baseline{} }, finding.BlameGate, "there is no baseline"},
		"nothing shows which release": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.ReleaseProven = false }, finding.BlameConfig, "release not proven: "},
		"a problem beside a good run": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) {
			s.Problem = decision.Problem{finding.BlameConfig, "no suite"}
		}, finding.BlameConfig, "no suite"},
		"a word that is not a verdict": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Verdict = "pass" }, finding.BlameGate, `"pass", which is not a verdict`},
	} {
		s, j, r := seen, job, report
		ready := *report.Readiness
		r.Readiness, r.Checks, r.Compares = &ready, append([]finding.CheckResult(nil), report.Checks...), append([]finding.Comparison(nil), report.Compares...)
		tc.change(&s, &j, &r)
		s.Run = decision.Ran(checked, j, r)
		d := decision.Decide(s)
		if d.Verdict != finding.Error || d.Blame != tc.blame || d.Status() != failed || !strings.Contains(d.Reason, tc.reason) {
			t.Errorf("%s: %s, blame %s, %s: %s", name, d.Verdict, d.Blame, d.Status(), d.Reason)
		}
		if tc.reason != "no suite" && tc.reason[0] != '"' && !strings.Contains(d.Reason, "2 checks passed") {
			t.Errorf("%s: what the run said is lost: %s", name, d.Reason)
		}
	}
}

// A report claims to prove the release; without a check that can, the claim is nobody's.
func TestAClaimOfProofIsNone(t *testing.T) {
	seen, _, job, report := passing(t)
	mute := suites(t)(false, false, false)
	report.SuiteSHA256 = mute.SHA256
	seen.Run = decision.Ran(mute, job, report)
	d := decision.Decide(seen)
	if d.Status() != failed || !strings.Contains(d.Reason, "nobody asked the test listener") {
		t.Errorf("%s: %s", d.Status(), d.Reason)
	}
	for name, tc := range map[string]struct {
		proof decision.Proof
		opens bool
		text  string
	}{
		"the listener leads to green":     {decision.ByListener("arn:l", discovery.Way{Groups: []string{"two"}}, "two", ""), true, "listener arn:l"},
		"it leads elsewhere, too":         {decision.ByListener("arn:l", discovery.Way{Groups: []string{"two", "one"}}, "two", ""), false, "none: the test listener does not lead only to the new release"},
		"nobody knows the listener":       {decision.ByListener("", discovery.Way{Groups: []string{"two"}}, "two", ""), false, "none: the test listener does not lead only to the new release"},
		"the listener could not be asked": {decision.Unproven("it is silent"), false, "none: it is silent"},
	} {
		seen.Proof = tc.proof
		d := decision.Decide(seen)
		if (d.Status() == succeeded) != tc.opens || witness(d, "proof") != tc.text {
			t.Errorf("%s: %s, proof %q: %s", name, d.Status(), witness(d, "proof"), d.Reason)
		}
		if why, missing := strings.CutPrefix(tc.text, "none: "); missing && !strings.Contains(d.Reason, why) {
			t.Errorf("%s: the reason does not say why: %s", name, d.Reason)
		}
	}
}

func witness(d decision.Decision, name string) string {
	for _, w := range d.Seen.Witnesses() {
		if w.Name == name {
			return w.Saw
		}
	}
	return "no such witness"
}

// What a placeholder serves is no release to compare with.
func TestAPlaceholderIsNotComparedWith(t *testing.T) {
	seen, checked, job, report := passing(t)
	report.Compares, job.UncomparableBaseline = nil, "a placeholder"
	seen.Run = decision.Ran(checked, job, report)
	if d := decision.Decide(seen); d.Status() != succeeded {
		t.Errorf("%s: %s", d.Status(), d.Reason)
	}
}

// An outage that both releases share keeps the release from getting ready: nothing can be judged, and the suite may
// allow that where the listener proves which release was waited for.
func TestASharedOutageFromTheBeginning(t *testing.T) {
	seen, _, job, report := passing(t)
	allowed := suites(t)(true, false, true)
	report.SuiteSHA256, report.Verdict, report.ReleaseProven = allowed.SHA256, finding.Inconclusive, false
	report.Readiness, report.Checks, report.Compares = &finding.Readiness{Verdict: finding.Inconclusive}, nil, nil
	seen.Run = decision.Ran(allowed, job, report)
	if d := decision.Decide(seen); d.Verdict != finding.Error || !strings.Contains(d.Reason, "release not proven") {
		t.Errorf("without proof: %s: %s", d.Verdict, d.Reason)
	}
	seen.Proof = decision.ByListener("arn:l", discovery.Way{Groups: []string{"two"}}, "two", "")
	if d := decision.Decide(seen); d.Verdict != finding.Inconclusive || d.Overruled != decision.ByPolicy || d.Status() != succeeded {
		t.Errorf("%s %s: %s", d.Verdict, d.Status(), d.Reason)
	}
	seen.Baseline = decision.Baseline{}
	if d := decision.Decide(seen); d.Verdict != finding.Error || !strings.Contains(d.Reason, "readiness ended with INCONCLUSIVE") {
		t.Errorf("shared with nobody: %s: %s", d.Verdict, d.Reason)
	}
}

// The first gate of a deployment compares nothing, and says nothing of an earlier gate.
func TestTheFirstGate(t *testing.T) {
	seen, checked, job, report := passing(t)
	seen.Event, report.Compares = lifecycle.AfterAllowTestTraffic, nil
	seen.Run = decision.Ran(checked, job, report)
	first := decision.Decide(seen)
	if first.Status() != succeeded {
		t.Fatalf("%s: %s", first.Status(), first.Reason)
	}
	text, err := first.Record(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// Evidence is for the second gate: the first one has to judge itself.
	seen.Evidence, job.Phases = decision.EvidenceIn(text, seen), whole[:1]
	seen.Run = decision.Ran(checked, job, report)
	if d := decision.Decide(seen); !seen.Evidence.Known() || d.Status() != failed {
		t.Errorf("%v, %s: %s", seen.Evidence, d.Status(), d.Reason)
	}
}

func TestWhereThereIsABaseline(t *testing.T) {
	for name, tc := range map[string]struct {
		url  string
		seen discovery.Fact[float64]
		want [2]string
	}{
		"all of production is blue":  {"http://blue", discovery.Of[float64](0, nil), [2]string{"http://blue", ""}},
		"some of it is green":        {"http://blue", discovery.Of[float64](0.1, nil), [2]string{"", "production already serves the new release (0.1 %)"}},
		"all of it is green":         {"http://blue", discovery.Of[float64](100, nil), [2]string{"", "production already serves the new release (100 %)"}},
		"nobody knows":               {"http://blue", discovery.Fact[float64]{}, [2]string{"", "it is not known whether production already serves the new release"}},
		"nobody knows where it is":   {"", discovery.Of[float64](0, nil), [2]string{"", "no production listener is known"}},
		"nonsense is not taken as 0": {"http://blue", discovery.Of[float64](-1, nil), [2]string{"", "production already serves the new release (-1 %)"}},
	} {
		b := decision.BaselineAt(tc.url, tc.seen)
		if got := [2]string{b.URL(), b.Why()}; got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Why a gate stood open is told apart, for metrics and for people.
func TestWhyItIsOpen(t *testing.T) {
	seen, checked, job, report := passing(t)
	until := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	allowed := suites(t)(true, false, true)
	run := func(s *suite.Suite, v finding.Verdict) decision.Run {
		r := report
		r.SuiteSHA256, r.Verdict, r.Reason = s.SHA256, v, "because"
		return decision.Ran(s, job, r)
	}
	for name, tc := range map[string]struct {
		change            func(*decision.Seen)
		verdict           finding.Verdict
		overruled         decision.Overruled
		reason            string
		passed, wouldFail bool
	}{
		"PASS":           {func(*decision.Seen) {}, finding.Pass, "", "2 checks passed", true, false},
		"PASS, observed": {func(s *decision.Seen) { s.Observing = true }, finding.Pass, "", "2 checks passed", true, false},
		"FAIL":           {func(s *decision.Seen) { s.Run = run(checked, finding.Fail) }, finding.Fail, "", "because", false, false},
		"observed":       {func(s *decision.Seen) { s.Run, s.Observing = run(checked, finding.Fail), true }, finding.Fail, decision.ByMode, "WOULD FAIL: because", false, true},
		"a rollback":     {func(s *decision.Seen) { s.Run, s.Rollback = run(checked, finding.Fail), true }, finding.Fail, decision.ByRollback, "WOULD FAIL: because", false, true},
		"the policy":     {func(s *decision.Seen) { s.Run = run(allowed, finding.Inconclusive) }, finding.Inconclusive, decision.ByPolicy, "because", true, false},
		"the policy, observed": {func(s *decision.Seen) {
			s.Run, s.Observing = run(allowed, finding.Inconclusive), true
		}, finding.Inconclusive, decision.ByPolicy, "because", false, false},
		"the policy, in a rollback": {func(s *decision.Seen) {
			s.Run, s.Rollback = run(allowed, finding.Inconclusive), true
		}, finding.Inconclusive, decision.ByPolicy, "because", false, false},
		"the policy is not for FAIL": {func(s *decision.Seen) { s.Run = run(allowed, finding.Fail) }, finding.Fail, "", "because", false, false},
		"a skip": {func(s *decision.Seen) {
			s.Run, s.Skip = run(checked, finding.Fail), decision.Authorised("ann", "INC-7", until)
		}, finding.Skipped, decision.BySkip, `SKIPPED by "ann" until 2026-11-28T20:00:00Z because "INC-7"; it was FAIL: because`, false, false},
	} {
		s := seen
		tc.change(&s)
		d := decision.Decide(s)
		if d.Verdict != tc.verdict || d.Overruled != tc.overruled || d.Reason != tc.reason || d.Passed() != tc.passed || d.WouldFail() != tc.wouldFail {
			t.Errorf("%s: %s, overruled %q, passed %v, would fail %v: %s", name, d.Verdict, d.Overruled, d.Passed(), d.WouldFail(), d.Reason)
		}
	}
}

// The log says what each decision rests on.
func TestWitnessesInWords(t *testing.T) {
	list := func(s decision.Seen) map[string]string {
		out := map[string]string{}
		for _, w := range s.Witnesses() {
			out[w.Name] = w.Saw
		}
		return out
	}
	seen, checked, job, report := passing(t)
	want := map[string]string{"mode": "enforce", "target": "http://green", "proof": "a check expects ${RELEASE}", "judged_by": "this invocation", "baseline": "http://blue"}
	if diff := cmp.Diff(want, list(seen)); diff != "" {
		t.Error(diff)
	}
	nothing := decision.Seen{Observing: true, Rollback: true}
	want = map[string]string{"mode": "observe, rollback", "target": "", "proof": "none: nothing was run", "judged_by": "none: nothing was run", "baseline": "none"}
	if diff := cmp.Diff(want, list(nothing)); diff != "" {
		t.Error(diff)
	}
	first := seen
	first.Event = lifecycle.AfterAllowTestTraffic
	text, err := decision.Decide(first).Record(time.Date(2026, 11, 28, 20, 0, 0, 1, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	job.Phases, report.ReleaseProven = []finding.Phase{finding.PhaseReady, finding.PhaseCompare}, false
	seen.Run, seen.Evidence = decision.Ran(checked, job, report), decision.EvidenceIn(text, seen)
	want = map[string]string{"mode": "enforce", "target": "http://green", "proof": "the first gate's", "judged_by": "the first gate, 2026-11-28T20:00:00Z", "baseline": "http://blue"}
	if diff := cmp.Diff(want, list(seen)); diff != "" {
		t.Error(diff)
	}
	seen.Proof = decision.ByListener("arn:l", way("two"), "two", "")
	if got := list(seen)["proof"]; got != "listener arn:l" {
		t.Errorf("what this invocation saw comes before what the first gate saw: %q", got)
	}
	seen.Evidence = decision.NoEvidence("it is lost")
	if got := list(seen)["judged_by"]; got != "none: it is lost" || seen.Evidence.Why() != "it is lost" {
		t.Errorf("judged by %q", got)
	}
}

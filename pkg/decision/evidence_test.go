package decision_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// Each record differs in one thing from one that is evidence.
func TestWhatIsNotEvidence(t *testing.T) {
	seen, suite, job, report := passing(t)
	first := seen
	first.Event, report.Compares = lifecycle.AfterAllowTestTraffic, nil
	first.Run = decision.Ran(suite, job, report)
	record := func(change func(*decision.Seen)) string {
		s := first
		change(&s)
		text, err := decision.Decide(s).Record(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := record(func(*decision.Seen) {})
	if e := decision.EvidenceIn(good, seen); !e.Known() || e.Why() != "" {
		t.Fatalf("a verdict that is evidence: %q", e.Why())
	}
	failing := report
	failing.Verdict, failing.Reason = finding.Fail, "because"
	notRead := "no verdict of the first gate is kept"
	for name, tc := range map[string]struct{ text, why string }{
		"nothing":            {"", notRead},
		"null":               {"null", "the verdict that is kept is about another deployment"},
		"an empty object":    {"{}", "the verdict that is kept is about another deployment"},
		"cut off":            {good[:len(good)-1], notRead},
		"something behind":   {good + " x", notRead},
		"another behind":     {good + good, notRead},
		"an unknown member":  {strings.Replace(good, "{", `{"more": 1, `, 1), notRead},
		"a wrong type":       {strings.Replace(good, `"observing":false`, `"observing":"no"`, 1), notRead},
		"another deployment": {record(func(s *decision.Seen) { s.Deployment = "d-2" }), "is about another deployment"},
		"no deployment":      {record(func(s *decision.Seen) { s.Deployment = "" }), "is about another deployment"},
		"another event":      {record(func(s *decision.Seen) { s.Event = lifecycle.BeforeAllowTraffic }), "is not the first gate's"},
		"another suite":      {record(func(s *decision.Seen) { s.SuiteSHA256 = "00" }), "judged by another suite"},
		"another release":    {record(func(s *decision.Seen) { s.Release = "0.9" }), `judged another release, "0.9"`},
		"another address":    {record(func(s *decision.Seen) { s.Target = "http://other" }), `asked another address, "http://other"`},
		"only observed":      {record(func(s *decision.Seen) { s.Observing = true }), "only observed"},
		"a rollback": {record(func(s *decision.Seen) {
			s.Rollback, s.Run = true, decision.Ran(suite, job, failing)
		}), "overruled: rollback"},
		"FAIL":                   {record(func(s *decision.Seen) { s.Run = decision.Ran(suite, job, failing) }), "said FAIL"},
		"PASS that was Failed":   {strings.Replace(good, `"Succeeded"`, `"Failed"`, 1), "said PASS"},
		"FAIL that was let pass": {strings.Replace(good, `"verdict":"PASS"`, `"verdict":"FAIL"`, 1), "said FAIL"},
	} {
		e := decision.EvidenceIn(tc.text, seen)
		if e.Known() || !strings.Contains(e.Why(), tc.why) {
			t.Errorf("%s: known %v, %q, want %q", name, e.Known(), e.Why(), tc.why)
		}
	}
	for member, unknown := range map[string]func(*decision.Seen){
		"deployment_id": func(s *decision.Seen) { s.Deployment = "" },
		"suite_sha256":  func(s *decision.Seen) { s.SuiteSHA256 = "" },
		"target":        func(s *decision.Seen) { s.Target = "" },
	} {
		s := seen
		unknown(&s)
		text := regexp.MustCompile(`"`+member+`":"[^"]+"`).ReplaceAllString(good, `"`+member+`":""`)
		if e := decision.EvidenceIn(text, s); text == good || e.Known() {
			t.Errorf("two unknown ones are not the same: %s in %s", member, text)
		}
	}
}

// A listener proves the release only where all that it forwards goes to the new release's target group.
func TestWhatAListenerProves(t *testing.T) {
	seen, suite, job, report := passing(t)
	report.ReleaseProven = false
	seen.Run = decision.Ran(suite, job, report)
	for name, tc := range map[string]struct {
		proof decision.Proof
		says  string
	}{
		"only the new one":    {decision.ByListener("arn:l", way("two"), "two", ""), "listener arn:l"},
		"both":                {decision.ByListener("arn:l", way("one", "two"), "two", ""), "none: the test listener does not lead only to the new release"},
		"the old one":         {decision.ByListener("arn:l", way("one"), "two", ""), "none: the test listener does not lead only to the new release"},
		"an unknown listener": {decision.ByListener("", way("two"), "two", ""), "none: the test listener does not lead only to the new release"},
		"nobody knows":        {decision.Unproven("it was not asked"), "none: it was not asked"},
	} {
		seen.Proof = tc.proof
		for _, w := range seen.Witnesses() {
			if w.Name == "proof" && w.Saw != tc.says {
				t.Errorf("%s: %q, want %q", name, w.Saw, tc.says)
			}
		}
		if opened := decision.Decide(seen).Status() == succeeded; opened != (name == "only the new one") {
			t.Errorf("%s: opened %v", name, opened)
		}
	}
}

func way(groups ...string) discovery.Way { return discovery.Way{Groups: groups} }

// A later step counts on an earlier one only where that compared, and passed.
func TestWhatAnEarlierStepCompared(t *testing.T) {
	seen, suite, job, report := passing(t)
	record := func(change func(*decision.Seen)) string {
		s := seen
		change(&s)
		text, err := decision.Decide(s).Record(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := record(func(*decision.Seen) {})
	bare := report
	bare.Compares, job.UncomparableBaseline = nil, "the placeholder"
	uncompared := record(func(s *decision.Seen) { s.Run = decision.Ran(suite, job, bare) })
	if !strings.Contains(uncompared, `"verdict":"PASS"`) {
		t.Fatal(uncompared)
	}
	for name, tc := range map[string]struct {
		text string
		want bool
	}{
		"compared":           {good, true},
		"with a sum behind":  {decision.KeepSum(good, "", "0123"), true},
		"nothing compared":   {uncompared, false},
		"the first gate's":   {record(func(s *decision.Seen) { s.Event = lifecycle.AfterAllowTestTraffic }), false},
		"another deployment": {record(func(s *decision.Seen) { s.Deployment = "d-2" }), false},
		"observed":           {record(func(s *decision.Seen) { s.Observing = true }), false},
	} {
		e := decision.ComparedIn(tc.text, seen)
		if e.Known() != tc.want {
			t.Errorf("%s: known %v", name, e.Known())
		}
		// The step after that has nothing else to go by.
		later := seen
		later.Compared, later.Run = e, decision.Ran(suite, job, bare)
		if text, err := decision.Decide(later).Record(time.Now()); err != nil || decision.ComparedIn(text, seen).Known() != tc.want {
			t.Errorf("%s, a step later: %s, %v", name, text, err)
		}
	}
}

// The checksums of several runs stand behind one record; each run replaces its own, and a flood pushes out the oldest.
func TestTheChecksumsBehindARecord(t *testing.T) {
	kept := "none"
	for i, tc := range []struct{ last, sum, want string }{
		{"", "a1", "none\na1"},
		{"", "b1", "none\na1\nb1"},
		{"a1", "a2", "none\nb1\na2"},
		{"a1", "a3", "none\nb1\na2\na3"}, // what is gone is replaced by nothing
		{"b1", "", "none\na2\na3"},
	} {
		if kept = decision.KeepSum(kept, tc.last, tc.sum); kept != tc.want {
			t.Errorf("%d: %q, want %q", i, kept, tc.want)
		}
	}
	if !decision.KeptSum(kept, "a2") || decision.KeptSum(kept, "a1") || decision.KeptSum(kept, "none") || decision.KeptSum("none", "") || decision.KeptSum("", "") {
		t.Errorf("kept is %q", kept)
	}
	for i := range 40 {
		kept = decision.KeepSum(kept, "", strings.Repeat(string(rune('A'+i)), 64))
	}
	if decision.KeptSum(kept, "a3") || !decision.KeptSum(kept, strings.Repeat("h", 64)) || len(kept) > 1200 {
		t.Errorf("%d bytes: %s", len(kept), kept)
	}
}

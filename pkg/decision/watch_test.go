package decision_test

import (
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Each takes one witness away from a watch that would open, or contradicts one.
func TestEveryWitnessOfAWatchIsNeeded(t *testing.T) {
	read := func(watch string) *suite.Suite {
		s, problems := suite.Read(suite.Source{Name: "s", Text: []byte("version: 1\nchecks: [{name: a, request: GET /, expect: {body: \"${RELEASE}\"}}]\n" + watch)})
		if s == nil {
			t.Fatal(problems)
		}
		return s
	}
	const group, definition = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/2", "arn:aws:ecs:eu-west-1:1:task-definition/s:2"
	watched, unwatched := read("watch: {for: 10m, alarms: [slow], logs: [{name: errors, pattern: error}]}\n"), read("")
	for name, tc := range map[string]struct {
		change  func(*decision.Seen, *smoke.Job, *finding.Report)
		verdict finding.Verdict
		reason  string
	}{
		"nothing":     {func(*decision.Seen, *smoke.Job, *finding.Report) {}, finding.Pass, "held"},
		"no decision": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.Run = decision.Run{} }, finding.Error, "did not come to a verdict"},
		"FAIL":        {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Verdict = finding.Fail }, finding.Fail, "held"},
		"INCONCLUSIVE": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) {
			r.Verdict, r.Checks[0].Verdict = finding.Inconclusive, finding.Inconclusive
		}, finding.Inconclusive, "held"},
		"an item that is INCONCLUSIVE": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[0].Verdict = finding.Inconclusive }, finding.Error, `"watch: 5xx" ended with INCONCLUSIVE`},
		"an item that failed":          {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[5].Verdict = finding.Fail }, finding.Error, `"watch: tasks" ended with FAIL`},
		"INCONCLUSIVE, and one failed": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) {
			r.Verdict, r.Checks[5].Verdict = finding.Inconclusive, finding.Fail
		}, finding.Error, `"watch: tasks" ended with FAIL`},
		"an item that is missing":       {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks = r.Checks[:7] }, finding.Error, `"watch: alarm slow" was not judged`},
		"a log that is missing":         {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[6].Check = "watch: log x" }, finding.Error, `"watch: log errors" was not judged`},
		"an item that nobody looked at": {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks[2].Attempts = 0 }, finding.Error, `"watch: p95" was not judged`},
		"an item too many":              {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Checks = append(r.Checks, r.Checks[0]) }, finding.Error, "other things were judged"},
		"another run's report":          {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.Nonce = "m" }, finding.Error, "not about this run"},
		"another suite's report":        {func(_ *decision.Seen, _ *smoke.Job, r *finding.Report) { r.SuiteSHA256 = unwatched.SHA256 }, finding.Error, "not about this run"},
		"another target group":          {func(_ *decision.Seen, j *smoke.Job, _ *finding.Report) { j.Target.URL = "arn:one" }, finding.Error, "not about this run"},
		"a run of the checks":           {func(_ *decision.Seen, j *smoke.Job, _ *finding.Report) { j.Phases = whole }, finding.Error, "was not watched"},
		"no target group": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) {
			s.Proof = decision.ByTargetGroup("", definition)
		}, finding.Error, "release not proven: "},
		"no task definition": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.Proof = decision.ByTargetGroup(group, "") }, finding.Error, "release not proven: "},
		"nobody knows what was watched": {func(s *decision.Seen, _ *smoke.Job, r *finding.Report) {
			s.Proof, r.ReleaseProven = decision.Proof{}, true
		}, finding.Error, "release not proven: "},
		"nothing to watch": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) {
			s.Run, s.Idle = decision.Run{}, decision.IdleBecause("x")
		}, finding.Pass, "nothing to watch: x"},
		"nothing to watch, in another gate": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) {
			s.Run, s.Idle, s.Event = decision.Run{}, decision.IdleBecause("x"), lifecycle.BeforeAllowTraffic
		}, finding.Error, "did not come to a verdict"},
		"a watch in another gate": {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.Event = lifecycle.BeforeAllowTraffic }, finding.Error, "nobody waited"},
		"a problem":               {func(s *decision.Seen, _ *smoke.Job, _ *finding.Report) { s.Problem.Reason = "no suite" }, finding.Error, "no suite"},
	} {
		job := smoke.Job{Phases: []finding.Phase{finding.PhaseWatch}, Nonce: "n", Target: smoke.Side{URL: group}}
		report := finding.Report{SuiteSHA256: watched.SHA256, Nonce: "n", Verdict: finding.Pass, Reason: "held"}
		for _, item := range watched.Watch.Items() {
			report.Checks = append(report.Checks, finding.CheckResult{Check: item, Verdict: finding.Pass, Attempts: 10})
		}
		s := decision.Seen{Event: lifecycle.AfterAllowTraffic, Target: group, Proof: decision.ByTargetGroup(group, definition), Run: decision.Ran(watched, job, report)}
		tc.change(&s, &job, &report)
		if s.Run.Report() != nil {
			s.Run = decision.Ran(watched, job, report)
		}
		d := decision.Decide(s)
		if d.Verdict != tc.verdict || (d.Status() == succeeded) != (tc.verdict == finding.Pass) || !strings.Contains(d.Reason, tc.reason) {
			t.Errorf("%s: %s, %s: %s", name, d.Verdict, d.Status(), d.Reason)
		}
		s.Run = decision.Ran(unwatched, job, finding.Report{SuiteSHA256: unwatched.SHA256, Nonce: "n", Verdict: finding.Pass})
		if d := decision.Decide(s); s.Idle == (decision.Idle{}) && d.Status() == succeeded {
			t.Errorf("%s: a suite without a watch: %s", name, d.Reason)
		}
	}
}

func TestWhatProductionServesNothingOf(t *testing.T) {
	share := func(percent float64) discovery.Fact[float64] { return discovery.Of(percent, nil) }
	way := func(groups ...string) discovery.Fact[discovery.Way] {
		return discovery.Of(discovery.Way{Groups: groups}, nil)
	}
	for name, tc := range map[string]struct {
		share discovery.Fact[float64]
		way   discovery.Fact[discovery.Way]
		group string
		idle  bool
	}{
		"nothing yet":                                 {share(0), way("one"), "two", true},
		"nothing yet, and nobody knows the rule":      {share(0), discovery.Fact[discovery.Way]{}, "two", true},
		"a tenth":                                     {share(10), way("one", "two"), "two", false},
		"a tenth, and nobody knows the rule":          {share(10), discovery.Fact[discovery.Way]{}, "two", false},
		"the tenth that is to come":                   {share(10), way("one"), "two", true},
		"a rule that leads nowhere":                   {share(10), way(), "two", false},
		"nothing, and the rule leads to it":           {share(0), way("one", "two"), "two", false},
		"nobody knows the share":                      {discovery.Fact[float64]{}, way("one"), "two", false},
		"nobody knows the new release's target group": {share(0), way("one"), "", false},
	} {
		if got := decision.Unserved(tc.share, tc.way, tc.group); (got != decision.Idle{}) != tc.idle {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

package decision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// TestSetupIsAWitness: it has to have run and held; a teardown runs where there is something to clean up, and then holds.
func TestSetupIsAWitness(t *testing.T) {
	const checks = `version: 1
checks:
  - {name: version, request: GET /v, expect: {body: "${RELEASE}"}}
  - {name: list, request: GET /l, expect: {status: 200}}
compare: [{name: report, request: GET /r}]
teardown: [{request: POST /bye}]
`
	seen, _, job, report := passing(t)
	flow := func(name string, v finding.Verdict) finding.CheckResult {
		return finding.CheckResult{Check: name, Verdict: v, Attempts: 1}
	}
	for name, c := range map[string]struct {
		setup string
		flows []finding.CheckResult
		flaw  string
	}{
		"both":                       {"setup: [{request: POST /hi}]", []finding.CheckResult{flow("setup", finding.Pass), flow("teardown", finding.Pass)}, ""},
		"nothing to clean up":        {"setup: [{request: POST /hi}]", []finding.CheckResult{flow("setup", finding.Pass)}, ""},
		"no setup":                   {"setup: [{request: POST /hi}]", []finding.CheckResult{flow("teardown", finding.Pass)}, `the check "setup" was not run`},
		"a setup without an attempt": {"setup: [{request: POST /hi}]", []finding.CheckResult{{Check: "setup", Verdict: finding.Pass}}, `the check "setup" was not run`},
		"a setup that failed":        {"setup: [{request: POST /hi}]", []finding.CheckResult{flow("setup", finding.Fail)}, `the check "setup" ended with FAIL`},
		"a teardown that failed":     {"setup: [{request: POST /hi}]", []finding.CheckResult{flow("setup", finding.Pass), flow("teardown", finding.Fail)}, "other checks"},
		"a setup of each check":      {"setup: {per: check, steps: [{request: POST /hi}]}", nil, ""},
	} {
		s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(checks + c.setup)})
		if s == nil {
			t.Fatal(problems)
		}
		r := report
		r.SuiteSHA256, r.Checks = s.SHA256, append(slices.Clone(report.Checks), c.flows...)
		seen := seen
		seen.Suite, seen.SuiteSHA256, seen.Run = s.Name, s.SHA256, decision.Ran(s, job, r)
		d := decision.Decide(seen)
		if opens := d.Status() == succeeded; opens != (c.flaw == "") || !strings.Contains(d.Reason, c.flaw) {
			t.Errorf("%s: %s: %s", name, d.Status(), d.Reason)
		}
	}
}

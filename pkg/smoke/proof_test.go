package smoke

import (
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// What a run says of its proof: a check that proves the release counted, was judged or waited for, and passed.
func TestWhenARunProvesTheRelease(t *testing.T) {
	const observed = "version: 1\nreadiness: {consecutive: 1, within: 1s}\nchecks:\n  - {name: home, request: GET /, expect: {status: 200}}\n" +
		"  - {name: version, request: GET /version, observe: true, expect: {json: {$.version: \"${RELEASE}\"}}}\n"
	for name, tc := range map[string]struct {
		suite, answers string
		phase          finding.Phase
		proven         bool
	}{
		"judged":                  {proof, "1.1.0", finding.PhaseJudge, true},
		"waited for":              {proof, "1.1.0", finding.PhaseReady, true},
		"judged, another release": {proof, "1.0.0", finding.PhaseJudge, false},
		"waited for in vain":      {strings.Replace(proof, "checks:", "readiness: {within: 1s}\nchecks:", 1), "1.0.0", finding.PhaseReady, false},
		"only observed":           {observed, "1.1.0", finding.PhaseJudge, false},
		"nothing is said of it":   {home, "1.1.0", finding.PhaseJudge, false},
		"said, and not demanded":  {strings.Replace(proof, `"${RELEASE}"`, `{one_of: ["${RELEASE}", "1.0.0"]}`, 1), "1.1.0", finding.PhaseJudge, false},
	} {
		inBubble(t, version(tc.answers), nil, func(n *network) {
			r := n.run(n.t.Context(), tc.suite, func(j *Job) { j.Phases = []finding.Phase{tc.phase} })
			if r.ReleaseProven != tc.proven {
				t.Errorf("%s: proven %v, want %v (%s: %s)", name, r.ReleaseProven, tc.proven, r.Verdict, r.Reason)
			}
		})
	}
}

package smoke

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// What a rule asks for is in every request to its side, also after a redirect, and in none to the other.
func TestEachSideIsSentWhatItsRuleAsksFor(t *testing.T) {
	const asking = "version: 1\nhost: trips.example\nreadiness: {consecutive: 1, within: 1s}\nchecks:\n" +
		"  - {name: a, request: \"GET /a?x=1&side=mine\", attempts: 1, expect: {status: 200}}\n" +
		"  - {name: moved, request: GET /moved, attempts: 1, expect: {status: 200}}\n" +
		"compare:\n  - {name: report, request: \"GET /report?side=mine\", pairs: 20, warmup: 0, expect: {status: 200}}\n"
	var mu sync.Mutex
	seen := map[string]bool{}
	see := func(side string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[fmt.Sprintf("%s: %s%s %s", side, r.Host, r.URL, r.Header.Get("X-Way"))] = true
			mu.Unlock()
			if r.URL.Path == "/moved" {
				http.Redirect(w, r, "/there?y=2", http.StatusFound)
			}
		}
	}
	inBubble(t, see("green"), see("blue"), func(n *network) {
		r := n.run(n.t.Context(), asking, func(j *Job) {
			allPhases(j)
			byAddress(j)
			n.hosts["192.0.2.1:80"], n.hosts["192.0.2.2:80"] = n.hosts["green:80"], n.hosts["blue:80"]
			j.Target.Headers, j.Target.Query, j.Target.Hosts = map[string]string{"x-way": "g"}, map[string]string{"side": "green"}, []string{"*.green.example"}
			j.Baseline.Headers, j.Baseline.Query = map[string]string{"X-Way": "b"}, map[string]string{"v": "a b"}
		})
		expectReport(t, r, finding.Pass, finding.BlameNone, "2 checks passed, 1 comparison passed")
	})
	for _, want := range []string{
		"green: x.green.example/a?side=green&x=1 g", "green: x.green.example/moved?side=green g", "green: x.green.example/there?side=green&y=2 g",
		"green: x.green.example/report?side=green g", "blue: trips.example/report?v=a+b b",
	} {
		if !seen[want] {
			t.Errorf("nobody saw %s\n%v", want, seen)
		}
		delete(seen, want)
	}
	delete(seen, "green: x.green.example/?side=green g") // readiness
	if len(seen) > 0 {
		t.Errorf("strays: %v", seen)
	}
}

// A path is the suite's to choose: one that the rule does not take is no fault of the release, a redirect to one is.
func TestAPathThatDoesNotLeadThere(t *testing.T) {
	for name, tc := range map[string]struct {
		paths  []string
		v      finding.Verdict
		b      finding.Blame
		reason string
	}{
		"the rule takes it":         {[]string{"/x", "/?", "/there"}, finding.Pass, finding.BlameNone, "1 check passed"},
		"a mask":                    {[]string{"/*"}, finding.Pass, finding.BlameNone, "1 check passed"},
		"another":                   {[]string{"/b*", "/c"}, finding.Error, finding.BlameConfig, "takes the paths /b*, /c only"},
		"in other letters":          {[]string{"/A"}, finding.Error, finding.BlameConfig, "takes the paths /A only"},
		"a redirect leaves it":      {[]string{"/a"}, finding.Fail, finding.BlameRelease, `redirects away from the target, to "/there"`},
		"a dot is not any letter":   {[]string{"/.", "/her."}, finding.Error, finding.BlameConfig, "takes the paths"},
		"a pattern of regexp's own": {[]string{"/(a|there)"}, finding.Error, finding.BlameConfig, "takes the paths"},
	} {
		inBubble(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/a" {
				http.Redirect(w, r, "/there", http.StatusFound)
			}
		}, nil, func(n *network) {
			r := n.run(n.t.Context(), "version: 1\nchecks:\n  - {name: a, request: GET /a, attempts: 1, expect: {status: 200}}\n", func(j *Job) {
				j.Phases, j.Target.Paths = []finding.Phase{finding.PhaseJudge}, tc.paths
			})
			if r.Verdict != tc.v || r.Blame != tc.b || !strings.Contains(r.Reason, tc.reason) {
				t.Errorf("%s: %s, blame %s: %s", name, r.Verdict, r.Blame, r.Reason)
			}
		})
	}
}

func TestWhatTellsTwoSidesApart(t *testing.T) {
	one := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, tc := range map[string]struct {
		target, baseline  Side
		suite             string
		apart, onlyByPath bool
	}{
		"nothing":                           {},
		"a header":                          {target: Side{Headers: one("x-a", "1")}, apart: true},
		"a header with another value":       {target: Side{Headers: one("x-a", "1")}, baseline: Side{Headers: one("X-A", "2")}, apart: true},
		"the same header":                   {target: Side{Headers: one("x-a", "1")}, baseline: Side{Headers: one("X-A", "1")}},
		"a query":                           {target: Side{Query: one("v", "1")}, apart: true},
		"a host":                            {target: Side{Hosts: []string{"green.example"}}, apart: true},
		"a host that blue's is":             {target: Side{Hosts: []string{"alb.EXAMPLE"}}},
		"a host that the suite says":        {target: Side{Hosts: []string{"*.example"}}, suite: "host: trips.example\n"},
		"a host that production's rule has": {target: Side{Hosts: []string{"green.*"}}, baseline: Side{Hosts: []string{"blue.*"}}, suite: "host: green.example\n", apart: true},
		"a path":                            {target: Side{Paths: []string{"/green/*"}}, onlyByPath: true},
		"a path and a header":               {target: Side{Paths: []string{"/green/*"}, Headers: one("x-a", "1")}, apart: true},
	} {
		s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(tc.suite + comparing)})
		if s == nil {
			t.Fatal(problems)
		}
		job := Job{Target: tc.target, Baseline: tc.baseline}
		job.Target.URL, job.Baseline.URL = "http://alb.example", "http://alb.example"
		if apart := OneAddress(t.Context(), s, job) == ""; apart != tc.apart || job.OnlyPathsApart(s) != tc.onlyByPath {
			t.Errorf("%s: apart %v, only by a path %v", name, apart, job.OnlyPathsApart(s))
		}
	}
}

// A check that hangs is told after five time-outs in a row, and does not take the time of all its attempts.
func TestACheckThatHangsEnds(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tc := range map[string]struct {
		attempts, allowed int
		h                 http.HandlerFunc
		want              time.Duration
		asked             int
		reason            string
	}{
		"many attempts":             {16, 0, hang, 25 * time.Second, 5, "5 of 5 attempts failed, and 11 more were not tried after 5 time-outs in a row: GET /a"},
		"some may fail":             {16, 3, hang, 40 * time.Second, 8, "8 of 8 attempts failed, and 8 more were not tried after 8 time-outs in a row, 3 may"},
		"five attempts":             {5, 0, hang, 25 * time.Second, 5, "5 of 5 attempts failed: GET /a"},
		"all but the last may fail": {6, 5, hang, 30 * time.Second, 6, "6 of 6 attempts failed, 5 may"},
		"not in a row": {11, 0, func() http.HandlerFunc {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1)%5 != 0 {
					hang(w, r)
				}
			}
		}(), 45 * time.Second, 11, "9 of 11 attempts failed: GET /a"},
	} {
		inBubble(t, tc.h, nil, func(n *network) {
			text := fmt.Sprintf("version: 1\nchecks:\n  - {name: a, request: GET /a, attempts: %d, allowed_failures: %d, expect: {status: 200}}\n", tc.attempts, tc.allowed)
			r := n.run(n.t.Context(), text, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseJudge} })
			if r.Verdict != finding.Fail || len(r.Checks) != 1 || r.Checks[0].Attempts != tc.asked || r.Duration != tc.want || !strings.Contains(r.Reason, tc.reason) {
				t.Errorf("%s: %s after %v: %s", name, r.Verdict, r.Duration, r.Reason)
			}
		})
	}
}

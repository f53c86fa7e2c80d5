package faults

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Advice is what to write into the suite so that a fault is caught.
type Advice struct {
	Text string `json:"text"`
	// Check names the check or comparison to which the YAML's keys belong, Step its 1-based step when it
	// is a flow, Place where it stands. Without a Check the YAML's keys are the suite's own, and lists in
	// it are to be appended to.
	Check string           `json:"check,omitempty"`
	Step  int              `json:"step,omitempty"`
	Place diagnostic.Place `json:"place,omitzero"`
	YAML  string           `json:"yaml"`
}

// patience is the time-out that the advice for slow answers names: below what "latency" adds.
const patience = "2s"

// advise says how a mutant could have been caught. What it says about answers comes from the rehearsal without a fault;
// it describes their shape, and never shows their values.
func (r *runner) advise(m Mutant, result rehearsal.Result) *Advice {
	if inconclusive(result) && r.Suite.InconclusiveAllowed() {
		return &Advice{
			Text: "the hook came to no verdict, and the suite's policy allows that: do not allow it",
			YAML: "policy: {inconclusive: fail}\n",
		}
	}
	if m.Route == nil {
		return r.adviseRelease(m)
	}
	asked, ok := r.asker(*m.Route)
	if !ok {
		return r.adviseCheck(*m.Route)
	}
	a := &Advice{Check: asked.Check, Step: asked.Step, Place: asked.Place}
	switch m.Fault {
	case "latency", "hang", "drip":
		a.Text = "say how long an answer may take"
		a.YAML = "timeout: " + patience + "\n"
	default:
		a.Text = "say what a right answer holds, not just its status"
		a.YAML = "expect: {" + expectation(r.samples[*m.Route], true) + "}\n"
	}
	if asked.Observe {
		a.Text, a.YAML = "let the check count, and "+a.Text, "observe: false\n"+a.YAML
		if asked.Step > 0 { // a flow counts as a whole
			a.Step, a.YAML = 0, "observe: false\n"
		}
	}
	return a
}

// asker is the request of the suite to which an expectation is best added: one that counts before one
// that does not, a single request before a flow's, a check before a comparison.
func (r *runner) asker(route Route) (suite.Asked, bool) {
	var found []suite.Asked
	for _, a := range r.Suite.Requests() {
		if a.Method == route.Method && a.Path == route.Path && a.Place.Line > 0 {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		return suite.Asked{}, false
	}
	rank := func(a suite.Asked) (n int) {
		for i, worse := range []bool{a.Step > 0, a.Compared, a.Observe} {
			if worse {
				n += 1 << i
			}
		}
		return n
	}
	return slices.MinFunc(found, func(a, b suite.Asked) int { return rank(a) - rank(b) }), true
}

// adviseCheck is for a route that no check asks.
func (r *runner) adviseCheck(route Route) *Advice {
	a := &Advice{Text: "no check of the suite asks this route: add one"}
	expect := expectation(r.samples[route], false)
	if route.Method != "GET" && route.Method != "HEAD" || route.Variables() > 0 {
		a.Text += "; its request and what it expects are yours to fill in"
	}
	a.YAML = fmt.Sprintf("checks:\n  - name: %s\n    request: %s\n    timeout: %s\n    expect: {%s}\n",
		quote(r.fresh(route.String())), quote(route.String()), patience, expect)
	return a
}

// adviseRelease is for faults of the whole release.
func (r *runner) adviseRelease(m Mutant) *Advice {
	switch m.Fault {
	case "wrong-version", "one-old-task":
		return r.adviseVersion()
	case "errors":
		return &Advice{
			Text: "ask often enough to meet one error in ten, and allow none",
			YAML: "defaults:\n  attempts: 20\n  allowed_failures: 0\n",
		}
	}
	name, checks := r.readyCheck(), ""
	if name == "" {
		name, checks = "home page", "checks:\n  - {name: home page, request: GET /, expect: {status: 200}}\n"
	}
	return &Advice{
		Text: "wait for 20 right answers in a row, so that every task was asked",
		YAML: checks + fmt.Sprintf("readiness: {checks: [%s], consecutive: 20}\n", quote(name)),
	}
}

// readyCheck names a check that readiness can ask: one reading request that counts.
func (r *runner) readyCheck() string {
	for _, a := range r.Suite.Requests() {
		if a.Step == 0 && a.Method == "GET" && !a.Observe && !a.Compared && a.Place.Line > 0 {
			return a.Check
		}
	}
	return ""
}

// adviseVersion looks for a route that tells the release, and makes a check and readiness of it.
func (r *runner) adviseVersion() *Advice {
	route, expect := r.versionRoute()
	a := &Advice{Text: "let the release prove its version, in every task"}
	if expect == "" {
		a.Text = "let the release prove its version: give it a route that answers it, and ask for it"
		route, expect = Route{Method: "GET", Path: "/version"}, `json: {$.version: "${RELEASE}"}`
	}
	name := r.fresh("version")
	var ready []string
	for _, asked := range r.Suite.Requests() {
		if asked.Ready && asked.Place.Line > 0 && !slices.Contains(ready, quote(asked.Check)) {
			ready = append(ready, quote(asked.Check))
		}
	}
	a.YAML = fmt.Sprintf("checks:\n  - name: %s\n    request: %s\n    expect: {status: 200, %s}\nreadiness: "+
		"{checks: [%s], consecutive: 20}\n",
		quote(name), quote(route.String()), expect, strings.Join(append(ready, quote(name)), ", "))
	return a
}

// versionRoute is a route without variables whose answer holds the release's id, and what to expect of it.
func (r *runner) versionRoute() (Route, string) {
	release := r.Plan.Release.ID
	var routes []Route
	for route := range r.samples {
		if route.Method == "GET" && route.Variables() == 0 {
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Path, b.Path) })
	for _, route := range routes {
		s := r.samples[route]
		if s.Status != 200 {
			continue
		}
		for _, f := range fields(s.Body) {
			if f.text == release {
				return route, fmt.Sprintf(`json: {%s: "${RELEASE}"}`, quote(f.path))
			}
		}
		for name, values := range s.Header {
			if slices.Contains(values, release) {
				return route, fmt.Sprintf(`headers: {%s: "${RELEASE}"}`, name)
			}
		}
	}
	return Route{}, ""
}

// fresh is a name that no check has.
func (r *runner) fresh(name string) string {
	taken := map[string]bool{}
	for _, a := range r.Suite.Requests() {
		taken[a.Check] = true
	}
	for i, try := 2, name; ; i++ {
		if !taken[try] {
			return try
		}
		try = fmt.Sprintf("%s (%d)", name, i)
	}
}

// quote writes a text for YAML's flow style: plain where that is safe.
func quote(s string) string {
	if regexp.MustCompile(`^[A-Za-z$/]([A-Za-z0-9_$/. -]*[A-Za-z0-9_$/.-])?$`).MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

package faults

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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
	switch {
	case inconclusive(result) && r.Suite.InconclusiveAllowed:
		return &Advice{
			Text: "the hook came to no verdict, and the suite's policy allows that: do not allow it",
			YAML: "policy: {inconclusive: fail}\n",
		}
	case m.Name == "errors":
		return &Advice{
			Text: "ask often enough to meet one error in ten, and allow none",
			YAML: "defaults:\n  attempts: 20\n  allowed_failures: 0\n",
		}
	case m.Watched():
		yaml := map[string]string{
			"leak-in-production": "errors: 1%", killed: "stopped_tasks: 0",
			"log-errors": "logs: [{name: errors, pattern: '{ $.level = \"error\" }', most: 10}]",
		}
		return &Advice{Text: "watch what AWS measures of it, with a bound", YAML: "watch: {" + yaml[m.Name] + "}\n"}
	case m.Name == "wrong-version" || m.Name == "one-old-task":
		return r.adviseVersion()
	case m.Route == nil:
		return r.adviseReady()
	}
	found := r.asked(func(a suite.Asked) bool { return m.Route.is(a) })
	if len(found) == 0 {
		return r.adviseCheck(*m.Route)
	}
	// An expectation is best added to a request that counts, of a check and not a comparison, and of none in a flow.
	rank := func(a suite.Asked) string { return fmt.Sprint(a.Observe, a.Compared, a.Step > 0) } // "false" before "true"
	asked := slices.MinFunc(found, func(a, b suite.Asked) int { return strings.Compare(rank(a), rank(b)) })
	a := &Advice{
		Check: asked.Check, Step: asked.Step, Place: asked.Place, Text: "say what a right answer holds, not just its status",
	}
	if m.Waits() {
		a.Text, a.YAML = "say how long an answer may take", "timeout: "+patience+"\n"
	} else {
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

// asked are the requests that the suite's file itself holds and that are wanted.
func (r *runner) asked(wanted func(suite.Asked) bool) []suite.Asked {
	return slices.DeleteFunc(r.Suite.Requests(), func(a suite.Asked) bool { return a.Place.Line == 0 || !wanted(a) })
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

// adviseReady is for a fault of one task. Readiness can ask a check with one reading request that counts.
func (r *runner) adviseReady() *Advice {
	name, checks := "home page", "checks:\n  - {name: home page, request: GET /, expect: {status: 200}}\n"
	if can := r.asked(func(a suite.Asked) bool {
		return a.Step == 0 && a.Method == "GET" && !a.Observe && !a.Compared
	}); len(can) > 0 {
		name, checks = can[0].Check, ""
	}
	return &Advice{
		Text: "wait for 20 right answers in a row, so that every task was asked",
		YAML: checks + fmt.Sprintf("readiness: {checks: [%s], consecutive: 20}\n", quote(name)),
	}
}

// adviseVersion looks for a route that tells the release, and makes a check and readiness of it.
func (r *runner) adviseVersion() *Advice {
	route, expect := r.versionRoute()
	a := &Advice{Text: "let the release prove its version, in every task"}
	if expect == "" {
		a.Text = "let the release prove its version: give it a route that answers it, and ask for it"
		route, expect = Route{Method: "GET", Path: "/version"}, `json: {$.version: "${RELEASE}"}`
	}
	name := quote(r.fresh("version"))
	var ready []string
	for _, asked := range r.asked(func(a suite.Asked) bool { return a.Ready }) {
		ready = append(ready, quote(asked.Check))
	}
	a.YAML = fmt.Sprintf("checks:\n  - name: %s\n    request: %s\n    expect: {status: 200, %s}\nreadiness: "+
		"{checks: [%s], consecutive: 20}\n",
		name, quote(route.String()), expect, strings.Join(append(unique(ready), name), ", "))
	return a
}

// versionRoute is a route without variables whose answer holds the release's id, and what to expect of it.
func (r *runner) versionRoute() (Route, string) {
	release := r.Plan.Release.ID
	byPath := func(a, b Route) int { return strings.Compare(a.Path, b.Path) }
	for _, route := range slices.SortedFunc(maps.Keys(r.samples), byPath) {
		s := r.samples[route]
		if s.Status != 200 || route.Method != "GET" || route.Variables() > 0 {
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
	for i, try := 2, name; ; i++ {
		if !slices.ContainsFunc(r.Suite.Requests(), func(a suite.Asked) bool { return a.Check == try }) {
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

// maxFields is how many keys of an answer an expectation names.
const maxFields = 3

// field is a key of a JSON object at the top of an answer.
type field struct {
	path, kind string
	// text is the value of a string.
	text string
}

// expectation is what to write into `expect` for answers of this shape. Amend leaves the status out,
// which a check that is there already has.
func expectation(s Sample, amend bool) string {
	shape := ""
	switch all := fields(s.Body); {
	case len(all) > 0:
		var keys []string
		for _, f := range all[:min(len(all), maxFields)] {
			keys = append(keys, fmt.Sprintf("%s: {type: %s}", quote(f.path), f.kind))
		}
		shape = "json: {" + strings.Join(keys, ", ") + "}"
	case bytes.HasPrefix(bytes.TrimSpace(s.Body), []byte("[")):
		shape = "json: {$: {type: array}}"
	case title(s.Body) != "":
		shape = fmt.Sprintf("body: {contains: %q}", title(s.Body))
	case s.Header.Get("Content-Type") != "":
		kind, _, _ := strings.Cut(s.Header.Get("Content-Type"), ";")
		shape = fmt.Sprintf("headers: {Content-Type: {contains: %q}}", kind)
	case amend:
		shape = fmt.Sprintf("status: %d", max(s.Status, 200))
	}
	if amend {
		return shape
	}
	return strings.TrimSuffix(fmt.Sprintf("status: %d, %s", cmp.Or(s.Status, 200), shape), ", ")
}

// fields are the keys of the object that a body is, sorted. A key that cannot be written as $.key is left out, and one
// whose value is null, since its type is not known.
func fields(body []byte) (all []field) {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(body, &object) // what is no object has no keys
	plain := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		f := field{path: "$." + key, kind: kind(object[key])}
		if !plain.MatchString(key) || f.kind == "null" {
			continue
		}
		_ = json.Unmarshal(object[key], &f.text) // what is no string has no text
		all = append(all, f)
	}
	return all
}

// kind is the suite's word for a JSON value's type.
func kind(value json.RawMessage) string {
	return cmp.Or(map[byte]string{
		'{': "object", '[': "array", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null",
	}[value[0]], "number")
}

// title is the markup of an HTML page's title, or empty.
func title(body []byte) string {
	found := regexp.MustCompile(`(?i)<title>[^<]{1,100}</title>`).Find(body)
	return strings.TrimSpace(string(found))
}

package suite

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/jsonpath"
)

// expectation is what a step's answer must be. All of it must hold; a status that is not named must be 2xx.
type expectation struct {
	at      Pos
	status  []statusRange
	headers []headerRule
	json    []jsonRule
	body    *rule
	bodyAt  Pos
	latency time.Duration
	// statusAt and latencyAt are where they stand.
	statusAt, latencyAt Pos
}

type statusRange struct{ low, high int }

type headerRule struct {
	name string
	at   Pos
	rule rule
}

type jsonRule struct {
	path jsonPath
	rule rule
}

// jsonPath is a compiled path; its zero value, left by a path that does not parse, finds nothing.
type jsonPath struct {
	expr     string
	at       Pos
	path     *jsonpath.Path
	singular bool
}

func (p jsonPath) find(root any) ([]any, error) {
	if p.path == nil {
		return nil, fmt.Errorf("%s is not a JSON path", quote(p.expr))
	}
	return p.path.Select(root)
}

// rules are those for the headers, the JSON and the body.
func (e *expectation) rules() []rule {
	out := make([]rule, 0, len(e.headers)+len(e.json)+1)
	for _, h := range e.headers {
		out = append(out, h.rule)
	}
	for _, j := range e.json {
		out = append(out, j.rule)
	}
	if e.body != nil {
		out = append(out, *e.body)
	}
	return out
}

// wantsRedirect reports whether a redirect is an expected answer, so that it is not followed.
func (e *expectation) wantsRedirect() bool { return anyStatus(e.status, 300, 399) }

func (r *reader) expectation(n *yaml.Node) expectation {
	e := expectation{at: posOf(n)}
	for _, p := range r.pairs(n, "expect", "status", "headers", "json", "body", "latency") {
		switch p.key {
		case "status":
			e.status, e.statusAt = r.status(p.value), posOf(p.value)
		case "headers":
			e.headers = r.headerRules(p)
		case "json":
			e.json = r.jsonRules(p)
		case "body":
			rule := r.rule(p.value, SubjectBody)
			e.body, e.bodyAt = &rule, p.at
		case "latency":
			e.latency, e.latencyAt = r.duration(p.value, "latency", maxTimeout), posOf(p.value)
		}
	}
	return e
}

func (r *reader) headerRules(p pair) []headerRule {
	var out []headerRule
	for _, h := range r.pairs(p.value, "headers") {
		out = append(out, headerRule{r.headerName(h), h.at, r.rule(h.value, subjectHeader)})
	}
	if len(out) == 0 {
		r.fail(p.at, "name a header, or leave headers out", "no header is expected")
	}
	return out
}

func (r *reader) jsonRules(p pair) []jsonRule {
	const help = "write {$.status: ok}"
	if p.value.Kind != yaml.MappingNode {
		r.fail(posOf(p.value), help, "json must be a mapping from paths to what is expected, not %s", describe(p.value))
		return nil
	}
	var out []jsonRule
	for _, j := range r.pairs(p.value, "json") {
		out = append(out, jsonRule{r.jsonPath(j.key, j.at), r.rule(j.value, subjectJSON)})
	}
	if len(out) == 0 {
		r.fail(p.at, help, "nothing is expected of the JSON")
	}
	return out
}

func (r *reader) jsonPath(expr string, at Pos) jsonPath {
	const instead = "ask for the one item by its own path, such as GET /items/${id}, or write a filter without a variable"
	path, ok := r.literal(expr, at, "a JSON path", instead)
	if !ok {
		return jsonPath{expr: expr, at: at}
	}
	p, err := jsonpath.Parse(path)
	if err != nil {
		help := "a path is a JSONPath (RFC 9535): $.items[0].name"
		if !strings.HasPrefix(expr, "$") {
			help = "did you mean " + strconv.Quote("$."+strings.TrimPrefix(expr, ".")) + "?"
		} else if _, length := countingMember(expr); length != "" {
			help = length
		}
		r.fail(at, help, "%s is not a JSON path: %v", quote(expr), err)
		return jsonPath{expr: expr, at: at}
	}
	return jsonPath{path, at, p, p.Singular()}
}

// status reads 200, 2xx, or a list of them.
func (r *reader) status(n *yaml.Node) []statusRange {
	nodes := r.oneOrMore(n, "status")
	out := []statusRange{}
	for _, s := range nodes {
		out = append(out, r.statusRange(s)...)
	}
	switch {
	case len(nodes) == 0:
		r.fail(posOf(n), "write 200, 2xx or [200, 204]", "no status is expected")
	case everyStatus(out):
		r.fail(posOf(n), "name the statuses that a good release answers with", "every status is allowed, so this cannot fail")
	}
	return out
}

func (r *reader) statusRange(n *yaml.Node) []statusRange {
	if n.Kind != yaml.ScalarNode {
		r.fail(posOf(n), "write 200, 2xx or [200, 204]", "a status is a number or a class, not %s", describe(n))
		return nil
	}
	if class := strings.ToLower(n.Value); len(class) == 3 && class[1:] == "xx" && class[0] >= '1' && class[0] <= '5' {
		low := int(class[0]-'0') * 100
		return []statusRange{{low, low + 99}}
	}
	if code, err := strconv.Atoi(n.Value); err == nil && code >= 100 && code <= 599 {
		return []statusRange{{code, code}}
	}
	r.fail(posOf(n), "write 200, 2xx or [200, 204]", "%s is not a status", quote(n.Value))
	return nil
}

// everyStatus reports whether the ranges leave no final status out.
func everyStatus(ranges []statusRange) bool {
	code := 200
	for code <= 599 && anyStatus(ranges, code, code) {
		code++
	}
	return code > 599
}

// anyStatus reports whether one of the ranges has a status between two.
func anyStatus(ranges []statusRange, low, high int) bool {
	return slices.ContainsFunc(ranges, func(s statusRange) bool { return s.low <= high && s.high >= low })
}

func (e *expectation) allowsStatus(code int) bool {
	if e.status == nil {
		return code >= http.StatusOK && code < http.StatusMultipleChoices
	}
	return anyStatus(e.status, code, code)
}

// statusText says which statuses are expected.
func (e *expectation) statusText() string {
	if e.status == nil {
		return "2xx"
	}
	return either(list(e.status, func(s statusRange) string {
		if s.low == s.high {
			return strconv.Itoa(s.low)
		}
		return fmt.Sprintf("%dxx", s.low/100)
	}))
}

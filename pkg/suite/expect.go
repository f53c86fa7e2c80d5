package suite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// expectation is what a step's answer must be. All of it must hold; a status that is not named must be 2xx.
type expectation struct {
	status   statuses
	subjects []subject
	latency  time.Duration
	events   int // of an event stream, 0 where it does not say
	// certificateDays is how long the certificate must still be good for, 0 where nothing is asked.
	certificateDays int
	certificateAt   Pos
	// statusAt and the others are where they stand; assetsAt is zero without any.
	statusAt, latencyAt, eventsAt, assetsAt Pos
}

// source is where in an answer something stands.
type source struct {
	kind subjectKind
	of   string   // the header's or cookie's name
	path jsonPath // of json
	css  selector // of css
}

// find returns what stands there; root is the decoded body.
func (x source) find(o probe.Observation, root any, sc Scope) (found []any, err error) {
	switch x.kind {
	case subjectJSON:
		return x.path.find(root, sc)
	case subjectCSS:
		return x.css.find(o)
	case SubjectBody:
		found = []any{BodyText(o)}
	case subjectHeader:
		found = list(o.Header[x.of], func(value string) any { return value })
	case subjectCookie:
		for _, cookie := range o.Cookies { // the last of a name counts
			if cookie.Name == x.of {
				found = []any{cookie.Value}
			}
		}
	case subjectStatus:
		found = []any{json.Number(strconv.Itoa(o.Status))}
	}
	return found, nil
}

func (x source) ofBody() bool {
	return x.kind == subjectJSON || x.kind == subjectCSS || x.kind == SubjectBody
}

// subject is one thing that an expectation looks at, and what must hold of it.
type subject struct {
	source
	at   Pos
	rule rule
}

// text is the subject in words: "header X-App-Version", "json $.status", "body".
func (s subject) text() string {
	return strings.TrimSpace(string(s.kind) + " " + s.of + s.path.expr + s.css.expr)
}

// only are the subjects of one kind.
func (e *expectation) only(k subjectKind) []subject {
	return kept(e.subjects, func(s subject) bool { return s.kind == k })
}

func (r *reader) expectKeys(e *expectation) []row {
	css := func(c pair) source { return source{kind: subjectCSS, css: r.selector(c.key, c.at)} }
	return []row{
		{"status", func(p pair) { e.status, e.statusAt = r.status(p.value), posOf(p.value) }},
		{"headers", func(p pair) { e.subjects = append(e.subjects, r.headerRules(p)...) }},
		{"json", func(p pair) { e.subjects = append(e.subjects, r.jsonRules(p)...) }},
		{"css", func(p pair) { e.subjects = append(e.subjects, r.subjects(p, css)...) }},
		{"body", func(p pair) { e.subjects = append(e.subjects, r.rules(p, source{kind: SubjectBody})...) }},
		{"latency", func(p pair) { e.latency, e.latencyAt = r.duration(p.value, p.key, maxTimeout), posOf(p.value) }},
		{"assets", func(p pair) {
			if r.boolean(p.value, "assets") {
				e.assetsAt = p.at
			}
		}},
		{"events", func(p pair) { e.events, e.eventsAt = r.integer(p.value, "events", 1, 1000), p.at }},
		{"certificate_days", func(p pair) { e.certificateDays, e.certificateAt = r.integer(p.value, p.key, 1, 1000), p.at }},
	}
}

// subjects reads a mapping of subjects to what is expected of them.
func (r *reader) subjects(p pair, of func(p pair) source) []subject {
	return slices.Concat(list(r.pairs(p.value, p.key), func(x pair) []subject { return r.rules(x, of(x)) })...)
}

// rules reads what is expected of a subject: a rule, or a list of them, which must all hold.
func (r *reader) rules(p pair, of source) []subject {
	nodes := []*yaml.Node{p.value}
	isScalar := func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode }
	if all := p.value.Content; p.value.Kind == yaml.SequenceNode && len(all) > 0 && !slices.ContainsFunc(all, isScalar) {
		nodes = r.items(p.value, subject{source: of}.text())
	}
	return list(nodes, func(n *yaml.Node) subject {
		return subject{of, p.at, r.rule(n, of.kind, false)}
	})
}

// aVersion finds a path that ends with something that versions are called.
var aVersion = regexp.MustCompile(`(?i)(version|release|tag)['"\]]*$`)

func (r *reader) headerRules(p pair) []subject {
	out := r.subjects(p, func(h pair) source { return source{kind: subjectHeader, of: r.headerName(h)} })
	if len(out) == 0 {
		r.fail(p.at, "name a header, or leave headers out", "no header is expected")
	}
	return out
}

func (r *reader) jsonRules(p pair) []subject {
	const help = "write {$.status: ok}"
	if p.value.Kind != yaml.MappingNode {
		r.fail(posOf(p.value), help, "json must be a mapping from paths to what is expected, not %s", describe(p.value))
		return nil
	}
	out := r.subjects(p, func(j pair) source {
		if tag := j.value.ShortTag(); tag == "!!float" && aVersion.MatchString(j.key) {
			r.warn(posOf(j.value), "quote it, if it is a text: "+strconv.Quote(j.value.Value),
				"%s is a number here, the same as %s", j.value.Value, strings.TrimRight(j.value.Value, "0"))
		} else if tag == "!!null" && j.value.Value == "" {
			r.warn(j.at, "write null if so, or {exists: true}", "nothing stands behind %s, which expects null", quote(j.key))
		}
		return source{kind: subjectJSON, path: r.jsonPath(j.key, j.at)}
	})
	if len(out) == 0 {
		r.fail(p.at, help, "nothing is expected of the JSON")
	}
	return out
}

// aStatus finds a status, or a class of them.
var aStatus = regexp.MustCompile(`^[1-5]([0-9][0-9]|xx)$`)

// status reads 200, 2xx, or a list of them.
func (r *reader) status(n *yaml.Node) statuses {
	const help = "write 200, 2xx or [200, 204]"
	nodes := r.oneOrMore(n, "status")
	out := statuses{}
	for _, s := range nodes {
		word := strings.ToLower(s.Value)
		if code, err := strconv.Atoi(word); err == nil {
			word = strconv.Itoa(code)
		}
		switch {
		case s.Kind != yaml.ScalarNode:
			r.fail(posOf(s), help, "a status is a number or a class, not %s", describe(s))
		case !aStatus.MatchString(word):
			r.fail(posOf(s), help, "%s is not a status", quote(s.Value))
		default:
			out = append(out, word)
		}
	}
	final := 200
	for final <= 599 && out.allow(final) {
		final++
	}
	switch {
	case len(nodes) == 0:
		r.fail(posOf(n), help, "no status is expected")
	case final > 599:
		r.fail(posOf(n), "name the statuses that a good release answers with", "every status is allowed, so this cannot fail")
	}
	return out
}

// statuses are "200" and "2xx"; nil stands for 2xx.
type statuses []string

func (s statuses) allow(code int) bool {
	class := fmt.Sprintf("%dxx", code/100)
	return s == nil && class == "2xx" || slices.Contains(s, class) || slices.Contains(s, strconv.Itoa(code))
}

func (s statuses) String() string { return cmp.Or(either(s), "2xx") }

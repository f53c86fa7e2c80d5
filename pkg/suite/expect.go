package suite

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// expectation is what a step's answer must be. All of it must hold; a status that is not named must be 2xx.
type expectation struct {
	at       Pos
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

// subject is one thing that an expectation looks at, and what must hold of it.
type subject struct {
	kind subjectKind
	name string   // a header's
	path jsonPath // of json
	css  selector // of css
	at   Pos
	rule rule
}

// text is the subject in words: "header X-App-Version", "json $.status", "body".
func (s subject) text() string {
	return strings.TrimSpace(string(s.kind) + " " + s.name + s.path.expr + s.css.expr)
}

// of are the subjects of one kind.
func (e *expectation) of(k subjectKind) []subject {
	return kept(e.subjects, func(s subject) bool { return s.kind == k })
}

func (r *reader) expectation(n *yaml.Node) expectation {
	e := expectation{at: posOf(n)}
	r.entries(n, "expect", r.expectKeys(&e))
	return e
}

func (r *reader) expectKeys(e *expectation) []row {
	return []row{
		{"status", func(p pair) { e.status, e.statusAt = r.status(p.value), posOf(p.value) }},
		{"headers", func(p pair) { e.subjects = append(e.subjects, r.headerRules(p)...) }},
		{"json", func(p pair) { e.subjects = append(e.subjects, r.jsonRules(p)...) }},
		{"css", func(p pair) {
			for _, c := range r.pairs(p.value, "css") {
				e.subjects = append(e.subjects, r.rules(c, subject{kind: subjectCSS, css: r.selector(c.key, c.at), at: c.at})...)
			}
		}},
		{"body", func(p pair) { e.subjects = append(e.subjects, r.rules(p, subject{kind: SubjectBody, at: p.at})...) }},
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

// rules reads what is expected of a subject: a rule, or a list of them, which must all hold.
func (r *reader) rules(p pair, of subject) []subject {
	nodes := []*yaml.Node{p.value}
	isScalar := func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode }
	if all := p.value.Content; p.value.Kind == yaml.SequenceNode && len(all) > 0 && !slices.ContainsFunc(all, isScalar) {
		nodes = r.items(p.value, of.text())
	}
	return list(nodes, func(n *yaml.Node) subject {
		of.rule = r.rule(n, of.kind, false)
		return of
	})
}

// aVersion finds a path that ends with something that versions are called.
var aVersion = regexp.MustCompile(`(?i)(version|release|tag)['"\]]*$`)

func (r *reader) headerRules(p pair) []subject {
	var out []subject
	for _, h := range r.pairs(p.value, "headers") {
		out = append(out, r.rules(h, subject{kind: subjectHeader, name: r.headerName(h), at: h.at})...)
	}
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
	var out []subject
	for _, j := range r.pairs(p.value, "json") {
		if tag := j.value.ShortTag(); tag == "!!float" && aVersion.MatchString(j.key) {
			r.warn(posOf(j.value), "quote it, if it is a text: "+strconv.Quote(j.value.Value),
				"%s is a number here, the same as %s", j.value.Value, strings.TrimRight(j.value.Value, "0"))
		} else if tag == "!!null" && j.value.Value == "" {
			r.warn(j.at, "write null if so, or {exists: true}", "nothing stands behind %s, which expects null", quote(j.key))
		}
		out = append(out, r.rules(j, subject{kind: subjectJSON, path: r.jsonPath(j.key, j.at), at: j.at})...)
	}
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

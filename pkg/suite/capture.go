package suite

import (
	"encoding/json"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// capture takes one value out of an answer, for later steps.
type capture struct {
	source
	name   string
	at     Pos
	secret bool
	// pattern has one group, which is what is taken; nil takes the whole.
	pattern *regexp.Regexp
}

// captures reads {id: $.id}, {token: {path: $.token, secret: true}}, {csrf: {body: 'value="([^"]+)"'}} and their like.
func (r *reader) captures(n *yaml.Node) []capture {
	return list(kept(r.pairs(n, "capture"), r.isName), r.capture)
}

func (r *reader) capture(p pair) capture {
	c := capture{name: p.key, at: p.at}
	if p.value.Kind != yaml.MappingNode {
		c.source = source{kind: subjectJSON, path: r.pathAt(p.value, "capture "+p.key)}
		return c
	}
	before := len(r.problems)
	secret := false
	given := r.entries(p.value, "capture "+p.key, []row{
		{"path", func(q pair) { c.source = source{kind: subjectJSON, path: r.pathAt(q.value, "path")} }},
		{"header", func(q pair) {
			c.source = source{kind: subjectHeader, of: textproto.CanonicalMIMEHeaderKey(r.word(q))}
		}},
		{"cookie", func(q pair) { c.source = source{kind: subjectCookie, of: r.word(q)} }},
		{"css", func(q pair) { c.source = source{kind: subjectCSS, css: r.selector(r.word(q), posOf(q.value))} }},
		{"body", func(q pair) { c.kind, c.pattern = SubjectBody, r.group(q.value) }},
		{"status", func(q pair) {
			if c.kind = subjectStatus; !r.boolean(q.value, "status") {
				r.fail(posOf(q.value), "leave it out, or write status: true", "status: false captures nothing")
			}
		}},
		{"matches", func(q pair) { c.pattern = r.group(q.value) }},
		{"secret", func(q pair) { secret = r.boolean(q.value, "secret") }},
	})
	sources := kept(given, func(k string) bool { return k != "matches" && k != "secret" })
	switch {
	case len(sources) > 1:
		r.fail(p.at, "keep one of them", "capture %s has more than one source: %s", p.key, strings.Join(sources, ", "))
	case len(sources) == 0 && len(r.problems) == before:
		r.fail(p.at, "write {path: $.field}, {header: NAME}, {cookie: NAME}, {css: SELECTOR}, {body: 'PATTERN (GROUP)'} or {status: true}",
			"capture %s does not say where the value stands", p.key)
	}
	// A session's cookie is as good as a password.
	isCookie := c.kind == subjectCookie || c.kind == subjectHeader && c.of == "Set-Cookie"
	c.secret = secret || isCookie && !slices.Contains(given, "secret")
	return c
}

// group reads a pattern with the one group that is captured.
func (r *reader) group(n *yaml.Node) *regexp.Regexp {
	expr, ok := r.scalar(n, "the pattern")
	if !ok {
		return nil
	}
	re := r.pattern(n, expr)
	if re != nil && re.NumSubexp() != 1 {
		r.fail(posOf(n), `put what is to be taken in parentheses, once: 'name="csrf" value="([^"]+)"'; (?:…) is no group`,
			"the pattern has %d groups, not one", re.NumSubexp())
	}
	return re
}

// Captures returns the values that the step captures, by name. One that is not there, or not single, is wrong.
func (v *Verification) Captures(s *Step, sc Scope) (values map[string]any, missing []Wrong) {
	values = map[string]any{}
	for _, c := range s.captures {
		if node, got := v.capture(c, sc); got == "" {
			values[c.name] = node
		} else {
			missing = append(missing, Wrong{c.at, "capture " + c.name, Mismatch{c.expected(), got}, false})
		}
	}
	return values, missing
}

func (c capture) expected() string {
	where := map[subjectKind]string{
		subjectJSON: "at ", subjectHeader: "in the header ", subjectCookie: "of the cookie ", SubjectBody: "in the body",
		subjectCSS: "of ", subjectStatus: "as status",
	}[c.kind] + c.path.expr + c.css.expr + c.of
	if c.pattern != nil {
		where += " by " + quote(c.pattern.String())
	}
	return "one value " + where
}

// capture returns the one value, or what was found instead.
func (v *Verification) capture(c capture, sc Scope) (node any, got string) {
	found, err := c.taken(v.Observation, v.root, sc)
	switch {
	case err != nil:
		return nil, err.Error()
	case len(found) == 0:
		return nil, "nothing there"
	case len(found) > 1:
		return nil, fmt.Sprintf("%d values", len(found))
	}
	if _, ok := textOf(found[0]); ok {
		return found[0], ""
	}
	return nil, shown(found[0], sc.Secrets)
}

// taken returns the values that are to be captured, of which there should be one.
func (c capture) taken(o probe.Observation, root any, sc Scope) ([]any, error) {
	found, err := c.find(o, root, sc)
	if c.pattern == nil {
		return found, err
	}
	var groups []any
	for _, node := range found {
		text, _ := textOf(node)
		for _, m := range c.pattern.FindAllStringSubmatch(text, 2) {
			groups = append(groups, m[1])
		}
	}
	return groups, err
}

// textOf returns a value of a response as a variable's text; lists, objects and null have none.
func textOf(node any) (string, bool) {
	switch n := node.(type) {
	case string:
		return n, true
	case json.Number:
		return n.String(), true
	case bool:
		return strconv.FormatBool(n), true
	}
	return "", false
}

// SecretsIn returns the texts in an answer that the step captures as secrets. It reports false when there may be some
// that cannot be found, since the body cannot be read.
func (s *Step) SecretsIn(o probe.Observation, sc Scope) (texts []string, readable bool) {
	secret := kept(s.captures, func(c capture) bool { return c.secret })
	if len(secret) == 0 {
		return nil, true
	}
	root, bad := decode(o)
	readable = true
	for _, c := range secret {
		found, err := c.taken(o, root, sc)
		if c.kind == subjectJSON && (bad != nil || err != nil) && len(o.Body) > 0 {
			readable = false
		}
		for _, n := range found {
			if text, ok := textOf(n); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts, readable
}

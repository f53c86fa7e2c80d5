package suite

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// text is a text of the suite, with the variables in it found. The common one has none.
type text struct {
	// raw is the text as the suite has it, with its variables' names; parts are nil without any.
	raw   string
	parts []part
	at    Pos
	// plain says that it is compared with a text, of a header or body: a captured number is its digits there.
	plain bool
}

// part is a piece of literal text or, when name is set, a variable.
type part struct {
	literal, name string
	at            Pos
}

// Scope is what names stand for while one attempt runs.
type Scope struct {
	// Vars are the suite's variables with their values, Attempt those of this one attempt, or nil.
	Vars, Attempt map[string]string
	// Captured are those that earlier steps captured, as they stood in the answer: a string, a json.Number or a bool.
	Captured map[string]any
	// Secrets hides what may not be shown.
	Secrets *redact.Redactor
}

func (s Scope) get(name string) (value string, captured, ok bool) {
	if node, ok := s.Captured[name]; ok {
		v, ok := textOf(node)
		return v, true, ok
	}
	if v, ok := s.Attempt[name]; ok {
		return v, false, true
	}
	v, ok := s.Vars[name]
	return v, false, ok
}

// typed returns the captured number or boolean that is the whole text: it is compared and sent as what it is.
func (t text) typed(s Scope) (node any, ok bool) {
	if len(t.parts) != 1 {
		return nil, false
	}
	node = s.Captured[t.parts[0].name]
	_, isText := node.(string)
	return node, node != nil && !isText
}

// text finds the variables, ${NAME}, in a text at a place of the file. "$${" is "${", any other "$" is text.
func (r *reader) text(s string, at Pos) (text, bool) {
	if first, last := strings.HasPrefix(s, "“") || strings.HasPrefix(s, "‘"), strings.HasSuffix(s, "”") ||
		strings.HasSuffix(s, "’"); first && last {
		r.warn(at, `write "…" with the straight quotes of a keyboard`, "these quotes are a part of the text")
	}
	if !strings.Contains(s, "${") {
		return text{raw: s, at: at}, true
	}
	t, where, wrong := parseText(s, r.places(at))
	if wrong != "" {
		r.fail(where, `write ${NAME}; "$${" is the text "${"`, "%s", wrong)
	}
	t.at = at
	return t, wrong == ""
}

// literal returns a text that is taken as it stands: a variable in it is refused. "$${" is "${" here, too.
func (r *reader) literal(s string, at Pos, what, help string) (string, bool) {
	t, ok := r.text(s, at)
	for _, p := range t.names() {
		r.fail(p.at, help, "${%s} is not filled in here: %s is taken as it stands", p.name, what)
		return "", false
	}
	return t.raw, ok
}

// parseText finds the variables in s; next returns the place of each "${". It says where and what is wrong.
func parseText(s string, next func() Pos) (t text, where Pos, wrong string) {
	var parts []part
	raw, literal := "", ""
	for {
		before, behind, found := strings.Cut(s, "${")
		if literal += before; !found {
			break
		}
		at := next()
		if strings.HasSuffix(before, "$") {
			literal, s = literal[:len(literal)-1]+"${", behind
			continue
		}
		name, rest, closed := strings.Cut(behind, "}")
		switch {
		case !closed:
			return text{}, at, `"${" without its "}"`
		case !template.IsName(name):
			return text{}, at, fmt.Sprintf("%s is not a variable name", quote(name))
		case literal != "":
			parts = append(parts, part{literal: literal})
		}
		parts = append(parts, part{name: name, at: at})
		raw, literal, s = raw+literal+"${"+name+"}", "", rest
	}
	if literal != "" && parts != nil {
		parts = append(parts, part{literal: literal})
	}
	return text{raw: raw + literal, parts: parts}, Pos{}, ""
}

// first is the literal that the text begins with.
func (t text) first() string {
	if t.parts == nil {
		return t.raw
	}
	return t.parts[0].literal
}

func (t text) names() []part {
	return kept(t.parts, func(p part) bool { return p.name != "" })
}

// sample is the text with an x for each variable.
func (t text) sample() string {
	if t.parts == nil {
		return t.raw
	}
	return strings.Join(list(t.parts, func(p part) string { return cmp.Or(p.literal, "x") }), "")
}

// expand puts the values in, each passed through escape unless that is nil. A value is never expanded again.
func (t text) expand(s Scope, escape func(value string) string) (string, error) {
	if t.parts == nil {
		return t.raw, nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			b.WriteString(p.literal)
			continue
		}
		v, _, ok := s.get(p.name)
		if !ok {
			return "", fmt.Errorf("${%s} has no value", p.name)
		}
		if escape != nil {
			v = escape(v)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// filler puts values into texts, and keeps the first error.
type filler struct {
	Scope
	err error
}

func (f *filler) keep(v string, err error) string {
	f.err = cmp.Or(f.err, err)
	return v
}

func (f *filler) text(t text) string   { return f.keep(t.expand(f.Scope, nil)) }
func (f *filler) header(t text) string { return f.keep(t.header(f.Scope)) }

// header expands the text for a header's value.
func (t text) header(s Scope) (string, error) {
	v, err := t.expand(s, nil)
	if err == nil && strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return "", fmt.Errorf("a value holds a line break or control character")
	}
	return v, err
}

// pattern expands the text for a regular expression: values are taken literally.
func (t text) pattern(s Scope) (string, error) { return t.expand(s, regexp.QuoteMeta) }

// path expands the text for a request's path and query. What stands in the query is escaped for it. In
// the path a suite's own variable may hold several segments; a captured value comes from a response, so
// it stays in its segment, and may not make that one "." or "..", which servers take for a way up.
//
// A path that is one captured value is a link, which leads wherever on the target it says.
func (t text) path(s Scope) (path string, link bool, err error) {
	if t.parts == nil {
		return t.raw, false, nil
	}
	if len(t.parts) == 1 {
		path, err = t.expand(s, nil)
		return path, true, err
	}
	var b strings.Builder
	query := false
	for _, p := range t.parts {
		if p.name == "" {
			query = query || strings.Contains(p.literal, "?")
			b.WriteString(p.literal)
			continue
		}
		v, captured, ok := s.get(p.name)
		switch {
		case !ok:
			return "", false, fmt.Errorf("${%s} has no value", p.name)
		case query:
			b.WriteString(url.QueryEscape(v))
		case captured && v == "":
			return "", false, fmt.Errorf("${%s} is empty, and so the path would be another one", p.name)
		case captured && len(t.parts) == 2 && t.parts[0].literal == "/" && (v[0] == '/' || strings.Contains(v, "://")):
			return "", false, fmt.Errorf("%w: ${%s} is %s: write ${%s} alone to follow it", ErrLink, p.name,
				s.Secrets.Text(quote(v)), p.name)
		case captured:
			b.WriteString(url.PathEscape(v))
		default:
			b.WriteString(strings.ReplaceAll(url.PathEscape(v), "%2F", "/")) // segments may follow one another
		}
	}
	path, _, _ = strings.Cut(b.String(), "?")
	if strings.HasPrefix(path, "//") {
		return "", false, fmt.Errorf("the path begins with // once the values are in it")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			return "", false, fmt.Errorf("a value makes the path leave its place: a segment is %q", segment)
		}
	}
	return b.String(), false, nil
}

// ErrLink says that a suite takes a link for a segment of a path.
var ErrLink = errors.New("a link is not a segment of a path")

// HasValues reports whether all that the step needs has a value.
func (s *Step) HasValues(sc Scope) bool {
	return !slices.ContainsFunc(s.texts(), func(t text) bool {
		_, err := t.expand(sc, nil)
		return err != nil
	})
}

// maxSought bounds how much of the file is looked at for places, in bytes: a tenth of a second.
const maxSought = 64 << 20

// places returns what finds, one by one, each "${" of the text that stands at p in the file, where quotes, escapes and
// folded lines make the text another one; behind maxSought, p itself.
func (r *reader) places(p Pos) func() Pos {
	if r.lines == nil {
		r.lines = bytes.SplitAfter(r.source, []byte("\n"))
	}
	line, from, col := int(p.line)-1, 0, p.col
	for i := int32(1); i < p.col && line < len(r.lines) && r.sought < maxSought; i++ {
		_, size := utf8.DecodeRune(r.lines[line][from:])
		from, r.sought = from+size, r.sought+size
	}
	return func() Pos {
		for ; line < len(r.lines) && r.sought < maxSought; line, from, col = line+1, 0, 1 {
			rest := r.lines[line][from:]
			before, _, found := bytes.Cut(rest, []byte("${"))
			r.sought += len(before)
			if !found {
				continue
			}
			here := Pos{int32(line) + 1, col + int32(utf8.RuneCount(before))}
			from, col = from+len(before)+len("${"), here.col+int32(len("${"))
			return here
		}
		return p
	}
}

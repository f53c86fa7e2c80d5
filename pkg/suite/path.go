package suite

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/jsonpath"
)

// jsonPath is a path into an answer's JSON. Its zero value, left by a path that does not parse, finds nothing.
type jsonPath struct {
	expr string
	text text
	// path is nil while the text holds variables: it is then parsed when they have their values.
	path     *jsonpath.Path
	singular bool
}

func (p jsonPath) find(root any, s Scope) ([]any, error) {
	if p.path != nil {
		return p.path.Select(root)
	}
	found, err := p.findBy(root, s.inPath)
	if err != nil || len(found) > 0 || !strings.Contains(p.expr, "==") || strings.ContainsAny(p.expr, "!<>") {
		return found, err
	}
	// What equals nothing because it is a text and not a number, or the other way round, must not be taken for absent.
	other, err := p.findBy(root, func(name string) (pathValue, error) {
		v, err := s.inPath(name)
		switch node := v.node.(type) {
		case json.Number:
			v.node = node.String()
		case string:
			if json.Valid([]byte(node)) {
				v.node = json.Number(node)
			}
		}
		return v, err
	})
	if err == nil && len(other) > 0 {
		return nil, fmt.Errorf("nothing is equal, but %d would be if the variable's text were a number, or its number a text",
			len(other))
	}
	return nil, nil
}

// findBy finds what the path names with values in it.
func (p jsonPath) findBy(root any, value func(name string) (pathValue, error)) ([]any, error) {
	expr, err := p.text.jsonPath(value)
	if err != nil {
		return nil, err
	}
	path, err := jsonpath.Parse(expr)
	if err != nil {
		return nil, fmt.Errorf("with its values %s is not a JSON path", quote(p.expr))
	}
	return path.Select(root)
}

// pathValue is a variable's value as a path may have it: typed where it was captured, loose where the suite declares
// it, which is a text that may look like a number.
type pathValue struct {
	node  any
	loose bool
}

// inPath returns a variable's value for a path. An empty one is none: it would be found in every text.
func (s Scope) inPath(name string) (pathValue, error) {
	value, captured, ok := s.get(name)
	switch {
	case !ok:
		return pathValue{}, fmt.Errorf("${%s} has no value", name)
	case value == "" || !utf8.ValidString(value):
		return pathValue{}, fmt.Errorf("${%s} is empty, or no text", name)
	case captured:
		return pathValue{node: s.Captured[name]}, nil
	}
	return pathValue{value, true}, nil
}

// pathAt reads a path that stands as a value.
func (r *reader) pathAt(n *yaml.Node, what string) jsonPath {
	if n = r.single(n, what); n == nil {
		return jsonPath{}
	}
	return r.jsonPath(n.Value, posOf(n))
}

func (r *reader) jsonPath(expr string, at Pos) jsonPath {
	t, ok := r.text(expr, at)
	if !ok {
		return jsonPath{expr: expr}
	}
	path := jsonPath{expr: expr, text: t}
	sample, _ := t.jsonPath(func(string) (pathValue, error) { return pathValue{node: "x"}, nil })
	parsed, err := jsonpath.Parse(sample)
	if err != nil {
		help := "a path is a JSONPath (RFC 9535): $.items[0].name"
		_, length := countingMember(expr)
		switch {
		case !strings.HasPrefix(expr, "$"):
			help = "did you mean " + strconv.Quote("$."+strings.TrimPrefix(expr, ".")) + "?"
		case length != "":
			help = length
		case t.parts != nil:
			help = `a variable stands in quotes, or alone: $.items[?@.id == "${id}"], $.prices[${n}]`
		}
		r.fail(at, help, "%s is not a JSON path: %v", quote(expr), err)
		return jsonPath{expr: expr}
	}
	if path.singular = parsed.Singular(); t.parts == nil {
		path.path = parsed
	}
	return path
}

// jsonPath puts values into a path, so that each stays one value whatever stands in it: within quotes as a text of the
// path, a number or boolean that is the whole of a compared text as itself, within the pattern of match and search
// literally, and behind a dot as the name of a member.
func (t text) jsonPath(value func(name string) (pathValue, error)) (string, error) {
	if t.parts == nil {
		return t.raw, nil
	}
	w := pathWriter{}
	for i, p := range t.parts {
		if p.name == "" {
			w.literal(p.literal)
			continue
		}
		v, err := value(p.name)
		if err != nil {
			return "", err
		}
		whole := i+1 < len(t.parts) && w.quote != 0 && strings.HasPrefix(t.parts[i+1].literal, string(w.quote)) &&
			w.out[len(w.out)-1] == w.quote
		w.value(v, whole)
	}
	return string(w.out), nil
}

// pathWriter writes a path, and knows where in it the next piece stands.
type pathWriter struct {
	out []byte
	// open are the brackets around, quote is the quote that is open, or 0; dropped says that the closing one is left out.
	open    []byte
	quote   byte
	dropped bool
	last    byte // the last character outside of quotes that is no blank
}

func (w *pathWriter) literal(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case w.dropped: // the quote behind a number
			w.dropped, w.quote, w.last = false, 0, c
			continue
		case w.quote != 0 && c == '\\' && i+1 < len(s):
			w.out = append(w.out, c)
			i++
			c = s[i]
		case w.quote != 0 && c == w.quote:
			w.quote, w.last = 0, c
		case w.quote != 0:
		case c == '\'' || c == '"':
			w.quote = c
		case c == '(' || c == '[':
			w.open = append(w.open, c)
		case (c == ')' || c == ']') && len(w.open) > 0:
			w.open = w.open[:len(w.open)-1]
		}
		w.out = append(w.out, c)
		if w.quote == 0 && c != ' ' {
			w.last = c
		}
	}
}

func (w *pathWriter) within(bracket byte) bool {
	return len(w.open) > 0 && w.open[len(w.open)-1] == bracket
}

func (w *pathWriter) value(v pathValue, whole bool) {
	said, _ := textOf(v.node)
	_, isText := v.node.(string)
	name := w.within('[') && (w.last == '[' || w.last == ',')
	switch {
	case w.quote == 0 && w.last == '.':
		if w.out[len(w.out)-1] == '.' && !strings.HasSuffix(string(w.out), "..") {
			w.out = w.out[:len(w.out)-1]
		}
		w.out = append(append(append(w.out, '['), quotedInPath(said, '"')...), ']')
	case w.quote == 0 && isText && (!v.loose || !json.Valid([]byte(said))):
		w.out = append(w.out, quotedInPath(said, '"')...)
	case w.quote == 0:
		w.out = append(w.out, said...)
	case whole && !isText && !name:
		w.out, w.dropped = append(w.out[:len(w.out)-1], said...), true
	default:
		if w.within('(') && w.last == ',' { // the pattern of match or search
			said = regexp.QuoteMeta(said)
		}
		quoted := quotedInPath(said, w.quote)
		w.out = append(w.out, quoted[1:len(quoted)-1]...)
	}
}

// quotedInPath writes a text as a JSONPath has it between these quotes.
func quotedInPath(s string, quote byte) string {
	quoted := plainJSON(s)
	if quote == '\'' {
		quoted = strings.NewReplacer(`\\`, `\\`, `\"`, `"`, "'", `\'`).Replace(quoted)
	}
	return quoted
}

// checkAbsence refuses an expectation that holds where its path finds nothing, when the path asks for the
// .length of a value: no list and no text has such a member, so it would always hold. Another one it warns of.
func (r *reader) checkAbsence(j subject) {
	if j.path.text.at == (Pos{}) {
		return // the path is wrong already
	}
	member, help := countingMember(j.path.expr)
	const text = "%s asks for a member %s, which no list and no text has"
	switch {
	case help == "":
	case j.rule.holds(nil, j.path.singular, Scope{}):
		r.fail(j.at, help, text+": it finds nothing, and that is what is expected here", quote(j.path.expr),
			quote(member))
	case member == "length" && j.path.expr != "$.length":
		r.warn(j.at, help, text, quote(j.path.expr), quote(member))
	}
}

// counting finds texts in quotes, and members that are called .length, .size or .count.
var counting = regexp.MustCompile(`'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\.(length|size|count)\s*([()\[\].<>=!&|,]|$)`)

// countingMember finds the member .length, .size or .count that a path or one of its filters ends with, and says
// what to write instead. Written ['length'] it is meant as a member.
func countingMember(expr string) (member, help string) {
	for _, m := range counting.FindAllStringSubmatchIndex(expr, -1) {
		if m[2] < 0 {
			continue // a text in quotes
		}
		member, of := expr[m[2]:m[3]], expr[:m[0]]
		help = "write length: under " + quote(strings.TrimSuffix(of, "."))
		if at := strings.LastIndexAny(of, "@$"); at > 0 && strings.Trim(expr[m[3]:], " \t\r\n()") != "" {
			help = "write length(" + quoteless(of[at:]) + ")"
		}
		return member, help + "; a member that is really called " + member + " is ['" + member + "']"
	}
	return "", ""
}

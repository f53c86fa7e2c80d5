package suite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// valueKind is what a JSON value is, by the words of the "type" expectation.
type valueKind string

const (
	kindNull    valueKind = "null"
	kindBoolean valueKind = "boolean"
	kindNumber  valueKind = "number"
	kindString  valueKind = "string"
	kindArray   valueKind = "array"
	kindObject  valueKind = "object"
)

// value is a JSON value of the suite; its strings and keys may hold variables.
type value struct {
	kind valueKind
	// text is a string's text; its raw is a number's digits and a boolean's word.
	text  text
	keys  []text
	items []value
	// plain says that it is compared with a text, of a header or body: a captured number is its digits there.
	plain bool
}

// value turns YAML into JSON. What JSON cannot say is a problem.
func (r *reader) value(n *yaml.Node, what string) value { return r.valueAt(n, what, 0) }

func (r *reader) valueAt(n *yaml.Node, what string, depth int) value {
	if n = r.resolve(n, depth); n == nil {
		return value{kind: kindNull}
	}
	switch n.Kind {
	case yaml.MappingNode:
		v := value{kind: kindObject}
		for _, p := range r.collect(n, depth) {
			key, _ := r.text(p.key, p.at)
			v.keys = append(v.keys, key)
			v.items = append(v.items, r.valueAt(p.value, what, depth+1))
		}
		return v
	case yaml.SequenceNode:
		items := list(n.Content, func(c *yaml.Node) value { return r.valueAt(c, what, depth+1) })
		return value{kind: kindArray, items: items}
	default:
		return r.scalarValue(n, what)
	}
}

func (r *reader) scalarValue(n *yaml.Node, what string) value {
	at := posOf(n)
	switch n.ShortTag() {
	case "!!null":
		return value{kind: kindNull, text: text{at: at}}
	case "!!bool":
		return value{kind: kindBoolean, text: text{raw: strings.ToLower(n.Value), at: at}}
	case "!!int", "!!float":
		number, ok := jsonNumber(n.Value)
		if leadingZero.MatchString(n.Value) {
			r.fail(at, "quote it if it is a text: "+strconv.Quote(n.Value), "%s begins with a zero, and would be sent as %s",
				n.Value, number)
		} else if !ok {
			r.fail(at, "quote it if it is a text", "%s is not a number that JSON can write, in %s", quote(n.Value), what)
		}
		return value{kind: kindNumber, text: text{raw: number, at: at}}
	}
	if n.ShortTag() == "!!binary" {
		r.warn(at, "JSON has no bytes: write the text that they are encoded as", "the base64 text itself is used here")
	}
	t, _ := r.text(n.Value, at)
	return value{kind: kindString, text: t}
}

// leadingZero finds a number that YAML may take for an octal one, and people for a postal code.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// jsonNumber returns a YAML number as JSON writes it: 0x1F and 1_000 as decimals, others as they stand.
func jsonNumber(s string) (string, bool) {
	if json.Valid([]byte(s)) {
		return s, true
	}
	plain := strings.TrimPrefix(strings.ReplaceAll(s, "_", ""), "+")
	if json.Valid([]byte(plain)) {
		return plain, true
	}
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return strconv.FormatInt(i, 10), true
	}
	if f, err := strconv.ParseFloat(plain, 64); err == nil && f-f == 0 {
		return strconv.FormatFloat(f, 'g', -1, 64), true
	}
	return "0", false
}

// compareNumbers compares two JSON numbers: exactly where both are whole numbers of any size, else as
// 64-bit floats, which is what most servers and clients use.
func compareNumbers(a, b string) int {
	if len(a) < 400 && len(b) < 400 {
		x, okx := new(big.Int).SetString(a, 10)
		y, oky := new(big.Int).SetString(b, 10)
		if okx && oky {
			return x.Cmp(y)
		}
	}
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	return cmp.Compare(x, y)
}

// visit calls f for every text with variables in the value.
func (v value) visit(f func(text)) {
	if v.kind == kindString {
		f(v.text)
	}
	for _, k := range v.keys {
		f(k)
	}
	for _, i := range v.items {
		i.visit(f)
	}
}

// appendJSON writes the value with its variables expanded.
func (v value) appendJSON(b []byte, f *filler) []byte {
	switch v.kind {
	case kindString:
		if node, ok := v.text.typed(f.Scope); ok {
			return appendPlain(b, node)
		}
		return appendPlain(b, f.text(v.text))
	case kindNumber, kindBoolean:
		return append(b, v.text.raw...)
	case kindArray, kindObject:
		brackets := map[valueKind]string{kindArray: "[]", kindObject: "{}"}[v.kind]
		b = append(b, brackets[0])
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			if v.kind == kindObject {
				b = append(appendPlain(b, f.text(v.keys[i])), ':')
			}
			b = item.appendJSON(b, f)
		}
		return append(b, brackets[1])
	case kindNull:
	}
	return append(b, "null"...)
}

// appendPlain writes a decoded value, which can always be encoded, without escapes for HTML.
func appendPlain(b []byte, v any) []byte {
	w := bytes.NewBuffer(b)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}

// equals reports whether a value of a response is this one. Numbers never equal strings.
func (v value) equals(got any, s Scope) bool { return v.matches(got, s, false) }

// matches is equals; in part, objects of the response may have more members.
func (v value) matches(got any, s Scope, part bool) bool {
	if node, ok := v.text.typed(s); ok && !v.plain {
		v = valueOf(node)
	}
	switch got := got.(type) {
	case nil:
		return v.kind == kindNull
	case bool:
		return v.kind == kindBoolean && v.text.raw == strconv.FormatBool(got)
	case json.Number:
		return v.kind == kindNumber && compareNumbers(v.text.raw, got.String()) == 0
	case string:
		want, err := v.text.expand(s, nil)
		return v.kind == kindString && err == nil && want == got
	case []any:
		return v.kind == kindArray && slices.EqualFunc(v.items, got, func(v value, got any) bool { return v.equals(got, s) })
	case map[string]any:
		if v.kind != kindObject || !part && len(got) != len(v.items) {
			return false
		}
		for i, k := range v.keys {
			key, err := k.expand(s, nil)
			if g, ok := got[key]; err != nil || !ok || !v.items[i].matches(g, s, part) {
				return false
			}
		}
		return true
	}
	return false
}

// valueOf is a captured number or boolean as a value of the suite.
func valueOf(node any) value {
	raw, _ := textOf(node)
	return value{kind: kindOf(node), text: text{raw: raw}}
}

// kindOf returns the kind of a value of a response.
func kindOf(v any) valueKind {
	switch v.(type) {
	case bool:
		return kindBoolean
	case json.Number:
		return kindNumber
	case string:
		return kindString
	case []any:
		return kindArray
	case map[string]any:
		return kindObject
	}
	return kindNull
}

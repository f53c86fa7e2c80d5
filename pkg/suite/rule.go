package suite

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// operatorKind is one of the words under a path, a header or "body".
type operatorKind string

const (
	opEquals   operatorKind = "equals"
	opContains operatorKind = "contains"
	opMatches  operatorKind = "matches"
	opExists   operatorKind = "exists"
	opType     operatorKind = "type"
	opMin      operatorKind = "min"
	opMax      operatorKind = "max"
	opLength   operatorKind = "length"
	opOneOf    operatorKind = "one_of"
	opNot      operatorKind = "not"
)

// subjectKind is what a rule looks at.
type subjectKind string

const (
	subjectJSON   subjectKind = "json"
	subjectHeader subjectKind = "header"
	// SubjectBody is the whole body as a text.
	SubjectBody subjectKind = "body"
)

// rule is what must hold of one subject: all of its operators.
type rule []operator

type operator struct {
	kind operatorKind
	at   Pos
	// values holds the operand of equals, contains, min, max (one) and one_of (several).
	values []value
	// want is the operand of exists, typ of type, low and high of length.
	want      bool
	typ       string
	low, high int
	// pattern is the operand of matches; compiled is nil while it holds variables.
	pattern  text
	compiled *regexp.Regexp
	// empty is set when the pattern, whatever its variables hold, finds the empty text.
	empty bool
	not   rule
}

// unbounded is the upper bound of a length that has none.
const unbounded = int(^uint(0) >> 1)

// operatorsOf lists the operators that make sense for a subject.
func operatorsOf(k subjectKind) []string {
	switch k {
	case SubjectBody:
		return []string{"equals", "contains", "matches", "length", "one_of", "not"}
	case subjectHeader:
		return []string{"equals", "contains", "matches", "exists", "min", "max", "length", "one_of", "not"}
	case subjectJSON:
	}
	return []string{"equals", "contains", "matches", "exists", "type", "min", "max", "length", "one_of", "not"}
}

// rule reads a scalar, which means equals, or a mapping of operators.
func (r *reader) rule(n *yaml.Node, k subjectKind) rule {
	switch n.Kind {
	case yaml.ScalarNode:
		return rule{{kind: opEquals, at: posOf(n), values: []value{r.operand(n, k)}}}
	case yaml.MappingNode:
	default:
		r.fail(posOf(n), "write {equals: [...]}, {one_of: [...]} or {contains: ...}", "a list does not say how it is to be compared")
		return nil
	}
	var out rule
	before := len(r.problems)
	for _, p := range r.pairs(n, "this expectation", operatorsOf(k)...) {
		out = append(out, r.operator(p, k))
	}
	if len(out) == 0 && len(r.problems) == before {
		r.fail(posOf(n), exampleOf(operatorsOf(k)), "nothing is expected here")
	}
	return out
}

// operand reads a value to compare with. Headers and bodies are text, so 5 means "5" there.
func (r *reader) operand(n *yaml.Node, k subjectKind) value {
	if k == subjectJSON {
		return r.value(n, "an expectation")
	}
	t, ok := r.template(n, "what a "+string(k)+" is compared with")
	if !ok {
		return value{kind: kindNull}
	}
	return value{kind: kindString, text: t}
}

func (r *reader) operator(p pair, k subjectKind) operator {
	o := operator{kind: operatorKind(p.key), at: p.at}
	switch o.kind {
	case opEquals:
		o.values = []value{r.operand(p.value, k)}
	case opContains:
		o.values = []value{r.operand(p.value, k)}
		if v := o.values[0]; v.kind == kindString && v.text.parts == nil && v.text.raw == "" {
			r.fail(p.at, "", "every text contains the empty one, so this cannot fail")
		}
	case opMatches:
		r.pattern(p, &o)
	case opExists:
		o.want = r.boolean(p.value, "exists")
	case opType:
		o.typ = r.oneOf(p.value, "type", "string", "number", "integer", "boolean", "array", "object", "null")
	case opMin, opMax:
		o.values = []value{r.bound(p)}
	case opLength:
		o.low, o.high = r.length(p)
	case opOneOf:
		for _, i := range r.items(p.value, "one_of") {
			o.values = append(o.values, r.operand(i, k))
		}
		if len(o.values) == 0 {
			r.fail(p.at, "", "one_of nothing can never hold")
		}
	case opNot:
		o.not = r.rule(p.value, k)
	}
	return o
}

func (r *reader) pattern(p pair, o *operator) {
	var ok bool
	if o.pattern, ok = r.template(p.value, "matches"); !ok {
		return
	}
	expr := o.pattern.raw
	if o.pattern.parts != nil {
		// The values are taken literally, so that any will do to see whether the rest is a pattern.
		known := Scope{Vars: map[string]string{}}
		for _, n := range o.pattern.names() {
			known.Vars[n.name] = "x"
		}
		expr, _ = o.pattern.pattern(known)
	}
	compiled, err := regexp.Compile(expr)
	if err != nil {
		r.fail(posOf(p.value), "patterns are RE2; (?i) ignores case", "%s is no pattern: %s", quote(p.value.Value), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	o.empty = compiled.MatchString("")
	if o.pattern.parts == nil {
		o.compiled = compiled
	}
}

func (r *reader) bound(p pair) value {
	v := r.value(p.value, p.key)
	plain := p.value.Kind == yaml.ScalarNode && p.value.Style == 0
	// To YAML a number that no 64 bits can hold is a text.
	if _, err := strconv.ParseFloat(p.value.Value, 64); plain && errors.Is(err, strconv.ErrRange) {
		r.fail(posOf(p.value), "", "no number is beyond %s, so %s says nothing", quote(p.value.Value), p.key)
	} else if v.kind != kindNumber {
		r.fail(posOf(p.value), "", "%s must be a number, not %s", p.key, describe(p.value))
	}
	return v
}

// length reads 3 or {min: 1, max: 5}.
func (r *reader) length(p pair) (low, high int) {
	const most = 1 << 30
	if p.value.Kind != yaml.MappingNode {
		n := r.integer(p.value, "length", 0, most)
		return n, n
	}
	low, high = 0, unbounded
	for _, q := range r.pairs(p.value, "length", "min", "max") {
		if q.key == "min" {
			low = r.integer(q.value, "min", 0, most)
		} else {
			high = r.integer(q.value, "max", 0, most)
		}
	}
	return low, high
}

// check says whether it can fail at all, and can hold at all.
func (r *reader) checkRule(ru rule) {
	var low, high *value
	for i := range ru {
		switch o := &ru[i]; o.kind {
		case opMin:
			low = &o.values[0]
		case opMax:
			high = &o.values[0]
		case opLength:
			if o.low == 0 && o.high == unbounded {
				r.fail(o.at, "write {min: 1}", "every length is allowed, so this cannot fail")
			}
			if o.low > o.high {
				r.fail(o.at, "", "no length is at least %d and at most %d", o.low, o.high)
			}
		case opNot:
			r.checkRule(o.not)
			for _, n := range o.not {
				if n.matchesAll() {
					r.fail(n.at, `write {equals: ""}, or a pattern that finds less`, "the pattern finds something in every text, so what negates it says nothing of the text")
				}
			}
		default:
		}
	}
	if low != nil && high != nil && compareNumbers(low.text.raw, high.text.raw) > 0 {
		r.fail(low.text.at, "", "no number is at least %s and at most %s", low.text.raw, high.text.raw)
	}
}

// matchesAll reports whether the operator is a pattern that finds the empty text, and so finds something
// in every text.
func (o *operator) matchesAll() bool {
	return o.kind == opMatches && o.empty
}

// visit calls f for every text in the rule that may hold variables.
func (ru rule) visit(f func(text)) {
	for i := range ru {
		for _, v := range ru[i].values {
			v.visit(f)
		}
		f(ru[i].pattern)
		ru[i].not.visit(f)
	}
}

func lengthText(low, high int) string {
	switch {
	case low == high:
		return strconv.Itoa(low)
	case high == unbounded:
		return "at least " + strconv.Itoa(low)
	case low == 0:
		return "at most " + strconv.Itoa(high)
	}
	return strconv.Itoa(low) + " to " + strconv.Itoa(high)
}

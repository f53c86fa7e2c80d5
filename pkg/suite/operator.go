package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// operator is one word of an expectation with its operand, {contains: ok}, and all that there is to know of it. A new
// one is a type in this file, which embeds base, a row of operators, and a property in schema.json.
type operator interface {
	// holds reports whether it holds for one value of an answer, which is one of several unless it is singular.
	holds(v any, singular bool, s Scope) bool
	// oneIsEnough reports whether of several values it need hold for one only, not for each.
	oneIsEnough() bool
	// counts reports whether it speaks of how many values there are; holdsForCount then says whether it holds.
	counts(singular bool) bool
	holdsForCount(nodes []any, singular bool, s Scope) bool
	// ofHeader is a header's value as holds takes it.
	ofHeader(v string) any
	// text says what it expects, got what was there instead; "" for the values themselves.
	text(s Scope) string
	got(nodes []any, singular bool, s Scope) string
	// blank reports whether, once its variables have their values, it holds for every text: each contains the empty
	// one. Such an operator does not hold, be it negated or not.
	blank(s Scope) bool
	// findsEmpty reports whether, whatever its variables hold, it finds the empty text, and so something in every text.
	findsEmpty() bool
	// demands reports whether no value without the variable's can hold.
	demands(name string) bool
	// visit calls f for every text in it that may hold variables.
	visit(f func(text))
	// check refuses what cannot fail, or cannot hold, for bodies of at most maxBody bytes; 0 is without a bound.
	check(r *reader, at Pos, maxBody int64)
}

// operatorRow is a word that a suite may write, of which subjects, and how its operand is read.
type operatorRow struct {
	word     string
	subjects []subjectKind
	read     func(r *reader, p pair, k subjectKind) operator
}

// operators are all words, in the order in which messages name them.
func operators() []operatorRow {
	all := []subjectKind{subjectJSON, subjectHeader, subjectCSS, SubjectBody}
	notBody, numbers, onlyJSON := all[:3], all[:2], all[:1]
	return []operatorRow{
		{"equals", all, readEquals},
		{"contains", all, readContains},
		{"matches", all, readMatches},
		{"exists", notBody, readExists},
		{"type", onlyJSON, readType},
		{"min", numbers, readBound},
		{"max", numbers, readBound},
		{"length", all, readLength},
		{"one_of", all, readOneOf},
		{"not", all, readNot},
	}
}

// base is what most operators do.
type base struct{}

func (base) oneIsEnough() bool                      { return false }
func (base) counts(bool) bool                       { return false }
func (base) holdsForCount([]any, bool, Scope) bool  { return false }
func (base) ofHeader(v string) any                  { return v }
func (base) got(_ []any, _ bool, _ Scope) string    { return "" }
func (base) blank(Scope) bool                       { return false }
func (base) findsEmpty() bool                       { return false }
func (base) demands(string) bool                    { return false }
func (base) visit(func(text))                       {}
func (base) check(r *reader, at Pos, maxBody int64) {}

// operands are values of the suite to compare with.
type operands struct {
	base
	values []value
}

func (o operands) visit(f func(text)) {
	for _, v := range o.values {
		v.visit(f)
	}
}

func (o operands) demands(name string) bool {
	return !slices.ContainsFunc(o.values, func(v value) bool { return !inSome(v.visit, name) })
}

// equals is also what a value without an operator means.
type equals struct{ operands }

func readEquals(r *reader, p pair, k subjectKind) operator {
	return equals{operands{values: []value{r.operand(p.value, k)}}}
}

func (o equals) holds(v any, _ bool, s Scope) bool { return o.values[0].equals(v, s) }
func (o equals) text(s Scope) string               { return o.values[0].shown(s) }

type oneOf struct{ operands }

func readOneOf(r *reader, p pair, k subjectKind) operator {
	values := list(r.items(p.value, "one_of"), func(n *yaml.Node) value { return r.operand(n, k) })
	if len(values) == 0 {
		r.fail(p.at, "", "one_of without a value can never hold")
	}
	return oneOf{operands{values: values}}
}

func (o oneOf) holds(v any, _ bool, s Scope) bool {
	return slices.ContainsFunc(o.values, func(want value) bool { return want.equals(v, s) })
}

func (o oneOf) text(s Scope) string {
	return "one of " + strings.Join(list(o.values, func(v value) string { return v.shown(s) }), ", ")
}

// contains holds for a text that has a piece of text in it, a list that has an element, and an object that has
// members, and may have more. Of several values it may be one itself.
//
// An element is the whole of one, or a gate would let more through than it says; below not, one with more members counts,
// too, for the same reason.
type contains struct {
	operands
	negated bool
}

func readContains(r *reader, p pair, k subjectKind) operator {
	v := r.operand(p.value, k)
	if v.kind == kindObject && len(v.keys) == 0 {
		r.fail(p.at, "", "every object contains the empty one, so this cannot fail")
	}
	if v.kind == kindString && v.text.parts == nil && v.text.raw == "" {
		r.fail(p.at, "", "every text contains the empty one, so this cannot fail")
	}
	return contains{operands: operands{values: []value{v}}}
}

func (o contains) oneIsEnough() bool { return true }

func (o contains) holds(v any, singular bool, s Scope) bool {
	want := o.values[0]
	if !singular && want.equals(v, s) {
		return true
	}
	switch v := v.(type) {
	case string:
		piece, err := want.text.expand(s, nil)
		return want.kind == kindString && err == nil && strings.Contains(v, piece)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return want.matches(e, s, o.negated) })
	case map[string]any:
		return (singular || o.negated) && want.matches(v, s, true)
	}
	return false
}

func (o contains) text(s Scope) string { return "contains " + o.values[0].shown(s) }

func (o contains) got(nodes []any, _ bool, s Scope) string {
	if len(nodes) < 2 {
		return ""
	}
	return fmt.Sprintf("none of %d, the first %s", len(nodes), shown(nodes[0], s.Secrets))
}

func (o contains) blank(s Scope) bool {
	if o.values[0].text.parts == nil {
		return false
	}
	piece, err := o.values[0].text.expand(s, nil)
	return err != nil || piece == ""
}

// matches holds for a text in which the pattern finds something.
type matches struct {
	base
	pattern  text
	compiled *regexp.Regexp // nil while the pattern holds variables
	empty    bool
}

func readMatches(r *reader, p pair, _ subjectKind) operator {
	var o matches
	var ok bool
	if o.pattern, ok = r.template(p.value, "matches"); !ok {
		return o
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
	compiled := r.pattern(p.value, expr)
	if compiled == nil {
		return o
	}
	o.empty = compiled.MatchString("")
	if o.pattern.parts == nil {
		o.compiled = compiled
	}
	return o
}

// pattern compiles a pattern, which stands at n.
func (r *reader) pattern(n *yaml.Node, expr string) *regexp.Regexp {
	compiled, err := regexp.Compile(expr)
	if err == nil {
		return compiled
	}
	help, said := "patterns are RE2; (?i) ignores case", strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	switch {
	case strings.Contains(expr, "(?!"), strings.Contains(expr, "(?<!"):
		help, said = "write {not: {matches: …}} for what must not be there", "RE2 has no lookahead or lookbehind"
	case strings.Contains(expr, "(?="), strings.Contains(expr, "(?<="):
		help, said = "write what stands before and after as a part of the pattern", "RE2 has no lookahead or lookbehind"
	case regexp.MustCompile(`\\[1-9]`).MatchString(expr):
		said = "RE2 has no back-references"
	}
	r.fail(posOf(n), help, "%s is not a pattern: %s", quote(n.Value), said)
	return nil
}

func (o matches) regexp(s Scope) *regexp.Regexp {
	if o.compiled != nil {
		return o.compiled
	}
	expr, err := o.pattern.pattern(s)
	if err != nil {
		return nil
	}
	re, _ := regexp.Compile(expr) // nil where it is not a pattern
	return re
}

func (o matches) holds(v any, _ bool, s Scope) bool {
	t, ok := v.(string)
	re := o.regexp(s)
	return ok && re != nil && re.MatchString(t)
}

func (o matches) text(s Scope) string {
	p, _ := o.pattern.pattern(s)
	return "matches " + s.Secrets.Text(p)
}

func (o matches) blank(s Scope) bool {
	if o.compiled != nil {
		return false
	}
	re := o.regexp(s)
	return re == nil || re.MatchString("")
}

func (o matches) findsEmpty() bool { return o.empty }

func (o matches) demands(name string) bool {
	// A choice, or a part that may be missing, could leave the value out.
	return mentions(o.pattern, name) &&
		!slices.ContainsFunc(o.pattern.parts, func(p part) bool { return strings.ContainsAny(p.literal, "|?*{[") })
}

func (o matches) visit(f func(text)) { f(o.pattern) }

// exists holds where there is a value, or where there is none.
type exists struct {
	base
	want bool
}

func readExists(r *reader, p pair, _ subjectKind) operator {
	return exists{want: r.boolean(p.value, "exists")}
}

func (o exists) holds(any, bool, Scope) bool { return o.want }
func (o exists) counts(bool) bool            { return true }

func (o exists) holdsForCount(nodes []any, _ bool, _ Scope) bool { return o.want == (len(nodes) > 0) }

func (o exists) holdsForHeader(values []string, _ Scope) bool { return o.want == (len(values) > 0) }

func (o exists) text(Scope) string {
	if o.want {
		return "exists"
	}
	return "does not exist"
}

// ofType holds for a value of one type.
type ofType struct {
	base
	name string
}

func readType(r *reader, p pair, _ subjectKind) operator {
	return ofType{name: r.oneOf(p.value, "type", "string", "number", "integer", "boolean", "array", "object", "null")}
}

func (o ofType) holds(v any, _ bool, _ Scope) bool { return isType(v, o.name) }
func (o ofType) text(Scope) string                 { return "type " + o.name }

// bound is min or max, for numbers.
type bound struct {
	base
	word  string
	limit value
}

func readBound(r *reader, p pair, _ subjectKind) operator {
	o := bound{word: p.key, limit: r.value(p.value, p.key)}
	plain := p.value.Kind == yaml.ScalarNode && p.value.Style == 0
	// To YAML a number that no 64 bits can hold is a text.
	if _, err := strconv.ParseFloat(p.value.Value, 64); plain && errors.Is(err, strconv.ErrRange) {
		r.fail(posOf(p.value), "", "no number is beyond %s, so %s says nothing", quote(p.value.Value), p.key)
	} else if o.limit.kind != kindNumber {
		r.fail(posOf(p.value), "", "%s must be a number, not %s", p.key, describe(p.value))
	}
	return o
}

func (o bound) holds(v any, _ bool, _ Scope) bool {
	n, ok := v.(json.Number)
	if !ok || o.limit.kind != kindNumber {
		return false
	}
	c := compareNumbers(n.String(), o.limit.text.raw)
	return o.word == "min" && c >= 0 || o.word == "max" && c <= 0
}

// ofHeader is a number where the header's text looks like one.
func (o bound) ofHeader(v string) any {
	number := strings.TrimSpace(v)
	if !json.Valid([]byte(number)) || !strings.ContainsAny(number[:1], "-0123456789") {
		return v
	}
	return json.Number(number)
}

func (o bound) text(Scope) string {
	return map[string]string{"min": "at least ", "max": "at most "}[o.word] + o.limit.text.raw
}

// length counts a text's characters, a list's elements, an object's members; or the values, of which there may be
// several.
type length struct {
	base
	low, high int
}

// unbounded is the upper bound of a length that has none.
const unbounded = int(^uint(0) >> 1)

// readLength reads 3 or {min: 1, max: 5}.
func readLength(r *reader, p pair, _ subjectKind) operator {
	const most = 1 << 30
	before := len(r.problems)
	if p.value.Kind != yaml.MappingNode {
		n := r.integer(p.value, "length", 0, most)
		return length{low: n, high: n}
	}
	o := length{high: unbounded}
	r.entries(p.value, "length", []row{
		{"min", func(q pair) { o.low = r.integer(q.value, "min", 0, most) }},
		{"max", func(q pair) { o.high = r.integer(q.value, "max", 0, most) }},
	})
	if len(r.problems) > before {
		return length{low: 1, high: 1} // what is wrong was told
	}
	return o
}

func (o length) allows(n int) bool { return n >= o.low && n <= o.high }

func (o length) holds(v any, _ bool, _ Scope) bool {
	n, ok := lengthOf(v)
	return ok && o.allows(n)
}

func (o length) counts(singular bool) bool { return !singular }

func (o length) holdsForCount(nodes []any, _ bool, _ Scope) bool { return o.allows(len(nodes)) }

func (o length) text(Scope) string {
	switch {
	case o.low == o.high:
		return "length " + strconv.Itoa(o.low)
	case o.high == unbounded:
		return "length at least " + strconv.Itoa(o.low)
	case o.low == 0:
		return "length at most " + strconv.Itoa(o.high)
	}
	return fmt.Sprintf("length %d to %d", o.low, o.high)
}

func (o length) got(nodes []any, singular bool, s Scope) string {
	if !singular {
		return fmt.Sprintf("%d of them", len(nodes))
	}
	if n, ok := lengthOf(nodes[0]); ok {
		return fmt.Sprintf("%d: %s", n, shown(nodes[0], s.Secrets))
	}
	return ""
}

func (o length) check(r *reader, at Pos, maxBody int64) {
	switch {
	case o.low == 0 && o.high == unbounded:
		r.fail(at, "write {min: 1}", "every length is allowed, so this cannot fail")
	case o.low > o.high:
		r.fail(at, "", "no length is at least %d and at most %d", o.low, o.high)
	case o.low == 0 && maxBody > 0 && int64(o.high) >= maxBody:
		r.fail(at, "allow less than max_body", "no body is longer than max_body, %d bytes, so this cannot fail", maxBody)
	}
}

// not holds where its rule does not.
type not struct {
	base
	rule rule
}

func readNot(r *reader, p pair, k subjectKind) operator {
	o := not{rule: r.rule(p.value, k)}
	for i := range o.rule {
		if c, ok := o.rule[i].operator.(contains); ok {
			c.negated = true
			o.rule[i].operator = c
		}
	}
	return o
}

func (o not) holds(v any, singular bool, s Scope) bool {
	return len(o.rule) > 0 && !o.rule.holds([]any{v}, singular, s)
}

func (o not) counts(singular bool) bool {
	return slices.ContainsFunc(o.rule, func(n expected) bool { return n.counts(singular) })
}

func (o not) holdsForCount(nodes []any, singular bool, s Scope) bool {
	return !o.rule.holds(nodes, singular, s)
}

// holdsForHeader: a header without values has nothing that could differ, unless its absence is what is asked for.
func (o not) holdsForHeader(values []string, s Scope) bool {
	if o.counts(true) {
		return len(o.rule.header(values, s)) > 0
	}
	return len(values) > 0 && len(o.rule) > 0 &&
		!slices.ContainsFunc(values, func(v string) bool { return o.rule.fits(v, s) })
}

func (o not) text(s Scope) string {
	return "not " + strings.Join(list(o.rule, func(n expected) string { return n.text(s) }), " and ")
}

func (o not) blank(s Scope) bool {
	return slices.ContainsFunc(o.rule, func(n expected) bool { return n.blank(s) })
}

func (o not) visit(f func(text)) { o.rule.visit(f) }

func (o not) check(r *reader, _ Pos, _ int64) {
	r.checkRule(o.rule, 0)
	for _, n := range o.rule {
		if n.findsEmpty() {
			r.fail(n.at, `write {equals: ""}, or a pattern that finds less`,
				"the pattern finds something in every text, so what negates it says nothing of the text")
		}
	}
}

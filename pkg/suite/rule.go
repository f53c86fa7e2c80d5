package suite

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// subjectKind is what a rule looks at.
type subjectKind string

const (
	subjectJSON   subjectKind = "json"
	subjectHeader subjectKind = "header"
	subjectCSS    subjectKind = "css"
	// SubjectBody is the whole body as a text.
	SubjectBody subjectKind = "body"
)

// rule is what must hold of one subject: all of its operators.
type rule []expected

// expected is an operator at its place.
type expected struct {
	operator
	at Pos
}

// rule reads a scalar, which means equals, or a mapping of operators.
func (r *reader) rule(n *yaml.Node, k subjectKind) rule {
	switch n.Kind {
	case yaml.ScalarNode:
		return rule{{readEquals(r, pair{value: n}, k), posOf(n)}}
	case yaml.MappingNode:
	default:
		r.fail(posOf(n), "write {equals: [...]}, {one_of: [...]} or {contains: ...}",
			"a list does not say how it is to be compared")
		return nil
	}
	rows := slices.DeleteFunc(operators(), func(o operatorRow) bool { return !slices.Contains(o.subjects, k) })
	known := list(rows, func(o operatorRow) string { return o.word })
	var out rule
	before := len(r.problems)
	for _, p := range r.pairs(n, "this expectation", known...) {
		out = append(out, expected{rows[slices.Index(known, p.key)].read(r, p, k), p.at})
	}
	if len(out) == 0 && len(r.problems) == before {
		r.fail(posOf(n), exampleOf(known), "nothing is expected here")
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
	return value{kind: kindString, text: t, plain: true}
}

// checkRule says whether it can fail at all, and can hold at all, for bodies of at most maxBody bytes.
func (r *reader) checkRule(ru rule, maxBody int64) {
	var low, high *value
	for _, e := range ru {
		e.check(r, e.at, maxBody)
		if b, ok := e.operator.(bound); ok && b.word == "min" {
			low = &b.limit
		} else if ok {
			high = &b.limit
		}
	}
	if low != nil && high != nil && compareNumbers(low.text.raw, high.text.raw) > 0 {
		r.fail(low.text.at, "", "no number is at least %s and at most %s", low.text.raw, high.text.raw)
	}
}

// visit calls f for every text in the rule that may hold variables.
func (ru rule) visit(f func(text)) {
	for _, e := range ru {
		e.visit(f)
	}
}

// Mismatch is one operator that did not hold.
type Mismatch struct{ Expected, Got string }

// saysNothing stands for what was got where nothing can be held against it.
const saysNothing = "nothing to compare with: its variables are empty, and so it would hold for every text"

// json checks the nodes that a path found. Whatever cannot be evaluated does not hold.
func (ru rule) json(nodes []any, singular bool, s Scope) []Mismatch {
	var out []Mismatch
	for _, e := range ru {
		if e.blank(s) {
			out = append(out, Mismatch{e.text(s), saysNothing})
		} else if bad, ok := e.holdsForAll(nodes, singular, s); !ok {
			out = append(out, Mismatch{e.text(s), e.gotText(nodes, bad, singular, s)})
		}
	}
	return out
}

func (ru rule) holds(nodes []any, singular bool, s Scope) bool {
	for _, e := range ru {
		if _, ok := e.holdsForAll(nodes, singular, s); !ok {
			return false
		}
	}
	return len(ru) > 0
}

// holdsForAll says whether the operator holds for every node, of which there must be one; if not, for which it does
// not.
func (e expected) holdsForAll(nodes []any, singular bool, s Scope) (bad int, ok bool) {
	if e.counts(singular) {
		return 0, e.holdsForCount(nodes, singular, s)
	}
	some := e.oneIsEnough()
	for i, n := range nodes {
		if e.holds(n, singular, s) == some {
			return i, some
		}
	}
	return 0, len(nodes) > 0 && !some
}

// gotText says what was there instead of what the operator expects.
func (e expected) gotText(nodes []any, bad int, singular bool, s Scope) string {
	if len(nodes) == 0 {
		return "nothing there"
	}
	if got := e.got(nodes, singular, s); got != "" {
		return got
	}
	got := shown(nodes[bad], s.Secrets)
	if len(nodes) > 1 {
		got += fmt.Sprintf(", number %d of %d", bad+1, len(nodes))
	}
	return got
}

// wholeHeader is an operator that is held against all values of a header at once.
type wholeHeader interface {
	holdsForHeader(values []string, s Scope) bool
}

// header checks the values of one header: one of them must fit all operators, and none what is negated.
func (ru rule) header(values []string, s Scope) []Mismatch {
	got := "no such header"
	if len(values) > 0 {
		got = shownTexts(values, s.Secrets)
	}
	var out []Mismatch
	var positive rule
	for _, e := range ru {
		switch whole, ok := e.operator.(wholeHeader); {
		case e.blank(s):
			out = append(out, Mismatch{e.text(s), saysNothing})
		case !ok:
			positive = append(positive, e)
		case !whole.holdsForHeader(values, s):
			out = append(out, Mismatch{e.text(s), got})
		}
	}
	if len(positive) == 0 || slices.ContainsFunc(values, func(v string) bool { return positive.fits(v, s) }) {
		return out
	}
	for _, e := range positive {
		if len(positive) == 1 || len(values) != 1 || !e.fits(values[0], s) {
			out = append(out, Mismatch{e.text(s), got})
		}
	}
	return out
}

// fits reports whether the rule holds for one value of a header.
func (ru rule) fits(v string, s Scope) bool {
	return len(ru) > 0 && !slices.ContainsFunc(ru, func(e expected) bool { return !e.fits(v, s) })
}

func (e expected) fits(v string, s Scope) bool { return e.holds(e.ofHeader(v), true, s) }

package suite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// subjectKind is what a rule looks at, or a capture takes.
type subjectKind string

const (
	subjectJSON   subjectKind = "json"
	subjectHeader subjectKind = "header"
	subjectCSS    subjectKind = "css"
	subjectCookie subjectKind = "cookie" // of captures only
	subjectStatus subjectKind = "status" // of captures only
	// SubjectBody is the whole body as a text.
	SubjectBody subjectKind = "body"
)

// rule is what must hold of one subject: all of its operators.
type rule []operator

// rule reads a scalar, which means equals, or a mapping of operators; negated below not.
func (r *reader) rule(n *yaml.Node, k subjectKind, negated bool) rule {
	switch n.Kind {
	case yaml.ScalarNode:
		o := readEquals(r, operand{pair{value: n}, k, negated})
		o.at = posOf(n)
		return rule{o}
	case yaml.MappingNode:
	default:
		r.fail(posOf(n), "write {equals: [...]}, {one_of: [...]} or {contains: ...}",
			"a list does not say how it is to be compared")
		return nil
	}
	rows := kept(operators(), func(o operatorRow) bool { return slices.Contains(o.subjects, k) })
	known := list(rows, func(o operatorRow) string { return o.word })
	var out rule
	before := len(r.problems)
	for _, p := range r.pairs(n, "this expectation", known...) {
		o := rows[slices.Index(known, p.key)].read(r, operand{p, k, negated})
		o.word, o.at = p.key, cmp.Or(o.at, p.at)
		out = append(out, o)
	}
	if len(out) == 0 && len(r.problems) == before {
		r.fail(posOf(n), exampleOf(known), "nothing is expected here")
	}
	return out
}

// operand reads a value to compare with. Headers and bodies are text, so 5 means "5" there.
func (r *reader) operand(n *yaml.Node, k subjectKind) any {
	if k == subjectJSON {
		return r.value(n, "an expectation", 0)
	}
	t, ok := r.template(n, "what a "+string(k)+" is compared with")
	if !ok {
		return nil
	}
	t.plain = true
	return t
}

// checkRule says whether it can fail at all, and can hold at all, for bodies of at most maxBody bytes.
func (r *reader) checkRule(ru rule, maxBody int64) {
	var low, high operator
	for _, o := range ru {
		if o.check != nil {
			o.check(r, o.at, maxBody)
		}
		switch o.word {
		case "min":
			low = o
		case "max":
			high = o
		}
	}
	if low.limit != "" && high.limit != "" && compareNumbers(low.limit, high.limit) > 0 {
		r.fail(low.at, "", "no number is at least %s and at most %s", low.limit, high.limit)
	}
}

func (ru rule) texts() []text { return slices.Concat(list(ru, operator.texts)...) }

// Mismatch is one operator that did not hold.
type Mismatch struct{ Expected, Got string }

// saysNothing stands for what was got where nothing can be held against it.
const saysNothing = "nothing to compare with: its variables are empty, and so it would hold for every text"

// json checks the nodes that a path found. Whatever cannot be evaluated does not hold.
func (ru rule) json(nodes []any, singular bool, s Scope) []Mismatch {
	var out []Mismatch
	for _, o := range ru {
		if o.isBlank(s) {
			out = append(out, Mismatch{o.text(s), saysNothing})
		} else if bad, ok := o.holds(nodes, singular, s); !ok {
			out = append(out, Mismatch{o.text(s), o.gotText(nodes, bad, singular, s)})
		}
	}
	return out
}

func (ru rule) holds(nodes []any, singular bool, s Scope) bool {
	return len(ru) > 0 && !slices.ContainsFunc(ru, func(o operator) bool {
		_, ok := o.holds(nodes, singular, s)
		return !ok
	})
}

func (o operator) isBlank(s Scope) bool { return o.blank != nil && o.blank(s) }

// holds says whether the operator holds for every node, of which there must be one; if not, for which it does not.
func (o operator) holds(nodes []any, singular bool, s Scope) (bad int, ok bool) {
	if o.counts == always || o.counts == ofSeveral && !singular {
		return 0, o.ofAll(nodes, singular, s)
	}
	for i, n := range nodes {
		if o.fits(n, singular, s) == o.some {
			return i, o.some
		}
	}
	return 0, len(nodes) > 0 && !o.some
}

// gotText says what was there instead of what the operator expects.
func (o operator) gotText(nodes []any, bad int, singular bool, s Scope) string {
	if len(nodes) == 0 {
		return "nothing there"
	}
	if o.got != nil {
		if got := o.got(nodes, singular, s); got != "" {
			return got
		}
	}
	got := shown(nodes[bad], s.Secrets)
	if len(nodes) > 1 {
		got += fmt.Sprintf(", number %d of %d", bad+1, len(nodes))
	}
	return got
}

// header checks the values of one header: one of them must fit all operators, and none what is negated.
func (ru rule) header(values []string, s Scope) []Mismatch {
	got := "no such header"
	if len(values) > 0 {
		got = strings.Join(list(values, func(v string) string { return shown(v, s.Secrets) }), ", ")
	}
	var out []Mismatch
	var positive rule
	for _, o := range ru {
		switch {
		case o.isBlank(s):
			out = append(out, Mismatch{o.text(s), saysNothing})
		case o.ofHeader == nil:
			positive = append(positive, o)
		case !o.ofHeader(values, s):
			out = append(out, Mismatch{o.text(s), got})
		}
	}
	if len(positive) == 0 || slices.ContainsFunc(values, func(v string) bool { return positive.fits(v, s) }) {
		return out
	}
	for _, o := range positive {
		if len(positive) == 1 || len(values) != 1 || !(rule{o}).fits(values[0], s) {
			out = append(out, Mismatch{o.text(s), got})
		}
	}
	return out
}

func (ru rule) fits(v string, s Scope) bool { return ru.holds([]any{v}, true, s) }

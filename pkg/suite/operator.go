package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// operator is one word of an expectation with its operand, {contains: ok}, and all that there is to know of it. A new
// one is a function that reads it, a row of operators, and a property in schema.json.
type operator struct {
	word string
	at   Pos
	// values are what it compares with; pattern is that of matches, rule that of not, limit that of min and max.
	values  []any
	pattern text
	rule    rule
	limit   json.Number
	// findsEmpty says that the pattern, whatever its variables hold, finds the empty text, and so something in every text.
	findsEmpty bool
	// fits reports whether it holds for one value of an answer, which is one of several unless it is singular. Of several
	// it need hold for one only where some is set, else for each.
	fits func(v any, singular bool, s Scope) bool
	some bool
	// counts says when it speaks of how many values there are; ofAll then says whether it holds.
	counts counted
	ofAll  func(nodes []any, singular bool, s Scope) bool
	// ofHeader is set where it is held against all values of a header at once.
	ofHeader func(values []string, s Scope) bool
	// text says what it expects, got what was there instead; nil or "" for the values themselves.
	text func(s Scope) string
	got  func(nodes []any, singular bool, s Scope) string
	// blank reports whether, once its variables have their values, it holds for every text: each contains the empty
	// one. Such an operator does not hold, be it negated or not. It is nil where that cannot be.
	blank func(s Scope) bool
	// check refuses what cannot fail, or cannot hold, for bodies of at most maxBody bytes; 0 is without a bound.
	check func(r *reader, at Pos, maxBody int64)
}

// counted is when an operator speaks of how many values there are.
type counted int

const (
	never counted = iota
	ofSeveral
	always
)

// operand is what stands behind an operator, of which subject; negated below not.
type operand struct {
	pair
	of      subjectKind
	negated bool
}

// operatorRow is a word that a suite may write, of which subjects, and how its operand is read.
type operatorRow struct {
	word     string
	subjects []subjectKind
	read     func(r *reader, p operand) operator
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

// texts are those in it that may hold variables.
func (o operator) texts() []text {
	return slices.Concat(textsIn(o.values), []text{o.pattern}, o.rule.texts())
}

// demands reports whether no value without the variable's can hold.
func (o operator) demands(name string) bool {
	if len(o.values) > 0 {
		return !slices.ContainsFunc(o.values, func(v any) bool { return !mentions(name, textsIn(v)...) })
	}
	// A choice, or a part that may be missing, could leave the value out.
	return mentions(name, o.pattern) &&
		!slices.ContainsFunc(o.pattern.parts, func(p part) bool { return strings.ContainsAny(p.literal, "|?*{[") })
}

// readEquals is also what a value without an operator means.
func readEquals(r *reader, p operand) operator { return anyOf("", r.operand(p.value, p.of)) }

func readOneOf(r *reader, p operand) operator {
	values := list(r.items(p.value, "one_of"), func(n *yaml.Node) any { return r.operand(n, p.of) })
	if len(values) == 0 {
		r.fail(p.at, "", "one_of without a value can never hold")
	}
	return anyOf("one of ", values...)
}

// anyOf holds for what equals one of the values.
func anyOf(said string, values ...any) operator {
	return operator{
		values: values,
		fits: func(v any, _ bool, s Scope) bool {
			return slices.ContainsFunc(values, func(want any) bool { return matches(want, v, s, false) })
		},
		text: func(s Scope) string {
			return said + strings.Join(list(values, func(v any) string { return shownWant(v, s) }), ", ")
		},
	}
}

// readContains: it holds for a text that has a piece of text in it, a list that has an element, and an object that has
// members, and may have more. Of several values it may be one itself.
//
// An element is the whole of one, or a gate would let more through than it says; below not, one with more members
// counts, too, for the same reason.
func readContains(r *reader, p operand) operator {
	want := r.operand(p.value, p.of)
	if members, ok := want.(object); ok && len(members) == 0 {
		r.fail(p.at, "", "every object contains the empty one, so this cannot fail")
	}
	piece, isText := want.(text)
	if isText && piece.parts == nil && piece.raw == "" {
		r.fail(p.at, "", "every text contains the empty one, so this cannot fail")
	}
	return operator{
		values: []any{want}, some: true,
		fits: func(v any, singular bool, s Scope) bool {
			if !singular && matches(want, v, s, false) {
				return true
			}
			switch v := v.(type) {
			case string:
				piece, err := piece.expand(s, nil)
				return isText && err == nil && strings.Contains(v, piece)
			case []any:
				return slices.ContainsFunc(v, func(e any) bool { return matches(want, e, s, p.negated) })
			case map[string]any:
				return (singular || p.negated) && matches(want, v, s, true)
			}
			return false
		},
		text: func(s Scope) string { return "contains " + shownWant(want, s) },
		got: func(nodes []any, _ bool, s Scope) string {
			if len(nodes) < 2 {
				return ""
			}
			return fmt.Sprintf("none of %d, the first %s", len(nodes), shown(nodes[0], s.Secrets))
		},
		blank: func(s Scope) bool {
			said, err := piece.expand(s, nil)
			return piece.parts != nil && (err != nil || said == "")
		},
	}
}

// readMatches: it holds for a text in which the pattern finds something.
func readMatches(r *reader, p operand) operator {
	t, ok := r.template(p.value, "matches")
	if !ok {
		return operator{}
	}
	// Values are taken literally, so that any will do to see whether the rest is a pattern.
	compiled := r.pattern(p.value, t.sample())
	if compiled == nil {
		return operator{pattern: t}
	}
	find := func(s Scope) (re *regexp.Regexp) {
		if t.parts == nil {
			return compiled
		}
		if expr, err := t.pattern(s); err == nil {
			re, _ = regexp.Compile(expr) // nil where it is not a pattern
		}
		return re
	}
	return operator{
		pattern: t, findsEmpty: compiled.MatchString(""),
		fits: func(v any, _ bool, s Scope) bool {
			said, ok := v.(string)
			re := find(s)
			return ok && re != nil && re.MatchString(said)
		},
		text: func(s Scope) string {
			expr, _ := t.pattern(s)
			return "matches " + s.Secrets.Text(expr)
		},
		blank: func(s Scope) bool {
			re := find(s)
			return t.parts != nil && (re == nil || re.MatchString(""))
		},
	}
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

// readExists: it holds where there is a value, or where there is none.
func readExists(r *reader, p operand) operator {
	want := r.boolean(p.value, "exists")
	return operator{
		counts:   always,
		ofAll:    func(nodes []any, _ bool, _ Scope) bool { return want == (len(nodes) > 0) },
		ofHeader: func(values []string, _ Scope) bool { return want == (len(values) > 0) },
		text: func(Scope) string {
			if want {
				return "exists"
			}
			return "does not exist"
		},
	}
}

func readType(r *reader, p operand) operator {
	name := r.oneOf(p.value, "type", "string", "number", "integer", "boolean", "array", "object", "null")
	return operator{
		fits: func(v any, _ bool, _ Scope) bool { return isType(v, name) },
		text: func(Scope) string { return "type " + name },
	}
}

// readBound reads min or max, for numbers, and for a header's text that looks like one.
func readBound(r *reader, p operand) operator {
	limit, isNumber := r.value(p.value, p.key, 0).(json.Number)
	plain := p.value.Kind == yaml.ScalarNode && p.value.Style == 0
	// To YAML a number that no 64 bits can hold is a text.
	if _, err := strconv.ParseFloat(p.value.Value, 64); plain && errors.Is(err, strconv.ErrRange) {
		r.fail(posOf(p.value), "", "no number is beyond %s, so %s says nothing", quote(p.value.Value), p.key)
	} else if !isNumber {
		r.fail(posOf(p.value), "", "%s must be a number, not %s", p.key, describe(p.value))
	}
	said, sign := "at least ", 1
	if p.key == "max" {
		said, sign = "at most ", -1
	}
	return operator{
		at: posOf(p.value), limit: limit,
		fits: func(v any, _ bool, _ Scope) bool {
			n, ok := v.(json.Number)
			if said, isText := v.(string); isText && p.of == subjectHeader {
				n = json.Number(strings.TrimSpace(said))
				ok = json.Valid([]byte(n)) && strings.ContainsAny(string(n[:1]), "-0123456789")
			}
			return ok && compareNumbers(n, limit)*sign >= 0
		},
		text: func(Scope) string { return said + string(limit) },
	}
}

// unbounded is the upper bound of a length that has none.
const unbounded = math.MaxInt

// readLength reads 3 or {min: 1, max: 5}, of characters, elements or members; or of several values, of them.
func readLength(r *reader, p operand) operator {
	const most = 1 << 30
	before := len(r.problems)
	low, high := 0, unbounded
	if p.value.Kind != yaml.MappingNode {
		low = r.integer(p.value, "length", 0, most)
		high = low
	} else {
		r.entries(p.value, "length", []row{
			{"min", func(q pair) { low = r.integer(q.value, "min", 0, most) }},
			{"max", func(q pair) { high = r.integer(q.value, "max", 0, most) }},
		})
		if len(r.problems) > before {
			low, high = 1, 1 // what is wrong was told
		}
	}
	allows := func(n int) bool { return n >= low && n <= high }
	return operator{
		counts: ofSeveral,
		fits: func(v any, _ bool, _ Scope) bool {
			n, ok := lengthOf(v)
			return ok && allows(n)
		},
		ofAll: func(nodes []any, _ bool, _ Scope) bool { return allows(len(nodes)) },
		text: func(Scope) string {
			switch {
			case low == high:
				return "length " + strconv.Itoa(low)
			case high == unbounded:
				return "length at least " + strconv.Itoa(low)
			case low == 0:
				return "length at most " + strconv.Itoa(high)
			}
			return fmt.Sprintf("length %d to %d", low, high)
		},
		got: func(nodes []any, singular bool, s Scope) string {
			if !singular {
				return fmt.Sprintf("%d of them", len(nodes))
			}
			if n, ok := lengthOf(nodes[0]); ok {
				return fmt.Sprintf("%d: %s", n, shown(nodes[0], s.Secrets))
			}
			return ""
		},
		check: func(r *reader, at Pos, maxBody int64) {
			switch {
			case low == 0 && high == unbounded:
				r.fail(at, "write {min: 1}", "every length is allowed, so this cannot fail")
			case low > high:
				r.fail(at, "", "no length is at least %d and at most %d", low, high)
			case low == 0 && maxBody > 0 && int64(high) >= maxBody:
				r.fail(at, "allow less than max_body", "no body is longer than max_body, %d bytes, so this cannot fail", maxBody)
			}
		},
	}
}

// readNot: it holds where its rule does not.
func readNot(r *reader, p operand) operator {
	of := r.rule(p.value, p.of, true)
	counts := never
	for _, n := range of {
		counts = max(counts, n.counts)
	}
	return operator{
		rule: of, counts: counts,
		fits:  func(v any, singular bool, s Scope) bool { return len(of) > 0 && !of.holds([]any{v}, singular, s) },
		ofAll: func(nodes []any, singular bool, s Scope) bool { return !of.holds(nodes, singular, s) },
		// A header without values has nothing that could differ, unless its absence is what is asked for.
		ofHeader: func(values []string, s Scope) bool {
			if counts == always {
				return len(of.header(values, s)) > 0
			}
			return len(values) > 0 && len(of) > 0 && !slices.ContainsFunc(values, func(v string) bool { return of.fits(v, s) })
		},
		text: func(s Scope) string {
			return "not " + strings.Join(list(of, func(n operator) string { return n.text(s) }), " and ")
		},
		blank: func(s Scope) bool { return slices.ContainsFunc(of, func(n operator) bool { return n.isBlank(s) }) },
		check: func(r *reader, _ Pos, _ int64) {
			r.checkRule(of, 0)
			for _, n := range of {
				if n.findsEmpty {
					r.fail(n.at, `write {equals: ""}, or a pattern that finds less`,
						"the pattern finds something in every text, so what negates it says nothing of the text")
				}
			}
		},
	}
}

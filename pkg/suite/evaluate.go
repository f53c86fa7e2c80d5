package suite

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// maxShown bounds what is kept of a value that is shown, in bytes, before secrets are taken out.
const maxShown = 4 << 10

// Mismatch is one operator that did not hold.
type Mismatch struct{ Expected, Got string }

// json checks the nodes that a path found. Whatever cannot be evaluated does not hold.
func (ru rule) json(nodes []any, singular bool, s Scope) []Mismatch {
	var out []Mismatch
	for i := range ru {
		o := &ru[i]
		if o.blank(s) {
			out = append(out, Mismatch{o.text(s), saysNothing})
		} else if bad, ok := o.holdsForAll(nodes, singular, s); !ok {
			out = append(out, Mismatch{o.text(s), gotText(o, nodes, bad, singular, s.Secrets)})
		}
	}
	return out
}

func (ru rule) holds(nodes []any, singular bool, s Scope) bool {
	for i := range ru {
		if _, ok := ru[i].holdsForAll(nodes, singular, s); !ok {
			return false
		}
	}
	return len(ru) > 0
}

// holdsForAll says whether the operator holds for every node, of which there must be one; if not, for
// which it does not. A list's length counts its nodes, and contains needs one that it holds for, or that
// is the element looked for.
func (o *operator) holdsForAll(nodes []any, singular bool, s Scope) (bad int, ok bool) {
	switch {
	case o.kind == opExists:
		return 0, o.want == (len(nodes) > 0)
	case o.kind == opLength && !singular:
		return 0, len(nodes) >= o.low && len(nodes) <= o.high
	case o.kind == opNot && o.not.countsNodes(singular):
		return 0, !o.not.holds(nodes, singular, s)
	}
	for i, n := range nodes {
		holds := o.holdsFor(n, singular, s)
		if o.kind == opContains && holds {
			return 0, true
		}
		if !holds && o.kind != opContains {
			return i, false
		}
	}
	return 0, len(nodes) > 0 && o.kind != opContains
}

// countsNodes reports whether the rule speaks about how many nodes there are, not about each of them.
func (ru rule) countsNodes(singular bool) bool {
	for i := range ru {
		if ru[i].kind == opExists || ru[i].kind == opLength && !singular || ru[i].kind == opNot && ru[i].not.countsNodes(singular) {
			return true
		}
	}
	return false
}

// holdsFor says whether the operator holds for one value, which is one of a list unless it is singular.
func (o *operator) holdsFor(v any, singular bool, s Scope) bool {
	switch o.kind {
	case opEquals:
		return o.values[0].equals(v, s)
	case opOneOf:
		for i := range o.values {
			if o.values[i].equals(v, s) {
				return true
			}
		}
		return false
	case opContains:
		return !singular && o.values[0].equals(v, s) || o.contained(v, s)
	case opMatches:
		t, ok := v.(string)
		re := o.regexp(s)
		return ok && re != nil && re.MatchString(t)
	case opType:
		return isType(v, o.typ)
	case opMin, opMax:
		n, ok := v.(json.Number)
		if !ok || o.values[0].kind != kindNumber {
			return false
		}
		c := compareNumbers(n.String(), o.values[0].text.raw)
		return o.kind == opMin && c >= 0 || o.kind == opMax && c <= 0
	case opLength:
		n, ok := lengthOf(v)
		return ok && n >= o.low && n <= o.high
	case opNot:
		return len(o.not) > 0 && !o.not.holds([]any{v}, singular, s)
	case opExists:
		return o.want
	}
	return false
}

// contained: a text has a piece of text in it, a list has an element.
func (o *operator) contained(v any, s Scope) bool {
	want := o.values[0]
	switch v := v.(type) {
	case string:
		piece, err := want.text.expand(s, nil)
		return want.kind == kindString && err == nil && strings.Contains(v, piece)
	case []any:
		for _, e := range v {
			if want.equals(e, s) {
				return true
			}
		}
	}
	return false
}

func (o *operator) regexp(s Scope) *regexp.Regexp {
	if o.compiled != nil {
		return o.compiled
	}
	expr, err := o.pattern.pattern(s)
	if err != nil {
		return nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil
	}
	return re
}

// saysNothing stands for what was got where nothing can be held against it.
const saysNothing = "nothing to compare with: its variables are empty, and so it would hold for every text"

// blank reports whether, once its variables have their values, the operator holds for every text: each
// contains the empty one. Such an operator does not hold, be it negated or not.
func (o *operator) blank(s Scope) bool {
	switch {
	case o.kind == opContains && o.values[0].text.parts != nil:
		piece, err := o.values[0].text.expand(s, nil)
		return err != nil || piece == ""
	case o.kind == opMatches && o.compiled == nil:
		re := o.regexp(s)
		return re == nil || re.MatchString("")
	case o.kind == opNot:
		return slices.ContainsFunc(o.not, func(n operator) bool { return n.blank(s) })
	}
	return false
}

func isType(v any, typ string) bool {
	if typ != "integer" {
		return string(kindOf(v)) == typ
	}
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	if _, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return true
	}
	f, err := n.Float64()
	return err == nil && f == math.Trunc(f)
}

// lengthOf counts a text's characters, a list's elements and an object's members.
func lengthOf(v any) (int, bool) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), true
	case []any:
		return len(v), true
	case map[string]any:
		return len(v), true
	}
	return 0, false
}

// header checks the values of one header: one of them must fit all operators, and none what is negated.
func (ru rule) header(values []string, s Scope) []Mismatch {
	got := "no such header"
	if len(values) > 0 {
		got = shownTexts(values, s.Secrets)
	}
	var out []Mismatch
	var positive rule
	for i := range ru {
		switch o := &ru[i]; {
		case o.blank(s):
			out = append(out, Mismatch{o.text(s), saysNothing})
		case o.kind == opExists && o.want != (len(values) > 0),
			o.kind == opNot && !o.noneFits(values, s):
			out = append(out, Mismatch{o.text(s), got})
		case o.kind != opExists && o.kind != opNot:
			positive = append(positive, *o)
		}
	}
	if len(positive) == 0 {
		return out
	}
	for _, v := range values {
		if positive.fits(v, s) {
			return out
		}
	}
	for i := range positive {
		if len(positive) == 1 || len(values) != 1 || !positive[i].fits(values[0], s) {
			out = append(out, Mismatch{positive[i].text(s), got})
		}
	}
	return out
}

// noneFits: a header without values has nothing that could differ, unless its absence is what is asked for.
func (o *operator) noneFits(values []string, s Scope) bool {
	if o.not.countsNodes(true) {
		return len(o.not.header(values, s)) > 0
	}
	for _, v := range values {
		if o.not.fits(v, s) {
			return false
		}
	}
	return len(values) > 0 && len(o.not) > 0
}

func (ru rule) fits(v string, s Scope) bool {
	for i := range ru {
		if !ru[i].fits(v, s) {
			return false
		}
	}
	return len(ru) > 0
}

// fits is holdsFor for a header's text, which is a number where it looks like one.
func (o *operator) fits(v string, s Scope) bool {
	if o.kind != opMin && o.kind != opMax {
		return o.holdsFor(v, true, s)
	}
	if !json.Valid([]byte(v)) {
		return false
	}
	return o.holdsFor(json.Number(strings.TrimSpace(v)), true, s)
}

// text says what the operator expects.
func (o *operator) text(s Scope) string {
	switch o.kind {
	case opEquals:
		return o.values[0].shown(s)
	case opOneOf:
		words := make([]string, 0, len(o.values))
		for i := range o.values {
			words = append(words, o.values[i].shown(s))
		}
		return "one of " + strings.Join(words, ", ")
	case opContains:
		return "contains " + o.values[0].shown(s)
	case opMatches:
		p, _ := o.pattern.pattern(s)
		return "matches " + s.Secrets.Text(p)
	case opExists:
		if o.want {
			return "exists"
		}
		return "does not exist"
	case opType:
		return "type " + o.typ
	case opMin:
		return "at least " + o.values[0].text.raw
	case opMax:
		return "at most " + o.values[0].text.raw
	case opLength:
		return "length " + lengthText(o.low, o.high)
	case opNot:
		words := make([]string, 0, len(o.not))
		for i := range o.not {
			words = append(words, o.not[i].text(s))
		}
		return "not " + strings.Join(words, " and ")
	}
	return string(o.kind)
}

func (v value) shown(s Scope) string {
	b, err := v.appendJSON(nil, s)
	if err != nil {
		return err.Error()
	}
	return cut(string(b))
}

func gotText(o *operator, nodes []any, bad int, singular bool, secrets *redact.Redactor) string {
	switch {
	case len(nodes) == 0:
		return "nothing there"
	case o.kind == opLength && !singular:
		return fmt.Sprintf("%d of them", len(nodes))
	case len(nodes) == 1:
		got := shown(nodes[0], secrets)
		if n, ok := lengthOf(nodes[0]); ok && o.kind == opLength {
			return fmt.Sprintf("%d: %s", n, got)
		}
		return got
	case o.kind == opContains:
		return fmt.Sprintf("none of %d, the first %s", len(nodes), shown(nodes[0], secrets))
	}
	return fmt.Sprintf("%s, number %d of %d", shown(nodes[bad], secrets), bad+1, len(nodes))
}

// shown writes a value of a response as JSON, so that "2" and 2 look different. Secrets go before the
// encoding, which would hide them from the eyes of a redactor but not from those of a reader.
func shown(v any, secrets *redact.Redactor) string {
	if t, ok := v.(string); ok {
		return cut(string(appendString(nil, secrets.Cut(cut(t)))))
	}
	budget := 2 * maxShown
	v = withoutSecrets(v, secrets, &budget)
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "a value that cannot be shown"
	}
	return cut(strings.TrimSuffix(b.String(), "\n"))
}

// withoutSecrets copies as much of a value as will be shown, without the secrets in it.
func withoutSecrets(v any, secrets *redact.Redactor, budget *int) any {
	if *budget--; *budget < 0 {
		return "…"
	}
	switch v := v.(type) {
	case string:
		v = cut(v)
		*budget -= len(v)
		return secrets.Cut(v)
	case []any:
		out := make([]any, 0, min(len(v), *budget+1))
		for i := 0; i < len(v) && *budget >= 0; i++ {
			out = append(out, withoutSecrets(v[i], secrets, budget))
		}
		return out
	case map[string]any:
		out := make(map[string]any, min(len(v), *budget+1))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if *budget -= len(key); *budget < 0 {
				break
			}
			out[secrets.Cut(cut(key))] = withoutSecrets(v[key], secrets, budget)
		}
		return out
	}
	return v
}

func shownTexts(values []string, secrets *redact.Redactor) string {
	quoted := make([]string, 0, len(values))
	for _, v := range values {
		quoted = append(quoted, shown(v, secrets))
	}
	return strings.Join(quoted, ", ")
}

func cut(s string) string {
	if len(s) > maxShown {
		return s[:maxShown]
	}
	return s
}

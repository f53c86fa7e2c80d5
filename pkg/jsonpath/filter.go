package jsonpath

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// logical is a condition on the value at hand.
type logical func(r *run, at any) bool

// value is one side of a comparison or an argument of a function.
type value func(r *run, at any) any

// nothing is what a path gives that finds no value; it is not null.
type nothing struct{}

func literal(v any) value { return func(*run, any) any { return v } }

// comparison is left op right, where op is one of == != < <= > >=.
func comparison(op string, left, right value) logical {
	if op[0] == '>' {
		left, right = right, left
	}
	return func(r *run, at any) bool {
		a, b := left(r, at), right(r, at)
		switch {
		case op == "!=":
			return !r.equal(a, b)
		case op != "==" && r.less(a, b):
			return true
		}
		return strings.HasSuffix(op, "=") && r.equal(a, b)
	}
}

func length(arg value) value {
	return func(r *run, at any) any {
		switch v := arg(r, at).(type) {
		case string:
			r.spend(len(v) / bytesPerStep)
			return float64(utf8.RuneCountInString(v))
		case []any:
			return float64(len(v))
		case map[string]any:
			return float64(len(v))
		}
		return nothing{}
	}
}

// matches is false where there is no text or no pattern, which is the RFC's answer to a pattern that is none, too. One
// that was written in the path is compiled already.
func matches(text, pattern value, whole bool) logical {
	return func(r *run, at any) bool {
		text, ok := text(r, at).(string)
		if !ok {
			return false
		}
		var re *regexp.Regexp
		switch said := pattern(r, at).(type) {
		case *regexp.Regexp:
			re = said
		case string:
			re = r.compiled(said, whole)
		}
		// RE2 looks at every byte once for each state that it may be in, which takes up to three steps' time.
		return re != nil && r.spend(3*len(text)+len(text)*len(re.String())/64) && re.MatchString(text)
	}
}

// maxPattern bounds a pattern that comes from the document; longer ones count as too much work.
const maxPattern = 1000

// compileSteps prices compiling: a few bytes ("\pL{999}") can cost a thousand states each.
const compileSteps = 1000

// dynamicPattern is a pattern that came from the document.
type dynamicPattern struct {
	text  string
	whole bool
}

// compiled keeps the last pattern: mostly there is but one.
func (r *run) compiled(text string, whole bool) *regexp.Regexp {
	key := dynamicPattern{text, whole}
	re, tried := r.patterns[key]
	if !tried {
		if len(text) > maxPattern {
			r.spend(maxSteps + 1)
		}
		if r.spend(compileSteps * len(text)) {
			re, _ = compile(text, whole)
		}
		r.patterns = map[dynamicPattern]*regexp.Regexp{key: re}
	}
	return re
}

// compile translates an I-Regexp (RFC 9485) for RE2: its dot matches all but the two line breaks. What
// RE2 knows beyond I-Regexp (\d, anchors) is allowed, as people write it everywhere.
func compile(pattern string, whole bool) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err // in the user's words
	}
	dots(parsed)
	text := parsed.String()
	if whole {
		text = `\A(?:` + text + `)\z`
	}
	return regexp.Compile(text)
}

func dots(re *syntax.Regexp) {
	if re.Op == syntax.OpAnyCharNotNL {
		re.Op, re.Rune = syntax.OpCharClass, []rune{0, '\n' - 1, '\n' + 1, '\r' - 1, '\r' + 1, utf8.MaxRune}
	}
	for _, sub := range re.Sub {
		dots(sub)
	}
}

// equal compares two values as the RFC does: numbers by value, arrays and objects by what is in them.
func (r *run) equal(a, b any) bool {
	if !r.spend(1) {
		return false
	}
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && r.spend(len(x)) && slices.EqualFunc(x, y, r.equal)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && r.spend(len(x)) && maps.EqualFunc(x, y, r.equal)
	}
	if x, ok := r.decimal(a); ok {
		y, ok := r.decimal(b)
		return ok && x.compare(y) == 0
	}
	x, _ := a.(string)
	y, _ := b.(string)
	return r.spend(min(len(x), len(y))/bytesPerStep) && a == b
}

// less orders numbers, and strings by code points; other values have no order.
func (r *run) less(a, b any) bool {
	if x, ok := r.decimal(a); ok {
		y, ok := r.decimal(b)
		return ok && x.compare(y) < 0
	}
	x, ok := a.(string)
	y, ok2 := b.(string)
	return ok && ok2 && r.spend(min(len(x), len(y))/bytesPerStep) && x < y
}

// decimal is a number of any size and precision, sign × 0.digits × 10^exp, so that 64-bit identifiers differ
// when they differ and 1e999999999 costs nothing. Digits have no zero at either end; zero is the zero value.
type decimal struct {
	sign, exp int
	digits    string
}

// maxExponent caps exponents, far beyond any digits that fit in memory could make up for.
const maxExponent = 1 << 50

func (r *run) decimal(v any) (decimal, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case float64:
		text = strconv.FormatFloat(v, 'e', -1, 64)
	default:
		return decimal{}, false
	}
	unsigned, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(unsigned), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exp, _ := strconv.Atoi(exponent) // out of range it is the nearest int
	d := decimal{
		sign: 1, digits: strings.TrimRight(digits, "0"),
		exp: min(max(exp, -maxExponent), maxExponent) + len(digits) - len(fraction),
	}
	if d.digits == "" {
		d = decimal{} // -0 equals 0
	} else if negative {
		d.sign = -1
	}
	return d, r.spend(len(text) / bytesPerStep)
}

func (d decimal) compare(e decimal) int {
	return cmp.Or(d.sign-e.sign, d.sign*cmp.Or(d.exp-e.exp, strings.Compare(d.digits, e.digits)))
}

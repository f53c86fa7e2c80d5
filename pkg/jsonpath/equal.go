package jsonpath

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// equal compares two values as the RFC does: numbers by value, arrays and objects by what is in them.
func (r *run) equal(a, b any) bool {
	type pair struct{ a, b any }
	stack := []pair{{a, b}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !r.spend(1) {
			return false
		}
		switch x := p.a.(type) {
		case []any:
			y, ok := p.b.([]any)
			if !ok || len(x) != len(y) || !r.spend(len(x)) {
				return false
			}
			for i := range x {
				stack = append(stack, pair{x[i], y[i]})
			}
		case map[string]any:
			y, ok := p.b.(map[string]any)
			if !ok || len(x) != len(y) || !r.spend(len(x)) {
				return false
			}
			for k, v := range x {
				w, ok := y[k]
				if !ok {
					return false
				}
				stack = append(stack, pair{v, w})
			}
		default:
			if !r.equalScalars(p.a, p.b) {
				return false
			}
		}
	}
	return true
}

func (r *run) equalScalars(a, b any) bool {
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
	return parseDecimal(text), r.spend(len(text) / bytesPerStep)
}

func parseDecimal(text string) decimal {
	text, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exp, _ := strconv.Atoi(exponent) // out of range it is the nearest int
	d := decimal{
		sign: 1, digits: strings.TrimRight(digits, "0"),
		exp: min(max(exp, -maxExponent), maxExponent) + len(digits) - len(fraction),
	}
	switch {
	case d.digits == "":
		return decimal{} // -0 equals 0
	case negative:
		d.sign = -1
	}
	return d
}

func (d decimal) compare(e decimal) int {
	return cmp.Or(d.sign-e.sign, d.sign*cmp.Or(d.exp-e.exp, strings.Compare(d.digits, e.digits)))
}

package jsonpath

import (
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
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && r.spend(min(len(x), len(y))/bytesPerStep) && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case nil:
		return b == nil
	}
	return false // not a value that encoding/json makes
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

// decimal is a number of any size and precision, ±0.digits × 10^exp, so that 64-bit identifiers differ
// when they differ and 1e999999999 costs nothing. Digits have no zero at either end; zero has none at all.
type decimal struct {
	negative bool
	digits   string
	exp      int
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
	mantissa, exponent, found := text, "", false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent, found = text[:i], text[i+1:], true
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exp := len(whole) - (len(whole) + len(fraction) - len(digits))
	if found {
		n, err := strconv.Atoi(exponent)
		if err != nil { // out of range: Atoi returned the nearest int
			n = min(max(n, -maxExponent), maxExponent)
		}
		exp += min(max(n, -maxExponent), maxExponent)
	}
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return decimal{} // -0 equals 0
	}
	return decimal{negative, digits, exp}
}

func (d decimal) compare(e decimal) int {
	switch {
	case d.sign() != e.sign():
		return d.sign() - e.sign()
	case d.negative:
		return e.magnitude(d)
	}
	return d.magnitude(e)
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) magnitude(e decimal) int {
	if d.exp != e.exp && d.digits != "" {
		return d.exp - e.exp
	}
	return strings.Compare(d.digits, e.digits)
}

package jsonpath

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// number reads a JSON number, and -0, which JSON has too.
func (p *parser) number() (any, error) {
	start := p.pos
	p.take("-")
	whole := p.digits()
	switch {
	case whole == "":
		return nil, p.fail("expected a digit")
	case len(whole) > 1 && whole[0] == '0':
		return nil, p.failAt(start, "expected a number without a leading zero")
	}
	if p.take(".") && p.digits() == "" {
		return nil, p.fail("expected a digit after the decimal point")
	}
	if p.take("e") || p.take("E") {
		if !p.take("-") {
			p.take("+")
		}
		if p.digits() == "" {
			return nil, p.fail("expected a digit in the exponent")
		}
	}
	return literal{json.Number(p.src[start:p.pos])}, nil
}

// quoted reads a string in single or double quotes.
func (p *parser) quoted() (string, error) {
	start := p.pos
	quote := p.src[p.pos]
	p.pos++
	var b strings.Builder
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == quote:
			p.pos++
			return b.String(), nil
		case c < ' ':
			return "", p.fail(`expected control characters in a string as \u%04x`, c)
		case c == '\\':
			r, err := p.escape(quote)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return "", p.fail("expected %c, which closes the string at column %d", quote, utf8.RuneCountInString(p.src[:start])+1)
}

func (p *parser) escape(quote byte) (rune, error) {
	start := p.pos
	p.pos++
	c := p.peek()
	p.pos++
	if c == quote {
		return rune(c), nil
	}
	if i := strings.IndexByte(`bfnrt/\`, c); i >= 0 {
		return rune("\b\f\n\r\t/\\"[i]), nil
	}
	if c == 'u' {
		return p.unicode(start)
	}
	return 0, p.failAt(start, `expected \\, \/, \b, \f, \n, \r, \t, \uXXXX or the quote after a backslash`)
}

// unicode reads the digits of \uXXXX, and the second half of a pair of surrogates.
func (p *parser) unicode(start int) (rune, error) {
	r, ok := p.hex4()
	if !ok {
		return 0, p.failAt(start, `expected four hexadecimal digits after \u`)
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.take(`\u`) {
		if low, ok := p.hex4(); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, nil
			}
		}
	}
	return 0, p.failAt(start, `expected a pair of surrogates \uD8xx\uDCxx`)
}

func (p *parser) hex4() (rune, bool) {
	if len(p.src)-p.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+4], 16, 16)
	p.pos += 4
	return rune(n), err == nil
}

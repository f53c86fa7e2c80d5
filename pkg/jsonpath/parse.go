package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser reads a path from left to right; it never goes back further than over white space.
type parser struct {
	src   string
	pos   int
	depth int
}

func (p *parser) fail(format string, args ...any) error { return p.failAt(p.pos, format, args...) }

func (p *parser) failAt(pos int, format string, args ...any) error {
	return &SyntaxError{Col: utf8.RuneCountInString(p.src[:pos]) + 1, Text: fmt.Sprintf(format, args...)}
}

// peek returns the next byte, and 0 at the end. A path that holds a NUL does not parse anyway.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) take(token string) bool {
	ok := strings.HasPrefix(p.src[p.pos:], token)
	if ok {
		p.pos += len(token)
	}
	return ok
}

func (p *parser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\n\r", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// takeAfterSpace takes the token with the white space before it, or nothing at all.
func (p *parser) takeAfterSpace(token string) bool {
	start := p.pos
	p.space()
	if p.take(token) {
		return true
	}
	p.pos = start
	return false
}

// nest counts how deep the parser is inside brackets and parentheses; leave must follow.
func (p *parser) nest() error {
	if p.depth++; p.depth > maxNesting {
		return p.fail("expected at most %d levels of nesting", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) segments() ([]segment, error) {
	var all []segment
	for {
		start := p.pos
		p.space()
		if c := p.peek(); c != '.' && c != '[' {
			p.pos = start
			return all, nil
		}
		s, err := p.segment()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

func (p *parser) segment() (segment, error) {
	s := segment{descendant: p.take("..")}
	if !s.descendant && !p.take(".") || s.descendant && p.peek() == '[' {
		var err error
		s.selectors, err = p.bracketed()
		return s, err
	}
	if p.take("*") {
		s.selectors = []selector{wildcard{}}
		return s, nil
	}
	rest := p.src[p.pos:]
	n := shorthand(rest)
	if n == 0 {
		return s, p.fail(`expected a name or "*"`)
	}
	p.pos += n
	s.selectors = []selector{name(rest[:n])}
	return s, nil
}

// shorthand returns how many bytes of s are a name that may stand after a dot: letters, digits, "_" and everything
// beyond ASCII, no digit first.
func shorthand(s string) int {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r >= utf8.RuneSelf:
		case r >= '0' && r <= '9' && i > 0:
		default:
			return i
		}
	}
	return len(s)
}

func (p *parser) bracketed() ([]selector, error) {
	if !p.take("[") {
		return nil, p.fail(`expected "["`)
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer p.leave()
	var all []selector
	for {
		p.space()
		s, err := p.selector()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		p.space()
		switch {
		case p.take(","):
		case p.take("]"):
			return all, nil
		default:
			return nil, p.fail(`expected "," or "]"`)
		}
	}
}

func (p *parser) selector() (selector, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return name(s), err
	case c == '*':
		p.pos++
		return wildcard{}, nil
	case c == '?':
		p.pos++
		p.space()
		cond, err := p.or()
		return filter{cond}, err
	case c == '-' || c == ':' || c >= '0' && c <= '9':
		return p.indexOrSlice()
	}
	return nil, p.fail(`expected a name in quotes, an index, a slice, "*" or a filter that begins with "?"`)
}

func (p *parser) indexOrSlice() (selector, error) {
	start, err := p.integer()
	if err != nil {
		return nil, err
	}
	if !p.takeAfterSpace(":") {
		return index(*start), nil // peek saw a digit or "-": an integer, or an error above
	}
	s := slice{start: start, step: 1}
	p.space()
	if s.end, err = p.integer(); err != nil {
		return nil, err
	}
	if p.takeAfterSpace(":") {
		mark := p.pos
		p.space()
		step, err := p.integer()
		switch {
		case err != nil:
			return nil, err
		case step == nil:
			p.pos = mark
		default:
			s.step = *step
		}
	}
	return s, nil
}

// integer reads an optional integer: without a leading zero, and exact in a float64 as I-JSON wants it.
func (p *parser) integer() (*int, error) {
	start := p.pos
	minus := p.take("-")
	digits := p.digits()
	switch {
	case digits == "" && !minus:
		return nil, nil
	case digits == "":
		return nil, p.fail("expected a digit")
	case digits[0] == '0' && (minus || len(digits) > 1):
		return nil, p.failAt(start, "expected an integer without a leading zero")
	}
	n, err := strconv.Atoi(p.src[start:p.pos])
	if err != nil || n > 1<<53-1 || n < -(1<<53-1) {
		return nil, p.failAt(start, "expected an integer between -(2^53-1) and 2^53-1")
	}
	return &n, nil
}

func (p *parser) digits() string {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.src[start:p.pos]
}

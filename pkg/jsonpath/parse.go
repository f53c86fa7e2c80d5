package jsonpath

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads a path from left to right; it never goes back further than over white space. The first failure is kept,
// and moves it to the end of the path, where nothing can be taken any more: whatever is read after that is thrown away.
type parser struct {
	src   string
	pos   int
	depth int
	err   error
}

func (p *parser) fail(format string, args ...any) { p.failAt(p.pos, format, args...) }

func (p *parser) failAt(pos int, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{Col: p.column(pos), Text: fmt.Sprintf(format, args...)}
	}
	p.pos = len(p.src)
}

func (p *parser) column(pos int) int { return utf8.RuneCountInString(p.src[:pos]) + 1 }

// peek returns the next byte, and 0 at the end. A path that holds a NUL does not parse anyway.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func isDigit[C byte | rune](c C) bool { return c >= '0' && c <= '9' }

func (p *parser) take(token string) bool {
	ok := strings.HasPrefix(p.src[p.pos:], token)
	if ok {
		p.pos += len(token)
	}
	return ok
}

// takeAny takes the first of the tokens that stands here, with the white space before it, or nothing at all.
func (p *parser) takeAny(tokens ...string) string {
	start := p.pos
	p.space()
	for _, token := range tokens {
		if p.take(token) {
			return token
		}
	}
	p.pos = start
	return ""
}

func (p *parser) space() {
	p.takeWhile(func(r rune) bool { return strings.ContainsRune(" \t\n\r", r) })
}

func (p *parser) digits() string { return p.takeWhile(isDigit[rune]) }

func (p *parser) takeWhile(fits func(rune) bool) string {
	start := p.pos
	p.pos = len(p.src) - len(strings.TrimLeftFunc(p.src[start:], fits))
	return p.src[start:p.pos]
}

// nest counts how deep the parser is inside brackets and parentheses, until leave.
func (p *parser) nest() (leave func()) {
	if p.depth++; p.depth > maxNesting {
		p.fail("expected at most %d levels of nesting", maxNesting)
	}
	return func() { p.depth-- }
}

func (p *parser) segments() (all []segment) {
	for {
		begin := p.takeAny("..", ".", "[")
		if begin == "" {
			return all
		}
		all = append(all, p.segment(begin))
	}
}

func (p *parser) segment(begin string) segment {
	s := segment{descendant: begin == ".."}
	switch {
	case begin == "[", s.descendant && p.take("["):
		s.selectors = p.bracketed()
	case p.take("*"):
		s.selectors = []selector{everything()}
	default:
		start := p.pos
		word := p.takeWhile(func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r >= utf8.RuneSelf || isDigit(r)
		})
		if word == "" || isDigit(word[0]) {
			p.failAt(start, `expected a name or "*"`)
		}
		s.selectors = []selector{name(word)}
	}
	return s
}

func (p *parser) bracketed() (all []selector) {
	defer p.nest()()
	for {
		p.space()
		all = append(all, p.selector())
		p.space()
		switch {
		case p.take(","):
		case p.take("]"):
			return all
		default:
			p.fail(`expected "," or "]"`)
			return all
		}
	}
}

func (p *parser) selector() selector {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return name(p.quoted())
	case p.take("*"):
		return everything()
	case p.take("?"):
		return filter(p.or())
	case c == '-' || c == ':' || isDigit(c):
		return p.indexOrSlice()
	}
	p.fail(`expected a name in quotes, an index, a slice, "*" or a filter that begins with "?"`)
	return selector{}
}

func (p *parser) indexOrSlice() selector {
	bounds := []*int{p.integer()} // start, end and step
	for len(bounds) < 3 && p.takeAny(":") != "" {
		bounds = append(bounds, p.integer())
	}
	switch step := 1; {
	case len(bounds) > 1:
		if len(bounds) > 2 && bounds[2] != nil {
			step = *bounds[2]
		}
		return slice(bounds[0], bounds[1], step)
	case bounds[0] != nil: // else a failure: peek saw a digit or "-"
		return index(*bounds[0])
	}
	return selector{}
}

// integer reads an optional integer: without a leading zero, and exact in a float64 as I-JSON wants it.
func (p *parser) integer() *int {
	p.space()
	start := p.pos
	p.take("-")
	digits := p.digits()
	text := p.src[start:p.pos]
	switch n, err := strconv.Atoi(text); {
	case text == "":
	case digits == "":
		p.fail("expected a digit")
	case digits[0] == '0' && len(text) > 1:
		p.failAt(start, "expected an integer without a leading zero")
	case err != nil || n > 1<<53-1 || n < -(1<<53-1):
		p.failAt(start, "expected an integer between -(2^53-1) and 2^53-1")
	default:
		return &n
	}
	return nil
}

func (p *parser) or() logical {
	return p.joined("||", func() logical { return p.joined("&&", p.basic) })
}

// joined reads parts that op joins: "||", of which one that holds decides, or "&&".
func (p *parser) joined(op string, part func() logical) logical {
	all := []logical{part()}
	for p.takeAny(op) != "" {
		all = append(all, part())
	}
	if len(all) == 1 {
		return all[0]
	}
	decides := op == "||"
	return func(r *run, at any) bool {
		return decides == slices.ContainsFunc(all, func(cond logical) bool { return cond(r, at) == decides })
	}
}

// basic reads what "&&" and "||" join: a condition in parentheses, which "!" before a comparison needs, or a test.
func (p *parser) basic() logical {
	negated := p.takeAny("!") != ""
	p.space()
	var cond logical
	if p.take("(") {
		leave := p.nest()
		if cond = p.or(); p.takeAny(")") == "" {
			p.fail(`expected ")", "&&" or "||"`)
		}
		leave()
	} else {
		cond = p.testOrComparison(negated)
	}
	if negated {
		return func(r *run, at any) bool { return !cond(r, at) }
	}
	return cond
}

func (p *parser) testOrComparison(negated bool) logical {
	start := p.pos
	left := p.operand()
	if !negated {
		if op := p.takeAny("==", "!=", "<=", ">=", "<", ">"); op != "" {
			return comparison(op, p.asValue(left, start), p.value())
		}
	}
	switch o := left.(type) {
	case *query:
		return func(r *run, at any) bool { return len(r.find(o, at, 1)) > 0 }
	case logical:
		return o
	}
	p.failAt(start, "expected a path or a condition; a value must be compared with something")
	return nil
}

func (p *parser) value() value {
	p.space()
	start := p.pos
	return p.asValue(p.operand(), start)
}

// asValue says what may be compared or given to a function: the RFC's rules of well-typedness.
func (p *parser) asValue(operand any, start int) value {
	switch o := operand.(type) {
	case *query:
		if !o.singular() {
			p.failAt(start, "expected a path of names and indexes only, which finds at most one value")
		}
		return single(o, 1)
	case value:
		return o
	}
	p.failAt(start, "expected a value; the result of match and search is not one")
	return nil
}

// operand returns a *query, a value or, for match and search, a logical.
func (p *parser) operand() any {
	start := p.pos
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		return &query{relative: c == '@', segments: p.segments()}
	case c == '\'' || c == '"':
		return literal(p.quoted())
	case c == '-' || isDigit(p.peek()):
		return literal(p.number())
	}
	word := ""
	if c := p.peek(); c >= 'a' && c <= 'z' {
		word = p.takeWhile(func(r rune) bool { return r >= 'a' && r <= 'z' || r == '_' || isDigit(r) })
	}
	switch {
	case word != "" && p.take("("):
		return p.function(word, start)
	case word == "true", word == "false":
		return literal(word == "true")
	case word == "null":
		return literal(nil)
	}
	p.failAt(start, `expected a path that begins with "@" or "$", a literal or a function`)
	return nil
}

// single is the one value that a query finds, of which so many are looked for.
func single(q *query, most int) value {
	return func(r *run, at any) any {
		if found := r.find(q, at, most); len(found) == 1 {
			return found[0]
		}
		return nothing{}
	}
}

func (p *parser) function(word string, start int) (out any) {
	defer p.nest()()
	switch word {
	case "length":
		out = length(p.value())
	case "count":
		q := p.query()
		out = value(func(r *run, at any) any { return float64(len(r.find(q, at, all))) })
	case "value":
		out = single(p.query(), 2) // a second one is enough to know that there is no single one
	case "match", "search":
		out = p.matching(word == "match")
	default:
		p.failAt(start, "expected one of the functions length, count, value, match and search")
	}
	if p.takeAny(")") == "" {
		p.fail(`expected ")" after the last argument of %s`, word)
	}
	return out
}

func (p *parser) query() *query {
	p.space()
	start := p.pos
	q, ok := p.operand().(*query)
	if !ok {
		p.failAt(start, `expected a path that begins with "@" or "$"`)
	}
	return q
}

// matching reads the arguments of match, which is of the whole text, or of search.
func (p *parser) matching(whole bool) logical {
	text := p.value()
	if p.takeAny(",") == "" {
		p.fail(`expected "," and the regular expression`)
	}
	p.space()
	start := p.pos
	if c := p.peek(); c == '\'' || c == '"' {
		re, err := compile(p.quoted(), whole)
		if err != nil {
			p.failAt(start, "expected a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return matches(text, literal(re), whole)
	}
	return matches(text, p.value(), whole) // the document says it
}

// number reads a JSON number, and -0, which JSON has too.
func (p *parser) number() json.Number {
	start := p.pos
	p.take("-")
	whole := p.digits()
	switch {
	case whole == "":
		p.fail("expected a digit")
	case len(whole) > 1 && whole[0] == '0':
		p.failAt(start, "expected a number without a leading zero")
	}
	if p.take(".") && p.digits() == "" {
		p.fail("expected a digit after the decimal point")
	}
	if p.take("e") || p.take("E") {
		_ = p.take("-") || p.take("+")
		if p.digits() == "" {
			p.fail("expected a digit in the exponent")
		}
	}
	return json.Number(p.src[start:p.pos])
}

// quoted reads a string in single or double quotes.
func (p *parser) quoted() string {
	start := p.pos
	quote := p.src[p.pos]
	var b strings.Builder
	for p.pos++; p.pos < len(p.src); {
		switch c := p.src[p.pos]; {
		case c == quote:
			p.pos++
			return b.String()
		case c < ' ':
			p.fail(`expected control characters in a string as \u%04x`, c)
		case c == '\\':
			b.WriteRune(p.escape(quote))
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	p.fail("expected %c, which closes the string at column %d", quote, p.column(start))
	return ""
}

func (p *parser) escape(quote byte) rune {
	start := p.pos
	p.pos++
	c := p.peek()
	p.pos = min(p.pos+1, len(p.src))
	i := strings.IndexByte(`bfnrt/\`, c)
	switch {
	case c == quote:
		return rune(c)
	case i >= 0:
		return rune("\b\f\n\r\t/\\"[i])
	case c != 'u':
		p.failAt(start, `expected \\, \/, \b, \f, \n, \r, \t, \uXXXX or the quote after a backslash`)
		return 0
	}
	r, ok := p.hex4()
	if !ok {
		p.failAt(start, `expected four hexadecimal digits after \u`)
	}
	if utf16.IsSurrogate(r) { // the first half of a pair
		low := rune(0)
		if p.take(`\u`) {
			low, _ = p.hex4()
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			p.failAt(start, `expected a pair of surrogates \uD8xx\uDCxx`)
		}
	}
	return r
}

func (p *parser) hex4() (rune, bool) {
	end := min(p.pos+4, len(p.src))
	text := p.src[p.pos:end]
	p.pos = end
	n, err := strconv.ParseUint(text, 16, 16)
	return rune(n), err == nil && len(text) == 4
}

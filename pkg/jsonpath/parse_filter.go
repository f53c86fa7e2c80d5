package jsonpath

import (
	"regexp"
	"strings"
)

func (p *parser) or() (logical, error) { return p.joined("||", p.and) }

func (p *parser) and() (logical, error) { return p.joined("&&", p.basic) }

func (p *parser) joined(op string, part func() (logical, error)) (logical, error) {
	all := joined{op: op}
	for {
		next, err := part()
		if err != nil {
			return nil, err
		}
		all.parts = append(all.parts, next)
		if !p.takeAfterSpace(op) {
			break
		}
		p.space()
	}
	if len(all.parts) == 1 {
		return all.parts[0], nil
	}
	return all, nil
}

// basic reads what "&&" and "||" join: a condition in parentheses, a test or a comparison.
func (p *parser) basic() (logical, error) {
	negated := p.take("!")
	if negated {
		p.space()
	}
	var cond logical
	var err error
	if p.peek() == '(' {
		cond, err = p.parenthesized()
	} else {
		cond, err = p.testOrComparison(negated)
	}
	if err != nil || !negated {
		return cond, err
	}
	return not{cond}, nil
}

func (p *parser) parenthesized() (logical, error) {
	p.pos++
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.space()
	cond, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.takeAfterSpace(")") {
		return nil, p.fail(`expected ")", "&&" or "||"`)
	}
	return cond, nil
}

// testOrComparison reads a test, or a comparison where there is no "!" before it: that needs parentheses.
func (p *parser) testOrComparison(negated bool) (logical, error) {
	start := p.pos
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	op := ""
	if !negated {
		op = p.operator()
	}
	if op == "" {
		return p.asTest(left, start)
	}
	c := comparison{op: op}
	if c.left, err = p.asValue(left, start); err != nil {
		return nil, err
	}
	p.space()
	c.right, err = p.valueOperand()
	return c, err
}

func (p *parser) operator() string {
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.takeAfterSpace(op) {
			return op
		}
	}
	return ""
}

func (p *parser) valueOperand() (value, error) {
	start := p.pos
	o, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.asValue(o, start)
}

// asTest and asValue say what an operand may be used for: the RFC's rules of well-typedness.
func (p *parser) asTest(operand any, start int) (logical, error) {
	switch o := operand.(type) {
	case *query:
		return exists{o}, nil
	case logical:
		return o, nil
	}
	return nil, p.failAt(start, "expected a path or a condition; a value must be compared with something")
}

func (p *parser) asValue(operand any, start int) (value, error) {
	switch o := operand.(type) {
	case *query:
		if !o.singular() {
			return nil, p.failAt(start, "expected a path of names and indexes only, which finds at most one value")
		}
		return singular{o}, nil
	case value:
		return o, nil
	}
	return nil, p.failAt(start, "expected a value; the result of match and search is not one")
}

// operand returns a *query, a value or, for match and search, a logical.
func (p *parser) operand() (any, error) {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		segments, err := p.segments()
		return &query{relative: c == '@', segments: segments}, err
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return literal{s}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	start := p.pos
	word := p.word()
	switch {
	case word != "" && p.peek() == '(':
		return p.function(word, start)
	case word == "true", word == "false":
		return literal{word == "true"}, nil
	case word == "null":
		return literal{nil}, nil
	}
	return nil, p.failAt(start, `expected a path that begins with "@" or "$", a literal or a function`)
}

// word reads a function's name, true, false or null.
func (p *parser) word() string {
	start := p.pos
	for c := p.peek(); c >= 'a' && c <= 'z' || p.pos > start && (c == '_' || c >= '0' && c <= '9'); c = p.peek() {
		p.pos++
	}
	return p.src[start:p.pos]
}

func (p *parser) function(word string, start int) (any, error) {
	p.pos++ // "("
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.space()
	var out any
	var err error
	switch word {
	case "length":
		var f lengthOf
		f.arg, err = p.valueOperand()
		out = f
	case "count":
		var f countOf
		f.query, err = p.queryOperand()
		out = f
	case "value":
		var f valueOf
		f.query, err = p.queryOperand()
		out = f
	case "match", "search":
		out, err = p.matching(word)
	default:
		err = p.failAt(start, "expected one of the functions length, count, value, match and search")
	}
	if err == nil && !p.takeAfterSpace(")") {
		err = p.fail(`expected ")" after the last argument of %s`, word)
	}
	return out, err
}

func (p *parser) queryOperand() (*query, error) {
	start := p.pos
	o, err := p.operand()
	q, ok := o.(*query)
	if err == nil && !ok {
		err = p.failAt(start, `expected a path that begins with "@" or "$"`)
	}
	return q, err
}

func (p *parser) matching(word string) (any, error) {
	m := matching{whole: word == "match"}
	var err error
	if m.text, err = p.valueOperand(); err != nil {
		return nil, err
	}
	if !p.takeAfterSpace(",") {
		return nil, p.fail(`expected "," and the regular expression`)
	}
	p.space()
	start := p.pos
	if m.pattern, err = p.valueOperand(); err != nil {
		return nil, err
	}
	if l, ok := m.pattern.(literal); ok {
		if s, ok := l.v.(string); ok {
			if m.compiled, err = compile(s, m.whole); err != nil {
				plain := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
				return nil, p.failAt(start, "expected a regular expression: %s", plain)
			}
		}
	}
	return m, nil
}

// compile translates an I-Regexp (RFC 9485) for RE2: its dot matches all but the two line breaks. What
// RE2 knows beyond I-Regexp (\d, anchors) is allowed, as people write it everywhere.
func compile(pattern string, whole bool) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err // in the user's words
	}
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteByte(c)
			i++
			b.WriteByte(pattern[i])
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '.' && !class:
			b.WriteString(`[^\n\r]`)
			continue
		}
		b.WriteByte(pattern[i])
	}
	if whole {
		return regexp.Compile(`\A(?:` + b.String() + `)\z`)
	}
	return regexp.Compile(b.String())
}

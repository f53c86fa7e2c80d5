// Package placeholder is the ${…} language of the templates: it parses text into literal parts and
// references with their positions, expands them with a lookup, and lists the names that are used.
//
// It refuses to know what the text is part of (JSON, YAML, a shell): whoever puts a value into a document
// says how it is escaped. It never expands a value again, and no error of it holds a value.
package placeholder

import "strings"

// Op is what a reference does when its variable is unset or empty.
type Op string

// The operators, as the shell spells them.
const (
	// Plain demands a value: $A, ${A}.
	Plain Op = ""
	// Default is used when the variable is unset: ${A-d}.
	Default Op = "-"
	// DefaultEmpty is used when the variable is unset or empty: ${A:-d}.
	DefaultEmpty Op = ":-"
	// Demand ends the run with the word as message when the variable is unset: ${A?m}.
	Demand Op = "?"
	// DemandFull does so too when it is empty: ${A:?m}.
	DemandFull Op = ":?"
	// Alternative is the word when the variable is set, else nothing: ${A+x}.
	Alternative Op = "+"
	// AlternativeFull is the word when the variable is set and not empty, else nothing: ${A:+x}.
	AlternativeFull Op = ":+"
)

// Ref is one reference to a variable.
type Ref struct {
	Name string
	Op   Op
	// JSON marks ${json:A}, whose value is a whole JSON value and not text.
	JSON bool
	// Word is what follows the operator, parsed.
	Word Text
	// WordSource is what follows the operator as it was written.
	WordSource string
}

// Part is a piece of text: literal, or a reference when Ref is set.
type Part struct {
	Literal string
	Ref     *Ref
	// At is the byte offset in the parsed text; only references need it.
	At int
}

// Text is parsed text.
type Text []Part

// Error is a place where text does not parse.
type Error struct {
	// At is the byte offset in the text.
	At int
	// Text says what is wrong, Help what to write instead.
	Text, Help string
}

// Scope says which names are variables; nil means every name.
type Scope func(name string) bool

// maxNesting bounds defaults inside defaults; people use two.
const maxNesting = 50

// Parser reads texts, one after the other. The zero value is ready for use.
type Parser struct {
	// Scope says which names are variables.
	Scope Scope

	text   string
	pos    int
	errors []Error
}

// Parse reads text. A parse that meets errors still returns what it understood.
func (p *Parser) Parse(text string) (Text, []Error) {
	p.text, p.pos, p.errors = text, 0, nil
	return p.run(stop{}, 0), p.errors
}

// ParseBare reads the one reference with which text begins ("${CPU}, …"), and returns it with its length.
// A length of 0 says that no reference begins here.
func (p *Parser) ParseBare(text string) (*Ref, int, []Error) {
	p.text, p.pos, p.errors = text, 0, nil
	if ref := p.reference(0); ref != nil {
		return ref, p.pos, p.errors
	}
	if len(p.errors) > 0 {
		return nil, max(p.pos, 1), p.errors
	}
	return nil, 0, nil
}

// stop says where a nested text ends: at a brace, and in JSON words only at the brace that closes it.
type stop struct{ brace, balance bool }

// run reads a text up to its end, and leaves the cursor there.
func (p *Parser) run(until stop, depth int) (parts Text) {
	literal := func(from, to int) {
		if to > from {
			parts = append(parts, Part{Literal: p.text[from:to], At: from})
		}
	}
	begin := p.pos
	open := 0
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '}' && until.brace && open == 0:
			literal(begin, p.pos)
			return parts
		case c == '}' && open > 0:
			open--
			p.pos++
		case c == '{' && until.balance:
			open++
			p.pos++
		case c != '$':
			p.pos++
		case strings.HasPrefix(p.text[p.pos:], "$$"):
			literal(begin, p.pos+1) // the first of the two stands for both
			p.pos += 2
			begin = p.pos
		default:
			at := p.pos
			before := len(p.errors)
			ref := p.reference(depth)
			if ref == nil && len(p.errors) == before {
				if p.pos = at + 1; until.brace && strings.HasPrefix(p.text[p.pos:], "{") {
					open++ // a name that is no variable is text, and so is the brace that ends it
					p.pos++
				}
				continue // a lone $ is text
			}
			literal(begin, at)
			begin = p.pos
			if ref != nil {
				parts = append(parts, Part{Ref: ref, At: at})
			}
		}
	}
	literal(begin, p.pos)
	return parts
}

// reference reads the reference at the $ under the cursor and moves behind it. It returns nil without an
// error where the $ is text, and nil with an error where it must not be.
func (p *Parser) reference(depth int) *Ref {
	rest := p.text[p.pos+1:]
	if !strings.HasPrefix(rest, "{") {
		name := rest[:nameLen(rest)]
		if name == "" || !p.inScope(name) {
			return nil
		}
		p.pos += 1 + len(name)
		return &Ref{Name: name}
	}
	rest = rest[1:]
	body, json := strings.CutPrefix(rest, "json:")
	name := body[:nameLen(body)]
	if json && name == "" {
		body, json = rest, false // ${json:} is no name, ${json} is
		name = body[:nameLen(body)]
	}
	if p.Scope != nil && (name == "" || !p.Scope(name)) {
		return nil
	}
	start := p.pos
	p.pos = len(p.text) - len(body) + len(name)
	switch {
	case name == "":
		p.pos = p.past(start)
		p.fail(start, "unknown form "+quote(p.text[start:p.pos]), "variables are ${NAME}; for text write "+quote("$"+p.text[start:p.pos]))
		return nil
	case strings.HasPrefix(p.text[p.pos:], "}"):
		p.pos++
		return &Ref{Name: name, JSON: json}
	case depth >= maxNesting:
		p.fail(start, "placeholders nested too deep", "at most 50 defaults inside one another")
		p.pos = len(p.text)
		return nil
	}
	return p.operator(&Ref{Name: name, JSON: json}, start, depth)
}

func (p *Parser) operator(ref *Ref, start, depth int) *Ref {
	rest := p.text[p.pos:]
	n := 0
	if strings.HasPrefix(rest, ":") {
		n = 1
	}
	if len(rest) == n { // the text ends here
		p.unterminated(start)
		return nil
	}
	switch rest[n] {
	case '-', '?', '+':
		ref.Op = Op(rest[:n+1])
	default:
		p.pos = p.past(start)
		p.fail(start, "unknown form "+quote(p.text[start:p.pos]), "known are ${A} ${A-d} ${A:-d} ${A?m} ${A:?m} ${A:+x}; for text write $$ in place of $")
		return nil
	}
	p.pos += n + 1
	word := p.pos
	ref.Word = p.run(stop{brace: true, balance: ref.JSON}, depth+1)
	if p.pos >= len(p.text) {
		p.unterminated(start)
		return nil
	}
	ref.WordSource = p.text[word:p.pos]
	p.pos++
	return ref
}

func (p *Parser) unterminated(start int) {
	p.pos = len(p.text)
	p.fail(start, "placeholder without its }", "close it with }, or write $$ in place of $ if it is text")
}

// past returns the end of the form that begins at start: behind the next brace, or where the text ends.
func (p *Parser) past(start int) int {
	if i := strings.IndexByte(p.text[start:], '}'); i >= 0 {
		return start + i + 1
	}
	return len(p.text)
}

func (p *Parser) fail(at int, text, help string) {
	p.errors = append(p.errors, Error{At: at, Text: text, Help: help})
}

func (p *Parser) inScope(name string) bool { return p.Scope == nil || p.Scope(name) }

// nameLen is the length of the variable name with which s begins.
func nameLen(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', i > 0 && c >= '0' && c <= '9':
		default:
			return i
		}
	}
	return len(s)
}

// IsName reports whether s is a variable's name.
func IsName(s string) bool { return s != "" && nameLen(s) == len(s) }

// quote shows foreign text, cut to a length that a person reads.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		cut := most
		for cut > 0 && s[cut]&0xC0 == 0x80 { // not inside a character
			cut--
		}
		s = s[:cut] + "…"
	}
	return "\"" + s + "\""
}

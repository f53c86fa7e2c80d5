package template

import (
	"fmt"
	"strings"
)

// reference is one mention of a variable.
type reference struct {
	name string
	// op is what it does, as the shell spells it: ${A-word} is the word where the variable is unset, ${A+word} the word
	// where it is set, else nothing, and ${A?message} demands that it is set, as no operator does. With a colon before
	// the operator, a variable that is empty counts as unset.
	op    byte
	colon bool
	// json marks ${json:A}, whose value is a whole JSON value and not text.
	json bool
	// word is what follows the operator, parsed, and source the same as it was written.
	word   phrase
	source string
}

// part is a piece of text: literal, or a reference where ref is set.
type part struct {
	literal string
	ref     *reference
	// at is the byte offset in the parsed text; only references need it.
	at int
}

type phrase []part

// fault is a place where text does not parse: its byte offset, what is wrong, and what to write instead.
type fault struct {
	at         int
	text, help string
}

// Scope says which names are variables; nil means every name.
type Scope func(name string) bool

// maxNesting bounds defaults inside defaults; people use two.
const maxNesting = 50

// parser reads the ${…} language of the templates. A parse that meets faults still returns what it understood.
type parser struct {
	scope Scope
	text  string

	pos    int
	faults []fault
}

// parse reads the whole text.
func (p *parser) parse() phrase { return p.run(0, false) }

// run reads a text up to its end, and leaves the cursor there. A nested text ends at a brace, and in JSON words, which
// balance their braces, only at the one that closes it.
func (p *parser) run(depth int, balance bool) (parts phrase) {
	literal := func(from, to int) {
		if to > from {
			parts = append(parts, part{literal: p.text[from:to], at: from})
		}
	}
	begin := p.pos
	open := 0
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '}' && depth > 0 && open == 0:
			literal(begin, p.pos)
			return parts
		case c == '}' && open > 0:
			open--
			p.pos++
		case c == '{' && balance:
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
			before := len(p.faults)
			ref := p.reference(depth)
			if ref == nil && len(p.faults) == before {
				if p.pos = at + 1; depth > 0 && strings.HasPrefix(p.text[p.pos:], "{") {
					open++ // a name that is not a variable is text, and so is its closing brace
					p.pos++
				}
				continue // a lone $ is text
			}
			literal(begin, at)
			begin = p.pos
			if ref != nil {
				parts = append(parts, part{ref: ref, at: at})
			}
		}
	}
	literal(begin, p.pos)
	return parts
}

// reference reads the reference at the $ under the cursor and moves behind it. It returns nil without an
// error where the $ is text, and nil with an error where it must not be.
func (p *parser) reference(depth int) *reference {
	rest := p.text[p.pos+1:]
	if !strings.HasPrefix(rest, "{") {
		name := rest[:nameLen(rest)]
		if name == "" || p.scope != nil && !p.scope(name) {
			return nil
		}
		p.pos += 1 + len(name)
		return &reference{name: name}
	}
	rest = rest[1:]
	body, json := strings.CutPrefix(rest, "json:")
	name := body[:nameLen(body)]
	if json && name == "" {
		body, json = rest, false // ${json:} has no name; in ${json} it is json
		name = body[:nameLen(body)]
	}
	if p.scope != nil && (name == "" || !p.scope(name)) {
		return nil
	}
	start := p.pos
	p.pos = len(p.text) - len(body) + len(name)
	switch {
	case name == "":
		p.pos = p.past(start)
		p.fail(start, "unknown form "+Quote(p.text[start:p.pos]),
			"variables are ${NAME}; for text write "+Quote("$"+p.text[start:p.pos]))
		return nil
	case strings.HasPrefix(p.text[p.pos:], "}"):
		p.pos++
		return &reference{name: name, json: json}
	case depth >= maxNesting:
		p.fail(start, "placeholders nested too deep", fmt.Sprintf("at most %d defaults inside one another", maxNesting))
		p.pos = len(p.text)
		return nil
	}
	return p.operator(&reference{name: name, json: json}, start, depth)
}

func (p *parser) operator(ref *reference, start, depth int) *reference {
	rest, colon := strings.CutPrefix(p.text[p.pos:], ":")
	switch {
	case rest == "": // the text ends here
		p.unterminated(start)
		return nil
	case strings.IndexByte("-?+", rest[0]) < 0:
		p.pos = p.past(start)
		p.fail(start, "unknown form "+Quote(p.text[start:p.pos]),
			"known are ${A} ${A-d} ${A:-d} ${A?m} ${A:?m} ${A:+x}; for text write $$ in place of $")
		return nil
	}
	ref.op, ref.colon = rest[0], colon
	word := len(p.text) - len(rest) + 1
	p.pos = word
	ref.word = p.run(depth+1, ref.json)
	if p.pos >= len(p.text) {
		p.unterminated(start)
		return nil
	}
	ref.source = p.text[word:p.pos]
	p.pos++
	return ref
}

func (p *parser) unterminated(start int) {
	p.pos = len(p.text)
	p.fail(start, "placeholder without its }", "close it with }, or write $$ in place of $ if it is text")
}

// past returns the end of the form that begins at start: behind the next brace, or where the text ends.
func (p *parser) past(start int) int {
	if i := strings.IndexByte(p.text[start:], '}'); i >= 0 {
		return start + i + 1
	}
	return len(p.text)
}

func (p *parser) fail(at int, text, help string) {
	p.faults = append(p.faults, fault{at, text, help})
}

const (
	letters        = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	nameCharacters = letters + "0123456789"
)

// nameLen is the length of the variable name with which s begins.
func nameLen(s string) int {
	if s == "" || strings.IndexByte(letters, s[0]) < 0 {
		return 0
	}
	return len(s) - len(strings.TrimLeft(s, nameCharacters))
}

// IsName reports whether s is a variable's name.
func IsName(s string) bool { return s != "" && nameLen(s) == len(s) }

// Lookup returns a variable's value, and whether it is set.
type Lookup func(name string) (string, bool)

// missing is a reference that has no value and no default; empty says that the variable is set, but empty where that is
// not enough.
type missing struct {
	part
	empty bool
}

// expand returns the text with its references replaced, and those that have no value.
func (t phrase) expand(lookup Lookup) (string, []missing) {
	var b strings.Builder
	lacking := t.write(&b, lookup)
	return b.String(), lacking
}

func (t phrase) write(b *strings.Builder, lookup Lookup) (lacking []missing) {
	for _, p := range t {
		if p.ref == nil {
			b.WriteString(p.literal)
			continue
		}
		ref := p.ref
		value, set := lookup(ref.name)
		has := set && (value != "" || !ref.colon)
		switch {
		case ref.op == '-' && !has, ref.op == '+' && has:
			lacking = append(lacking, ref.word.write(b, lookup)...)
		case ref.op != '+':
			if !has {
				lacking = append(lacking, missing{p, set})
			}
			b.WriteString(value)
		}
	}
	return lacking
}

// references lists the references in the order of the text, nested ones after the one that holds them.
func (t phrase) references() []part {
	var all []part
	for _, p := range t {
		if p.ref != nil {
			all = append(append(all, p), p.ref.word.references()...)
		}
	}
	return all
}

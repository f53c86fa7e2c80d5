package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON with comments and bare placeholders.
type scanner struct {
	reader
	text  string
	pos   int
	depth int
}

// document reads the one value of the text.
func (s *scanner) document() *Node {
	s.pos = len(s.text) - len(strings.TrimPrefix(s.text, bom))
	if s.space(); s.pos == len(s.text) {
		s.fatal(s.pos, "empty", "a document is one JSON object")
		return &Node{At: s.pos}
	}
	root := s.value()
	if s.space(); !s.dead && s.pos < len(s.text) {
		s.fatal(s.pos, "text after the end of the document", "")
	}
	return root
}

func (s *scanner) value() *Node {
	n := &Node{At: s.pos}
	switch c := s.peek(); {
	case c == '"':
		n.Kind = String
		if n.Text = s.str(); !s.Literal && strings.IndexByte(n.Text, '$') >= 0 {
			s.origin(n, n.At+1)
		}
	case c == '{':
		s.object(n)
	case c == '[':
		n.Kind = Array
		for s.enter(); s.next(']', len(n.Items) > 0); {
			n.Items = append(n.Items, s.value())
		}
	case c == '-' || c >= '0' && c <= '9':
		n.Kind = Number
		if n.Text = s.take(nameCharacters + "+-."); !IsNumber(n.Text) {
			s.report(n.At, "not a number: "+Quote(n.Text), "")
		}
	case c == '$' && !s.Literal:
		s.bare(n)
	case strings.IndexByte(nameCharacters, c) >= 0:
		switch word := s.take(nameCharacters); word {
		case "true", "false":
			n.Kind, n.Text = Bool, word
		case "null":
		default:
			s.report(n.At, "unknown word "+Quote(word),
				"text stands in quotes; without are true, false, null, numbers and ${NAME}")
		}
	case c == 0:
		s.fatal(s.pos, "the text ends where a value should stand", "")
	case c == '$': // placeholders are text here
		s.fatal(s.pos, "a value should stand here, not "+s.character(), "if this is a template, render it first")
	default:
		s.fatal(s.pos, "a value should stand here, not "+s.character(), "")
	}
	return n
}

// bare reads a placeholder outside a string.
func (s *scanner) bare(n *Node) {
	p := parser{scope: s.Scope, text: s.text[n.At:]}
	ref := p.reference(0)
	for _, f := range p.faults {
		s.report(n.At+f.at, f.text, f.help)
	}
	switch s.pos += p.pos; {
	case p.pos == 0:
		s.fatal(n.At, "a value should stand here, not "+s.character(), "")
	case ref != nil:
		n.Origin = &Origin{phrase: phrase{{ref: ref}}, Source: p.text[:p.pos], textAt: n.At, bare: true}
	}
	if s.pos >= len(s.text) && len(p.faults) > 0 {
		s.dead = true // the placeholder was not closed: it has eaten the rest
	}
}

// str reads a string and returns its value; most values are a slice of the source.
func (s *scanner) str() string {
	special := func(r rune) bool { return r < ' ' || r == '\\' }
	if plain, _, closed := strings.Cut(s.text[s.pos+1:], `"`); closed && !strings.ContainsFunc(plain, special) {
		s.pos += len(plain) + 2
		return plain
	}
	var b strings.Builder
	start := s.pos
	s.pos++
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '"':
			s.pos++
			return b.String()
		case c == '\\':
			r, size, wrong := unescape(s.text[s.pos:])
			if wrong != "" {
				s.report(s.pos, wrong, "")
			} else {
				b.WriteRune(r)
			}
			s.pos += size
			continue
		case c == '\n' || c == '\r':
			s.fatal(start, "a string without its closing quote on this line", `write a line break as \n`)
			return ""
		case c < ' ':
			s.report(s.pos, fmt.Sprintf("control character %#02x in a string", c), `write a tab as \t`)
		}
		b.WriteByte(c)
		s.pos++
	}
	s.fatal(start, "a string without its closing quote", "")
	return ""
}

// unescape decodes the escape with which text begins, and returns its length in the source and what is wrong with it.
func unescape(text string) (r rune, size int, wrong string) {
	if len(text) == 1 {
		return 0, 1, "unknown escape " + Quote(text)
	}
	if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, ""
	}
	digits, is := strings.CutPrefix(text, `\u`)
	switch r = hex4(digits); {
	case !is || r < 0:
		_, size = utf8.DecodeRuneInString(text[1:])
		return 0, 1 + size, "unknown escape " + Quote(text[:1+size])
	case r == 0:
		return 0, 6, "a NUL character in a string"
	case !utf16.IsSurrogate(r):
		return r, 6, ""
	case strings.HasPrefix(text[6:], `\u`):
		if pair := utf16.DecodeRune(r, hex4(text[8:])); pair != utf8.RuneError {
			return pair, 12, ""
		}
	}
	return 0, 6, "half a character: " + Quote(text[:6])
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(s string) rune {
	r, err := strconv.ParseUint(s[:min(4, len(s))], 16, 16)
	if err != nil || len(s) < 4 {
		return -1
	}
	return rune(r)
}

// IsNumber reports whether s is a number as JSON writes it.
func IsNumber(s string) bool {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	return s != "" && (s[0] == '-' || digit(s[0])) && digit(s[len(s)-1]) && json.Valid([]byte(s))
}

func (s *scanner) object(n *Node) {
	n.Kind = Object
	keys := map[string]int{} // where each stands
	for s.enter(); s.next('}', len(n.Members) > 0); {
		keyAt := s.pos
		if s.peek() != '"' {
			s.fatal(s.pos, "a key in double quotes should stand here, not "+s.character(), "")
			return
		}
		key := s.str()
		if s.space(); s.dead || s.peek() != ':' {
			s.fatal(s.pos, "a : should stand after the key "+Quote(key)+", not "+s.character(), "")
			return
		}
		s.pos++
		s.space()
		value := s.value()
		if !s.twice(keys, key, keyAt) {
			n.Members = append(n.Members, Member{key, keyAt, value})
		}
	}
}

// enter steps behind an opening bracket.
func (s *scanner) enter() {
	if s.depth++; s.depth > MaxDepth {
		s.fatal(s.pos, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
	}
	s.pos++
}

// next moves to the next element, behind its comma, and returns false behind the closing bracket. A comma
// that is missing or one too many is reported and read over, so that the rest is still checked.
func (s *scanner) next(closing byte, some bool) bool {
	s.space()
	at, comma := s.pos, some && s.peek() == ','
	if comma {
		s.pos++
		s.space()
	}
	switch c := s.peek(); {
	case s.dead:
		return false
	case c == 0:
		s.fatal(s.pos, "the text ends before its closing "+string(closing), "")
		return false
	case c == closing:
		if comma {
			s.report(at, "a comma before the closing "+string(closing), "remove it")
		}
		s.pos++
		s.depth--
		return false
	case some && !comma:
		if strings.IndexByte(nameCharacters+`"{[$`, c) < 0 {
			s.fatal(s.pos, "a comma or the closing "+string(closing)+" should stand here, not "+s.character(), "")
			return false
		}
		s.report(s.pos, "a comma is missing before this", "")
	}
	return true
}

// peek returns the next byte, and 0 at the end: no text has a NUL.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// take moves behind the characters that stand in of, and returns them.
func (s *scanner) take(of string) string {
	at := s.pos
	for s.pos < len(s.text) && strings.IndexByte(of, s.text[s.pos]) >= 0 {
		s.pos++
	}
	return s.text[at:s.pos]
}

// space moves behind white space and comments.
func (s *scanner) space() {
	const white = " \t\r\n"
	for s.take(white); s.comment(); {
		s.take(white)
	}
}

func (s *scanner) comment() bool {
	rest := s.text[s.pos:]
	switch {
	case strings.HasPrefix(rest, "//"):
		rest, _, _ = strings.Cut(rest, "\n")
	case strings.HasPrefix(rest, "/*"):
		text, _, closed := strings.Cut(rest[2:], "*/")
		if !closed {
			s.fatal(s.pos, "a comment without its */", "")
			return false
		}
		rest = rest[:len(text)+4]
	default:
		return false
	}
	if s.Plain {
		s.report(s.pos, "a comment, and plain JSON has none", "remove it, or write the file as YAML")
	}
	s.pos += len(rest)
	return true
}

// character names the character under the cursor.
func (s *scanner) character() string {
	if s.pos >= len(s.text) {
		return "the end of the text"
	}
	_, size := utf8.DecodeRuneInString(s.text[s.pos:])
	return Quote(s.text[s.pos : s.pos+size])
}

// fatal reports a problem after which nothing can be understood.
func (s *scanner) fatal(at int, text, help string) {
	s.report(at, text, help)
	s.dead = true
}

// JSON is the tree as a person reads it: indented by two spaces, keys in their order, numbers as they were written.
func (n *Node) JSON() []byte {
	var b bytes.Buffer
	compact := n.Compact()
	if json.Indent(&b, compact, "", "  ") != nil { // nested deeper than it goes
		b.Write(compact)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Compact is the tree as JSON without white space.
func (n *Node) Compact() []byte {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *Node) write(b *bytes.Buffer) {
	comma := func(i int) {
		if i > 0 {
			b.WriteByte(',')
		}
	}
	switch n.Kind {
	case Object:
		b.WriteByte('{')
		for i, m := range n.Members {
			comma(i)
			quote(b, m.Key)
			b.WriteByte(':')
			m.Value.write(b)
		}
		b.WriteByte('}')
	case Array:
		b.WriteByte('[')
		for i, item := range n.Items {
			comma(i)
			item.write(b)
		}
		b.WriteByte(']')
	case String:
		quote(b, n.Text)
	case Number, Bool:
		b.WriteString(n.Text)
	default:
		b.WriteString("null")
	}
}

// quote writes s, which is UTF-8, as a JSON string.
func quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	_, _ = escapes().WriteString(b, s) // a buffer takes everything
	b.WriteByte('"')
}

// escapes are what JSON demands and no more: encoding/json escapes U+2028 too, and AWS counts the bytes.
var escapes = sync.OnceValue(func() *strings.Replacer { //nolint:gochecknoglobals // made once
	pairs := []string{`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`} // the first of two for one wins
	for c := range ' ' {
		pairs = append(pairs, string(c), fmt.Sprintf(`\u%04x`, c))
	}
	return strings.NewReplacer(pairs...)
})

// DropNull removes every null: DescribeTaskDefinition prints them, and RegisterTaskDefinition refuses them.
func (n *Node) DropNull() {
	n.Walk(func(n *Node) {
		n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Value.Kind == Null })
		n.Items = slices.DeleteFunc(n.Items, func(item *Node) bool { return item.Kind == Null })
	})
}

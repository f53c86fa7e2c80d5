package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func (s *scanner) object() *Node {
	n := &Node{Kind: Object, At: s.pos}
	if !s.enter() {
		return n
	}
	keys := map[string]int{} // where each stands
	for s.next('}', len(n.Members) > 0) {
		if s.pos >= len(s.text) || s.text[s.pos] != '"' {
			s.fatal(s.pos, "a key in double quotes should stand here, not "+s.character(), "")
			break
		}
		keyAt := s.pos
		key := s.str()
		if s.dead {
			break
		}
		if s.space(); s.pos >= len(s.text) || s.text[s.pos] != ':' {
			s.fatal(s.pos, "a : should stand after the key "+Quote(key)+", not "+s.character(), "")
			break
		}
		s.pos++
		s.space()
		value := s.value()
		if first, twice := keys[key]; twice {
			s.report(keyAt, "the key "+Quote(key)+" stands here twice",
				fmt.Sprintf("first on line %d", s.doc.Source.line(first)))
			continue
		}
		keys[key] = keyAt
		n.Members = append(n.Members, Member{key, keyAt, value})
	}
	return n
}

func (s *scanner) array() *Node {
	n := &Node{Kind: Array, At: s.pos}
	if s.enter() {
		for s.next(']', len(n.Items) > 0) {
			n.Items = append(n.Items, s.value())
		}
	}
	return n
}

// enter steps behind an opening bracket.
func (s *scanner) enter() bool {
	if s.depth++; s.depth > MaxDepth {
		s.fatal(s.pos, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
		return false
	}
	s.pos++
	return true
}

// next moves to the next element, behind its comma, and returns false behind the closing bracket. A comma
// that is missing or one too many is reported and read over, so that the rest is still checked.
func (s *scanner) next(closing byte, some bool) bool {
	if s.space(); s.dead {
		return false
	}
	comma := -1
	if some && s.pos < len(s.text) && s.text[s.pos] == ',' {
		comma = s.pos
		s.pos++
		s.space()
	}
	switch {
	case s.dead:
		return false
	case s.pos >= len(s.text):
		s.fatal(s.pos, "the text ends before its closing "+string(closing), "")
		return false
	case s.text[s.pos] == closing:
		if comma >= 0 {
			s.report(comma, "a comma before the closing "+string(closing), "remove it")
		}
		s.pos++
		s.depth--
		return false
	case some && comma < 0:
		if c := s.text[s.pos]; c != '"' && c != '{' && c != '[' && c != '$' && !isWord(c) {
			s.fatal(s.pos, "a comma or the closing "+string(closing)+" should stand here, not "+s.character(), "")
			return false
		}
		s.report(s.pos, "a comma is missing before this", "")
	}
	return true
}

// space skips white space and comments.
func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case '/':
			if !s.comment() {
				return
			}
		default:
			return
		}
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

// report reports a problem to the reader, but none once the structure is lost.
func (s *scanner) report(at int, text, help string) {
	if !s.dead {
		s.reader.report(at, text, help)
	}
	s.dead = s.dead || len(s.problems) > MaxProblems
}

// fatal reports a problem after which nothing can be understood.
func (s *scanner) fatal(at int, text, help string) {
	s.report(at, text, help)
	s.dead = true
}

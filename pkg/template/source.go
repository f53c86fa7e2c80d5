package template

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Source is a text with a name, which turns byte offsets into lines and columns.
type Source struct {
	Name string
	Text string
	// lines holds the offset of each line's first byte, runes the number of characters before each block.
	// Both are computed when the first place is asked for; a document without problems never needs them.
	lines []int
	runes []int
}

// block is the most bytes that are counted through to find a column: a hostile file may be one line of 10 MB with a
// problem at every character, and must not take quadratic time.
const block = 1024

// Place returns the line and column (in characters) of a byte offset.
func (s *Source) Place(at int) diagnostic.Place {
	at = min(max(at, 0), len(s.Text))
	line := s.line(at)
	return diagnostic.Place{File: s.Name, Line: line, Col: 1 + max(0, s.runesTo(at)-s.runesTo(s.lines[line-1]))}
}

// line returns the number of the line that a byte is in.
func (s *Source) line(at int) int {
	lines := s.index()
	return max(1, sort.Search(len(lines), func(i int) bool { return lines[i] > at }))
}

// runesTo counts the characters before a byte.
func (s *Source) runesTo(at int) int {
	if s.runes == nil {
		s.runes = make([]int, 1, 1+len(s.Text)/block)
		for i, n := 0, 0; i+block <= len(s.Text); i += block {
			n += firstBytes(s.Text[i : i+block])
			s.runes = append(s.runes, n)
		}
	}
	return s.runes[at/block] + firstBytes(s.Text[at/block*block:at])
}

// offset returns the byte at which the nth character behind a byte begins.
func (s *Source) offset(from, n int) int {
	if n > block { // do not walk through a line that is the whole file
		n += s.runesTo(from)
		from = (sort.SearchInts(s.runes, n+1) - 1) * block
		n -= s.runes[from/block]
	}
	for from < len(s.Text) && (n > 0 || !utf8.RuneStart(s.Text[from])) {
		if utf8.RuneStart(s.Text[from]) {
			n--
		}
		from++
	}
	return from
}

// firstBytes counts the characters that begin in s, which may itself begin or end within one.
func firstBytes(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

func (s *Source) index() []int {
	if s.lines == nil {
		s.lines = make([]int, 0, 1+strings.Count(s.Text, "\n"))
		at := 0
		for line := range strings.SplitAfterSeq(s.Text, "\n") {
			s.lines = append(s.lines, at)
			at += len(line)
		}
		if strings.HasPrefix(s.Text, bom) {
			s.lines[0] = len(bom) // an editor shows no column for it
		}
	}
	return s.lines
}

// bom is the byte order mark that some editors put first.
const bom = "\uFEFF"

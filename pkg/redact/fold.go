package redact

import (
	"html"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// token is what is read at a position of a text.
type token struct {
	label rune // a character, or a byte beyond ASCII as a negative number
	end   int  // where to go on behind it
	depth int  // counts the backslashes that were undone. A backslash before another's escape only guards that.
}

// folded is a text with every escape undone: of URLs, JSON, Go, JavaScript and HTML, mixed and within each
// other. Two texts that mean the same fold alike, so nobody needs to know how a secret was disguised. What
// stands before a secret may look like the beginning of an escape: the text is read anew from each position.
type folded struct {
	tokens  []token
	open    int  // where an escape begins that the end of the text may have cut off, or the text's length
	reached bool // reading an escape looked ahead as far as open
}

// fold goes backwards, so that what follows an escape is known when it is read.
func fold(s string) *folded {
	f := &folded{tokens: make([]token, len(s)), open: len(s)}
	for i := len(s) - 1; i >= 0; i-- {
		f.reached = false
		if f.tokens[i] = f.read(token{rune(int8(s[i])), i + 1, 0}); f.reached {
			f.open = i
		}
	}
	return f
}

// text is what stands before a position, without its escapes.
func (f *folded) text(end int) string {
	var all []byte
	for p := (place{}); p.at < end; {
		b, next, _ := f.plain(p)
		all, p = append(all, b), next
	}
	return string(all)
}

// read undoes the escape that begins with t, and goes on as long as the result begins another one.
func (f *folded) read(t token) token {
	for {
		next := t
		switch t.label {
		case '%':
			next.label, next.end = f.number(t.end, 2)
			next.label = rune(int8(next.label))
		case '&':
			next.label, next.end = f.entity(t.end)
		case '\\':
			guarded := f.at(t.end)
			if guarded.depth <= t.depth {
				next.label, next.end = f.backslash(t.end)
			}
			if next.end == t.end && t.end < len(f.tokens) {
				return guarded
			}
			next.depth++
		case '+', '\t', '\n', '\v', '\f', '\r': // a form has "+" for a blank, and lines are wrapped anew
			t.label = ' '
		}
		if next.end == t.end {
			return t
		}
		t = next
	}
}

// at returns the token at a position; the one at the text's end is none.
func (f *folded) at(i int) token {
	f.reached = f.reached || i >= f.open
	if i == len(f.tokens) {
		return token{-unicode.MaxRune, i, 0}
	}
	return f.tokens[i]
}

// number reads so many hexadecimal digits; without them it stays where it is.
func (f *folded) number(i, digits int) (value rune, next int) {
	next = i
	for range digits {
		t := f.at(next)
		d := digit(t.label, 4)
		if d < 0 {
			return 0, i
		}
		value, next = value<<4|rune(d), t.end
	}
	return value, next
}

// backslash reads what stands behind one: n, x41, u0041, U00000041.
func (f *folded) backslash(j int) (rune, int) {
	kind := f.at(j)
	if i := strings.IndexRune("abfnrtv", kind.label); i >= 0 {
		return rune("\a\b\f\n\r\t\v"[i]), kind.end
	}
	c, end := f.number(kind.end, map[rune]int{'x': 2, 'u': 4, 'U': 8}[kind.label])
	if end == kind.end {
		return 0, j
	}
	low := f.at(end)
	if both := utf16.DecodeRune(c, low.label); both != unicode.ReplacementChar {
		return both, low.end
	}
	return c, end
}

// entity reads what stands behind an ampersand: amp; #65; #x41;
func (f *folded) entity(j int) (rune, int) {
	const longest = 32
	name := []byte{'&'}
	for t := f.at(j); len(name) < longest; t = f.at(t.end) {
		name = append(name, byte(t.label))
		if t.label == ';' {
			text := html.UnescapeString(string(name))
			if c, size := utf8.DecodeRuneInString(text); size == len(text) {
				return c, t.end
			}
		}
		if t.label != '#' && digit(t.label, 6) < 0 {
			break
		}
	}
	return 0, j
}

// digit is what a character is worth as a digit of 4 bits (hexadecimal) or 6 (base64), or -1.
func digit(c rune, bits int) int {
	switch {
	case bits == 4:
		return strings.IndexRune("0123456789abcdef", unicode.ToLower(c))
	case c == ' ', c == '-': // the blank was "+" before it was read
		c = '+'
	case c == '_':
		c = '/'
	}
	return strings.IndexRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c)
}

// place is a position in a text, and how much of the character there was read: its bytes, or the bits of a digit.
type place struct{ at, part int }

// reading is one way to read a text, a byte at a time.
type reading struct {
	// byte returns what is read at a place, the next place, and the position behind all that it was read from, or 0.
	byte  func(place) (b byte, next place, end int)
	last  int // the highest bit of a digit at which a secret can begin; it can begin at every second one
	least int // the shortest secret that is looked for: short ones turn up in base64 by chance
	end   int // where the text ends for one that was cut off, perhaps within an escape or a code
}

// readings returns the ways to read s: as it is, without escapes, as hexadecimal, as base64; codes begin anywhere.
func readings(s string) []reading {
	f := fold(s)
	raw := func(p place) (byte, place, int) { return s[p.at], place{at: p.at + 1}, p.at + 1 }
	hexadecimal := func(p place) (byte, place, int) { return f.coded(p, 4) }
	base64 := func(p place) (byte, place, int) { return f.coded(p, 6) }
	return []reading{
		{raw, 0, 1, len(s)},
		{f.plain, 0, 1, f.open},
		{hexadecimal, 0, minCoded, min(f.open, len(s)-1)},
		{base64, 4, minCoded, min(f.open, len(s)-1)},
	}
}

func (f *folded) plain(p place) (byte, place, int) {
	t := f.tokens[p.at]
	if t.label < utf8.RuneSelf {
		return byte(t.label), place{at: t.end}, t.end
	}
	encoded := string(t.label)
	if p.part+1 < len(encoded) {
		return encoded[p.part], place{p.at, p.part + 1}, t.end
	}
	return encoded[p.part], place{at: t.end}, t.end
}

// coded reads a byte out of two digits of so many bits: 4 are hexadecimal, 6 are base64.
func (f *folded) coded(p place, bits int) (byte, place, int) {
	first := f.tokens[p.at]
	second := f.at(first.end)
	high, low := digit(first.label, bits), digit(second.label, bits)
	if high < 0 || low < 0 {
		return 0, p, 0
	}
	used := p.part + 8
	next := place{at: second.end}
	if used < 2*bits {
		next = place{first.end, used - bits}
	}
	return byte((high<<bits | low) >> (2*bits - used)), next, second.end
}

// find returns where the longest pattern ends that begins at p, or 0. A text that was cut off may end within a pattern.
func (r reading) find(all patterns, s string, p place, cut bool) (end int) {
	length := 0
	for p.at < len(s) && len(all) > 0 {
		b, next, behind := r.byte(p)
		further := all.further(length, b)
		if len(further) == 0 || behind == 0 {
			break
		}
		all, p = further, next
		if length++; length >= r.least && len(all[0]) == length {
			end = behind
		}
	}
	if cut && p.at >= r.end && length >= r.least && all.part(length) {
		return len(s)
	}
	return end
}

const (
	// minPart is the shortest part of a secret that is hidden on its own, in bytes: a line of a private key,
	// the beginning of a secret that was cut off. Shorter parts turn up by chance in ordinary text.
	minPart = 8
	// maxPart is the longest part that is looked for as one: it bounds the work at each position of a text,
	// whatever that repeats. A longer secret is looked for in parts.
	maxPart  = 64
	minCoded = 3 // the shortest secret that is looked for in base64 and hexadecimal, in bytes
)

// patterns are what is looked for, in order: those that begin alike stand together.
type patterns []string

// add adds a secret, a long one in parts.
func (p *patterns) add(s string) {
	for len(s) > maxPart {
		*p = append(*p, s[:maxPart])
		// The parts overlap, so that what is left of a part that was cut off is long enough to be found.
		s = s[maxPart-minPart:]
	}
	*p = append(*p, s)
}

// further returns those that go on with a byte behind so many that all of them share.
func (p patterns) further(shared int, b byte) patterns {
	from := sort.Search(len(p), func(i int) bool { return len(p[i]) > shared && p[i][shared] >= b })
	count := sort.Search(len(p)-from, func(i int) bool { return p[from+i][shared] > b })
	return p[from : from+count]
}

// part reports whether a text that was cut off must not end with so much of one of them.
func (p patterns) part(length int) bool {
	return length >= minPart || slices.ContainsFunc(p, func(s string) bool { return len(s)-1 <= length })
}

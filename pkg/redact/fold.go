package redact

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// token is what is read at a position of a text.
type token struct {
	// label is a character, or a byte beyond ASCII as a negative number.
	label rune
	// end is where to go on behind it.
	end int
	// depth counts the backslashes that were undone. A backslash before another's escape only guards that.
	depth int
}

// folded is a text with every escape undone: of URLs, JSON, Go, JavaScript and HTML, mixed and within each
// other. Two texts that mean the same fold alike, so nobody needs to know how a secret was disguised. What
// stands before a secret may look like the beginning of an escape: the text is read anew from each position.
type folded struct {
	tokens []token
	// open is where an escape begins that the end of the text may have cut off, or the text's length.
	open int
	// reached says that reading an escape looked ahead as far as open.
	reached bool
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

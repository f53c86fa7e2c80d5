package yaml

import (
	"strings"
	"unicode/utf8"
)

// plain reads a text without quotes. In a block it goes on in lines that are indented by more than parent.
func (r *reader) plain(n *Node, parent int, flow bool) {
	c := r.at(0)
	if strings.IndexByte(",[]{}#&*!|>'\"%@`", c) >= 0 || c == '?' && flow || (c == '-' || c == '?' || c == ':') && isEnd(r.at(1)) {
		r.fail(r.pos, "a text cannot begin with "+string(c), "put it in quotes")
		return
	}
	n.Plain = true
	n.TextAt = r.pos
	from := r.pos
	r.words(flow)
	n.Text = r.text[from:r.pos]
	folded := false
	for {
		end, line := r.pos, r.line
		breaks := r.fold(parent, flow)
		goesOn := breaks > 0 && r.pos < len(r.text) && r.at(0) != '#' && !r.marker() && (flow || r.column() > parent)
		from := r.pos
		if goesOn {
			r.words(flow)
		}
		if r.err != nil {
			return
		}
		if !goesOn || r.pos == from {
			r.pos, r.line = end, line
			break
		}
		if !folded {
			folded = true
			r.buffer = append(r.buffer[:0], n.Text...)
		}
		r.joint(breaks)
		r.buffer = append(r.buffer, r.text[from:r.pos]...)
	}
	if folded {
		n.Text = string(r.buffer)
	}
}

// words moves over the text of one line, to its last character that is not white space.
func (r *reader) words(flow bool) {
	end := r.pos
	for i := r.pos; i < len(r.text); i++ {
		c := r.text[i]
		next := byte(0)
		if i+1 < len(r.text) {
			next = r.text[i+1]
		}
		switch {
		case isBlank(c):
			continue
		case isBreak(c), c == ':' && isEnd(next), c == '#' && i > r.pos && isBlank(r.text[i-1]), flow && strings.IndexByte(",[]{}", c) >= 0:
			r.pos = end
			return
		case flow && c == '?', flow && c == ':' && strings.IndexByte(",[]{}", next) >= 0:
			r.fail(i, "a "+string(c)+" that can be read in two ways", "a text with it stands in quotes; behind the : of a key stands a space")
			return
		}
		end = i + 1
	}
	r.pos = end
}

// fold moves over the end of a line, and the line breaks and white space behind it, and returns the number of
// breaks. Tabs may stand where the text of a block is indented by more than parent already.
func (r *reader) fold(parent int, flow bool) int {
	for isBlank(r.at(0)) {
		r.pos++
	}
	breaks := 0
	for isBreak(r.at(0)) {
		r.newLine()
		breaks++
		for c := r.at(0); isBlank(c); c = r.at(0) {
			if c == '\t' && (flow || r.column() <= parent) {
				r.fail(r.pos, "a tab in the indentation", "indent with spaces")
				return breaks
			}
			r.pos++
		}
	}
	return breaks
}

// joint appends what line breaks within a text stand for: one is a space, of several each but the first is itself.
func (r *reader) joint(breaks int) {
	if breaks == 1 {
		r.buffer = append(r.buffer, ' ')
	}
	for ; breaks > 1; breaks-- {
		r.buffer = append(r.buffer, '\n')
	}
}

// quoted reads a text in single or double quotes.
func (r *reader) quoted(n *Node, quote byte) {
	at := r.pos
	r.pos++
	n.TextAt = r.pos
	from := r.pos // what has been read and is not in the buffer
	r.buffer = r.buffer[:0]
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '\'' && quote == c && r.at(1) == c:
			r.buffer = append(append(r.buffer, r.text[from:r.pos]...), c)
			r.pos += 2
			from = r.pos
		case c == quote:
			if n.Text = r.text[from:r.pos]; len(r.buffer) > 0 {
				n.Text = string(append(r.buffer, n.Text...))
			}
			r.pos++
			return
		case c == '\\' && quote == '"':
			r.buffer = append(r.buffer, r.text[from:r.pos]...)
			r.escape()
			from = r.pos
		case isBreak(c):
			r.buffer = append(r.buffer, strings.TrimRight(r.text[from:r.pos], " \t")...)
			r.joint(r.quotedBreaks())
			from = r.pos
		default:
			r.pos++
		}
	}
	r.fail(at, "not closed: "+string(quote), "")
}

// quotedBreaks is fold within quotes, where the indentation says nothing.
func (r *reader) quotedBreaks() int {
	breaks := 0
	for isBreak(r.at(0)) {
		r.newLine()
		breaks++
		if r.marker() {
			r.fail(r.pos, "the document ends within quotes", "close them")
		}
		for isBlank(r.at(0)) {
			r.pos++
		}
	}
	return breaks
}

// escape reads the backslash under the cursor with what belongs to it.
func (r *reader) escape() {
	const letters, meanings = "0abt\tnvfre \"\\N_LP", "\x00\a\b\t\t\n\v\f\r\x1b \"\\\u0085\u00A0\u2028\u2029"
	at, c := r.pos, r.at(1)
	if isBreak(c) { // the line goes on: the break is none, those behind it are themselves
		r.pos++
		for breaks := r.quotedBreaks(); breaks > 1; breaks-- {
			r.buffer = append(r.buffer, '\n')
		}
		return
	}
	digits := strings.IndexByte("xuU", c)
	if digits < 0 {
		i := strings.IndexByte(letters, c)
		if i < 0 {
			r.fail(at, "an unknown escape", `\\ is a backslash; in single quotes it is one by itself`)
			return
		}
		meaning := []rune(meanings)[i]
		r.buffer = utf8.AppendRune(r.buffer, meaning)
		r.pos += 2
		return
	}
	r.pos += 2
	var value rune
	for range 2 << digits {
		digit := strings.IndexByte("0123456789abcdef", r.at(0)|0x20)
		if r.at(0) < '0' || digit < 0 || value > utf8.MaxRune {
			r.fail(at, "an escape without its hexadecimal digits", `\xFF, \uFFFF or \U0010FFFF`)
			return
		}
		value = value<<4 | rune(digit)
		r.pos++
	}
	if !utf8.ValidRune(value) {
		r.fail(at, "an escape that is no character", "")
		return
	}
	r.buffer = utf8.AppendRune(r.buffer, value)
}

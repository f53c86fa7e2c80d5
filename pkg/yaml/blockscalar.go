package yaml

// blockScalar reads the text behind | or >, whose lines are indented by more than parent.
func (r *reader) blockScalar(n *Node, parent int) *Node {
	folded := r.at(0) == '>'
	keep, strip, deeper := r.header()
	n.TextAt = r.pos
	indent := max(parent, 0) + deeper
	if deeper == 0 {
		indent = r.indentation(max(parent+1, 1))
	}
	breaks := r.emptyLines(indent)
	out := r.buffer[:0]
	pending := false // the break behind the last line, which folding may turn into a space
	wasDeeper := false
	for r.err == nil && r.pos < len(r.text) && r.column() == indent {
		isDeeper := isBlank(r.text[r.pos])
		if folded && pending && !wasDeeper && !isDeeper {
			if breaks == 0 {
				out = append(out, ' ')
			}
		} else if pending {
			out = append(out, '\n')
		}
		for ; breaks > 0; breaks-- {
			out = append(out, '\n')
		}
		wasDeeper = isDeeper
		from := r.pos
		for r.pos < len(r.text) && !isBreak(r.text[r.pos]) {
			r.pos++
		}
		out = append(out, r.text[from:r.pos]...)
		if pending = r.pos < len(r.text); pending {
			r.newLine()
		}
		breaks = r.emptyLines(indent)
	}
	if pending && !strip {
		out = append(out, '\n')
	}
	for ; keep && breaks > 0; breaks-- {
		out = append(out, '\n')
	}
	n.Text, r.buffer = string(out), out
	return n
}

// header reads what stands behind | or >: + keeps the line breaks at the end, - strips all of them, a digit says
// by how much the text is indented.
func (r *reader) header() (keep, strip bool, deeper int) {
	r.pos++
	for range 2 {
		switch c := r.at(0); {
		case (c == '+' || c == '-') && !keep && !strip:
			keep, strip = c == '+', c == '-'
			r.pos++
		case c >= '1' && c <= '9' && deeper == 0:
			deeper = int(c - '0')
			r.pos++
		}
	}
	at := r.pos
	for isBlank(r.at(0)) {
		r.pos++
	}
	if r.at(0) == '#' && r.pos > at {
		for r.pos < len(r.text) && !isBreak(r.text[r.pos]) {
			r.pos++
		}
	}
	switch {
	case r.pos == len(r.text):
	case isBreak(r.at(0)):
		r.newLine()
	default:
		r.fail(at, "text behind | or >", "the text begins on the next line; a text that begins with | or > stands in quotes")
	}
	return keep, strip, deeper
}

// indentation finds that of the text that begins on the cursor's line: that of its first line, or of an empty
// one before it that is longer, and at least least.
func (r *reader) indentation(least int) int {
	ahead := *r
	for {
		for ahead.at(0) == ' ' {
			ahead.pos++
		}
		least = max(least, ahead.column())
		switch c := ahead.at(0); {
		case c == '\t':
			r.fail(ahead.pos, "a tab in the indentation", "indent with spaces")
			return least
		case !isBreak(c):
			return least
		}
		ahead.newLine()
	}
}

// emptyLines moves over the lines that hold no more than the indentation, and over that of the next one. It
// returns the number of line breaks.
func (r *reader) emptyLines(indent int) int {
	breaks := 0
	for {
		for r.at(0) == ' ' && r.column() < indent {
			r.pos++
		}
		if r.at(0) == '\t' && r.column() < indent {
			r.fail(r.pos, "a tab in the indentation", "indent with spaces")
		}
		if !isBreak(r.at(0)) {
			return breaks
		}
		r.newLine()
		breaks++
	}
}

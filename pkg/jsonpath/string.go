package jsonpath

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

func (q *query) String() string {
	var b strings.Builder
	b.WriteString(map[bool]string{false: "$", true: "@"}[q.relative])
	for _, s := range q.segments {
		s.write(&b)
	}
	return b.String()
}

func (s segment) write(b *strings.Builder) {
	if s.descendant {
		b.WriteString("..")
	}
	if n, ok := s.selectors[0].(name); ok && len(s.selectors) == 1 && n != "" && shorthandPrefix(string(n)) == len(n) {
		if !s.descendant {
			b.WriteByte('.')
		}
		b.WriteString(string(n))
		return
	}
	b.WriteByte('[')
	for i, sel := range s.selectors {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(sel.String())
	}
	b.WriteByte(']')
}

func (n name) String() string   { return quote(string(n)) }
func (wildcard) String() string { return "*" }
func (i index) String() string  { return strconv.Itoa(int(i)) }
func (f filter) String() string { return "?" + f.cond.String() }

func (s slice) String() string {
	bound := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	text := bound(s.start) + ":" + bound(s.end)
	if s.step != 1 {
		text += ":" + strconv.Itoa(s.step)
	}
	return text
}

// String puts parentheses where the parts bind less than what joins them, or would melt into it.
func (j joined) String() string {
	texts := make([]string, len(j.parts))
	for i, p := range j.parts {
		texts[i] = p.String()
		if inner, ok := p.(joined); ok && (inner.op == "||" || j.op == "&&") {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, " "+j.op+" ")
}

func (n not) String() string {
	switch n.cond.(type) {
	case exists, matching:
		return "!" + n.cond.String()
	}
	return "!(" + n.cond.String() + ")"
}

func (e exists) String() string     { return e.query.String() }
func (c comparison) String() string { return c.left.String() + " " + c.op + " " + c.right.String() }

func (m matching) String() string {
	word := "search"
	if m.whole {
		word = "match"
	}
	return word + "(" + m.text.String() + ", " + m.pattern.String() + ")"
}

func (l literal) String() string {
	switch v := l.v.(type) {
	case nil:
		return "null"
	case string:
		return quote(v)
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(l.v)
}

func (s singular) String() string { return s.query.String() }
func (l lengthOf) String() string { return "length(" + l.arg.String() + ")" }
func (c countOf) String() string  { return "count(" + c.query.String() + ")" }
func (v valueOf) String() string  { return "value(" + v.query.String() + ")" }

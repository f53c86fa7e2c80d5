package template

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// JSON is the tree as JSON that a person reads: two spaces a level, one line a value, keys in their order, numbers
// as they were written, and a line break at the end.
func (n *Node) JSON() []byte {
	var b bytes.Buffer
	n.write(&b, 0)
	b.WriteByte('\n')
	return b.Bytes()
}

// Compact is the tree as JSON without white space.
func (n *Node) Compact() []byte {
	var b bytes.Buffer
	n.write(&b, flat)
	return b.Bytes()
}

// flat is a level so low that no level nested in it is written on lines of its own.
const flat = math.MinInt

// write writes the tree, whose first line is indented by so many levels.
func (n *Node) write(b *bytes.Buffer, level int) {
	switch n.Kind {
	case Object:
		b.WriteByte('{')
		for i, m := range n.Members {
			newLine(b, i > 0, level+1)
			quote(b, m.Key)
			b.WriteByte(':')
			if level >= 0 {
				b.WriteByte(' ')
			}
			m.Value.write(b, level+1)
		}
		if len(n.Members) > 0 {
			newLine(b, false, level)
		}
		b.WriteByte('}')
	case Array:
		b.WriteByte('[')
		for i, item := range n.Items {
			newLine(b, i > 0, level+1)
			item.write(b, level+1)
		}
		if len(n.Items) > 0 {
			newLine(b, false, level)
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

// newLine writes what stands before an element or a closing bracket.
func newLine(b *bytes.Buffer, comma bool, level int) {
	if comma {
		b.WriteByte(',')
	}
	if level >= 0 {
		b.WriteByte('\n')
	}
	for range level {
		b.WriteString("  ")
	}
}

// quote writes s, which is UTF-8, as a JSON string. Only what JSON demands is escaped: encoding/json escapes U+2028
// too, and AWS counts the bytes.
func quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for {
		i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
		if i < 0 {
			b.WriteString(s)
			b.WriteByte('"')
			return
		}
		b.WriteString(s[:i])
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			fmt.Fprintf(b, `\u%04x`, c)
		}
		s = s[i+1:]
	}
}

// DropNull removes every null from the tree: DescribeTaskDefinition prints them, and RegisterTaskDefinition refuses
// them.
func (n *Node) DropNull() {
	n.Walk(func(n *Node) {
		n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Value.Kind == Null })
		n.Items = slices.DeleteFunc(n.Items, func(item *Node) bool { return item.Kind == Null })
	})
}

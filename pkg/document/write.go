package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// JSON is the tree as JSON that a person reads: two spaces a level, one line a value, keys in their order, numbers
// as they were written, and a line break at the end.
func (n *Node) JSON() []byte {
	var b bytes.Buffer
	compact := n.Compact()
	b.Grow(2 * len(compact))
	if json.Indent(&b, compact, "", "  ") != nil {
		return append(compact, '\n') // a number that is none to JSON, which has been reported
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Compact is the tree as JSON without white space.
func (n *Node) Compact() []byte {
	const usual = 64 << 10 // what ECS takes; a longer one grows
	return n.appendTo(make([]byte, 0, usual))
}

func (n *Node) appendTo(dst []byte) []byte {
	switch n.Kind {
	case Object:
		dst = append(dst, '{')
		for i, m := range n.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = m.Value.appendTo(append(appendQuoted(dst, m.Key), ':'))
		}
		return append(dst, '}')
	case Array:
		dst = append(dst, '[')
		for i, item := range n.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendTo(dst)
		}
		return append(dst, ']')
	case String:
		return appendQuoted(dst, n.Text)
	case Number, Bool:
		return append(dst, n.Text...)
	default:
		return append(dst, "null"...)
	}
}

// appendQuoted appends s, which is UTF-8, as a JSON string. Only what JSON demands is escaped: encoding/json
// escapes U+2028 too, and AWS counts the bytes.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		dst = append(dst, s[:i]...)
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
		s = s[i+1:]
	}
}

// DropNull removes every null of the tree, as RegisterTaskDefinition refuses them and describing prints them.
func (n *Node) DropNull() {
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Value.Kind == Null })
	for _, m := range n.Members {
		m.Value.DropNull()
	}
	n.Items = slices.DeleteFunc(n.Items, func(item *Node) bool { return item.Kind == Null })
	for _, item := range n.Items {
		item.DropNull()
	}
}

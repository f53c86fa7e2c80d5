package document

import "github.com/greenlight-ecs/greenlight/pkg/jsontext"

// AppendJSON appends the tree as JSON that a person reads: two spaces a level, one line a value, keys in
// their order, numbers as they were written, and a line break at the end.
func (n *Node) AppendJSON(dst []byte) []byte {
	return append(n.appendTo(dst, 0), '\n')
}

// Compact is the tree as JSON without white space.
func (n *Node) Compact() []byte { return n.appendTo(nil, -1) }

// appendTo writes without white space when level is below zero.
func (n *Node) appendTo(dst []byte, level int) []byte {
	switch n.Kind {
	case Object:
		if len(n.Members) == 0 {
			return append(dst, "{}"...)
		}
		dst = append(dst, '{')
		for i := range n.Members {
			dst = newline(comma(dst, i), level+1, level >= 0)
			dst = append(jsontext.AppendQuoted(dst, n.Members[i].Key), ':')
			if level >= 0 {
				dst = append(dst, ' ')
			}
			dst = n.Members[i].Value.appendTo(dst, below(level))
		}
		return append(newline(dst, level, level >= 0), '}')
	case Array:
		if len(n.Items) == 0 {
			return append(dst, "[]"...)
		}
		dst = append(dst, '[')
		for i, item := range n.Items {
			dst = newline(comma(dst, i), level+1, level >= 0)
			dst = item.appendTo(dst, below(level))
		}
		return append(newline(dst, level, level >= 0), ']')
	case String:
		return jsontext.AppendQuoted(dst, n.Text)
	case Number, Bool:
		return append(dst, n.Text...)
	default:
		return append(dst, "null"...)
	}
}

// CompactSize is the length of Compact, which is not made for it: what AWS counts.
func (n *Node) CompactSize() int {
	switch n.Kind {
	case Object:
		size := len("{}") + max(0, len(n.Members)-1) // the commas
		for i := range n.Members {
			size += jsontext.QuotedSize(n.Members[i].Key) + len(":") + n.Members[i].Value.CompactSize()
		}
		return size
	case Array:
		size := len("[]") + max(0, len(n.Items)-1)
		for _, item := range n.Items {
			size += item.CompactSize()
		}
		return size
	case String:
		return jsontext.QuotedSize(n.Text)
	case Number, Bool:
		return len(n.Text)
	default:
		return len("null")
	}
}

func below(level int) int {
	if level < 0 {
		return level
	}
	return level + 1
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

func newline(dst []byte, level int, wanted bool) []byte {
	const spaces = "                                "
	if !wanted {
		return dst
	}
	dst = append(dst, '\n')
	n := 2 * level
	for ; n > len(spaces); n -= len(spaces) {
		dst = append(dst, spaces...)
	}
	return append(dst, spaces[:n]...)
}

// DropNull removes every null of the tree, as RegisterTaskDefinition refuses them and describing prints them.
func (n *Node) DropNull() {
	if len(n.Members) > 0 {
		kept := n.Members[:0]
		for _, m := range n.Members {
			if m.Value.Kind != Null {
				m.Value.DropNull()
				kept = append(kept, m)
			}
		}
		n.Members = kept
	}
	if len(n.Items) > 0 {
		kept := n.Items[:0]
		for _, item := range n.Items {
			if item.Kind != Null {
				item.DropNull()
				kept = append(kept, item)
			}
		}
		n.Items = kept
	}
}

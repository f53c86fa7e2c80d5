package document

// AppendJSON appends the tree as JSON that a person reads: two spaces a level, one line a value, keys in
// their order, numbers as they were written, and a line break at the end.
func (n *Node) AppendJSON(dst []byte) []byte {
	return append(n.appendTo(dst, 0), '\n')
}

// Compact is the tree as JSON without white space: what AWS counts.
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
			dst = append(AppendQuoted(dst, n.Members[i].Key), ':')
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
		return AppendQuoted(dst, n.Text)
	case Number, Bool:
		return append(dst, n.Text...)
	default:
		return append(dst, "null"...)
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

// AppendQuoted appends s as a JSON string. Only what JSON demands is escaped.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
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

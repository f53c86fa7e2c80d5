package document

import "math/bits"

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

// CompactSize is the length of Compact, which is not made for it: what AWS counts.
func (n *Node) CompactSize() int {
	switch n.Kind {
	case Object:
		size := len("{}") + max(0, len(n.Members)-1) // the commas
		for i := range n.Members {
			size += quotedSize(n.Members[i].Key) + len(":") + n.Members[i].Value.CompactSize()
		}
		return size
	case Array:
		size := len("[]") + max(0, len(n.Items)-1)
		for _, item := range n.Items {
			size += item.CompactSize()
		}
		return size
	case String:
		return quotedSize(n.Text)
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

// AppendQuoted appends s as a JSON string. Only what JSON demands is escaped.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		plain := plainLen(s)
		if dst = append(dst, s[:plain]...); plain == len(s) {
			return append(dst, '"')
		}
		switch c := s[plain]; c {
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
		s = s[plain+1:]
	}
}

// quotedSize is how many bytes AppendQuoted appends.
func quotedSize(s string) int {
	size := len(`""`) + len(s)
	for {
		plain := plainLen(s)
		if plain == len(s) {
			return size
		}
		switch s[plain] {
		case '"', '\\', '\n', '\r', '\t':
			size++
		default:
			size += len(`\u0000`) - 1
		}
		s = s[plain+1:]
	}
}

// plainLen is the number of bytes with which s begins that stand in a JSON string as they are: no quote, no
// backslash, no control character. It looks at eight at once: most of a document is such text.
func plainLen(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// A byte's high bit is set in each of the three where the byte is below 0x20, a quote, a backslash.
		// Borrows may set it in bytes above such a one, so that only the lowest counts.
		control, quote, backslash := w-ones*0x20, w^ones*'"', w^ones*'\\'
		special := (control&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & high
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
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

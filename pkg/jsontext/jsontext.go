// Package jsontext is how JSON writes a string, for those who write documents themselves: encoding/json would
// bring reflection into programs that every build starts.
//
// It refuses to know values: no numbers, no objects, no types.
package jsontext

import "math/bits"

// AppendQuoted appends s, which is UTF-8, as a JSON string. Only what JSON demands is escaped.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		plain := PlainLen(s)
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

// QuotedSize is how many bytes AppendQuoted appends.
func QuotedSize(s string) int {
	size := len(`""`) + len(s)
	for {
		plain := PlainLen(s)
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

// PlainLen is the number of bytes with which s begins that stand in a JSON string as they are: no quote, no
// backslash, no control character. It looks at eight at once: most of a document is such text.
func PlainLen(s string) int {
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

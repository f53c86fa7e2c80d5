package redact

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe returns foreign text as one line of at most limit characters that cannot do anything to a
// terminal or a log: white space is one blank, control and direction characters and broken UTF-8 are
// shown as escapes. A limit of 0 is none.
func Safe(s string, limit int) string {
	if limit <= 0 {
		limit = len(s) * 10
	}
	var b strings.Builder
	count, blank := 0, false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		shown := s[i : i+size]
		if !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 {
			shown = strings.Trim(strconv.Quote(shown), `"`)
		}
		i += size
		if unicode.IsSpace(r) {
			blank = count > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			count++
			blank = false
		}
		if n := utf8.RuneCountInString(shown); count+n > limit {
			b.WriteRune('…')
			break
		} else {
			count += n
		}
		b.WriteString(shown)
	}
	return b.String()
}

// maxQuoted bounds what a message quotes, in characters.
const maxQuoted = 60

// Quote returns the beginning of a text as a message quotes it.
func Quote(s string) string { return strconv.Quote(Safe(s, maxQuoted)) }

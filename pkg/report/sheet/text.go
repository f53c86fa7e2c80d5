package sheet

import (
	"strconv"
	"strings"
	"unicode"
)

// Line makes one line of any text: what does not print (control characters, escape codes, line breaks,
// characters that turn the direction of writing) is shown as its number.
func Line(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

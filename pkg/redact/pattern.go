package redact

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
)

// backslash is one, perhaps in a URL: what JSON put before a character stays there.
const backslash = `(?:\\|%(?:25)*5[cC])`

// maxNested bounds the depth of the pattern for a secret that breaks off; regexp allows 1000 levels.
const maxNested = 200

// pattern matches the secret however its characters were escaped, each for itself: a path escapes "+" and
// leaves "/", a JSON text within a JSON text has more than one backslash, and servers mix all of them.
func pattern(secret string) string {
	var b strings.Builder
	for _, c := range secret {
		b.WriteString(escapes(c))
	}
	return b.String()
}

// beginning matches at least the first minPart characters of the secret, and as many more as there are.
func beginning(secret string) string {
	chars := []rune(secret)
	least := min(minPart, len(chars)-1)
	if least < 1 {
		return ""
	}
	var b strings.Builder
	for _, c := range chars[:least] {
		b.WriteString(escapes(c))
	}
	rest := chars[least:]
	rest = rest[:min(len(rest), maxNested)]
	for _, c := range rest {
		b.WriteString("(?:" + escapes(c))
	}
	b.WriteString(strings.Repeat(")?", len(rest)))
	return b.String()
}

// escapes matches one character in any disguise that we know of.
func escapes(c rune) string {
	if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_') {
		return string(c)
	}
	forms := []string{backslash + `*(?:` + regexp.QuoteMeta(string(c)) + `|` + percent(c) + `)`, unicodeEscape(c), fmt.Sprintf(`&#0*%d;`, c), fmt.Sprintf(`(?i:&#x0*%x;)`, c)}
	switch c {
	case ' ':
		forms = append(forms, `\+`, `%(?:25)*2[bB]`, `\s`)
	case '\n', '\r', '\t':
		forms = append(forms, backslash+`+`+map[rune]string{'\n': "n", '\r': "r", '\t': "t"}[c], `\s`)
	case '\\':
		forms = append(forms, backslash+`+`)
	case '&':
		forms = append(forms, `(?:&amp;)+`)
	case '<':
		forms = append(forms, `&(?:amp;)*lt;`)
	case '>':
		forms = append(forms, `&(?:amp;)*gt;`)
	case '"':
		forms = append(forms, `&(?:amp;)*(?:quot|#34|#39);`)
	case '\'':
		forms = append(forms, `&(?:amp;)*(?:apos|#39);`)
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}

// percent matches the URL encoding, also when it was itself encoded.
func percent(c rune) string {
	var b strings.Builder
	for _, octet := range []byte(string(c)) {
		fmt.Fprintf(&b, `%%(?:25)*(?i:%02x)`, octet)
	}
	return b.String()
}

// unicodeEscape matches \u00fc, of JavaScript, JSON and Go.
func unicodeEscape(c rune) string {
	if hi, lo := utf16.EncodeRune(c); hi != unicode.ReplacementChar {
		return fmt.Sprintf(`%[1]s+(?i:u%04[2]x)%[1]s+(?i:u%04[3]x)|%[1]s+(?i:U%08[4]x)`, backslash, hi, lo, c)
	}
	out := fmt.Sprintf(`%s+(?i:u%04x)`, backslash, c)
	if c < 0x100 {
		out += fmt.Sprintf(`|%s+(?i:x%02x)`, backslash, c)
	}
	return out
}

package taskdef

import (
	"errors"
	"strings"
)

// shellWords splits text as a POSIX shell does, with its three ways to quote and without expanding
// anything: no variables, no globs, no operators. The libraries for it either expand, or run commands,
// or take an open quote for closed.
func shellWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a single quote is not closed")
			}
			word.WriteString(text[i+1 : i+1+end])
			i += end + 1
			inWord = true
		case '"':
			end, ok := doubleQuoted(&word, text, i+1)
			if !ok {
				return nil, errors.New("a double quote is not closed")
			}
			i = end
			inWord = true
		case '\\':
			if i+1 == len(text) {
				return nil, errors.New("a backslash stands at the end")
			}
			i++
			if text[i] != '\n' { // a backslash at the end of a line continues it
				word.WriteByte(text[i])
				inWord = true
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("no words")
	}
	return words, nil
}

// doubleQuoted reads to the closing quote and returns its place. Within, a backslash quotes only what the shell says.
func doubleQuoted(word *strings.Builder, text string, i int) (int, bool) {
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i, true
		case c == '\\' && i+1 < len(text) && strings.IndexByte("\"\\$`\n", text[i+1]) >= 0:
			if i++; text[i] != '\n' {
				word.WriteByte(text[i])
			}
		default:
			word.WriteByte(c)
		}
	}
	return i, false
}

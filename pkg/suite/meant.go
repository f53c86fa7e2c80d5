package suite

import (
	_ "embed"
	"slices"
	"strings"
)

// meanings are, line by line, words that other tools for the same work have, and what to write instead.
//
//go:embed meant.txt
var meanings string

// meant says what somebody most likely meant by a key or word that a suite does not know, or "".
func meant(word string) string {
	known := strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	for line := range strings.Lines(meanings) {
		words, help, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if slices.Contains(strings.Fields(words), known) {
			return help
		}
	}
	if key, value, ok := strings.Cut(word, ":"); ok && key != "" && value != "" {
		return "write a blank behind the colon: " + quoteless(key+": "+value)
	}
	return ""
}

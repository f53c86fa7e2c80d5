package view

import (
	"strings"
	"time"
)

// spinEvery is how long one picture of the spinner stands.
const spinEvery = 100 * time.Millisecond

// Spinner is a character that moves with the time.
func Spinner(since time.Duration) string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(since/spinEvery)%len(frames)])
}

// Bar shows a share in so many characters.
func Bar(part, whole, width int) string {
	filled := 0
	if whole > 0 {
		filled = min(max(part*width/whole, 0), width)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

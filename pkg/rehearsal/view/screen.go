package view

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// Screen is where lines are printed, with a status line that moves below them when it is a terminal.
// It may be used by several goroutines.
type Screen struct {
	W io.Writer
	// Live says that W is a terminal that understands escape codes; otherwise there is no status line.
	Live bool
	// Width returns the terminal's width in characters. When it is nil or returns zero, nothing is cut.
	Width func() int

	mu     sync.Mutex
	status string
}

const (
	// clearLine goes to the line's begin and clears it; hide and show are for the cursor.
	clearLine  = "\r\x1b[2K"
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
)

// Columns is the terminal's width, or zero.
func (s *Screen) Columns() int {
	if s.Width == nil {
		return 0
	}
	return s.Width()
}

// Print prints lines, each with its line break, above the status line.
func (s *Screen) Print(lines string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		_, _ = io.WriteString(s.W, lines)
		return
	}
	_, _ = io.WriteString(s.W, clearLine+lines+s.fitted())
}

// show replaces the status line; an empty one takes it away.
func (s *Screen) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.status {
		return
	}
	first := s.status == ""
	s.status = text
	before, after := map[bool]string{true: hideCursor}[first], map[bool]string{true: showCursor}[text == ""]
	_, _ = io.WriteString(s.W, before+clearLine+s.fitted()+after)
}

// remindEvery is the pace of plain lines where there is no status line, so that nobody waits in silence.
const remindEvery = 10 * time.Second

// Keep keeps the status line moving until the returned function is called, which takes it away. Where there is none, the
// status is printed now and then, unless it is empty.
func (s *Screen) Keep(status func(now time.Time) string) (stop func()) {
	pace, show := spinEvery, s.show
	if !s.Live {
		pace, show = remindEvery, func(text string) {
			if text != "" {
				s.Print(text + "\n")
			}
		}
	}
	end := rehearsal.Every(pace, func(now time.Time) { show(status(now)) })
	return func() {
		end()
		show("")
	}
}

// Paint puts a text into a colour, where the screen understands escape codes.
func Paint(understood bool, code, text string) string {
	if !understood {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// fitted is the status cut to the terminal: one that reached the last column would begin a second line.
func (s *Screen) fitted() string { return Cut(s.status, s.Columns()-1) }

// paint is an escape code that changes the colour.
var paint = regexp.MustCompile("\x1b\\[[^m]*m")

// visible counts the characters that are seen.
func visible(text string) int { return utf8.RuneCountInString(paint.ReplaceAllString(text, "")) }

// Cut shortens a text to so many visible characters, the last one "…" when something is missing. A width of
// less than one cuts nothing.
func Cut(text string, width int) string {
	if width < 1 || visible(text) <= width {
		return text
	}
	cut, seen := "", 0
	for _, part := range regexp.MustCompile(`(?s)\x1b\[[^m]*m|.`).FindAllString(text, -1) {
		if seen += visible(part); seen == width {
			break
		}
		cut += part
	}
	return cut + "…" + map[bool]string{true: "\x1b[0m"}[strings.Contains(cut, "\x1b[")]
}

// Wrap breaks a text at blanks so that no line is wider; the lines after the first begin with indent
// blanks. A width of less than one breaks nothing, and a word that is too long stays whole.
func Wrap(text string, width, indent int) string {
	if width < 1 || visible(text) <= width || width <= indent+20 {
		return text
	}
	lead := len(text) - len(strings.TrimLeft(text, " "))
	words := strings.Split(text[lead:], " ")
	line, before := text[:lead]+words[0], ""
	for _, word := range words[1:] {
		if visible(line)+1+visible(word) > width {
			before, line = before+line+"\n", strings.Repeat(" ", indent)+word
		} else {
			line += " " + word
		}
	}
	return before + line
}

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

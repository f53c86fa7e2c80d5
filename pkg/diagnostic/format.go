package diagnostic

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/jsontext"
)

// Format is how problems are printed.
type Format string

// The formats of --format.
const (
	// Text is "place: severity: text", with an indented help line: for people and editors.
	Text Format = "text"
	// JSON is one JSON array of objects: for programs.
	JSON Format = "json"
	// GitHub is the workflow commands that GitHub Actions turns into annotations.
	GitHub Format = "github"
)

// Formats lists the formats, for help texts and flag checks.
func Formats() []Format { return []Format{Text, JSON, GitHub} }

// Write prints the problems, sorted, in the given format. JSON is written also when there are none,
// so that a program always finds an array.
func (l List) Write(w io.Writer, f Format) error {
	sorted := l.Sorted()
	switch f {
	case JSON:
		return sorted.writeJSON(w)
	case GitHub:
		return sorted.writeGitHub(w)
	default:
		return sorted.writeText(w)
	}
}

func (l List) writeText(w io.Writer) error {
	var b strings.Builder
	for _, p := range l {
		fmt.Fprintf(&b, "%s: %s: %s\n", oneLine(p.Place.String()), p.severity(), oneLine(p.Text))
		if p.Help != "" {
			fmt.Fprintf(&b, "  help: %s\n", oneLine(p.Help))
		}
	}
	return write(w, b.String())
}

// oneLine keeps what a hostile file or name says from looking like a line of ours, and from reaching the terminal
// as an escape code.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, s)
}

// write writes nothing where there is nothing to say.
func write(w io.Writer, text string) error {
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w, text)
	return err
}

func (l List) writeJSON(w io.Writer) error {
	out := []byte("[")
	for i, p := range l {
		if i > 0 {
			out = append(out, ',')
		}
		out = p.appendJSON(append(out, "\n  {"...))
		out = append(out, "\n  }"...)
	}
	if len(l) > 0 {
		out = append(out, '\n')
	}
	_, err := w.Write(append(out, "]\n"...))
	return err
}

// appendJSON appends the members of one problem. Those that it does not have are left out.
func (p Problem) appendJSON(out []byte) []byte {
	separator := "\n    "
	member := func(name string) {
		out = append(append(out, separator...), '"')
		out = append(append(out, name...), "\": "...)
		separator = ",\n    "
	}
	text := func(name, value string) {
		if value != "" {
			member(name)
			out = jsontext.AppendQuoted(out, strings.ToValidUTF8(value, "\uFFFD")) // a file's name may be any bytes
		}
	}
	number := func(name string, value int) {
		if value != 0 {
			member(name)
			out = strconv.AppendInt(out, int64(value), 10)
		}
	}
	text("file", p.Place.File)
	number("line", p.Place.Line)
	number("column", p.Place.Col)
	text("flag", p.Place.Flag)
	text("severity", string(p.severity()))
	text("rule", p.Rule)
	text("text", p.Text)
	text("help", p.Help)
	return out
}

// writeGitHub follows "Workflow commands for GitHub Actions": properties escape more than the message.
func (l List) writeGitHub(w io.Writer) error {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, p := range l {
		var at []string
		if p.Place.File != "" {
			at = append(at, "file="+property.Replace(p.Place.File))
		}
		if p.Place.Line > 0 {
			at = append(at, fmt.Sprintf("line=%d", p.Place.Line))
		}
		if p.Place.Col > 0 {
			at = append(at, fmt.Sprintf("col=%d", p.Place.Col))
		}
		text := oneLine(p.Text)
		if p.Place.Flag != "" {
			text = oneLine(p.Place.Flag) + ": " + text
		}
		if p.Help != "" {
			text += "\nhelp: " + oneLine(p.Help)
		}
		b.WriteString("::" + string(p.severity()))
		if len(at) > 0 {
			b.WriteString(" " + strings.Join(at, ","))
		}
		b.WriteString("::" + message.Replace(text) + "\n")
	}
	return write(w, b.String())
}

func (p Problem) severity() Severity {
	if p.Fatal() {
		return Error
	}
	return Warning
}

package diagnostic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Format is how problems are printed.
type Format string

// The formats of --format.
const (
	Text   Format = "text"   // "place: severity: text", with an indented help line: for people and editors
	JSON   Format = "json"   // one JSON array of objects: for programs
	GitHub Format = "github" // the workflow commands that GitHub Actions turns into annotations
	SARIF  Format = "sarif"  // OASIS's format of 2.1.0, for code scanning
)

// Formats lists the formats, for help texts and flag checks.
func Formats() []Format { return []Format{Text, JSON, GitHub, SARIF} }

// Write prints the problems of a program, sorted, in the given format. Its name stands before what is wrong with its
// flags. JSON is written also when there are none, so that a reader always finds an array.
func (l List) Write(w io.Writer, f Format, program string) error {
	sorted := l.Sorted()
	switch f {
	case JSON:
		return WriteJSON(w, append(List{}, sorted...)) // not null
	case SARIF:
		return WriteJSON(w, sorted.sarif(program))
	default:
	}
	var text strings.Builder
	for _, p := range sorted {
		switch {
		case f == GitHub:
			text.WriteString(p.gitHub())
		case p.Flag != "":
			text.WriteString(program + ": " + p.String())
		default:
			text.WriteString(p.String())
		}
		text.WriteByte('\n')
	}
	if text.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// String is the problem as people read it, with its help on another line.
func (p Problem) String() string {
	code := strings.TrimSuffix(" ["+p.Code+"]", " []")
	text := fmt.Sprintf("%s: %s: %s%s", OneLine(p.Place.String()), p.Severity, OneLine(p.Text), code)
	if p.Help != "" {
		text += "\n  help: " + OneLine(p.Help)
	}
	return text
}

// OneLine keeps what a hostile file or name says from looking like a line of ours, and from reaching the terminal
// as an escape code, or from turning what stands beside it around.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) && r > '\u200F' {
			return utf8.RuneError
		}
		return r
	}, s)
}

// WriteJSON writes a value as it is shown, two blanks deep.
func WriteJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// sarif is the problems as one run of a tool. A flag has no place in a file.
func (l List) sarif(program string) any {
	type object = map[string]any
	results := []object{}
	for _, p := range l {
		text := p.Text
		if p.Help != "" {
			text += "\nhelp: " + p.Help
		}
		result := object{"level": p.Severity, "message": object{"text": strings.TrimPrefix(p.Flag+": "+text, ": ")}}
		if p.Code != "" {
			result["ruleId"] = p.Code
		}
		if p.Severity == Notice {
			result["level"] = "note"
		}
		if p.File != "" {
			at := object{"artifactLocation": object{"uri": (&url.URL{Path: p.File}).String()}}
			if p.Line > 0 {
				at["region"] = object{"startLine": p.Line, "startColumn": max(p.Col, 1)}
			}
			result["locations"] = []object{{"physicalLocation": at}}
		}
		results = append(results, result)
	}
	return object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": object{"name": program}}, "columnKind": "unicodeCodePoints", "results": results}},
	}
}

// gitHub follows "Workflow commands for GitHub Actions": properties escape more than the message.
func (p Problem) gitHub() string {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	number := func(n int) string { return strings.TrimLeft(strconv.Itoa(n), "0") } // none is no property
	at := ""
	for _, has := range [][2]string{{"file", p.File}, {"line", number(p.Line)}, {"col", number(p.Col)}, {"title", p.Code}} {
		if has[1] != "" {
			at += "," + has[0] + "=" + property.Replace(has[1])
		}
	}
	text := strings.TrimPrefix(OneLine(p.Flag)+": "+OneLine(p.Text), ": ")
	if p.Help != "" {
		text += "\nhelp: " + OneLine(p.Help)
	}
	return "::" + string(p.Severity) + strings.Replace(at, ",", " ", 1) + "::" + message.Replace(text)
}

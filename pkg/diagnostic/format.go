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
	text := ""
	switch f {
	case JSON:
		return WriteJSON(w, sorted.rows())
	case SARIF:
		return WriteJSON(w, sorted.sarif(program))
	case GitHub:
		text = sorted.gitHub()
	default:
		text = sorted.text(program)
	}
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w, text)
	return err
}

func (l List) text(program string) string {
	var b strings.Builder
	for _, p := range l {
		if p.Place.Flag != "" {
			b.WriteString(program + ": ")
		}
		code := ""
		if c := Code(p.Rule); c != "" {
			code = " [" + c + "]"
		}
		fmt.Fprintf(&b, "%s: %s: %s%s\n", OneLine(p.Place.String()), p.Severity, OneLine(p.Text), code)
		if p.Help != "" {
			fmt.Fprintf(&b, "  help: %s\n", OneLine(p.Help))
		}
	}
	return b.String()
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

// row is a problem as JSON, as problems.schema.json describes it.
type row struct {
	Place
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule,omitempty"`
	Code     string   `json:"code,omitempty"`
	Text     string   `json:"text,omitempty"`
	Help     string   `json:"help,omitempty"`
}

func (l List) rows() []row {
	rows := []row{} // not null
	for _, p := range l {
		rows = append(rows, row{p.Place, p.Severity, p.Rule, Code(p.Rule), p.Text, p.Help})
	}
	return rows
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
		result := object{"level": p.Severity, "message": object{"text": strings.TrimPrefix(p.Place.Flag+": "+text, ": ")}}
		if code := Code(p.Rule); code != "" {
			result["ruleId"] = code
		}
		if p.Severity == Notice {
			result["level"] = "note"
		}
		if p.Place.File != "" {
			at := object{"artifactLocation": object{"uri": (&url.URL{Path: p.Place.File}).String()}}
			if p.Place.Line > 0 {
				at["region"] = object{"startLine": p.Place.Line, "startColumn": max(p.Place.Col, 1)}
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
func (l List) gitHub() string {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, p := range l {
		var at []string
		property := func(given bool, key, value string) {
			if given {
				at = append(at, key+"="+escape.Replace(value))
			}
		}
		property(p.Place.File != "", "file", p.Place.File)
		property(p.Place.Line > 0, "line", strconv.Itoa(p.Place.Line))
		property(p.Place.Col > 0, "col", strconv.Itoa(p.Place.Col))
		property(Code(p.Rule) != "", "title", Code(p.Rule))
		text := OneLine(p.Text)
		if p.Place.Flag != "" {
			text = OneLine(p.Place.Flag) + ": " + text
		}
		if p.Help != "" {
			text += "\nhelp: " + OneLine(p.Help)
		}
		b.WriteString("::" + string(p.Severity))
		if len(at) > 0 {
			b.WriteString(" " + strings.Join(at, ","))
		}
		b.WriteString("::" + message.Replace(text) + "\n")
	}
	return b.String()
}

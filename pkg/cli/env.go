package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// ReadEnv returns the variables of a file of KEY=VALUE lines, as shells, Docker and CodeBuild users write them:
// comments, `export`, single and double quotes, values over several lines within quotes. Of two with one name the
// last wins, with a warning.
//
// It expands nothing: a $ in a value is text. It never puts a value into a message, and it refuses what readers
// of such files understand in different ways.
func ReadEnv(name, text string) (map[string]string, diagnostic.List) {
	r := envReader{name: name, text: strings.TrimPrefix(text, "\uFEFF"), line: 1, values: map[string]string{}}
	for i, c := range r.text {
		text, help := "a NUL byte", ""
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(r.text[i:], "\uFFFD"):
			text, help = "not UTF-8", "save the file as UTF-8"
		case c != 0:
			continue
		}
		r.line, r.lineStart, r.pos = 1+strings.Count(r.text[:i], "\n"), 1+strings.LastIndexByte(r.text[:i], '\n'), i
		r.report(r.col(), text, help)
		return r.values, r.problems
	}
	for r.pos < len(r.text) {
		r.entry()
	}
	return r.values, r.problems
}

type envReader struct {
	name, text string
	pos        int
	line       int
	lineStart  int
	values     map[string]string
	problems   diagnostic.List
}

// entry reads one line, or as many as its quotes hold.
func (r *envReader) entry() {
	r.blanks()
	switch {
	case r.pos >= len(r.text):
		return
	case r.text[r.pos] == '#':
		r.skipLine()
		return
	case r.text[r.pos] == '\n' || r.text[r.pos] == '\r':
		r.skipLine()
		return
	}
	if rest, ok := strings.CutPrefix(r.text[r.pos:], "export"); ok && (strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t")) {
		r.pos += len("export")
		r.blanks()
	}
	start, col, line := r.pos, r.col(), r.line
	for r.pos < len(r.text) && isNameByte(r.text[r.pos], r.pos > start) {
		r.pos++
	}
	key := r.text[start:r.pos]
	if key == "" || r.pos >= len(r.text) || r.text[r.pos] != '=' {
		r.report(col, "want KEY=VALUE with a KEY of letters, digits and _, and no space before the =", "")
		r.skipLine()
		return
	}
	r.pos++
	value, ok := r.value()
	if !ok {
		return
	}
	if _, twice := r.values[key]; twice {
		r.problems = append(r.problems, diagnostic.Problem{
			Place: diagnostic.Place{File: r.name, Line: line, Col: col}, Severity: diagnostic.Warning, Cause: diagnostic.Rule,
			Rule: "env-file-twice", Text: key + " stands here twice", Help: "the last one wins",
		})
	}
	r.values[key] = value
}

func (r *envReader) value() (string, bool) {
	if r.pos < len(r.text) && (r.text[r.pos] == '"' || r.text[r.pos] == '\'') {
		return r.quoted(r.text[r.pos])
	}
	start := r.pos
	end := len(r.text)
	if i := strings.IndexByte(r.text[start:], '\n'); i >= 0 {
		end = start + i
	}
	value := r.text[start:end]
	if strings.HasPrefix(value, "#") {
		r.report(r.col(), "a # right behind the =", "shells and Docker take it for the value, others for a comment: quote the value, or put a space before the comment")
		r.skipLine()
		return "", false
	}
	// A # begins a comment only behind white space: passwords have them too.
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
			break
		}
	}
	r.skipLine()
	return strings.Trim(value, " \t\r"), true
}

// quoted reads a value in quotes: single ones take everything literally, double ones know \n \t \r \\ \" \$.
func (r *envReader) quoted(quote byte) (string, bool) {
	col, line := r.col(), r.line
	r.pos++
	var b strings.Builder
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch {
		case c == quote:
			return b.String(), r.onlyComment()
		case c == '\\' && quote == '"' && r.pos < len(r.text):
			b.WriteString(escaped(r.text[r.pos]))
			if r.text[r.pos] == '\n' {
				r.newLine()
			}
			r.pos++
			continue
		case c == '\n':
			r.pos--
			r.newLine()
			r.pos++
		}
		b.WriteByte(c)
	}
	r.line = line
	r.report(col, "a quote is not closed", "")
	return "", false
}

func escaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '\\', '"', '$', '`':
		return string(c)
	case '\n':
		return ""
	}
	return "\\" + string(c)
}

// onlyComment reports anything but a comment behind a closing quote.
func (r *envReader) onlyComment() bool {
	at := r.pos
	r.blanks()
	if r.pos < len(r.text) && r.text[r.pos] != '\n' && r.text[r.pos] != '\r' && (r.text[r.pos] != '#' || r.pos == at) {
		r.report(r.col(), "text behind the closing quote", `quote the whole value; \" stands for a quote within double quotes`)
		r.skipLine()
		return false
	}
	r.skipLine()
	return true
}

func (r *envReader) blanks() {
	for r.pos < len(r.text) && (r.text[r.pos] == ' ' || r.text[r.pos] == '\t') {
		r.pos++
	}
}

func (r *envReader) skipLine() {
	i := strings.IndexByte(r.text[r.pos:], '\n')
	if i < 0 {
		r.pos = len(r.text)
		return
	}
	r.pos += i
	r.newLine()
	r.pos++
}

// newLine notes that the cursor stands on a line break.
func (r *envReader) newLine() {
	r.line++
	r.lineStart = r.pos + 1
}

func (r *envReader) col() int {
	return 1 + utf8.RuneCountInString(r.text[min(r.lineStart, r.pos):r.pos])
}

func (r *envReader) report(col int, text, help string) {
	r.problems = append(r.problems, diagnostic.Problem{
		Place: diagnostic.Place{File: r.name, Line: r.line, Col: col}, Severity: diagnostic.Error, Cause: diagnostic.Syntax, Text: text, Help: help,
	})
}

func isNameByte(c byte, digits bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || digits && c >= '0' && c <= '9'
}

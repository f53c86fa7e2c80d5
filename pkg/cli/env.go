package cli

import (
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// ReadEnv returns the variables of a file of KEY=VALUE lines, as shells, Docker and CodeBuild users write them:
// comments, `export`, single and double quotes, values over several lines within quotes. Of two with one name the
// last wins, with a warning.
//
// It expands nothing: a $ in a value is text. It never puts a value into a message, and it refuses what readers
// of such files understand in different ways.
func ReadEnv(name, text string) (map[string]string, diagnostic.List) {
	r := envReader{source: template.Source{Name: name, Text: text}, text: text, values: map[string]string{}}
	if bad, ok := template.Readable(&r.source); !ok {
		return r.values, diagnostic.List{bad}
	}
	r.pos = len(text) - len(strings.TrimPrefix(text, "\uFEFF"))
	for r.pos < len(text) {
		r.entry()
	}
	return r.values, r.problems
}

type envReader struct {
	source   template.Source
	text     string
	pos      int
	values   map[string]string
	problems diagnostic.List
}

// entry reads one line, or as many as its quotes hold.
func (r *envReader) entry() {
	r.blanks()
	if r.pos >= len(r.text) || strings.IndexByte("#\r\n", r.text[r.pos]) >= 0 {
		r.skipLine()
		return
	}
	if rest, ok := strings.CutPrefix(r.text[r.pos:], "export"); ok && len(strings.TrimLeft(rest, " \t")) < len(rest) {
		r.pos += len("export")
		r.blanks()
	}
	start := r.pos
	line, _, _ := strings.Cut(r.text[start:], "\n")
	key, _, ok := strings.Cut(line, "=")
	if !ok || !template.IsName(key) {
		r.report(start, "want KEY=VALUE with a KEY of letters, digits and _, and no space before the =", "")
		r.skipLine()
		return
	}
	r.pos += len(key + "=")
	value, ok := r.value()
	if !ok {
		return
	}
	if _, twice := r.values[key]; twice {
		r.problems = append(r.problems, diagnostic.Problem{
			Place: r.source.Place(start), Severity: diagnostic.Warning, Cause: diagnostic.Rule,
			Rule: "env-file-twice", Text: key + " stands here twice", Help: "the last one wins",
		})
	}
	r.values[key] = value
}

func (r *envReader) value() (string, bool) {
	start := r.pos
	if rest := r.text[start:]; strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'") {
		return r.quoted(rest[0])
	}
	r.skipLine()
	value := r.text[start:r.pos]
	if strings.HasPrefix(value, "#") {
		r.report(start, "a # right behind the =", "shells and Docker take it for the value, others for a comment: "+
			"quote the value, or put a space before the comment")
		return "", false
	}
	// A # begins a comment only behind white space: passwords have them too.
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
		}
	}
	return strings.Trim(value, " \t\r\n"), true
}

// quoted reads a value in quotes: single ones take everything literally, double ones know \n \t \r \\ \" \$ \`, and
// a line that goes on.
func (r *envReader) quoted(quote byte) (string, bool) {
	start := r.pos
	for r.pos++; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; {
		case c == quote:
			value := r.text[start+1 : r.pos]
			if quote == '"' {
				value = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`, `\"`, `"`, `\$`, "$", "\\`", "`",
					"\\\n", "").Replace(value)
			}
			r.pos++
			return value, r.onlyComment()
		case c == '\\' && quote == '"':
			r.pos++
		}
	}
	r.report(start, "a quote is not closed", "")
	return "", false
}

// onlyComment reports anything but a comment behind a closing quote.
func (r *envReader) onlyComment() bool {
	at := r.pos
	r.blanks()
	begin := r.pos
	r.skipLine()
	if rest := r.text[begin:r.pos]; rest != "" && strings.IndexByte("\r\n", rest[0]) < 0 &&
		(rest[0] != '#' || begin == at) {
		r.report(begin, "text behind the closing quote", `quote the whole value; \" stands for a quote within double quotes`)
		return false
	}
	return true
}

func (r *envReader) blanks() {
	r.pos = len(r.text) - len(strings.TrimLeft(r.text[r.pos:], " \t"))
}

// skipLine moves behind the next line break.
func (r *envReader) skipLine() {
	line, _, _ := strings.Cut(r.text[r.pos:], "\n")
	r.pos = min(r.pos+len(line)+1, len(r.text))
}

func (r *envReader) report(at int, text, help string) {
	wrong := diagnostic.Problem{Place: r.source.Place(at), Cause: diagnostic.Syntax, Text: text, Help: help}
	r.problems = append(r.problems, wrong)
}

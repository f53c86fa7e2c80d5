// Package report writes what a run of a smoke suite found: for people at a terminal, CodeBuild's report groups (JUnit),
// programs (JSON), pull requests (Markdown), and an operator at two in the morning (an HTML page that stands alone).
//
// It refuses to judge: verdict, blame and reason are the report's own, and every format shows them
// first or last, where its reader looks. It never lets a text of a server's become markup, an escape
// code or a line of its own, although the texts of a finding.Report are redacted and cleaned already.
package report

import (
	"encoding/json"
	"io"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// Writer writes a report in one format. Its only error is the writer's; the bytes are the same for the same report.
type Writer func(w io.Writer, r finding.Report) error

// ByName returns the writer of a format: text, junit, json, md or html.
func ByName(name string) (Writer, bool) {
	w, ok := map[string]Writer{"text": Terminal{}.Write, "junit": JUnit, "json": JSON, "md": Markdown, "html": HTML}[name]
	return w, ok
}

// JSON writes the report as it is, for programs: durations are whole nanoseconds, names end in _ns.
// It is a Writer. The characters <, > and & are escaped, so that the text may stand inside a page.
func JSON(w io.Writer, r finding.Report) error {
	if r.Checks == nil {
		r.Checks = []finding.CheckResult{} // a program finds a list, always
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

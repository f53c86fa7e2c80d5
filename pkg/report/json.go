package report

import (
	"encoding/json"
	"io"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

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

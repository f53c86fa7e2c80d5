// Package report writes what a run of a smoke suite found: for people at a terminal, CodeBuild's report groups (JUnit),
// programs (JSON), pull requests (Markdown), and an operator at two in the morning (an HTML page that stands alone).
//
// It refuses to judge: verdict, blame and reason are the report's own, and every format shows them
// first or last, where its reader looks. It never lets a text of a server's become markup, an escape
// code or a line of its own, although the texts of a finding.Report are redacted and cleaned already.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
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

// Known returns a verdict that can be shown: what is none of ours is an ERROR, as it is for finding.Worst.
func Known(v finding.Verdict) finding.Verdict {
	if slices.Contains([]finding.Verdict{finding.Pass, finding.Fail, finding.Inconclusive, finding.Skipped}, v) {
		return v
	}
	return finding.Error
}

// noun says a verdict inside a sentence.
func noun(v finding.Verdict) string {
	v = Known(v)
	return cmp.Or(map[finding.Verdict]string{finding.Pass: "passed", finding.Fail: "failed"}[v], strings.ToLower(string(v)))
}

func countChecks(r finding.Report) string {
	return counted(r.Checks, func(c finding.CheckResult) string {
		if c.Observe {
			return "observed"
		}
		return noun(c.Verdict)
	})
}

// countCompares is "" where nothing was compared.
func countCompares(r finding.Report) string {
	if len(r.Compares) == 0 {
		return ""
	}
	return counted(r.Compares, func(c finding.Comparison) string { return noun(c.Verdict) })
}

// counted says how many there are of each word for a verdict: "12 passed, 1 failed, 2 observed".
func counted[T any](all []T, word func(T) string) string {
	by := map[string]int{}
	for _, one := range all {
		by[word(one)]++
	}
	parts := []string{"passed", "failed", "error", "inconclusive", "skipped", "observed"}
	for i, word := range parts {
		parts[i] = filled("%d "+word, by[word])
	}
	return cmp.Or(join(", ", parts...), "none")
}

// summary is the counts of a report in one line.
func summary(r finding.Report) string {
	return join(" · ", "checks: "+countChecks(r), filled("compared: %s", countCompares(r)),
		filled("not run: %d", len(r.NotRun)), length(r.Duration),
		filled("release %s "+map[bool]string{true: "proven", false: "not proven"}[r.ReleaseProven], r.Release))
}

// blame is whose business the verdict is, or "" where it is nobody's.
func blame(r finding.Report) string {
	return strings.TrimPrefix(string(r.Blame), string(finding.BlameNone))
}

// join joins the parts that are not empty.
func join(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}

// filled is a value in its text, and "" where it is none.
func filled[T comparable](format string, value T) string {
	if value == *new(T) {
		return ""
	}
	return fmt.Sprintf(format, value)
}

// bad returns what a reader must see: the checks that do not pass, in their order, those that are only observed last.
func bad(r finding.Report) (all []finding.CheckResult) {
	for _, observed := range []bool{false, true} {
		for _, c := range r.Checks {
			if c.Observe == observed && Known(c.Verdict) != finding.Pass {
				all = append(all, c)
			}
		}
	}
	return all
}

// request is the findings of one response: they share the request, the step, the attempt and the excerpt.
type request struct {
	finding.Finding // the first of them
	failed          []finding.Finding
}

func requests(findings []finding.Finding) []request {
	var all []request
	for _, f := range findings {
		if n := len(all); n > 0 {
			last := &all[n-1]
			if last.Request == f.Request && last.Step == f.Step && last.Attempt == f.Attempt &&
				(f.Excerpt == "" || f.Excerpt == last.Excerpt) {
				last.failed = append(last.failed, f)
				continue
			}
		}
		all = append(all, request{f, []finding.Finding{f}})
	}
	return all
}

// which says where in a check the request was: "step 2, attempt 1; the same in 3 attempts".
func (q request) which() string {
	text := join(", ", filled("step %d", q.Step), filled("attempt %d", q.Attempt))
	if q.Count > 1 {
		text = strings.TrimPrefix(fmt.Sprintf("%s; the same in %d attempts", text, q.Count), "; ")
	}
	return text
}

func tally(c finding.CheckResult) string {
	switch flow, _, own := strings.Cut(c.Reason, ": "); {
	case own && c.Failures == 0 && (flow == "setup" || flow == "teardown"):
		return "its " + flow + " did not hold"
	case watched(c):
		return "watched for " + length(c.Duration)
	case c.Attempts == 0:
		return "no attempt counted"
	case c.Attempts == 1 && c.Failures == 0:
		return "1 attempt held"
	case c.Failures == 0:
		return fmt.Sprintf("all %d attempts held", c.Attempts)
	case c.Attempts == 1:
		return "the only attempt failed"
	}
	return fmt.Sprintf("%d of %d attempts failed", c.Failures, c.Attempts)
}

func readiness(r finding.Readiness) string {
	text := fmt.Sprintf("%s in %s, the last %d in a row held", Count(r.Rounds, "round"), length(r.Waited), r.Consecutive)
	if r.Relapses > 0 {
		text += fmt.Sprintf(", %s after the first right answer", Count(r.Relapses, "relapse"))
	}
	return text + filled(": %s", r.Reason)
}

// ready is the verdict on readiness and how it came to it, or "" where nobody waited.
func ready(r finding.Report) string {
	if r.Readiness == nil {
		return ""
	}
	return noun(r.Readiness.Verdict) + ", " + readiness(*r.Readiness)
}

// policy adds to an INCONCLUSIVE verdict what a gate makes of it.
func policy(r finding.Report) string {
	switch {
	case Known(r.Verdict) != finding.Inconclusive:
		return ""
	case r.InconclusiveAllowed:
		return "the suite's policy lets it pass a gate"
	case r.InconclusiveAsks:
		return "a gate asks for approval, as the suite's policy says: ask is for the hooks"
	}
	return "a gate counts it as failed"
}

// Count is a number of things in words: "1 check", "2 checks".
func Count(n int, what string) string { return compare.Count(n, what) }

// length is a duration with as many digits as a reader wants.
func length(d time.Duration) string { return compare.Length(d) }

// line is any text as one line.
func line(text string) string { return sheet.Line(text) }

// lines splits an excerpt into lines that are safe to print, without empty ones at the end.
func lines(text string) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	for i, l := range all {
		all[i] = line(strings.ReplaceAll(l, "\t", "  "))
	}
	return all
}

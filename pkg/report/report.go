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
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
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
	return cmp.Or(counted(r.Checks, func(c finding.CheckResult) string {
		if c.Observe {
			return "observed"
		}
		return noun(c.Verdict)
	}), "none")
}

func countCompares(r finding.Report) string {
	return counted(r.Compares, func(c finding.Comparison) string { return noun(c.Verdict) })
}

// counted says how many there are of each word for a verdict: "12 passed, 1 failed, 2 observed", or "" of none.
func counted[T any](all []T, word func(T) string) string {
	by := map[string]int{}
	for _, one := range all {
		by[word(one)]++
	}
	parts := []string{"passed", "failed", "error", "inconclusive", "skipped", "observed"}
	for i, word := range parts {
		parts[i] = filled("%d "+word, by[word])
	}
	return join(", ", parts...)
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

// requests groups the findings by their response: those of one share the request, step, attempt and excerpt of the first.
func requests(findings []finding.Finding) (all [][]finding.Finding) {
	var first finding.Finding
	for i, f := range findings {
		if i > 0 && f.Request == first.Request && f.Step == first.Step && f.Attempt == first.Attempt &&
			(f.Excerpt == "" || f.Excerpt == first.Excerpt) {
			all[len(all)-1] = append(all[len(all)-1], f)
			continue
		}
		first = f
		all = append(all, []finding.Finding{f})
	}
	return all
}

// which says where in a check the request was: "step 2, attempt 1; the same in 3 attempts".
func which(q finding.Finding) string {
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
	return fmt.Sprintf("%s in %s, the last %d in a row held", Count(r.Rounds, "round"), length(r.Waited), r.Consecutive) +
		map[bool]string{true: ", " + Count(r.Relapses, "relapse") + " after the first right answer"}[r.Relapses > 0] +
		filled(": %s", r.Reason)
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

// Two values are alike for people, below that ratio; from worse on slow answers are told where the median is alike.
const alike, worse = 1.1, 1.25

// Plain says in a line for everybody what a comparison found: "search is 51× slower: 153 ms, before 3 ms".
func Plain(c finding.Comparison) string {
	slower := func(what string, now, before time.Duration) string {
		return times(what, [3]string{"slower", "as fast as before", "faster"}, float64(now)/float64(before), plot.Label(now),
			plot.Label(before))
	}
	v, slow := Known(c.Verdict), float64(c.GreenP50) >= worse*float64(c.BlueP50)
	said := slower(c.Check, c.GreenP50, c.BlueP50)
	switch {
	case v == finding.Fail && !slow && c.GreenErrors > c.BlueErrors:
		return fmt.Sprintf("%s fails: %s of the new version went wrong, of the old one %d", c.Check,
			Count(c.GreenErrors, "answer"), c.BlueErrors)
	case (c.GreenP50 <= 0 || c.BlueP50 <= 0) && (v == finding.Pass || v == finding.Fail) && c.Reason != "":
		return c.Check + ": " + c.Reason
	case c.GreenP50 <= 0 || c.BlueP50 <= 0:
		return c.Check + " could not be compared"
	case v != finding.Pass && !slow && float64(c.GreenP95) > worse*float64(c.BlueP95):
		said = slower("one answer in twenty of "+c.Check, c.GreenP95, c.BlueP95)
	}
	if v == finding.Inconclusive || v == finding.Error {
		said += ", but that is not certain"
	}
	return said
}

// times says how many times as much a value is as before. Words are for more, as much and less.
func times(what string, words [3]string, ratio float64, now, before string) string {
	word, digits := words[1], 1
	if most := max(ratio, 1/ratio); most >= alike {
		if word = words[0]; ratio < 1 {
			word = words[2]
		}
		if most >= 9.95 {
			digits = 0
		}
		word = fmt.Sprintf("%.*f× %s", digits, most, word)
	}
	return fmt.Sprintf("%s is %s: %s, before %s", what, word, now, before)
}

// plainSeries says the same of what AWS measured: of times by the median of the minutes, of all else by the mean.
func plainSeries(s finding.Series) string {
	now, before := middle(s.Green, s.Unit), middle(s.Blue, s.Unit)
	text := func(v float64) string { return strings.TrimSpace(plot.Digits(v) + " " + s.Unit) }
	switch {
	case now < 0:
		return s.Name + ": nothing was measured of the new version"
	case before < 0:
		return fmt.Sprintf("%s is %s; of the old version nothing was measured", s.Name, text(now))
	case before == 0 || now == 0:
		return fmt.Sprintf("%s is %s, before %s", s.Name, text(now), text(before))
	}
	return times(s.Name, [3]string{"higher", "as before", "lower"}, now/before, text(now), text(before))
}

// middle is that of the minutes in which something was measured, or -1.
func middle(all []float64, unit string) float64 {
	all, sum := slices.DeleteFunc(slices.Clone(all), func(v float64) bool { return v < 0 }), 0.0
	slices.Sort(all)
	for _, v := range all {
		sum += v
	}
	switch {
	case len(all) == 0:
		return -1
	case unit == "ms":
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	return sum / float64(len(all))
}

// watched tells whether a check is one that AWS's measurements were held to.
func watched(c finding.CheckResult) bool {
	return strings.HasPrefix(c.Check, string(finding.PhaseWatch)+": ")
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

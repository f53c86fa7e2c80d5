package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report/sheet"
)

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

func countCompares(r finding.Report) string {
	return counted(r.Compares, func(c finding.Comparison) string { return noun(c.Verdict) })
}

// counted says how many there are of each word for a verdict: "12 passed, 1 failed, 2 observed".
func counted[T any](all []T, word func(T) string) string {
	by, parts := map[string]int{}, []string(nil)
	for _, one := range all {
		by[word(one)]++
	}
	for _, word := range []string{"passed", "failed", "error", "inconclusive", "skipped", "observed"} {
		if n := by[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// summary is the counts of a report in one line.
func summary(r finding.Report) string {
	parts := []string{"checks: " + countChecks(r)}
	if len(r.Compares) > 0 {
		parts = append(parts, "compared: "+countCompares(r))
	}
	if len(r.NotRun) > 0 {
		parts = append(parts, fmt.Sprintf("not run: %d", len(r.NotRun)))
	}
	parts = append(parts, length(r.Duration))
	if r.Release != "" {
		parts = append(parts, "release "+r.Release+map[bool]string{true: " proven", false: " not proven"}[r.ReleaseProven])
	}
	return strings.Join(parts, " · ")
}

// bad returns what a reader must see: the checks that do not pass, in the suite's order, those that
// are only observed last.
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
	var parts []string
	if q.Step > 0 {
		parts = append(parts, fmt.Sprintf("step %d", q.Step))
	}
	if q.Attempt > 0 {
		parts = append(parts, fmt.Sprintf("attempt %d", q.Attempt))
	}
	text := strings.Join(parts, ", ")
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
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// Count is a number of things in words: "1 check", "2 checks".
func Count(n int, what string) string { return compare.Count(n, what) }

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

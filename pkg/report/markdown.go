package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// Markdown writes for a pull request or a job summary (GitHub's flavour). It is a Writer. All that came
// from outside stands in code, where it is neither markup nor a link nor a mention of anybody.
func Markdown(w io.Writer, r finding.Report) error {
	var b strings.Builder
	v := Known(r.Verdict)
	fmt.Fprintf(&b, "## %s: %s\n\n", v, code(r.Suite))
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n\n", code(r.Reason))
	}
	if r.Blame != "" && r.Blame != finding.BlameNone {
		fmt.Fprintf(&b, "Blame: **%s**\n\n", line(string(r.Blame)))
	}
	if extra := policy(r); extra != "" {
		fmt.Fprintf(&b, "Inconclusive: %s.\n\n", extra)
	}
	markdownFacts(&b, r)
	for _, c := range bad(r) {
		markdownCheck(&b, c)
	}
	markdownCompares(&b, r.Compares)
	markdownList(&b, "Not run", r.NotRun, func(n finding.NotRun) string { return code(n.Check) + ": " + code(n.Why) })
	markdownList(&b, "Warnings", r.Warnings, code)
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownList[T any](b *strings.Builder, heading string, all []T, item func(T) string) {
	for i, one := range all {
		fmt.Fprintf(b, "%s- %s\n", map[bool]string{true: "### " + heading + "\n\n"}[i == 0], item(one))
	}
	b.WriteString(map[bool]string{true: "\n"}[len(all) > 0])
}

func markdownFacts(b *strings.Builder, r finding.Report) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, cell(value))
		}
	}
	b.WriteString("| | |\n| --- | --- |\n")
	if r.Release != "" {
		row("release", r.Release+map[bool]string{true: " (proven)", false: " (not proven)"}[r.ReleaseProven])
	}
	row("target", r.Target)
	row("baseline", r.Baseline)
	row("deployment", r.DeploymentID)
	if r.Readiness != nil {
		row("ready", noun(r.Readiness.Verdict)+", "+readiness(*r.Readiness))
	}
	row("checks", countChecks(r))
	if len(r.Compares) > 0 {
		row("compared", countCompares(r))
	}
	row("took", length(r.Duration))
	b.WriteByte('\n')
}

func markdownCheck(b *strings.Builder, c finding.CheckResult) {
	fmt.Fprintf(b, "### %s: %s\n\n", noun(c.Verdict), code(c.Check))
	if c.Observe {
		b.WriteString("Observed only, does not count. ")
	}
	fmt.Fprintf(b, "%s, %s\n\n", code(c.Place.String()), tally(c))
	if c.Reason != "" && (len(c.Findings) == 0 || Known(c.Verdict) == finding.Inconclusive) {
		fmt.Fprintf(b, "%s\n\n", code(c.Reason))
	}
	for _, q := range requests(c.Findings) {
		fmt.Fprintf(b, "%s", code(q.Request))
		if which := q.which(); which != "" {
			fmt.Fprintf(b, " (%s)", which)
		}
		b.WriteString("\n\n| where | what | expected | got |\n| --- | --- | --- | --- |\n")
		for _, f := range q.failed {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(f.Place.String()), cell(f.Subject), cell(f.Expected), cell(f.Got))
		}
		b.WriteByte('\n')
		if text := lines(q.Excerpt); len(text) > 0 {
			fence := fenceOf(q.Excerpt, 3)
			fmt.Fprintf(b, "%s\n%s\n%s\n\n", fence, strings.Join(text, "\n"), fence)
		}
	}
}

func markdownCompares(b *strings.Builder, all []finding.Comparison) {
	if len(all) == 0 {
		return
	}
	b.WriteString("### Green against blue\n\n| what | verdict | pairs | median | p95 | errors | why |\n| --- | --- | " +
		"--: | --- | --- | --- | --- |\n")
	for _, c := range all {
		fmt.Fprintf(b, "| %s | %s | %d | %s against %s | %s against %s | %d against %d | %s |\n", cell(Plain(c)),
			Known(c.Verdict), c.Pairs, length(c.GreenP50), length(c.BlueP50), length(c.GreenP95), length(c.BlueP95),
			c.GreenErrors, c.BlueErrors, cell(c.Reason))
	}
	b.WriteByte('\n')
}

// code puts a text into a code span whose fence is longer than any run of backticks in it.
func code(text string) string {
	text = line(text)
	if text == "" {
		return "(empty)"
	}
	fence := fenceOf(text, 1)
	// Spaces keep a backtick at an end from joining the fence; Markdown takes one off each end.
	if strings.ContainsAny(text[:1]+text[len(text)-1:], "` ") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// cell is code in a table, where a bar would end the cell even inside code.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

func fenceOf(text string, least int) string {
	fence := strings.Repeat("`", least)
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}

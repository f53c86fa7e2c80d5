package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// Markdown writes for a pull request or a job summary (GitHub's flavour). It is a Writer. All that came
// from outside stands in code, where it is neither markup nor a link nor a mention of anybody.
func Markdown(w io.Writer, r finding.Report) error {
	var b strings.Builder
	v := Known(r.Verdict)
	fmt.Fprintf(&b, "## %s: %s\n\n", v, code(r.Suite))
	optional(&b, "%s\n\n", r.Reason, code)
	optional(&b, "Blame: **%s**\n\n", blame(r), line)
	optional(&b, "Inconclusive: %s.\n\n", policy(r), line)
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

// optional writes a text that is not empty.
func optional(b *strings.Builder, format, text string, as func(string) string) {
	if text != "" {
		fmt.Fprintf(b, format, as(text))
	}
}

func markdownFacts(b *strings.Builder, r finding.Report) {
	b.WriteString("| | |\n| --- | --- |\n")
	proof := map[bool]string{true: "(proven)", false: "(not proven)"}[r.ReleaseProven]
	for fact := range slices.Chunk([]string{
		"release", filled("%s "+proof, r.Release), "target", r.Target, "baseline", r.Baseline, "deployment", r.DeploymentID,
		"ready", ready(r), "checks", countChecks(r), "compared", countCompares(r), "took", length(r.Duration),
	}, 2) {
		optional(b, "| "+fact[0]+" | %s |\n", fact[1], cell)
	}
	b.WriteByte('\n')
}

func markdownCheck(b *strings.Builder, c finding.CheckResult) {
	fmt.Fprintf(b, "### %s: %s\n\n", noun(c.Verdict), code(c.Check))
	if c.Observe {
		b.WriteString("Observed only, does not count. ")
	}
	fmt.Fprintf(b, "%s, %s\n\n", code(c.Place.String()), tally(c))
	if len(c.Findings) == 0 || Known(c.Verdict) == finding.Inconclusive {
		optional(b, "%s\n\n", c.Reason, code)
	}
	for _, q := range requests(c.Findings) {
		b.WriteString(code(q[0].Request))
		optional(b, " (%s)", which(q[0]), line)
		b.WriteString("\n\n| where | what | expected | got |\n| --- | --- | --- | --- |\n")
		for _, f := range q {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(f.Place.String()), cell(f.Subject), cell(f.Expected), cell(f.Got))
		}
		b.WriteByte('\n')
		if text := lines(q[0].Excerpt); len(text) > 0 {
			fence := fenceOf(q[0].Excerpt, 3)
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

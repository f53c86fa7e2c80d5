package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// Terminal writes for people at a terminal: every failed assertion with what was expected and what
// came, then the counts, and the verdict as the last line, where a terminal's reader looks first.
type Terminal struct {
	Color  bool   // turns on colours. Whether the terminal wants them is the caller's to know.
	Width  int    // the terminal's, in characters; excerpts and quoted lines are cut to it. Zero cuts nothing.
	Source []byte // the suite's text, of which the line that failed is quoted; redacted by the caller. Optional.
	Quiet  bool   // leaves out what passed: only what failed, and the verdict line
}

// The numbers of SGR escape codes.
const bold, dim, red, green, yellow, purple = "1", "2", "31", "32", "33", "35"

// Write is a Writer.
func (t Terminal) Write(w io.Writer, r finding.Report) error {
	p := &printer{Terminal: t}
	for _, c := range bad(r) {
		p.check(c)
	}
	p.compares(r.Compares)
	for _, n := range r.NotRun {
		p.say("%s %s: %s\n", p.paint(yellow, "not run:"), line(n.Check), line(n.Why))
	}
	for _, warning := range r.Warnings {
		p.say("%s %s\n", p.paint(yellow, "warning:"), line(warning))
	}
	p.end(r)
	_, err := io.WriteString(w, p.b.String())
	return err
}

type printer struct {
	Terminal
	b strings.Builder
}

func (p *printer) say(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *printer) paint(style, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func colorOf(v finding.Verdict) string {
	return cmp.Or(map[finding.Verdict]string{
		finding.Pass: green, finding.Fail: red, finding.Inconclusive: yellow, finding.Skipped: yellow,
	}[v], purple)
}

func (p *printer) check(c finding.CheckResult) {
	word := noun(c.Verdict)
	if c.Observe {
		word = "observed, does not count: " + word
	}
	p.say("%s %s: %s\n", p.paint(colorOf(c.Verdict), word+":"), p.paint(bold, line(c.Check)), tally(c))
	all := requests(c.Findings)
	if at := c.Place.String(); len(all) == 0 && at != "" {
		p.say("  --> %s\n", line(at))
	}
	// The reason repeats the first finding; it is told where it says more.
	if len(all) == 0 && c.Reason != "" || Known(c.Verdict) == finding.Inconclusive {
		p.say("   = %s\n", line(c.Reason))
	}
	for _, q := range all {
		p.request(q)
	}
	p.say("\n")
}

// request prints the failed assertions on one response in hurl's layout.
func (p *printer) request(failed []finding.Finding) {
	q := failed[0]
	gutter := strings.Repeat(" ", max(2, len(strconv.Itoa(q.Place.Line))))
	bar := gutter + " " + p.paint(dim, "|")
	p.say("%s %s\n", strings.Repeat(" ", len(gutter))+p.paint(dim, "-->"), line(q.Place.String()))
	p.say("%s %s", bar, line(q.Request))
	p.say("%s\n", filled("  %s", p.paint(dim, filled("(%s)", which(q)))))
	quoted := 0
	for _, f := range failed {
		if text, ok := p.quote(f.Place); ok && f.Place.Line != quoted {
			if quoted == 0 {
				p.say("%s ...\n", bar)
			}
			quoted = f.Place.Line
			p.say("%*d %s %s\n", len(gutter), f.Place.Line, p.paint(dim, "|"), p.cut(text, len(gutter)+3))
		}
		p.say("%s   %s\n", bar, line(f.Subject))
		p.say("%s     expected: %s\n", bar, p.paint(green, line(f.Expected)))
		p.say("%s     got:      %s\n", bar, p.paint(red, line(f.Got)))
	}
	for i, text := range lines(q.Excerpt) {
		if i == 0 {
			p.say("%s   response:\n", bar)
		}
		p.say("%s     %s\n", bar, p.cut(text, len(gutter)+7))
	}
}

// quote returns the line of the suite that a place names, without its indentation's excess.
func (p *printer) quote(at diagnostic.Place) (string, bool) {
	source := strings.Split(string(p.Source), "\n")
	if at.Line < 1 || at.Line > len(source) || len(p.Source) == 0 {
		return "", false
	}
	return line(strings.ReplaceAll(strings.TrimRight(source[at.Line-1], "\r\n "), "\t", "  ")), true
}

// cut shortens a text that stands behind so many characters to the terminal's width.
func (p *printer) cut(text string, behind int) string {
	room := p.Width - behind
	if p.Width <= 0 || utf8.RuneCountInString(text) <= room {
		return text
	}
	if room < 2 {
		return "…"
	}
	return string([]rune(text)[:room-1]) + "…"
}

func (p *printer) compares(all []finding.Comparison) {
	for _, c := range all {
		if Known(c.Verdict) == finding.Pass && p.Quiet {
			continue
		}
		p.say("%s %s\n", p.paint(colorOf(c.Verdict), "compare "+noun(c.Verdict)+":"), p.paint(bold, line(Plain(c))))
		if c.Place.File != "" && Known(c.Verdict) != finding.Pass {
			p.say("  --> %s\n", line(c.Place.String()))
		}
		p.say("   = %s\n", line(c.Reason))
		p.say("   = green  median %-8s p95 %-8s %d failed, %d pairs\n", length(c.GreenP50), length(c.GreenP95), c.GreenErrors,
			c.Pairs)
		p.say("   = blue   median %-8s p95 %-8s %d failed\n\n", length(c.BlueP50), length(c.BlueP95), c.BlueErrors)
	}
}

func (p *printer) end(r finding.Report) {
	if !p.Quiet {
		p.say("%s", filled("ready: %s\n", line(ready(r))))
		p.say("%s\n", line(summary(r)))
	}
	v := Known(r.Verdict)
	p.say("%s", p.paint(bold+";"+colorOf(v), string(v)))
	p.say("%s %s%s%s", filled(" (%s)", line(blame(r))), line(r.Suite), filled(": %s", line(r.Reason)),
		filled(" (%s)", policy(r)))
	p.say("\n")
}

// Package timeline tells a rehearsal to a person at a terminal: each step as it happens, and at the end
// one screen that says what happened and why.
//
// It refuses to decide anything: it prints what the events and the result say.
package timeline

import (
	"fmt"
	"io"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Printer prints events as they come. It is used by one goroutine at a time.
type Printer struct {
	W io.Writer
	// Colour says that W understands escape codes.
	Colour bool
	// Quiet leaves out what tasks and hooks write, and passed checks.
	Quiet bool

	began map[deployment.EventName]time.Time
	hooks map[deployment.EventName]bool
}

// The widths of the columns: a lifecycle event's name has at most 21 letters.
const (
	nameWidth  = 22
	checkWidth = 24
	indent     = "            "
)

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

func (p *Printer) paint(code, text string) string {
	if !p.Colour || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *Printer) line(e rehearsal.Event, format string, args ...any) {
	_, _ = fmt.Fprintf(p.W, "%s  %s\n", p.paint(dim, fmt.Sprintf("%8.2fs", e.Since.Seconds())), fmt.Sprintf(format, args...))
}

// Print prints one event.
func (p *Printer) Print(e rehearsal.Event) {
	if p.began == nil {
		p.began, p.hooks = map[deployment.EventName]time.Time{}, map[deployment.EventName]bool{}
	}
	switch e.Kind {
	case rehearsal.KindNote:
		p.line(e, "%s", e.Text)
	case rehearsal.KindShift:
		p.line(e, "%-*s %s", nameWidth, "", p.paint(bold, e.Text))
	case rehearsal.KindWarning:
		p.line(e, "%-*s %s", nameWidth, e.Lifecycle, p.paint(yellow, e.Text))
	case rehearsal.KindRollback:
		p.line(e, "%s", p.paint(bold, "rollback: "+e.Text))
	case rehearsal.KindBegin:
		p.began[e.Lifecycle] = e.At
	case rehearsal.KindHook:
		p.hooks[e.Lifecycle] = true
		p.line(e, "%-*s %s", nameWidth, e.Lifecycle, e.Text)
	case rehearsal.KindCheck:
		p.check(e.Check)
	case rehearsal.KindVerdict:
		p.verdict(e.Verdict)
	case rehearsal.KindEnd:
		p.end(e)
	case rehearsal.KindLog:
		if !p.Quiet {
			_, _ = fmt.Fprintf(p.W, "%s%s\n", indent, p.paint(dim, e.Source+" | "+e.Text))
		}
	}
}

func (p *Printer) end(e rehearsal.Event) {
	colour := green
	if e.Status != deployment.EventSucceeded {
		colour = red
	}
	text := p.paint(colour, string(e.Status))
	if p.hooks[e.Lifecycle] {
		text += fmt.Sprintf(" after %.2fs", e.At.Sub(p.began[e.Lifecycle]).Seconds())
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	p.line(e, "%-*s %s", nameWidth, e.Lifecycle, text)
}

func (p *Printer) check(c *rehearsal.Check) {
	mark, colour := "✓", green
	switch {
	case c.Verdict == "PASS" && p.Quiet:
		return
	case c.Verdict == "PASS":
	case c.Observe:
		mark, colour = "~", yellow
	default:
		mark, colour = "✗", red
	}
	what := fmt.Sprintf("%d of %d attempts passed", c.Attempts-c.Failures, c.Attempts)
	if c.Compare != nil {
		what = fmt.Sprintf("%d pairs, p50 %.1f ms (blue %.1f), p95 %.1f ms (blue %.1f)", c.Compare.Pairs, c.Compare.GreenP50, c.Compare.BlueP50, c.Compare.GreenP95, c.Compare.BlueP95)
	}
	if c.Verdict != "PASS" {
		what = c.Verdict + ", " + what
		if c.Reason != "" {
			what += ": " + c.Reason
		}
		if c.Observe {
			what += " (observed only)"
		}
	} else if c.Compare == nil {
		what += fmt.Sprintf(", %.0f ms", float64(c.Duration)/float64(time.Millisecond))
	}
	_, _ = fmt.Fprintf(p.W, "%s%s %-*s %s\n", indent, p.paint(colour, mark), checkWidth, c.Name, what)
}

func (p *Printer) verdict(v *rehearsal.Verdict) {
	colour := green
	text := v.Verdict
	if v.Verdict != "PASS" {
		colour = red
		text += " (blame: " + v.Blame + ")"
	}
	_, _ = fmt.Fprintf(p.W, "%s%s\n", indent, p.paint(colour, "the hook says "+text))
}

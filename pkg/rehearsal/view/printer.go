// Package view shows a rehearsal to a person: at a terminal each step as it happens, and at the end one screen
// that says what happened and why; and as a page, one HTML file that stands alone, with the timeline, what
// each hook found, and which release answered which request.
//
// It refuses to decide anything: it shows what the events and the result say.
package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Printer prints events as they come: each a line, and on a terminal a status line below them that moves.
type Printer struct {
	Screen *Screen
	// Colour says that the screen understands escape codes.
	Colour bool
	// Quiet leaves out what tasks and hooks write, and passed checks. Verbose shows all that tasks write; otherwise it is
	// the end of it, where something failed.
	Quiet, Verbose bool
	// Events are what the deployment goes through: lifecycle events, or stages.
	Events []lifecycle.Name

	mu sync.Mutex
	// began is when the rehearsal did, entered when the event under way did, and hooked says that this has a hook.
	began, entered time.Time
	hooked         bool
	current        lifecycle.Name
	step           int
	ended          map[lifecycle.Name]deployment.EventStatus
	rollingBack    bool
	passed, failed int
	// weights are the production listener's, in percent.
	weights          map[string]int
	requests, errors int64
	// came is what came last, kept that the rehearsal is over, and all goes on running.
	came string
	kept bool
	// tails are each task's last lines that were not shown, told counts those that were.
	tails map[string][]string
	told  int
}

// The widths of the columns.
const (
	checkWidth = 24
	indent     = "            "
	// nameBegin is where an event's name begins; noteHang and checkHang are where the lines after the first of a note and
	// of a check begin.
	nameBegin, noteHang, checkHang = 12, 11, 14
	// glue is a blank at which no line is broken.
	glue = "\u00a0"
	// shareWidth is how wide the shares of a listener's traffic are drawn.
	shareWidth = 8
	// tailLines is how many lines of a task are shown where something failed, maxTold how many in all.
	tailLines, maxTold = 10, 200
)

const red, green, yellow, blue, bold, dim = "31", "32", "33", "34", "1", "2"

// width is that of the column of names.
func (p *Printer) width() (most int) {
	for _, name := range p.Events {
		most = max(most, len(name)+1)
	}
	return most
}

// label is an event's name, with the step of a shift that has several.
func label(name lifecycle.Name, step int) string {
	if step == 0 {
		return string(name)
	}
	return fmt.Sprintf("%s %d", name, step)
}

// when is a text where something is so, and nothing elsewhere.
func when(is bool, format string, args ...any) string {
	if !is {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func goodOrBad(good bool) string { return map[bool]string{true: green, false: red}[good] }

func (p *Printer) paint(code, text string) string { return Paint(p.Colour, code, text) }

// out prints one line, broken at the terminal's width, but never at a glue.
func (p *Printer) out(text string, hang int) {
	p.Screen.Print(strings.ReplaceAll(Wrap(text, p.Screen.Columns(), hang), glue, " ") + "\n")
}

// line prints a line about an event, behind its name where it has one.
func (p *Printer) line(e rehearsal.Event, text string) {
	begin, named := noteHang, e.Lifecycle != "" || e.Kind == rehearsal.KindShift
	if named {
		begin = nameBegin + p.width()
	}
	if named || e.Kind == rehearsal.KindWarning {
		text = fmt.Sprintf("%-*s %s", p.width(), label(e.Lifecycle, e.Step), text)
	}
	p.out(p.paint(dim, fmt.Sprintf("%8.2fs", e.Since.Seconds()))+"  "+text, begin)
}

// Live keeps the status line moving until the returned function is called, which takes it away.
func (p *Printer) Live() (stop func()) { return p.Screen.Keep(p.status) }

// Print prints one event.
func (p *Printer) Print(e rehearsal.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended == nil {
		p.began, p.ended = e.At.Add(-e.Since), map[lifecycle.Name]deployment.EventStatus{}
		p.tails = map[string][]string{}
	}
	switch e.Kind {
	case rehearsal.KindTraffic: // for the status line alone
		p.requests, p.errors, p.came = 0, 0, e.Text
		for _, t := range e.Tallies {
			if t.Listener == "production" {
				p.requests, p.errors = p.requests+t.Requests, p.errors+t.Errors
			}
		}
	case rehearsal.KindNote:
		p.kept = p.kept || strings.HasPrefix(e.Text, rehearsal.Kept)
		p.line(e, e.Text)
	case rehearsal.KindShift:
		if e.Listener == "production" {
			p.weights = e.Weights
		}
		p.line(e, p.paint(bold, e.Text)+p.shares(e))
	case rehearsal.KindWarning:
		p.line(e, p.paint(yellow, e.Text))
		if e.Source != "" {
			p.tasks(e.Source)
		}
	case rehearsal.KindRollback:
		p.rollingBack = true
		p.line(e, p.paint(bold, "rollback: "+e.Text))
	case rehearsal.KindBegin:
		p.entered, p.hooked = e.At, false
		p.current, p.step, p.passed, p.failed = e.Lifecycle, e.Step, 0, 0
		delete(p.ended, e.Lifecycle) // of the step before
	case rehearsal.KindHook:
		p.hooked = true
		p.line(e, e.Text)
	case rehearsal.KindCheck:
		p.check(e.Check)
		if e.Check.Verdict != "PASS" && !e.Check.Observe {
			p.tasks("green/")
		}
	case rehearsal.KindVerdict:
		good := e.Verdict.Verdict == "PASS"
		text := "the hook says " + e.Verdict.Verdict + when(!good, " (blame: %s)", e.Verdict.Blame)
		p.out(indent+p.paint(goodOrBad(good), text), checkHang)
	case rehearsal.KindEnd:
		p.ended[e.Lifecycle] = e.Status
		p.end(e)
	case rehearsal.KindLog:
		p.log(e)
	}
}

// log prints what somebody wrote, or keeps the end of what a task did.
func (p *Printer) log(e rehearsal.Event) {
	text := Cut(indent+p.paint(dim, e.Source+" | "+e.Text), p.Screen.Columns()) + "\n"
	switch ofTask := strings.Contains(e.Source, "/"); {
	case p.Quiet:
	case ofTask && !p.Verbose:
		tail := append(p.tails[e.Source], text)
		p.tails[e.Source] = tail[max(0, len(tail)-tailLines):]
	default:
		p.Screen.Print(text)
	}
}

// tasks shows the end of what the tasks wrote whose names begin so, each line once.
func (p *Printer) tasks(named string) {
	for _, task := range slices.Sorted(maps.Keys(p.tails)) {
		if strings.HasPrefix(task, named) && p.told < maxTold {
			p.Screen.Print(strings.Join(p.tails[task], ""))
			p.told += len(p.tails[task])
			delete(p.tails, task)
		}
	}
}

func (p *Printer) end(e rehearsal.Event) {
	text := p.paint(goodOrBad(e.Status == deployment.EventSucceeded), string(e.Status))
	if rehearsal.Idle(e.Status, e.Text) {
		text, e.Text = p.paint(dim, e.Text), ""
	}
	text += when(p.hooked, " after %.2fs", e.At.Sub(p.entered).Seconds()) + when(e.Text != "", ": %s", e.Text)
	p.hooked = false
	p.line(e, text)
	if e.Status == deployment.EventFailed {
		p.tasks("green/")
	}
}

func (p *Printer) check(c *rehearsal.Check) {
	mark, colour := "✓", green
	if c.Verdict == "PASS" {
		if p.passed++; p.Quiet {
			return
		}
	} else if p.failed++; c.Observe {
		mark, colour = "~", yellow
	} else {
		mark, colour = "✗", red
	}
	what := fmt.Sprintf("%d of %d attempts passed", c.Attempts-c.Failures, c.Attempts)
	if strings.HasPrefix(c.Name, "watch: ") {
		what = fmt.Sprintf("minutes watched: %d", c.Attempts)
	}
	if c.Compare != nil {
		what = fmt.Sprintf("%d pairs, "+glued("p50 %.1f ms (blue %.1f),")+" "+glued("p95 %.1f ms (blue %.1f)"),
			c.Compare.Pairs, c.Compare.GreenP50, c.Compare.BlueP50, c.Compare.GreenP95, c.Compare.BlueP95)
	}
	if c.Verdict != "PASS" {
		what = c.Verdict + ", " + what + when(c.Reason != "", ": %s", c.Reason) + when(c.Observe, " (observed only)")
	} else if c.Compare == nil {
		what += fmt.Sprintf(", %.0f ms", float64(c.Duration)/float64(time.Millisecond))
	}
	p.out(fmt.Sprintf("%s%s %-*s %s", indent, p.paint(colour, mark), checkWidth, c.Name, what), checkHang)
}

// glued keeps a text on one line.
func glued(text string) string { return strings.ReplaceAll(text, " ", glue) }

// status is the line that moves: time, the lifecycle events, the one under way, who serves production, what came last.
// Where nothing moves it ends with the rehearsal, and nobody who wants it quiet is told.
func (p *Printer) status(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case (p.kept || p.Quiet) && !p.Screen.Live:
		return ""
	case p.began.IsZero():
		return Spinner(0) + " starting blue"
	}
	since := now.Sub(p.began)
	text := fmt.Sprintf("%8.2fs  waits: ", since.Seconds())
	if p.Screen.Live {
		text = fmt.Sprintf("%s %5.1fs ", Spinner(since), since.Seconds())
	}
	for _, name := range p.Events {
		text += p.dot(name)
	}
	switch {
	case p.rollingBack:
		text += p.paint(bold, " rolling back")
	case p.current != "":
		text += " " + p.paint(bold, label(p.current, p.step))
	case len(p.weights) == 0:
		text += p.paint(bold, " starting blue")
	}
	return text +
		when(p.passed > 0, p.paint(green, " ✓%d"), p.passed) +
		when(p.failed > 0, p.paint(red, " ✗%d"), p.failed) +
		"  " + p.mix(p.weights) +
		when(p.errors > 0, p.paint(red, "  %d of %d failed"), p.errors, p.requests) +
		when(p.errors == 0 && p.requests > 0, "  %d req", p.requests) +
		when(p.came != "", p.paint(dim, "  last: %s"), p.came)
}

// dot is a lifecycle event in one character.
func (p *Printer) dot(name lifecycle.Name) string {
	switch status, ended := p.ended[name]; {
	case ended && status == deployment.EventSucceeded:
		return p.paint(green, "●")
	case ended && status == deployment.EventSkipped:
		return p.paint(dim, "–")
	case ended:
		return p.paint(red, "✗")
	case name == p.current:
		return "◐"
	}
	return p.paint(dim, "○")
}

// mix draws who gets how much of a listener's traffic, each release in its place; it can be read without colours.
func (p *Printer) mix(weights map[string]int) string {
	releases := slices.Sorted(maps.Keys(weights))
	if len(releases) != 2 {
		return ""
	}
	one, other := weights[releases[0]], weights[releases[1]]
	first := one * shareWidth / 100
	if one > 0 {
		first = max(first, 1)
	}
	if other > 0 {
		first = min(first, shareWidth-1)
	}
	return fmt.Sprintf("%s %s%s %s %d %%", releases[0], p.paint(blue, strings.Repeat("█", first)),
		p.paint(green, strings.Repeat("▒", shareWidth-first)), releases[1], other)
}

// shares is the picture behind a shift's text, on a terminal that has room for it.
func (p *Printer) shares(e rehearsal.Event) string {
	picture := "  " + p.mix(e.Weights)
	if !p.Screen.Live || p.Screen.Columns() < nameBegin+p.width()+visible(e.Text)+visible(picture) {
		return ""
	}
	return picture
}

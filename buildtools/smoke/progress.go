package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// drawEvery is how often the line of progress is drawn anew: often enough to look alive. remindEvery is the pace of
// plain lines where it cannot be drawn over.
const drawEvery, remindEvery = 100 * time.Millisecond, 10 * time.Second

// progress shows how a run goes on: one line that is drawn over on a terminal, elsewhere a line now and then, and with -v
// a line for every check that ends.
type progress struct {
	at      surroundings
	verbose bool
	live    bool

	mu       sync.Mutex
	drawn    time.Time
	shown    int // characters on the line
	said     string
	last     smoke.Progress
	reminder *time.Timer
}

func newProgress(at surroundings, o options) *progress {
	p := &progress{at: at, verbose: o.verbose, live: at.live && !o.quiet}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !at.live && !o.quiet {
		p.reminder = time.AfterFunc(remindEvery, p.remind)
	}
	return p
}

// remind prints what is waited for, and will again, so that nobody waits in silence.
func (p *progress) remind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reminder != nil {
		p.print("smoke: waits: " + lineOf(p.last) + "\n")
		p.reminder.Reset(remindEvery)
	}
}

// tell shows what a run says, which it does from one goroutine at a time.
func (p *progress) tell(n smoke.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = n
	if p.verbose {
		p.line(n)
	}
	if !p.live || time.Since(p.drawn) < drawEvery && n.Done != n.Total {
		return
	}
	p.drawn = time.Now()
	p.draw(lineOf(n))
}

// line prints what ended, one line each.
func (p *progress) line(n smoke.Progress) {
	text := ""
	switch {
	case n.Check != nil:
		c := n.Check
		text = fmt.Sprintf("%-12s %s (%s, %s)", c.Verdict, c.Check, report.Count(c.Attempts, "attempt"),
			c.Duration.Round(time.Millisecond))
		if c.Reason != "" {
			text += ": " + c.Reason
		}
	case n.Compare != nil:
		text = fmt.Sprintf("%-12s %s: %s", n.Compare.Verdict, n.Compare.Check, n.Compare.Reason)
	case n.Readiness != nil && n.Readiness.Verdict != "":
		text = fmt.Sprintf("%-12s ready: %s", n.Readiness.Verdict, report.Count(n.Readiness.Rounds, "round"))
	case n.Text != "" && n.Text != p.said && n.Phase != finding.PhaseCompare:
		text, p.said = n.Text, n.Text
	default:
		return
	}
	p.draw("")
	p.print(text + "\n")
}

func lineOf(n smoke.Progress) string {
	text := fmt.Sprintf("%s %d/%d", n.Phase, n.Done, n.Total)
	if n.Text != "" {
		text += "  " + n.Text
	}
	return text
}

// draw replaces the line by text.
func (p *progress) draw(text string) {
	if !p.live {
		return
	}
	if limit := p.at.width - 1; limit > 0 && utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit])
	}
	n := utf8.RuneCountInString(text)
	line := "\r" + text + strings.Repeat(" ", max(0, p.shown-n))
	if n == 0 {
		line += "\r"
	}
	p.print(line)
	p.shown = n
}

// print ignores errors: progress is a courtesy, and the result is printed elsewhere.
func (p *progress) print(s string) { _, _ = io.WriteString(p.at.stderr, s) }

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reminder = nil
	if p.shown > 0 {
		p.draw("")
	}
}

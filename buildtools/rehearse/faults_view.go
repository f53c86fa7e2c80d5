package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/faults"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

// faultView tells a campaign to a person.
type faultView struct {
	screen *view.Screen
	colour bool
	quiet  bool

	mu    sync.Mutex
	began time.Time
	last  faults.Progress
}

const (
	red, green, yellow, bold, dim = "31", "32", "33", "1", "2"
	// faultWidth is that of the longest fault's name.
	faultWidth, routeWidth = 13, 26
	// remindEvery is the pace of plain lines where there is no status line.
	remindEvery = 10 * time.Second
)

func (v *faultView) paint(code, text string) string { return view.Paint(v.colour, code, text) }

// begin says what is to come and keeps telling how far it is until the returned function is called.
func (v *faultView) begin(o faultOptions) (stop func()) {
	v.began = time.Now()
	if !v.quiet {
		v.screen.Print(fmt.Sprintf("first %s without a fault, then each fault by itself, %d side by side\n",
			o.plan.Release.ID, o.parallel))
	}
	if v.screen.Live {
		return v.screen.Keep(func(time.Time) string { return v.status() })
	}
	if v.quiet {
		return func() {}
	}
	return rehearsal.Every(remindEvery, func(time.Time) { v.screen.Print(v.status() + "\n") })
}

// status is the line that moves: how far it is, and what takes so long.
func (v *faultView) status() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, since := v.last, time.Since(v.began)
	text := fmt.Sprintf("%7.1fs  ", since.Seconds())
	if v.screen.Live {
		text = fmt.Sprintf("%s %5.1fs  ", view.Spinner(since), since.Seconds())
	}
	if p.Done == 0 && len(p.Running) == 0 {
		return text + "the release without a fault"
	}
	if v.screen.Live {
		text += view.Bar(p.Done, p.Total, 12) + "  "
	}
	text += fmt.Sprintf("%d of %d", p.Done, p.Total)
	if p.Survived > 0 {
		text += v.paint(red, fmt.Sprintf(", %d not caught", p.Survived))
	}
	if len(p.Running) > 0 {
		oldest := p.Running[0]
		text += v.paint(dim, fmt.Sprintf("  %d under way (%s, %s)", len(p.Running), oldest.Fault, oldest.Where()))
	}
	return text
}

// tell prints what was found.
func (v *faultView) tell(p faults.Progress) {
	v.mu.Lock()
	v.last = p
	v.mu.Unlock()
	if p.Finding == nil || v.quiet {
		return
	}
	f := *p.Finding
	mark, colour := "✗", red
	switch f.Outcome {
	case faults.Caught:
		mark, colour = "✓", green
	case faults.Unfinished:
		mark, colour = "?", yellow
	case faults.Survived, faults.Unmet, faults.Unsound:
	}
	what, _ := became(f)
	line := fmt.Sprintf("%7.1fs  %s %-*s %-*s %s", f.Duration.Seconds(), v.paint(colour, mark), faultWidth, f.Fault,
		routeWidth, f.Where(), what)
	v.screen.Print(view.Cut(line, v.screen.Columns()) + "\n")
}

// became says what became of a fault: as it is found out, and beside the advice.
func became(f faults.Finding) (now, end string) {
	switch f.Outcome {
	case faults.Caught:
		if f.Check != "" {
			return "caught by " + f.Check, ""
		}
		return f.Why, ""
	case faults.Unmet:
		return "shifted; no request met it", "reaches production, and no request of the suite meets it"
	case faults.Unsound:
		return "rolled back, though no request met it: " + f.Why, "was rolled back for another reason: " + f.Why
	case faults.Unfinished:
		return string(f.Outcome) + ": " + f.Why, "was not tried to its end: " + f.Why
	case faults.Survived:
	}
	return fmt.Sprintf("shifted; %d requests met it", f.Requests), "reaches production"
}

// end prints the score, and for each fault that was not caught what to write into the suite.
func (v *faultView) end(s faults.Score) {
	var b strings.Builder
	colour := green
	if s.Caught < s.Total {
		colour = red
	}
	fmt.Fprintf(&b, "\n%s  %s catches %d of %d faults of %s (%s)\n",
		v.paint(colour+";"+bold, fmt.Sprintf("SCORE %d %%", s.Percent)),
		s.Suite, s.Caught, s.Total, s.Release, s.Duration.Round(100*time.Millisecond))
	for _, group := range grouped(s.Findings) {
		v.survivors(&b, group)
	}
	v.screen.Print(b.String())
}

// grouped puts the findings together that were not caught and for which the advice is the same.
func grouped(findings []faults.Finding) (groups [][]faults.Finding) {
	key := func(f faults.Finding) string {
		if f.Advice == nil {
			return f.Fault + f.Where()
		}
		return f.Advice.Check + fmt.Sprint(f.Advice.Step) + f.Advice.YAML
	}
	for _, f := range findings {
		i := slices.IndexFunc(groups, func(g []faults.Finding) bool { return key(g[0]) == key(f) })
		switch {
		case f.Outcome == faults.Caught:
		case i < 0:
			groups = append(groups, []faults.Finding{f})
		default:
			groups[i] = append(groups[i], f)
		}
	}
	return groups
}

func (v *faultView) survivors(b *strings.Builder, group []faults.Finding) {
	width := v.screen.Columns()
	b.WriteByte('\n')
	for _, f := range group {
		_, how := became(f)
		line := fmt.Sprintf("%s %s on %s: %s; %s", v.paint(red, "✗"), v.paint(bold, f.Fault), f.Where(), f.About, how)
		b.WriteString(view.Wrap(line, width, 2) + "\n")
	}
	a := group[0].Advice
	if a == nil {
		return
	}
	where := "add to the suite"
	if a.Check != "" {
		where = fmt.Sprintf("in the check %q", a.Check)
		if a.Step > 0 {
			where = fmt.Sprintf("in step %d of %q", a.Step, a.Check)
		}
		where += " (" + a.Place.String() + ")"
	}
	b.WriteString(view.Wrap(fmt.Sprintf("  %s; %s:", a.Text, where), width, 2) + "\n")
	for line := range strings.Lines(a.YAML) {
		b.WriteString("      " + line)
	}
}

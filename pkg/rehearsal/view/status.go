package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// state is what the status line shows.
type state struct {
	began          time.Time
	current        lifecycle.Name
	step           int
	ended          map[lifecycle.Name]deployment.EventStatus
	rollingBack    bool
	passed, failed int
	// shares are the production listener's weights, in percent.
	shares           []share
	requests, errors int64
}

// share is a release's part of a listener's traffic.
type share struct {
	release string
	percent int
}

// take brings the state up to date.
func (s *state) take(e rehearsal.Event) {
	if s.ended == nil {
		s.ended = map[lifecycle.Name]deployment.EventStatus{}
	}
	if s.began.IsZero() {
		s.began = e.At.Add(-e.Since)
	}
	switch e.Kind {
	case rehearsal.KindBegin:
		s.current, s.step, s.passed, s.failed = e.Lifecycle, e.Step, 0, 0
		delete(s.ended, e.Lifecycle) // of the step before
	case rehearsal.KindEnd:
		s.ended[e.Lifecycle] = e.Status
	case rehearsal.KindRollback:
		s.rollingBack = true
	case rehearsal.KindCheck:
		if e.Check.Verdict == "PASS" {
			s.passed++
		} else {
			s.failed++
		}
	case rehearsal.KindShift:
		if e.Listener == "production" {
			s.shares = sharesOf(e.Weights)
		}
	case rehearsal.KindTraffic:
		s.requests, s.errors = 0, 0
		for _, t := range e.Tallies {
			if t.Listener == "production" {
				s.requests, s.errors = s.requests+t.Requests, s.errors+t.Errors
			}
		}
	case rehearsal.KindNote, rehearsal.KindWarning, rehearsal.KindHook, rehearsal.KindVerdict, rehearsal.KindLog:
	}
}

// sharesOf sorts weights by release, so that they stay in their places.
func sharesOf(weights map[string]int) []share {
	var all []share
	for release, percent := range weights {
		all = append(all, share{release, percent})
	}
	slices.SortFunc(all, func(a, b share) int { return strings.Compare(a.release, b.release) })
	return all
}

// status is the line that moves: time, the lifecycle events, the one under way, who serves production.
func (p *Printer) status(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	if s.began.IsZero() {
		return Spinner(0) + " starting blue"
	}
	since := now.Sub(s.began)
	text := fmt.Sprintf("%s %5.1fs ", Spinner(since), since.Seconds())
	for _, name := range p.Events {
		text += p.dot(s, name)
	}
	switch {
	case s.rollingBack:
		text += p.paint(bold, " rolling back")
	case s.current != "":
		text += " " + p.paint(bold, label(s.current, s.step))
	}
	if s.passed > 0 {
		text += p.paint(green, fmt.Sprintf(" ✓%d", s.passed))
	}
	if s.failed > 0 {
		text += p.paint(red, fmt.Sprintf(" ✗%d", s.failed))
	}
	text += "  " + p.mix(s.shares)
	switch {
	case s.errors > 0:
		text += p.paint(red, fmt.Sprintf("  %d of %d failed", s.errors, s.requests))
	case s.requests > 0:
		text += fmt.Sprintf("  %d req", s.requests)
	}
	return text
}

// dot is a lifecycle event in one character.
func (p *Printer) dot(s *state, name lifecycle.Name) string {
	switch status, ended := s.ended[name]; {
	case ended && status == deployment.EventSucceeded:
		return p.paint(green, "●")
	case ended && status == deployment.EventSkipped:
		return p.paint(dim, "–")
	case ended:
		return p.paint(red, "✗")
	case name == s.current:
		return "◐"
	}
	return p.paint(dim, "○")
}

// mix draws who gets how much of a listener's traffic; it can be read without colours.
func (p *Printer) mix(shares []share) string {
	if len(shares) != 2 {
		return ""
	}
	first := shares[0].percent * shareWidth / 100
	if shares[0].percent > 0 {
		first = max(first, 1)
	}
	if shares[1].percent > 0 {
		first = min(first, shareWidth-1)
	}
	return fmt.Sprintf("%s %s%s %s %d %%", shares[0].release, p.paint(blue, strings.Repeat("█", first)),
		p.paint(green, strings.Repeat("▒", shareWidth-first)), shares[1].release, shares[1].percent)
}

// shares is the picture behind a shift's text, on a terminal that has room for it.
func (p *Printer) shares(e rehearsal.Event) string {
	picture := "  " + p.mix(sharesOf(e.Weights))
	if !p.Screen.Live || p.Screen.Columns() < nameBegin+p.width()+visible(e.Text)+visible(picture) {
		return ""
	}
	return picture
}

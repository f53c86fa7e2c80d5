package view

import (
	"fmt"
	"maps"
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
	// weights are the production listener's, in percent.
	weights          map[string]int
	requests, errors int64
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
			s.weights = e.Weights
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
	text += "  " + p.mix(s.weights)
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

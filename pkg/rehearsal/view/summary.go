package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const (
	// rowHang is the column where a row's lines after the first begin.
	rowHang = 14
	// briefly is how many lines of a message are shown below its title.
	briefly = 2
	// worthTelling is the shortest duration of an event that is shown.
	worthTelling = 50 * time.Millisecond
)

// outcome returns the result's outcome, or UNFINISHED when there is none.
func outcome(r rehearsal.Result) string { return cmp.Or(string(r.Outcome), "UNFINISHED") }

// sentence says what the outcome means for who uses the application.
func sentence(r rehearsal.Result) string {
	met, _ := r.Served("production", r.Release)
	switch r.Outcome {
	case rehearsal.Shifted:
		if r.Baseline == "" {
			return r.Release + " serves production: the service is created"
		}
		return fmt.Sprintf("%s serves production, %s is gone", r.Release, r.Baseline)
	case rehearsal.RolledBack:
		if met > 0 {
			return fmt.Sprintf("%s serves production again, after %s had answered %d requests", r.Baseline, r.Release, met)
		}
		return fmt.Sprintf("%s serves production as before; %s never did", r.Baseline, r.Release)
	case rehearsal.Stopped:
		return "the deployment was stopped without a rollback"
	case rehearsal.Failed:
		return "the deployment failed, and nothing was rolled back"
	}
	return "the rehearsal did not come to an end"
}

// Summary prints what happened and why.
func (p *Printer) Summary(r rehearsal.Result) {
	colour := goodOrBad(r.Outcome == rehearsal.Shifted)
	p.out(fmt.Sprintf("\n%s  %s (%.1fs)", p.paint(colour+";"+bold, outcome(r)), sentence(r), r.Duration.Seconds()),
		rowHang)
	row := func(name, format string, args ...any) {
		p.out(fmt.Sprintf("  %-11s %s", name, fmt.Sprintf(format, args...)), rowHang)
	}
	if r.Why != "" {
		row("why", "%s", strings.TrimPrefix(r.Where()+": "+r.Why, ": ")) // the termination wait is no event
	}
	if r.FailedCheck != "" {
		row("check", "%s%s", r.FailedCheck, place(r))
	}
	row(map[bool]string{true: "stages", false: "events"}[r.Controller == "ECS"], "%s", p.events(r.Lifecycle))
	for _, h := range r.Hooks {
		row("hook", "%s", hook(h))
	}
	for _, listener := range []string{"production", "test"} {
		if r.Total(listener) == 0 {
			continue
		}
		text, oldErrors, freshErrors := answered(r, listener)
		nobody, _ := r.Served(listener, "")
		text += when(nobody > 0, ", %d by the load balancer itself (no target)", nobody)
		row(listener, "%s%s", text, when(oldErrors+freshErrors > 0, "; 5xx: %d and %d", oldErrors, freshErrors))
	}
	if n := len(r.Messages); n > 0 && r.Outcome != rehearsal.Shifted {
		title, rest, _ := strings.Cut(r.Messages[n-1].Mail, "\n\n")
		row("message", "%s", title)
		told := strings.Split(rest, "\n")
		for _, line := range told[:min(briefly, len(told))] {
			row("", "%s", line)
		}
	}
	if t := r.Traffic; t.Rate > 0 {
		row("traffic", "%d requests sent at %g/s throughout, %d failed%s%s", t.Sent, t.Rate, t.Failed,
			when(t.FirstFailure != "", "; the first: %s", t.FirstFailure),
			when(t.NotSent > 0, "; %d more were due while too many were under way", t.NotSent))
	}
	if len(r.Missed) > 0 {
		row("secrets", "asked for and not given: %s; give them with --secret REF=VALUE", strings.Join(r.Missed, ", "))
	}
}

// events are the lifecycle events, each with how it ended and, where it took a while, how long.
func (p *Printer) events(all []rehearsal.LifecycleEvent) string {
	var texts []string
	for _, e := range all {
		mark, colour := "✗", red
		switch tone := toneOf(e); {
		case tone == "PASS":
			mark, colour = "✓", green
		case tone != "FAIL" || e.Status == deployment.EventInProgress:
			mark, colour = "–", dim
		}
		took := e.Ended.Sub(e.Started)
		texts = append(texts, p.paint(colour, mark)+glue+glued(eventName(e))+
			when(took >= worthTelling, glue+"%.1fs", took.Seconds()))
	}
	return strings.Join(texts, "  ")
}

// eventName is the event's name, with its step, and that traffic goes back in it.
func eventName(e rehearsal.LifecycleEvent) string {
	return label(e.Name, e.Step) + map[bool]string{true: " (rollback)"}[e.Rollback]
}

// place is where the check that failed stands in the suite, as far as a hook's report says.
func place(r rehearsal.Result) string {
	for _, h := range r.Hooks {
		var report finding.Report
		if h.Event != r.FailedEvent || h.Step != r.FailedStep || json.Unmarshal(h.Report, &report) != nil {
			continue
		}
		for _, c := range report.Checks {
			if c.Check == r.FailedCheck && c.Place.Line > 0 {
				return fmt.Sprintf(" (line %d of the suite)", c.Place.Line)
			}
		}
	}
	return ""
}

// answered is "412 requests, 412 answered by 1.0.0, 0 by 1.1.0", with how many each of the two answered with an error.
func answered(r rehearsal.Result, listener string) (text string, oldErrors, freshErrors int64) {
	old, oldErrors := r.Served(listener, r.Baseline)
	fresh, freshErrors := r.Served(listener, r.Release)
	text = fmt.Sprintf("%d requests, %d answered by %s, %d by %s", r.Total(listener), old, r.Baseline, fresh, r.Release)
	if r.Baseline == "" {
		text = fmt.Sprintf("%d requests, %d answered by %s", r.Total(listener), fresh, r.Release)
	}
	return text, oldErrors, freshErrors
}

func hook(h rehearsal.HookResult) string {
	text := fmt.Sprintf("%s %s%s%s", label(h.Event, h.Step), h.Status, when(h.Rollback, " in the rollback"),
		when(h.Invocations > 1, " after %d invocations", h.Invocations))
	if h.Verdict == nil {
		return text + when(!h.Reported, ", reported nothing")
	}
	passed, failed := 0, 0
	for _, c := range h.Checks {
		switch {
		case c.Verdict == "PASS":
			passed++
		case !c.Observe:
			failed++
		}
	}
	return fmt.Sprintf("%s: %s, %d checks passed, %d failed", text, h.Verdict.Verdict, passed, failed)
}

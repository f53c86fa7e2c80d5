package timeline

import (
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// Summary prints what happened and why.
func (p *Printer) Summary(r rehearsal.Result) {
	colour, text := red, ""
	newServed, _ := r.Served("production", r.Release)
	switch r.Outcome {
	case rehearsal.Shifted:
		colour, text = green, fmt.Sprintf("%s serves production, %s is gone", r.Release, r.Baseline)
	case rehearsal.RolledBack:
		text = fmt.Sprintf("%s serves production as before; %s never did", r.Baseline, r.Release)
		if newServed > 0 {
			text = fmt.Sprintf("%s serves production again, after %s had answered %d requests", r.Baseline, r.Release, newServed)
		}
	case rehearsal.Stopped:
		text = "the deployment was stopped without a rollback"
	default:
		text = "the rehearsal did not come to an end"
	}
	outcome := string(r.Outcome)
	if outcome == "" {
		outcome = "UNFINISHED"
	}
	_, _ = fmt.Fprintf(p.W, "\n%s  %s (%.1fs)\n", p.paint(colour+";"+bold, outcome), text, r.Duration.Seconds())
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(p.W, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	if r.Why != "" {
		row("why", "%s: %s", r.FailedEvent, r.Why)
	}
	if r.FailedCheck != "" {
		row("check", "%s", r.FailedCheck)
	}
	for _, h := range r.Hooks {
		row("hook", "%s", hook(h))
	}
	for _, listener := range []string{"production", "test"} {
		if line := requests(r, listener); line != "" {
			row(listener, "%s", line)
		}
	}
	p.traffic(r, row)
	if len(r.Missed) > 0 {
		row("secrets", "asked for and not given: %s; give them with --secret REF=VALUE", strings.Join(r.Missed, ", "))
	}
}

func (p *Printer) traffic(r rehearsal.Result, row func(string, string, ...any)) {
	t := r.Traffic
	if t.Rate <= 0 {
		return
	}
	text := fmt.Sprintf("%d requests sent at %g/s throughout, %d failed", t.Sent, t.Rate, t.Failed)
	if t.FirstFailure != "" {
		text += "; the first: " + t.FirstFailure
	}
	if t.NotSent > 0 {
		text += fmt.Sprintf("; %d more were due while too many were under way", t.NotSent)
	}
	row("traffic", "%s", text)
}

// requests is "412 requests, 412 answered by 1.0.0, 0 by 1.1.0".
func requests(r rehearsal.Result, listener string) string {
	total := r.Total(listener)
	if total == 0 {
		return ""
	}
	blue, blueErrors := r.Served(listener, r.Baseline)
	green, greenErrors := r.Served(listener, r.Release)
	nobody, _ := r.Served(listener, "")
	text := fmt.Sprintf("%d requests, %d answered by %s, %d by %s", total, blue, r.Baseline, green, r.Release)
	if nobody > 0 {
		text += fmt.Sprintf(", %d by the load balancer itself (no target)", nobody)
	}
	if blueErrors+greenErrors > 0 {
		text += fmt.Sprintf("; 5xx: %d and %d", blueErrors, greenErrors)
	}
	return text
}

func hook(h rehearsal.HookResult) string {
	text := fmt.Sprintf("%s %s", h.Event, h.Status)
	if h.Verdict == nil {
		if !h.Reported {
			text += ", reported nothing"
		}
		return text
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

package view_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

func eighty() int { return 80 }

// story is what a release that breaks one route goes through, an event every 100 ms.
func story() []rehearsal.Event {
	began := time.Now()
	events := []rehearsal.Event{
		{Kind: rehearsal.KindNote, Text: "blue is up: 2 tasks of 1.0.0 (builtin:good)"},
		{Kind: rehearsal.KindShift, Listener: "production", Weights: map[string]int{"1.0.0": 100, "1.1.0": 0}, Text: "production listener: 100 % blue (1.0.0), 0 % green (1.1.0)"},
		{Kind: rehearsal.KindBegin, Lifecycle: lifecycle.BeforeInstall},
		{Kind: rehearsal.KindEnd, Lifecycle: lifecycle.BeforeInstall, Status: deployment.EventSucceeded},
		{Kind: rehearsal.KindLog, Source: "green/1", Text: strings.Repeat("a long line of a chatty task ", 10)},
		{Kind: rehearsal.KindTraffic, Tallies: []alb.Tally{{Listener: "production", Release: "1.0.0", Requests: 40, Errors: 2}, {Listener: "test", Release: "1.1.0", Requests: 900}}},
		{Kind: rehearsal.KindBegin, Lifecycle: lifecycle.AfterAllowTestTraffic},
		{Kind: rehearsal.KindHook, Lifecycle: lifecycle.AfterAllowTestTraffic, Text: "gate runs as bin/after-allow-test-traffic"},
		{Kind: rehearsal.KindCheck, Lifecycle: lifecycle.AfterAllowTestTraffic, Check: &rehearsal.Check{Name: "health", Verdict: "PASS", Attempts: 5}},
		{Kind: rehearsal.KindCheck, Lifecycle: lifecycle.AfterAllowTestTraffic, Check: &rehearsal.Check{Name: "list trips", Verdict: "FAIL", Attempts: 10, Failures: 10, Reason: "10 of 10 attempts failed: GET /api/trips: status: expected 200, got 500"}},
	}
	for i := range events {
		events[i].Since = time.Duration(i+1) * 100 * time.Millisecond
		events[i].At = began.Add(events[i].Since)
	}
	return events
}

// tell prints the story in a bubble of time, each event when it is due, and returns the bytes.
func tell(t *testing.T, live, colour bool) string {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		p := &view.Printer{Screen: &view.Screen{W: &b}, Colour: colour, Events: lifecycle.All()}
		if live {
			p.Screen.Live, p.Screen.Width = true, eighty
		}
		stop := p.Live()
		for _, e := range story() {
			<-time.After(time.Until(e.At))
			p.Print(e)
		}
		<-time.After(250 * time.Millisecond)
		stop()
	})
	return b.String()
}

func TestWithoutATerminalThereArePlainLines(t *testing.T) {
	got := tell(t, false, false)
	if strings.ContainsAny(got, "\x1b\r\u00a0") {
		t.Errorf("escape codes in plain text: %q", got)
	}
	if n := strings.Count(got, "\n"); n != 7 { // begin, end of nothing and traffic have no line of their own
		t.Errorf("%d lines, want 7:\n%s", n, got)
	}
	for _, want := range []string{
		"    0.10s  blue is up: 2 tasks of 1.0.0 (builtin:good)\n",
		"    0.80s  AfterAllowTestTraffic  gate runs as bin/after-allow-test-traffic\n",
		"            ✗ list trips               FAIL, 0 of 10 attempts passed: 10 of 10 attempts failed: GET /api/trips: status: expected 200, got 500\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestOnATerminalAStatusLineMovesBelowTheEvents(t *testing.T) {
	got := tell(t, true, false)
	statuses := 0
	for _, drawn := range strings.Split(got, "\r\x1b[2K")[1:] {
		for line := range strings.Lines(drawn) {
			if n := utf8.RuneCountInString(strings.NewReplacer("\x1b[?25l", "", "\x1b[?25h", "", "\n", "").Replace(line)); n > 80 {
				t.Errorf("%d wide: %q", n, line)
			}
		}
		last := drawn[strings.LastIndexByte(drawn, '\n')+1:]
		if strings.Contains(last, "●○○○") {
			statuses++
		}
	}
	if statuses < 8 {
		t.Errorf("the status line was drawn %d times:\n%q", statuses, got)
	}
	if want := "●○○○◐○○○ AfterAllowTestTraffic ✓1 ✗1  1.0.0 ████████ 1.1.0 0 %  2 of"; !strings.Contains(got, want) {
		t.Errorf("no status %q in\n%q", want, got)
	}
	if !strings.HasSuffix(got, "\r\x1b[2K\x1b[?25h") {
		t.Errorf("the status line is left behind: %q", got[len(got)-50:])
	}
	if strings.Count(got, "\x1b[?25l") != strings.Count(got, "\x1b[?25h") {
		t.Error("the cursor is left hidden")
	}
}

func TestColoursAreOfTheirOwn(t *testing.T) {
	if got := tell(t, false, true); !strings.Contains(got, "\x1b[31m✗\x1b[0m list trips") {
		t.Errorf("no red cross in %q", got)
	}
}

// broken is the end of that story.
func broken() rehearsal.Result {
	r := rehearsal.Result{
		Outcome: rehearsal.RolledBack, Release: "1.1.0", Baseline: "1.0.0", Duration: 1234 * time.Millisecond,
		Why:         `check "list trips": 10 of 10 attempts failed: GET /api/trips: status: expected 200, got 500`,
		FailedEvent: lifecycle.AfterAllowTestTraffic, FailedCheck: "list trips",
		Hooks: []rehearsal.HookResult{{
			Event: lifecycle.AfterAllowTestTraffic, Status: deployment.EventFailed, Reported: true,
			Checks:  []rehearsal.Check{{Name: "health", Verdict: "PASS"}, {Name: "list trips", Verdict: "FAIL"}},
			Verdict: &rehearsal.Verdict{Verdict: "FAIL"},
			Report:  []byte(`{"checks":[{"check":"list trips","place":{"file":"smoke.yaml","line":26,"column":11}}]}`),
		}},
		Requests: []alb.Tally{{Listener: "production", Release: "1.0.0", Requests: 412}, {Listener: "test", Release: "1.1.0", Requests: 69, Errors: 10}},
		Traffic:  rehearsal.Traffic{Rate: 50, Sent: 412},
	}
	began := time.Now()
	for i, name := range lifecycle.All() {
		e := rehearsal.LifecycleEvent{Event: deployment.Event{Name: name, Status: deployment.EventSucceeded, Started: began, Ended: began.Add(time.Duration(i) * 100 * time.Millisecond)}}
		switch {
		case name == lifecycle.AfterAllowTestTraffic:
			e.Status = deployment.EventFailed
		case i > 4:
			e = rehearsal.LifecycleEvent{Event: deployment.Event{Name: name, Status: deployment.EventSkipped}}
		}
		r.Lifecycle = append(r.Lifecycle, e)
	}
	return r
}

func TestTheEndFitsOnOneScreen(t *testing.T) {
	var b bytes.Buffer
	p := &view.Printer{Screen: &view.Screen{W: &b, Live: true, Width: eighty}, Events: lifecycle.All()}
	p.Summary(broken())
	got := b.String()
	lines := strings.Split(strings.TrimRight(got, "\n"), "\n")
	if len(lines) > 23 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80: %q", line)
		}
	}
	for _, want := range []string{
		"ROLLED BACK  1.0.0 serves production as before; 1.1.0 never did (1.2s)\n",
		"  check       list trips (line 26 of the suite)\n",
		"✓ AllowTestTraffic 0.3s",
		"✗ AfterAllowTestTraffic 0.4s",
		"– BeforeAllowTraffic",
		"  production  412 requests, 412 answered by 1.0.0, 0 by 1.1.0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// The zero value of an outcome is no success, whatever else a result says.
func TestAnUnknownOutcomeIsNotShifted(t *testing.T) {
	var b bytes.Buffer
	r := broken()
	r.Outcome = ""
	(&view.Printer{Screen: &view.Screen{W: &b}}).Summary(r)
	if got := b.String(); !strings.HasPrefix(got, "\nUNFINISHED  the rehearsal did not come to an end") {
		t.Errorf("got %q", got)
	}
}

func FuzzCutAndWrapKeepToTheWidth(f *testing.F) {
	f.Add("a text \x1b[31mwith paint\x1b[0m and ümläuts", 10, 2)
	f.Add("   indented, and then a word-that-is-much-too-long-for-it", 30, 4)
	f.Fuzz(func(t *testing.T, text string, width, indent int) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x1b") || width < 1 || width > 200 || indent < 0 || indent > 100 {
			t.Skip()
		}
		if cut := view.Cut(text, width); utf8.RuneCountInString(cut) > width {
			t.Errorf("Cut(%q, %d) = %q", text, width, cut)
		}
		wrapped := view.Wrap(text, width, indent)
		if got, want := strings.Fields(wrapped), strings.Fields(text); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Wrap(%q, %d, %d) lost words: %q", text, width, indent, wrapped)
		}
	})
}

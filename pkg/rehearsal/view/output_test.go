package view_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

// chatter prints what tasks write, and what fails meanwhile, and returns the lines of tasks alone.
func chatter(p *view.Printer, events ...rehearsal.Event) []string {
	var b bytes.Buffer
	p.Screen, p.Events = &view.Screen{W: &b}, lifecycle.All()
	for _, e := range events {
		p.Print(e)
	}
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if strings.Contains(line, " | ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func wrote(task string, from, to int) (all []rehearsal.Event) {
	for i := from; i <= to; i++ {
		all = append(all, rehearsal.Event{Kind: rehearsal.KindLog, Source: task, Text: fmt.Sprint("line ", i)})
	}
	return all
}

func shown(task string, from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("%s | line %d", task, i))
	}
	return all
}

// What tasks write is shown where something failed, and no more than its end.
func TestTheEndOfATasksOutputIsShownWhereSomethingFailed(t *testing.T) {
	check := func(verdict string, observe bool) rehearsal.Event {
		return rehearsal.Event{Kind: rehearsal.KindCheck, Check: &rehearsal.Check{Name: "trips", Verdict: verdict, Observe: observe}}
	}
	ended := rehearsal.Event{Kind: rehearsal.KindWarning, Source: "blue/2", Text: "task blue/2 ended by itself: " + process.Exit{Code: 3}.String()}
	failed := rehearsal.Event{Kind: rehearsal.KindEnd, Lifecycle: lifecycle.Install, Status: deployment.EventFailed, Text: "timed out"}
	all := append(append(wrote("blue/2", 1, 14), wrote("green/1", 1, 14)...), wrote("green/2", 1, 2)...)
	green := append(shown("green/1", 5, 14), shown("green/2", 1, 2)...)
	for name, c := range map[string]struct {
		printer *view.Printer
		then    []rehearsal.Event
		want    []string
	}{
		"nothing failed":         {&view.Printer{}, []rehearsal.Event{check("PASS", false)}, nil},
		"a check failed":         {&view.Printer{}, []rehearsal.Event{check("FAIL", false)}, green},
		"it is told once":        {&view.Printer{}, []rehearsal.Event{check("FAIL", false), failed}, green},
		"one is only observed":   {&view.Printer{}, []rehearsal.Event{check("FAIL", true)}, nil},
		"a task ended":           {&view.Printer{}, []rehearsal.Event{ended}, shown("blue/2", 5, 14)},
		"no task became healthy": {&view.Printer{}, []rehearsal.Event{failed}, green},
		"quiet":                  {&view.Printer{Quiet: true}, []rehearsal.Event{check("FAIL", false)}, nil},
		"verbose":                {&view.Printer{Verbose: true}, []rehearsal.Event{check("FAIL", false)}, append(append(shown("blue/2", 1, 14), shown("green/1", 1, 14)...), shown("green/2", 1, 2)...)},
	} {
		if diff := cmp.Diff(c.want, chatter(c.printer, append(all, c.then...)...)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	var flood []rehearsal.Event
	for range 1000 {
		flood = append(append(flood, wrote("green/1", 1, 14)...), check("FAIL", false))
	}
	if n := len(chatter(&view.Printer{}, flood...)); n != 200 {
		t.Errorf("a thousand failures show %d lines", n)
	}
}

// Where stdout is no terminal nobody waits in silence for more than ten seconds.
func TestEveryTenSecondsALineSaysWhatIsWaitedFor(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		var b bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			p := &view.Printer{Screen: &view.Screen{W: &b}, Quiet: quiet, Events: lifecycle.All()}
			stop := p.Live()
			defer stop()
			after := func(seconds int, e rehearsal.Event) {
				<-time.After(time.Duration(seconds)*time.Second + time.Millisecond)
				e.At = time.Now()
				p.Print(e)
			}
			after(1, rehearsal.Event{Kind: rehearsal.KindTraffic, Text: "GET / of blue/1 was answered with 503"})
			after(10, rehearsal.Event{Kind: rehearsal.KindBegin, Lifecycle: lifecycle.AfterAllowTestTraffic})
			after(1, rehearsal.Event{Kind: rehearsal.KindTraffic, Text: "GET /health was answered with 404"})
			after(20, rehearsal.Event{Kind: rehearsal.KindNote, Text: rehearsal.Kept + ": production http://127.0.0.1:1"})
			<-time.After(time.Minute)
		})
		var waits []string
		for line := range strings.SplitSeq(b.String(), "\n") {
			if _, text, ok := strings.Cut(line, "s  waits: "); ok {
				waits = append(waits, text)
			}
		}
		want := []string{
			"○○○○○○○○ starting blue    last: GET / of blue/1 was answered with 503",
			"○○○○◐○○○ AfterAllowTestTraffic    last: GET /health was answered with 404",
			"○○○○◐○○○ AfterAllowTestTraffic    last: GET /health was answered with 404",
		}
		if quiet {
			want = nil
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("quiet %v: -want +got:\n%s", quiet, diff)
		}
	}
}

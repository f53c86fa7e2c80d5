package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

func TestProgressIsOneLineThatIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := newProgress(surroundings{stderr: &b, live: true, width: 30}, options{})
		for i := range 100 {
			p.tell(smoke.Progress{Phase: finding.PhaseReady, Done: i, Total: 100, Text: strings.Repeat("long ", 20)})
			<-time.After(10 * time.Millisecond)
		}
		p.end()
		got := b.String()
		if strings.Contains(got, "\n") || !strings.HasSuffix(got, "\r") {
			t.Errorf("leaves %q", got)
		}
		if n := strings.Count(got, "ready "); n != 10 {
			t.Errorf("drawn %d times in a second, want 10", n)
		}
		for line := range strings.SplitSeq(got, "\r") {
			if len(line) > 29 {
				t.Errorf("wider than the terminal: %q", line)
			}
		}
	})
}

func TestNobodyIsToldWhatNobodyWantsToSee(t *testing.T) {
	for name, o := range map[string]options{"plain": {}, "quiet": {quiet: true}} {
		var b bytes.Buffer
		p := newProgress(surroundings{stderr: &b, live: name == "quiet"}, o)
		p.tell(smoke.Progress{Phase: finding.PhaseJudge, Check: &finding.CheckResult{Check: "health"}})
		if p.end(); b.Len() > 0 {
			t.Errorf("%s: is told %q", name, &b)
		}
	}
}

// Where nothing can be drawn over, nobody waits in silence for more than ten seconds.
func TestEveryTenSecondsALineSaysWhatIsWaitedFor(t *testing.T) {
	for name, o := range map[string]options{"plain": {}, "quiet": {quiet: true}} {
		var b bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			p := newProgress(surroundings{stderr: &b}, o)
			p.tell(smoke.Progress{Phase: finding.PhaseReady, Done: 3, Total: 20, Text: "GET /version: got 404"})
			<-time.After(21 * time.Second)
			p.end()
			<-time.After(time.Minute)
		})
		want := strings.Repeat("smoke: waits: ready 3/20  GET /version: got 404\n", 2)
		if name == "quiet" {
			want = ""
		}
		if got := b.String(); got != want {
			t.Errorf("%s: is told %q, want %q", name, got, want)
		}
	}
}

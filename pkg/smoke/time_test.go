package smoke

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

func TestCutShortNamesWhatDidNotRun(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(4 * time.Second):
		case <-r.Context().Done():
		}
	}
	suite := "version: 1\nreadiness: {consecutive: 1}\npolicy: {concurrency: 1}\nchecks:\n" +
		"  - {name: a, request: GET /a, attempts: 2, expect: {status: 200}}\n" +
		"  - {name: b, request: GET /b, attempts: 2, expect: {status: 200}}\n"
	inBubble(t, slow, nil, func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 14*time.Second)
		defer cancel()
		r := n.run(ctx, suite, nil)
		expectReport(t, r, finding.Error, finding.BlameConfig, `"b"`)
		if len(r.NotRun) != 1 || r.NotRun[0].Check != "b" {
			t.Errorf("not run: %v, want b", r.NotRun)
		}
	})
}

func TestCutShortAfterAFailureFails(t *testing.T) {
	suite := "version: 1\nreadiness: {consecutive: 1}\npolicy: {concurrency: 1}\nchecks:\n" +
		"  - {name: a, request: GET /a, attempts: 1, expect: {status: 201}}\n" +
		"  - {name: b, request: GET /b, attempts: 1, timeout: 20s, expect: {status: 200}}\n"
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b" {
			<-r.Context().Done()
		}
	}, nil, func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Second)
		defer cancel()
		r := n.run(ctx, suite, nil)
		expectReport(t, r, finding.Fail, finding.BlameRelease, `check "a"`)
		if len(r.NotRun) != 1 {
			t.Errorf("not run: %v, want b", r.NotRun)
		}
	})
}

func TestTheTimeEndsWhileWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		h http.HandlerFunc
		v finding.Verdict
		b finding.Blame
	}{
		"after failures": {status(503), finding.Fail, finding.BlameRelease},
		"none failed": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
		}, finding.Error, finding.BlameConfig},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.h, nil, func(n *network) {
				ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				expectReport(t, n.run(ctx, home, nil), c.v, c.b, "")
				if took := time.Since(start); took > 12*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestARunEndsSoonAfterItsContextAlsoWithAServerThatHangs(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Hour):
		}
	}
	suite := "version: 1\nreadiness: {consecutive: 1}\nchecks:\n  - name: flow\n    steps:\n" +
		"      - {request: GET /a, timeout: 10m, expect: {status: 200}}\n      - {request: DELETE /b, timeout: 10m, always: true}\n"
	inBubble(t, hang, nil, func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		r := n.run(ctx, suite, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseJudge} })
		if took := time.Since(start); took > 10*time.Second+lastGrace {
			t.Errorf("took %s", took)
		}
		if r.Verdict == finding.Pass {
			t.Errorf("PASS: %s", r.Reason)
		}
	})
}

func TestEventuallyAsksEvery200ms(t *testing.T) {
	suite := "version: 1\nreadiness: {consecutive: 1}\nchecks:\n  - {name: a, request: GET /a, attempts: 1, eventually: 3s, expect: {status: 200}}\n"
	for name, c := range map[string]struct {
		after time.Duration
		v     finding.Verdict
		asked int32
	}{"in time": {time.Second, finding.Pass, 6}, "too late": {4 * time.Second, finding.Fail, 15}} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			h := until(c.after, status(404), status(200))
			inBubble(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/a" {
					asked.Add(1)
					h(w, r)
				}
			}, nil, func(n *network) {
				r := n.run(n.t.Context(), suite, nil)
				if r.Verdict != c.v || asked.Load() != c.asked {
					t.Errorf("%s after %d requests, want %s after %d", r.Verdict, asked.Load(), c.v, c.asked)
				}
			})
		})
	}
}

func TestTheRateHoldsForEachSide(t *testing.T) {
	suite := "version: 1\nreadiness: {consecutive: 1}\npolicy: {rate: 10/s, concurrency: 8}\nchecks:\n" +
		"  - {name: a, request: GET /, attempts: 20, expect: {status: 200}}\n  - {name: b, request: GET /, attempts: 20, expect: {status: 200}}\n"
	inBubble(t, status(200), nil, func(n *network) {
		start := time.Now()
		expectReport(t, n.run(n.t.Context(), suite, nil), finding.Pass, finding.BlameNone, "")
		if took := time.Since(start); took != 4*time.Second { // 41 requests, the first at once
			t.Errorf("took %s, want 4s", took)
		}
	})
}

func TestConcurrencyIsALimitAndIsReached(t *testing.T) {
	var text strings.Builder
	text.WriteString("version: 1\nreadiness: {consecutive: 1}\npolicy: {concurrency: 16}\nchecks:\n")
	for i := range 50 {
		fmt.Fprintf(&text, "  - {name: c%d, request: GET /, attempts: 1, expect: {status: 200}}\n", i)
	}
	var at, most atomic.Int32
	inBubble(t, func(http.ResponseWriter, *http.Request) {
		n := at.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-time.After(100 * time.Millisecond)
		at.Add(-1)
	}, nil, func(n *network) {
		start := time.Now()
		expectReport(t, n.run(n.t.Context(), text.String(), nil), finding.Pass, finding.BlameNone, "50 checks passed")
		if took := time.Since(start); took != 500*time.Millisecond || most.Load() != 16 {
			t.Errorf("took %s with %d at once, want 500ms with 16", took, most.Load())
		}
	})
}

func TestObservedChecksNeverCount(t *testing.T) {
	suite := home + "  - {name: watched, request: GET /missing, observe: true, expect: {status: 500}}\n"
	inBubble(t, status(200), nil, func(n *network) {
		r := n.run(n.t.Context(), suite, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "1 check passed")
		if c := r.Checks[1]; !c.Observe || c.Verdict != finding.Fail {
			t.Errorf("observed: %t, %s; want recorded as FAIL", c.Observe, c.Verdict)
		}
	})
}

func TestAFailureBeforeTheTimeEndedCounts(t *testing.T) {
	// The flow has failed when its clean-up hangs until the time is up.
	suite := "version: 1\nchecks:\n  - name: flow\n    steps:\n" +
		"      - {request: GET /a, expect: {status: 201}}\n      - {request: DELETE /b, timeout: 1m, always: true}\n"
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b" {
			<-r.Context().Done()
		}
	}, nil, func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Second)
		defer cancel()
		r := n.run(ctx, suite, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseJudge} })
		expectReport(n.t, r, finding.Fail, finding.BlameRelease, "step 1, GET /a: status: expected 201, got 200")
	})
}

func TestAnObservedCheckThatDidNotRunDoesNotBlock(t *testing.T) {
	suite := home + "  - {name: watched, request: GET /hang, timeout: 1m, observe: true, expect: {status: 200}}\n" +
		"  - {name: never begun, request: GET /hang, timeout: 1m, observe: true, expect: {status: 200}}\npolicy: {concurrency: 1}\n"
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
	}, nil, func(n *network) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Second)
		defer cancel()
		r := n.run(ctx, suite, nil)
		expectReport(n.t, r, finding.Pass, finding.BlameNone, "1 check passed")
		if len(r.NotRun) != 2 {
			t.Errorf("not run: %v, want both that watch", r.NotRun)
		}
	})
}

// A deadline that comes at the same instant as the end of a pause has come: which of two timers is seen first is chance.
func TestADeadlineAtTheEndOfAPauseHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if Pause(ctx, time.Second) || ctx.Err() == nil {
				t.Fatal("the pause is over, and the time is not up")
			}
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Second+1)
			if !Pause(ctx, time.Second) {
				t.Fatal("the time is up before it was")
			}
			cancel()
		}
	})
}

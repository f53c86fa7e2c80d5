package smoke

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

func TestReadinessWaitsForASlowStart(t *testing.T) {
	inBubble(t, until(42*time.Second, status(503), status(200)), nil, func(n *network) {
		r := n.run(n.t.Context(), home, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "1 check passed")
		if r.Readiness.Rounds != 42+20 || r.Readiness.Consecutive != 20 || r.Readiness.Waited != 42*time.Second {
			t.Errorf("%d rounds, %d in a row, %s; want 62, 20, 42s", r.Readiness.Rounds, r.Readiness.Consecutive, r.Readiness.Waited)
		}
	})
}

func TestNeverReadyIsTheReleasesFault(t *testing.T) {
	inBubble(t, status(503), nil, func(n *network) {
		start := time.Now()
		r := n.run(n.t.Context(), home, nil)
		expectReport(t, r, finding.Fail, finding.BlameRelease, `not ready after 5m0s: check "GET / below 500": GET /: status: expected 2xx, 3xx or 4xx, got 503`)
		if took := time.Since(start); took != 5*time.Minute {
			t.Errorf("took %s, want 5m", took)
		}
		if len(r.NotRun) != 1 || len(r.Checks) != 0 {
			t.Errorf("not run: %v, checks: %v", r.NotRun, r.Checks)
		}
	})
}

func TestNobodyListeningIsWaitedFor(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		time.AfterFunc(10*time.Second, func() { n.serve("green", status(200)) })
		expectReport(t, n.run(n.t.Context(), home, nil), finding.Pass, finding.BlameNone, "")
	})
}

func TestAnUnreachableTargetFails(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		expectReport(t, n.run(n.t.Context(), home, nil), finding.Fail, finding.BlameRelease, "connection refused")
	})
}

func TestReadinessByDefaultWaitsForTheRelease(t *testing.T) {
	inBubble(t, until(3*time.Second, version("1.0.0"), version("1.1.0")), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "")
		if !r.ReleaseProven || r.Readiness.Relapses != 0 {
			t.Errorf("proven %t, %d relapses", r.ReleaseProven, r.Readiness.Relapses)
		}
	})
}

func TestTheWrongVersionIsNamed(t *testing.T) {
	inBubble(t, version("1.0.0"), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, nil)
		expectReport(t, r, finding.Fail, finding.BlameRelease, `json $.version: expected "1.1.0", got "1.0.0"`)
		if r.ReleaseProven {
			t.Error("the release counts as proven")
		}
	})
}

func TestAnotherReleaseAfterTheFirstRightAnswerIsCountedAndNamed(t *testing.T) {
	var asked atomic.Int32
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n == 3 || n == 10 {
			version("1.0.0")(w, r)
			return
		}
		version("1.1.0")(w, r)
	}, nil, func(n *network) {
		r := n.run(n.t.Context(), proof, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "")
		if r.Readiness.Relapses != 2 || !strings.Contains(strings.Join(r.Warnings, " "), `"1.0.0" answered 2 times`) {
			t.Errorf("%d relapses, warnings %q", r.Readiness.Relapses, r.Warnings)
		}
		// Each such answer asks for twenty more in a row.
		if r.Readiness.Consecutive != 60 {
			t.Errorf("%d in a row, want 60", r.Readiness.Consecutive)
		}
	})
}

func TestOneOldTaskOfFourIsNeverReady(t *testing.T) {
	var asked atomic.Int32
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%4 == 0 {
			version("1.0.0")(w, r)
			return
		}
		version("1.1.0")(w, r)
	}, nil, func(n *network) {
		expectReport(t, n.run(n.t.Context(), proof, nil), finding.Fail, finding.BlameRelease, `"1.0.0" answered`)
	})
}

func TestASuiteThatMentionsAReleaseNeedsOne(t *testing.T) {
	inBubble(t, version("1.1.0"), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, func(j *Job) { j.Release = "" })
		expectReport(t, r, finding.Error, finding.BlameConfig, "render-taskdef --release")
	})
}

func TestARateThatLeavesNoTimeForReadinessIsNoFaultOfTheGate(t *testing.T) {
	inBubble(t, until(1500*time.Millisecond, status(503), status(200)), nil, func(n *network) {
		r := n.run(n.t.Context(), "version: 1\npolicy: {rate: 1/s}\nreadiness: {checks: [home], consecutive: 3, within: 3500ms}\n"+strings.TrimPrefix(home, "version: 1\n"), nil)
		expectReport(t, r, finding.Fail, finding.BlameRelease, "not ready after 3.5s")
	})
}

func TestReadinessUsesFreshConnections(t *testing.T) {
	var kept atomic.Int32
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "close" {
			kept.Add(1)
		}
	}, nil, func(n *network) {
		expectReport(n.t, n.run(n.t.Context(), home, func(j *Job) { j.Phases = []finding.Phase{finding.PhaseReady} }), finding.Pass, finding.BlameNone, "ready: 20 rounds in a row")
	})
	if got := kept.Load(); got != 0 {
		t.Errorf("%d of 20 rounds came over a connection that was kept", got)
	}
}

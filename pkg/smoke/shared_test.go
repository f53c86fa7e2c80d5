package smoke

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

const oneRoute = "version: 1\nreadiness: {checks: [health], consecutive: 2, within: 1m}\nchecks:\n" +
	"  - {name: health, request: GET /health, attempts: 1, expect: {status: 200}}\n" +
	"  - {name: route, request: GET /route, attempts: 4, expect: {status: 200}}\n"

// routes answers /route as the handler does, and anything else well.
func routes(route http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/route" {
			route(w, r)
		}
	}
}

func TestAFaultOfTheReleaseAloneFails(t *testing.T) {
	var blues atomic.Int32
	inBubble(t, routes(status(500)), routes(func(http.ResponseWriter, *http.Request) { blues.Add(1) }), func(n *network) {
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), finding.Fail, finding.BlameRelease, `check "route": 4 of 4 attempts failed: GET /route: status: expected 200, got 500`)
	})
	if got := blues.Load(); got != 4 {
		t.Errorf("blue was asked %d times, want once for each failed attempt", got)
	}
}

func TestASharedOutageIsInconclusive(t *testing.T) {
	var blues atomic.Int32
	blue := func(w http.ResponseWriter, _ *http.Request) {
		blues.Add(1)
		w.WriteHeader(500)
	}
	inBubble(t, routes(status(503)), routes(blue), func(n *network) {
		start := time.Now()
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, finding.Inconclusive, finding.BlameEnvironment, `check "route": the old release fails in the same way`)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %s, want what is left of within: 1m", took)
		}
		if got := blues.Load(); got != 60 {
			t.Errorf("blue was asked %d times in a minute, want every second", got)
		}
	})
}

func TestAnObservedCheckIsNotWaitedFor(t *testing.T) {
	suite := strings.Replace(oneRoute, "name: route,", "name: route, observe: true,", 1)
	inBubble(t, routes(status(503)), routes(status(503)), func(n *network) {
		start := time.Now()
		r := n.run(n.t.Context(), suite, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "1 check passed")
		if took := time.Since(start); took != 0 || r.Checks[1].Verdict != finding.Inconclusive {
			t.Errorf("took %s, observed %s; want no wait, INCONCLUSIVE", took, r.Checks[1].Verdict)
		}
	})
}

func TestASharedBlipIsWaitedForAndJudgedAnew(t *testing.T) {
	blip := until(10*time.Second, status(503), status(200))
	inBubble(t, routes(blip), routes(blip), func(n *network) {
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, finding.Pass, finding.BlameNone, "2 checks passed")
		if c := r.Checks[1]; c.Attempts != 4 || c.Failures != 0 {
			t.Errorf("%d attempts with %d failures, want 4 and 0", c.Attempts, c.Failures)
		}
	})
}

func TestABlipDoesNotHideAFaultOfTheReleaseAlone(t *testing.T) {
	// First a failure of green alone, then one that blue shares: the first still counts.
	var asked atomic.Int32
	green := func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) <= 2 {
			w.WriteHeader(500)
		}
	}
	var blues atomic.Int32
	blue := func(w http.ResponseWriter, _ *http.Request) {
		if blues.Add(1) == 2 {
			w.WriteHeader(500)
		}
	}
	inBubble(t, routes(green), routes(blue), func(n *network) {
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, finding.Fail, finding.BlameRelease, "1 of 5 attempts failed")
	})
}

func TestARecoveredBlueDoesNotExcuseGreen(t *testing.T) {
	inBubble(t, routes(status(503)), routes(until(5*time.Second, status(503), status(200))), func(n *network) {
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), finding.Fail, finding.BlameRelease, `check "route": 4 of 4`)
	})
}

func TestDifferentFaultsAreNotShared(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	inBubble(t, routes(hang), routes(status(500)), func(n *network) {
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), finding.Fail, finding.BlameRelease, "no whole answer within 5s")
	})
}

func TestAnOutageThatNeverLetsGreenGetReadyIsTheEnvironments(t *testing.T) {
	inBubble(t, status(503), status(503), func(n *network) {
		expectReport(t, n.run(n.t.Context(), home, nil), finding.Inconclusive, finding.BlameEnvironment, "the old release fails in the same way")
	})
}

func TestWritesAndFlowsNeverGoToBlue(t *testing.T) {
	suite := "version: 1\nreadiness: {consecutive: 1}\nchecks:\n" +
		"  - {name: write, request: POST /a, expect: {status: 201}}\n" +
		"  - name: flow\n    steps:\n      - {request: GET /b, expect: {status: 200}}\n" +
		"  - {name: release, request: GET /c, expect: {body: \"${RELEASE}\"}}\n"
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/c" {
			_, _ = w.Write([]byte("1.1.0"))
			return
		}
		w.WriteHeader(500)
	}, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("blue was asked %s %s", r.Method, r.URL)
	}, func(n *network) {
		expectReport(t, n.run(n.t.Context(), suite, nil), finding.Fail, finding.BlameRelease, "")
	})
}

func TestBlueIsAskedOnceAlsoForAnEventualRead(t *testing.T) {
	suite := strings.Replace(oneRoute, "attempts: 4", "attempts: 1, eventually: 3s", 1)
	var blues atomic.Int32
	inBubble(t, routes(status(500)), routes(func(w http.ResponseWriter, _ *http.Request) {
		blues.Add(1)
		w.WriteHeader(404)
	}), func(n *network) {
		expectReport(n.t, n.run(n.t.Context(), suite, nil), finding.Fail, finding.BlameRelease, "")
	})
	if got := blues.Load(); got != 1 {
		t.Errorf("blue was asked %d times, want once", got)
	}
}

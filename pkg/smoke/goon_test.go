package smoke

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// goesOn runs a suite in as many runs as there are limits.
func goesOn(n *network, suite string, limits ...time.Duration) (r finding.Report) {
	for _, limit := range limits {
		ctx, cancel := context.WithTimeout(n.t.Context(), limit)
		before := r.Unfinished
		r = n.run(ctx, "version: 1\nreadiness: {consecutive: 1}\n"+suite, func(j *Job) { j.GoOn, j.Before = true, before })
		cancel()
	}
	return r
}

// slowly answers after so long, unless nobody waits.
func slowly(w http.ResponseWriter, r *http.Request, d time.Duration, status int) {
	select {
	case <-time.After(d):
		w.WriteHeader(status)
	case <-r.Context().Done():
	}
}

// TestASetupOfACheckIsMadeAgain: time that ends in it, or in its teardown, is nobody's fault.
func TestASetupOfACheckIsMadeAgain(t *testing.T) {
	for _, slow := range []string{"/login", "/bye"} {
		inBubble(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == slow {
				slowly(w, r, 3*time.Second, 200)
			}
		}, nil, func(n *network) {
			r := goesOn(n, "setup: {per: check, steps: [{request: POST /login}]}\nteardown: [{request: POST /bye}]\n"+
				"checks: [{name: a, request: GET /a, expect: {status: 200}}]\n", time.Second, time.Minute)
			expectReport(t, r, finding.Pass, finding.BlameNone, "1 check passed")
		})
	}
}

// TestWhatARunDoesNotComeToIsKept: a failure of the first run counts in the third.
func TestWhatARunDoesNotComeToIsKept(t *testing.T) {
	var requests atomic.Int32
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		switch asked := requests.Load(); {
		case r.URL.Path == "/login" && asked == 2:
			slowly(w, r, 3*time.Second, 200)
		case r.URL.Path == "/a":
			asked = requests.Add(1)
			switch asked {
			case 1, 3:
				w.WriteHeader(404)
			case 2:
				slowly(w, r, 3*time.Second, 200)
			}
		}
	}, nil, func(n *network) {
		r := goesOn(n, "setup: [{request: POST /login}]\n"+
			"checks: [{name: a, attempts: 3, allowed_failures: 1, request: GET /a, expect: {status: 200}}]\n",
			time.Second, time.Second, time.Minute)
		expectReport(t, r, finding.Fail, finding.BlameRelease, "2 of ")
	})
}

// TestADeadBaselineIsExcusedInSetup, as it is in compare, where the suite does not require one.
func TestADeadBaselineIsExcusedInSetup(t *testing.T) {
	inBubble(t, status(200), status(503), func(n *network) {
		const suite = "version: 1\nreadiness: {consecutive: 1}\nsetup: [{request: POST /login}]\n" +
			"checks: [{name: a, request: GET /a, expect: {status: 200}}]\ncompare: [{request: GET /a}]\n"
		expectReport(t, n.run(n.t.Context(), suite, allPhases), finding.Inconclusive, finding.BlameEnvironment, "setup did not hold on the old release")
		r := n.run(n.t.Context(), suite+"policy: {baseline: optional}\n", allPhases)
		expectReport(t, r, finding.Pass, finding.BlameNone, "1 check passed")
		if len(r.NotRun) != 1 {
			t.Errorf("not run: %v", r.NotRun)
		}
	})
}

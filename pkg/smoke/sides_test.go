package smoke

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// A dead production excuses that nothing was compared; it never excuses a new release that fails as well.
func TestADeadProductionDoesNotExcuseGreen(t *testing.T) {
	const optional = comparing + "policy: {baseline: optional}\n"
	once := func(n int32) http.HandlerFunc {
		var asked atomic.Int32
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/report" && asked.Add(1) == n {
				w.WriteHeader(500)
			}
		}
	}
	bounded := strings.Replace(optional, "status: 200}}\npolicy", "status: 200}, p95: 500ms}\npolicy", 1)
	two := strings.Replace(optional, "policy", "  - {name: other, request: GET /other, pairs: 20, warmup: 0, expect: {status: 200}}\npolicy", 1)
	for name, c := range map[string]struct {
		suite       string
		green, blue http.HandlerFunc
		v           finding.Verdict
		reason      string
	}{
		"both answer 5xx":              {optional, failing(1), status(503), finding.Inconclusive, "green answered GET /report: status: expected 200, got 500"},
		"blue is gone, green fails":    {optional, failing(1), nil, finding.Inconclusive, "green answered GET /report: status: expected 200, got 500"},
		"green fails once":             {optional, once(1), status(503), finding.Inconclusive, "green answered"},
		"green fails once, at the end": {optional, once(20), status(503), finding.Inconclusive, "green answered"},
		"green is over its bound":      {bounded, slow(2 * time.Second), status(503), finding.Fail, "p95 2s, want at most 500ms; blue answered"},
		"green is within it":           {bounded, slow(400 * time.Millisecond), status(503), finding.Pass, "1 check passed"},
		"one comparison of two":        {two, failing(1), status(503), finding.Inconclusive, `comparison "report"`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.green, c.blue, func(n *network) {
				r := n.run(n.t.Context(), c.suite, func(j *Job) { allPhases(j); j.Baseline.URL = "http://blue" })
				if r.Verdict != c.v || !strings.Contains(r.Reason, c.reason) {
					t.Errorf("%s: %s; want %s: … %s", r.Verdict, r.Reason, c.v, c.reason)
				}
			})
		})
	}
}

// What leads to green is not replaced by a default of the client's own either.
func TestNoHeaderOfThatNameGoesToTheBaseline(t *testing.T) {
	inBubble(t, status(200), func(_ http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"User-Agent", "Accept", "Accept-Encoding"} {
			if r.Header[name] != nil {
				t.Errorf("blue was sent %s: %q", name, r.Header[name])
			}
		}
	}, func(n *network) {
		n.run(n.t.Context(), comparing, func(j *Job) {
			allPhases(j)
			j.Target.Headers = map[string]string{"user-agent": "preview", "ACCEPT": "text/x-preview", "accept-encoding": "gzip"}
		})
	})
}

func TestAHeaderInTwoSpellingsIsRefused(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }, nil, func(n *network) {
		r := n.run(n.t.Context(), home, func(j *Job) { j.Target.Headers = map[string]string{"x-a": "1", "X-A": "2"} })
		expectReport(t, r, finding.Error, finding.BlameConfig, "X-A is given twice")
	})
}

// A request that holds the release may lead to green, or ask blue for what it cannot have. In an expectation it is harmless.
func TestReadinessAsksBlueOnlyWhatDoesNotHoldTheRelease(t *testing.T) {
	for _, c := range []struct {
		request string
		v       finding.Verdict
		blues   int32
	}{
		{`request: GET /, headers: {X-Want: "${RELEASE}"}, expect: {status: 200}`, finding.Fail, 0},
		{`request: "GET /${RELEASE}", expect: {status: 200}`, finding.Fail, 0},
		{`request: GET /, json: {want: "${RELEASE}"}, expect: {status: 200}`, finding.Fail, 0},
		{`request: GET /, expect: {body: "${RELEASE}"}`, finding.Inconclusive, 1},
	} {
		var blues atomic.Int32
		inBubble(t, status(503), func(w http.ResponseWriter, _ *http.Request) {
			blues.Add(1)
			w.WriteHeader(503)
		}, func(n *network) {
			suite := "version: 1\nreadiness: {checks: [c], consecutive: 1, within: 2s}\nchecks:\n  - {name: c, " + c.request + "}\n"
			r := n.run(n.t.Context(), suite, nil)
			if got := blues.Load(); r.Verdict != c.v || got != c.blues {
				t.Errorf("%s: %s, blue asked %d times; want %s, %d", c.request, r.Verdict, got, c.v, c.blues)
			}
		})
	}
}

// lateContext has a deadline whose timer fires after another one of the same instant.
type lateContext struct {
	context.Context //nolint:containedctx // stands for one
	end             time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.end, true }

func TestADeadlineOfTheSameInstantEndsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Nanosecond)
		defer cancel()
		if Pause(lateContext{ctx, time.Now().Add(time.Second)}, time.Second) {
			t.Error("the pause ended first")
		}
		if ctx.Err() == nil {
			t.Error("the context has not ended: whoever asks next would go on")
		}
		if !Pause(lateContext{t.Context(), time.Now().Add(time.Second)}, time.Second-1) {
			t.Error("a pause before the deadline is a whole one")
		}
	})
}

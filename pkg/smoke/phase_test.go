package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// network is a network in memory, so that its time is the bubble's.
type network struct {
	t     *testing.T
	mu    sync.Mutex
	hosts map[string]*memListener
	stop  []func()
}

type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *memListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (n *network) serve(host string, h http.HandlerFunc) {
	l := &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]*memListener{}
	}
	n.hosts[host+":80"] = l
	n.stop = append(n.stop, func() { _ = s.Close(); wg.Wait() })
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l, ok := n.hosts[addr]
	n.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	}
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.stop {
		f()
	}
}

// run runs a suite in the bubble: green and blue are the hosts' names.
func (n *network) run(ctx context.Context, text string, change func(*Job)) Report {
	n.t.Helper()
	src := Source{Name: "smoke.yaml", Text: []byte(text)}
	suite, problems := Read(src)
	if suite == nil {
		var b strings.Builder
		_ = problems.Write(&b, diagnostic.Text)
		n.t.Fatalf("the suite is refused:\n%s", &b)
	}
	job := Job{Suite: src, Target: "http://green", Release: "1.1.0", DeploymentID: "d-1", Phases: []Phase{PhaseReady, PhaseJudge}}
	if _, ok := n.hosts["blue:80"]; ok {
		job.Baseline = "http://blue"
	}
	if change != nil {
		change(&job)
	}
	return (&runner{suite: suite, job: job, started: time.Now(), dial: n.dial}).run(ctx)
}

// inBubble runs f with a network whose green and blue answer as the handlers do.
func inBubble(t *testing.T, green, blue http.HandlerFunc, f func(n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{t: t}
		if green != nil {
			n.serve("green", green)
		}
		if blue != nil {
			n.serve("blue", blue)
		}
		f(n)
		n.close()
	})
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// until answers as before for some time, then as after.
func until(d time.Duration, before, after http.HandlerFunc) http.HandlerFunc {
	var once sync.Once
	var start time.Time
	return func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { start = time.Now() })
		if time.Since(start) < d {
			before(w, r)
			return
		}
		after(w, r)
	}
}

func version(v string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"version":%q}`, v) }
}

func expectReport(t *testing.T, r Report, v Verdict, b Blame, reason string) {
	t.Helper()
	if r.Verdict != v || r.Blame != b || !strings.Contains(r.Reason, reason) {
		t.Errorf("got %s (%s): %s\nwant %s (%s): … %s", r.Verdict, r.Blame, r.Reason, v, b, reason)
	}
}

const home = "version: 1\nchecks:\n  - name: home\n    request: GET /\n    expect: {status: 200}\n"

const proof = "version: 1\nchecks:\n  - name: version\n    request: GET /version\n    expect: {json: {$.version: \"${RELEASE}\"}}\n"

func TestReadinessWaitsForASlowStart(t *testing.T) {
	inBubble(t, until(42*time.Second, status(503), status(200)), nil, func(n *network) {
		r := n.run(n.t.Context(), home, nil)
		expectReport(t, r, Pass, BlameNone, "1 check passed")
		if r.Readiness.Rounds != 42+20 || r.Readiness.Consecutive != 20 || r.Readiness.Waited != 42*time.Second {
			t.Errorf("%d rounds, %d in a row, %s; want 62, 20, 42s", r.Readiness.Rounds, r.Readiness.Consecutive, r.Readiness.Waited)
		}
	})
}

func TestNeverReadyIsTheReleasesFault(t *testing.T) {
	inBubble(t, status(503), nil, func(n *network) {
		start := time.Now()
		r := n.run(n.t.Context(), home, nil)
		expectReport(t, r, Fail, BlameRelease, `not ready after 5m0s: check "GET / below 500": GET /: status: expected 2xx, 3xx or 4xx, got 503`)
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
		expectReport(t, n.run(n.t.Context(), home, nil), Pass, BlameNone, "")
	})
}

func TestAnUnreachableTargetFails(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		expectReport(t, n.run(n.t.Context(), home, nil), Fail, BlameRelease, "connection refused")
	})
}

func TestReadinessByDefaultWaitsForTheRelease(t *testing.T) {
	inBubble(t, until(3*time.Second, version("1.0.0"), version("1.1.0")), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, nil)
		expectReport(t, r, Pass, BlameNone, "")
		if !r.ReleaseProven || r.Readiness.Relapses != 0 {
			t.Errorf("proven %t, %d relapses", r.ReleaseProven, r.Readiness.Relapses)
		}
	})
}

func TestTheWrongVersionIsNamed(t *testing.T) {
	inBubble(t, version("1.0.0"), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, nil)
		expectReport(t, r, Fail, BlameRelease, `json $.version: expected "1.1.0", got "1.0.0"`)
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
		expectReport(t, r, Pass, BlameNone, "")
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
		expectReport(t, n.run(n.t.Context(), proof, nil), Fail, BlameRelease, `"1.0.0" answered`)
	})
}

func TestASuiteThatMentionsAReleaseNeedsOne(t *testing.T) {
	inBubble(t, version("1.1.0"), nil, func(n *network) {
		r := n.run(n.t.Context(), proof, func(j *Job) { j.Release = "" })
		expectReport(t, r, Error, BlameConfig, "render-taskdef --release")
	})
}

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
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), Fail, BlameRelease, `check "route": 4 of 4 attempts failed: GET /route: status: expected 200, got 500`)
	})
	if got := blues.Load(); got != 4 {
		t.Errorf("blue was asked %d times, want once for each failed attempt", got)
	}
}

func TestASharedOutageIsInconclusive(t *testing.T) {
	inBubble(t, routes(status(503)), routes(status(500)), func(n *network) {
		start := time.Now()
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, Inconclusive, BlameEnvironment, `check "route": the old release fails in the same way`)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %s, want what is left of within: 1m", took)
		}
	})
}

func TestASharedBlipIsWaitedForAndJudgedAnew(t *testing.T) {
	blip := until(10*time.Second, status(503), status(200))
	inBubble(t, routes(blip), routes(blip), func(n *network) {
		r := n.run(n.t.Context(), oneRoute, nil)
		expectReport(t, r, Pass, BlameNone, "2 checks passed")
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
		expectReport(t, r, Fail, BlameRelease, "1 of 5 attempts failed")
	})
}

func TestARecoveredBlueDoesNotExcuseGreen(t *testing.T) {
	inBubble(t, routes(status(503)), routes(until(5*time.Second, status(503), status(200))), func(n *network) {
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), Fail, BlameRelease, `check "route": 4 of 4`)
	})
}

func TestDifferentFaultsAreNotShared(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	inBubble(t, routes(hang), routes(status(500)), func(n *network) {
		expectReport(t, n.run(n.t.Context(), oneRoute, nil), Fail, BlameRelease, "no whole answer within 5s")
	})
}

func TestAnOutageThatNeverLetsGreenGetReadyIsTheEnvironments(t *testing.T) {
	inBubble(t, status(503), status(503), func(n *network) {
		expectReport(t, n.run(n.t.Context(), home, nil), Inconclusive, BlameEnvironment, "the old release fails in the same way")
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
		expectReport(t, n.run(n.t.Context(), suite, nil), Fail, BlameRelease, "")
	})
}

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
		expectReport(t, r, Error, BlameConfig, `"b"`)
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
		expectReport(t, r, Fail, BlameRelease, `check "a"`)
		if len(r.NotRun) != 1 {
			t.Errorf("not run: %v, want b", r.NotRun)
		}
	})
}

func TestTheTimeEndsWhileWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		h http.HandlerFunc
		v Verdict
		b Blame
	}{
		"after failures": {status(503), Fail, BlameRelease},
		"none failed": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
		}, Error, BlameConfig},
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
		r := n.run(ctx, suite, func(j *Job) { j.Phases = []Phase{PhaseJudge} })
		if took := time.Since(start); took > 10*time.Second+lastGrace {
			t.Errorf("took %s", took)
		}
		if r.Verdict == Pass {
			t.Errorf("PASS: %s", r.Reason)
		}
	})
}

func TestEventuallyAsksEvery200ms(t *testing.T) {
	suite := "version: 1\nreadiness: {consecutive: 1}\nchecks:\n  - {name: a, request: GET /a, attempts: 1, eventually: 3s, expect: {status: 200}}\n"
	for name, c := range map[string]struct {
		after time.Duration
		v     Verdict
		asked int32
	}{"in time": {time.Second, Pass, 6}, "too late": {4 * time.Second, Fail, 15}} {
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
		expectReport(t, n.run(n.t.Context(), suite, nil), Pass, BlameNone, "")
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
		expectReport(t, n.run(n.t.Context(), text.String(), nil), Pass, BlameNone, "50 checks passed")
		if took := time.Since(start); took != 500*time.Millisecond || most.Load() != 16 {
			t.Errorf("took %s with %d at once, want 500ms with 16", took, most.Load())
		}
	})
}

const compared = "version: 1\nreadiness: {consecutive: 1}\nchecks:\n  - {name: home, request: GET /, attempts: 1, expect: {status: 200}}\n" +
	"compare:\n  - {name: report, request: GET /report, pairs: 40, warmup: 4, expect: {status: 200}, p95: 800ms}\n"

func slow(d time.Duration) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			<-time.After(d)
		}
	}
}

func failing(of int32) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" && asked.Add(1)%of == 0 {
			w.WriteHeader(500)
		}
	}
}

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		green, blue http.HandlerFunc
		v           Verdict
		b           Blame
		reason      string
	}{
		"the same":       {slow(50 * time.Millisecond), slow(50 * time.Millisecond), Pass, BlameNone, "1 comparison passed"},
		"slower":         {slow(100 * time.Millisecond), slow(50 * time.Millisecond), Fail, BlameRelease, `comparison "report"`},
		"better":         {slow(10 * time.Millisecond), slow(300 * time.Millisecond), Pass, BlameNone, ""},
		"errors":         {failing(3), slow(0), Fail, BlameRelease, ""},
		"blue errors":    {slow(0), failing(4), Pass, BlameNone, ""},
		"nothing valid":  {failing(1), failing(1), Inconclusive, BlameEnvironment, ""},
		"over the bound": {slow(810 * time.Millisecond), slow(790 * time.Millisecond), Fail, BlameRelease, "p95"},
		"both over":      {slow(900 * time.Millisecond), slow(900 * time.Millisecond), Inconclusive, BlameEnvironment, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.green, c.blue, func(n *network) {
				r := n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []Phase{PhaseCompare, PhaseReady, PhaseJudge} })
				expectReport(t, r, c.v, c.b, c.reason)
				if len(r.Compares) != 1 {
					t.Errorf("%d comparisons", len(r.Compares))
				}
			})
		})
	}
}

func TestCompareAsksInTurn(t *testing.T) {
	var mu sync.Mutex
	order := ""
	note := func(side string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/report" {
				mu.Lock()
				order += side
				mu.Unlock()
			}
		}
	}
	inBubble(t, note("G"), note("B"), func(n *network) {
		n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []Phase{PhaseReady, PhaseCompare} })
	})
	if want := strings.Repeat("GBBG", 22); order != want {
		t.Errorf("asked %s, want %s", order, want)
	}
}

func TestNoBaseline(t *testing.T) {
	all := func(j *Job) { j.Phases = append(j.Phases, PhaseCompare) }
	inBubble(t, status(200), nil, func(n *network) {
		expectReport(t, n.run(n.t.Context(), compared, all), Inconclusive, BlameEnvironment, "no old release")
		r := n.run(n.t.Context(), compared+"policy: {baseline: optional}\n", all)
		expectReport(t, r, Pass, BlameNone, "")
		if len(r.NotRun) != 1 {
			t.Errorf("not run: %v", r.NotRun)
		}
		r = n.run(n.t.Context(), compared, func(j *Job) { all(j); j.UncomparableBaseline = "it is a bootstrap task" })
		expectReport(t, r, Pass, BlameNone, "")
		if len(r.NotRun) != 1 || !strings.Contains(r.NotRun[0].Why, "bootstrap") {
			t.Errorf("not run: %v", r.NotRun)
		}
	})
}

func TestObservedChecksNeverCount(t *testing.T) {
	suite := home + "  - {name: watched, request: GET /missing, observe: true, expect: {status: 500}}\n"
	inBubble(t, status(200), nil, func(n *network) {
		r := n.run(n.t.Context(), suite, nil)
		expectReport(t, r, Pass, BlameNone, "1 check passed")
		if c := r.Checks[1]; !c.Observe || c.Verdict != Fail {
			t.Errorf("observed: %t, %s; want recorded as FAIL", c.Observe, c.Verdict)
		}
	})
}

func TestABrokenJobIsAnErrorAndNoCrash(t *testing.T) {
	for name, change := range map[string]func(*Job){
		"no target":       func(j *Job) { j.Target = "" },
		"target path":     func(j *Job) { j.Target = "http://green/x" },
		"baseline":        func(j *Job) { j.Baseline = "ftp://blue" },
		"no phases":       func(j *Job) { j.Phases = nil },
		"unknown phase":   func(j *Job) { j.Phases = []Phase{"judged"} },
		"tags of nothing": func(j *Job) { j.Tags = []string{"none"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, status(200), nil, func(n *network) {
				expectReport(t, n.run(n.t.Context(), home, change), Error, BlameConfig, "")
			})
		})
	}
	r := Run(t.Context(), Job{Suite: Source{Name: "s.yaml", Text: []byte("checks: 1")}}, nil)
	expectReport(t, r, Error, BlameConfig, "the suite is wrong: s.yaml:1:1")
}

func TestAPanicIsTheGatesFault(t *testing.T) {
	inBubble(t, status(200), nil, func(n *network) {
		r := &runner{job: Job{Target: "http://green", Phases: []Phase{PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.suite, _ = Read(Source{Name: "s", Text: []byte(home)})
		r.watch = func(Progress) { panic("the watcher broke") }
		expectReport(t, r.run(n.t.Context()), Error, BlameGate, "the watcher broke")
	})
}

func TestAJobAndAReportSurviveJSON(t *testing.T) {
	inBubble(t, status(500), status(200), func(n *network) {
		var job Job
		r := n.run(n.t.Context(), oneRoute, func(j *Job) {
			j.Values = map[string]Value{"A": {Text: "b", Secret: true}}
			job = *j
		})
		var job2 Job
		var r2 Report
		throughJSON(n.t, job, &job2)
		throughJSON(n.t, r, &r2)
		if d := cmp.Diff(job, job2); d != "" {
			t.Errorf("the job changes: %s", d)
		}
		if d := cmp.Diff(r, r2, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); d != "" {
			t.Errorf("the report changes: %s", d)
		}
	})
}

func throughJSON(t *testing.T, from, to any) {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func TestEveryAddressOfTheTargetIsAsked(t *testing.T) {
	inBubble(t, nil, nil, func(n *network) {
		var asked [3]atomic.Int32
		var addrs []string
		for i := range asked {
			host := fmt.Sprintf("10.0.0.%d", i)
			n.serve(host, func(w http.ResponseWriter, r *http.Request) {
				asked[i].Add(1)
				if i == 2 && r.Host == "green" {
					w.WriteHeader(500)
				}
			})
			addrs = append(addrs, host+":80")
		}
		r := n.run(n.t.Context(), home, func(j *Job) { j.TargetAddrs = addrs })
		expectReport(n.t, r, Fail, BlameRelease, "got 500")
		for i := range asked {
			if asked[i].Load() == 0 {
				t.Errorf("address %d was never asked", i)
			}
		}
	})
}

func TestAnAttemptInTwoIsOnAConnectionOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	conns := map[string]int{}
	inBubble(t, nil, nil, func(n *network) {
		n.serve("green", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			conns[r.Header.Get("Connection")]++
			mu.Unlock()
		})
		suite := strings.Replace(home, "    request: GET /\n", "    request: GET /\n    attempts: 10\n", 1)
		r := n.run(n.t.Context(), suite, func(j *Job) { j.Phases = []Phase{PhaseJudge} })
		expectReport(n.t, r, Pass, BlameNone, "")
	})
	if conns["close"] != 5 || conns[""] != 5 {
		t.Errorf("%v, want 5 on connections that are closed and 5 on one that is kept", conns)
	}
}

func TestTheWatcherIsToldWhatHappens(t *testing.T) {
	inBubble(t, routes(status(500)), nil, func(n *network) {
		src := Source{Name: "s", Text: []byte(oneRoute)}
		suite, _ := Read(src)
		var told []string
		r := &runner{suite: suite, job: Job{Suite: src, Target: "http://green", Phases: []Phase{PhaseReady, PhaseJudge}}, started: time.Now(), dial: n.dial}
		r.watch = func(p Progress) {
			text := fmt.Sprintf("%s %d/%d", p.Phase, p.Done, p.Total)
			if p.Check != nil {
				text += " " + string(p.Check.Verdict)
			}
			told = append(told, text)
		}
		r.run(n.t.Context())
		got := strings.Join(told, ", ")
		if !strings.HasPrefix(got, "ready 1/2, ready 2/2, judge 1/2") || !strings.Contains(got, "FAIL") || !strings.Contains(got, "judge 2/2") {
			t.Errorf("told %s", got)
		}
	})
}

func TestReadinessUsesFreshConnections(t *testing.T) {
	var kept atomic.Int32
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "close" {
			kept.Add(1)
		}
	}, nil, func(n *network) {
		expectReport(n.t, n.run(n.t.Context(), home, func(j *Job) { j.Phases = []Phase{PhaseReady} }), Pass, BlameNone, "ready: 20 rounds in a row")
	})
	if got := kept.Load(); got != 0 {
		t.Errorf("%d of 20 rounds came over a connection that was kept", got)
	}
}

func TestWarmUpPairsAreThrownAway(t *testing.T) {
	// Green's first answers are slow, as they are before its caches are warm.
	var asked atomic.Int32
	green := func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" && asked.Add(1) <= 4 {
			<-time.After(3 * time.Second)
		}
	}
	inBubble(t, green, slow(0), func(n *network) {
		r := n.run(n.t.Context(), compared, func(j *Job) { j.Phases = []Phase{PhaseCompare} })
		expectReport(n.t, r, Pass, BlameNone, "")
		if c := r.Compares[0]; len(c.Green) != 40 || c.GreenP95 != 0 {
			t.Errorf("%d latencies, p95 %s; want 40 and none of the slow ones", len(c.Green), c.GreenP95)
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
		r := n.run(ctx, suite, func(j *Job) { j.Phases = []Phase{PhaseJudge} })
		expectReport(n.t, r, Fail, BlameRelease, "step 1, GET /a: status: expected 201, got 200")
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
		expectReport(n.t, r, Pass, BlameNone, "1 check passed")
		if len(r.NotRun) != 2 {
			t.Errorf("not run: %v, want both that watch", r.NotRun)
		}
	})
}

func TestBlueIsAskedOnceAlsoForAnEventualRead(t *testing.T) {
	suite := strings.Replace(oneRoute, "attempts: 4", "attempts: 1, eventually: 3s", 1)
	var blues atomic.Int32
	inBubble(t, routes(status(500)), routes(func(w http.ResponseWriter, _ *http.Request) {
		blues.Add(1)
		w.WriteHeader(404)
	}), func(n *network) {
		expectReport(n.t, n.run(n.t.Context(), suite, nil), Fail, BlameRelease, "")
	})
	if got := blues.Load(); got != 1 {
		t.Errorf("blue was asked %d times, want once", got)
	}
}

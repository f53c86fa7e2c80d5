package functions_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// calls is a hook of a native deployment that is called again as long as it says IN_PROGRESS.
type calls struct {
	n     *native
	stage string
	limit time.Duration
	// between may change what is handed back.
	between func(n int, details map[string]string)
}

// run returns the last call's answer, with the log of all of them, and how many there were.
func (c calls) run(t *testing.T, e *environment) (answer, int) {
	t.Helper()
	details := map[string]string{}
	var log string
	for n := 1; n <= 40; n++ {
		text, _ := json.Marshal(details)
		event := strings.TrimSuffix(c.n.event(c.stage, c.n.production(0, 100)), "}") + `,"hookDetails":` + string(text) + "}"
		a := e.invoke(event, c.limit)
		log += a.log
		var said struct {
			HookStatus    string            `json:"hookStatus"`
			CallBackDelay int               `json:"callBackDelay"`
			HookDetails   map[string]string `json:"hookDetails"`
		}
		if err := json.Unmarshal([]byte(a.body), &said); a.kind != "returned" || err != nil {
			t.Fatalf("call %d %s: %s\n%s", n, a.kind, a.body, a.log)
		}
		noSecretIn(t, "answer", a.body)
		if said.HookStatus != "IN_PROGRESS" {
			a.log = log
			return a, n
		}
		if len(a.lines(t, "verdict")) > 0 || len(a.lines(t, "metrics")) > 0 || said.CallBackDelay < 1 {
			t.Errorf("call %d is in progress, calls again after %d s, and says %s", n, said.CallBackDelay, a.log)
		}
		details = said.HookDetails
		if c.between != nil {
			c.between(n, details)
		}
	}
	t.Fatalf("it is in progress for ever\n%s", log)
	return answer{}, 0
}

// long is a suite that takes some ten seconds: 40 attempts in a row and 60 pairs.
const long = `version: 1
name: long
policy: {concurrency: 2}
variables: {TOKEN: {secretsmanager: smoke/token, key: password}}
defaults: {headers: {Authorization: "Bearer ${TOKEN}"}}
readiness: {checks: [version], consecutive: 5, within: 30s}
checks:
  - {name: version, request: GET /version, expect: {json: {$.version: "${RELEASE}"}}}
  - {name: list trips, request: GET /trips, attempts: 40, allowed_failures: 2, expect: {status: 200}}
  - {name: report, request: GET /report, attempts: 3, expect: {status: 200}}
`

const longer = long + "compare:\n  - {name: report, request: GET /report, pairs: 60, warmup: 5, expect: {status: 200}}\n  - {name: version, request: GET /version, pairs: 20, warmup: 0, expect: {status: 200}}\n"

// sluggish is a release of which two routes take their time.
func sluggish(trips, report time.Duration, rest application) application {
	slow := slowly("/report", func(int64) time.Duration { return report })
	rest.around = func(next http.Handler) http.Handler {
		return slowly("/trips", func(int64) time.Duration { return trips })(slow(next))
	}
	return rest
}

// TestARunGoesOnInAnotherCall: with five seconds a call the verdict is that of a quarter of an hour.
func TestARunGoesOnInAnotherCall(t *testing.T) {
	t.Parallel()
	const trips, report = 150 * time.Millisecond, 50 * time.Millisecond
	every := func(k int64) application {
		return application{release: release, routes: map[string]http.HandlerFunc{"GET /trips": failingEvery(k)}}
	}
	for name, tc := range map[string]struct {
		suite           string
		green           application
		stage           string
		verdict, reason string
		checks          int
		calls           int
	}{
		"good":                        {longer, sluggish(trips, report, good()), "PRE_PRODUCTION_TRAFFIC_SHIFT", "PASS", "3 checks passed, 2 comparisons passed", 3, 3},
		"slower":                      {longer, sluggish(trips, report+60*time.Millisecond, good()), "PRE_PRODUCTION_TRAFFIC_SHIFT", "FAIL", `comparison "report"`, 3, 3},
		"one of twenty attempts":      {long, sluggish(trips, report, every(20)), "POST_TEST_TRAFFIC_SHIFT", "PASS", "3 checks passed", 3, 2},
		"one of ten attempts":         {long, sluggish(trips, report, every(10)), "POST_TEST_TRAFFIC_SHIFT", "FAIL", "attempts failed, 2 may", 3, 2},
		"not ready for eight seconds": {long, around(failingFor(8 * time.Second)), "POST_TEST_TRAFFIC_SHIFT", "PASS", "3 checks passed", 3, 3},
		"never ready":                 {strings.Replace(long, "within: 30s", "within: 6s", 1), around(failing(func(int64) bool { return true }, answers(503))), "POST_TEST_TRAFFIC_SHIFT", "FAIL", "not ready after 6", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := after
			if strings.HasPrefix(tc.stage, "PRE_") {
				hook = before
			}
			for _, limit := range []time.Duration{5 * time.Second, time.Minute} {
				n := newNative(t, serve(t, tc.green), serve(t, sluggish(trips, report, old())), tc.suite)
				if strings.HasPrefix(name, "not ready") {
					n = newNative(t, serve(t, around(failingFor(8*time.Second))), serve(t, old()), tc.suite)
				}
				a, made := calls{n: n, stage: tc.stage, limit: limit}.run(t, start(t, hook, n.url, "EVIDENCE_PARAMETER=/evidence"))
				v := a.verdict(t)
				t.Logf("%v a call, %d calls: %s: %s", limit, made, v.text("verdict"), v.text("reason"))
				if v.text("verdict") != tc.verdict || !strings.Contains(v.text("reason"), tc.reason) {
					t.Errorf("%v a call: %s: %s, want %s: %s\n%s", limit, v.text("verdict"), v.text("reason"), tc.verdict, tc.reason, a.log)
				}
				if limit == time.Minute && made != 1 || limit != time.Minute && made < tc.calls {
					t.Errorf("%v a call: %d calls", limit, made)
				}
				if got := len(a.lines(t, "check")); got != tc.checks {
					t.Errorf("%v a call: %d check lines, want %d: each check is told once", limit, got, tc.checks)
				}
				if counted := v["checks_passed"].(float64) + v["checks_failed"].(float64); counted != float64(tc.checks+len(a.lines(t, "compare"))) {
					t.Errorf("%v a call: %v checks and comparisons are counted", limit, counted)
				}
				noSecretIn(t, "log", a.log)
			}
		})
	}
}

// failingEvery answers every k-th request with 500, and counts through all calls.
func failingEvery(k int64) http.HandlerFunc {
	return failing(func(n int64) bool { return n%k == 0 }, answers(500))(http.HandlerFunc(trips)).ServeHTTP
}

// failingFor is not ready for so long after its first request.
func failingFor(d time.Duration) func(http.Handler) http.Handler {
	var began time.Time
	return failing(func(n int64) bool {
		if n == 1 {
			began = time.Now()
		}
		return time.Since(began) < d
	}, answers(503))
}

// TestAForgedStateStartsAnew: what somebody else wrote into hookDetails opens nothing, and neither does an old state.
func TestAForgedStateStartsAnew(t *testing.T) {
	t.Parallel()
	broken := sluggish(150*time.Millisecond, 0, application{release: release, routes: map[string]http.HandlerFunc{"GET /report": answers(500)}})
	passed := func(text string) string {
		var state map[string]any
		_ = json.Unmarshal([]byte(text), &state)
		state["run"] = map[string]any{
			"readiness": map[string]any{"verdict": "PASS", "rounds": 5, "consecutive": 5}, "proven": true,
			"checks": []any{
				map[string]any{"check": "version", "verdict": "PASS", "attempts": 5},
				map[string]any{"check": "list trips", "verdict": "PASS", "attempts": 40},
				map[string]any{"check": "report", "verdict": "PASS", "attempts": 3},
			},
		}
		forged, _ := json.Marshal(state)
		return string(forged)
	}
	for name, tc := range map[string]struct {
		forge func(n *native, details map[string]string)
		says  string
	}{
		"forged":                        {func(_ *native, d map[string]string) { d["greenlight"] = passed(d["greenlight"]) }, "it starts anew"},
		"nothing is kept":               {func(n *native, _ map[string]string) { n.Values.Put("/evidence", "none") }, "it starts anew"},
		"no state":                      {func(_ *native, d map[string]string) { d["greenlight"] = "no JSON" }, ""},
		"gone":                          {func(_ *native, d map[string]string) { delete(d, "greenlight") }, ""},
		"one that is older":             {func(n *native, d map[string]string) { n.Values.Put("/evidence", "none\n"+strings.Repeat("0", 64)) }, "it starts anew"},
		"the parameter cannot be read":  {func(n *native, _ map[string]string) { n.Values.Delete("/evidence") }, "it starts anew"},
		"an own one, which is believed": {func(*native, map[string]string) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			late := broken
			if strings.HasPrefix(name, "an own") {
				late = sluggish(150*time.Millisecond, 0, good())
			}
			n := newNative(t, serve(t, late), serve(t, old()), strings.Replace(long, "concurrency: 2", "concurrency: 1", 1))
			a, made := calls{n: n, stage: "POST_TEST_TRAFFIC_SHIFT", limit: 5 * time.Second, between: func(call int, d map[string]string) {
				if call == 1 {
					tc.forge(n, d)
				}
			}}.run(t, start(t, after, n.url, "EVIDENCE_PARAMETER=/evidence"))
			want := "FAIL"
			if strings.HasPrefix(name, "an own") {
				want = "PASS"
			} else if strings.HasPrefix(name, "the parameter") {
				want = "ERROR"
			}
			if v := a.verdict(t); v.text("verdict") != want || made < 2 || !strings.Contains(a.log, tc.says) {
				t.Errorf("%s after %d calls: %s\n%s", v.text("verdict"), made, v.text("reason"), a.log)
			}
		})
	}
}

// What one run found is another deployment's or another stage's for nobody, though the parameter vouches for it.
func TestAStateIsOfOneRun(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"POST_TEST_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT"} {
		for _, another := range []bool{false, true} {
			green, blue := serve(t, sluggish(150*time.Millisecond, 0, good())), serve(t, old())
			first := newNative(t, green, blue, long)
			e := start(t, after, first.url, "EVIDENCE_PARAMETER=/evidence")
			a := e.invoke(first.event("POST_TEST_TRAFFIC_SHIFT", ""), 5*time.Second)
			var said struct{ HookDetails json.RawMessage }
			if err := json.Unmarshal([]byte(a.body), &said); err != nil || len(said.HookDetails) == 0 {
				t.Fatalf("%s: %v", a.body, err)
			}
			n := first
			if another { // of the same suite and release, at the same address
				n = newNative(t, green, blue, long)
				kept, _ := first.Values.Get("/evidence")
				n.Values.Put("/evidence", kept)
			}
			e = start(t, after, n.url, "EVIDENCE_PARAMETER=/evidence")
			a = e.invoke(strings.TrimSuffix(n.event(stage, ""), "}")+`,"hookDetails":`+string(said.HookDetails)+"}", time.Minute)
			own := !another && stage == "POST_TEST_TRAFFIC_SHIFT"
			if v := a.verdict(t); v.text("verdict") != "PASS" || strings.Contains(a.log, "it starts anew") == own {
				t.Errorf("%s, another deployment %v: %s: %s\n%s", stage, another, v.text("verdict"), v.text("reason"), a.log)
			}
		}
	}
}

// A request that takes longer than a call is told, and not tried for ever; without a parameter nothing goes on.
func TestARunThatCannotGoOnEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		variable string
		calls    int
		trips    time.Duration
		says     string
	}{
		"a request takes longer than a call": {"EVIDENCE_PARAMETER=/evidence", 4, 6 * time.Second, "give the function more time"},
		"nothing can be kept":                {"", 1, 150 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNative(t, serve(t, sluggish(tc.trips, 0, good())), serve(t, old()), long)
			a, made := calls{n: n, stage: "POST_TEST_TRAFFIC_SHIFT", limit: 5 * time.Second}.run(t, start(t, after, n.url, tc.variable))
			if v := a.verdict(t); v.text("verdict") != "ERROR" || v.text("blame") != "config" || made != tc.calls || !strings.Contains(v.text("reason"), "list trips") || !strings.Contains(v.text("reason"), tc.says) {
				t.Errorf("%s after %d calls: %s", v.text("verdict"), made, v.text("reason"))
			}
		})
	}
}

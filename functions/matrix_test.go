package functions_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// suite is the suite of a row: the trip planner's, with what the row needs otherwise.
type suite struct {
	// within is the budget for readiness and for a shared fault to pass; timeout that of one request.
	within, timeout string
	// attempts are those of "list trips".
	attempts int
	// eventually is added to the read after the write.
	eventually string
	// more is appended; whole stands for everything.
	more, whole string
}

const compared = `
compare:
  - {name: report, request: GET /report, pairs: 40, over: 1s, warmup: 5, expect: {status: 200}}
`

func (s suite) text() string {
	if s.whole != "" {
		return s.whole
	}
	within, timeout, attempts, eventually := s.within, s.timeout, s.attempts, s.eventually
	if within == "" {
		within = "20s"
	}
	if timeout == "" {
		timeout = "10s"
	}
	if attempts == 0 {
		attempts = 4
	}
	if eventually != "" {
		eventually = "eventually: " + eventually + ", "
	}
	return fmt.Sprintf(`version: 1
name: trips
variables:
  TOKEN: {secretsmanager: smoke/token, key: password}
  KEY: {ssm: /smoke/key}
  PIN: {env: SMOKE_PIN, secret: true}
defaults:
  timeout: %s
  headers: {Authorization: "Bearer ${TOKEN}", X-Api-Key: "${KEY}", X-Pin: "${PIN}"}
readiness: {checks: [version], consecutive: 5, within: %s}
checks:
  - name: version
    request: GET /version
    expect: {status: 200, json: {$.version: "${RELEASE}"}}
  - name: list trips
    request: GET /trips
    attempts: %d
    expect: {status: 200, json: {$.trips: {type: array}}}
  - name: order
    steps:
      - {request: POST /orders, json: {sku: A-1}, expect: {status: 201, json: {$.status: created}}, capture: {id: $.id}}
      - {request: "GET /orders/${id}", %sexpect: {status: 200, json: {$.sku: A-1}}}
      - {request: "DELETE /orders/${id}", always: true, expect: {status: 204}}
`, timeout, within, attempts, eventually) + s.more
}

// row is one case of the matrix: what serves as green and as blue, and what the gate has to make of it.
type row struct {
	name, hook string
	// green returns the URL of the test listener; it is told blue's.
	green func(t testing.TB, blue string) string
	// blue returns the URL of the production listener; nil is the old release, without a fault.
	blue  func(t testing.TB) string
	suite suite
	// prepare changes the deployment before the hook runs.
	prepare        func(*cloud, *rollout)
	verdict, blame string
	// reason is a part of the verdict's.
	reason string
}

func green(a application) func(testing.TB, string) string {
	return func(t testing.TB, _ string) string { return serve(t, a) }
}

func blue(a application) func(testing.TB) string {
	return func(t testing.TB) string { return serve(t, a) }
}

// rows are the checks' rows, for the first hook.
func rows() []row {
	every := func(k int64) func(int64) bool { return func(n int64) bool { return n%k == 0 } }
	outage, blip := around(failingAt("/trips", 0)), around(failingAt("/trips", 1500*time.Millisecond))
	return []row{
		{name: "good", green: green(good()), verdict: "PASS", blame: "none"},
		{name: "slow start: 503 twice, then right", green: green(around(failing(func(n int64) bool { return n <= 2 }, answers(503)))), verdict: "PASS", blame: "none"},
		{name: "late listener: nobody listens for 1.5 s", green: func(t testing.TB, _ string) string { return late(t, good(), 1500*time.Millisecond) }, verdict: "PASS", blame: "none"},
		{name: "slow read-after-write, `eventually` declared", green: green(withOrders(&orders{later: 600 * time.Millisecond})), suite: suite{eventually: "20s"}, verdict: "PASS", blame: "none"},
		{name: "shared blip: blue and green fail for 1.5 s", green: green(blip), blue: blue(blip), suite: suite{within: "30s"}, verdict: "PASS", blame: "none"},

		{name: "never ready: 503 for ever", green: green(around(failing(every(1), answers(503)))), suite: suite{within: "2s"}, verdict: "FAIL", blame: "release", reason: "expected 200, got 503"},
		{name: "500 on one route", green: green(with("GET /trips", answers(500))), verdict: "FAIL", blame: "release", reason: `check "list trips": 4 of 4 attempts failed: GET /trips: status: expected 200, got 500`},
		{name: "10 % errors, 44 attempts", green: green(around(onPath("/trips", failing(every(10), answers(500))))), suite: suite{attempts: 44}, verdict: "FAIL", blame: "release", reason: "4 of 44 attempts failed"},
		{name: "flapping: every third answer is 503", green: green(around(failing(every(3), answers(503)))), suite: suite{within: "3s"}, verdict: "FAIL", blame: "release", reason: "not ready after"},
		{name: "wrong version", green: green(application{release: "1.0-stale"}), suite: suite{within: "2s"}, verdict: "FAIL", blame: "release", reason: "1.0-stale"},
		{name: "one old task of four", green: func(t testing.TB, _ string) string { return tasks(t, good(), good(), good(), old()) }, suite: suite{within: "4s"}, verdict: "FAIL", blame: "release", reason: "1.0"},
		{name: "failed write: POST answers 500", green: green(with("POST /orders", answers(500))), verdict: "FAIL", blame: "release", reason: "POST /orders: status: expected 201, got 500"},
		{name: "lost write: created, and never there", green: green(withOrders(&orders{lost: true})), suite: suite{eventually: "1s"}, verdict: "FAIL", blame: "release", reason: "expected 200, got 404"},
		{name: "slow read-after-write, `eventually` not declared", green: green(withOrders(&orders{later: 30 * time.Second})), verdict: "FAIL", blame: "release", reason: "expected 200, got 404"},
		{name: "error body with 200", green: green(with("GET /trips", answers(200))), verdict: "FAIL", blame: "release", reason: "$.trips"},
		{name: "login page with 200 on every route", green: green(around(login)), suite: suite{within: "2s"}, verdict: "FAIL", blame: "release", reason: "expected a JSON body"},
		{name: "redirect to blue", green: func(t testing.TB, blue string) string { return serve(t, with("GET /trips", redirect(blue+"/trips"))) }, verdict: "FAIL", blame: "release", reason: "redirect"},
		{name: "redirect loop", green: green(with("GET /trips", redirect("/trips"))), verdict: "FAIL", blame: "release", reason: "loop"},
		{name: "hang: no answer", green: green(with("GET /trips", hang)), suite: suite{timeout: "1s", attempts: 2}, verdict: "FAIL", blame: "release", reason: "no whole answer within 1s"},
		{name: "drip: an answer that never ends, byte by byte", green: green(with("GET /trips", drip)), suite: suite{timeout: "1s", attempts: 2}, verdict: "FAIL", blame: "release", reason: "no whole answer within 1s"},
		{name: "endless body", green: green(with("GET /trips", endless)), verdict: "FAIL", blame: "release", reason: "larger than"},
		{name: "gzip bomb: 256 MiB in 256 KiB", green: green(with("GET /trips", bomb)), verdict: "FAIL", blame: "release", reason: "larger than"},
		{name: "reset: the connection breaks", green: green(with("GET /trips", reset)), verdict: "FAIL", blame: "release", reason: "connection closed"},

		{name: "wrong certificate", green: untrusted, verdict: "ERROR", blame: "config", reason: "certificate"},
		{name: "suite without checks", green: green(good()), suite: suite{whole: "version: 1\nchecks: []\n"}, verdict: "ERROR", blame: "config", reason: ":2:1: the suite has no checks"},
		{name: "suite that is not the one published with the release", green: green(good()), prepare: tampered, verdict: "ERROR", blame: "config", reason: "sha256"},
		{name: "suite that is gone", green: green(good()), prepare: gone, verdict: "ERROR", blame: "config", reason: "NoSuchKey"},
		{name: "secret that is gone", green: green(good()), prepare: withoutSecret, verdict: "ERROR", blame: "config", reason: "variable TOKEN: secretsmanager GetSecretValue: ResourceNotFoundException"},

		{name: "shared outage: blue fails in the same way", green: green(outage), blue: blue(outage), suite: suite{within: "3s"}, verdict: "INCONCLUSIVE", blame: "environment", reason: "the old release fails in the same way"},
	}
}

// comparisons are the rows of the second hook. The differences are far above the rules' limits and the
// equal sides far below, so that a busy machine changes nothing.
func comparisons() []row {
	report := func(d func(n int64) time.Duration) application { return around(slowly("/report", d)) }
	ms := func(d int64) func(int64) time.Duration {
		return func(int64) time.Duration { return time.Duration(d) * time.Millisecond }
	}
	noise := func(n int64) time.Duration {
		d := time.Duration(5+n*7919%37) * time.Millisecond
		if n%13 == 0 {
			d += 90 * time.Millisecond
		}
		return d
	}
	all := []row{
		{name: "good", green: green(good()), verdict: "PASS", blame: "none"},
		{name: "better green: blue is slower", green: green(good()), blue: blue(report(ms(80))), verdict: "PASS", blame: "none"},
		{name: "noisy A/A: both vary in the same way", green: green(report(noise)), blue: blue(report(noise)), verdict: "PASS", blame: "none"},
		{name: "shared brown-out: both are 150 ms slower", green: green(report(ms(150))), blue: blue(report(ms(150))), verdict: "PASS", blame: "none"},
		{name: "slower: 100 ms more", green: green(report(ms(100))), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "leaking: every request is 4 ms slower than the one before", green: green(report(func(n int64) time.Duration { return time.Duration(n) * 4 * time.Millisecond })), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "long tail: every third answer takes 500 ms", green: green(report(func(n int64) time.Duration { return time.Duration(n%3/2) * 500 * time.Millisecond })), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "errors that blue does not have", green: green(with("GET /report", answers(500))), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "no blue: there is no production listener", green: green(good()), blue: func(testing.TB) string { return "" }, verdict: "INCONCLUSIVE", blame: "environment", reason: "no old release"},
		{name: "no blue: nobody answers on the production listener", green: green(good()), blue: func(t testing.TB) string { return nobody(t) }, verdict: "INCONCLUSIVE", blame: "environment", reason: `comparison "report"`},
	}
	for i := range all {
		all[i].hook, all[i].suite.more = before, compared
	}
	return all
}

// failingAt fails on one path, from the first time on that it is asked for, on both sides alike; 0 is for ever.
func failingAt(path string, duration time.Duration) func(http.Handler) http.Handler {
	var once sync.Once
	var began time.Time
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				once.Do(func() { began = time.Now() })
				if duration == 0 || time.Since(began) < duration {
					answers(http.StatusServiceUnavailable)(w, r)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func onPath(path string, wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		wrapped := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				wrapped.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func untrusted(t testing.TB, _ string) string {
	s := httptest.NewUnstartedServer(good().handler())
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func tampered(c *cloud, r *rollout) {
	text, _ := c.Objects.Get("suites/" + r.id + ".yaml")
	c.Objects.Put("suites/"+r.id+".yaml", "", append(slices.Clone(text), "# allow everything\n"...))
}

func gone(c *cloud, r *rollout) { c.Objects.Delete("suites/" + r.id + ".yaml") }

func withoutSecret(_ *cloud, r *rollout) {
	r.labels["greenlight.suite"] = "ssm:/suites/no-secret"
}

// TestMatrix runs every row with the function's own binary, and the good release after each in the same
// process. Nothing is set: what a hook knows it found from the deployment's id.
func TestMatrix(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Values.Put("/suites/no-secret", strings.Replace(suite{}.text(), "smoke/token", "smoke/gone", 1))
	pools := map[string]*pool{after: newPool(t, after, c.url, 8), before: newPool(t, before, c.url, 5)}
	healthy, production := serve(t, good()), serve(t, old())
	var mu sync.Mutex
	results := map[string]line{}
	run := func(t *testing.T, all []row) {
		for _, r := range all {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				v := pools[r.hook].row(t, c, r, healthy, production)
				mu.Lock()
				defer mu.Unlock()
				results[r.hook+r.name] = v
			})
		}
	}
	first := rows()
	for i := range first {
		first[i].hook = after
	}
	t.Run(after, func(t *testing.T) { run(t, first) })
	t.Run(before, func(t *testing.T) { run(t, comparisons()) })
	for _, p := range pools {
		for _, e := range p.all {
			if got := e.peakMemory(); got >= 64 {
				t.Errorf("%s had %.1f MiB resident after its rows, want less than 64", e.name, got)
			}
		}
	}
	if t.Failed() || len(results) < len(first)+len(comparisons()) {
		return // a part was asked for, or is wrong: the table would be neither whole nor right
	}
	checkTable(t, append(first, comparisons()...), results)
}

// row runs one row in a free environment and checks all that has to hold for any of them.
func (p *pool) row(t *testing.T, c *cloud, r row, healthy, production string) line {
	t.Helper()
	e := <-p.free
	defer func() { p.free <- e }()
	oldURL := production
	if r.blue != nil {
		oldURL = r.blue(t)
	}
	d, event := c.deploy(r.hook, r.green(t, oldURL), oldURL, r.suite.text())
	if r.prepare != nil {
		r.prepare(c, d)
	}
	a := e.invoke(event, time.Minute)
	v := judged(t, a, d)
	t.Logf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
	if v.text("verdict") != r.verdict || v.text("blame") != r.blame || !strings.Contains(v.text("reason"), r.reason) {
		t.Errorf("%s, blame %s: %s\nwant %s, blame %s: …%s…", v.text("verdict"), v.text("blame"), v.text("reason"), r.verdict, r.blame, r.reason)
	}
	if r.blame == "config" && a.took > 15*time.Second {
		t.Errorf("took %v to tell what is set wrong, want at most 15s", a.took)
	}
	// The same process, the next deployment.
	d, event = c.deploy(r.hook, healthy, production, suite{}.text())
	if next := judged(t, e.invoke(event, time.Minute), d); next.text("verdict") != "PASS" {
		t.Errorf("the good release that came next in the same process: %s: %s", next.text("verdict"), next.text("reason"))
	}
	return v
}

// judged checks what holds for every invocation that CodeDeploy's answers let end well: one verdict, one
// status, which is the verdict's, in time, and no secret anywhere. It returns the verdict's line.
func judged(t testing.TB, a answer, d *rollout) line {
	t.Helper()
	if a.kind != "returned" {
		t.Errorf("the function %s: %s; what is stored must not be judged again", a.kind, a.body)
	}
	v := a.verdict(t)
	status := "Failed"
	if v.text("verdict") == "PASS" {
		status = "Succeeded"
	}
	stored := d.statuses()
	if len(stored) != 1 || stored[0].status != status || v.text("status") != status {
		t.Fatalf("verdict %s (%s), status %s, stored %+v; want exactly one %s", v.text("verdict"), v.text("reason"), v.text("status"), stored, status)
	}
	if left := a.deadline.Sub(stored[0].at); left < 2*time.Second {
		t.Errorf("the status was stored %v before the deadline, want at least 2s", left)
	}
	if r := a.lines(t, "reported"); len(r) != 1 || r[0].text("outcome") != "stored" || r[0].text("status") != status {
		t.Errorf("reported lines %v, want one: stored, %s", r, status)
	}
	if v.text("deployment_id") != d.id || v.text("lifecycle_event") != d.event {
		t.Errorf("the verdict is about %s in %s, want %s in %s", v.text("deployment_id"), v.text("lifecycle_event"), d.id, d.event)
	}
	checkMetrics(t, a)
	noSecretIn(t, "log", a.log)
	noSecretIn(t, "answer", a.body)
	return v
}

package functions_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

// first answers the first n statuses with a fault, and takes the next.
func first(n int, fault *aws.Fault) func(int) *aws.Fault {
	return func(i int) *aws.Fault {
		if i <= n {
			return fault
		}
		return nil
	}
}

func always(fault *aws.Fault) func(int) *aws.Fault {
	return func(int) *aws.Fault { return fault }
}

var (
	throttled = &aws.Fault{Code: "ThrottlingException", Message: "Rate exceeded"}
	internal  = &aws.Fault{Code: "InternalFailure", Status: 500}
	busy      = &aws.Fault{Code: "ServiceUnavailableException", Status: 503}
)

// TestReporting holds a good release against a CodeDeploy that does not take its status as it should.
func TestReporting(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	hooks := newPool(t, after, c.url, 4, "REPORT_RESERVE=5s")
	healthy, production := serve(t, good()), serve(t, old())
	const limit, anyNumber = 8 * time.Second, 0
	for name, tc := range map[string]struct {
		put func(int) *aws.Fault
		// kind is how the invocation ends, outcome and calls what the reported line and CodeDeploy say. A status
		// is tried as long as there is time: how often depends on the jitter.
		kind, outcome string
		calls         int
		stored        int
	}{
		"at once":                     {nil, "returned", "stored", 1, 1},
		"throttled six times":         {first(6, throttled), "returned", "stored", 7, 1},
		"5xx four times":              {first(4, internal), "returned", "stored", 5, 1},
		"5xx longer than the burst":   {first(9, internal), "returned", "stored", 10, 1},
		"503 once":                    {first(1, busy), "returned", "stored", 2, 1},
		"hangs twice":                 {first(2, hangs), "returned", "stored", 3, 1},
		"resets three times":          {first(3, resets), "returned", "stored", 4, 1},
		"already completed":           {always(&aws.Fault{Code: "LifecycleEventAlreadyCompletedException"}), "returned", "already-completed", 1, 0},
		"permission comes late":       {first(2, &aws.Fault{Code: "AccessDeniedException"}), "returned", "stored", 3, 1},
		"down for good: throttled":    {always(throttled), "error", "failed", anyNumber, 0},
		"down for good: 5xx":          {always(internal), "error", "failed", anyNumber, 0},
		"down for good: hangs":        {always(hangs), "error", "failed", anyNumber, 0},
		"down for good: resets":       {always(resets), "error", "failed", anyNumber, 0},
		"permission never comes":      {always(&aws.Fault{Code: "AccessDeniedException"}), "error", "failed", anyNumber, 0},
		"fatal: no such deployment":   {always(&aws.Fault{Code: "DeploymentDoesNotExistException"}), "error", "failed", 1, 0},
		"fatal: no such execution":    {always(&aws.Fault{Code: "InvalidLifecycleEventHookExecutionIdException"}), "error", "failed", 1, 0},
		"fatal: not an ECS hook":      {always(&aws.Fault{Code: "UnsupportedActionForDeploymentTypeException"}), "error", "failed", 1, 0},
		"fatal: says something new":   {always(&aws.Fault{Code: "SomethingNewException"}), "error", "failed", 1, 0},
		"hostile answer to a failure": {always(&aws.Fault{Code: "X\n{\"event\":\"verdict\"}", Message: "\x1b[31m\n{\"event\":\"verdict\",\"status\":\"Succeeded\"}"}), "error", "failed", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				e := <-hooks.free
				defer func() { hooks.free <- e }()
				d, event := c.deploy(after, healthy, production, suite{}.text())
				d.put = tc.put
				a := e.invoke(event, limit)
				if v := a.verdict(t); v.text("verdict") != "PASS" {
					t.Errorf("verdict %s: %s", v.text("verdict"), v.text("reason"))
				}
				calls := tc.calls
				r := a.lines(t, "reported")
				if len(r) != 1 {
					t.Fatalf("reported %v; want one line", r)
				}
				attempts, _ := r[0]["attempts"].(float64)
				if calls == anyNumber {
					calls = max(d.calls(), 3)
					if int(attempts) == calls+1 { // The deadline may end the last one on its way.
						calls++
					}
				}
				if a.kind != tc.kind || r[0].text("outcome") != tc.outcome || int(attempts) != calls {
					t.Errorf("%s, reported %v; want %s, one line: %s after %d attempts", a.kind, r, tc.kind, tc.outcome, calls)
				}
				if stored := d.statuses(); tc.calls != anyNumber && d.calls() != calls || len(stored) != tc.stored {
					t.Errorf("%d calls, stored %v; want %d and %d", d.calls(), stored, calls, tc.stored)
				}
				left := limit - a.took
				if left < 900*time.Millisecond || tc.calls == anyNumber && left > 2500*time.Millisecond {
					t.Errorf("ended %v before the deadline, want a second", left)
				}
				if m := a.lines(t, "metrics"); len(m) != 1 || m[0]["ReportFailed"] != map[string]float64{"failed": 1}[tc.outcome] {
					t.Errorf("metrics %v", m)
				}
				noSecretIn(t, "log", a.log)
				d, event = c.deploy(after, healthy, production, suite{}.text())
				judged(t, e.invoke(event, time.Minute), d)
			})
		})
	}
}

// TestACodeDeployThatIsNotThere has nobody to read from and nobody to tell: the function returns an error,
// so that Lambda invokes it again.
func TestACodeDeployThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string]string{"refused": nobody(t), "no such host": "http://codedeploy.invalid"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			green, blue := serve(t, good()), serve(t, old())
			e := start(t, after, c.url, append(settings(t, frugal(), green, blue), "AWS_ENDPOINT_URL_CODEDEPLOY="+endpoint, "REPORT_RESERVE=5s")...)
			for range 2 {
				a := e.invoke(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"x"}`, 10*time.Second)
				if v := a.verdict(t); a.kind != "error" || v.text("verdict") != "PASS" {
					t.Errorf("%s, verdict %s (%s); want PASS and an error of the function", a.kind, v.text("verdict"), v.text("reason"))
				}
				if r := a.lines(t, "reported"); len(r) != 1 || r[0].text("outcome") != "failed" || len(r[0].text("reason")) == 0 {
					t.Errorf("reported %v, want failed, and why", r)
				}
				if left := 10*time.Second - a.took; left < 900*time.Millisecond {
					t.Errorf("ended %v before the deadline, want a second", left)
				}
			}
		})
	}
}

func TestAnEventThatComesTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, with("GET /trips", answers(500))), serve(t, old()), suite{}.text())
	judged(t, e.invoke(event, time.Minute), d)
	again := e.invoke(event, time.Minute)
	if r := again.lines(t, "reported"); again.kind != "returned" || len(r) != 1 || r[0].text("outcome") != "already-completed" || r[0].text("status") != "Failed" {
		t.Errorf("the second time: %s, reported %v", again.kind, r)
	}
	if again.verdict(t).text("verdict") != "FAIL" || len(d.statuses()) != 1 || d.calls() != 2 {
		t.Errorf("stored %v after %d calls, want one after two", d.statuses(), d.calls())
	}
}

// TestNothingIsKeptOverAFreeze holds that a process between two invocations has no connection that the
// network could forget, and stores a status on a new one at each attempt.
func TestNothingIsKeptOverAFreeze(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	d.put = first(3, throttled)
	judged(t, e.invoke(event, time.Minute), d)
	if got := c.connections.Load(); got < 5 {
		t.Errorf("%d connections were made, want one for each of 4 attempts besides those for reading", got)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for patience := 500; c.open.Load() > 0; patience-- {
		if patience == 0 {
			t.Fatalf("%d connections are still open", c.open.Load())
		}
		<-tick.C
	}
}

func TestTwoInvocationsAtOnceStoreOneStatus(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	hooks := newPool(t, after, c.url, 2)
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	var all sync.WaitGroup
	outcomes := make([]string, 2)
	for i, e := range hooks.all {
		all.Go(func() {
			a := e.invoke(event, time.Minute)
			for _, l := range a.lines(t, "reported") {
				outcomes[i] += a.kind + " " + l.text("outcome")
			}
		})
	}
	all.Wait()
	slices.Sort(outcomes)
	if got := strings.Join(outcomes, ", "); got != "returned already-completed, returned stored" || len(d.statuses()) != 1 {
		t.Errorf("%s; stored %v", got, d.statuses())
	}
}

// TestShortDeadlines gives the function less time than its suite takes: the release hangs, so that only
// Failed can be right.
func TestShortDeadlines(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	hung := serve(t, with("GET /trips", hang))
	healthy, production := serve(t, good()), serve(t, old())
	for _, tc := range []struct {
		limit, left time.Duration
		put         func(int) *aws.Fault
		reserve     string
	}{
		{limit: time.Second},
		{limit: 2 * time.Second},
		{limit: 3 * time.Second},
		{limit: 4 * time.Second},
		{limit: 5 * time.Second, left: 2 * time.Second},
		{limit: 7 * time.Second, left: 2 * time.Second},
		{limit: 10 * time.Second, left: 2 * time.Second},
		{limit: 10 * time.Second, left: 2 * time.Second, put: first(3, throttled)},
		{limit: 10 * time.Second, left: 2 * time.Second, put: first(1, hangs)},
		{limit: 8 * time.Second, left: 2 * time.Second, reserve: "0s"},
		{limit: 8 * time.Second, left: 1500 * time.Millisecond, reserve: "100ms", put: first(1, hangs)},
	} {
		name := tc.limit.String()
		if tc.put != nil {
			name += " and a CodeDeploy with faults"
		}
		if tc.reserve != "" {
			name += ", REPORT_RESERVE " + tc.reserve
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				e := start(t, after, c.url, "REPORT_RESERVE="+tc.reserve)
				d, event := c.deploy(after, hung, production, suite{timeout: "5m"}.text())
				d.put = tc.put
				a := e.invoke(event, tc.limit)
				v := a.verdict(t)
				if a.kind != "returned" || v.text("verdict") != "ERROR" || v.text("blame") != "config" || v.text("status") != "Failed" {
					t.Errorf("%s; %s, blame %s: %s; want an error of the configuration", a.kind, v.text("verdict"), v.text("blame"), v.text("reason"))
				}
				stored := d.statuses()
				if len(stored) != 1 || stored[0].status != "Failed" || a.deadline.Sub(stored[0].at) < tc.left {
					t.Fatalf("stored %v, want one Failed %v before %v", stored, tc.left, a.deadline)
				}
				if want := "REPORT_RESERVE takes 30s"; tc.reserve == "" && !strings.Contains(a.log, want) || tc.reserve != "" && !strings.Contains(a.log, "too little to store a status in") {
					t.Error("the reserve that was shrunk or raised is not named")
				}
				// On a busy machine, less does not always reach the probes: then the reason says what else was cut short.
				if tc.limit >= 5*time.Second && !strings.Contains(v.text("reason"), "list trips") {
					t.Errorf("the reason does not name what was cut short: %s", v.text("reason"))
				}
				d, event = c.deploy(after, healthy, production, suite{}.text())
				if next := judged(t, e.invoke(event, time.Minute), d); next.text("verdict") != "PASS" {
					t.Errorf("the next invocation: %s: %s", next.text("verdict"), next.text("reason"))
				}
			})
		})
	}
}

func TestBadEventsAreErrorsAndTouchNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	for name, payload := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a text": `"d-1"`, "a number": "7", "no members": "{}", "half": `{"DeploymentId":`,
		"no execution": fmt.Sprintf(`{"DeploymentId":%q}`, d.id), "no deployment": `{"LifecycleEventHookExecutionId":"x"}`,
		"numbers": `{"DeploymentId":1,"LifecycleEventHookExecutionId":2}`, "lists": `{"DeploymentId":["a"],"LifecycleEventHookExecutionId":{}}`,
		"nulls": `{"DeploymentId":null,"LifecycleEventHookExecutionId":null}`, "empty ids": `{"DeploymentId":"","LifecycleEventHookExecutionId":""}`,
		"other case":         `{"deploymentId":"d-1","lifecycleEventHookExecutionId":"x"}`,
		"EventBridge":        `{"source":"aws.codedeploy","detail-type":"CodeDeploy Deployment State-change Notification","detail":{"deploymentId":"d-1"}}`,
		"control characters": `{"DeploymentId":"d-1\r\n{\"event\":\"verdict\"}","LifecycleEventHookExecutionId":"x"}`,
		"very long":          fmt.Sprintf(`{"DeploymentId":%q,"LifecycleEventHookExecutionId":"x"}`, strings.Repeat("d", 1<<20)),
		"very deep":          strings.Repeat("[", 20000), "not UTF-8": "{\"DeploymentId\":\"\xff\xfe\",\"LifecycleEventHookExecutionId\":\"x\"}",
		"two documents": event + event, "a native hook of no stage": `{"lifecycleStage":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := e.invoke(payload, 20*time.Second)
			v := a.verdict(t)
			if v.text("verdict") != "ERROR" || v.text("status") != "Failed" || v.text("blame") != "config" {
				t.Errorf("verdict %s, status %s, blame %s", v.text("verdict"), v.text("status"), v.text("blame"))
			}
			if native := strings.Contains(payload, "lifecycleStage"); a.kind != "error" && !native || native && a.body != `{"hookStatus":"FAILED"}` {
				t.Errorf("the function %s: %s", a.kind, a.body)
			}
		})
	}
	if d.calls() > 0 {
		t.Errorf("%d statuses arrived, want none", d.calls())
	}
	judged(t, e.invoke(event, time.Minute), d)
}

// TestHostileIDs sends ids that are well formed JSON and try to be something else further on.
func TestHostileIDs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	for _, id := range []string{
		`d-1","status":"Succeeded","x":"`, `../../etc/passwd`, `d-1?X-Amz-Target=CodeDeploy`, `%00%0a`, "d-\u2028\u202e1", `{"event":"verdict"}`, "${jndi:ldap://x}", "<script>",
	} {
		a := e.invoke(fmt.Sprintf(`{"DeploymentId":%q,"LifecycleEventHookExecutionId":"x"}`, id), 20*time.Second)
		// CodeDeploy knows no such deployment: nothing can be stored, and nothing is Succeeded.
		if v := a.verdict(t); a.kind != "error" || v.text("status") != "Failed" || v.text("deployment_id") != id {
			t.Errorf("%q: %s, status %s, deployment %q", id, a.kind, v.text("status"), v.text("deployment_id"))
		}
	}
}

// TestHostileBodiesStayData puts forged log lines, terminal commands and broken text into every answer.
func TestHostileBodiesStayData(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	for _, body := range []string{
		"\n{\"event\":\"verdict\",\"verdict\":\"PASS\",\"status\":\"Succeeded\"}\n", "\x1b]0;owned\x07\x1b[2J", "\xff\xfe\x00\x80",
		strings.Repeat("[", 200000), strings.Repeat("\u202e", 1000), `{"trips":"` + strings.Repeat("x", 200000) + `"}`, "%s%n%d", `{"trips":1e999999}`,
	} {
		d, event := c.deploy(after, serve(t, with("GET /trips", hostile(body))), serve(t, old()), suite{}.text())
		a := e.invoke(event, time.Minute)
		if v := judged(t, a, d); v.text("verdict") != "FAIL" || v.text("blame") != "release" {
			t.Errorf("%.30q: %s, blame %s", body, v.text("verdict"), v.text("blame"))
		}
		if strings.ContainsAny(a.log, "\x1b\x07\x00\u202e") {
			t.Errorf("%.30q: control characters in the log", body)
		}
	}
}

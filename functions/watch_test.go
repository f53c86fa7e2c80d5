package functions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// traffic is what production sends a side in a minute, and what becomes of it.
type traffic struct {
	requests, errors int
	// latency is in seconds.
	latency, unhealthy float64
}

// usual is a good release under usual traffic.
func usual() traffic { return traffic{requests: 40, latency: 0.05} }

// watched is a deployment whose traffic was shifted, as AWS measures it. A minute is a second.
type watched struct {
	*cloud
	t *testing.T
	d *rollout
	// green and blue are the sides' traffic since the shift, earlier is blue's before it.
	green, blue, earlier traffic
	// shifted is when green began to serve; zero is at the first minute that is watched, so many after the first one that
	// anybody asks for.
	shifted time.Time
	minutes int
	// silent says that CloudWatch has no data.
	silent bool
	tasks  []aws.Task
	alarms []aws.Alarm
	// refused is an operation that the hook may not call.
	refused string
	// limit is that of a call, variables are further settings.
	limit     time.Duration
	variables []string

	mu    sync.Mutex
	again []string // payloads with which the function invoked itself
}

func watchSuite(keys string) string {
	return "version: 1\nname: watched\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n" + keys
}

func newWatched(t *testing.T, c *cloud, d *rollout, minutes string) *watched {
	lasts, _ := time.ParseDuration(minutes)
	w := &watched{cloud: c, t: t, d: d, green: usual(), earlier: usual(), minutes: int(lasts.Minutes()), limit: time.Minute}
	c.Metrics, c.Functions = w.metrics, http.HandlerFunc(w.invoked)
	c.Tasks, c.Alarms = func() []aws.Task { return w.tasks }, func() []aws.Alarm { return w.alarms }
	bend := c.Bend
	c.Bend = func(rw http.ResponseWriter, r *http.Request, call aws.Call) bool {
		if call.Operation != w.refused {
			return bend(rw, r, call)
		}
		aws.Refuse(rw, call, &aws.Fault{Code: "AccessDeniedException", Message: "no"})
		return true
	}
	return w
}

func (w *watched) metrics(m aws.Metric, from, _ time.Time) []float64 {
	if m.Namespace != "AWS/ApplicationELB" || m.Dimensions["LoadBalancer"] != "app/"+w.d.id+"-production/1" || w.silent {
		return nil
	}
	w.mu.Lock()
	if w.shifted.IsZero() {
		w.shifted = from.Add(time.Duration(w.minutes) * time.Second)
	}
	w.mu.Unlock()
	var now traffic
	switch before := from.Before(w.shifted); m.Dimensions["TargetGroup"] {
	case "targetgroup/tg2/" + w.d.id:
		if now = w.green; before {
			now = traffic{}
		}
	case "targetgroup/tg1/" + w.d.id:
		if now = w.blue; before {
			now = w.earlier
		}
	default:
		return nil
	}
	n, value := now.requests, func(int) float64 { return 1 }
	switch m.Name {
	case "RequestCount":
	case "HTTPCode_Target_5XX_Count":
		n = now.errors
	case "TargetResponseTime":
		value = func(i int) float64 { return now.latency * (1 + float64(i+from.Second()%7)/1000) }
	case "UnHealthyHostCount":
		return []float64{now.unhealthy}
	default:
		n = 0
	}
	var samples []float64
	for i := range n {
		samples = append(samples, value(i))
	}
	return samples
}

// invoked is Lambda, of which a function asks to be called again.
func (w *watched) invoked(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/2015-03-31/functions/CodeDeployHook_trips_AfterAllowTraffic/invocations" || r.Header.Get("X-Amz-Invocation-Type") != "Event" {
		w.t.Errorf("%s, %s", r.URL.Path, r.Header.Get("X-Amz-Invocation-Type"))
	}
	w.mu.Lock()
	w.again = append(w.again, string(body))
	w.mu.Unlock()
	rw.WriteHeader(http.StatusAccepted)
}

// run invokes the function for as long as it asks to be, and returns the last answer and how many calls there were.
func (w *watched) run(payload string) (answer, int) {
	w.t.Helper()
	e := start(w.t, watch, w.url, append([]string{"WATCH_MINUTE=1s"}, w.variables...)...)
	for n := 1; n < 30; n++ {
		a := e.invoke(payload, w.limit)
		w.mu.Lock()
		asked := len(w.again)
		if asked == n {
			payload = w.again[n-1]
		}
		w.mu.Unlock()
		if asked < n {
			return a, n
		}
		if a.kind != "returned" || len(a.lines(w.t, "verdict"))+len(a.lines(w.t, "metrics"))+len(w.d.statuses()) > 0 {
			w.t.Errorf("call %d %s, and says\n%s", n, a.kind, a.log)
		}
	}
	w.t.Fatal("it invokes itself for ever")
	return answer{}, 0
}

// shiftedAt makes CodeDeploy say when traffic was shifted, and returns what it said before.
func (w *watched) shiftedAt(at time.Time) (before time.Time) {
	w.book.Update(w.d.id, func(d *deployment.Deployment) {
		for i := range d.Events {
			switch d.Events[i].Name { //nolint:exhaustive // the two that say it
			case "AllowTraffic":
				before, d.Events[i].Ended = d.Events[i].Ended, at
			case "AfterAllowTraffic":
				d.Events[i].Started = at
			}
		}
	})
	return before
}

// logging writes a line of a task again and again.
func (w *watched) logging(task, text string) {
	done := make(chan struct{})
	w.t.Cleanup(func() { close(done) })
	go func() {
		for {
			w.Log("/ecs/"+w.d.id, "app/web/"+task, text)
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
}

// watchRow is one case of a watch; what is not said of it is a good release for four minutes.
type watchRow struct {
	name, keys     string
	prepare        func(*watched)
	verdict, blame string
	status, reason string
}

func watchRows() []watchRow {
	running := func(w *watched) {
		for i, id := range []string{"b1", "g1", "g2"} {
			w.tasks = append(w.tasks, aws.Task{ID: id, Definition: w.d.definition(min(2, i+1)), Container: "web", Started: time.Now()})
		}
	}
	stopped := func(definition int, code, reason string) func(*watched) {
		return func(w *watched) {
			running(w)
			w.tasks = append(w.tasks, aws.Task{
				ID: "x1", Definition: w.d.definition(definition), Container: "web", Started: time.Now(), Stopped: time.Now().Add(time.Second), StopCode: code, Reason: reason, Exit: 137,
			})
		}
	}
	lines := "\n  logs: [{name: errors, pattern: '{ $.level = \"error\" }'}]"
	const bad, fine = `{"level":"error","token":"` + awsToken + `"}`, `{"level":"info"}`
	alarm := func(state string, ago time.Duration) func(*watched) {
		return func(w *watched) {
			w.alarms = []aws.Alarm{{Name: "slow", State: state, Reason: "because", Since: time.Now().Add(-ago)}}
		}
	}
	const alarmed = "\n  alarms: [slow]"
	return []watchRow{
		{name: "good", verdict: "PASS", reason: "watched 6 things for 4 minutes, and 3 more for CloudWatch's delay: 0 % of 160 requests failed, blue 0 % of 160 before"},
		{name: "it leaks: every fifth answer is 500", prepare: func(w *watched) { w.green.errors = 8 }, verdict: "FAIL", blame: "release", reason: "watch: 5xx: 20 % of "},
		{name: "both releases leak alike", prepare: func(w *watched) { w.green.errors, w.earlier.errors = 8, 8 }, verdict: "PASS"},
		{name: "over `errors`, as the old release is", keys: "\n  errors: 1%", prepare: func(w *watched) { w.green.errors, w.earlier.errors = 8, 8 }, verdict: "INCONCLUSIVE", blame: "environment", reason: "which blue is over, too"},
		{name: "four times slower", keys: "8m", prepare: func(w *watched) { w.green.latency = 0.2 }, verdict: "FAIL", blame: "release", reason: "watch: p50: 20"},
		{name: "four times slower, in too few minutes to tell", prepare: func(w *watched) { w.green.latency = 0.2 }, verdict: "INCONCLUSIVE", blame: "environment", reason: "too few to tell chance from a slower release"},
		{name: "over `p95`", keys: "\n  p95: 100ms", prepare: func(w *watched) { w.green.latency = 0.2 }, verdict: "FAIL", blame: "release", reason: "over 100ms"},
		{name: "few requests", prepare: func(w *watched) { w.green.requests = 2 }, verdict: "INCONCLUSIVE", blame: "environment", reason: "green served 8 requests in 4 minutes, want 50"},
		{name: "no data", prepare: func(w *watched) { w.silent = true }, verdict: "INCONCLUSIVE", blame: "environment", reason: "green served 0 requests"},
		{name: "no data, `inconclusive: allow`", keys: "\npolicy: {inconclusive: allow}", prepare: func(w *watched) { w.silent = true }, verdict: "INCONCLUSIVE", blame: "environment", status: "Succeeded"},
		{name: "nothing to compare with", prepare: func(w *watched) { w.earlier = traffic{} }, verdict: "INCONCLUSIVE", blame: "environment", reason: "nothing to compare with"},
		{name: "nothing to compare with, bounds and `baseline: optional`", keys: "\n  errors: 1%\npolicy: {baseline: optional}", prepare: func(w *watched) { w.earlier = traffic{} }, verdict: "PASS", reason: "compared with nothing: baseline: optional"},
		{name: "an unhealthy target", prepare: func(w *watched) { w.green.unhealthy = 1 }, verdict: "FAIL", blame: "release", reason: "watch: targets: 1 unhealthy"},
		{name: "a task that was killed", prepare: stopped(2, "EssentialContainerExited", "OutOfMemoryError"), verdict: "FAIL", blame: "release", reason: "watch: tasks: 1 task of green stopped without having been asked to, want at most 0: OutOfMemoryError; web exited with 137"},
		{name: "a task that failed its health checks", prepare: stopped(2, "ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group tg2)"), verdict: "FAIL", blame: "release", reason: "Task failed ELB health checks"},
		{name: "a task of the old release that was killed", prepare: stopped(1, "EssentialContainerExited", "OutOfMemoryError"), verdict: "PASS"},
		{name: "a task that the deployment, or a person, stopped", prepare: func(w *watched) {
			stopped(2, "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/2)")(w)
			stopped(2, "UserInitiated", "by ann")(w)
		}, verdict: "PASS"},
		{name: "a log full of errors", keys: lines, prepare: func(w *watched) { running(w); w.logging("g1", bad); w.logging("b1", fine) }, verdict: "FAIL", blame: "release", reason: "watch: log errors: "},
		{name: "a log full of the old release's errors", keys: lines, prepare: func(w *watched) { running(w); w.logging("g1", fine); w.logging("b1", bad) }, verdict: "PASS"},
		{name: "a log group that is not there", keys: lines, prepare: running, verdict: "ERROR", blame: "config", reason: "log group does not exist"},
		{name: "an alarm", keys: alarmed, prepare: alarm("ALARM", -time.Second), verdict: "FAIL", blame: "release", reason: "watch: alarm slow: ALARM since 20"},
		{name: "an alarm from before", keys: alarmed, prepare: alarm("ALARM", time.Minute), verdict: "INCONCLUSIVE", blame: "environment", reason: "before the new release served"},
		{name: "an alarm that is OK", keys: alarmed, prepare: alarm("OK", time.Minute), verdict: "PASS"},
		{name: "an alarm without data", keys: alarmed, prepare: alarm("INSUFFICIENT_DATA", time.Minute), verdict: "INCONCLUSIVE", blame: "environment", reason: "INSUFFICIENT_DATA"},
		{name: "an alarm that does not exist", keys: alarmed, verdict: "ERROR", blame: "config", reason: "there is no such alarm"},
		{name: "CodeDeploy says late when traffic was shifted", prepare: func(w *watched) {
			told := w.shiftedAt(time.Time{})
			go func() {
				<-time.After(3 * time.Second)
				w.shiftedAt(told)
			}()
		}, verdict: "PASS"},
		{name: "CodeDeploy does not say when traffic was shifted", prepare: func(w *watched) { w.shiftedAt(time.Time{}) }, verdict: "ERROR", blame: "config", reason: "CodeDeploy does not say when production's traffic was shifted"},
		{name: "a suite without `watch`", keys: "-", verdict: "ERROR", blame: "config", reason: "the suite has no watch"},
		{name: "the metrics may not be read", prepare: func(w *watched) { w.refused = "GetMetricData" }, verdict: "ERROR", blame: "config", reason: "cloudwatch GetMetricData: AccessDeniedException"},
		{name: "the tasks may not be read", prepare: func(w *watched) { w.refused = "ListTasks" }, verdict: "ERROR", blame: "config", reason: "ecs ListTasks: AccessDeniedException"},
		{name: "the new release's task set may not be read", prepare: func(w *watched) { w.refused = "DescribeTaskSets" }, verdict: "ERROR", blame: "config", reason: "DescribeTaskSets"},
		{name: "it leaks, and another call goes on", keys: "10m", prepare: func(w *watched) { w.limit, w.green.errors = 16*time.Second, 2 }, verdict: "FAIL", blame: "release", reason: "watch: 5xx: 5 % of "},
		{name: "calls that are too short", keys: "50m", prepare: func(w *watched) { w.limit = 5 * time.Second }, verdict: "ERROR", blame: "gate", reason: "there were 13 calls already: give the function more time"},
		{name: "another call may not be made", keys: "50m", prepare: func(w *watched) { w.limit, w.refused = 5*time.Second, "Invoke" }, verdict: "ERROR", blame: "gate", reason: "go on in another call: lambda Invoke: AccessDeniedException"},
		{name: "`observe`", prepare: func(w *watched) { w.variables, w.green.errors = []string{"MODE=observe"}, 8 }, verdict: "FAIL", blame: "release", status: "Succeeded", reason: "WOULD FAIL: watch: 5xx"},
		{name: "an authorised skip", keys: "50m", prepare: func(w *watched) {
			w.variables = []string{"SKIP_PARAMETER=/skip"}
			w.Values.Put("/skip", `{"release":"1.1","by":"ann","why":"INC-7","expires":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`)
			w.limit = 10 * time.Second
		}, verdict: "SKIPPED", blame: "gate", status: "Succeeded", reason: `SKIPPED by "ann"`},
		{name: "a rollback is not watched", prepare: func(w *watched) { rollback(w.cloud, w.d); w.green.errors = 8 }, verdict: "PASS", reason: "nothing to watch: a release is being taken back"},
	}
}

// TestWatch runs every row with the function's own binary, CodeDeploy's.
func TestWatch(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var table strings.Builder
	results := map[string]line{}
	t.Run("rows", func(t *testing.T) {
		for _, r := range watchRows() {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				minutes, keys := "4m", r.keys
				if strings.HasSuffix(keys, "m") && !strings.HasPrefix(keys, "\n") {
					minutes, keys = keys, ""
				}
				text := watchSuite("watch:\n  for: " + minutes + keys + "\n")
				if keys == "-" {
					text = watchSuite("")
				}
				c := newCloud(t)
				d, payload := c.deploy(watch, serve(t, good()), serve(t, old()), text)
				w := newWatched(t, c, d, minutes)
				if r.prepare != nil {
					r.prepare(w)
				}
				a, calls := w.run(payload)
				v := a.verdict(t)
				blame, status := r.blame, r.status
				if blame == "" {
					blame = "none"
				}
				if status == "" {
					status = map[string]string{"PASS": "Succeeded"}[r.verdict]
				}
				if status == "" {
					status = "Failed"
				}
				t.Logf("after %d calls: %s", calls, v.text("reason"))
				told{r.verdict, blame, status, r.reason}.check(t, a, d)
				if strings.Contains(r.name, "another call goes on") && calls < 2 {
					t.Errorf("%d calls", calls)
				}
				noSecretIn(t, "log", a.log)
				mu.Lock()
				results[r.name] = v
				mu.Unlock()
			})
		}
	})
	fmt.Fprint(&table, "\n| `after-allow-traffic`: case | verdict | blame | CodeDeploy is told |\n| --- | --- | --- | --- |\n")
	for _, r := range watchRows() {
		v := results[r.name]
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", r.name, v.text("verdict"), v.text("blame"), v.text("status"))
	}
	if !t.Failed() && len(results) == len(watchRows()) {
		checkSection(t, "watch", table.String()+"\n")
	}
}

// watchCalls is the third function of a native deployment, which is called again as long as it says IN_PROGRESS.
func watchCalls(t *testing.T, n *native, stage, details string, between func(call int, state *string), variables ...string) (answer, int) {
	t.Helper()
	e := start(t, watch, n.url, append([]string{"WATCH_MINUTE=1s"}, variables...)...)
	state := ""
	for call := 1; call < 30; call++ {
		own, _ := json.Marshal(map[string]string{"greenlight": state})
		a := e.invoke(strings.TrimSuffix(n.event(stage, details), "}")+`,"hookDetails":`+string(own)+"}", 30*time.Second)
		var said struct {
			HookStatus    string            `json:"hookStatus"`
			CallBackDelay int               `json:"callBackDelay"`
			HookDetails   map[string]string `json:"hookDetails"`
		}
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.kind != "returned" {
			t.Fatalf("call %d %s: %s\n%s", call, a.kind, a.body, a.log)
		}
		if said.HookStatus != "IN_PROGRESS" {
			return a, call
		}
		<-time.After(time.Duration(said.CallBackDelay) * time.Second)
		if state = said.HookDetails["greenlight"]; between != nil {
			between(call, &state)
		}
	}
	t.Fatal("it is in progress for ever")
	return answer{}, 0
}

// TestWatchNatively holds the third function at the stages of Amazon ECS.
func TestWatchNatively(t *testing.T) {
	t.Parallel()
	const keeps = "EVIDENCE_PARAMETER=/evidence"
	leaks := func(w *watched) { w.green.errors = 8 }
	for name, tc := range map[string]struct {
		stage       string
		green       float64
		keys        string
		prepare     func(*native, *watched)
		between     func(call int, state *string)
		variables   []string
		verdict     string
		status      string
		reason      string
		least, most int // calls
	}{
		"good":  {stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, verdict: "PASS", status: "SUCCEEDED", reason: "watched 6 things for 4 minutes", least: 2, most: 12},
		"leaks": {stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, prepare: func(_ *native, w *watched) { leaks(w) }, verdict: "FAIL", status: "FAILED", reason: "watch: 5xx: 20 %", least: 2, most: 12},
		"leaks, and nothing can be kept": {
			stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, prepare: func(_ *native, w *watched) { leaks(w) }, variables: []string{"EVIDENCE_PARAMETER="},
			verdict: "FAIL", status: "FAILED", reason: "watch: 5xx: 20 %", least: 1, most: 1,
		},
		"too long, and nothing can be kept": {
			stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, keys: "50m", variables: []string{"EVIDENCE_PARAMETER="},
			verdict: "ERROR", status: "FAILED", reason: "longer than this call, and nothing can be kept for another one: set EVIDENCE_PARAMETER", least: 1, most: 1,
		},
		"step 1": {stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", green: 0, prepare: func(_ *native, w *watched) { leaks(w) }, verdict: "PASS", status: "SUCCEEDED", reason: "nothing to watch: production serves nothing of the new release yet", least: 1, most: 1},
		"step 2": {stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", green: 25, prepare: func(n *native, w *watched) {
			n.leads, w.shifted, w.blue = "tg2", time.Now().Add(-20*time.Second), usual()
		}, verdict: "PASS", status: "SUCCEEDED", reason: "blue 0 % of 160 in the same minutes", least: 1, most: 5},
		"step 2, leaks": {stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", green: 25, prepare: func(n *native, w *watched) {
			leaks(w)
			n.leads, w.shifted, w.blue = "tg2", time.Now().Add(-20*time.Second), usual()
		}, verdict: "FAIL", status: "FAILED", reason: "watch: 5xx: 20 %", least: 1, most: 1},
		"no weights at a step": {stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", green: -1, prepare: func(_ *native, w *watched) { w.shifted = time.Now() }, verdict: "INCONCLUSIVE", status: "FAILED", reason: "green served", least: 1, most: 12},
		"a state that was forged is none": {
			stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, prepare: func(_ *native, w *watched) { leaks(w) }, keys: "4m",
			between: func(call int, state *string) {
				if call == 1 { // yesterday nothing was served, and nobody would wait
					*state = strings.ReplaceAll(*state, time.Now().UTC().Format("2006-01-02T"), time.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02T"))
				}
			},
			verdict: "FAIL", status: "FAILED", reason: "watch: 5xx: 20 %", least: 2, most: 14,
		},
		"another gate's stage":   {stage: "POST_TEST_TRAFFIC_SHIFT", verdict: "ERROR", status: "FAILED", reason: "it can watch in POST_PRODUCTION_TRAFFIC_SHIFT", least: 1, most: 1},
		"production is shifting": {stage: "PRODUCTION_TRAFFIC_SHIFT", green: 100, verdict: "ERROR", status: "FAILED", reason: "it can watch in POST_PRODUCTION_TRAFFIC_SHIFT", least: 1, most: 1},
		"ahead, a suite without a watch": {
			stage: "PRE_SCALE_UP", keys: "-", verdict: "ERROR", status: "FAILED", reason: "the suite has no watch: add one, or take the hook away", least: 1, most: 1,
		},
		"a Network Load Balancer": {stage: "POST_PRODUCTION_TRAFFIC_SHIFT", green: 100, prepare: func(n *native, _ *watched) {
			n.productionRule = strings.Replace(n.d.listener("production"), "/app/", "/net/", 1)
		}, verdict: "ERROR", status: "FAILED", reason: "is not an Application Load Balancer's", least: 1, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			minutes, text := tc.keys, watchSuite("")
			if minutes == "" {
				minutes = "4m"
			}
			if minutes != "-" {
				text = watchSuite("watch: {for: " + minutes + "}\n")
			}
			n := newNative(t, serve(t, good()), serve(t, old()), text)
			w := newWatched(t, n.cloud, n.d, minutes)
			if tc.prepare != nil {
				tc.prepare(n, w)
			}
			details := n.production(tc.green, 100-tc.green)
			if tc.green < 0 {
				details = ""
			}
			a, calls := watchCalls(t, n, tc.stage, details, tc.between, append([]string{keeps}, tc.variables...)...)
			v := a.verdict(t)
			t.Logf("after %d calls: %s", calls, v.text("reason"))
			if v.text("verdict") != tc.verdict || !strings.Contains(a.body, tc.status) || !strings.Contains(v.text("reason"), tc.reason) || calls < tc.least || calls > tc.most {
				t.Errorf("%s, %s after %d calls: %s\nwant %s, %s after %d to %d: %s", v.text("verdict"), a.body, calls, v.text("reason"), tc.verdict, tc.status, tc.least, tc.most, tc.reason)
			}
			noSecretIn(t, "log", a.log)
		})
	}
}

// TestAWatchThatAsks holds that what somebody approves is the watch that is over, with all that was found.
func TestAWatchThatAsks(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]string{"approved": "SUCCEEDED", "rejected": "FAILED"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			n := newNative(t, serve(t, good()), serve(t, old()), watchSuite("watch: {for: 2m}\npolicy: {inconclusive: ask, ask_for: 10m}\n"))
			newWatched(t, n.cloud, n.d, "2m").silent = true
			asked := 0
			a, _ := watchCalls(t, n, "POST_PRODUCTION_TRAFFIC_SHIFT", n.production(100, 0), func(_ int, text *string) {
				var state struct{ Question struct{ ID string } }
				if err := json.Unmarshal([]byte(*text), &state); err != nil {
					t.Fatal(err)
				}
				if state.Question.ID != "" {
					asked++
					n.tag(t, n.d.definition(2), answering(verb, state.Question.ID))
				}
			}, "EVIDENCE_PARAMETER=/evidence")
			v := a.verdict(t)
			if asked != 1 || v.text("verdict") != "INCONCLUSIVE" || !strings.Contains(a.body, want) || !strings.HasPrefix(v.text("reason"), verb+" by arn:") || !strings.Contains(v.text("reason"), "watch: 5xx: green served 0 requests") {
				t.Errorf("asked %d times, %s: %s\n%s", asked, a.body, v.text("reason"), a.log)
			}
		})
	}
}

// A suite whose watch nobody runs is told before anything is started.
func TestAWatchThatNobodyRuns(t *testing.T) {
	t.Parallel()
	for config, told := range map[string]bool{
		"{}": true, `{"lifecycleHooks":[{"lifecycleStages":["PRE_SCALE_UP"]}]}`: true,
		`{"lifecycleHooks":[{"lifecycleStages":["PRE_SCALE_UP"]},{"lifecycleStages":["POST_PRODUCTION_TRAFFIC_SHIFT"]}]}`: false,
	} {
		n := newNative(t, serve(t, good()), serve(t, old()), watchSuite("watch: {for: 10m}\n"))
		n.config = config
		a := n.at("PRE_SCALE_UP", "")
		if v := a.verdict(t); v.text("verdict") != "PASS" || strings.Contains(a.log, "nobody watches") != told {
			t.Errorf("%s: %s\n%s", config, v.text("reason"), a.log)
		}
	}
}

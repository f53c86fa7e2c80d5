package functions_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// undecided is a suite that nobody can tell anything by, and that asks.
const undecided = `version: 1
name: undecided
readiness: {checks: [version], consecutive: 1, within: 10s}
checks:
  - {name: version, request: GET /version, expect: {json: {$.version: "${RELEASE}"}}}
  - {name: list trips, request: GET /trips, expect: {status: 200}}
compare:
  - {name: report, request: GET /report, pairs: 5, warmup: 0, expect: {status: 200}}
policy: {inconclusive: ask, ask_for: 10m}
`

const compareStage = "PRE_PRODUCTION_TRAFFIC_SHIFT"

// tag sets tags of a task definition, as anybody does who may.
func (c *cloud) tag(t *testing.T, arn string, tags map[string]string) {
	t.Helper()
	var all []map[string]string
	for key, value := range tags {
		all = append(all, map[string]string{"key": key, "value": value})
	}
	body, _ := json.Marshal(map[string]any{"resourceArn": arn, "tags": all})
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.TagResource")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("TagResource: %s", text)
	}
}

// answering answers a question with a verb, approved or rejected.
func answering(verb, question string) map[string]string {
	return map[string]string{"greenlight.decision": verb + " by arn:aws:iam::1:user/ann at 2026-11-29T13:00:00Z", "greenlight.why": "blue is ill", "greenlight.answer": verb + " " + question}
}

// asking is a hook of a native deployment that asks.
type asking struct {
	*native
	t        *testing.T
	e        *environment
	details  map[string]string
	question string
	// asked is how many requests green had.
	asked *atomic.Int64
}

// ask calls a hook, which asks.
func ask(t *testing.T) *asking {
	t.Helper()
	a := &asking{t: t, asked: new(atomic.Int64)}
	green := around(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.asked.Add(1); next.ServeHTTP(w, r) })
	})
	a.native = newNative(t, serve(t, green), serve(t, old()), undecided)
	a.config = linear
	a.e = start(t, before, a.url, "EVIDENCE_PARAMETER=/evidence", "REPORT_BUCKET=reports")
	got, log := a.call(0)
	lines := log.lines(t, "ask")
	if len(lines) != 1 || len(log.lines(t, "verdict")) != 0 || got.HookStatus != "IN_PROGRESS" || got.CallBackDelay < 5 {
		t.Fatalf("%d questions, %+v\n%s", len(lines), got, log.log)
	}
	l := lines[0]
	members := strings.Fields("timestamp level event deployment_id lifecycle_event question until reason release cluster service approve reject report link")
	slices.Sort(members)
	if got := slices.Sorted(maps.Keys(l)); !slices.Equal(got, members) {
		t.Errorf("the question has %v", got)
	}
	until, err := time.Parse(time.RFC3339, l.text("until"))
	if left := time.Until(until); err != nil || left < 9*time.Minute || left > 10*time.Minute || !strings.Contains(l.text("reason"), `comparison "report"`) {
		t.Errorf("it asks %v", l)
	}
	for _, verb := range []string{"approve", "reject"} {
		if want := "greenlight " + verb + " --deployment " + a.arn("service-deployment", "/1") + " --why TEXT"; l.text(verb) != want {
			t.Errorf("%s, want %s", l.text(verb), want)
		}
	}
	if !strings.Contains(a.object("reports/"+strings.TrimPrefix(l.text("report"), "s3://reports/")), "INCONCLUSIVE") {
		t.Errorf("there is no report behind %q", l.text("report"))
	}
	a.question = l.text("question")
	return a
}

type hookAnswer struct {
	HookStatus    string
	CallBackDelay int
	HookDetails   map[string]string
}

// call calls the hook, as ECS does again and again, with a share of production.
func (a *asking) call(share float64) (hookAnswer, answer) {
	a.t.Helper()
	text, _ := json.Marshal(a.details)
	event := strings.TrimSuffix(a.event(compareStage, a.production(share, 100-share)), "}") + `,"hookDetails":` + string(text) + "}"
	got := a.e.invoke(event, time.Minute)
	var said hookAnswer
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.kind != "returned" {
		a.t.Fatalf("%s: %s\n%s", got.kind, got.body, got.log)
	}
	if said.HookDetails != nil {
		a.details = said.HookDetails
	}
	return said, got
}

// change changes the state that ECS hands back; vouched keeps its checksum, too, which nobody can but the hooks.
func (a *asking) change(vouched bool, f func(question map[string]any)) {
	var state map[string]any
	if err := json.Unmarshal([]byte(a.details["greenlight"]), &state); err != nil {
		a.t.Fatal(err)
	}
	f(state["question"].(map[string]any))
	text, _ := json.Marshal(state)
	a.details = map[string]string{"greenlight": string(text)}
	if vouched {
		a.Values.Put("/evidence", "none\n"+fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", []string{
			a.arn("service-deployment", "/1"), compareStage, "0", fmt.Sprintf("%x", sha256.Sum256([]byte(undecided))), release, a.d.green, string(text),
		}))))
	}
}

// over makes the time be over.
func (a *asking) over() {
	a.change(true, func(q map[string]any) { q["until"] = time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano) })
}

// ends calls the hook, which has to come to a verdict.
func (a *asking) ends(status, reason string) answer {
	a.t.Helper()
	said, got := a.call(0)
	v := got.verdict(a.t)
	if said.HookStatus != status || !strings.Contains(v.text("reason"), reason) {
		a.t.Errorf("%s: %s\nwant %s: …%s…", said.HookStatus, v.text("reason"), status, reason)
	}
	return got
}

// TestAnInconclusiveGateAsks: the suite is run once; who approved or rejected it, and why, is the verdict's reason, which
// keeps what the run said. It is no evidence, and no gate that passed.
func TestAnInconclusiveGateAsks(t *testing.T) {
	t.Parallel()
	for verb, status := range map[string]string{"approved": "SUCCEEDED", "rejected": "FAILED"} {
		a := ask(t)
		requests := a.asked.Load()
		vouched, _ := a.Values.Get("/evidence")
		for range 2 {
			if said, got := a.call(0); said.HookStatus != "IN_PROGRESS" || len(got.lines(t, "ask")) != 0 || len(got.lines(t, "verdict")) != 0 {
				t.Fatalf("nobody answered: %+v\n%s", said, got.log)
			}
		}
		a.tag(t, a.d.definition(2), answering(verb, a.question))
		got := a.ends(status, verb+" by arn:aws:iam::1:user/ann at 2026-11-29T13:00:00Z: blue is ill; it was INCONCLUSIVE: comparison")
		v, m := got.verdict(t), got.lines(t, "metrics")[0]
		if v.text("verdict") != "INCONCLUSIVE" || m["GatePassed"] != 0.0 || m["GateFailed"] != map[string]float64{"approved": 0, "rejected": 1}[verb] || v["checks_passed"] != 2.0 {
			t.Errorf("%v\n%v", v, m)
		}
		if made := a.asked.Load() - requests; made != 0 {
			t.Errorf("%d requests were made while it asked", made)
		}
		if kept, _ := a.Values.Get("/evidence"); strings.Contains(kept, "\n") || verb == "approved" && !strings.Contains(kept, `"overruled":"approval"`) {
			t.Errorf("what is kept afterwards: %s", kept)
		}
		// The answer was to this step's question: the next one, to which ECS may hand the same details, judges and asks by
		// itself, also where the checksum could not be taken back.
		if verb == "approved" {
			a.Values.Put("/evidence", vouched)
			said, got := a.call(25)
			lines := got.lines(t, "ask")
			if said.HookStatus != "IN_PROGRESS" || len(lines) != 1 || lines[0].text("question") == a.question || a.asked.Load() == requests {
				t.Errorf("the next step: %+v\n%s", said, got.log)
			}
		}
	}
}

// TestNothingElseIsAnAnswer: each of these once could have opened the gate, or kept it asking for ever.
func TestNothingElseIsAnAnswer(t *testing.T) {
	t.Parallel()
	approve := func(question func(a *asking) string) func(t *testing.T, a *asking) {
		return func(t *testing.T, a *asking) { a.tag(t, a.d.definition(2), answering("approved", question(a))) }
	}
	const lost, nobody = "nobody is asked twice", "nobody approved by 20"
	for name, tc := range map[string]struct {
		attack func(t *testing.T, a *asking)
		// waits says that it goes on asking, and fails once its time is over.
		waits bool
		says  string
	}{
		"nobody answers":                  {func(*testing.T, *asking) {}, true, nobody},
		"another deployment's answer":     {approve(func(*asking) string { return "d-OTHER/BeforeAllowTraffic/2026-11-29T13:00:00.000Z" }), true, nobody},
		"an answer before it was asked":   {approve(func(a *asking) string { return a.question[:len(a.question)-5] + "000Z" }), true, nobody},
		"one that was written beforehand": {approve(func(*asking) string { return "" }), true, nobody},
		"the answer on the old release's": {func(t *testing.T, a *asking) { a.tag(t, a.d.definition(1), answering("approved", a.question)) }, true, nobody},
		"the decision of a PAUSE": {func(t *testing.T, a *asking) {
			tags := answering("approved", a.question)
			delete(tags, "greenlight.answer")
			a.tag(t, a.d.definition(2), tags)
		}, true, nobody},
		"without a reason": {func(t *testing.T, a *asking) {
			tags := answering("approved", a.question)
			tags["greenlight.why"] = ""
			a.tag(t, a.d.definition(2), tags)
		}, true, nobody},
		"tags that cannot be read": {func(t *testing.T, a *asking) {
			a.tag(t, a.d.definition(2), answering("approved", a.question))
			a.mu.Lock()
			a.answers["DescribeTaskDefinition"] = func([]byte) string { return "{}" }
			a.mu.Unlock()
		}, true, ""},
		"a forged question, and its answer": {func(t *testing.T, a *asking) {
			a.change(false, func(q map[string]any) { q["id"] = "mine" })
			a.tag(t, a.d.definition(2), answering("approved", "mine"))
		}, false, lost},
		"a forged report": {func(t *testing.T, a *asking) {
			a.change(false, func(q map[string]any) { q["report"].(map[string]any)["reason"] = "all is well" })
			a.tag(t, a.d.definition(2), answering("approved", a.question))
		}, false, lost},
		"a question for ever": {func(_ *testing.T, a *asking) {
			a.change(false, func(q map[string]any) { q["until"] = time.Now().AddDate(1, 0, 0).Format(time.RFC3339) })
		}, false, lost},
		"the checksum is gone": {func(t *testing.T, a *asking) {
			a.Values.Put("/evidence", "none")
			a.tag(t, a.d.definition(2), answering("approved", a.question))
		}, false, lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t)
			tc.attack(t, a)
			if tc.waits {
				if said, got := a.call(0); said.HookStatus != "IN_PROGRESS" || strings.HasPrefix(name, "tags") && !strings.Contains(got.log, "no answer can be read") {
					t.Fatalf("%+v\n%s", said, got.log)
				}
				a.over()
			}
			a.ends("FAILED", tc.says)
		})
	}
}

// Another run that keeps its checksum, or its verdict, in the same parameter takes nobody's question away.
func TestTwoAskByOneParameter(t *testing.T) {
	t.Parallel()
	a := ask(t)
	kept, _ := a.Values.Get("/evidence")
	other := ask(t)
	other.Values.Put("/evidence", kept)
	e := start(t, after, other.url, "EVIDENCE_PARAMETER=/evidence")
	if v := e.invoke(other.event("POST_TEST_TRAFFIC_SHIFT", ""), time.Minute).verdict(t); v.text("verdict") != "PASS" {
		t.Fatal(v)
	}
	both, _ := other.Values.Get("/evidence")
	a.Values.Put("/evidence", both)
	a.tag(t, a.d.definition(2), answering("approved", a.question))
	a.ends("SUCCEEDED", "approved by ")
}

// What is not to be asked is not asked, or not for long.
func TestWhereNobodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		green            application
		bend             func(n *native)
		variables        []string
		status, says     string
		questions, calls int
	}{
		"what failed": {with("GET /trips", answers(500)), nil, nil, "FAILED", "list trips", 0, 1},
		"observing":   {good(), nil, []string{"MODE=observe"}, "SUCCEEDED", "WOULD FAIL: comparison", 0, 1},
		"a rollback":  {good(), func(n *native) { n.status = "ROLLBACK_IN_PROGRESS" }, nil, "SUCCEEDED", "WOULD FAIL: comparison", 0, 1},
		"a hook that times out and goes on": {good(), func(n *native) {
			n.config = `{"lifecycleHooks":[{"timeoutConfiguration":{"timeoutInMinutes":5,"action":"CONTINUE"}}]}`
		}, nil, "FAILED", "nobody is asked: a lifecycle hook", 0, 1},
		"it is not known what a time-out does": {good(), func(n *native) { n.denied = []string{"DescribeServiceDeployments"} }, nil, "FAILED", "nobody is asked: a lifecycle hook", 0, 1},
		"nothing can be kept":                  {good(), nil, []string{"EVIDENCE_PARAMETER="}, "FAILED", "nobody approved by 20", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNative(t, serve(t, tc.green), serve(t, old()), undecided)
			if tc.bend != nil {
				tc.bend(n)
			}
			for _, operation := range n.denied {
				n.answers[operation] = func([]byte) string { return "{}" }
			}
			e := start(t, before, n.url, append([]string{"EVIDENCE_PARAMETER=/evidence", "REPORT_RESERVE=5s"}, tc.variables...)...)
			a := e.invoke(n.event(compareStage, n.production(0, 100)), 12*time.Second)
			if v := a.verdict(t); a.body != `{"hookStatus":"`+tc.status+`"}` || !strings.Contains(v.text("reason"), tc.says) || len(a.lines(t, "ask")) != tc.questions {
				t.Errorf("%s: %s\n%s", a.body, v.text("reason"), a.log)
			}
		})
	}
}

// With CodeDeploy the hook waits within its own time, and stores what was answered, or that nobody did.
func TestCodeDeploysHookAsksInItsOwnTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		verb, status, says string
		set                bool
	}{
		"approved": {"approved", "Succeeded", "approved by arn:aws:iam::1:user/ann", false},
		"rejected": {"rejected", "Failed", "rejected by arn:aws:iam::1:user/ann", false},
		"nobody":   {"", "Failed", "nobody approved by 20", false},
		// What is set need not be found: then the task definition is looked for when somebody is asked.
		"approved, a shared outage, with all set": {"approved", "Succeeded", "approved by arn:aws:iam::1:user/ann", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			d, event := c.deploy(before, serve(t, good()), serve(t, old()), undecided)
			e := start(t, before, c.url, "REPORT_RESERVE=5s")
			if tc.set {
				ill := func(a application) string { a.around = failingAt("/trips", 0); return serve(t, a) }
				d, event = c.deploy(after, ill(good()), ill(old()), strings.Replace(undecided, "within: 10s", "within: 1s", 1))
				e = start(t, after, c.url, "REPORT_RESERVE=5s", "RELEASE="+release, "SUITE=s3://suites/"+d.id+".yaml", "TEST_URL="+d.green, "PRODUCTION_URL="+d.blue)
			}
			ended := make(chan answer, 1)
			go func() { ended <- e.invoke(event, 20*time.Second) }()
			if tc.verb != "" {
				for deadline := time.Now().Add(15 * time.Second); ; <-time.After(50 * time.Millisecond) {
					text, _ := os.ReadFile(e.log)
					if l := (answer{log: string(text[:bytes.LastIndexByte(text, '\n')+1])}).lines(t, "ask"); len(l) > 0 {
						c.tag(t, d.definition(2), answering(tc.verb, l[0].text("question")))
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("it does not ask: %s", text)
					}
				}
			}
			a := <-ended
			v := a.verdict(t)
			if stored := d.statuses(); len(stored) != 1 || stored[0].status != tc.status || !strings.HasPrefix(v.text("reason"), tc.says) {
				t.Errorf("stored %v: %s\n%s", stored, v.text("reason"), a.log)
			}
			if left := a.deadline.Sub(d.statuses()[0].at); left < 2*time.Second || !strings.Contains(a.log, "ask_for is 10m0s, and this call") {
				t.Errorf("the status was stored %v before the deadline\n%s", left, a.log)
			}
		})
	}
}

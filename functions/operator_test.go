package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// told is what CodeDeploy and the log were told in one invocation, which may be another than the verdict's.
type told struct{ verdict, blame, status, reason string }

func (w told) check(t testing.TB, a answer, d *rollout) line {
	t.Helper()
	v := a.verdict(t)
	if got := (told{v.text("verdict"), v.text("blame"), v.text("status"), v.text("reason")}); got.verdict != w.verdict || got.blame != w.blame || got.status != w.status || !strings.Contains(got.reason, w.reason) {
		t.Errorf("got  %+v\nwant %+v", got, w)
	}
	if stored := d.statuses(); len(stored) != 1 || stored[0].status != w.status {
		t.Errorf("stored %v, want one %s", stored, w.status)
	}
	if m := a.lines(t, "metrics"); len(m) != 1 || m[0]["GateFailed"] != map[string]float64{"Failed": 1}[w.status] {
		t.Errorf("metrics %v with status %s", m, w.status)
	}
	checkMetrics(t, a)
	noSecretIn(t, "log", a.log)
	return v
}

// TestWhoMayOverruleAVerdict lists all that opens the gate to a release that did not pass.
func TestWhoMayOverruleAVerdict(t *testing.T) {
	t.Parallel()
	broken := with("GET /trips", answers(500))
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	skip := func(text string) func(*cloud, *rollout) {
		return func(c *cloud, d *rollout) {
			c.Values.Put("/skip", strings.NewReplacer("ID", d.id, "SOON", in(23*time.Hour), "LATE", in(25*time.Hour)).Replace(text))
		}
	}
	for name, tc := range map[string]struct {
		hook, variable string
		green, blue    application
		suite          suite
		prepare        func(*cloud, *rollout)
		want           told
	}{
		"nobody":       {after, "", broken, old(), suite{}, nil, told{"FAIL", "release", "Failed", "list trips"}},
		"observe mode": {after, "MODE=observe", broken, old(), suite{}, nil, told{"FAIL", "release", "Succeeded", `WOULD FAIL: check "list trips"`}},
		"observe mode, suite broken": {
			after, "MODE=observe", good(), old(),
			suite{whole: "version: 2\n"},
			nil,
			told{"ERROR", "config", "Succeeded", "WOULD FAIL: the suite is broken"},
		},
		"observe mode, misspelt":  {after, "MODE=obsreve", good(), old(), suite{}, nil, told{"ERROR", "config", "Failed", `MODE is "obsreve"`}},
		"an observed check":       {after, "", broken, old(), suite{more: "  - {name: watched, request: GET /nowhere, observe: true, expect: {status: 200}}\n"}, nil, told{"FAIL", "release", "Failed", "list trips"}},
		"an observed check alone": {after, "", good(), old(), suite{more: "  - {name: watched, request: GET /nowhere, observe: true, expect: {status: 200}}\n"}, nil, told{"PASS", "none", "Succeeded", ""}},
		"a rollback":              {after, "", broken, old(), suite{}, rollback, told{"FAIL", "release", "Succeeded", "WOULD FAIL: "}},
		"a rollback, second gate": {before, "", broken, old(), suite{}, rollback, told{"FAIL", "release", "Succeeded", "WOULD FAIL: "}},
		"the suite's policy": {
			before, "", good(),
			application{release: "1.0", around: failing(func(int64) bool { return true }, reset)},
			suite{more: compared + "policy: {inconclusive: allow}\n"},
			nil,
			told{"INCONCLUSIVE", "environment", "Succeeded", "report"},
		},
		"no baseline, which is optional": {before, "", good(), old(), suite{more: compared + "policy: {baseline: optional}\n"}, func(_ *cloud, d *rollout) { d.blue = "" }, told{"PASS", "none", "Succeeded", ""}},
		"a skip for this deployment":     {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"deployment_id":"ID","by":"ann","why":"INC-7","expires":"SOON"}`), told{"SKIPPED", "release", "Succeeded", `SKIPPED by "ann"`}},
		"a skip for this release":        {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.1","by":"ann","why":"INC-7","expires":"SOON"}`), told{"SKIPPED", "release", "Succeeded", `because "INC-7"`}},
		"a skip for another":             {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.10","by":"ann","why":"INC-7","expires":"SOON"}`), told{"FAIL", "release", "Failed", "list trips"}},
		"a skip without an end":          {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.1","by":"ann","why":"INC-7"}`), told{"FAIL", "release", "Failed", "list trips"}},
		"a skip that ends in 25 h":       {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.1","by":"ann","why":"INC-7","expires":"LATE"}`), told{"FAIL", "release", "Failed", "list trips"}},
		"a skip with a key twice":        {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.0","release":"1.1","by":"ann","why":"INC-7","expires":"SOON"}`), told{"FAIL", "release", "Failed", "list trips"}},
		"a skip in two cases":            {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, skip(`{"release":"1.0","Release":"1.1","by":"ann","why":"INC-7","expires":"SOON"}`), told{"FAIL", "release", "Failed", "list trips"}},
		"a skip that nobody wrote":       {after, "SKIP_PARAMETER=/skip", broken, old(), suite{}, nil, told{"FAIL", "release", "Failed", "list trips"}},
		"a description never skips": {after, "", broken, old(), suite{}, func(c *cloud, d *rollout) {
			c.book.Update(d.id, func(d *deployment.Deployment) { d.Description = "[skip gate] hotfix" })
		}, told{"FAIL", "release", "Failed", "list trips"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			e := start(t, tc.hook, c.url, tc.variable)
			d, event := c.deploy(tc.hook, serve(t, tc.green), serve(t, tc.blue), tc.suite.text())
			if tc.prepare != nil {
				tc.prepare(c, d)
			}
			a := e.invoke(event, time.Minute)
			tc.want.check(t, a, d)
			if tc.want.blame == "release" && len(a.lines(t, "check")) < 3 {
				t.Errorf("%d checks are recorded, want all 3: an overruled gate still judges", len(a.lines(t, "check")))
			}
		})
	}
}

// rollback makes it a deployment by which CodeDeploy takes another one back.
func rollback(c *cloud, d *rollout) {
	c.book.Update(d.id, func(d *deployment.Deployment) { d.Creator, d.RollbackOf = deployment.ByRollback, "d-000000000" })
}

// TestBeforeAllowTraffic holds what the second gate does with and without evidence of the first. The first gate is the
// real one: it judged a good release, and what the second one meets is another.
func TestBeforeAllowTraffic(t *testing.T) {
	t.Parallel()
	broken := with("GET /trips", answers(500))
	const keeps = "EVIDENCE_PARAMETER=/evidence"
	for name, tc := range map[string]struct {
		green   application
		suite   suite
		first   string // the first gate's settings; empty when there was none
		prepare func(*cloud, *rollout)
		want    told
		// checks and compares are how many lines of each there are.
		checks, compares int
	}{
		"evidence":                        {broken, suite{more: compared}, keeps, nil, told{"PASS", "none", "Succeeded", ""}, 0, 1},
		"evidence, nothing to compare":    {broken, suite{}, keeps, nil, told{"PASS", "none", "Succeeded", "ready"}, 0, 0},
		"another's hook Succeeded":        {broken, suite{more: compared}, "", nil, told{"FAIL", "release", "Failed", "evidence=none"}, 3, 0},
		"another's hook Succeeded, good":  {good(), suite{more: compared}, "", nil, told{"PASS", "none", "Succeeded", "evidence=none"}, 3, 1},
		"the first gate kept nothing":     {broken, suite{}, "LOG_LEVEL=info", nil, told{"FAIL", "release", "Failed", "evidence=none"}, 3, 0},
		"the parameter cannot be read":    {broken, suite{}, keeps, func(c *cloud, _ *rollout) { c.Values.Delete("/evidence") }, told{"FAIL", "release", "Failed", "evidence=none"}, 3, 0},
		"no test listener":                {good(), suite{}, keeps, withoutTestListener, told{"ERROR", "config", "Failed", "has no test listener"}, 0, 0},
		"not ready":                       {around(failing(func(int64) bool { return true }, answers(503))), suite{within: "1s", more: compared}, keeps, nil, told{"FAIL", "release", "Failed", "1 unhealthy (Target.FailedHealthChecks)"}, 0, 0},
		"the original is the placeholder": {good(), suite{more: compared}, keeps, func(_ *cloud, d *rollout) { d.bootstrap = true }, told{"PASS", "none", "Succeeded", ""}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			var second atomic.Bool
			first, then := good().handler(), tc.green.handler()
			d, payload := c.deploy(after, handle(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if second.Load() {
					then.ServeHTTP(w, r)
					return
				}
				first.ServeHTTP(w, r)
			})), serve(t, old()), tc.suite.text())
			if tc.first != "" {
				if v := judged(t, start(t, after, c.url, tc.first).invoke(payload, time.Minute), d); v.text("verdict") != "PASS" {
					t.Fatalf("the first gate: %s", v.text("reason"))
				}
			}
			second.Store(true)
			payload = c.advance(d)
			if tc.prepare != nil {
				tc.prepare(c, d)
			}
			a := start(t, before, c.url, keeps).invoke(payload, time.Minute)
			tc.want.check(t, a, d)
			if checks, compares := len(a.lines(t, "check")), len(a.lines(t, "compare")); checks != tc.checks || compares != tc.compares {
				t.Errorf("%d checks and %d comparisons were made, want %d and %d", checks, compares, tc.checks, tc.compares)
			}
		})
	}
}

func withoutTestListener(c *cloud, d *rollout) {
	c.book.Update(d.id, func(d *deployment.Deployment) { d.TestListener = "" })
}

// TestProofOfRelease holds that a suite whose checks all hold opens the gate only where something shows that it was
// the new release that was asked.
func TestProofOfRelease(t *testing.T) {
	t.Parallel()
	mute := "version: 1\nname: mute\nchecks:\n  - {name: list trips, request: GET /trips, expect: {status: 200}}\n"
	proven, unproven := told{"PASS", "none", "Succeeded", ""}, told{"ERROR", "config", "Failed", "release not proven: "}
	for name, tc := range map[string]struct {
		suite    string
		prepare  func(*cloud, *rollout)
		variable func(*rollout) string
		proof    string
		want     told
	}{
		"a check expects the release":      {frugal(), nil, nil, "a check expects ${RELEASE}", proven},
		"all weights lead to green":        {mute, nil, nil, "listener " + arns, proven},
		"some weight leads to blue":        {mute, func(_ *cloud, d *rollout) { d.blueWeight = 10 }, nil, "none: the test listener does not lead only to the new release", unproven},
		"the listener's API never answers": {mute, func(c *cloud, _ *rollout) { c.hush("DescribeRules") }, nil, "none: the test listener's rules could not be read", unproven},
		"TEST_URL is the listener's":       {mute, nil, func(d *rollout) string { return "TEST_URL=" + d.green + "/" }, "listener " + arns, proven},
		"TEST_URL is production's":         {mute, nil, func(d *rollout) string { return "TEST_URL=" + d.blue }, "none: TEST_URL is not the address of the test listener", unproven},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			d, event := c.deploy(after, serve(t, good()), serve(t, old()), tc.suite)
			if tc.prepare != nil {
				tc.prepare(c, d)
			}
			var variables []string
			if tc.variable != nil {
				// Another blue, so that TEST_URL and PRODUCTION_URL differ.
				variables = []string{tc.variable(d), "PRODUCTION_URL=" + serve(t, old())}
			}
			v := tc.want.check(t, start(t, after, c.url, variables...).invoke(event, time.Minute), d)
			if !strings.HasPrefix(v.text("proof"), tc.proof) {
				t.Errorf("proof %q, want %q", v.text("proof"), tc.proof)
			}
		})
	}
}

// TestWhichGateAFunctionIs holds that the event in progress says it, and the function's name where
// CodeDeploy does not.
func TestWhichGateAFunctionIs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	green, blue := serve(t, good()), serve(t, old())
	e := start(t, after, c.url, settings(t, frugal(), green, blue)...)
	d, event := c.deploy(before, green, blue, "")
	if v := judged(t, e.invoke(event, time.Minute), d); v.text("lifecycle_event") != "BeforeAllowTraffic" {
		t.Errorf("the event in progress: %s", v.text("lifecycle_event"))
	}
	c.hush("GetDeploymentTarget")
	e = start(t, after, c.url, append(settings(t, frugal(), green, blue), "AWS_LAMBDA_FUNCTION_NAME=CodeDeployHook_trips_BeforeAllowTraffic")...)
	d, event = c.deploy(before, green, blue, "")
	if v := judged(t, e.invoke(event, time.Minute), d); v.text("lifecycle_event") != "BeforeAllowTraffic" {
		t.Errorf("the function's name: %s", v.text("lifecycle_event"))
	}
}

// TestTheDefaultSuite is what is run where the task definition was read and names none.
func TestTheDefaultSuite(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), "")
	v := judged(t, e.invoke(event, time.Minute), d)
	if v.text("verdict") != "PASS" || v.text("suite") != "default" || v.text("release") != release {
		t.Errorf("%s, suite %q, release %q: %s", v.text("verdict"), v.text("suite"), v.text("release"), v.text("reason"))
	}
	d, event = c.deploy(after, serve(t, with("GET /{$}", answers(502))), serve(t, old()), "")
	if v := judged(t, e.invoke(event, 12*time.Second), d); v.text("verdict") != "FAIL" {
		t.Errorf("a home page with 502: %s", v.text("verdict"))
	}
}

// TestReportsGoToS3 holds that the report is there under the link that the verdict names, and that a
// bucket that cannot be written to changes nothing.
func TestReportsGoToS3(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url, "REPORT_BUCKET=reports")
	d, event := c.deploy(after, serve(t, with("GET /trips", answers(500))), serve(t, old()), suite{}.text())
	a := e.invoke(event, time.Minute)
	v := judged(t, a, d)
	key := "greenlight/" + d.id + "/AfterAllowTestTraffic"
	if want := "s3://reports/" + key + ".html"; v.text("report") != want {
		t.Errorf("link %q, want %q", v.text("report"), want)
	}
	page, data := c.object("reports/"+key+".html"), c.object("reports/"+key+".json")
	if !strings.Contains(page, "list trips") || !strings.Contains(data, `"verdict": "FAIL"`) && !strings.Contains(data, `"verdict":"FAIL"`) {
		t.Errorf("the report has %d bytes of HTML and %d of JSON: %.300s", len(page), len(data), data)
	}
	noSecretIn(t, "report", page)
	noSecretIn(t, "report", data)

	c.hush("PutObject")
	d, event = c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	a = e.invoke(event, 8*time.Second)
	if v := judged(t, a, d); v.text("verdict") != "PASS" || !strings.Contains(a.log, "write the report") {
		t.Errorf("a bucket that never answers: %s, %s", v.text("verdict"), a.log)
	}
}

// TestANativeDeploymentIsFoundOut sets nothing: suite, release and listeners come from the service
// revision that the event names.
func TestANativeDeploymentIsFoundOut(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	for want, a := range map[string]application{"SUCCEEDED": good(), "FAILED": with("GET /trips", answers(500))} {
		d, _ := c.deploy(after, serve(t, a), serve(t, old()), suite{}.text())
		payload := fmt.Sprintf(`{"executionId":"x","lifecycleStage":"POST_TEST_TRAFFIC_SHIFT","resourceArn":"arn:d","executionDetails":{"serviceArn":"arn:s","targetServiceRevisionArn":%q}}`, d.revision())
		a := e.invoke(payload, time.Minute)
		if v := a.verdict(t); a.body != `{"hookStatus":"`+want+`"}` || v.text("release") != release || v.text("suite") != "trips" || len(a.lines(t, "check")) != 3 {
			t.Errorf("%s, release %q, suite %q, reason %s; want hookStatus %s", a.body, v.text("release"), v.text("suite"), v.text("reason"), want)
		}
		noSecretIn(t, "log", a.log)
	}
}

func TestNativeHooks(t *testing.T) {
	t.Parallel()
	stage := func(name string, weights string) string {
		return fmt.Sprintf(`{"executionId":"x","lifecycleStage":%q,"resourceArn":"arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/s/1","executionDetails":{"serviceArn":"arn:s","targetServiceRevisionArn":"arn:green"%s}}`, name, weights)
	}
	broken := with("GET /trips", answers(500))
	for name, tc := range map[string]struct {
		payload string
		green   application
		variable,
		body, verdict string
	}{
		"good":                                 {stage("POST_TEST_TRAFFIC_SHIFT", ""), good(), "", "SUCCEEDED", "PASS"},
		"500 on one route":                     {stage("POST_TEST_TRAFFIC_SHIFT", ""), broken, "", "FAILED", "FAIL"},
		"500 on one route, last stage":         {stage("PRE_PRODUCTION_TRAFFIC_SHIFT", ""), broken, "", "FAILED", "FAIL"},
		"observed":                             {stage("POST_TEST_TRAFFIC_SHIFT", ""), broken, "MODE=observe", "SUCCEEDED", "FAIL"},
		"a rollback":                           {stage("PRODUCTION_TRAFFIC_SHIFT", `,"productionTrafficWeights":{"arn:green":0,"arn:blue":100}`), broken, "", "SUCCEEDED", "FAIL"},
		"a stage in which nothing is to judge": {stage("PRE_SCALE_UP", ""), good(), "", "FAILED", "ERROR"},
		"no stage":                             {stage("", ""), good(), "", "FAILED", "ERROR"},
		"a suite that is gone":                 {stage("POST_TEST_TRAFFIC_SHIFT", ""), good(), "SUITE=/nowhere.yaml", "FAILED", "ERROR"},
		"a bucket that never answers":          {stage("POST_TEST_TRAFFIC_SHIFT", ""), good(), "REPORT_BUCKET=reports", "SUCCEEDED", "PASS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.hush("PutObject")
			e := start(t, after, c.url, append(settings(t, frugal(), serve(t, tc.green), serve(t, old())), tc.variable)...)
			for range 2 { // the same process again
				a := e.invoke(tc.payload, 8*time.Second)
				if v := a.verdict(t); a.kind != "returned" || a.body != `{"hookStatus":"`+tc.body+`"}` || v.text("verdict") != tc.verdict {
					t.Errorf("%s %s, verdict %s (%s); want hookStatus %s, verdict %s", a.kind, a.body, v.text("verdict"), v.text("reason"), tc.body, tc.verdict)
				}
				if r := a.lines(t, "reported"); len(r) > 0 {
					t.Errorf("reported %v: ECS is answered, nothing is stored", r)
				}
				if left := 8*time.Second - a.took; left < time.Second {
					t.Errorf("answered %v before the deadline", left)
				}
			}
		})
	}
}

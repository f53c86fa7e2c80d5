package gate_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

const mute = "version: 1\nname: mute\nreadiness: {consecutive: 1, within: 1s}\nchecks:\n  - {name: list, request: GET /trips, expect: {status: 200}}\n"

const compared = "compare:\n  - {name: report, request: GET /report, pairs: 20, warmup: 0, expect: {status: 200}}\n"

// discovered makes the world one in which nothing is set and everything can be found out.
func (w *world) discovered(suite string) {
	for key, answer := range facts(deploymentID, "1.1", suite, w.green, w.blue) {
		operation, holds, several := strings.Cut(key, " ")
		before := w.answers[operation]
		w.answers[operation] = func(body []byte) (int, string) {
			if several && before != nil && !strings.Contains(string(body), holds) {
				return before(body)
			}
			return http.StatusOK, answer
		}
	}
	for _, name := range []string{"TEST_URL", "PRODUCTION_URL", "RELEASE", "SUITE"} {
		delete(w.env, name)
	}
	parameter := w.answers["GetParameter"]
	w.answers["GetParameter"] = func(body []byte) (int, string) {
		if strings.Contains(string(body), evidence) {
			return w.parameter("GetParameter", body)
		}
		return parameter(body)
	}
}

// late lets an answer take 40 ms, which the comparison's rules see.
func late(r *http.Request) {
	timer := time.NewTimer(40 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// bend changes a part of an answer.
func (w *world) bend(operation, from, to string) {
	before := w.answers[operation]
	w.answers[operation] = func(body []byte) (int, string) {
		status, text := before(body)
		return status, strings.ReplaceAll(text, from, to)
	}
}

// A suite that says nothing of the release proves nothing about what was asked; the listener does, for its own address.
func TestTheListenersProofIsForItsOwnAddress(t *testing.T) {
	const unproven = "release not proven: "
	for name, tc := range map[string]struct {
		prepare func(*world)
		reason  string // "" where it passes
	}{
		"found from the deployment":  {func(*world) {}, ""},
		"TEST_URL is the listener's": {func(w *world) { w.env["TEST_URL"] = w.green.URL + "/" }, ""},
		"by another name":            {func(w *world) { w.env["TEST_URL"] = strings.Replace(w.green.URL, "127.0.0.1", "localhost", 1) }, ""},
		"TEST_URL is another port": {func(w *world) {
			w.env["TEST_URL"] = w.blue.URL
			w.env["PRODUCTION_URL"] = server(w.t, app("1.0", nil)).URL
		}, unproven},
		"another target group, too": {func(w *world) { w.bend("DescribeRules", "targetgroup/two/1", "targetgroup/one/1") }, unproven},
		"the rules may not be read": {func(w *world) { w.answers["DescribeRules"] = denied }, unproven},
		"no replacement task set": {func(w *world) {
			w.bend("GetDeploymentTarget", "Green", "Blue")
			w.env["RELEASE"], w.env["SUITE"] = "1.1", w.file("s.yaml", mute)
		}, unproven},
		"the listener may not be read":   {func(w *world) { w.answers["DescribeListeners"] = denied; w.env["TEST_URL"] = w.green.URL }, unproven},
		"the target group has no name":   {func(w *world) { w.bend("GetDeploymentTarget", `{"name":"two"}`, `{}`) }, unproven},
		"CodeDeploy cannot be asked":     {func(w *world) { w.answers["GetDeployment"] = denied; w.env["TEST_URL"] = w.green.URL }, unproven},
		"another listener's description": {func(w *world) { w.bend("DescribeRules", "/test/1", "/other/1") }, unproven},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.discovered(mute)
			tc.prepare(w)
			o := w.after()
			if tc.reason == "" {
				o.wants(t, "PASS", "none", "Succeeded", "")
			} else {
				o.wants(t, "ERROR", "config", "Failed", tc.reason)
			}
		})
	}
}

// What serves the new release, be it a little, is no baseline for it.
func TestProductionThatIsGreenIsNoBaseline(t *testing.T) {
	slow := func(_ http.ResponseWriter, r *http.Request) { late(r) }
	green := app("1.1", map[string]http.HandlerFunc{"/report": slow})
	for name, tc := range map[string]struct {
		bend, to, verdict, reason string
	}{
		"all of it is blue":          {"", "", "FAIL", `comparison "report"`},
		"a tenth is green":           {`"taskSetLabel":"Green",`, `"taskSetLabel":"Green","trafficWeight":10,`, "INCONCLUSIVE", "production already serves the new release (10 %)"},
		"nobody knows which is blue": {`"taskSetLabel":"Green",`, `"taskSetLabel":"",`, "INCONCLUSIVE", "not known whether production already serves the new release"},
	} {
		w := newWorld(t, green, green)
		if tc.verdict == "FAIL" {
			w.blue = server(t, app("1.0", nil))
		}
		w.discovered(suite + compared)
		w.env["RELEASE"], w.env["SUITE"] = "1.1", w.file("s.yaml", suite+compared)
		if tc.bend != "" {
			w.bend("GetDeploymentTarget", tc.bend, tc.to)
		}
		o := w.invoke(lifecycle.BeforeAllowTraffic, event, 20*time.Second)
		o.wants(t, tc.verdict, map[string]string{"FAIL": "release", "INCONCLUSIVE": "environment"}[tc.verdict], "Failed", tc.reason)
		if tc.verdict != "FAIL" && len(o.of("compare")) > 0 {
			t.Errorf("%s: it was compared with itself", name)
		}
	}
}

// In a native deployment on one listener only the rule's header tells the releases apart: it leads to green, and never to blue.
func TestWhatLeadsToGreenNeverGoesToBlue(t *testing.T) {
	const header, revision = "X-Preview", "arn:aws:ecs:eu-west-1:1:service-revision/c/s/2"
	stage := `{"executionId":"x","lifecycleStage":"PRE_PRODUCTION_TRAFFIC_SHIFT","resourceArn":"` + deploymentID + `","executionDetails":{"targetServiceRevisionArn":"` + revision + `","productionTrafficWeights":{"` + revision + `":0,"blue":100}}}`
	rule := "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/" + deploymentID + "/1/test/7"
	var toGreen, toBlue atomic.Int64
	for name, tc := range map[string]struct {
		prepare         func(*world)
		verdict, reason string
	}{
		"the rule says the header":               {func(*world) {}, "FAIL", `comparison "report"`},
		"TEST_HEADERS says it":                   {func(w *world) { w.answers["DescribeRules"] = denied; w.env["TEST_HEADERS"] = `{"x-preview":"yes"}` }, "FAIL", `comparison "report"`},
		"TEST_HEADERS says another one":          {func(w *world) { w.env["TEST_HEADERS"] = `{"x-trace":"1"}` }, "ERROR", "TEST_HEADERS does not say"},
		"nobody says it, but the suite":          {func(w *world) { w.answers["DescribeRules"] = denied }, "ERROR", "same address"},
		"the rule asks for what nobody can send": {func(w *world) { w.bend("DescribeRules", "http-header", "source-ip") }, "ERROR", "condition source-ip"},
	} {
		toGreen.Store(0)
		toBlue.Store(0)
		both := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			release := "1.0"
			if r.Header.Get(header) == "yes" {
				if release = "1.1"; r.URL.Path == "/report" {
					toGreen.Add(1)
					late(r)
				}
			} else if r.URL.Path == "/report" {
				toBlue.Add(1)
			}
			app(release, nil).ServeHTTP(rw, r)
		})
		w := newWorld(t, both, both)
		w.blue = w.green
		w.discovered(strings.Replace(suite, "readiness:", "defaults: {headers: {x-preview: \"yes\"}}\nreadiness:", 1) + compared)
		w.answer("DescribeServiceRevisions", `{"serviceRevisions":[{"serviceRevisionArn":"`+revision+`","taskDefinition":"arn:td/`+deploymentID+`:2","loadBalancers":[{"containerName":"web",
			"advancedConfiguration":{"testListenerRule":"`+rule+`","productionListenerRule":"`+strings.Replace(rule, "test/7", "prod/8", 1)+`"}}]}]}`)
		w.answer("DescribeRules", `<R><DescribeRulesResult><Rules><member><RuleArn>`+rule+`</RuleArn><Conditions><member><Field>http-header</Field><HttpHeaderConfig>
			<HttpHeaderName>X-Preview</HttpHeaderName><Values><member>yes</member></Values></HttpHeaderConfig></member></Conditions></member></Rules></DescribeRulesResult></R>`)
		tc.prepare(w)
		o := w.invoke(lifecycle.BeforeAllowTraffic, stage, 20*time.Second)
		v := o.of("verdict")
		if len(v) != 1 || v[0]["verdict"] != tc.verdict || v[0]["status"] != "Failed" || !strings.Contains(reasonOf(o), tc.reason) {
			t.Errorf("%s: %v", name, v)
		}
		if tc.verdict == "FAIL" && (toGreen.Load() < 20 || toBlue.Load() < 20) {
			t.Errorf("%s: green was asked %d times and blue %d times", name, toGreen.Load(), toBlue.Load())
		}
	}
}

// A rule proves the release for requests that satisfy it, and for no others.
func TestARuleProvesNothingForWhatDoesNotSatisfyIt(t *testing.T) {
	const revision = "arn:aws:ecs:eu-west-1:1:service-revision/c/s/2"
	rule := "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/" + deploymentID + "/1/test/7"
	stage := `{"lifecycleStage":"POST_TEST_TRAFFIC_SHIFT","resourceArn":"` + deploymentID + `","executionDetails":{"targetServiceRevisionArn":"` + revision + `"}}`
	for name, tc := range map[string]struct{ condition, verdict, proof string }{
		"TEST_URL, and a path is asked for": {`<member><Field>path-pattern</Field><Values><member>/trip*</member></Values></member>`, "ERROR", "none: the test traffic's rule asks for more"},
		"the header is sent":                {`<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Preview</HttpHeaderName><Values><member>yes</member></Values></HttpHeaderConfig></member>`, "PASS", "listener " + rule},
		"nothing is asked for":              {"", "PASS", "listener " + rule},
		"a path is asked for":               {`<member><Field>path-pattern</Field><Values><member>/green/*</member></Values></member>`, "ERROR", "listener " + rule},
		"only a mask is given":              {`<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Preview</HttpHeaderName><Values><member>y*</member></Values></HttpHeaderConfig></member>`, "PASS", "listener " + rule},
		"two values at once": {strings.Repeat(`<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Preview</HttpHeaderName><Values><member>yes</member></Values></HttpHeaderConfig></member>`, 2) +
			`<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-preview</HttpHeaderName><Values><member>no</member></Values></HttpHeaderConfig></member>`, "ERROR", "none: "},
	} {
		w := newWorld(t, app("1.1", nil), app("1.0", nil))
		w.discovered(mute)
		w.answer("DescribeServiceRevisions", `{"serviceRevisions":[{"serviceRevisionArn":"`+revision+`","taskDefinition":"arn:td/`+deploymentID+`:2","resolvedConfiguration":{"loadBalancers":[{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/1"}]},
			"loadBalancers":[{"containerName":"web","advancedConfiguration":{"testListenerRule":"`+rule+`","productionListenerRule":"`+strings.Replace(rule, "test/7", "prod/8", 1)+`"}}]}]}`)
		forward := `<Actions><member><Type>forward</Type><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/1</TargetGroupArn></member></Actions>`
		w.answers["DescribeRules"] = func(body []byte) (int, string) {
			rules := `<member><RuleArn>` + rule + `</RuleArn><Priority>5</Priority><Conditions>` + tc.condition + `</Conditions>` + forward + `</member>`
			if !strings.Contains(string(body), "RuleArns") { // the whole listener, whose default is the old release
				rules += `<member><RuleArn>` + strings.Replace(rule, "/7", "/0", 1) + `</RuleArn><Priority>default</Priority>` + strings.Replace(forward, "/two/", "/one/", 1) + `</member>`
			}
			return http.StatusOK, `<R><DescribeRulesResult><Rules>` + rules + `</Rules></DescribeRulesResult></R>`
		}
		if strings.HasPrefix(name, "TEST_URL") {
			w.env["TEST_URL"] = w.green.URL
		}
		o := w.invoke(lifecycle.AfterAllowTestTraffic, stage, 20*time.Second)
		v := o.of("verdict")
		if proof, _ := v[0]["proof"].(string); len(v) != 1 || v[0]["verdict"] != tc.verdict || !strings.HasPrefix(proof, tc.proof) {
			t.Errorf("%s: %v", name, v)
		}
	}
}

// CodeDeploy may still list the event before as running: the second gate must not be content with the first one's work.
func TestTheSecondGateIsNotTakenForTheFirst(t *testing.T) {
	slow := func(_ http.ResponseWriter, r *http.Request) { late(r) }
	for _, events := range [][2]string{{"InProgress", "Pending"}, {"InProgress", "InProgress"}, {"Succeeded", "InProgress"}} {
		w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/report": slow}), app("1.0", nil))
		w.env["SUITE"] = w.file("s.yaml", suite+compared)
		w.deployment("user", events[0], events[1])
		o := w.invoke(lifecycle.BeforeAllowTraffic, event, 20*time.Second)
		o.wants(t, "FAIL", "release", "Failed", `comparison "report"`)
		if got := o.of("verdict")[0]["lifecycle_event"]; got != "BeforeAllowTraffic" {
			t.Errorf("%v: lifecycle event %v", events, got)
		}
	}
}

// A release that calls itself a placeholder would spare the next one its comparison.
func TestAReleaseIsNoPlaceholder(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.discovered(suite)
	w.bend("DescribeTaskDefinition", `"greenlight.release":"1.1"`, `"greenlight.release":"1.1","greenlight.bootstrap":"true"`)
	w.after().wants(t, "ERROR", "config", "Failed", "greenlight.bootstrap=true")
}

// Where both releases have one name, a check that expects it tells nobody which of them answered.
func TestOneNameForBothReleasesIsNoProof(t *testing.T) {
	for leads, want := range map[string][2]string{"two": {"PASS", "Succeeded"}, "one": {"ERROR", "Failed"}} {
		w := newWorld(t, app("1.1", nil), app("1.1", nil))
		w.discovered(suite)
		w.bend("DescribeTaskDefinition", `app:1.0`, `app:1.1`)
		w.bend("DescribeRules", "targetgroup/two/1", "targetgroup/"+leads+"/1")
		o := w.after()
		if v := o.of("verdict"); len(v) != 1 || v[0]["verdict"] != want[0] || v[0]["status"] != want[1] {
			t.Errorf("the listener leads to %s: %v", leads, v)
		}
	}
}

// Who may write a label of a task definition may not read the function's files.
func TestWhereASuiteMayBe(t *testing.T) {
	root := t.TempDir()
	inside, outside := filepath.Join(root, "suites"), filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(inside, "smoke.yaml"): suite, outside: suite} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(root, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	up, err := filepath.Rel(root, outside)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ setting, label, reason string }{
		"a label in the package":        {"", "suites/smoke.yaml", ""},
		"a setting in the package":      {"suites/../suites/smoke.yaml", "", ""},
		"a setting anywhere":            {outside, "", ""},
		"a label anywhere":              {"", outside, "leaves the function's package"},
		"a label that goes up":          {"", up, "leaves the function's package"},
		"a label that hides going up":   {"", "suites/../" + up, "leaves the function's package"},
		"a link out of the package":     {"", "link.yaml", "escapes"},
		"a label of the machine's":      {"", "/etc/passwd", "leaves the function's package"},
		"a label that is not there":     {"", "gone.yaml", "gone.yaml"},
		"a label of an unknown service": {"", "http://suites.example/s.yaml", "http:"},
	} {
		w := newWorld(t, app("1.1", nil), app("1.0", nil))
		w.discovered(suite)
		w.env["LAMBDA_TASK_ROOT"] = root
		w.bend("DescribeTaskDefinition", "ssm:/suite/"+deploymentID, tc.label)
		if tc.setting != "" {
			w.env["SUITE"] = tc.setting
		}
		o := w.after()
		if tc.reason == "" {
			o.wants(t, "PASS", "none", "Succeeded", "")
			continue
		}
		o.wants(t, "ERROR", "config", "Failed", tc.reason)
		if strings.Contains(o.log, "root:") {
			t.Errorf("%s: the log quotes the file:\n%s", name, o.log)
		}
	}
}

// A suite is 500,000 bytes at most, wherever it comes from; the last byte counts.
func TestASuiteIsBounded(t *testing.T) {
	const most = 500_000
	patient := strings.Replace(suite, "within: 2s", "within: 15s", 1)
	padded := func(n int) string { return patient + strings.Repeat("#", n-len(patient)-1) + "\n" }
	for _, n := range []int{most, most + 1} {
		text := padded(n)
		for _, ref := range map[string]string{"a file": "", "an object": fmt.Sprintf("s3://suites/s.yaml#sha256=%x", sha256.Sum256([]byte(text)))} {
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.env["SUITE"] = ref
			if ref == "" {
				w.env["SUITE"] = w.file("smoke.yaml", text)
			}
			w.answer("GET /suites/s.yaml", text)
			if o := w.after(); n == most {
				o.wants(t, "PASS", "none", "Succeeded", "")
			} else {
				o.wants(t, "ERROR", "config", "Failed", "larger than 500000 bytes")
			}
		}
	}
}

// The published checksum is the one that judges.
func TestTheSuiteIsTheOneThatWasPublished(t *testing.T) {
	for name, tc := range map[string]struct{ sum, verdict string }{
		"the same":     {fmt.Sprintf("%x", sha256.Sum256([]byte(suite))), "PASS"},
		"in capitals":  {fmt.Sprintf("%X", sha256.Sum256([]byte(suite))), "PASS"},
		"another":      {fmt.Sprintf("%x", sha256.Sum256([]byte("other"))), "ERROR"},
		"an empty one": {"", "ERROR"},
		"a part of it": {fmt.Sprintf("%x", sha256.Sum256([]byte(suite)))[:10], "ERROR"},
	} {
		w := newWorld(t, app("1.1", nil), app("1.0", nil))
		w.env["SUITE"] = "s3://suites/s.yaml#sha256=" + tc.sum
		w.answer("GET /suites/s.yaml", suite)
		if v := w.after().of("verdict"); len(v) != 1 || v[0]["verdict"] != tc.verdict {
			t.Errorf("%s: %v", name, v)
		}
	}
}

// A suite is written by whoever writes the application: it must not get at the function's own credentials.
func TestASuiteReadsNothingOfTheFunctionsOwn(t *testing.T) {
	const own = "wJalrXUtnFEMI/K7MDENG/hunter2own"
	with := func(variable string) string {
		return strings.Replace(suite, "readiness:", "variables: {X: {env: "+variable+"}}\ndefaults: {headers: {X-Leak: \"${X}\"}}\nreadiness:", 1)
	}
	var got atomic.Value
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("X-Leak"))
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "you sent "+r.Header.Get("X-Leak"))
	})
	for _, variable := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "SUITE", "PATH"} {
		w := newWorld(t, echo, app("1.0", nil))
		w.env["SUITE"], w.env["AWS_SECRET_ACCESS_KEY"], w.env["AWS_SESSION_TOKEN"], w.env["PATH"] = w.file("s.yaml", with(variable)), own, own, "/bin"
		w.after().wants(t, "ERROR", "config", "Failed", "the environment variable "+variable+" is not set")
		if got.Load() != nil {
			t.Fatalf("%s was sent: %v", variable, got.Load())
		}
	}
	// Where somebody hands it over all the same, no output shows it.
	w := newWorld(t, echo, app("1.0", nil))
	w.env["SUITE"], w.env["AWS_SECRET_ACCESS_KEY"], w.env["LOG_LEVEL"] = w.file("s.yaml", with("X")), own, "debug"
	w.env["SUITE_ENVIRONMENT"] = `{"X":"` + own + `"}`
	o := w.after()
	o.wants(t, "FAIL", "release", "Failed", "500")
	if strings.Contains(o.log, own) || got.Load() != own {
		t.Errorf("the log shows the function's credentials:\n%s", o.log)
	}
}

// The placeholder of a new stack is found out even where everything else is set.
func TestThePlaceholderIsNotComparedWith(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("placeholder", map[string]http.HandlerFunc{"/report": status(404)}))
	settings := map[string]string{"TEST_URL": w.green.URL, "PRODUCTION_URL": w.blue.URL, "RELEASE": "1.1", "SUITE": w.file("s.yaml", suite+compared)}
	w.discovered(suite)
	for name, value := range settings {
		w.env[name] = value
	}
	w.bend("DescribeTaskDefinition", `"image":"app:1.0","dockerLabels":{}`, `"image":"app:1.0","dockerLabels":{"greenlight.bootstrap":"true"}`)
	o := w.invoke(lifecycle.BeforeAllowTraffic, event, 20*time.Second)
	o.wants(t, "PASS", "none", "Succeeded", "2 checks passed")
	if len(o.of("compare")) > 0 || !strings.Contains(o.log, "greenlight.bootstrap=true") {
		t.Errorf("it was compared with the placeholder:\n%s", o.log)
	}
}

func TestAnObservedCheckIsMarkedAndNeverCounts(t *testing.T) {
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/new": status(500)}), app("1.0", nil))
	w.env["SUITE"] = w.file("s.yaml", suite+"  - {name: new, request: GET /new, observe: true, expect: {status: 200}}\n")
	o := w.after()
	o.wants(t, "PASS", "none", "Succeeded", "2 checks passed")
	for _, c := range o.of("check") {
		if observed := c["check"] == "new"; c["observe"] != observed || observed != (c["verdict"] == "FAIL") {
			t.Errorf("check line %v", c)
		}
	}
	if m := o.of("metrics")[0]; m["ChecksPassed"] != 2.0 || m["ChecksFailed"] != 0.0 {
		t.Errorf("metrics %v", m)
	}
}

// What is counted as passed passed: an observed failure or a skip has a metric of its own.
func TestWhatTheMetricsCount(t *testing.T) {
	broken := app("1.1", map[string]http.HandlerFunc{"/trips": status(500)})
	count := func(passed, failed, would, skipped float64) map[string]float64 {
		return map[string]float64{"GatePassed": passed, "GateFailed": failed, "GateWouldFail": would, "GateSkipped": skipped}
	}
	for name, tc := range map[string]struct {
		green   http.Handler
		prepare func(*world)
		want    map[string]float64
	}{
		"passed":               {app("1.1", nil), func(*world) {}, count(1, 0, 0, 0)},
		"passed and observed":  {app("1.1", nil), func(w *world) { w.env["MODE"] = "observe" }, count(1, 0, 0, 0)},
		"failed":               {broken, func(*world) {}, count(0, 1, 0, 0)},
		"failed and observed":  {broken, func(w *world) { w.env["MODE"] = "observe" }, count(0, 0, 1, 0)},
		"failed in a rollback": {broken, func(w *world) { w.deployment("codeDeployRollback", "InProgress", "Pending") }, count(0, 0, 1, 0)},
		"skipped": {broken, func(w *world) {
			w.env["SKIP_PARAMETER"] = "/skip"
			w.parameters["/skip"] = `{"release":"1.1","by":"ann","why":"INC-7","expires":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`
		}, count(0, 0, 0, 1)},
	} {
		w := newWorld(t, tc.green, app("1.0", nil))
		tc.prepare(w)
		m := w.after().of("metrics")
		for metric, want := range tc.want {
			if len(m) != 1 || m[0][metric] != want {
				t.Errorf("%s: %s is %v, want %v", name, metric, m[0][metric], want)
			}
		}
	}
}

package gate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestAGoodReleaseMayGoOn(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	o := w.after()
	o.wants(t, "PASS", "none", "Succeeded", "")
	if got := len(o.of("check")); got != 2 {
		t.Errorf("%d check lines, want 2", got)
	}
	v := o.of("verdict")[0]
	for field, want := range map[string]any{
		"deployment_id": deploymentID, "lifecycle_event": "AfterAllowTestTraffic", "release": "1.1", "suite": "trips",
		"checks_passed": 2.0, "checks_failed": 0.0, "level": "info",
	} {
		if v[field] != want {
			t.Errorf("verdict line: %s is %v, want %v", field, v[field], want)
		}
	}
	if sum, _ := v["suite_sha256"].(string); len(sum) != 64 {
		t.Errorf("suite_sha256 is %q", sum)
	}
	r := o.of("reported")
	if len(r) != 1 || r[0]["status"] != "Succeeded" || r[0]["attempts"] != 1.0 || r[0]["outcome"] != "stored" {
		t.Errorf("reported %v", r)
	}
	m := o.of("metrics")
	if len(m) != 1 || m[0]["GatePassed"] != 1.0 || m[0]["GateFailed"] != 0.0 || m[0]["ChecksPassed"] != 2.0 || m[0]["ReportFailed"] != 0.0 ||
		m[0]["Application"] != "trips" || m[0]["DeploymentGroup"] != "group" || m[0]["LifecycleEvent"] != "AfterAllowTestTraffic" {
		t.Errorf("metrics %v", m)
	}
}

func TestABrokenRouteShutsTheGate(t *testing.T) {
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), app("1.0", nil))
	o := w.after()
	o.wants(t, "FAIL", "release", "Failed", "list")
	if m := o.of("metrics"); len(m) != 1 || m[0]["GateFailed"] != 1.0 || m[0]["ChecksFailed"] != 1.0 {
		t.Errorf("metrics %v", m)
	}
	for _, part := range []string{"500", "200"} {
		if reason, _ := o.of("verdict")[0]["reason"].(string); !strings.Contains(reason, part) {
			t.Errorf("reason %q does not tell %s", reason, part)
		}
	}
}

func TestWhatIsSetWrongIsReportedAndNotHungOn(t *testing.T) {
	for name, tc := range map[string]struct {
		key, value, reason string
	}{
		"no suite file":           {"SUITE", "nowhere.yaml", "nowhere.yaml"},
		"no test URL":             {"TEST_URL", "", "TEST_URL"},
		"a path in the URL":       {"TEST_URL", "http://x/path", "TEST_URL"},
		"no release":              {"RELEASE", "", "render-taskdef --release"},
		"unknown mode":            {"MODE", "obsreve", "MODE"},
		"reserve without a unit":  {"REPORT_RESERVE", "30", `REPORT_RESERVE is "30", want a time like 30s`},
		"negative reserve":        {"REPORT_RESERVE", "-1s", "REPORT_RESERVE"},
		"unknown level":           {"LOG_LEVEL", "loud", "LOG_LEVEL"},
		"no label to read":        {"SUITE", "", "greenlight.suite"},
		"an S3 URL without a key": {"SUITE", "s3://bucket", "s3://bucket/key"},
		"no such parameter":       {"SUITE", "ssm:/gone", "not authorized"},
		"no such object":          {"SUITE", "s3://bucket/gone.yaml", "not authorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.env[tc.key] = tc.value
			o := w.after()
			o.wants(t, "ERROR", "config", "Failed", tc.reason)
			if o.took > 15*time.Second {
				t.Errorf("took %v, want at most 15s", o.took)
			}
		})
	}
}

func TestABrokenSuiteIsNamedWithItsPlace(t *testing.T) {
	for name, tc := range map[string]struct{ text, reason string }{
		"no checks":        {"version: 1\nchecks: []\n", "smoke.yaml:2"},
		"unknown key":      {"version: 1\nchekcs: []\n", "smoke.yaml:2:1"},
		"not YAML":         {"version: [\n", "smoke.yaml:"},
		"empty":            {"", "empty"},
		"unset variable":   {"version: 1\nvariables: {TOKEN: {env: TOKEN}}\nchecks: [{name: a, request: GET /, expect: {status: 200, headers: {A: \"${TOKEN}\"}}}]\n", "TOKEN"},
		"secret not there": {"version: 1\nvariables: {TOKEN: {secretsmanager: gone}}\nchecks: [{name: a, request: GET /, expect: {status: 200, headers: {A: \"${TOKEN}\"}}}]\n", "variable TOKEN: secretsmanager GetSecretValue"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app("1.1", nil), app("1.0", nil))
			w.env["SUITE"] = w.file("smoke.yaml", tc.text)
			w.after().wants(t, "ERROR", "config", "Failed", tc.reason)
		})
	}
}

func TestTheEventInProgressSaysWhichGateThisIs(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.deployment("user", "Succeeded", "InProgress")
	o := w.invoke(lifecycle.AfterAllowTestTraffic, event, 20*time.Second) // the wrong binary in the AppSpec
	o.wants(t, "PASS", "none", "Succeeded", "")
	if got := o.of("verdict")[0]["lifecycle_event"]; got != "BeforeAllowTraffic" {
		t.Errorf("lifecycle event %v, want BeforeAllowTraffic", got)
	}
}

func TestTheFunctionsNameSaysWhichGateThisIsWhereCodeDeployDoesNot(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	delete(w.answers, "GetDeploymentTarget")
	w.env["AWS_LAMBDA_FUNCTION_NAME"] = "CodeDeployHook_trips_BeforeAllowTraffic"
	o := w.invoke(lifecycle.AfterAllowTestTraffic, event, 20*time.Second)
	if got := o.of("verdict")[0]["lifecycle_event"]; got != "BeforeAllowTraffic" {
		t.Errorf("lifecycle event %v, want BeforeAllowTraffic", got)
	}
}

func TestAnEventThatTakesNoHookIsNotOurs(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.answer("GetDeploymentTarget", `{"deploymentTarget":{"deploymentTargetType":"ECSTarget","ecsTarget":{"deploymentId":"`+deploymentID+`","targetId":"cluster:service",
		"lifecycleEvents":[{"lifecycleEventName":"AllowTestTraffic","status":"InProgress"},{"lifecycleEventName":"AfterAllowTestTraffic","status":"Pending"}]}}}`)
	o := w.after()
	o.wants(t, "PASS", "none", "Succeeded", "")
	if got := o.of("verdict")[0]["lifecycle_event"]; got != "AfterAllowTestTraffic" {
		t.Errorf("lifecycle event %v, want AfterAllowTestTraffic", got)
	}
}

func TestAHookOfAnotherEventIsSetWrong(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.answer("GetDeploymentTarget", `{"deploymentTarget":{"deploymentTargetType":"ECSTarget","ecsTarget":{"deploymentId":"`+deploymentID+`","targetId":"cluster:service",
		"lifecycleEvents":[{"lifecycleEventName":"AfterInstall","status":"InProgress"}]}}}`)
	w.after().wants(t, "ERROR", "config", "Failed", "AfterInstall")
}

func TestARollbackIsObservedAndNeverBlocked(t *testing.T) {
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), app("1.0", nil))
	w.deployment("codeDeployRollback", "InProgress", "Pending")
	w.after().wants(t, "FAIL", "release", "Succeeded", "WOULD FAIL: ")
}

func TestObserveModeSaysWhatItWouldDo(t *testing.T) {
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), app("1.0", nil))
	w.env["MODE"] = "observe"
	w.after().wants(t, "FAIL", "release", "Succeeded", "WOULD FAIL: ")
}

func TestOnlyAnExactUnexpiredAuthorisationSkips(t *testing.T) {
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	for name, tc := range map[string]struct {
		parameter string
		skipped   bool
	}{
		"this deployment":         {`{"deployment_id":"` + deploymentID + `","by":"ann","why":"known","expires":"` + soon + `"}`, true},
		"this release":            {`{"release":"1.1","by":"ann","why":"known","expires":"` + soon + `"}`, true},
		"another deployment":      {`{"deployment_id":"d-OTHER","by":"ann","why":"known","expires":"` + soon + `"}`, false},
		"another release":         {`{"release":"1.10","by":"ann","why":"known","expires":"` + soon + `"}`, false},
		"right id, other release": {`{"deployment_id":"` + deploymentID + `","release":"2","by":"ann","why":"known","expires":"` + soon + `"}`, false},
		"expired":                 {`{"release":"1.1","by":"ann","why":"known","expires":"` + past + `"}`, false},
		"no expiry":               {`{"release":"1.1","by":"ann","why":"known"}`, false},
		"nobody":                  {`{"release":"1.1","why":"known","expires":"` + soon + `"}`, false},
		"no reason":               {`{"release":"1.1","by":"ann","expires":"` + soon + `"}`, false},
		"names nothing":           {`{"by":"ann","why":"known","expires":"` + soon + `"}`, false},
		"unknown member":          {`{"relaese":"1.1","release":"1.1","by":"ann","why":"known","expires":"` + soon + `"}`, false},
		"no JSON":                 {`yes`, false},
		"two documents":           {`{"release":"1.1","by":"ann","why":"known","expires":"` + soon + `"} {}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), app("1.0", nil))
			w.env["SKIP_PARAMETER"] = "/greenlight/skip"
			quoted := strings.ReplaceAll(tc.parameter, `"`, `\"`)
			w.answer("GetParameter", `{"Parameter":{"Value":"`+quoted+`"}}`)
			o := w.after()
			if tc.skipped {
				o.wants(t, "SKIPPED", "release", "Succeeded", "ann")
			} else {
				o.wants(t, "FAIL", "release", "Failed", "list")
			}
			if len(o.of("check")) != 2 {
				t.Error("the checks were not run and recorded")
			}
		})
	}
}

func TestABadEventIsAnErrorAndTouchesNothing(t *testing.T) {
	for _, payload := range []string{``, `null`, `{}`, `{"DeploymentId":"d-1"}`, `{"DeploymentId":"d-1","LifecycleEventHookExecutionId":7}`} {
		w := newWorld(t, app("1.1", nil), app("1.0", nil))
		o := w.invoke(lifecycle.AfterAllowTestTraffic, payload, 5*time.Second)
		if o.err == nil || len(w.puts) > 0 {
			t.Errorf("%q: error %v, %d calls, want an error and none", payload, o.err, len(w.puts))
		}
		if v := o.of("verdict"); len(v) != 1 || v[0]["status"] != "Failed" {
			t.Errorf("%q: verdict lines %v", payload, v)
		}
	}
}

func TestReportingHasItsOwnTime(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": hang}), app("1.0", nil))
	began := time.Now()
	o := w.invoke(lifecycle.AfterAllowTestTraffic, event, 9*time.Second)
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("the status was stored %v before the deadline, want at least 2s", 9*time.Second-took)
	}
	if v := o.of("verdict"); len(v) != 1 || v[0]["status"] != "Failed" {
		t.Errorf("verdict %v", v)
	}
	if len(o.stored) != 1 || o.stored[0] != "Failed" {
		t.Errorf("stored %v", o.stored)
	}
	if notes := o.of("note"); len(notes) == 0 || !strings.Contains(o.log, "REPORT_RESERVE takes 30s") {
		t.Errorf("the reserve that was shrunk is not named: %s", o.log)
	}
}

func TestWhatCannotBeStoredIsAnError(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.put = func(int) (int, string) { return http.StatusBadRequest, `{"__type":"DeploymentDoesNotExistException"}` }
	o := w.after()
	if o.err == nil || len(w.puts) != 1 {
		t.Errorf("error %v after %d calls, want one after 1", o.err, len(w.puts))
	}
	if r := o.of("reported"); len(r) != 1 || r[0]["outcome"] != "failed" || r[0]["level"] != "error" {
		t.Errorf("reported %v", r)
	}
	if m := o.of("metrics"); len(m) != 1 || m[0]["ReportFailed"] != 1.0 {
		t.Errorf("metrics %v", m)
	}
}

func TestTwiceTheSameEventIsStoredOnce(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	first, second := w.after(), w.after()
	first.wants(t, "PASS", "none", "Succeeded", "")
	if r := second.of("reported"); second.err != nil || len(r) != 1 || r[0]["outcome"] != "already-completed" || len(second.stored) != 1 {
		t.Errorf("the second time: %v, %v, stored %v", second.err, r, second.stored)
	}
}

// Where it panicked is noted at every LOG_LEVEL: nobody can ask it again.
func TestAPanicIsReported(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.env["SUITE"], w.env["LOG_LEVEL"] = "ssm:/suite", "error"
	o := w.without(20*time.Second, func() { panic("boom") })
	o.wants(t, "ERROR", "gate", "Failed", "the gate panicked: boom")
	notes := o.of("note")
	if len(notes) == 0 || notes[0]["level"] != "error" || !strings.Contains(notes[0]["message"].(string), "nobody.Do") {
		t.Errorf("the stack is not noted: %v", notes)
	}
}

func TestSecretsDoNotLeak(t *testing.T) {
	const token = "hunter2/+secret"
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "you said "+r.Header.Get("X-Token"))
	}
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": echo}), app("1.0", nil))
	w.env["LOG_LEVEL"] = "debug"
	w.answer("GetSecretValue", `{"SecretString":"`+token+`"}`)
	w.env["SUITE"] = w.file("smoke.yaml", strings.Replace(suite, "readiness:", "variables: {T: {secretsmanager: t}}\ndefaults: {headers: {X-Token: \"${T}\"}}\nreadiness:", 1))
	o := w.after()
	o.wants(t, "FAIL", "release", "Failed", "list")
	if strings.Contains(o.log, token) {
		t.Errorf("the secret stands in the log:\n%s", o.log)
	}
}

func TestNativeHooksAreAnswered(t *testing.T) {
	stage := func(s string) string {
		return `{"executionId":"x","lifecycleStage":"` + s + `","resourceArn":"arn:aws:ecs:eu-west-1:1:service-deployment/c/s/1","executionDetails":{}}`
	}
	for name, tc := range map[string]struct {
		payload string
		green   http.Handler
		want    string
	}{
		"good":              {stage("POST_TEST_TRAFFIC_SHIFT"), app("1.1", nil), "SUCCEEDED"},
		"broken":            {stage("PRE_PRODUCTION_TRAFFIC_SHIFT"), app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), "FAILED"},
		"another stage":     {stage("PRE_SCALE_UP"), app("1.1", nil), "FAILED"},
		"no stage":          {stage(""), app("1.1", nil), "FAILED"},
		"details misshapen": {`{"lifecycleStage":"POST_TEST_TRAFFIC_SHIFT","executionDetails":7}`, app("1.1", nil), "FAILED"},
	} {
		w := newWorld(t, tc.green, app("1.0", nil))
		o := w.invoke(lifecycle.AfterAllowTestTraffic, tc.payload, 20*time.Second)
		if got, ok := o.answer.(payload.HookAnswer); o.err != nil || !ok || got.HookStatus != tc.want {
			t.Errorf("%s: %v, %v, want %s", name, o.answer, o.err, tc.want)
		}
		if len(w.puts) > 0 || len(o.of("reported")) > 0 || len(o.of("verdict")) != 1 {
			t.Errorf("%s: %d statuses put, %d reported lines, %d verdicts; want 0, 0, 1", name, len(w.puts), len(o.of("reported")), len(o.of("verdict")))
		}
	}
}

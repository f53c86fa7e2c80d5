package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

var update = flag.Bool("update", false, "write what report prints into testdata")

// screen is what a command printed; it may be written to from more than one goroutine.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// reported runs the command against logs.
func reported(t *testing.T, s *fake.Server, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	s.Region, s.Account = "eu-west-1", "123456789012"
	server := httptest.NewServer(s)
	defer server.Close()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	var out, problems screen
	at := surroundings{stdin: strings.NewReader(""), stdout: &out, stderr: &problems, interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }}
	code = command(at).Execute(t.Context(), append([]string{"report"}, flags...), &out, &problems)
	return code, out.String(), problems.String()
}

const (
	firstGate = "/aws/lambda/CodeDeployHook_trips_AfterAllowTestTraffic"
	lastGate  = "/aws/lambda/CodeDeployHook_trips_BeforeAllowTraffic"
)

// logged is a line of a hook's log, with the fields that functions/README.md lists.
func logged(event, at, deployment, name, fields string) string {
	return fmt.Sprintf(`{"event":%q,"timestamp":"2026-11-%s.000Z","deployment_id":%q,"lifecycle_event":%q,%s}`, event, at, deployment, name, fields)
}

// week is an observed week: one release that broke a route, one that broke it in one attempt of five and then did not,
// one that could not be told, one that was skipped, a rollback, a gate that crashed.
func week() *fake.Server {
	const test, before = "AfterAllowTestTraffic", "BeforeAllowTraffic"
	check := func(name, verdict string, failures int) string {
		return fmt.Sprintf(`"check":%q,"verdict":%q,"attempts":5,"failures":%d,"duration_ms":900,"observe":false,"reason":"r"`, name, verdict, failures)
	}
	verdict := func(verdict, status, mode, release, service, more string) string {
		return fmt.Sprintf(`"verdict":%q,"status":%q,"mode":%q,"release":%q,"cluster":"c","service":%q,"duration_ms":4000,%s`, verdict, status, mode, release, service, more)
	}
	s := &fake.Server{}
	s.Log(lastGate, "s", // another gate's, whose lines are mixed in by their time
		logged("compare", "24T10:00:58", "d-GOOD", before, `"check":"front page","verdict":"PASS","pairs":200,"green_p50_ms":5,"blue_p50_ms":5,"green_errors":0,"blue_errors":0,"reason":""`),
		logged("verdict", "24T10:01:00", "d-GOOD", before, verdict("PASS", "Succeeded", "observe", "1.0.0", "web", `"reason":"1 comparison passed"`)),
		logged("verdict", "24T11:00:00", "d-GOOD", before, verdict("PASS", "Succeeded", "observe", "1.0.0", "web", `"reason":"the next step, an hour later"`)),
		logged("compare", "26T10:00:08", "d-UNSURE", before, `"check":"front page","verdict":"INCONCLUSIVE","pairs":20,"reason":"too few"`),
		logged("verdict", "26T10:00:09", "d-UNSURE", before, verdict("INCONCLUSIVE", "Succeeded", "observe", "1.2.0", "web", `"reason":"WOULD FAIL: \"front page\": too few pairs"`)),
	)
	s.Log(firstGate, "s",
		logged("check", "24T10:00:02", "d-GOOD", test, check("list trips", "PASS", 0)),
		logged("check", "24T10:00:03", "d-GOOD", test, check("version", "PASS", 0)),
		logged("verdict", "24T10:00:04", "d-GOOD", test, verdict("PASS", "Succeeded", "observe", "1.0.0", "web", `"reason":"2 checks passed","report":"s3://b/good.html"`)),
		logged("check", "25T10:00:02", "d-BROKEN", test, check("list trips", "FAIL", 5)),
		logged("check", "25T10:00:03", "d-BROKEN", test, check("version", "FAIL", 5)),                                                                             // another release passed it
		logged("check", "25T10:00:03", "d-BROKEN", test, `"check":"beta","verdict":"FAIL","attempts":1,"failures":1,"duration_ms":1,"observe":true,"reason":"r"`), // it does not count
		logged("verdict", "25T10:00:04", "d-BROKEN", test, verdict("FAIL", "Succeeded", "observe", "1.1.0", "web", `"reason":"WOULD FAIL: check \"list trips\": 5 of 5 attempts failed","report":"s3://b/broken.html","link":"https://reports.example/broken"`)),
		logged("check", "26T09:00:02", "d-FLAPS", test, check("list trips", "FAIL", 1)),
		logged("check", "26T09:00:03", "d-FLAPS", test, check("search", "FAIL", 5)), // and the same release passes it later
		logged("verdict", "26T09:00:04", "d-FLAPS", test, verdict("FAIL", "Failed", "enforce", "1.2.0", "web", `"reason":"check \"list trips\": 1 of 5 attempts failed"`)),
		logged("check", "26T10:00:02", "d-UNSURE", test, check("list trips", "PASS", 0)),
		logged("check", "26T10:00:03", "d-UNSURE", test, check("search", "PASS", 0)),
		logged("verdict", "26T10:00:04", "d-UNSURE", test, verdict("PASS", "Succeeded", "observe", "1.2.0", "web", `"reason":"1 check passed"`)),
		logged("verdict", "27T10:00:00", "d-SKIPPED", test, verdict("SKIPPED", "Succeeded", "enforce", "1.3.0", "other", `"reason":"SKIPPED by \"ann\" until … because \"INC-7\"; it was ERROR: no suite"`)),
		logged("verdict", "27T11:00:00", "d-BACK", test, verdict("ERROR", "Succeeded", "rollback", "", "web", `"reason":"WOULD FAIL: release not proven"`)),
		logged("check", "28T10:00:02", "d-CRASHED", test, check("version", "PASS", 0)),
		logged("note", "28T10:00:03", "d-NOBODY", test, `"message":"no line of a report's"`),
		`START RequestId: no JSON`,
	)
	return s
}

// TestReport holds what a report says, in both forms.
func TestReport(t *testing.T) {
	times := regexp.MustCompile(`(from +|to |"(since|until)": ")20[-0-9T:]+Z`)
	for file, flags := range map[string][]string{
		"report.golden": nil, "report-json.golden": {"--format", "json"}, "report-one.golden": {"--service", "c/other"},
	} {
		code, out, problems := reported(t, week(), append(flags, "--prefix", "trips")...)
		if code != 0 || problems != "" {
			t.Errorf("%s: exit code %d: %s", file, code, problems)
		}
		out = times.ReplaceAllString(out, "${1}TIME")
		if *update {
			if err := os.WriteFile("testdata/"+file, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil || out != string(want) {
			t.Errorf("%s: %v: got\n%s\nwant\n%s", file, err, out, want)
		}
	}
}

// TestAReportIsHarmless: what a release wrote into the gate's reasons must not reach the terminal as it is.
func TestAReportIsHarmless(t *testing.T) {
	hostile, _ := json.Marshal("\x1b]0;owned\x07 \u009b31m \u202eback\n  2026 d-FORGED PASS \xff" + strings.Repeat("x", 5000))
	s := &fake.Server{}
	for _, field := range []string{"deployment_id", "release", "reason", "link", "cluster", "verdict", "lifecycle_event"} {
		line := map[string]json.RawMessage{"event": []byte(`"verdict"`), "timestamp": []byte(`"2026-11-24T10:00:00.000Z"`), "status": []byte(`"Failed"`), "deployment_id": []byte(`"d-1"`)}
		line[field] = hostile
		text, _ := json.Marshal(line)
		s.Log(firstGate, "s", string(text), strings.Replace(string(text), `"event":"verdict"`, `"event":"check","check":`+string(hostile)+`,"attempts":2,"failures":1`, 1))
	}
	odd := json.RawMessage(`{"a":` + string(hostile) + `}`)
	for _, field := range []string{"reason", "link", "release", "cluster", "checks", "x\u009b31m"} {
		text, _ := json.Marshal(map[string]any{"event": "verdict", "timestamp": "2026-11-24T10:00:00.000Z", "status": "Failed", "deployment_id": "d-2", field: odd})
		s.Log(firstGate, "s", string(text), strings.Replace(string(text), string(odd), string(hostile), 1))
	}
	for _, format := range []string{"text", "json"} {
		code, out, problems := reported(t, s, "--log-group", firstGate, "--format", format)
		if code != 0 || !strings.Contains(out, "owned") {
			t.Errorf("exit code %d: %s", code, problems)
		}
		for _, r := range out + problems {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q reaches the terminal", format, r)
			}
		}
		if strings.Contains(out, "\n  2026 d-FORGED") || strings.Contains(out, strings.Repeat("x", 1001)) {
			t.Errorf("%s: a line is forged, or has no end:\n%s", format, out)
		}
	}
}

// TestAReportIsBounded: more lines than fit end it, and that is told; it pages, and tells how far it is.
func TestAReportIsBounded(t *testing.T) {
	s, group := &fake.Server{}, make([]string, 20_000)
	for i := range group {
		group[i] = logged("verdict", "24T10:00:00", fmt.Sprint("d-", i), "AfterAllowTestTraffic", `"verdict":"PASS","status":"Succeeded","reason":"r"`)
	}
	for _, name := range []string{"a", "b", "c"} {
		s.Log(name, "s", group...)
	}
	code, out, problems := reported(t, s, "--log-group", "a", "--log-group", "b", "--log-group", "c", "--format", "json")
	if code != 0 || !strings.Contains(out, `"cut": true`) || !strings.Contains(out, `"PASS": 50000`) {
		t.Errorf("exit code %d: %.2000s", code, out)
	}
	if !strings.Contains(problems, "only 50000 lines were read, and not all is reported") || !strings.Contains(problems, "greenlight: 45000 lines were read, up to 2026-11-24T10:00:00.000Z in c\n") {
		t.Error(problems)
	}
}

// TestSlowLogsAreTold: while AWS does not answer, somebody who waits is told so.
func TestSlowLogsAreTold(t *testing.T) {
	s := week()
	told := make(chan struct{})
	s.Bend = func(http.ResponseWriter, *http.Request, fake.Call) bool {
		<-told
		return false
	}
	server := httptest.NewServer(s)
	defer server.Close()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	var out strings.Builder
	at := surroundings{stdin: strings.NewReader(""), stdout: &out, stderr: once(func(text string) {
		if strings.Contains(text, "takes a while") {
			close(told)
		}
	}), interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }}
	if code := command(at).Execute(t.Context(), []string{"report", "--prefix", "trips"}, &out, &out); code != 0 || !strings.Contains(out.String(), "stopped: 1") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

type once func(text string)

func (o once) Write(p []byte) (int, error) { o(string(p)); return len(p), nil }

// TestAReportIsInterrupted: a signal ends it with 130, and no half of a report is printed.
func TestAReportIsInterrupted(t *testing.T) {
	s := week()
	s.Bend = func(_ http.ResponseWriter, r *http.Request, _ fake.Call) bool { <-r.Context().Done(); return true }
	server := httptest.NewServer(s)
	defer server.Close()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	var out, problems screen
	at := surroundings{stdin: strings.NewReader(""), stdout: &out, stderr: &problems, interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	}}
	if code := command(at).Execute(t.Context(), []string{"report"}, &out, &problems); code != 130 || out.String() != "" {
		t.Errorf("exit code %d: %s%s", code, &out, &problems)
	}
}

// TestARollbackIsNeverStopped: the gate writes the mode of a rollback beside its own.
func TestARollbackIsNeverStopped(t *testing.T) {
	for mode, want := range map[string]string{"observe": "would_stop", "enforce, rollback": "would_fail_in_rollback", "observe, rollback": "would_fail_in_rollback"} {
		line := notify.Line{"event": "verdict", "verdict": "FAIL", "status": "Succeeded", "mode": mode, "reason": "WOULD FAIL: x"}
		if got := became(line); got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}

package gate_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

const (
	deploymentID = "d-1A2B3C4D5"
	evidence     = "/greenlight/evidence"
)

// world is AWS and an application as one hook sees them: real servers on loopback.
type world struct {
	t   *testing.T
	aws *httptest.Server
	// green and blue are the two listeners.
	green, blue *httptest.Server
	// broken makes a green that the test did not give answer /trips with 500.
	broken atomic.Bool
	env    map[string]string

	mu sync.Mutex
	// answers are AWS's, by operation; an operation without one is denied.
	answers map[string]func(body []byte) (int, string)
	// put decides what becomes of the n-th status (from 1); nil stores all.
	put func(n int) (int, string)
	// puts are the statuses that arrived, stored the ones that were taken.
	puts, stored []string
	// parameters are SSM's, by name.
	parameters map[string]string
}

// app serves the trip management application's checks, as the given release.
func app(release string, routes map[string]http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, ok := routes[r.URL.Path]; ok {
			f(w, r)
			return
		}
		w.Header().Set("X-App-Version", release)
		_, _ = fmt.Fprintf(w, `{"status":"ok","version":%q}`, release)
	})
}

const suite = `version: 1
name: trips
readiness: {checks: [version], consecutive: 2, within: 2s}
checks:
  - name: version
    request: GET /version
    expect: {status: 200, json: {$.version: "${RELEASE}"}}
  - name: list
    request: GET /trips
    expect: {status: 200}
`

func newWorld(t *testing.T, green, blue http.Handler) *world {
	t.Helper()
	w := &world{t: t, answers: map[string]func([]byte) (int, string){}, parameters: map[string]string{evidence: "none"}}
	if green == nil {
		green = app("1.1", map[string]http.HandlerFunc{"/trips": func(rw http.ResponseWriter, _ *http.Request) {
			if w.broken.Load() {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		}})
	}
	w.green, w.blue = server(t, green), server(t, blue)
	w.aws = server(t, http.HandlerFunc(w.serveAWS))
	w.env = map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_ENDPOINT_URL": w.aws.URL,
		"TEST_URL":         w.green.URL, "PRODUCTION_URL": w.blue.URL, "RELEASE": "1.1",
		"SUITE": w.file("smoke.yaml", suite), "EVIDENCE_PARAMETER": evidence,
	}
	w.deployment("user", "InProgress", "Pending")
	return w
}

func server(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) answer(operation, body string) {
	w.answers[operation] = func([]byte) (int, string) { return http.StatusOK, body }
}

// deployment sets what CodeDeploy says: who created it, and the statuses of the two lifecycle events
// that take a gate.
func (w *world) deployment(creator, after, before string) {
	w.answer("GetDeployment", `{"deploymentInfo":{"deploymentId":"`+deploymentID+`","applicationName":"trips","deploymentGroupName":"group","creator":"`+creator+`",
		"loadBalancerInfo":{"targetGroupPairInfoList":[{"targetGroups":[{"name":"one"},{"name":"two"}],
			"testTrafficRoute":{"listenerArns":["arn:test"]},"prodTrafficRoute":{"listenerArns":["arn:prod"]}}]}}}`)
	w.answer("ListDeploymentTargets", `{"targetIds":["cluster:service"]}`)
	w.answer("GetDeploymentTarget", `{"deploymentTarget":{"deploymentTargetType":"ECSTarget","ecsTarget":{"deploymentId":"`+deploymentID+`","targetId":"cluster:service","targetArn":"arn:service",
		"lifecycleEvents":[{"lifecycleEventName":"AfterAllowTestTraffic","status":"`+after+`"},{"lifecycleEventName":"BeforeAllowTraffic","status":"`+before+`"}],
		"taskSetsInfo":[{"identifer":"ecs-svc/1","taskSetLabel":"Blue"},{"identifer":"ecs-svc/2","taskSetLabel":"Green","targetGroup":{"name":"two"}}]}}}`)
}

// serveAWS answers every service: operations by their names, S3 by method.
func (w *world) serveAWS(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if _, after, ok := strings.Cut(string(body), "Action="); ok {
		operation, _, _ = strings.Cut(after, "&")
	}
	status, text := http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"not authorized to perform `+operation+`"}`
	if operation == "" {
		operation = r.Method + " " + r.URL.Path
		text = "<Error><Code>AccessDenied</Code><Message>not authorized to perform " + operation + "</Message></Error>"
	}
	w.mu.Lock()
	if operation == "PutLifecycleEventHookExecutionStatus" {
		status, text = w.store(body)
	} else if f, ok := w.answers[operation]; ok {
		status, text = f(body)
	} else if operation == "GetParameter" || operation == "PutParameter" {
		status, text = w.parameter(operation, body)
	}
	w.mu.Unlock()
	if status == 0 { // hang
		<-r.Context().Done()
		return
	}
	rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, text)
}

// parameter is the Parameter Store. What is not in it is denied, as everything else.
func (w *world) parameter(operation string, body []byte) (int, string) {
	var in struct{ Name, Value string }
	_ = json.Unmarshal(body, &in)
	value, ok := w.parameters[in.Name]
	switch {
	case !ok:
		return http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"not authorized to perform ` + operation + `"}`
	case operation == "PutParameter":
		w.parameters[in.Name] = in.Value
		return http.StatusOK, `{"Version":2}`
	}
	quoted, _ := json.Marshal(value)
	return http.StatusOK, `{"Parameter":{"Name":"` + in.Name + `","Value":` + string(quoted) + `}}`
}

func (w *world) store(body []byte) (int, string) {
	var in struct {
		DeploymentID                  string `json:"deploymentId"`
		LifecycleEventHookExecutionID string `json:"lifecycleEventHookExecutionId"`
		Status                        string `json:"status"`
	}
	_ = json.Unmarshal(body, &in)
	w.puts = append(w.puts, in.Status)
	if w.put != nil {
		if status, text := w.put(len(w.puts)); status != http.StatusOK {
			return status, text
		}
	}
	if len(w.stored) > 0 {
		return http.StatusBadRequest, `{"__type":"LifecycleEventAlreadyCompletedException"}`
	}
	w.stored = append(w.stored, in.Status)
	return http.StatusOK, `{"lifecycleEventHookExecutionId":"x"}`
}

// outcome is what one invocation left behind.
type outcome struct {
	err    error
	answer any
	stored []string
	lines  []map[string]any
	log    string
	took   time.Duration
	// later is the log as it is afterwards.
	later func() string
}

// invoke runs one invocation of the gate for the given lifecycle event, with limit as Lambda's.
func (w *world) invoke(n lifecycle.Name, payload string, limit time.Duration) outcome {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	var log bytes.Buffer
	g := gate.New(ctx, n, envconfig.MapLookuper(w.env), &log)
	began := time.Now()
	answer, err := g.Handle(ctx, []byte(payload))
	o := outcome{err: err, answer: answer, log: log.String(), took: time.Since(began)}
	w.mu.Lock()
	o.stored = append(o.stored, w.stored...)
	w.mu.Unlock()
	o.read(w.t)
	return o
}

// read parses the log, every line of which has to be a JSON object.
func (o *outcome) read(t *testing.T) {
	t.Helper()
	for scan := bufio.NewScanner(strings.NewReader(o.log)); scan.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Errorf("a line of the log is no JSON: %s", scan.Text())
			continue
		}
		o.lines = append(o.lines, line)
	}
}

const event = `{"DeploymentId":"` + deploymentID + `","LifecycleEventHookExecutionId":"exec-1"}`

func (w *world) after() outcome {
	return w.invoke(lifecycle.AfterAllowTestTraffic, event, 20*time.Second)
}

// second invokes the second gate, with whatever the first one left.
func (w *world) second() outcome {
	w.deployment("user", "Succeeded", "InProgress")
	return w.invoke(lifecycle.BeforeAllowTraffic, event, 20*time.Second)
}

// lines returns the log lines of one event.
func (o outcome) of(event string) []map[string]any {
	var found []map[string]any
	for _, l := range o.lines {
		if l["event"] == event {
			found = append(found, l)
		}
	}
	return found
}

// wants compares the one verdict line, the status and what is stored.
func (o outcome) wants(t *testing.T, verdict, blame, status, reason string) {
	t.Helper()
	verdicts := o.of("verdict")
	if len(verdicts) != 1 {
		t.Fatalf("%d verdict lines, want 1\n%s", len(verdicts), o.log)
	}
	v := verdicts[0]
	if v["verdict"] != verdict || v["blame"] != blame || v["status"] != status {
		t.Errorf("verdict %v, blame %v, status %v; want %s, %s, %s (%v)", v["verdict"], v["blame"], v["status"], verdict, blame, status, v["reason"])
	}
	if text, _ := v["reason"].(string); !strings.Contains(text, reason) {
		t.Errorf("reason %q, want one with %q", text, reason)
	}
	if len(o.stored) != 1 || o.stored[0] != status {
		t.Errorf("stored %q, want exactly one %s", o.stored, status)
	}
	if o.err != nil {
		t.Errorf("the function returned %v; what is stored must not be judged again", o.err)
	}
}

// without makes every request to AWS but those to CodeDeploy end in f.
func (w *world) without(limit time.Duration, f func()) outcome {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	var out log
	g := gate.New(ctx, lifecycle.AfterAllowTestTraffic, envconfig.MapLookuper(w.env), &out)
	g.AWS.HTTPClient = nobody(f)
	began := time.Now()
	_, err := g.Handle(ctx, []byte(event))
	o := outcome{err: err, log: out.String(), stored: w.stored, took: time.Since(began), later: out.String}
	o.read(w.t)
	return o
}

type nobody func()

func (f nobody) Do(*http.Request) (*http.Response, error) {
	f()
	return nil, errors.New("nobody answers")
}

package infra_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// emitted is what hooks really write: the fields of each event's lines, and the metrics.
type emitted struct {
	fields     map[string][]string
	values     map[string][]string
	namespaces []string
	metrics    []string
	// dimensions are the combinations in which CloudWatch keeps the metrics, sorted and joined.
	dimensions []string
	// lifecycleEvents are the values of the dimension LifecycleEvent.
	lifecycleEvents []string
}

const suite = `version: 1
name: trips
readiness: {checks: [version], consecutive: 1, within: 2s}
checks:
  - name: version
    request: GET /version
    expect: {status: 200, json: {$.version: "${RELEASE}"}}
  - name: list
    request: GET /list
    expect: {status: 200}
compare:
  - name: report
    request: GET /report
    pairs: 20
    warmup: 1
    expect: {status: 200}
`

// observed runs the hooks in this process, once: the first one against a release with a broken route,
// the second one against a good release while its status is refused, the third one with a suite that has no watch.
func observed(t *testing.T) emitted {
	t.Helper()
	e, err := observeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var observeOnce = sync.OnceValues(func() (emitted, error) {
	e := emitted{fields: map[string][]string{}, values: map[string][]string{}}
	var good atomic.Bool
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/list" && !good.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `{"version":"1.1"}`)
	}))
	defer app.Close()
	// CodeDeploy takes the first status and tells nothing, so that a hook has to warn, too.
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutLifecycleEventHookExecutionStatus") && !good.Load() {
			_, _ = io.WriteString(w, `{"lifecycleEventHookExecutionId":"x"}`)
			return
		}
		// Of the deployment only that production is all blue, without which nothing is compared.
		switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
		case "ListDeploymentTargets":
			_, _ = io.WriteString(w, `{"targetIds":["c:s"]}`)
			return
		case "GetDeploymentTarget":
			_, _ = io.WriteString(w, `{"deploymentTarget":{"ecsTarget":{"deploymentId":"d-1A2B3C4D5","targetId":"c:s","taskSetsInfo":[{"identifer":"2","taskSetLabel":"Green"}]}}}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"DeploymentDoesNotExistException","Message":"no"}`)
	}))
	defer aws.Close()
	blue := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer blue.Close()
	dir, err := os.MkdirTemp("", "greenlight")
	if err != nil {
		return e, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	file := filepath.Join(dir, "smoke.yaml")
	if err := os.WriteFile(file, []byte(suite), 0o600); err != nil {
		return e, err
	}
	env := lookup{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": aws.URL,
		"SUITE": file, "TEST_URL": app.URL, "PRODUCTION_URL": blue.URL, "RELEASE": "1.1", "REPORT_BUCKET": "reports",
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, event := range []lifecycle.Name{lifecycle.AfterAllowTestTraffic, lifecycle.BeforeAllowTraffic, lifecycle.AfterAllowTraffic} {
		var log bytes.Buffer
		good.Store(event == lifecycle.BeforeAllowTraffic)
		_, err := gate.New(ctx, event, env, &log).Handle(ctx, []byte(`{"DeploymentId":"d-1A2B3C4D5","LifecycleEventHookExecutionId":"x"}`))
		if (err != nil) != good.Load() {
			return e, fmt.Errorf("%s: %w\n%s", event, err, &log)
		}
		for lines := bufio.NewScanner(&log); lines.Scan(); {
			if err := e.add(lines.Bytes()); err != nil {
				return e, err
			}
		}
	}
	return e, nil
})

func (e *emitted) add(line []byte) error {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	event, _ := fields["event"].(string)
	for name, value := range fields {
		e.fields[event] = append(e.fields[event], name)
		if text, ok := value.(string); ok {
			e.values[name] = append(e.values[name], text)
		}
	}
	for _, d := range list(at(fields, "_aws", "CloudWatchMetrics")) {
		e.namespaces = append(e.namespaces, str(at(d, "Namespace")))
		for _, m := range list(at(d, "Metrics")) {
			e.metrics = append(e.metrics, str(at(m, "Name")))
		}
		for _, set := range list(at(d, "Dimensions")) {
			names := texts(set)
			slices.Sort(names)
			e.dimensions = append(e.dimensions, strings.Join(names, " "))
		}
		e.lifecycleEvents = append(e.lifecycleEvents, str(fields["LifecycleEvent"]))
	}
	return nil
}

func TestTheHooksWriteEveryEvent(t *testing.T) {
	t.Parallel()
	e := observed(t)
	for _, event := range []string{"check", "compare", "verdict", "reported", "metrics", "note"} {
		if len(e.fields[event]) == 0 {
			t.Errorf("no line with event=%s was written: the tests of the queries know nothing of it", event)
		}
	}
	for _, want := range hooks() {
		if !slices.Contains(e.lifecycleEvents, want) {
			t.Errorf("no metrics of %s", want)
		}
	}
}

package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// environment is one of Lambda's execution environments: a function's process and the Runtime API that it
// asks for its invocations, one at a time.
type environment struct {
	t       testing.TB
	name    string
	process *exec.Cmd
	pending chan *call
	gone    chan struct{}
	// log takes stdout and stderr. A file, so that what was written before an answer is there with it.
	log string

	mu      sync.Mutex
	current *call
	number  int
}

// call is one invocation on its way.
type call struct {
	id      string
	payload []byte
	limit   time.Duration
	// taken is closed when the function has it: from then on its time runs, whatever its start took.
	taken           chan struct{}
	began, deadline time.Time
	answered        chan answer
}

// answer is what came of an invocation.
type answer struct {
	// kind is "returned", "error", "timed out" or "crashed".
	kind string
	// body is what the function returned, or its error.
	body     string
	log      string
	took     time.Duration
	deadline time.Time
}

// start starts the function with Lambda's environment, an AWS at the given URL and the variables.
func start(t testing.TB, function, aws string, variables ...string) *environment {
	t.Helper()
	e := &environment{
		t: t, name: function, pending: make(chan *call), gone: make(chan struct{}),
		log: filepath.Join(t.TempDir(), function+".log"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{end}", e.end)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("%s did not start: %s", function, body)
	})
	api := httptest.NewServer(mux)
	log, err := os.Create(e.log)
	if err != nil {
		t.Fatal(err)
	}
	e.process = exec.CommandContext(context.WithoutCancel(t.Context()), binary(function))
	e.process.Stdout, e.process.Stderr = log, log
	e.process.Dir = t.TempDir()
	e.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=CodeDeployHook_trips_" + map[string]string{after: "AfterAllowTestTraffic", before: "BeforeAllowTraffic", watch: "AfterAllowTraffic", "prober": "Prober"}[function],
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=" + awsSecret, "AWS_SESSION_TOKEN=" + awsToken,
		"LAMBDA_TASK_ROOT=" + e.process.Dir, "TZ=:UTC",
		"AWS_ENDPOINT_URL=" + aws, `SUITE_ENVIRONMENT={"SMOKE_PIN":"` + pin + `"}`, "LOG_LEVEL=debug",
	}, variables...)
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.process.Wait()
		close(e.gone)
	}()
	t.Cleanup(func() {
		_ = e.process.Process.Kill()
		<-e.gone
		api.CloseClientConnections()
		api.Close()
		_ = log.Close()
	})
	return e
}

func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case c := <-e.pending:
		c.began = time.Now()
		c.deadline = c.began.Add(c.limit)
		close(c.taken)
		e.mu.Lock()
		e.current = c
		e.mu.Unlock()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", c.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:"+e.name)
		_, _ = w.Write(c.payload)
	}
}

func (e *environment) end(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	c := e.current
	e.current = nil
	e.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	if c == nil || c.id != r.PathValue("id") {
		e.t.Errorf("%s ended %s, which nobody waits for", e.name, r.PathValue("id"))
		return
	}
	kind := "returned"
	if r.PathValue("end") == "error" {
		kind = "error"
	}
	c.answered <- answer{kind: kind, body: string(body)}
}

// invoke hands one event to the function and kills it at the limit, as Lambda does.
func (e *environment) invoke(payload string, limit time.Duration) answer {
	e.number++
	before, _ := os.ReadFile(e.log)
	c := &call{id: fmt.Sprintf("request-%d", e.number), payload: []byte(payload), limit: limit, taken: make(chan struct{}), began: time.Now(), answered: make(chan answer, 1)}
	starting := time.NewTimer(time.Minute)
	defer starting.Stop()
	select {
	case e.pending <- c:
		<-c.taken
	case <-e.gone:
		return e.seen(answer{kind: "crashed"}, before, c)
	case <-starting.C:
		return e.seen(answer{kind: "did not ask for an invocation"}, before, c)
	}
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case a := <-c.answered:
		return e.seen(a, before, c)
	case <-e.gone:
		return e.seen(answer{kind: "crashed"}, before, c)
	case <-timer.C:
		_ = e.process.Process.Kill()
		return e.seen(answer{kind: "timed out"}, before, c)
	}
}

func (e *environment) seen(a answer, before []byte, c *call) answer {
	all, err := os.ReadFile(e.log)
	if err != nil {
		e.t.Error(err)
	}
	a.log = string(bytes.TrimPrefix(all, before))
	a.took, a.deadline = time.Since(c.began), c.deadline
	return a
}

// peakMemory is the most memory that the process had resident, in MiB: by Linux's own book; elsewhere
// what it has now.
func (e *environment) peakMemory() float64 {
	e.t.Helper()
	pid := strconv.Itoa(e.process.Process.Pid)
	if status, err := os.ReadFile("/proc/" + pid + "/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				return e.kib(strings.Fields(rest)[0])
			}
		}
	}
	out, err := exec.CommandContext(e.t.Context(), "ps", "-o", "rss=", "-p", pid).Output()
	if err != nil {
		e.t.Fatalf("read the memory of %s: %v", e.name, err)
	}
	return e.kib(strings.TrimSpace(string(out)))
}

func (e *environment) kib(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		e.t.Fatalf("read the memory of %s: %v", e.name, err)
	}
	return n / 1024
}

// pool is a function as Lambda scales it: each invocation has an environment of its own while it runs.
type pool struct {
	free chan *environment
	all  []*environment
}

func newPool(t testing.TB, function, aws string, size int, variables ...string) *pool {
	t.Helper()
	p := &pool{free: make(chan *environment, size)}
	for range size {
		e := start(t, function, aws, variables...)
		p.all = append(p.all, e)
		p.free <- e
	}
	return p
}

// line is one line of a function's log.
type line map[string]any

func (l line) text(field string) string { s, _ := l[field].(string); return s }

// lines returns the lines of one event ("" for all) and complains about those that are no JSON object.
func (a answer) lines(t testing.TB, event string) []line {
	t.Helper()
	var found []line
	for text := range strings.Lines(a.log) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Errorf("a line of the log is no JSON object: %.300q", text)
		}
		if event == "" || l.text("event") == event {
			found = append(found, l)
		}
	}
	return found
}

// verdict returns the one verdict line of an invocation.
func (a answer) verdict(t testing.TB) line {
	t.Helper()
	found := a.lines(t, "verdict")
	if len(found) != 1 {
		t.Fatalf("%d verdict lines, want exactly 1 (%s: %.300s)\n%s", len(found), a.kind, a.body, a.log)
	}
	return found[0]
}

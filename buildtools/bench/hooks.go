package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// coldStart is a function of ours.
func (b *bench) coldStart(function string) thing {
	return b.starts(function, func() ([]string, error) { return []string{b.path(function)}, nil })
}

// nodeHook is what the field writes: the SDK's client beside the handler.
func (b *bench) nodeHook() thing {
	return b.starts(node, sync.OnceValues(func() ([]string, error) {
		if _, absent := exec.LookPath("npm"); absent != nil {
			return nil, missing("node and npm are not installed")
		}
		install := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", //nolint:noctx // Ctrl-C meets it, too
			"--prefix", b.dir, "@aws-sdk/client-codedeploy@3")
		if text, err := install.CombinedOutput(); err != nil {
			return nil, missing(fmt.Sprintf("npm has no @aws-sdk/client-codedeploy: %v: %.300s", err, text))
		}
		return []string{"node", b.input("hook.js", "hook.js", nil)}, nil
	}))
}

// pythonHook is the same in Python. The interpreter is asked for its own path: version managers put a slow
// script before it.
func (b *bench) pythonHook() thing {
	return b.starts(python, sync.OnceValues(func() ([]string, error) {
		path, err := exec.Command("python3", "-c", "import sys, boto3; print(sys.executable)").Output() //nolint:noctx // as above
		if err != nil {
			return nil, missing("python3 with boto3 is not installed")
		}
		return []string{strings.TrimSpace(string(path)), b.input("hook.py", "hook.py", nil)}, nil
	}))
}

// starts is the time from exec to the first request for an invocation.
func (b *bench) starts(name string, args func() ([]string, error)) thing {
	return thing{name, func(ctx context.Context) (float64, error) {
		argv, err := args()
		if err != nil {
			return 0, err
		}
		f, took, err := start(ctx, argv, "AWS_ENDPOINT_URL="+b.url)
		if err != nil {
			return 0, err
		}
		f.stop()
		return milliseconds(took), nil
	}}
}

// hook is the first function with a suite, and what is measured of it. The worst suite meets bodies of a megabyte,
// endless ones and bombs.
func (b *bench) hook(name string, figure func(*function) (float64, error)) thing {
	return thing{name, func(ctx context.Context) (float64, error) {
		suite := b.input("hook.yaml", "hook.yaml", values{"Worst": name == worst})
		f, _, err := start(ctx, []string{b.path(first)}, "AWS_ENDPOINT_URL="+b.url,
			"SUITE="+suite, "TEST_URL="+b.url, "RELEASE=1.1")
		if err != nil {
			return 0, err
		}
		defer f.stop()
		return figure(f)
	}}
}

// memory is what a line of Linux's tells of the first function after so many invocations, in MiB.
func (b *bench) memory(name string, invocations int, line string) thing {
	return b.hook(name, func(f *function) (kib float64, err error) {
		for range invocations {
			if err := f.invoke(); err != nil {
				return 0, err
			}
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.process.Process.Pid))
		if err != nil {
			return 0, missing("the system has no /proc")
		}
		_, rest, _ := strings.Cut(string(status), line)
		_, err = fmt.Sscan(rest, &kib) // nothing read is not little memory
		return kib / 1024, err
	})
}

// untilStored is what the gate itself takes to tell CodeDeploy: the median of 20 invocations.
func (b *bench) untilStored(f *function) (float64, error) {
	var delays []float64
	for range 20 {
		if err := f.invoke(); err != nil {
			return 0, err
		}
		delay, status := b.delay()
		if status != "Succeeded" {
			return 0, fmt.Errorf("the good release was %q", status)
		}
		delays = append(delays, milliseconds(delay))
	}
	return median(delays), nil
}

// patience is how long a function may take for anything before the bench gives up.
const patience = time.Minute

// function is one process of a function under a Runtime API of its own.
type function struct {
	process *exec.Cmd
	server  *httptest.Server
	// next gets the time of each call for an invocation; payloads what it is answered with; ends how that ended.
	next           chan time.Time
	payloads, ends chan string
}

// start starts a program, and returns when it asked for its first invocation, with the time that took.
func start(ctx context.Context, argv []string, variables ...string) (*function, time.Duration, error) {
	f := &function{next: make(chan time.Time, 16), payloads: make(chan string, 1), ends: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.poll)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{end}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		w.WriteHeader(http.StatusAccepted)
		f.ends <- r.PathValue("end") + " " + string(body)
	})
	f.server = httptest.NewServer(mux)
	f.process = exec.CommandContext(ctx, argv[0], argv[1:]...)
	f.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + f.server.Listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=bench",
	}, variables...)
	began := time.Now()
	if err := f.process.Start(); err != nil {
		f.server.Close()
		return nil, 0, err
	}
	select {
	case at := <-f.next:
		return f, at.Sub(began), nil
	case <-time.After(patience):
		f.stop()
		return nil, 0, fmt.Errorf("%s did not ask for an invocation within %s", argv[0], patience)
	}
}

func (f *function) poll(w http.ResponseWriter, r *http.Request) {
	f.next <- time.Now()
	select {
	case <-r.Context().Done():
	case payload := <-f.payloads:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
		_, _ = io.WriteString(w, payload)
	}
}

// invoke hands an event over and waits until the function asks for the next one.
func (f *function) invoke() error {
	f.payloads <- `{"DeploymentId":"d-BENCH0000","LifecycleEventHookExecutionId":"x"}`
	select {
	case end := <-f.ends:
		if !strings.HasPrefix(end, "response") {
			return fmt.Errorf("the function ended with %s", end)
		}
	case <-time.After(patience):
		return errors.New("the function does not end its invocation")
	}
	<-f.next
	return nil
}

func (f *function) stop() {
	_ = f.process.Process.Kill()
	_ = f.process.Wait()
	f.server.Close()
}

// world is an application and a CodeDeploy that stores every status at once; any other call of AWS is refused.
type world struct {
	url    string
	server *httptest.Server

	mu sync.Mutex
	// answered is when the last request of a check was answered, stored when the status came.
	answered, stored time.Time
	status           string
}

func newWorld() *world {
	w := &world{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", w.aws)
	mux.HandleFunc("GET /", w.check(`{"status":"ok","version":"1.1","trips":["Lisbon"]}`, 0))
	mux.HandleFunc("GET /slow", w.check(`{"status":"ok"}`, 100*time.Millisecond))
	trips := strings.Repeat(`{"id":"t-1","title":"Lisbon","days":4},`, 25000)
	mux.HandleFunc("GET /big", w.check(`{"trips":[`+trips+`{}]}`, 0))
	mux.HandleFunc("GET /endless", endless)
	mux.HandleFunc("GET /bomb", bomb())
	w.server = httptest.NewServer(mux)
	w.url = w.server.URL
	return w
}

func (w *world) aws(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutLifecycleEventHookExecutionStatus") {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"__type":"AccessDeniedException","message":"not authorized"}`)
		return
	}
	var in struct {
		Status string `json:"status"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.mu.Lock()
	w.stored, w.status = time.Now(), in.Status
	w.mu.Unlock()
	_, _ = io.WriteString(rw, `{}`)
}

func (w *world) check(body string, pause time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		time.Sleep(pause) //nolint:forbidigo // it is a slow application
		rw.Header().Set("X-Service", "trips")
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, body)
		w.mu.Lock()
		w.answered = time.Now()
		w.mu.Unlock()
	}
}

// delay is the time from the last answer to the stored status.
func (w *world) delay() (time.Duration, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored.Sub(w.answered), w.status
}

// endless answers as fast as it can, for ever.
func endless(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(`"Lisbon",`, 4096))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// bomb is 256 KiB that unpack to 256 MiB: one mebibyte of nothing, packed once and said 256 times.
func bomb() http.HandlerFunc {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20)) // into memory
	_ = z.Close()
	body := bytes.Repeat(b.Bytes(), 256)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}
}

package main

import (
	"context"
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

const worst = "the most, with the worst bodies side by side"

// coldStart is a function of ours.
func (b *bench) coldStart(function string) thing {
	return b.starts(function, func(context.Context) ([]string, error) { return []string{b.path(function)}, nil })
}

// nodeHook is what the field writes: the SDK's client beside the handler.
func (b *bench) nodeHook() thing {
	var once sync.Once
	var text []byte
	var err error
	return b.starts(node, func(ctx context.Context) ([]string, error) {
		if _, absent := exec.LookPath("npm"); absent != nil {
			return nil, missing("node and npm are not installed")
		}
		once.Do(func() {
			install := exec.CommandContext(ctx, "npm", "install", "--silent", "--no-audit", "--no-fund",
				"--prefix", b.dir, "@aws-sdk/client-codedeploy@3")
			text, err = install.CombinedOutput()
		})
		if err != nil {
			return nil, missing(fmt.Sprintf("npm has no @aws-sdk/client-codedeploy: %v: %.300s", err, text))
		}
		return []string{"node", b.input("hook.js", "hook.js", nil)}, nil
	})
}

// pythonHook is the same in Python. The interpreter is asked for its own path: version managers put a slow
// script before it.
func (b *bench) pythonHook() thing {
	return b.starts(python, func(ctx context.Context) ([]string, error) {
		path, err := exec.CommandContext(ctx, "python3", "-c", "import sys, boto3; print(sys.executable)").Output()
		if err != nil {
			return nil, missing("python3 with boto3 is not installed")
		}
		return []string{strings.TrimSpace(string(path)), b.input("hook.py", "hook.py", nil)}, nil
	})
}

// starts is the time from exec to the first request for an invocation.
func (b *bench) starts(name string, args func(context.Context) ([]string, error)) thing {
	return thing{name, func(ctx context.Context) (float64, error) {
		argv, err := args(ctx)
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

// hook starts the first function with a suite.
func (b *bench) hook(ctx context.Context, worst bool) (*function, error) {
	suite := b.input("hook.yaml", "hook.yaml", values{"Worst": worst})
	f, _, err := start(ctx, []string{b.path(b.functions()[0])}, "AWS_ENDPOINT_URL="+b.url,
		"SUITE="+suite, "TEST_URL="+b.url, "RELEASE=1.1")
	return f, err
}

const event = `{"DeploymentId":"d-BENCH0000","LifecycleEventHookExecutionId":"x"}`

// memory is that of the first function. The worst are bodies of a megabyte, endless ones and bombs.
func (b *bench) memory() []thing {
	after := func(name string, invocations int, line string) thing {
		return thing{name, func(ctx context.Context) (float64, error) {
			f, err := b.hook(ctx, name == worst)
			if err != nil {
				return 0, err
			}
			defer f.stop()
			for range invocations {
				if err := f.invoke(event); err != nil {
					return 0, err
				}
			}
			return f.memory(line)
		}}
	}
	return []thing{
		after("idle after the start", 0, "VmRSS:"), after("idle after an invocation", 1, "VmRSS:"),
		after(worst, 3, "VmHWM:"),
	}
}

// memory reads a line of what Linux tells of the process, in MiB.
func (f *function) memory(line string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.process.Process.Pid))
	if err != nil {
		return 0, missing("the system has no /proc")
	}
	var kib float64
	_, rest, _ := strings.Cut(string(status), line)
	_, err = fmt.Sscan(rest, &kib) // nothing read is not little memory
	return kib / 1024, err
}

// untilStored is what the gate itself takes to tell CodeDeploy: the median of 20 invocations.
func (b *bench) untilStored(ctx context.Context) (float64, error) {
	f, err := b.hook(ctx, false)
	if err != nil {
		return 0, err
	}
	defer f.stop()
	var delays []float64
	for range 20 {
		if err := f.invoke(event); err != nil {
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
func (f *function) invoke(payload string) error {
	f.payloads <- payload
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

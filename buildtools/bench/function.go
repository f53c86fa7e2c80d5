package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// patience is how long a function may take for anything before the bench gives up.
const patience = time.Minute

// function is one process of a function under a Runtime API of its own.
type function struct {
	process *exec.Cmd
	server  *http.Server
	// next gets the time of each call for an invocation; payloads what it is answered with.
	next     chan time.Time
	payloads chan string
	done     chan string
}

// start starts a program, and returns when it asked for its first invocation, with the time that took.
func start(ctx context.Context, argv []string, variables ...string) (*function, time.Duration, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	f := &function{next: make(chan time.Time, 16), payloads: make(chan string), done: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.poll)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{end}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		w.WriteHeader(http.StatusAccepted)
		f.done <- r.PathValue("end") + " " + string(body)
	})
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = f.server.Serve(listener) }()
	f.process = exec.CommandContext(ctx, argv[0], argv[1:]...)
	f.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=bench",
	}, variables...)
	began := time.Now()
	if err := f.process.Start(); err != nil {
		return nil, 0, errors.Join(err, f.server.Close())
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
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case f.payloads <- payload:
	case <-late.C:
		return errors.New("the function does not take its invocation")
	}
	select {
	case end := <-f.done:
		if !strings.HasPrefix(end, "response") {
			return fmt.Errorf("the function ended with %s", end)
		}
	case <-late.C:
		return errors.New("the function does not end")
	}
	<-f.next
	return nil
}

func (f *function) stop() {
	_ = f.process.Process.Kill()
	_ = f.process.Wait()
	_ = f.server.Close()
}

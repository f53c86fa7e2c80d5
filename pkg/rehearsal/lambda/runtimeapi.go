package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

const (
	apiVersion = "/2018-06-01"
	// maxResponse is what Lambda takes as a response (6 MB).
	maxResponse = 6 << 20
)

// invocation is one event on its way through an execution environment.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	arn      string
	result   chan result
}

type result struct {
	kind    Kind
	message string
	// answer is what the function returned.
	answer []byte
}

// environment is one execution environment: the function's process and the Runtime API that it talks to.
type environment struct {
	proc   *process.Process
	server *http.Server
	// pending holds the invocation that the next call of "next" gets.
	pending chan *invocation
	// idle holds a token while the function waits in "next"; initError gets the reason why it could not start.
	idle      chan struct{}
	initError chan string

	mu      sync.Mutex
	current *invocation
}

func (f *Function) start(ctx context.Context) (*environment, error) {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the runtime API: %w", err)
	}
	e := &environment{
		pending:   make(chan *invocation, 1),
		idle:      make(chan struct{}, 1),
		initError: make(chan string, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/runtime/invocation/next", e.next)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(io.LimitReader(r.Body, maxResponse)) // one that breaks off is no JSON
		e.end(w, r, result{kind: Returned, answer: answer})
	})
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.end(w, r, result{kind: Errored, message: errorText(r)})
	})
	mux.HandleFunc("POST "+apiVersion+"/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e.initError <- errorText(r):
		default: // the function reports the same error again
		}
		accepted(w)
	})
	e.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = e.server.Serve(socket) }()
	e.proc, err = process.Start(process.Command{
		Argv: f.Argv, Dir: f.Dir, Keeper: f.Keeper, Env: f.environ(socket.Addr().String()),
	}, f.Lines)
	if err != nil {
		_ = e.server.Close()
		return nil, err
	}
	return e, nil
}

// stop kills the process without a signal before, as Lambda does.
func (e *environment) stop() {
	e.proc.Kill()
	_ = e.server.Close()
}

func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e.idle <- struct{}{}:
	default: // it asks a second time without having been served
	}
	select {
	case <-r.Context().Done():
	case call := <-e.pending:
		e.mu.Lock()
		e.current = call
		e.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", call.arn)
		h.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%08x-%.24s;Sampled=0", call.deadline.Unix(),
			"000000000000000000000000"))
		_, _ = w.Write(call.payload)
	}
}

// end hands the result to whoever invoked. A result for another invocation than the current one is refused.
func (e *environment) end(w http.ResponseWriter, r *http.Request, res result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	call := e.current
	if call == nil || call.id != r.PathValue("id") {
		http.Error(w, `{"errorMessage":"no such invocation","errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	e.current = nil
	accepted(w)
	call.result <- res
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

// errorText is "type: message" of the error that a function reports.
func errorText(r *http.Request) string {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	var reported struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(body, &reported) != nil {
		return fmt.Sprintf("%.200q", body)
	}
	return fmt.Sprintf("%.80s: %.400s", reported.Type, reported.Message)
}

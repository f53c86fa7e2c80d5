// Package lambda runs a function's own binary the way AWS Lambda does: a Runtime API (2018-06-01) on
// loopback, the environment that Lambda gives, a deadline that kills, an execution environment that is
// used again until it breaks, asynchronous delivery with two retries as CodeDeploy has it, synchronous
// invocation as Amazon ECS does it, and the events with which a function invokes itself.
//
// It refuses to look at what a function returns: whoever invokes asynchronously never sees it, and to whoever
// invokes synchronously it is handed as it came.
package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

const (
	// initLimit is how long Lambda gives a new execution environment until it asks for its first
	// invocation; then it is started anew, and that time counts against the function's own limit.
	initLimit = 10 * time.Second
	// Attempts is how often an asynchronous invocation is tried in all (MaximumRetryAttempts 2).
	Attempts = 3
	// maxChain is after about how many calls Lambda stops a function that invokes itself.
	maxChain = 16
)

// Function is a Lambda function.
type Function struct {
	Name, Region, Account string
	// Argv is the binary, Dir its working directory (LAMBDA_TASK_ROOT).
	Argv []string
	Dir  string
	// Variables are the function's own environment variables.
	Variables map[string]string
	// Timeout is how long an invocation may take. It is real time.
	Timeout  time.Duration
	MemoryMB int
	Keeper   string
	// Lines gets what the function writes.
	Lines func(process.Line)

	mu  sync.Mutex
	env *environment

	// queued are the events with which the function invoked itself, chain is how many there were.
	waiting sync.Mutex
	queued  [][]byte
	chain   int
}

// Kind says how an invocation ended.
type Kind string

// The ends of an invocation.
const (
	Returned   Kind = "returned"
	Errored    Kind = "returned an error"
	Crashed    Kind = "crashed"
	InitFailed Kind = "did not start"
	TimedOut   Kind = "timed out"
	Cancelled  Kind = "was cancelled"
)

// Outcome is how one attempt to invoke a function ended.
type Outcome struct {
	RequestID string
	// Attempt counts from 1.
	Attempt int
	Kind    Kind
	// Message is Lambda's: "Task timed out after 3.00 seconds"; or the error that the function returned.
	Message string
	// Retry is the pause before the next attempt; zero when there is none.
	Retry time.Duration
	// Answer is what the function returned.
	Answer []byte
}

// Deliver invokes the function asynchronously, as CodeDeploy does: a failed attempt is repeated twice,
// after about one and two minutes, which pause may shorten. It returns when the event was handled or given up.
func (f *Function) Deliver(ctx context.Context, payload []byte, pause func(context.Context, time.Duration) error,
	attempts func(Outcome),
) {
	requestID := UUID()
	for attempt := 1; attempt <= Attempts; attempt++ {
		o := f.invoke(ctx, requestID, payload)
		o.RequestID, o.Attempt = requestID, attempt
		failed := o.Kind != Returned && o.Kind != Cancelled
		if failed && attempt < Attempts {
			o.Retry = time.Duration(attempt) * time.Minute
		}
		attempts(o)
		if !failed || o.Retry > 0 && pause(ctx, o.Retry) != nil {
			return
		}
	}
}

// ServeHTTP answers the Invoke operation for the function itself, with the invocation type Event alone: what it asks for
// waits for Next.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.waiting.Lock()
	defer f.waiting.Unlock()
	payload, err := io.ReadAll(r.Body)
	_, name, _ := strings.Cut(strings.TrimSuffix(r.URL.Path, "/invocations"), "/functions/")
	name = name[strings.LastIndexByte(name, ':')+1:]
	status, refusal := http.StatusBadRequest, ""
	switch {
	case name != f.Name || r.Method != http.MethodPost:
		status, refusal = http.StatusNotFound, "ResourceNotFoundException"
	case r.Header.Get("X-Amz-Invocation-Type") != "Event" || err != nil || !json.Valid(payload):
		refusal = "InvalidParameterValueException"
	case f.chain >= maxChain:
		refusal = "RecursiveInvocationException"
	default:
		status = http.StatusAccepted
		f.chain, f.queued = f.chain+1, append(f.queued, payload)
	}
	if refusal != "" {
		w.Header().Set("X-Amzn-Errortype", refusal)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"Message": "the rehearsal takes events in JSON, from a hook for itself, and no endless loop of them"}`)
}

// Next returns an event with which the function invoked itself, once.
func (f *Function) Next() (payload []byte, ok bool) {
	f.waiting.Lock()
	defer f.waiting.Unlock()
	if len(f.queued) == 0 {
		return nil, false
	}
	payload, f.queued = f.queued[0], f.queued[1:]
	return payload, true
}

// Invoke invokes the function synchronously, once.
func (f *Function) Invoke(ctx context.Context, payload []byte) Outcome {
	return f.invoke(ctx, UUID(), payload)
}

// Stop ends the function's execution environment.
func (f *Function) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop()
}

func (f *Function) stop() {
	if f.env != nil {
		f.env.stop()
		f.env = nil
	}
}

// invoke runs one attempt.
func (f *Function) invoke(ctx context.Context, requestID string, payload []byte) Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := &invocation{id: requestID, payload: payload, timeout: f.Timeout, result: make(chan Outcome, 1)}
	o := f.hand(ctx, call)
	if o.Kind == "" {
		select {
		case o = <-call.result:
			return o
		case <-f.env.proc.Done():
			select {
			case o = <-call.result: // the answer came just before the end
			default:
				o = Outcome{Kind: Crashed, Message: fmt.Sprintf("Runtime exited with error: %s", f.env.proc.Exit())}
			}
		case <-time.After(f.Timeout):
			o = Outcome{Kind: TimedOut, Message: fmt.Sprintf("Task timed out after %.2f seconds", f.Timeout.Seconds())}
		case <-ctx.Done():
			o = Outcome{Kind: Cancelled, Message: ctx.Err().Error()}
		}
	}
	f.stop()
	return o
}

// hand gives the call to an execution environment that asks for one, and makes a new one where need be. The outcome is
// empty, or how the start ended. A function that panicked has reported that and ends instead of asking; then a new
// environment is needed, and that is no failure.
func (f *Function) hand(ctx context.Context, call *invocation) (o Outcome) {
	if f.env != nil && f.env.take(ctx, call, initLimit).Kind == "" {
		return o
	}
	for _, limit := range []time.Duration{min(initLimit, f.Timeout), f.Timeout} {
		f.stop()
		env, err := f.start(ctx)
		if err != nil {
			return Outcome{Kind: InitFailed, Message: err.Error()}
		}
		f.env = env
		if o = env.take(ctx, call, limit); o.Kind != TimedOut {
			return o
		}
	}
	o.Message = fmt.Sprintf("Task timed out after %.2f seconds without asking for its invocation: not a Lambda runtime?",
		f.Timeout.Seconds())
	return o
}

// take waits until the function asks for an invocation and gets the call, or says what came before.
func (e *environment) take(ctx context.Context, call *invocation, limit time.Duration) (o Outcome) {
	select {
	case e.pending <- call:
	case o.Message = <-e.initError:
		o.Kind = InitFailed
	case <-e.proc.Done():
		o.Kind, o.Message = InitFailed, fmt.Sprintf("Runtime exited without providing a reason: %s", e.proc.Exit())
	case <-ctx.Done():
		o.Kind, o.Message = Cancelled, ctx.Err().Error()
	case <-time.After(limit):
		o.Kind = TimedOut
	}
	return o
}

// environ is what Lambda puts into the environment (Lambda developer guide, "Defined runtime
// environment variables"), with credentials that open nothing, and the function's own variables.
func (f *Function) environ(api string) []string {
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "LAMBDA_TASK_ROOT=" + f.Dir, "LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB), "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME=rehearsal",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "_HANDLER=bootstrap",
		"AWS_REGION=" + f.Region, "AWS_DEFAULT_REGION=" + f.Region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDREHEARSAL", "AWS_SECRET_ACCESS_KEY=rehearsal", "AWS_SESSION_TOKEN=rehearsal",
		"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
	}
	for name, value := range f.Variables {
		env = append(env, name+"="+value)
	}
	return env
}

// UUID returns a random one, as request ids are.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const (
	apiVersion = "/2018-06-01"
	// maxResponse is what Lambda takes as a response (6 MB).
	maxResponse = 6 << 20
)

// invocation is one event on its way through an execution environment.
type invocation struct {
	id      string
	payload []byte
	timeout time.Duration
	result  chan Outcome
}

// environment is one execution environment: the function's process and the Runtime API that it talks to.
type environment struct {
	arn    string
	proc   *process.Process
	server *http.Server
	// pending is where the function waits for an invocation; initError gets the reason why it could not start.
	pending   chan *invocation
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
		arn:     fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", f.Region, f.Account, f.Name),
		pending: make(chan *invocation), initError: make(chan string, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/runtime/invocation/next", e.next)
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(io.LimitReader(r.Body, maxResponse)) // one that breaks off is no JSON
		e.end(w, r, Outcome{Kind: Returned, Answer: answer})
	})
	mux.HandleFunc("POST "+apiVersion+"/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.end(w, r, Outcome{Kind: Errored, Message: errorText(r)})
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
	case <-r.Context().Done():
	case call := <-e.pending:
		e.mu.Lock()
		e.current = call
		e.mu.Unlock()
		deadline := time.Now().Add(call.timeout)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", e.arn)
		h.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%08x-%024d;Sampled=0", deadline.Unix(), 0))
		_, _ = w.Write(call.payload)
	}
}

// end hands the result to whoever invoked. A result for another invocation than the current one is refused.
func (e *environment) end(w http.ResponseWriter, r *http.Request, res Outcome) {
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

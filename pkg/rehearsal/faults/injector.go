package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	// healthChecker begins the user agent of a load balancer's health checks.
	healthChecker = "ELB-HealthChecker"
	// maxBody bounds what is kept of a task's answer, to break or to remember it.
	maxBody = 8 << 20
	// maxSamples and maxSample bound what is remembered.
	maxSamples, maxSample = 500, 64 << 10
	idlePerTask           = 64
	headerTimeout         = time.Minute
)

// Injection is a mutant and between whom it is put. Without a fault, nothing is broken.
type Injection struct {
	Mutant
	// Routes are all that are known: a request belongs to one.
	Routes []Route
	// Green and Blue are the "host:port" of the tasks of the new and the old release.
	Green, Blue []string
}

// Injector serves an Injection: for each green task there is one address in front of it.
type Injector struct {
	// Addrs are the fronts' "host:port".
	Addrs []string

	Injection

	transport *http.Transport
	servers   []*http.Server
	asked     atomic.Int64
	injected  atomic.Int64
	// log writes a line of a task's log, once the release runs.
	log atomic.Pointer[func(task int, line string)]

	mu      sync.Mutex
	samples map[Route]Sample
}

// Sample is what a task answered to a route's last request.
type Sample struct {
	Status int
	Header http.Header
	// Body is its beginning.
	Body []byte
}

// Route is a method and a path in which "${…}" stands for one segment or a part of it.
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func (r Route) String() string { return r.Method + " " + r.Path }

// is reports whether the suite asks the route in a request.
func (r Route) is(asked suite.Asked) bool { return r == Route{asked.Method, asked.Path} }

func (r Route) matches(asked string) bool {
	literal := strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(r.Path)
	same, _ := path.Match(variable.ReplaceAllString(literal, "*"), asked) // the pattern is well formed
	return same
}

// Variables counts the variables.
func (r Route) Variables() int { return strings.Count(r.Path, "${") }

// nearer reports whether a request that both routes match belongs to this one: with fewer variables, or else with more
// of its path said.
func (r Route) nearer(o Route) bool {
	said := func(r Route) int { return len(variable.ReplaceAllString(r.Path, "")) }
	return r.Variables() < o.Variables() || r.Variables() == o.Variables() && said(r) > said(o)
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// Pick returns the route that a request belongs to: of those that match, the nearest.
func Pick(routes []Route, method, asked string) (best Route, found bool) {
	for _, r := range routes {
		if r.Method == method && r.matches(asked) && (!found || r.nearer(best)) {
			best, found = r, true
		}
	}
	return best, found
}

// front stands before one task.
type front struct {
	*Injector
	task       int
	green, old http.Handler
	upstream   string
}

// Start opens a front for each green task, on loopback, until Close.
func Start(ctx context.Context, in Injection) (*Injector, error) {
	i := &Injector{
		Injection: in,
		transport: &http.Transport{MaxIdleConnsPerHost: idlePerTask, DisableCompression: true},
		samples:   map[Route]Sample{},
	}
	for n, addr := range in.Green {
		f := &front{Injector: i, task: n, upstream: addr, green: i.proxy(addr)}
		if len(in.Blue) > 0 {
			f.old = i.proxy(in.Blue[n%len(in.Blue)])
		}
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			i.Close()
			return nil, fmt.Errorf("open a port before a task: %w", err)
		}
		server := &http.Server{Handler: f, ReadHeaderTimeout: headerTimeout, ErrorLog: log.New(io.Discard, "", 0)}
		i.servers, i.Addrs = append(i.servers, server), append(i.Addrs, socket.Addr().String())
		go func() { _ = server.Serve(socket) }()
	}
	return i, nil
}

// Close closes the fronts and every connection.
func (i *Injector) Close() {
	for _, s := range i.servers {
		_ = s.Close()
	}
	i.transport.CloseIdleConnections()
}

// Injected is how many requests met the fault.
func (i *Injector) Injected() int64 { return i.injected.Load() }

// Samples are the last answers of the green tasks, by route.
func (i *Injector) Samples() map[Route]Sample {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.samples)
}

// ServeHTTP passes a request on, or breaks it.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.UserAgent(), healthChecker) || f.serve == nil:
		f.green.ServeHTTP(w, r)
	case r.URL.Path == loginPath && f.Name == "redirect":
		answer(w, http.StatusOK, "text/html; charset=utf-8", loginText)
	case f.breaks(r):
		f.injected.Add(1)
		f.serve(f, w, r)
	default:
		f.green.ServeHTTP(w, r)
	}
}

// breaks reports whether the request is one that the fault is for.
func (f *front) breaks(r *http.Request) bool {
	if f.Scope == OneRoute {
		route, ok := Pick(f.Routes, r.Method, r.URL.Path)
		return ok && route == *f.Route
	}
	return f.picks == nil || f.picks(f, r)
}

// proxy passes requests on to one task. When nothing is broken it remembers the answers.
func (i *Injector) proxy(addr string) http.Handler {
	base := &url.URL{Scheme: "http", Host: addr}
	p := &httputil.ReverseProxy{
		Transport:     i.transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(base)
			p.Out.Host = p.In.Host
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.Out.Header["X-Forwarded-Proto"] = p.In.Header["X-Forwarded-Proto"]
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	if i.serve == nil {
		p.ModifyResponse = i.remember
	}
	return p
}

// streams reports whether an answer need not end: a WebSocket, or a stream of events.
func streams(r *http.Response) bool {
	return r.StatusCode == http.StatusSwitchingProtocols ||
		strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream")
}

// remember keeps the beginning of an answer that is passed on.
func (i *Injector) remember(r *http.Response) error {
	route, ok := Pick(i.Routes, r.Request.Method, r.Request.URL.Path)
	if !ok || strings.HasPrefix(r.Request.UserAgent(), healthChecker) || streams(r) {
		return nil
	}
	begin, err := io.ReadAll(io.LimitReader(r.Body, maxSample))
	if err != nil {
		return err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begin), r.Body), r.Body}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.samples) < maxSamples {
		i.samples[route] = Sample{Status: r.StatusCode, Header: r.Header.Clone(), Body: begin}
	}
	return nil
}

// ask gets the task's own answer, whole.
func (f *front) ask(r *http.Request) (Sample, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", f.upstream, ""
	for _, name := range []string{"Connection", "Accept-Encoding", "Upgrade", "Keep-Alive"} {
		out.Header.Del(name)
	}
	return fetch(f.transport.RoundTrip, out)
}

func fetch(do func(*http.Request) (*http.Response, error), r *http.Request) (Sample, error) {
	response, err := do(r)
	if err != nil {
		return Sample{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if streams(response) { // its first piece is its body
		body := make([]byte, maxSample)
		n, err := response.Body.Read(body)
		return Sample{Status: response.StatusCode, Header: response.Header, Body: body[:n]}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return Sample{Status: response.StatusCode, Header: response.Header, Body: body}, err
}

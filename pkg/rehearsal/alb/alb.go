// Package alb stands in for an Application Load Balancer: listeners that forward by weight to target groups, target
// groups that check their targets' health and drain them, and a log of every request with who answered it.
//
// It refuses to hide a fault: no request is sent twice, to this target or another, no body is held back, changed or
// completed. Where a target cannot be used it answers as AWS's does: 503 without a target, 502 for
// one that breaks off, 504 for one that stays silent.
package alb

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// idleTimeout is an Application Load Balancer's default: a target that stays silent for longer is a 504.
	idleTimeout = 60 * time.Second
	// dialTimeout is how long a connection to a target may take (ALB: 10 s).
	dialTimeout = 10 * time.Second
	// statusCancelled is what an ALB logs when the client went away first.
	statusCancelled = 460
	// maxHeader bounds a request's header (ALB: 64 KiB in all).
	maxHeader = 64 << 10
)

// Weight is one target group's share in a listener's forward action; shares are relative.
type Weight struct {
	Group *Group
	Share int
}

// Listener is one port of the load balancer.
type Listener struct {
	// Name is "production" or "test"; it goes into the log.
	Name string

	forward  atomic.Pointer[[]Weight]
	balancer *Balancer
	addr     net.Addr
	// rules take the requests with their header from the listener; header and value are a rule's.
	rules         []*Listener
	header, value string
}

// Balancer is a load balancer with its listeners.
type Balancer struct {
	Log *Log

	mu      sync.Mutex
	servers []*http.Server
	// base is what the requests' contexts come from; cancel ends it, and with it what was upgraded (WebSocket).
	base   func(net.Listener) context.Context
	cancel context.CancelFunc
}

// New returns a load balancer without listeners.
func New() *Balancer {
	ctx, cancel := context.WithCancel(context.Background())
	base := func(net.Listener) context.Context { return ctx }
	return &Balancer{Log: &Log{tallies: map[[2]string]Tally{}}, base: base, cancel: cancel}
}

// Rule returns a rule that takes a listener's requests with the header: a listener of its own that shares the port of
// the one it is given to.
func (b *Balancer) Rule(name, header, value string) *Listener {
	return &Listener{Name: name, balancer: b, header: header, value: value}
}

// Listen opens a listener on the socket; it forwards to nothing (503) until Forward was called. The rules stand before
// its default one.
func (b *Balancer) Listen(name string, socket net.Listener, rules ...*Listener) *Listener {
	l := &Listener{Name: name, balancer: b, addr: socket.Addr(), rules: rules}
	for _, rule := range rules {
		rule.addr = l.addr
	}
	server := &http.Server{
		Handler: l, BaseContext: b.base, ReadHeaderTimeout: idleTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	b.mu.Lock()
	b.servers = append(b.servers, server)
	b.mu.Unlock()
	go func() { _ = server.Serve(socket) }()
	return l
}

// Close closes every listener and connection at once.
func (b *Balancer) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, server := range b.servers {
		_ = server.Close()
	}
	b.cancel()
}

// Forward replaces the listener's forward action; requests in flight stay where they are.
func (l *Listener) Forward(weights ...Weight) { l.forward.Store(&weights) }

// Weights returns the listener's forward action.
func (l *Listener) Weights() []Weight { return *cmp.Or(l.forward.Load(), &[]Weight{}) }

// Port is the listener's port.
func (l *Listener) Port() int { return int(netip.MustParseAddrPort(l.addr.String()).Port()) }

// URL is the listener's base URL.
func (l *Listener) URL() string { return "http://" + l.addr.String() }

func (l *Listener) group() *Group {
	weights, total := l.Weights(), 0
	for _, w := range weights {
		total += w.Share
	}
	if total == 0 {
		return nil
	}
	n := rand.IntN(total) //nolint:gosec // it spreads traffic and protects nothing
	return weights[slices.IndexFunc(weights, func(w Weight) bool { n -= w.Share; return n < 0 })].Group
}

// ServeHTTP forwards one request and logs it.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, rule := range l.rules {
		// An Application Load Balancer compares header values without regard to case.
		same := func(value string) bool { return strings.EqualFold(value, rule.value) }
		if slices.ContainsFunc(r.Header.Values(rule.header), same) {
			rule.ServeHTTP(w, r)
			return
		}
	}
	began := time.Now()
	answer := &recorder{ResponseWriter: w}
	request := Request{At: began, Listener: l.Name, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent()}
	l.balancer.Log.begin(request)
	defer func() {
		request.Status, request.Bytes, request.Duration = answer.status, answer.bytes, time.Since(began)
		l.balancer.Log.end(request)
	}()
	var target *Target
	group, missing := l.group(), "the listener forwards to no target group"
	if group != nil {
		request.Group, target, missing = group.Name, group.acquire(), "no target of "+group.Name+" takes requests yet"
	}
	if target == nil {
		http.Error(answer, "503 Service Temporarily Unavailable: "+missing, http.StatusServiceUnavailable)
		return
	}
	request.Target, request.Release = target.ID, target.Release
	defer func() {
		target.inFlight.Add(-1)
		group.note("RequestCount", 1)
		if answer.refused {
			group.note("TargetConnectionErrorCount", 1)
		}
		if !answer.own {
			group.note("TargetResponseTime", answer.first.Sub(began).Seconds())
			group.note(fmt.Sprintf("HTTPCode_Target_%dXX_Count", answer.status/100), 1)
		}
	}()
	target.proxy.ServeHTTP(answer, r)
}

func proxy(addr string, conns http.RoundTripper) *httputil.ReverseProxy {
	base := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{
		Transport:     conns,
		FlushInterval: -1, // as it comes: a dripping body must drip on
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(base)
			p.Out.Host = p.In.Host
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
			// net/http repeats these requests when the target breaks off, and so hides the very fault that a
			// rehearsal is to show. It does not repeat one with a body, of whatever length.
			reads := slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE"}, p.Out.Method)
			again := len(p.Out.Header["Idempotency-Key"])+len(p.Out.Header["X-Idempotency-Key"]) > 0
			if p.Out.Body == nil && (reads || again) {
				p.Out.Body = io.NopCloser(http.NoBody)
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status := http.StatusBadGateway
			timeout, ok := errors.AsType[net.Error](err)
			switch {
			case errors.Is(r.Context().Err(), context.Canceled):
				status = statusCancelled
			case ok && timeout.Timeout():
				status = http.StatusGatewayTimeout
			}
			if answer, ok := w.(*recorder); ok {
				failed, network := errors.AsType[*net.OpError](err)
				answer.own, answer.refused = true, network && failed.Op == "dial"
			}
			http.Error(w, fmt.Sprintf("%d %s", status, http.StatusText(status)), status)
		},
	}
}

type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	// first is when the answer began. It is the load balancer's own where a target has given none, or refused the
	// connection.
	first        time.Time
	own, refused bool
}

// WriteHeader remembers the status and passes it on.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status, r.first = status, time.Now()
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts what it passes on; whoever answers has written the header before.
func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Hijack remembers that the protocol is switched (WebSocket): the proxy writes that status behind the recorder's back.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status, r.first = http.StatusSwitchingProtocols, time.Now()
	}
	return conn, both, err
}

// Unwrap lets http.ResponseController reach the connection, for flushing.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// dial opens a connection to a target, on which the balancer acknowledges at once what it reads.
//
// An application that writes an answer's header and body apart, as Python's http.server does, sends the body only
// when the header was acknowledged (Nagle's algorithm). Linux may delay that by 40 ms, and whether it does depends on
// how close together the connection's requests are. Production, with its users' requests, and the test listener would
// differ in that: the same release would look slower on one of them, or a slower one as quick.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
	tcp, ok := conn.(*net.TCPConn)
	if err != nil || !ok {
		return conn, err
	}
	raw, err := tcp.SyscallConn()
	return prompt{tcp, raw}, err
}

// prompt is a connection that acknowledges at once what it reads.
type prompt struct {
	*net.TCPConn
	raw syscall.RawConn
}

// quickAck is Linux's TCP_QUICKACK; macOS, the other system that rehearse is made for, has no such option.
const quickAck = 12

// Read reads and acknowledges. The option does not last, so it is set after every read. Its error is no loss: the
// acknowledgement comes later, as it would without the option.
func (p prompt) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	if runtime.GOOS == "linux" {
		_ = p.raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, quickAck, 1) })
	}
	return n, err
}

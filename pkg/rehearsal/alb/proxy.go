package alb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"syscall"
)

// connections are those to one target. Each carries one request at a time, as an Application Load Balancer's do.
func connections() *http.Transport {
	return &http.Transport{
		DialContext:           dial,
		ResponseHeaderTimeout: idleTimeout,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   math.MaxInt,
	}
}

// proxy returns the reverse proxy to one target.
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
			http.Error(w, fmt.Sprintf("%d %s", status, http.StatusText(status)), status)
		},
	}
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader remembers the status and passes it on.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts what it passes on.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
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

// Read reads and acknowledges.
func (p prompt) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	acknowledge(p.raw)
	return n, err
}

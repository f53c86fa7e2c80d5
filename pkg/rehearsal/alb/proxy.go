package alb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// proxy returns the reverse proxy to one target.
func proxy(addr string, conns http.RoundTripper) *httputil.ReverseProxy {
	base := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{
		Transport:     conns,
		FlushInterval: -1, // as it comes: a dripping body must drip on
		BufferPool:    buffers{},
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(base)
			p.Out.Host = p.In.Host
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
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

// buffers hands out copy buffers; a plain allocation of this size costs less than contention on a pool would.
type buffers struct{}

const bufferSize = 16 << 10

// Get returns a buffer.
func (buffers) Get() []byte { return make([]byte, bufferSize) }

// Put lets the buffer go.
func (buffers) Put([]byte) {}

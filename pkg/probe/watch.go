package probe

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"
)

var (
	errTimeout  = errors.New("no whole answer in time")                 // the cause of our own deadline
	errReplayed = errors.New("connection closed before an answer came") // the cause of a refused retry
)

// watcher sees a request get its connection. net/http quietly repeats a GET whose connection broke
// before an answer came; a gate must not: a server that resets every other request would look healthy.
type watcher struct {
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	conn   *conn
	before int64 // what had been written to conn before this request
	use    int64 // of conn, by this request
	sent   time.Time
}

// watch returns a context with which a request's connection is seen.
func (w *watcher) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: w.got})
}

func (w *watcher) got(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// If a connection turns out to be closed before anything was written to it, the request was not sent yet, and may
	// use another one. What is written to one of HTTP/2 above TLS nobody counts: there, net/http repeats what was refused.
	if !w.sent.IsZero() && (w.conn == nil || w.conn.written.Load() > w.before) {
		if c, ok := info.Conn.(*conn); ok {
			c.refused.Store(true) // net/http may write before it sees that the request has ended
		}
		w.cancel(errReplayed)
		return
	}
	if w.sent.IsZero() {
		w.sent = time.Now()
	}
	if w.conn, _ = info.Conn.(*conn); w.conn != nil {
		w.before, w.use = w.conn.written.Load(), w.conn.uses.Add(1)
	}
}

// seen is the last connection that the request got, or nil, and when it got the first.
func (w *watcher) seen() (*conn, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn, w.sent
}

// behind says what came behind the answer, as long as the connection is not the next request's.
func (w *watcher) behind() string {
	c, _ := w.seen()
	if c == nil {
		return ""
	}
	said := c.behind()
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.uses.Load() != w.use {
		return ""
	}
	return said
}

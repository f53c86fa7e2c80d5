package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conn counts the bytes that are written, and keeps what was read and nobody took yet.
type conn struct {
	net.Conn
	written atomic.Int64
	uses    atomic.Int64       // how many requests got it
	refused atomic.Bool        // nothing is written any more
	expires time.Time          // the end of the server's certificate, zero without TLS
	below   *clientCertificate // nil without TLS

	read   []byte
	mu     sync.Mutex
	unread []byte // the end of read
	line   int    // how long the line of an answer's head is so far that is read, -1 where none is read
}

// Write counts before it writes: a connection may break before that returns, and its request was sent all the same.
func (c *conn) Write(b []byte) (int, error) {
	if c.refused.Load() {
		return 0, errReplayed
	}
	c.mu.Lock()
	c.line = 0 // an answer is to begin
	c.mu.Unlock()
	c.written.Add(int64(len(b)))
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n - len(b)))
	return n, err
}

// Read gives no more than was asked for: of an answer's head not what follows it, and where net/http fills its own
// buffer behind that, one byte. So it takes an answer to its end and no further, and what is left came behind it. A body
// is read past that buffer, into one that is larger.
func (c *conn) Read(p []byte) (int, error) {
	if n := c.take(p); n > 0 {
		return n, nil
	}
	if c.read == nil {
		c.read = make([]byte, bufferSize)
	}
	n, err := c.Conn.Read(c.read)
	if n == 0 && err != nil {
		if c.below != nil {
			err = c.below.explained(err)
		}
		return 0, err
	}
	c.mu.Lock()
	c.unread = c.read[:n]
	c.mu.Unlock()
	return c.take(p), nil
}

func (c *conn) take(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), len(c.unread))
	if fills := len(p) <= headBuffer; fills && c.line < 0 {
		n = min(n, 1)
	}
	for i := 0; i < n && c.line >= 0; i++ {
		switch b := c.unread[i]; {
		case b == '\r':
		case b != '\n':
			c.line++
		case c.line == 0: // the empty line
			n, c.line = i+1, -1
		default:
			c.line = 0
		}
	}
	copy(p, c.unread[:n])
	c.unread = c.unread[n:]
	return n
}

// end closes the connection, and gives away what nobody took yet: no other request gets it for its answer.
func (c *conn) end() {
	_ = c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread = nil
}

// errHandshake is a handshake that both sides cannot agree on, however often it is tried.
var errHandshake = errors.New("the TLS settings do not fit")

// clientCertificate is the connection below TLS; it knows whether the server wanted a client's certificate.
type clientCertificate struct {
	net.Conn
	wanted atomic.Bool
}

// explained says what a TLS error means where the ends do not fit. A wanted certificate shows in the first answer only.
func (c *clientCertificate) explained(err error) error {
	text := err.Error()
	has := func(any ...string) bool {
		return slices.ContainsFunc(any, func(a string) bool { return strings.Contains(text, a) })
	}
	alert := strings.Contains(text, "remote error: tls")
	switch {
	case alert && (c.wanted.Load() || has("certificate required")):
		return fmt.Errorf("%w: the target asks for a client's certificate, which a suite cannot show", errHandshake)
	case alert && has("no application protocol"):
		return fmt.Errorf("%w: the target does not speak HTTP/2", errHandshake)
	case alert && has("unrecognized name"):
		return fmt.Errorf("%w: the target has no certificate for the name that was asked for; write tls.server_name or host",
			errHandshake)
	case has("protocol version"):
		return fmt.Errorf("%w: the target speaks no TLS 1.2 or newer", errHandshake)
	case alert && has("handshake failure", "insufficient security"):
		return fmt.Errorf("%w: %s", errHandshake, text)
	}
	return err
}

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
	if w == nil {
		return nil, time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn, w.sent
}

// behind says what came behind the end of the answer, or "", also where the connection is the next request's by now.
// Line breaks are no harm.
func (w *watcher) behind() string {
	c, _ := w.seen()
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(bytes.Trim(c.unread, "\r\n")) == 0 || c.uses.Load() != w.use {
		return ""
	}
	return "more came behind the end of the answer: the next request would have taken it for its own; " +
		"a status 204 or 304 has no body, and Content-Length counts bytes"
}

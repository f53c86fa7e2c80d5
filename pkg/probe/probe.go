// Package probe sends one HTTP request and says what came of it: a request -> an Observation.
//
// It asks once, within one deadline that covers everything from dialling to the last byte, and it never
// asks again: not on another address, not after a reset, not through a proxy. It always verifies
// certificates, never leaves the target on a redirect, and never reads more than it was told to. It
// refuses to judge: what an answer means is its callers' business.
package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxRedirects is how many redirects within the target are followed: browsers give up at 20, and a
// smoke test that needs more than 10 tests the wrong path.
const maxRedirects = 10

// maxExcerpt is how much of an oversized or broken body is kept, for people to look at.
const maxExcerpt = 4 << 10

// Request is what to ask.
type Request struct {
	Method string
	// Path is the path and query, already escaped: "/orders/7?full=1".
	Path string
	// Header is not changed, and must not be while Do runs.
	Header http.Header
	Body   []byte
	// Timeout covers everything from dialling to the last byte read, redirects included.
	Timeout time.Duration
	// MaxBody is the most that is read of the uncompressed body.
	MaxBody int64
	// Fresh asks on a new connection, which is closed afterwards.
	Fresh bool
	// KeepRedirect reports a redirect as the answer instead of following it.
	KeepRedirect bool
}

// Observation is what came of one request. Its texts are foreign: redact before they are shown.
type Observation struct {
	// Fault is the class of what went wrong on the way; empty when the whole answer was read.
	Fault Fault
	// Text explains the fault in one line.
	Text string
	// Status is 0 when no answer came at all. With a fault it may be set: the answer began well.
	Status int
	Header http.Header
	// Body is the uncompressed body, only its beginning after a fault.
	Body []byte
	// Latency is the time from the first byte sent to the last byte read.
	Latency time.Duration
	// Location is where a redirect that was not followed pointed to.
	Location string
}

// Answered reports whether a whole answer was read.
func (o Observation) Answered() bool { return o.Fault == FaultNone && o.Status != 0 }

// Do sends the request and returns what came of it. It returns soon after ctx ends, whatever the server does.
func (c *Client) Do(ctx context.Context, r Request) Observation {
	// Not resolved against the target: a path with ".." in it is asked as it was written.
	u, err := url.ParseRequestURI(r.Path)
	if err != nil || !strings.HasPrefix(r.Path, "/") || strings.HasPrefix(r.Path, "//") {
		return Observation{Fault: FaultRequest, Text: "the path is not valid"}
	}
	u.Scheme, u.Host = c.target.URL.Scheme, c.target.URL.Host
	if why := c.target.Steer(u); why != "" {
		return Observation{Fault: FaultRequest, Text: why}
	}
	// This context carries the timeout, and lets the watcher end a request that net/http would repeat.
	asked, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(r.Timeout, func() { cancel(errTimeout) })
	defer late.Stop()
	t := &exchange{client: c, request: r, parent: ctx, cancel: cancel}
	o := t.run(asked, u)
	if !t.sent.IsZero() {
		o.Latency = time.Since(t.sent)
	}
	return o
}

// exchange is one request on its way, with the redirects that it followed.
type exchange struct {
	client  *Client
	request Request
	parent  context.Context //nolint:containedctx // lives as long as one call of Do; tells whose deadline ended
	cancel  context.CancelCauseFunc
	sent    time.Time // when the first byte was sent
}

func (x *exchange) run(ctx context.Context, u *url.URL) Observation {
	method, body := x.request.Method, x.request.Body
	var seen map[string]bool
	for {
		resp, err := x.send(ctx, method, u, body)
		if err != nil {
			return x.fault(ctx, err)
		}
		next, o, done := x.redirect(resp, u)
		if done {
			if o.Fault == FaultNone {
				o = x.read(ctx, resp)
			}
			_ = resp.Body.Close()
			return o
		}
		drain(resp.Body)
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[method+" "+u.String()] = true
		method, body = afterRedirect(resp.StatusCode, method, body)
		if u = next; seen[method+" "+u.String()] {
			return loop(resp, "redirects in a loop")
		}
		if len(seen) > maxRedirects {
			return loop(resp, fmt.Sprintf("redirects more than %d times", maxRedirects))
		}
	}
}

func (x *exchange) send(ctx context.Context, method string, u *url.URL, body []byte) (*http.Response, error) {
	req := &http.Request{
		Method: method, URL: u, Header: x.request.Header, Host: x.client.target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if len(body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	} else if method != http.MethodGet && method != http.MethodHead {
		req.Body = http.NoBody
	}
	w := &watcher{cancel: x.cancel}
	transport := x.client.warm
	if x.request.Fresh {
		transport = x.client.fresh
	}
	resp, err := transport.RoundTrip(req.WithContext(w.watch(ctx)))
	if x.sent.IsZero() {
		x.sent = w.gotConn()
	}
	return resp, err
}

// read takes the body, up to what the request allows.
func (x *exchange) read(ctx context.Context, resp *http.Response) Observation {
	o := Observation{Status: resp.StatusCode, Header: resp.Header, Location: resp.Header.Get("Location")}
	if resp.StatusCode < http.StatusOK {
		o.Fault, o.Text = FaultProtocol, fmt.Sprintf("status %d, though nothing of the kind was asked for", resp.StatusCode)
		return o
	}
	limit := x.request.MaxBody
	var err error
	o.Body, err = io.ReadAll(io.LimitReader(plain(resp), limit+1))
	n := int64(len(o.Body))
	switch {
	case err != nil:
		f := x.fault(ctx, err)
		o.Fault, o.Text = f.Fault, f.Text
		if errors.Is(err, io.ErrUnexpectedEOF) || o.Fault == FaultReset {
			o.Fault, o.Text = FaultTruncated, fmt.Sprintf("the body ends after %d bytes, before its end", n)
		} else if o.Fault == FaultTimeout {
			o.Text = fmt.Sprintf("%s, %d bytes of the body read", o.Text, n)
		}
	case n > limit:
		o.Fault, o.Text = FaultTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit)
	}
	if o.Fault != FaultNone && len(o.Body) > maxExcerpt {
		o.Body = bytes.Clone(o.Body[:maxExcerpt])
	}
	return o
}

// drain reads the rest of a redirect's body, so that the connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// Package probe sends one HTTP request and says what came of it: a request -> an Observation.
//
// It asks once, within one deadline for everything from dialling to the last byte, and never again: not on another
// address, not after a reset, not through a proxy. It always verifies certificates, never leaves the target on a
// redirect, and never reads more than it was told to. What an answer means is its callers' business.
package probe

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxRedirects is how many redirects within the target are followed: browsers give up at 20.
const maxRedirects = 10

// maxExcerpt is how much of an oversized or broken body is kept, for people to look at.
const maxExcerpt = 4 << 10

// Request is what to ask.
type Request struct {
	Method string
	Path   string // the path and query, already escaped: "/orders/7?full=1"
	// Link says that Path is a link from the answer to the path From: a URL of the target, or a reference to one.
	Link    bool
	From    string
	Header  http.Header // not changed, and must not be while Do runs
	Body    []byte
	Timeout time.Duration // covers everything from dialling to the last byte read, redirects included
	MaxBody int64         // the most that is read of the uncompressed body
	Fresh   bool          // asks on a new connection, which is closed afterwards
	Host    string        // the Host header; the target's where it is empty
	Jar     *Jar          // the cookies that are sent, and those that come, redirects included; nil sends none
	HTTP2   bool          // asks over HTTP/2: with TLS, or else with prior knowledge (h2c)
	// WebSocket opens a WebSocket instead: it sends this text, unless it is empty, and the first message is the body.
	WebSocket    *string
	Unread       bool // nothing of the body matters: of an answer that began well it is not read
	Events       int  // how many of an event stream (text/event-stream) are read, for the body; 0 reads none
	KeepRedirect bool // reports a redirect as the answer instead of following it
}

// Observation is what came of one request. Its texts are foreign: redact before they are shown.
type Observation struct {
	Fault    Fault  // the class of what went wrong on the way; empty when the whole answer was read
	Text     string // explains the fault in one line
	Status   int    // 0 when no answer came at all. With a fault it may be set: the answer began well.
	Header   http.Header
	Body     []byte         // the uncompressed body, only its beginning after a fault
	Latency  time.Duration  // the time from the first byte sent to the last byte read
	Trailer  http.Header    // what came behind the body, where the request was made over HTTP/2
	Expires  time.Time      // when the certificate ends, zero without TLS
	Cookies  []*http.Cookie // those that the answer and the redirects before it set, in order
	Events   int            // how many events of a stream, or messages of a WebSocket, were read
	Path     string         // the path and query that answered, behind all redirects
	Location string         // where a redirect that was not followed pointed to
}

// Answered reports whether a whole answer was read.
func (o Observation) Answered() bool { return o.Fault == FaultNone && o.Status != 0 }

// Do sends the request and returns what came of it. It returns soon after ctx ends, whatever the server does.
func (c *Client) Do(ctx context.Context, r Request) Observation {
	u, o := c.urlOf(r)
	if o.Fault != FaultNone {
		return o
	}
	if why := c.target.Steer(u); why != "" {
		return Observation{Fault: FaultRequest, Text: why}
	}
	// This context carries the timeout, and lets the watcher end a request that net/http would repeat.
	asked, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(r.Timeout, func() { cancel(errTimeout) })
	defer late.Stop()
	t := &exchange{client: c, request: r, parent: ctx, cancel: cancel}
	if r.WebSocket != nil {
		o = t.webSocket(asked, u)
	} else {
		o = t.run(asked, u)
	}
	if c, _ := t.watcher.seen(); c != nil {
		o.Expires = c.expires
	}
	o.Cookies = t.cookies
	if !t.sent.IsZero() {
		o.Latency = time.Since(t.sent)
	}
	return o
}

// urlOf is where a request goes. A path is not resolved against the target: with ".." in it, it is asked as written.
func (c *Client) urlOf(r Request) (*url.URL, Observation) {
	if r.Link {
		base, err := c.target.URL.Parse(r.From)
		if err != nil {
			base = c.target.URL
		}
		u, err := base.Parse(r.Path)
		if err != nil || r.Path == "" || !c.owns(r, u) {
			return nil, Observation{Fault: FaultRedirectAway, Text: fmt.Sprintf("the link %.200q leads away from the target", r.Path)}
		}
		u.Scheme, u.Host, u.User, u.Fragment = c.target.URL.Scheme, c.target.URL.Host, nil, ""
		return u, Observation{}
	}
	u, err := url.ParseRequestURI(r.Path)
	if err != nil || !strings.HasPrefix(r.Path, "/") || strings.HasPrefix(r.Path, "//") {
		return nil, Observation{Fault: FaultRequest, Text: "the path is not valid"}
	}
	u.Scheme, u.Host = c.target.URL.Scheme, c.target.URL.Host
	return u, Observation{}
}

// Owns reports whether a request for a link stays on the target.
func (c *Client) Owns(r Request) bool {
	_, o := c.urlOf(r)
	return o.Fault == FaultNone
}

// exchange is one request on its way, with the redirects that it followed.
type exchange struct {
	client  *Client
	request Request
	parent  context.Context //nolint:containedctx // lives as long as one call of Do; tells whose deadline ended
	cancel  context.CancelCauseFunc
	sent    time.Time // when the first byte was sent
	cookies []*http.Cookie
	watcher *watcher // of the last request
}

func (x *exchange) run(ctx context.Context, u *url.URL) Observation {
	method, body := x.request.Method, x.request.Body
	seen := map[string]bool{}
	for {
		cookies := x.cookieHeader(u, "")
		resp, err := x.send(ctx, method, u, body)
		if err != nil {
			return x.fault(ctx, err)
		}
		next, o := x.redirect(resp, u)
		if next == nil {
			if o.Fault == FaultNone {
				o = x.read(ctx, resp, o)
			}
			o.Path = u.RequestURI()
			_ = resp.Body.Close()
			return o
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
		_ = resp.Body.Close()
		seen[method+" "+u.String()+" "+cookies] = true
		switch {
		case o.Status == http.StatusTemporaryRedirect, o.Status == http.StatusPermanentRedirect: // the same again
		case method == http.MethodHead:
			body = nil
		default: // as browsers do
			method, body = http.MethodGet, nil
		}
		// One that brings a new cookie is another request.
		if u = next; seen[method+" "+u.String()+" "+x.cookieHeader(u, "")] {
			o.Text = "redirects in a loop"
		} else if len(seen) > maxRedirects {
			o.Text = fmt.Sprintf("redirects more than %d times", maxRedirects)
		}
		if o.Text != "" {
			o.Fault, o.Text = FaultRedirectLoop, fmt.Sprintf("%s, last to %q", o.Text, o.Location)
			return o
		}
	}
}

func (x *exchange) send(ctx context.Context, method string, u *url.URL, body []byte) (*http.Response, error) {
	req := &http.Request{
		Method: method, URL: u, Header: x.request.Header, Host: cmp.Or(x.request.Host, x.client.target.Host),
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
	if cookies := x.cookieHeader(u, req.Header.Get("Cookie")); cookies != "" {
		req.Header = req.Header.Clone()
		req.Header.Set("Cookie", cookies)
	}
	w := &watcher{cancel: x.cancel}
	x.watcher = w
	transport := x.client.warm
	if x.request.Fresh || x.request.Events > 1 { // nobody looks what comes behind events: no other request gets it
		transport = x.client.fresh
	}
	if x.request.HTTP2 {
		transport = x.client.newTransport(http2, true)
	}
	resp, err := transport.RoundTrip(req.WithContext(w.watch(ctx)))
	if x.sent.IsZero() {
		_, x.sent = w.seen()
	}
	if err == nil && len(resp.Header["Set-Cookie"]) > 0 {
		cookies := resp.Cookies()
		x.cookies = append(x.cookies, cookies...)
		x.request.Jar.set(x.cookieURL(u), cookies)
	}
	return resp, err
}

// read adds the body to what was observed, up to what the request allows.
func (x *exchange) read(ctx context.Context, resp *http.Response, o Observation) Observation {
	if resp.StatusCode < http.StatusOK {
		o.Fault, o.Text = FaultProtocol, fmt.Sprintf("status %d, though nothing of the kind was asked for", resp.StatusCode)
		return o
	}
	if resp.TLS != nil { // over HTTP/2
		o.Expires = resp.TLS.PeerCertificates[0].NotAfter
	}
	if x.request.Unread {
		return o
	}
	limit := x.request.MaxBody
	body, err := plain(resp)
	stream := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	if c, _ := x.watcher.seen(); stream && c != nil {
		defer c.end()
	}
	switch capped := io.LimitReader(body, limit+1); {
	case err != nil:
	case stream:
		o.Body, o.Events, err = readEvents(capped, x.request.Events)
	default:
		var whole bytes.Buffer
		_, err = whole.ReadFrom(capped)
		o.Body = whole.Bytes()
	}
	n := int64(len(o.Body))
	o.Trailer = resp.Trailer
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
	case !stream && resp.ProtoMajor == 1:
		if said := x.watcher.behind(); said != "" {
			o.Fault, o.Text = FaultProtocol, said
		}
	}
	if o.Fault != FaultNone && len(o.Body) > maxExcerpt {
		o.Body = bytes.Clone(o.Body[:maxExcerpt])
	}
	return o
}

// readEvents reads so many events of a stream, which need not end. An empty line ends one; without data it is none.
func readEvents(body io.Reader, most int) (text []byte, n int, err error) {
	lines, data := bufio.NewReader(body), false
	for n < most && err == nil {
		var line []byte
		line, err = lines.ReadBytes('\n')
		text = append(text, line...)
		switch said := bytes.Trim(line, "\r\n"); {
		case len(said) > 0:
			data = data || said[0] == 'd' // as "data" does
		case err == nil && data:
			data = false
			n++
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text, n, err
}

// Readable reports whether the body of an answer with this header is text as the application wrote it:
// plain, or gzip, which has been unzipped. A body in any other encoding is never looked into.
func Readable(h http.Header) bool {
	return slices.Contains([]string{"", "identity", "gzip", "x-gzip"}, encoding(h))
}

func encoding(h http.Header) string { return strings.ToLower(strings.Join(h["Content-Encoding"], ",")) }

// plain returns the response's body without the gzip around it. An answer to HEAD has the header and no body.
func plain(resp *http.Response) (io.Reader, error) {
	if e := encoding(resp.Header); e != "gzip" && e != "x-gzip" {
		return resp.Body, nil
	}
	body := bufio.NewReaderSize(resp.Body, bufferSize)
	if _, err := body.Peek(1); err != nil {
		return resp.Body, nil // which says it again
	}
	return gzip.NewReader(body)
}

// redirect says where a response redirects to; nil where nobody follows, with a fault where nobody may.
func (x *exchange) redirect(resp *http.Response, from *url.URL) (*url.URL, Observation) {
	o := Observation{Status: resp.StatusCode, Header: resp.Header, Location: resp.Header.Get("Location")}
	if x.request.KeepRedirect || o.Location == "" || !slices.Contains([]int{301, 302, 303, 307, 308}, o.Status) {
		return nil, o
	}
	next, err := from.Parse(o.Location)
	why := ""
	switch {
	case err != nil:
		o.Fault, o.Text = FaultProtocol, fmt.Sprintf("redirects to %q, which is not a URL", o.Location)
		return nil, o
	case x.client.owns(x.request, next):
		// The redirect may name the Host header's host; the request still goes to the target's address.
		next.Scheme, next.Host, next.User, next.Fragment = from.Scheme, from.Host, nil, ""
		if why = x.client.target.Steer(next); why == "" {
			return next, o
		}
		why = ": " + why
	}
	o.Fault, o.Text = FaultRedirectAway, fmt.Sprintf("redirects away from the target, to %q%s", o.Location, why)
	return nil, o
}

// owns reports whether the URL is the target's: the same scheme and port, and the target's name or the
// one that the request's Host header carries. Another port is another listener, and so another release.
func (c *Client) owns(r Request, u *url.URL) bool {
	t := c.target
	if !strings.EqualFold(u.Scheme, t.URL.Scheme) || port(u) != port(t.URL) {
		return false
	}
	host := (&url.URL{Host: cmp.Or(r.Host, t.Host, t.URL.Host)}).Hostname()
	return strings.EqualFold(u.Hostname(), t.URL.Hostname()) || strings.EqualFold(u.Hostname(), host)
}

func port(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"https": "443"}[strings.ToLower(u.Scheme)], "80")
}

package probe_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// raw serves each connection by a function of its own: what no decent HTTP server would answer.
func raw(t *testing.T, serve func(net.Conn)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var conns sync.Map
	t.Cleanup(func() {
		_ = l.Close()
		conns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(c, nil)
			wg.Go(func() {
				serve(c)
				_ = c.Close()
			})
		}
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// write sends as much as the other side takes; it may have gone.
func write(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// after reads one request and then answers with text.
func after(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			write(c, "%s", text)
		}
	}
}

func ask(t *testing.T, u *url.URL, r probe.Request) probe.Observation {
	t.Helper()
	c := probe.New(probe.Target{URL: u})
	defer c.Close()
	return do(t, c, r)
}

func do(t *testing.T, c *probe.Client, r probe.Request) probe.Observation {
	t.Helper()
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Path == "" {
		r.Path = "/"
	}
	if r.Timeout == 0 {
		r.Timeout = time.Minute // so that a busy machine is not taken for a slow server
	}
	if r.MaxBody == 0 {
		r.MaxBody = 1 << 20
	}
	return c.Do(t.Context(), r)
}

func TestHostileServersEndInAFault(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	forever := func(c net.Conn, s string, pause time.Duration) {
		for range time.Tick(pause) {
			if _, err := fmt.Fprint(c, s); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		serve func(net.Conn)
		fault probe.Fault
		text  string
	}{
		"drip": {func(c net.Conn) {
			after(ok + "Content-Length: 1000000\r\n\r\n")(c)
			forever(c, "x", 10*time.Millisecond)
		}, probe.FaultTimeout, "no whole answer within 300ms"},
		"slow headers": {func(c net.Conn) {
			after(ok)(c)
			forever(c, "A: b\r\n", 10*time.Millisecond)
		}, probe.FaultTimeout, "within 300ms"},
		"hanging": {func(c net.Conn) { _, _ = bufio.NewReader(c).Peek(1 << 20) }, probe.FaultTimeout, ""},
		"endless body": {func(c net.Conn) {
			after(ok + "Transfer-Encoding: chunked\r\n\r\n")(c)
			for {
				if _, err := fmt.Fprintf(c, "1000\r\n%s\r\n", strings.Repeat("x", 0x1000)); err != nil {
					return
				}
			}
		}, probe.FaultTooLarge, "larger than 1048576 bytes"},
		"truncated":           {after(ok + "Content-Length: 100\r\n\r\nshort"), probe.FaultTruncated, "ends after 5 bytes"},
		"truncated chunk":     {after(ok + "Transfer-Encoding: chunked\r\n\r\n10\r\nshort"), probe.FaultTruncated, ""},
		"no last chunk":       {after(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"), probe.FaultTruncated, ""},
		"bad chunk":           {after(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n"), probe.FaultProtocol, ""},
		"huge headers":        {after(ok + "A: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), probe.FaultProtocol, ""},
		"not http":            {after("SSH-2.0-OpenSSH_9.6\r\n"), probe.FaultProtocol, ""},
		"closed":              {after(""), probe.FaultReset, "closed before an answer"},
		"negative length":     {after(ok + "Content-Length: -5\r\n\r\n"), probe.FaultProtocol, ""},
		"two lengths":         {after(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"), probe.FaultProtocol, ""},
		"1xx flood":           {func(c net.Conn) { after("")(c); flood(c) }, probe.FaultProtocol, ""},
		"not really gzip":     {after(ok + "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\nplain text, no gzip!"), probe.FaultProtocol, ""},
		"switches to nowhere": {after("HTTP/1.1 101 Switching Protocols\r\n\r\n"), probe.FaultProtocol, ""},
		"reset": {func(c net.Conn) {
			after("")(c)
			_ = c.(*net.TCPConn).SetLinger(0)
		}, probe.FaultReset, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			timeout := 300 * time.Millisecond
			if c.fault != probe.FaultTimeout { // only what hangs is ended by the clock
				timeout = 10 * time.Second
			}
			got := ask(t, raw(t, c.serve), probe.Request{Timeout: timeout})
			if got.Fault != c.fault || !strings.Contains(got.Text, c.text) {
				t.Errorf("got %q (%s), want %q", got.Fault, got.Text, c.fault)
			}
			if got.Answered() {
				t.Error("counts as answered")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if len(got.Body) > 1<<20 {
				t.Errorf("kept %d bytes", len(got.Body))
			}
		})
	}
}

func flood(c net.Conn) {
	for {
		if _, err := fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"); err != nil {
			return
		}
	}
}

func TestAGzipBombStaysAtTheCap(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 64 {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
		_ = z.Close()
	}))
	defer s.Close()
	got := ask(t, at(t, s), probe.Request{MaxBody: 1 << 20})
	if got.Fault != probe.FaultTooLarge || len(got.Body) > 64<<10 {
		t.Errorf("got %q with %d bytes, want %q", got.Fault, len(got.Body), probe.FaultTooLarge)
	}
}

func TestABodyOfExactlyTheCapIsRead(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, "%s", strings.Repeat("x", 1000))
	}))
	defer s.Close()
	if got := ask(t, at(t, s), probe.Request{MaxBody: 1000}); !got.Answered() || len(got.Body) != 1000 {
		t.Errorf("got %q with %d bytes", got.Fault, len(got.Body))
	}
	if got := ask(t, at(t, s), probe.Request{MaxBody: 999}); got.Fault != probe.FaultTooLarge {
		t.Errorf("got %q, want %q", got.Fault, probe.FaultTooLarge)
	}
}

func TestNobodyListening(t *testing.T) {
	s := httptest.NewServer(nil)
	u := at(t, s)
	s.Close()
	if got := ask(t, u, probe.Request{}); got.Fault != probe.FaultRefused {
		t.Errorf("got %q (%s), want %q", got.Fault, got.Text, probe.FaultRefused)
	}
}

func TestAnUnknownHost(t *testing.T) {
	u := &url.URL{Scheme: "http", Host: "nowhere.invalid"}
	if got := ask(t, u, probe.Request{}); got.Fault != probe.FaultDNS {
		t.Errorf("got %q (%s), want %q", got.Fault, got.Text, probe.FaultDNS)
	}
}

func TestAGETIsNeverRepeated(t *testing.T) {
	// The connection is used once and then breaks under the second request: net/http would ask again.
	var requests atomic.Int32
	u := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for range 2 {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if requests.Add(1)%2 == 1 {
				write(c, "%s", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	c := probe.New(probe.Target{URL: u, Connections: 1})
	defer c.Close()
	var faults int
	for range 10 {
		if got := do(t, c, probe.Request{}); got.Fault == probe.FaultReset {
			faults++
		} else if !got.Answered() {
			t.Errorf("got %q (%s)", got.Fault, got.Text)
		}
	}
	if got := requests.Load(); got != 10 || faults != 5 {
		t.Errorf("%d requests reached the server, %d failed, want 10 and 5", got, faults)
	}
}

func TestFreshRequestsHaveConnectionsOfTheirOwn(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := probe.New(probe.Target{URL: at(t, s), Connections: 4})
	defer c.Close()
	for range 5 {
		do(t, c, probe.Request{})
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("warm requests opened %d connections, want 1", got)
	}
	for range 5 {
		do(t, c, probe.Request{Fresh: true})
	}
	if got := opened.Load(); got != 6 {
		t.Errorf("with fresh ones %d, want 6", got)
	}
}

func TestEachAddressIsAskedInTurn(t *testing.T) {
	var addrs []string
	var hosts [3]atomic.Value
	for i := range 3 {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hosts[i].Store(r.Host)
			write(w, "%d", i)
		}))
		defer s.Close()
		addrs = append(addrs, at(t, s).Host)
	}
	c := probe.New(probe.Target{URL: &url.URL{Scheme: "http", Host: "alb.invalid:8080"}, Addrs: addrs})
	defer c.Close()
	var got string
	for range 6 {
		got += string(do(t, c, probe.Request{Fresh: true}).Body)
	}
	if got != "012012" {
		t.Errorf("asked %s, want 012012", got)
	}
	if h := hosts[1].Load(); h != "alb.invalid:8080" {
		t.Errorf("host %v, want the URL's", h)
	}
}

func TestRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w, "%s", "blue") }))
	defer other.Close()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/in": "/end", "/absolute": s.URL + "/end", "/named": "http://trips.example:" + at(t, s).Port() + "/end",
			"/blue": other.URL + "/", "/https": "https://" + at(t, s).Host + "/", "/elsewhere": "//example.com/",
			"/loop": "/loop2", "/loop2": "/loop", "/self": "/self", "/script": "javascript:alert(1)", "/broken": "http://[::1", "/user": "http://evil@" + at(t, s).Host + "/end",
		}[r.URL.Path]
		if n := 0; strings.HasPrefix(r.URL.Path, "/n") && to == "" {
			_, _ = fmt.Sscanf(r.URL.Path, "/n%d", &n)
			to = fmt.Sprintf("/n%d", n+1)
		}
		if to == "" {
			write(w, "%s end", r.Method)
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}))
	defer s.Close()
	c := probe.New(probe.Target{URL: at(t, s), Host: "trips.example"})
	defer c.Close()
	for path, want := range map[string]probe.Fault{
		"/in": probe.FaultNone, "/absolute": probe.FaultNone, "/named": probe.FaultNone, "/user": probe.FaultNone,
		"/blue": probe.FaultRedirectAway, "/https": probe.FaultRedirectAway, "/elsewhere": probe.FaultRedirectAway,
		"/loop": probe.FaultRedirectLoop, "/self": probe.FaultRedirectLoop, "/n0": probe.FaultRedirectLoop,
		"/script": probe.FaultRedirectAway, "/broken": probe.FaultProtocol,
	} {
		got := do(t, c, probe.Request{Path: path})
		if got.Fault != want {
			t.Errorf("%s: got %q (%s), want %q", path, got.Fault, got.Text, want)
		}
		if want != probe.FaultNone && got.Location == "" {
			t.Errorf("%s: the location is not told", path)
		}
		if want == probe.FaultNone && string(got.Body) != "GET end" {
			t.Errorf("%s: got body %q", path, got.Body)
		}
	}
	if got := do(t, c, probe.Request{Path: "/blue", KeepRedirect: true}); got.Status != http.StatusFound || !got.Answered() {
		t.Errorf("a kept redirect: got %d, %q", got.Status, got.Fault)
	}
	if got := do(t, c, probe.Request{Method: http.MethodPost, Path: "/in", Body: []byte("x")}); string(got.Body) != "GET end" {
		t.Errorf("after a POST: got %q", got.Body)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { write(w, "%s", r.TLS.ServerName) }))
	s.Config.ErrorLog = nil
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	for name, c := range map[string]struct {
		target probe.Target
		want   probe.Fault
	}{
		"unknown authority": {probe.Target{}, probe.FaultCertificate},
		"known authority":   {probe.Target{Roots: roots}, probe.FaultNone},
		"another name":      {probe.Target{Roots: roots, ServerName: "trips.internal"}, probe.FaultCertificate},
		"its name":          {probe.Target{Roots: roots, ServerName: "example.com"}, probe.FaultNone},
		"host is the name":  {probe.Target{Roots: roots, Host: "example.com"}, probe.FaultNone},
		"host is another":   {probe.Target{Roots: roots, Host: "trips.example"}, probe.FaultCertificate},
	} {
		c.target.URL = at(t, s)
		client := probe.New(c.target)
		if got := do(t, client, probe.Request{}); got.Fault != c.want {
			t.Errorf("%s: got %q (%s), want %q", name, got.Fault, got.Text, c.want)
		}
		client.Close()
	}
}

func TestPlainHTTPOnAnHTTPSPort(t *testing.T) {
	s := httptest.NewServer(nil)
	defer s.Close()
	u := at(t, s)
	u.Scheme = "https"
	if got := ask(t, u, probe.Request{}); got.Fault != probe.FaultTLS {
		t.Errorf("got %q (%s), want %q", got.Fault, got.Text, probe.FaultTLS)
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	u := raw(t, func(c net.Conn) { _, _ = bufio.NewReader(c).Peek(1 << 20) })
	c := probe.New(probe.Target{URL: u})
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	got := c.Do(ctx, probe.Request{Method: "GET", Path: "/", Timeout: time.Minute, MaxBody: 1})
	if got.Fault != probe.FaultInterrupted || time.Since(start) > 5*time.Second {
		t.Errorf("got %q after %s, want %q", got.Fault, time.Since(start), probe.FaultInterrupted)
	}
}

func TestPathsNeverLeaveTheTarget(t *testing.T) {
	for _, path := range []string{"", "//example.com/", "http://example.com/", "x", "/%zz"} {
		c := probe.New(probe.Target{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
		if got := c.Do(t.Context(), probe.Request{Method: "GET", Path: path, Timeout: time.Second}); got.Fault != probe.FaultRequest {
			t.Errorf("%q: got %q, want %q", path, got.Fault, probe.FaultRequest)
		}
	}
}

func TestLatencyRunsFromFirstByteSentToLastByteRead(t *testing.T) {
	const pause = 40 * time.Millisecond
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(pause)
		write(w, "%s", "a")
		_ = http.NewResponseController(w).Flush()
		<-time.After(pause)
		write(w, "%s", "b")
	}))
	defer s.Close()
	if got := ask(t, at(t, s), probe.Request{}); got.Latency < 2*pause || string(got.Body) != "ab" {
		t.Errorf("latency %s, want at least %s", got.Latency, 2*pause)
	}
}

func at(t *testing.T, s *httptest.Server) *url.URL {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestGzipIsUndoneAndCappedWhoeverAskedForIt(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.Method == http.MethodHead || r.URL.Path == "/empty" {
			return
		}
		z := gzip.NewWriter(w)
		defer z.Close() //nolint:errcheck // the client may have gone
		if r.URL.Path == "/bomb" {
			write(z, "%s", strings.Repeat("0", 4<<20))
			return
		}
		write(z, "hello")
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	asked := http.Header{"Accept-Encoding": {"gzip"}}
	for name, c := range map[string]struct {
		request probe.Request
		fault   probe.Fault
		body    string
	}{
		"asked for":     {probe.Request{Header: asked}, probe.FaultNone, "hello"},
		"not asked for": {probe.Request{}, probe.FaultNone, "hello"},
		"head":          {probe.Request{Method: http.MethodHead, Header: asked}, probe.FaultNone, ""},
		"no body":       {probe.Request{Path: "/empty", Header: asked}, probe.FaultNone, ""},
		"bomb":          {probe.Request{Path: "/bomb", Header: asked}, probe.FaultTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := ask(t, u, c.request)
			if o.Fault != c.fault || c.fault == "" && string(o.Body) != c.body || o.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%q: %s, body %.20q, header %q", o.Fault, o.Text, o.Body, o.Header)
			}
		})
	}
}

func TestAPathIsAskedAsItIsWritten(t *testing.T) {
	var got atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.Store(r.RequestURI) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/a/../b", "/a/%2e%2e/b", "/a//b?c=../d", "/a%2Fb", "/?", "/a:b"} {
		ask(t, u, probe.Request{Path: path})
		if got.Load() != path {
			t.Errorf("asked for %s, want %s", got.Load(), path)
		}
	}
}

package probe_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// TestHTTP2IsNotAskedTwice: net/http repeats a request whose stream the server refused; a gate must not.
func TestHTTP2IsNotAskedTwice(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	for _, scheme := range []string{"https", "http"} {
		var streams atomic.Int32
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		if scheme == "https" {
			l = tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}})
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go refuseStreams(c, &streams)
			}
		}()
		client := probe.New(probe.Target{
			URL:        &url.URL{Scheme: scheme, Host: l.Addr().String()},
			Roots:      certified.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
			ServerName: "example.com",
		})
		defer client.Close()
		o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 10 * time.Second, MaxBody: 1000, HTTP2: true})
		if o.Fault != probe.FaultReset || streams.Load() != 1 {
			t.Errorf("%s: %q: %s, asked %d times", scheme, o.Fault, o.Text, streams.Load())
		}
	}
}

// refuseStreams resets each request, as a server that does not want it now.
func refuseStreams(c net.Conn, streams *atomic.Int32) {
	defer func() { _ = c.Close() }()
	if _, err := c.Read(make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	_ = f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		if h, ok := frame.(*http2.HeadersFrame); ok {
			streams.Add(1)
			_ = f.WriteRSTStream(h.StreamID, http2.ErrCodeRefusedStream)
		}
	}
}

// TestAJarIsBounded: a server that sets cookies at each request would fill the memory.
func TestAJarIsBounded(t *testing.T) {
	var sent atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(int64(len(r.Header.Get("Cookie"))))
		for i := range 40 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("%d-%d=%s", time.Now().UnixNano(), i, strings.Repeat("x", 4000)))
		}
	}))
	s.Config.MaxHeaderBytes = 100 << 20
	s.Start()
	defer s.Close()
	u, _ := url.Parse(s.URL)
	client, jar := probe.New(probe.Target{URL: u}), probe.NewJar(nil)
	defer client.Close()
	for range 20 {
		client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000, Jar: jar})
	}
	if n := sent.Load(); n == 0 || n > 1<<20 {
		t.Errorf("%d bytes of cookies are sent", n)
	}
}

// TestHTTP2SideBySide: requests at the same time have a connection each, and none is taken for a repeated one.
func TestHTTP2SideBySide(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	u, _ := url.Parse(s.URL)
	client := probe.New(probe.Target{URL: u})
	defer client.Close()
	const requests = 200
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range requests / 8 {
				if o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 10 * time.Second, MaxBody: 1000, HTTP2: true}); !o.Answered() {
					t.Errorf("%q: %s", o.Fault, o.Text)
				}
			}
		})
	}
	all.Wait()
	if n := conns.Load(); n != requests {
		t.Errorf("%d connections for %d requests", n, requests)
	}
}

// TestWhatComesBehindABodyIsSeen, however little of it is read at once.
func TestWhatComesBehindABodyIsSeen(t *testing.T) {
	for _, answer := range []string{
		"Content-Length: 2\r\n\r\nokmore", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore",
		"Content-Length: 2\r\n\r\nok\r\n", // line breaks are no harm
	} {
		u := raw(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1000))
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n" + answer))
			_, _ = c.Read(make([]byte, 1000))
		})
		client := probe.New(probe.Target{URL: u})
		o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000})
		client.Close()
		if seen := o.Fault == probe.FaultProtocol && strings.Contains(o.Text, "more came behind"); seen != strings.HasSuffix(answer, "more") {
			t.Errorf("%q: %q %s", answer, o.Fault, o.Text)
		}
	}
}

// TestALinkStaysOnTheTarget: one that names the Host header's host is asked at the target's address, and an empty one is
// none.
func TestALinkStaysOnTheTarget(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.RequestURI)) }))
	defer s.Close()
	u, _ := url.Parse(s.URL)
	client := probe.New(probe.Target{URL: u, Host: "shop.invalid"})
	defer client.Close()
	for link, want := range map[string]string{
		"http://shop.invalid:" + u.Port() + "/x?y=1#z": "/x?y=1", "z?a=1": "/a/z?a=1", "?b": "/a/b?b", "": "",
		"http://other.invalid:" + u.Port() + "/x": "", "//other.invalid/x": "", "https://shop.invalid:" + u.Port() + "/": "",
		"http://shop.invalid:1/": "", "javascript:x": "", "/\\other.invalid/": "/%5Cother.invalid/",
	} {
		o := client.Do(t.Context(), probe.Request{Method: "GET", Path: link, Link: true, From: "/a/b?c", Timeout: 5 * time.Second, MaxBody: 1000})
		if want == "" && o.Fault != probe.FaultRedirectAway || string(o.Body) != want {
			t.Errorf("%q: %q, %q %s, want %q", link, o.Body, o.Fault, o.Text, want)
		}
	}
}

// TestACertificateThatIsNotNeeded: a server that would like to see one, and then breaks off, broke off.
func TestACertificateThatIsNotNeeded(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	defer s.Close()
	u, _ := url.Parse(s.URL)
	client := probe.New(probe.Target{URL: u, Roots: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"})
	defer client.Close()
	if o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000}); o.Fault != probe.FaultReset {
		t.Errorf("%q: %s", o.Fault, o.Text)
	}
}

// TestOneConnectionServesManyRequests: a request that may meet one event of a stream, as every request may, has none of
// its own.
func TestOneConnectionServesManyRequests(t *testing.T) {
	var opened atomic.Int32
	u := raw(t, func(c net.Conn) {
		opened.Add(1)
		for {
			if _, err := c.Read(make([]byte, 1000)); err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		}
	})
	client := probe.New(probe.Target{URL: u})
	defer client.Close()
	for range 5 {
		client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000, Events: 1})
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("five requests opened %d connections", n)
	}
}

// TestAnEventStreamIsNotFollowedByItsOwnAnswer: no request gets the connection on which more came behind events.
func TestAnEventStreamIsNotFollowedByItsOwnAnswer(t *testing.T) {
	u := raw(t, func(c net.Conn) {
		for {
			if _, err := c.Read(make([]byte, 1000)); err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: 1\n\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake"))
		}
	})
	client := probe.New(probe.Target{URL: u})
	defer client.Close()
	for i := range 10 {
		o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000, Events: 1 + i%2})
		if string(o.Body) != "data: 1\n\n" {
			t.Errorf("%q: %q %s", o.Body, o.Fault, o.Text)
		}
	}
}

package probe_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// TestTLSSettingsThatDoNotFit are told as such, at once: no waiting makes them fit.
func TestTLSSettingsThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		config *tls.Config
		text   string
	}{
		"a client's certificate, TLS 1.3": {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, "asks for a client's certificate"},
		"a client's certificate, TLS 1.2": {
			&tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "asks for a client's certificate",
		},
		"an old version": {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "speaks no TLS 1.2"},
		"no common cipher": {
			&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}, "handshake failure",
		},
		"another protocol": {&tls.Config{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.TLS = c.config
			s.StartTLS()
			defer s.Close()
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			client := probe.New(probe.Target{URL: u, Roots: roots, ServerName: "example.com"})
			defer client.Close()
			o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000})
			if c.text == "" {
				if !o.Answered() || o.Expires.IsZero() {
					t.Errorf("%+v", o)
				}
				o = client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000, HTTP2: true})
				c.text = "does not speak HTTP/2"
			}
			if o.Fault != probe.FaultHandshake || !strings.Contains(o.Text, c.text) || !strings.Contains(o.Text, "127.0.0.1:") {
				t.Errorf("%q: %s", o.Fault, o.Text)
			}
		})
	}
}

// TestANameThatTheServerDoesNotKnow: the alert for an unknown name is sent by hand, as Go's server sends another one.
func TestANameThatTheServerDoesNotKnow(t *testing.T) {
	u := raw(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 112})
		_, _ = c.Read(make([]byte, 1000))
	})
	u.Scheme = "https"
	client := probe.New(probe.Target{URL: u})
	defer client.Close()
	o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000})
	if o.Fault != probe.FaultHandshake || !strings.Contains(o.Text, "no certificate for the name") {
		t.Errorf("%q: %s", o.Fault, o.Text)
	}
}

// TestAFaultNamesTheAddress: host and port stand in what people read.
func TestAFaultNamesTheAddress(t *testing.T) {
	u := raw(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1000)) })
	client := probe.New(probe.Target{URL: u})
	defer client.Close()
	o := client.Do(t.Context(), probe.Request{Method: "GET", Path: "/", Timeout: 5 * time.Second, MaxBody: 1000})
	if o.Fault != probe.FaultReset || !strings.Contains(o.Text, u.Host) {
		t.Errorf("%q: %s", o.Fault, o.Text)
	}
}

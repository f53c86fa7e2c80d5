package probe

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// idleTimeout is how long a connection is kept. Servers close idle ones after 2 s and more (gunicorn 2 s, Node 5 s, an
	// ALB 60 s); below that, one that breaks under a request was broken by the server, not by age.
	idleTimeout    = time.Second
	maxHeaderBytes = 256 << 10 // bounds an answer's header, informational ones included
	bufferSize     = 4 << 10   // that of each connection's read and write buffers
	// headBuffer is net/http's own for an answer, smaller than any piece of a body that is asked for: see conn.Read.
	headBuffer = bytes.MinRead - 1
)

// Target is one side to ask, and how to reach it.
type Target struct {
	URL        *url.URL       // scheme, host and port
	Addrs      []string       // the addresses to dial, in turn, instead of resolving the URL's host
	Host       string         // the Host header and, for https, the name to ask for; the URL's when empty
	ServerName string         // the name that the certificate must have; Host's or the URL's when empty
	Roots      *x509.CertPool // the authorities that certificates must come from; the system's when nil
	// Steer changes a URL, also a redirect's, so that it stays on the target's side, or says why it cannot; or it is nil.
	Steer       func(*url.URL) (why string)
	Connections int // how many idle connections are kept
	// Dial replaces dialling, for tests without a network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client asks one target. It is safe for concurrent use.
type Client struct {
	target      Target
	warm, fresh *http.Transport
	dialled     atomic.Uint32
}

// New returns a client for the target.
func New(t Target) *Client {
	if t.Steer == nil {
		t.Steer = func(*url.URL) string { return "" }
	}
	c := &Client{target: t}
	c.warm, c.fresh = c.newTransport(), c.newTransport()
	c.fresh.DisableKeepAlives = true
	return c
}

// second speaks HTTP/2, for one request: two of them would share a connection that is there for one.
func (c *Client) second() *http.Transport {
	t := c.newTransport()
	t.DisableKeepAlives = true
	t.Protocols.SetHTTP1(false)
	secure := c.target.URL.Scheme == "https"
	t.Protocols.SetHTTP2(secure)
	t.Protocols.SetUnencryptedHTTP2(!secure)
	if secure {
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.secure(ctx, network, addr, "h2")
		}
	}
	return t
}

// Close closes the connections that are kept.
func (c *Client) Close() {
	c.warm.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

// newTransport speaks HTTP/1.1: with HTTP/2 all requests would share one connection, and so one node of the load
// balancer. It uses no proxy: a gate must know whom it asks.
func (c *Client) newTransport() *http.Transport {
	t := &http.Transport{
		DialContext:            c.dial,
		MaxIdleConns:           max(1, c.target.Connections),
		MaxIdleConnsPerHost:    max(1, c.target.Connections),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         headBuffer,
		WriteBufferSize:        bufferSize,
		DisableCompression:     true, // read unzips: so the header stays, and the cap always holds
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if c.target.URL.Scheme == "https" {
		t.DialTLSContext = c.dialTLS
	}
	return t
}

// dialTLS returns a connection above TLS, where an answer's end can be seen.
func (c *Client) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	secure, err := c.secure(ctx, network, addr, "http/1.1")
	if err != nil {
		return nil, err
	}
	return &conn{Conn: secure, expires: secure.ConnectionState().PeerCertificates[0].NotAfter}, nil
}

// secure connects and shakes hands.
func (c *Client) secure(ctx context.Context, network, addr, protocol string) (*tls.Conn, error) {
	raw, err := c.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	asked := &clientCertificate{Conn: raw}
	secure := tls.Client(asked, &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{protocol},
		RootCAs:    c.target.Roots,
		ServerName: cmp.Or(c.target.ServerName, (&url.URL{Host: c.target.Host}).Hostname(), c.target.URL.Hostname()),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked.wanted.Store(true)
			return &tls.Certificate{}, nil
		},
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, asked.explained(err)
	}
	if protocol == "h2" && secure.ConnectionState().NegotiatedProtocol != "h2" {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: the target does not speak HTTP/2", errHandshake)
	}
	return secure, nil
}

func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	raw, err := c.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw}, nil
}

// connect dials the target, or the next of its addresses.
func (c *Client) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if n := uint32(len(c.target.Addrs)); n > 0 {
		addr = c.target.Addrs[(c.dialled.Add(1)-1)%n]
	}
	dial := c.target.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return dial(ctx, network, addr)
}

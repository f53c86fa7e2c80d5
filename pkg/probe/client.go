package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// idleTimeout is how long a connection is kept for the next request. Servers close idle ones after 2 s
	// and more (gunicorn 2 s, Node 5 s, an Application Load Balancer 60 s); below that, a connection that
	// breaks under a request was broken by the server, not by age.
	idleTimeout = time.Second
	// maxHeaderBytes bounds an answer's header, informational ones included.
	maxHeaderBytes = 256 << 10
	// bufferSize is that of each connection's read and write buffers.
	bufferSize = 4 << 10
)

// Target is one side to ask, and how to reach it.
type Target struct {
	// URL is scheme, host and port.
	URL *url.URL
	// Addrs are the addresses to dial, in turn, instead of resolving the URL's host.
	Addrs []string
	// Host is the Host header and, for https, the name to ask for; the URL's when empty.
	Host string
	// ServerName is the name that the certificate must have; Host's or the URL's when empty.
	ServerName string
	// Roots are the authorities that certificates must come from; the system's when nil.
	Roots *x509.CertPool
	// Steer changes a URL, the first one and that of each redirect, so that it stays on the target's side, or says why
	// it cannot; nil where every URL does.
	Steer func(*url.URL) (why string)
	// Connections is how many idle connections are kept.
	Connections int
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
	c.warm = c.newTransport()
	c.fresh = c.newTransport()
	c.fresh.DisableKeepAlives = true
	return c
}

// Close closes the connections that are kept.
func (c *Client) Close() {
	c.warm.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

// newTransport speaks HTTP/1.1 only: with HTTP/2 all requests would share one connection, and so one
// node of the load balancer. It uses no proxy: a gate must know whom it asks.
func (c *Client) newTransport() *http.Transport {
	t := &http.Transport{
		DialContext:            c.dial,
		MaxIdleConns:           max(1, c.target.Connections),
		MaxIdleConnsPerHost:    max(1, c.target.Connections),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
		DisableCompression:     true, // read unzips: so the header stays, and the cap always holds
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if c.target.URL.Scheme == "https" {
		t.TLSClientConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    c.target.Roots,
			ServerName: cmp.Or(c.target.ServerName, (&url.URL{Host: c.target.Host}).Hostname(), c.target.URL.Hostname()),
		}
	}
	return t
}

// dial connects to the target, or to the next of its addresses.
func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if n := uint32(len(c.target.Addrs)); n > 0 {
		addr = c.target.Addrs[(c.dialled.Add(1)-1)%n]
	}
	dial := c.target.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &countingConn{Conn: conn}, nil
}

// countingConn counts the bytes that are written.
type countingConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

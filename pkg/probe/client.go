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
	maxHeaderBytes = 256 << 10         // bounds an answer's header, informational ones included
	bufferSize     = 4 << 10           // that of each connection's read and write buffers
	headBuffer     = bytes.MinRead - 1 // net/http's own for an answer, smaller than any piece of a body that is asked for
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
	Connections int                                                               // how many idle connections are kept
	Dial        func(ctx context.Context, network, addr string) (net.Conn, error) // for tests without a network
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
	c.warm, c.fresh = c.newTransport(http1, false), c.newTransport(http1, true)
	return c
}

// Close closes the connections that are kept.
func (c *Client) Close() {
	c.warm.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

// The protocols, as TLS names them.
const http1, http2 = "http/1.1", "h2"

// newTransport speaks HTTP/1.1, or for one request HTTP/2: of that, all requests would share one connection, and so one
// node of the load balancer. It uses no proxy: a gate must know whom it asks.
func (c *Client) newTransport(protocol string, fresh bool) *http.Transport {
	t := &http.Transport{
		DialContext:            c.dial,
		MaxIdleConns:           max(1, c.target.Connections),
		MaxIdleConnsPerHost:    max(1, c.target.Connections),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         headBuffer,
		WriteBufferSize:        bufferSize,
		DisableCompression:     true, // read unzips: so the header stays, and the cap always holds
		DisableKeepAlives:      fresh,
		Protocols:              new(http.Protocols),
	}
	secure := c.target.URL.Scheme == "https"
	t.Protocols.SetHTTP1(protocol == http1)
	t.Protocols.SetHTTP2(protocol == http2 && secure)
	t.Protocols.SetUnencryptedHTTP2(protocol == http2 && !secure)
	if secure {
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.dialTLS(ctx, network, addr, protocol)
		}
	}
	return t
}

// dialTLS connects and shakes hands. Of HTTP/1.1, an answer's end is seen above TLS.
func (c *Client) dialTLS(ctx context.Context, network, addr, protocol string) (net.Conn, error) {
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
	err = secure.HandshakeContext(ctx)
	state := secure.ConnectionState()
	switch {
	case err != nil:
		err = asked.explained(err)
	case protocol == http1:
		return &conn{Conn: secure, expires: state.PeerCertificates[0].NotAfter, below: asked}, nil
	case state.NegotiatedProtocol == protocol:
		return secure, nil
	default:
		err = fmt.Errorf("%w: the target does not speak HTTP/2", errHandshake)
	}
	_ = raw.Close()
	return nil, err
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

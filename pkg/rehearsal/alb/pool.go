package alb

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

// pool holds the connections to one target. Each carries one request at a time, as an Application Load
// Balancer's do, and a request gets one connection and one try: net/http's own pool would send a GET a
// second time when the target breaks off, and so hide the very fault that a rehearsal is to show.
type pool struct {
	dial func(ctx context.Context) (*http.ClientConn, error)

	mu     sync.Mutex
	idle   []*http.ClientConn
	open   map[*http.ClientConn]bool
	closed bool
}

func newPool(transport *http.Transport, addr string) *pool {
	return &pool{
		open: map[*http.ClientConn]bool{},
		dial: func(ctx context.Context) (*http.ClientConn, error) {
			return transport.NewClientConn(ctx, "http", addr)
		},
	}
}

// RoundTrip sends the request once.
func (p *pool) RoundTrip(r *http.Request) (*http.Response, error) {
	conn, err := p.take(r.Context())
	if err != nil {
		return nil, err
	}
	response, err := conn.RoundTrip(r)
	if err != nil {
		_ = conn.Close() // whatever state it is in, nobody else gets it
	}
	return response, err
}

// take returns a connection that is reserved for one request: the one that was used last, since it is
// the least likely to have been given up by the target, or a new one.
func (p *pool) take(ctx context.Context) (*http.ClientConn, error) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			break
		}
		conn := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if conn.Reserve() == nil {
			return conn, nil
		}
	}
	conn, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.Reserve(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.open[conn] = true
	p.mu.Unlock()
	conn.SetStateHook(p.changed)
	return conn, nil
}

// changed takes a connection back whose response was read to its end, and forgets one that broke.
func (p *pool) changed(conn *http.ClientConn) {
	broken, free := conn.Err() != nil, conn.Available() > 0
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.idle, conn)
	switch {
	case broken:
		delete(p.open, conn)
		if at >= 0 {
			p.idle = slices.Delete(p.idle, at, at+1)
		}
	case free && p.closed:
		go func() { _ = conn.Close() }() // its hook is this function, which holds the lock
	case free && at < 0:
		p.idle = append(p.idle, conn)
	}
}

// close closes the idle connections now and the busy ones when they have answered; with now, all at once.
func (p *pool) close(now bool) {
	p.mu.Lock()
	p.closed = true
	conns := p.idle
	p.idle = nil
	if now {
		conns = nil
		for conn := range p.open {
			conns = append(conns, conn)
		}
	}
	p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

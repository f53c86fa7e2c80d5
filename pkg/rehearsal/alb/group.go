package alb

import (
	"context"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Health is what a target group knows about a target.
type Health int32

// The states of a target. A new one is Initial: it gets no requests before it was found healthy.
const (
	Initial Health = iota
	Healthy
	Unhealthy
	Draining
)

// String returns AWS's word for the state.
func (h Health) String() string {
	return [...]string{"initial", "healthy", "unhealthy", "draining"}[h]
}

// Target is one task, as a target group sees it.
type Target struct {
	// ID is the task's name, Release the version that it serves, Addr its "host:port".
	ID, Release, Addr string

	proxy    *httputil.ReverseProxy
	conns    *http.Transport
	health   atomic.Int32
	inFlight atomic.Int64
	stop     context.CancelFunc
}

// Health returns the target's state.
func (t *Target) Health() Health { return Health(t.health.Load()) }

// Group is a target group.
type Group struct {
	Name string

	check   HealthCheck
	mu      sync.Mutex
	targets []*Target
	next    int
}

// Group returns a new, empty target group.
func (*Balancer) Group(name string, check HealthCheck) *Group {
	return &Group{Name: name, check: check}
}

// Register adds a target and checks its health until ctx ends or it is deregistered.
func (g *Group) Register(ctx context.Context, id, release, addr string) *Target {
	ctx, stop := context.WithCancel(ctx)
	conns := connections()
	t := &Target{ID: id, Release: release, Addr: addr, proxy: proxy(addr, conns), conns: conns, stop: stop}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.targets = append(g.targets, t)
	go g.watch(ctx, t)
	return t
}

// Targets returns the group's targets.
func (g *Group) Targets() []*Target {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.targets)
}

// acquire picks the next target in turn and counts the request as in flight. When every target is
// unhealthy all get requests, as an ALB fails open; one that is still initial never does.
func (g *Group) acquire() *Target {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next++
	for _, want := range []Health{Healthy, Unhealthy} {
		for i := range g.targets {
			if t := g.targets[(g.next+i)%len(g.targets)]; t.Health() == want {
				t.inFlight.Add(1)
				return t
			}
		}
	}
	return nil
}

// Deregister takes a target out of the group at once; its requests in flight go on.
func (g *Group) Deregister(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.targets = slices.DeleteFunc(g.targets, func(t *Target) bool {
		if t.ID == id {
			t.leave()
		}
		return t.ID == id
	})
}

// leave ends a target's registration; a connection in use closes when its request was answered.
func (t *Target) leave() {
	t.health.Store(int32(Draining))
	t.stop()
	t.conns.CloseIdleConnections()
}

// Drain takes all targets out of the group and waits until their requests in flight have been
// answered, at most for delay. It returns how many were cut off.
func (g *Group) Drain(ctx context.Context, delay time.Duration) int64 {
	g.mu.Lock()
	targets := g.targets
	g.targets = nil
	g.mu.Unlock()
	for _, t := range targets {
		t.leave()
	}
	inFlight := func() (n int64) {
		for _, t := range targets {
			n += t.inFlight.Load()
		}
		return n
	}
	ctx, cancel := context.WithTimeout(ctx, delay)
	defer cancel()
	tick := time.Tick(5 * time.Millisecond)
	for inFlight() > 0 {
		select {
		case <-ctx.Done():
			return inFlight()
		case <-tick:
		}
	}
	return 0
}

// WaitHealthy waits until every target is healthy, and reports whether that happened before ctx ended.
func (g *Group) WaitHealthy(ctx context.Context) bool {
	tick := time.Tick(5 * time.Millisecond)
	for slices.ContainsFunc(g.Targets(), func(t *Target) bool { return t.Health() != Healthy }) {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
		}
	}
	return true
}

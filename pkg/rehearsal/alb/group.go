package alb

import (
	"context"
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
	conns    *pool
	health   atomic.Int32
	inFlight atomic.Int64
	stop     context.CancelFunc
}

// Health returns the target's state.
func (t *Target) Health() Health { return Health(t.health.Load()) }

func (t *Target) release() { t.inFlight.Add(-1) }

// Group is a target group.
type Group struct {
	Name string

	balancer *Balancer
	check    HealthCheck
	mu       sync.Mutex // guards changes of targets
	targets  atomic.Pointer[[]*Target]
	next     atomic.Uint64
	// all are the targets that ever were: their connections outlive their registration.
	all []*Target
}

// Group returns a new, empty target group.
func (b *Balancer) Group(name string, check HealthCheck) *Group {
	g := &Group{Name: name, balancer: b, check: check}
	g.targets.Store(&[]*Target{})
	b.mu.Lock()
	b.groups = append(b.groups, g)
	b.mu.Unlock()
	return g
}

// Register adds a target and checks its health until ctx ends or it is deregistered.
func (g *Group) Register(ctx context.Context, id, release, addr string) *Target {
	ctx, stop := context.WithCancel(ctx)
	conns := newPool(g.balancer.transport, addr)
	t := &Target{ID: id, Release: release, Addr: addr, proxy: proxy(addr, conns), conns: conns, stop: stop}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, t)
	g.targets.Store(new(append(slices.Clone(*g.targets.Load()), t)))
	go g.watch(ctx, t)
	return t
}

// Targets returns the group's targets.
func (g *Group) Targets() []*Target { return *g.targets.Load() }

// acquire picks the next target in turn and counts the request as in flight. When every target is
// unhealthy all get requests, as an ALB fails open; one that is still initial never does.
func (g *Group) acquire() *Target {
	targets := *g.targets.Load()
	if len(targets) == 0 {
		return nil
	}
	start := g.next.Add(1)
	for _, want := range []Health{Healthy, Unhealthy} {
		for i := range targets {
			t := targets[(start+uint64(i))%uint64(len(targets))]
			if t.Health() != want {
				continue
			}
			t.inFlight.Add(1)
			return t
		}
	}
	return nil
}

// Deregister takes a target out of the group at once; its requests in flight go on.
func (g *Group) Deregister(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	targets := slices.Clone(*g.targets.Load())
	g.targets.Store(new(slices.DeleteFunc(targets, func(t *Target) bool {
		if t.ID == id {
			t.leave()
		}
		return t.ID == id
	})))
}

// leave ends a target's registration.
func (t *Target) leave() {
	t.health.Store(int32(Draining))
	t.stop()
	t.conns.close(false)
}

// close ends everything at once.
func (g *Group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.all {
		t.stop()
		t.conns.close(true)
	}
}

// Drain takes all targets out of the group and waits until their requests in flight have been
// answered, at most for delay. It returns how many were cut off.
func (g *Group) Drain(ctx context.Context, delay time.Duration) int64 {
	g.mu.Lock()
	targets := *g.targets.Load()
	g.targets.Store(&[]*Target{})
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
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for inFlight() > 0 {
		select {
		case <-ctx.Done():
			return inFlight()
		case <-tick.C:
		}
	}
	return 0
}

// WaitHealthy waits until every target is healthy, and reports whether that happened before ctx ended.
func (g *Group) WaitHealthy(ctx context.Context) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		unhealthy := slices.ContainsFunc(g.Targets(), func(t *Target) bool { return t.Health() != Healthy })
		if !unhealthy {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

package balancer

import (
	"context"
	"io"
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

// HealthCheck is how a target group asks its targets. The zero value of Path is "/".
type HealthCheck struct {
	Path string
	// Interval is the pause between two checks of a target, Timeout what one may take.
	Interval, Timeout time.Duration
	// Threshold is how many in a row change a target's state.
	Threshold int
}

// Target is one task, as a target group sees it.
type Target struct {
	// ID is the task's name, Release the version that it serves, Addr its "host:port".
	ID, Release, Addr string

	proxy    *httputil.ReverseProxy
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
}

// Group returns a new, empty target group.
func (b *Balancer) Group(name string, check HealthCheck) *Group {
	g := &Group{Name: name, balancer: b, check: check}
	g.targets.Store(&[]*Target{})
	return g
}

// Register adds a target and checks its health until ctx ends or it is deregistered.
func (g *Group) Register(ctx context.Context, id, release, addr string) *Target {
	ctx, stop := context.WithCancel(ctx)
	t := &Target{ID: id, Release: release, Addr: addr, proxy: g.balancer.proxy(addr), stop: stop}
	g.mu.Lock()
	defer g.mu.Unlock()
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

// Drain takes all targets out of the group and waits until their requests in flight have been
// answered, at most for delay. It returns how many were cut off.
func (g *Group) Drain(ctx context.Context, delay time.Duration) int64 {
	g.mu.Lock()
	targets := *g.targets.Load()
	g.targets.Store(&[]*Target{})
	g.mu.Unlock()
	for _, t := range targets {
		t.health.Store(int32(Draining))
		t.stop()
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

// watch checks one target until ctx ends.
func (g *Group) watch(ctx context.Context, t *Target) {
	// Checks have connections of their own: a target whose connections are all busy is not ill.
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{
		Transport:     transport,
		Timeout:       g.check.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tick := time.NewTicker(g.check.Interval)
	defer tick.Stop()
	path := g.check.Path
	if path == "" {
		path = "/"
	}
	for streak, last := 0, false; ; {
		ok := ask(ctx, client, "http://"+t.Addr+path)
		if ctx.Err() != nil {
			return
		}
		if ok != last {
			streak, last = 0, ok
		}
		streak++
		if streak >= g.check.Threshold {
			state := Unhealthy
			if ok {
				state = Healthy
			}
			t.health.Store(int32(state))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask reports whether the target answers below 500. AWS's default matcher is 200 alone; without the
// target group's settings, an application without a home page must not count as dead.
func ask(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	return response.StatusCode < http.StatusInternalServerError
}

package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

const (
	// trafficTimeout is how long a user waits before giving up.
	trafficTimeout = 10 * time.Second
	// trafficBacklog bounds the requests under way: a release that hangs must not exhaust this machine.
	trafficBacklog = 512
)

// Traffic sums up the rehearsal's production requests.
type Traffic struct {
	Rate float64 `json:"rate_per_second"`
	// Routes are the paths that were asked for, in turn.
	Routes []string `json:"routes,omitempty"`
	Sent   int64    `json:"sent"`
	Failed int64    `json:"failed"`
	// NotSent counts requests that were due while too many were under way.
	NotSent int64 `json:"not_sent,omitempty"`
	// FirstFailure describes the first one that failed.
	FirstFailure string `json:"first_failure,omitempty"`
}

// generator sends requests at a steady rate, whether or not the ones before were answered: a slow
// release must not slow its users down.
type generator struct {
	client *http.Client
	// base and routes make the URLs that are asked for in turn.
	base   string
	routes []string
	host   string
	next   atomic.Uint64
	under  errgroup.Group // the requests under way

	mu    sync.Mutex
	count Traffic
}

// startTraffic sends production requests to base until the returned function is called, which waits for
// those under way and says how they went. Routes are paths; without any it asks for "/".
func startTraffic(ctx context.Context, base, host string, routes []string, rate float64) func() Traffic {
	if len(routes) == 0 {
		routes = []string{"/"}
	}
	g := &generator{
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: trafficBacklog},
			Timeout:       trafficTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: base, host: host, routes: routes,
		count: Traffic{Rate: rate, Routes: routes},
	}
	if rate <= 0 {
		return func() Traffic { return g.count }
	}
	g.under.SetLimit(trafficBacklog)
	ctx, cancel := context.WithCancel(ctx)
	var sending sync.WaitGroup
	sending.Go(func() { g.run(ctx, rate) })
	return func() Traffic {
		cancel()
		sending.Wait()
		_ = g.under.Wait() // a request that fails is counted
		g.client.CloseIdleConnections()
		return g.count
	}
}

func (g *generator) run(ctx context.Context, rate float64) {
	for tick := time.Tick(time.Duration(float64(time.Second) / rate)); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		// Whoever ends the traffic waits for the answers: a request must not fail because the rehearsal ends.
		if !g.under.TryGo(func() error { g.ask(context.WithoutCancel(ctx)); return nil }) {
			g.mu.Lock()
			g.count.NotSent++
			g.mu.Unlock()
		}
	}
}

func (g *generator) ask(ctx context.Context) {
	failure := g.get(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count.Sent++
	if failure != "" {
		g.count.Failed++
		g.count.FirstFailure = cmp.Or(g.count.FirstFailure, failure)
	}
}

// get asks once and returns what went wrong, or nothing.
func (g *generator) get(ctx context.Context) string {
	url := g.base + g.routes[(g.next.Add(1)-1)%uint64(len(g.routes))]
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	request.Host = g.host
	request.Header.Set("User-Agent", task.TrafficAgent)
	response, err := g.client.Do(request)
	if err != nil {
		return err.Error()
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	switch {
	case err != nil:
		return err.Error()
	case response.StatusCode >= http.StatusInternalServerError:
		return fmt.Sprintf("GET %s: status %d", url, response.StatusCode)
	}
	return ""
}

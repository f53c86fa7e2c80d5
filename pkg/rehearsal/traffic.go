package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
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

// startTraffic sends production requests to base at a steady rate, whether or not the ones before were answered: a slow
// release must not slow its users down. The returned function ends that, waits for those under way and says how they
// went. Routes are paths, which are asked for in turn; without any it asks for "/".
func startTraffic(ctx context.Context, base, host string, routes []string, rate float64) func() Traffic {
	if len(routes) == 0 {
		routes = []string{"/"}
	}
	count := Traffic{Rate: rate, Routes: routes}
	if rate <= 0 {
		return func() Traffic { return count }
	}
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: trafficBacklog},
		Timeout:       trafficTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx = context.WithoutCancel(ctx) // a request must not fail because the rehearsal ends
	var mu sync.Mutex
	var under errgroup.Group // the requests under way
	under.SetLimit(trafficBacklog)
	asked := 0
	stop := Every(time.Duration(float64(time.Second)/rate), func(time.Time) {
		url := base + routes[asked%len(routes)]
		if !under.TryGo(func() error {
			err := get(ctx, client, url, host)
			mu.Lock()
			defer mu.Unlock()
			if count.Sent++; err != nil {
				count.Failed++
				count.FirstFailure = cmp.Or(count.FirstFailure, err.Error())
			}
			return nil // one that fails is counted
		}) {
			count.NotSent++
			return
		}
		asked++
	})
	return func() Traffic {
		stop()
		_ = under.Wait()
		client.CloseIdleConnections()
		return count
	}
}

// get asks once, and returns what went wrong.
func get(ctx context.Context, client *http.Client, url, host string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	request.Host = host
	request.Header.Set("User-Agent", task.TrafficAgent)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("GET %s: status %d", url, response.StatusCode)
	}
	return err
}

package alb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Health is what a target group knows about a target, in AWS's words.
type Health string

// The states of a target. A new one is Initial: it gets no requests before it was found healthy.
const (
	Initial   Health = "initial"
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
	Draining  Health = "draining"
)

// Target is one task, as a target group sees it.
type Target struct {
	// ID is the task's name, Release the version that it serves, Addr its "host:port".
	ID, Release, Addr string

	proxy    *httputil.ReverseProxy
	conns    *http.Transport
	health   atomic.Value // its Health
	said     atomic.Value // how it answered its last health check
	inFlight atomic.Int64
	stop     context.CancelFunc
}

// Health returns the target's state.
func (t *Target) Health() Health { return t.health.Load().(Health) } //nolint:forcetypeassert // nothing else is stored

// Group is a target group.
type Group struct {
	Name string

	check   HealthCheck
	mu      sync.Mutex
	targets []*Target
	next    int
	samples map[second][]float64
}

// remembered is how long a target group remembers what it measured, in seconds.
const remembered = 60 * 60

// second is one in which something was measured, by its Unix time and CloudWatch's name of the metric.
type second struct {
	at     int64
	metric string
}

func (g *Group) note(metric string, value float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := second{time.Now().Unix(), metric}
	g.samples[now] = append(g.samples[now], value)
	delete(g.samples, second{now.at - remembered, metric})
}

// Samples are those of one of an Application Load Balancer's metrics, by CloudWatch's name, from one whole second to
// another. As there, what did not happen leaves none, and an answer of the load balancer's own is no error of a target's.
func (g *Group) Samples(metric string, from, to time.Time) (all []float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for at := from.Unix(); at < to.Unix(); at++ {
		all = append(all, g.samples[second{at, metric}]...)
	}
	return all
}

// Group returns a new, empty target group.
func (*Balancer) Group(name string, check HealthCheck) *Group {
	return &Group{Name: name, check: check, samples: map[second][]float64{}}
}

// Register adds a target and checks its health until ctx ends or it is deregistered.
func (g *Group) Register(ctx context.Context, id, release, addr string) *Target {
	ctx, stop := context.WithCancel(ctx)
	conns := &http.Transport{ // each carries one request at a time, as an Application Load Balancer's do
		DialContext: dial, ResponseHeaderTimeout: idleTimeout, DisableCompression: true, MaxIdleConnsPerHost: math.MaxInt,
	}
	t := &Target{ID: id, Release: release, Addr: addr, proxy: proxy(addr, conns), conns: conns, stop: stop}
	t.health.Store(Initial)
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
	t.health.Store(Draining)
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
	until(ctx, func() bool { return inFlight() == 0 })
	return inFlight()
}

// until waits until something is so, and reports whether that happened before ctx ended.
func until(ctx context.Context, so func() bool) bool {
	tick := time.Tick(5 * time.Millisecond)
	for !so() {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
		}
	}
	return true
}

// Ailing says how a target that is not healthy answered its last health check; "" where all are, or none was asked.
func (g *Group) Ailing() string {
	for _, t := range g.Targets() {
		if said, asked := t.said.Load().(string); asked && t.Health() != Healthy {
			return fmt.Sprintf("GET %s of %s %s", g.check.Asks(), t.ID, said)
		}
	}
	return ""
}

// WaitHealthy waits until every target is healthy, and reports whether that happened before ctx ended.
func (g *Group) WaitHealthy(ctx context.Context) bool {
	ill := func(t *Target) bool { return t.Health() != Healthy }
	return until(ctx, func() bool { return !slices.ContainsFunc(g.Targets(), ill) })
}

// HealthCheck is how a target group asks its targets.
type HealthCheck struct {
	// Path is "/" when it is empty.
	Path string
	// Codes are the statuses that count as healthy. AWS's default is 200 alone. Here it is everything below 500, since
	// the target group's settings are not known: an application without a home page must not count as dead.
	Codes Codes
	// Interval is the pause between two checks of a target, Timeout what one may take.
	Interval, Timeout time.Duration
	// Threshold is how many in a row change a target's state.
	Threshold int
}

// Asks returns the path that is asked.
func (h HealthCheck) Asks() string { return cmp.Or(h.Path, "/") }

// Codes are statuses, as a target group's matcher has them: "200-299,404".
type Codes struct {
	text     string
	accepted map[int]bool
}

// ParseCodes reads a matcher.
func ParseCodes(text string) (Codes, error) {
	codes := Codes{text: strings.ReplaceAll(text, " ", ""), accepted: map[int]bool{}}
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 200 || to > 499 || from > to {
			return Codes{}, errors.New("want statuses from 200 to 499, like 200 or 200-299,404")
		}
		for status := from; status <= to; status++ {
			codes.accepted[status] = true
		}
	}
	return codes, nil
}

// String is the matcher as AWS writes it.
func (c Codes) String() string { return cmp.Or(c.text, "200-499") }

// accept reports whether a status counts as healthy.
func (c Codes) accept(status int) bool {
	return c.accepted[status] || c.text == "" && status < http.StatusInternalServerError
}

// Logged returns whether a line that a task wrote is about a health check and nothing else: it names who asks, or the
// request, and no trouble.
func (h HealthCheck) Logged() func(line string) bool {
	request := regexp.MustCompile(`(?i)elb-healthchecker|\b(get|path|ur[il]|request|target)\W{1,3}?` + regexp.QuoteMeta(h.Asks()) + `([\s"',;)?]|$)`)
	trouble := regexp.MustCompile(`(?i)err(or)?\b|exception|fail|fatal|panic|refused|traceback|denied`)
	return func(line string) bool { return request.MatchString(line) && !trouble.MatchString(line) }
}

// watch checks one target until ctx ends.
func (g *Group) watch(ctx context.Context, t *Target) {
	// Checks have connections of their own: a target whose connections are all busy is not ill.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       g.check.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tick := time.Tick(g.check.Interval)
	state := map[bool]Health{true: Healthy, false: Unhealthy}
	for streak, last := 0, false; ; {
		ok, said := g.ask(ctx, client, "http://"+t.Addr+g.check.Asks())
		t.said.Store(said)
		if ctx.Err() != nil {
			return
		}
		if ok != last {
			streak, last = 0, ok
		}
		if streak++; streak >= g.check.Threshold {
			t.health.Store(state[ok])
		}
		unhealthy := slices.DeleteFunc(g.Targets(), func(t *Target) bool { return t.Health() != Unhealthy })
		g.note("UnHealthyHostCount", float64(len(unhealthy)))
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// ask reports whether the target answers as the health check wants, and what it answers.
func (g *Group) ask(ctx context.Context, client *http.Client, url string) (ok bool, said string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false, "is wrong"
	}
	request.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	response, err := client.Do(request)
	if err != nil {
		return false, "was not answered"
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	return g.check.Codes.accept(response.StatusCode), "was answered with " + strconv.Itoa(response.StatusCode)
}

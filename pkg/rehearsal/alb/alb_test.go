package alb_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
)

type world struct {
	*alb.Balancer
	listener *alb.Listener
	ctx      context.Context //nolint:containedctx // the test's own
}

func newWorld(t *testing.T) world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	b := alb.New()
	t.Cleanup(b.Close)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return world{b, b.Listen("production", socket), ctx}
}

// group is a target group with one target for each handler, all healthy.
func (w world) group(t *testing.T, name string, handlers ...http.HandlerFunc) *alb.Group {
	t.Helper()
	g := w.Group(name, alb.HealthCheck{Path: "/health", Interval: 10 * time.Millisecond, Timeout: time.Second, Threshold: 2})
	for i, h := range handlers {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
		mux.HandleFunc("/", h)
		server := httptest.NewServer(mux)
		t.Cleanup(server.CloseClientConnections)
		t.Cleanup(server.Close)
		g.Register(w.ctx, fmt.Sprintf("%s/%d", name, i+1), name, strings.TrimPrefix(server.URL, "http://"))
	}
	if !g.WaitHealthy(w.ctx) {
		t.Fatalf("%s did not become healthy", name)
	}
	return g
}

func (w world) get(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.listener.URL()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestTrafficFollowsTheWeights(t *testing.T) {
	w := newWorld(t)
	blue, green := w.group(t, "blue", says("b1"), says("b2")), w.group(t, "green", says("g"))
	for _, c := range []struct{ blue, green, low, high int }{{100, 0, 0, 0}, {0, 100, 400, 400}, {90, 10, 10, 90}} {
		w.listener.Forward(alb.Weight{Group: blue, Share: c.blue}, alb.Weight{Group: green, Share: c.green})
		greens := 0
		for range 400 {
			if _, body := w.get(t, "/"); body == "g" {
				greens++
			}
		}
		if greens < c.low || greens > c.high {
			t.Errorf("%d:%d: green answered %d of 400", c.blue, c.green, greens)
		}
	}
	// The balancer writes a request down once its answer has gone, which the client may see first.
	for end := time.Now().Add(10 * time.Second); len(w.Log.Entries()) < 1200 && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	tallies := w.Log.Tallies()
	if len(tallies) != 2 || tallies[0].Requests+tallies[1].Requests != 1200 || len(w.Log.Entries()) != 1200 {
		t.Errorf("the log lost requests: %+v", tallies)
	}
	targets := map[string]int{}
	for _, r := range w.Log.Entries() {
		targets[r.Target]++
	}
	if d := targets["blue/1"] - targets["blue/2"]; d < -1 || d > 1 {
		t.Errorf("the tasks of a group did not take turns: %v", targets)
	}
}

func TestFaultsAreAnsweredAsAnALBDoes(t *testing.T) {
	w := newWorld(t)
	if status, _ := w.get(t, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("without a target group: %d, want 503", status)
	}
	empty := w.Group("empty", alb.HealthCheck{Interval: time.Second, Timeout: time.Second, Threshold: 2})
	w.listener.Forward(alb.Weight{Group: empty, Share: 1})
	if status, _ := w.get(t, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("without a target: %d, want 503", status)
	}
	reset := w.group(t, "reset", func(rw http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	w.listener.Forward(alb.Weight{Group: reset, Share: 1})
	if status, _ := w.get(t, "/"); status != http.StatusBadGateway {
		t.Errorf("a target that breaks off: %d, want 502", status)
	}
	last := w.Log.Entries()[2]
	if last.Status != 502 || last.Release != "reset" || last.Target != "reset/1" {
		t.Errorf("log: %+v", last)
	}
}

func TestATruncatedBodyStaysTruncated(t *testing.T) {
	w := newWorld(t)
	g := w.group(t, "cut", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(rw, "half")
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.listener.URL(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the client took %q for whole", body)
	}
}

func TestABodyIsStreamed(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	g := w.group(t, "drip", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, "first\n")
		_ = http.NewResponseController(rw).Flush()
		<-release
		_, _ = io.WriteString(rw, "second\n")
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.listener.URL(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" {
		t.Fatalf("first line %q, %v: it must come before the second is written", line, err)
	}
	close(release)
	if line, _ := lines.ReadString('\n'); line != "second\n" {
		t.Errorf("second line %q", line)
	}
}

func TestDrainingWaitsForRequestsInFlight(t *testing.T) {
	w := newWorld(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	g := w.group(t, "slow", func(rw http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(rw, "done")
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	answered := make(chan string, 1)
	go func() {
		_, body := w.get(t, "/")
		answered <- body
	}()
	<-arrived
	if cut := g.Drain(w.ctx, 20*time.Millisecond); cut != 1 {
		t.Errorf("drain cut off %d requests after its delay, want 1", cut)
	}
	if status, _ := w.get(t, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("a drained group took a new request: %d", status)
	}
	close(release)
	if body := <-answered; body != "done" {
		t.Errorf("the request in flight got %q", body)
	}
}

func TestATargetThatWasNeverHealthyGetsNoRequests(t *testing.T) {
	w := newWorld(t)
	sick := w.Group("sick", alb.HealthCheck{Interval: 10 * time.Millisecond, Timeout: time.Second, Threshold: 3})
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.UserAgent(), "ELB-HealthChecker") {
			_, _ = io.WriteString(rw, "answered")
			return
		}
		rw.WriteHeader(http.StatusServiceUnavailable)
		asked <- struct{}{}
	}))
	t.Cleanup(server.Close)
	w.listener.Forward(alb.Weight{Group: sick, Share: 1})
	target := sick.Register(w.ctx, "sick/1", "1", strings.TrimPrefix(server.URL, "http://"))
	if target.Health() == alb.Initial {
		if status, _ := w.get(t, "/"); status != http.StatusServiceUnavailable && target.Health() == alb.Initial {
			t.Errorf("initial: %d, want 503", status)
		}
	}
	for target.Health() != alb.Unhealthy {
		<-asked
	}
	// All targets unhealthy: an ALB fails open.
	if status, body := w.get(t, "/"); status != http.StatusOK || body != "answered" {
		t.Errorf("all unhealthy: %d %q, want the target's answer", status, body)
	}
}

// An Application Load Balancer sends a request once: a target that breaks off is a 502, also when the
// connection was used before and the request is a GET, which net/http would send again by itself.
func TestARequestIsNeverSentTwice(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int64
	g := w.group(t, "flaky", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/warm" {
			_, _ = io.WriteString(rw, "warm")
			return
		}
		asked.Add(1)
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	for i := range 20 {
		if status, _ := w.get(t, "/warm"); status != http.StatusOK {
			t.Fatalf("warm: %d", status)
		}
		if status, _ := w.get(t, "/broken"); status != http.StatusBadGateway {
			t.Errorf("status %d, want 502", status)
		}
		if got := asked.Load(); got != int64(i+1) {
			t.Fatalf("the target was asked %d times for %d requests", got, i+1)
		}
	}
}

func TestConnectionsToATargetAreUsedAgain(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	peers := map[string]bool{}
	g := w.group(t, "app", func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr] = true
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(rw, strings.Repeat("x", 100_000))
		}
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	for range 50 {
		w.get(t, "/empty")
		w.get(t, "/body")
	}
	if len(peers) > 3 {
		t.Errorf("100 requests one after the other took %d connections", len(peers))
	}
}

func TestATargetThatIsGoneIsA502(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(says("x"))
	g := w.Group("gone", alb.HealthCheck{Interval: time.Hour, Timeout: time.Second, Threshold: 1})
	target := g.Register(w.ctx, "gone/1", "1", strings.TrimPrefix(server.URL, "http://"))
	if !g.WaitHealthy(w.ctx) {
		t.Fatal("not healthy")
	}
	server.Close()
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	if status, _ := w.get(t, "/"); status != http.StatusBadGateway || target.Health() != alb.Healthy {
		t.Errorf("status %d, health %s, want 502 before the health check notices", status, target.Health())
	}
	g.Deregister("gone/1")
	if status, _ := w.get(t, "/"); status != http.StatusServiceUnavailable || target.Health() != alb.Draining {
		t.Errorf("after its registration: %d, %s, want 503 and draining", status, target.Health())
	}
}

func TestTheHealthCheckIsTheTargetGroups(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			rw.WriteHeader(http.StatusNoContent)
		} else {
			rw.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	for text, c := range map[string]struct {
		path string
		want alb.Health
	}{
		"200": {"/ready", alb.Unhealthy}, "200-299": {"/ready", alb.Healthy},
		"200,404": {"", alb.Healthy}, "200-300": {"", alb.Unhealthy},
	} {
		codes, err := alb.ParseCodes(text)
		if err != nil || codes.String() != text {
			t.Fatalf("%s: %s, %v", text, codes, err)
		}
		g := w.Group("g", alb.HealthCheck{Path: c.path, Codes: codes, Interval: 5 * time.Millisecond, Timeout: time.Second, Threshold: 2})
		target := g.Register(w.ctx, "t", "1", strings.TrimPrefix(server.URL, "http://"))
		for target.Health() == alb.Initial && w.ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		if target.Health() != c.want {
			t.Errorf("%s at %q: %s, want %s", text, c.path, target.Health(), c.want)
		}
	}
	for _, text := range []string{"", "20", "200-", "500", "299-200", "ok"} {
		if codes, err := alb.ParseCodes(text); err == nil {
			t.Errorf("ParseCodes(%q) = %v, want an error", text, codes)
		}
	}
}

func TestATargetGroupMeasuresWhatCloudWatchAsksFor(t *testing.T) {
	w := newWorld(t)
	g := w.group(t, "green", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-time.After(100 * time.Millisecond)
		case "/bad":
			w.WriteHeader(http.StatusInternalServerError)
		case "/reset":
			panic(http.ErrAbortHandler)
		}
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 100})
	for path, want := range map[string]int{"/": 200, "/slow": 200, "/bad": 500, "/reset": 502} {
		if got, _ := w.get(t, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	samples := func(metric string) []float64 {
		return g.Samples(metric, time.Now().Add(-time.Minute), time.Now().Add(2*time.Second))
	}
	// One is written down once its answer has gone, which the client may see first.
	for end := time.Now().Add(10 * time.Second); len(samples("RequestCount")) < 4 && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	for metric, want := range map[string]int{"RequestCount": 4, "HTTPCode_Target_5XX_Count": 1, "HTTPCode_Target_2XX_Count": 2, "TargetConnectionErrorCount": 0, "TargetResponseTime": 3, "Other": 0} {
		if got := samples(metric); len(got) != want {
			t.Errorf("%s: %v, want %d samples", metric, got, want)
		}
	}
	if slowest := slices.Max(samples("TargetResponseTime")); slowest < 0.1 || slowest > 10 {
		t.Errorf("the slowest took %g s", slowest)
	}
	if got := g.Samples("RequestCount", time.Now().Add(time.Minute), time.Now().Add(2*time.Minute)); got != nil {
		t.Errorf("in a minute %v", got)
	}
	// A task that is gone refuses connections, and is unhealthy as long as it is registered.
	g = w.Group("gone", alb.HealthCheck{Interval: 10 * time.Millisecond, Timeout: time.Second, Threshold: 2})
	g.Register(w.ctx, "gone/1", "gone", "127.0.0.1:1")
	w.listener.Forward(alb.Weight{Group: g, Share: 100})
	for end := time.Now().Add(10 * time.Second); (!slices.Contains(samples("UnHealthyHostCount"), 1) || len(samples("TargetConnectionErrorCount")) == 0) && time.Now().Before(end); {
		w.get(t, "/")
	}
	if unhealthy, refused := samples("UnHealthyHostCount"), samples("TargetConnectionErrorCount"); !slices.Contains(unhealthy, 1) || len(refused) == 0 || samples("HTTPCode_Target_5XX_Count") != nil {
		t.Errorf("unhealthy %v, refused %v", unhealthy, refused)
	}
}

// A request that becomes a WebSocket was answered: it is no failure, and took no time without end.
func TestASwitchOfProtocolsIsAnAnswer(t *testing.T) {
	w := newWorld(t)
	g := w.group(t, "ws", func(rw http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = conn.Close()
	})
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.listener.URL(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "websocket")
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", response, err)
	}
	_ = response.Body.Close()
	for len(w.Log.Entries()) == 0 && w.ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
	if e := w.Log.Entries()[0]; e.Status != http.StatusSwitchingProtocols || e.Failed() || w.Log.Tallies()[0].Errors != 0 {
		t.Errorf("log: %+v", e)
	}
	for _, took := range g.Samples("TargetResponseTime", time.Now().Add(-time.Minute), time.Now().Add(time.Minute)) {
		if took < 0 || took > 30 {
			t.Errorf("took %g s", took)
		}
	}
}

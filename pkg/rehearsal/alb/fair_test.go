package alb_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
)

// headerFirst starts an application that writes an answer's header and its body apart, with Nagle's algorithm on, as
// Python's http.server does: the body leaves when the header has been acknowledged. It returns the address.
func headerFirst(t *testing.T, delay time.Duration) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/search" {
			<-time.After(delay)
		}
		const body = `{"hits":[]}`
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_ = http.NewResponseController(w).Flush() // a health check may be gone; who asks sees the rest
		_, _ = io.WriteString(w, body)
	}))
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if tcp, ok := conn.(*net.TCPConn); !ok || tcp.SetNoDelay(false) != nil {
			t.Error("Nagle's algorithm is off")
		}
		return ctx
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return strings.TrimPrefix(server.URL, "http://")
}

// side is a listener before two tasks of such an application. It returns what asks once and says how long that took.
func (w world) side(t *testing.T, name string, delay time.Duration) func(path string) time.Duration {
	t.Helper()
	g := w.Group(name, alb.HealthCheck{Interval: 100 * time.Millisecond, Timeout: 5 * time.Second, Threshold: 1})
	for _, id := range []string{"/1", "/2"} {
		g.Register(w.ctx, name+id, name, headerFirst(t, delay))
	}
	if !g.WaitHealthy(w.ctx) {
		t.Fatalf("%s did not become healthy", name)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.listener = w.Listen(name, socket)
	w.listener.Forward(alb.Weight{Group: g, Share: 1})
	return func(path string) time.Duration {
		began := time.Now()
		if status, body := w.get(t, path); status != http.StatusOK || body != `{"hits":[]}` {
			t.Errorf("%s: %d %q", name, status, body)
		}
		return time.Since(began)
	}
}

// rehearsed makes the pairs of one comparison as a suite does. Before each, so many users ask production.
func rehearsed(t *testing.T, slower time.Duration, users int) []compare.Pair {
	t.Helper()
	w := newWorld(t)
	green, blue := w.side(t, "green", slower), w.side(t, "blue", 0)
	var pairs []compare.Pair
	for i := range 80 {
		for range users {
			blue("/")
		}
		var p compare.Pair
		if i%2 == 0 {
			p.Green.Latency, p.Blue.Latency = green("/search"), blue("/search")
		} else {
			p.Blue.Latency, p.Green.Latency = blue("/search"), green("/search")
		}
		if i >= 20 { // those before warm up
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func judged(pairs []compare.Pair) compare.Result {
	return compare.Judge([]compare.Sample{{
		Blocks: []compare.Block{{Pairs: pairs}}, MinShift: compare.MinShift, MinRatio: compare.MinRatio,
	}})[0]
}

// The 40 ms by which Linux may delay an acknowledgement must be on no side. Without a user they were on green's, with
// two for each pair on blue's.
func TestBothSidesAreComparedFairly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux acknowledges at once when it is asked to")
	}
	for _, users := range []int{0, 2} {
		for range 2 { // ten whole rehearsals are a story of buildtools/rehearse
			same := rehearsed(t, 0, users)
			swapped := make([]compare.Pair, len(same))
			for i, p := range same {
				swapped[i] = compare.Pair{Green: p.Blue, Blue: p.Green}
			}
			for _, pairs := range [][]compare.Pair{same, swapped} {
				if r := judged(pairs); r.Outcome != compare.Pass {
					t.Errorf("%d users, the same release on both sides: %s, %s", users, r.Outcome, r.Reason)
				}
			}
		}
		slower := rehearsed(t, 30*time.Millisecond, users)
		if r := judged(slower); !r.Shift.Worse {
			t.Errorf("%d users, a release slower by 30 ms: %s, %s", users, r.Outcome, r.Reason)
		}
	}
}

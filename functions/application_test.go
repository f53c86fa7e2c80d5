package functions_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// release is the one that every deployment here releases; 1.0 serves production.
const release = "1.1"

// application is the trip planner at its best. What a case bends stands in routes and around.
type application struct {
	release string
	// routes replace, by "GET /trips".
	routes map[string]http.HandlerFunc
	// around stands before every route.
	around func(http.Handler) http.Handler
}

func (a application) handler() http.Handler {
	o := orders{made: map[string]time.Time{}}
	routes := map[string]http.HandlerFunc{
		"GET /{$}": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>Trips</h1>") },
		"GET /version": func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, map[string]string{"version": a.release})
		},
		"GET /trips":          trips,
		"GET /report":         func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]int{"trips": 2}) },
		"POST /orders":        o.create,
		"GET /orders/{id}":    o.get,
		"DELETE /orders/{id}": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	}
	for pattern, f := range a.routes {
		routes[pattern] = f
	}
	mux := http.NewServeMux()
	for pattern, f := range routes {
		mux.HandleFunc(pattern, f)
	}
	if a.around != nil {
		return a.around(mux)
	}
	return mux
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func trips(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string][]string{"trips": {"Lisbon", "Kyoto"}})
}

// orders is a store in which an order can be read some time after it was made.
type orders struct {
	mu   sync.Mutex
	made map[string]time.Time
	// later is how long a new order cannot be read yet; lost says never.
	later time.Duration
	lost  bool
}

func (o *orders) create(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := fmt.Sprintf("o-%d", len(o.made)+1)
	o.made[id] = time.Now()
	reply(w, http.StatusCreated, map[string]string{"id": id, "status": "created"})
}

func (o *orders) get(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	made, ok := o.made[r.PathValue("id")]
	o.mu.Unlock()
	if !ok || o.lost || time.Since(made) < o.later {
		reply(w, http.StatusNotFound, map[string]string{"error": "no such order for " + leak(r)})
		return
	}
	reply(w, http.StatusOK, map[string]string{"id": r.PathValue("id"), "sku": "A-1"})
}

// good is the new release without a fault, old the one in production.
func good() application { return application{release: release} }
func old() application  { return application{release: "1.0"} }

// with returns the new release with one route replaced.
func with(pattern string, f http.HandlerFunc) application {
	return application{release: release, routes: map[string]http.HandlerFunc{pattern: f}}
}

// withOrders returns the new release with a store of its own kind.
func withOrders(o *orders) application {
	o.made = map[string]time.Time{}
	return application{release: release, routes: map[string]http.HandlerFunc{"POST /orders": o.create, "GET /orders/{id}": o.get}}
}

// around returns the new release behind f.
func around(f func(http.Handler) http.Handler) application {
	return application{release: release, around: f}
}

// answers answers with the status, and with every secret that it was sent.
func answers(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Debug", leak(r))
		reply(w, status, map[string]string{"error": "upstream said no to " + leak(r)})
	}
}

// failing lets f answer the requests whose number, from 1, when chooses.
func failing(when func(n int64) bool, f http.HandlerFunc) func(http.Handler) http.Handler {
	var count atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if when(count.Add(1)) {
				f(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// slowly lets every n-th request of one path take so long.
func slowly(path string, duration func(n int64) time.Duration) func(http.Handler) http.Handler {
	var count atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				timer := time.NewTimer(duration(count.Add(1)))
				defer timer.Stop()
				select {
				case <-timer.C:
				case <-r.Context().Done():
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// serve puts the application behind a listener and returns its base URL.
func serve(t testing.TB, a application) string {
	t.Helper()
	return handle(t, a.handler())
}

func handle(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// tasks are several tasks behind one listener, which gives each connection to the next of them.
func tasks(t testing.TB, all ...application) string {
	t.Helper()
	var handlers []http.Handler
	for _, a := range all {
		handlers = append(handlers, a.handler())
	}
	var mu sync.Mutex
	chosen := map[string]http.Handler{}
	var count int
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := chosen[r.RemoteAddr]
		mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			defer mu.Unlock()
			chosen[c.RemoteAddr().String()] = handlers[count%len(handlers)]
			count++
		}
	}
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// late returns the URL of a listener that nobody listens at for so long: the port is bound all the time.
func late(t testing.TB, a application, after time.Duration) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: a.handler(), ReadHeaderTimeout: time.Minute}
	timer := time.AfterFunc(after, func() {
		if err := syscall.Listen(fd, 128); err != nil {
			t.Error(err)
			return
		}
		l, err := listenerOf(fd)
		if err != nil {
			t.Error(err)
			return
		}
		_ = s.Serve(l)
	})
	t.Cleanup(func() {
		timer.Stop()
		_ = s.Close()
	})
	return fmt.Sprintf("http://127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// nobody returns the URL of a port that is bound, and that nobody listens at.
func nobody(t testing.TB) string {
	t.Helper()
	return late(t, good(), time.Hour)
}

// drip never ends its answer, and never pauses long enough to look dead.
func drip(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	_, _ = io.WriteString(w, `{"trips":["`)
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			_, _ = io.WriteString(w, "x")
			_ = flush.Flush()
		}
	}
}

// endless answers as fast as it can, for ever.
func endless(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(`"Lisbon",`, 4096))
	_, _ = io.WriteString(w, `{"trips":[`)
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// packed is 256 KiB that unpack to 256 MiB: one mebibyte of nothing, packed once and said 256 times.
var packed = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20)) // into memory
	_ = z.Close()
	return bytes.Repeat(b.Bytes(), 256)
})

// bomb answers with little that becomes much.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packed())
}

// reset breaks the connection in the hard way, with what it owes unsent.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// login sends everybody to a page for people, with a friendly 200.
func login(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><form action=/login>Please sign in. You sent "+leak(r)+"</form></html>")
	})
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// hostile answers with the body, and puts as much of it into a header as one takes.
func hostile(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Note", body[:min(len(body), 4000)])
		_, _ = io.WriteString(w, body)
	}
}

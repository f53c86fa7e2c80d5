package task

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

// BuiltinArg is the first argument with which a program that offers built-in releases starts itself as one; a person
// says serveArg.
const BuiltinArg, serveArg = "__builtin", "serve"

// Builtin is one built-in release.
type Builtin struct {
	// About says in a few words in which way it is broken.
	Name, About string
	wrap        func(next http.Handler) http.Handler
	// suffix is what it adds to its version; listen, when set, replaces serving.
	suffix string
	listen func(ctx context.Context) error
}

// BuiltinOptions is what a built-in server is told.
type BuiltinOptions struct {
	Release, Port string
	// Store is the base URL of the Store; where it is empty the release has one of its own.
	Store string
}

// slowness is what "slow" adds to each answer.
const slowness = 300 * time.Millisecond

// Builtins lists the built-in releases.
func Builtins() []Builtin {
	broken := says(http.StatusInternalServerError, `relation "trips" does not exist`)
	starting, failing := says(http.StatusServiceUnavailable, "starting"), says(http.StatusOK, "upstream timed out")
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	return []Builtin{
		{Name: "good", About: "answers every route rightly"},
		{Name: "500", About: "GET /api/trips answers 500", wrap: trips(broken)},
		{Name: "slow", About: "every answer takes 300 ms longer", wrap: slow},
		{Name: "leak", About: "answers every 4th request of production's users with 500, and no other", wrap: leak},
		{Name: "wrong-version", About: "says that it is another version", suffix: "-stale"},
		{Name: "error-body", About: "GET /api/trips answers 200 with an error in its body", wrap: trips(failing)},
		{Name: "never-ready", About: "answers 503 to everything", wrap: func(http.Handler) http.Handler { return starting }},
		{Name: "hang", About: "GET /api/trips never answers", wrap: trips(silent)},
		{Name: "crash", About: "ends at once with exit status 1", listen: func(context.Context) error {
			return errors.New("cannot connect to the database: connection refused")
		}},
		{Name: "deaf", About: "never opens its port", listen: func(ctx context.Context) error { <-ctx.Done(); return nil }},
	}
}

// FindBuiltin returns the release with the name.
func FindBuiltin(name string) (Builtin, bool) {
	for _, r := range Builtins() {
		if r.Name == name {
			return r, true
		}
	}
	return Builtin{}, false
}

// Serve serves the release on o.Port until ctx ends.
func (r Builtin) Serve(ctx context.Context, o BuiltinOptions) error {
	if r.listen != nil {
		return r.listen(ctx)
	}
	o.Release += r.suffix
	handler := application(o)
	if r.wrap != nil {
		handler = r.wrap(handler)
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+o.Port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(socket) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = server.Shutdown(grace)
	return nil
}

// Child is for a program that runs tasks, which is itself the keeper of each process and each built-in release: it
// hands its arguments over, without its name, before it does anything else. When they are a child's, Child runs it to
// its end and returns the exit status.
func Child(args []string, getenv func(string) string) (exit int, child bool) {
	switch {
	case len(args) == 0:
	case args[0] == process.KeeperArg:
		return process.Keep(args[1:], os.Stdin), true
	case args[0] == BuiltinArg, args[0] == serveArg:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return serveBuiltin(ctx, args[1:], BuiltinOptions{Release: getenv("RELEASE"), Port: getenv("PORT")}), true
	}
	return 0, false
}

// serveBuiltin is a built-in release as a process: args are its name and the Store's base URL, which a person who starts
// it has none of. It returns the exit status.
func serveBuiltin(ctx context.Context, args []string, o BuiltinOptions) int {
	args = slices.Concat(args, []string{"", ""})
	r, ok := FindBuiltin(args[0])
	if o.Store = args[1]; !ok || o.Port == "" {
		_, _ = fmt.Fprintln(os.Stderr, "rehearse: want PORT=8080 RELEASE=1.1.0 rehearse serve NAME, one of those of --green builtin:NAME")
		return 2
	}
	if err := r.Serve(ctx, o); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// trips replaces the route of the list of trips.
func trips(f http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", next)
		mux.HandleFunc("GET /api/trips", f)
		return mux
	}
}

// says answers with an error, whatever the status.
func says(status int, text string) http.HandlerFunc {
	return always(status, map[string]any{"error": text})
}

func always(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
}

func slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slowness):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// TrafficAgent marks the requests of a rehearsal's own users.
const TrafficAgent = "greenlight-rehearse-traffic"

func leak(next http.Handler) http.Handler {
	var served atomic.Int64
	exhausted := says(http.StatusInternalServerError, "the pool of connections is exhausted")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() == TrafficAgent && served.Add(1)%4 == 0 {
			exhausted(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body) // texts and numbers always can
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// Trip is what the application plans.
type Trip struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Days   int    `json:"days"`
	Status string `json:"status"`
}

// seeded are the trips that every release knows from the start. The list shows these and only these,
// so that a check of the list holds while another check creates and deletes trips.
func seeded() []Trip {
	return []Trip{{"t-1", "Lisbon", 4, "planned"}, {"t-2", "Kyoto", 9, "booked"}, {"t-3", "Tromsø", 5, "planned"}}
}

func application(o BuiltinOptions) http.Handler {
	var store http.Handler = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", strings.TrimPrefix(o.Store, "http://")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			says(http.StatusInternalServerError, err.Error())(w, r)
		},
	}
	if o.Store == "" {
		store = &Store{}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!doctype html><html lang=en><title>Trips</title><h1>Trips</h1><p>Release %s\n",
			html.EscapeString(o.Release))
	})
	mux.HandleFunc("GET /health", always(http.StatusOK, map[string]string{"status": "ok"}))
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-App-Version", o.Release)
		reply(w, http.StatusOK, map[string]string{"version": o.Release})
	})
	mux.HandleFunc("GET /api/trips", always(http.StatusOK, map[string][]Trip{"trips": seeded()}))
	mux.Handle("GET /api/trips/{id}", store)
	mux.Handle("POST /api/trips", store)
	mux.Handle("DELETE /api/trips/{id}", store)
	mux.HandleFunc("GET /api/report", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"trips": len(seeded()), "score": work()})
	})
	return mux
}

// work keeps a processor busy for a few milliseconds, as a report would.
func work() float64 {
	sum := 0.0
	for i := range 100_000 {
		sum += math.Sqrt(float64(i))
	}
	return math.Round(sum)
}

const (
	maxTrip = 64 << 10
	// maxStored bounds what a Store keeps; a suite that never cleans up must not fill the memory.
	maxStored = 100_000
)

// Store is what the tasks share: it makes, shows and deletes trips, for each task that passes a request on to it. It
// lives in the process that starts the tasks, and nothing of it is left when that ends.
type Store struct {
	mu    sync.Mutex
	trips map[string]Trip
}

// ServeHTTP answers one task.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent Trip
	var wrong error
	id, creates := strings.TrimPrefix(r.URL.Path, "/api/trips/"), r.Method == http.MethodPost
	if creates {
		wrong = json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTrip)).Decode(&sent)
	}
	if creates && wrong == nil && (sent.Title == "" || sent.Days < 1) {
		wrong = errors.New("a trip has a title and at least one day")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	trip, found := s.trips[id]
	if i := slices.IndexFunc(seeded(), func(t Trip) bool { return t.ID == id }); i >= 0 && r.Method == http.MethodGet {
		trip, found = seeded()[i], true
	}
	switch {
	case wrong != nil:
		says(http.StatusBadRequest, wrong.Error())(w, r)
	case creates && len(s.trips) >= maxStored:
		says(http.StatusInternalServerError, "the store is full")(w, r)
	case creates:
		sent.ID, sent.Status = "t-"+strings.ToLower(rand.Text()), "planned"
		if s.trips == nil {
			s.trips = map[string]Trip{}
		}
		s.trips[sent.ID] = sent
		w.Header().Set("Location", "/api/trips/"+sent.ID)
		reply(w, http.StatusCreated, sent)
	case !found:
		says(http.StatusNotFound, "no such trip")(w, r)
	case r.Method == http.MethodDelete:
		delete(s.trips, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		reply(w, http.StatusOK, trip)
	}
}

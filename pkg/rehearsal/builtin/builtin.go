// Package builtin is a set of small servers that stand for releases of one application, a trip planner:
// one that is right, and ones that are broken in exactly one way, to see what a gate makes of them.
//
// It refuses to be broken in two ways at once: whatever a release's name does not say works as in "good".
//
// Trips that are created live in a Store outside the tasks, as they would in a database: two tasks, and
// blue and green, see the same ones.
package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Arg is the first argument with which a program that offers built-in releases starts itself as one.
const Arg = "__builtin"

// Release is one built-in release.
type Release struct {
	Name string
	// About says in a few words in which way it is broken.
	About string
	wrap  func(o Options, next http.Handler) http.Handler
	// listen, when set, replaces serving.
	listen func(ctx context.Context, o Options) error
}

// Options is what a built-in server is told.
type Options struct {
	Release, Port string
	// Store is the base URL of the Store.
	Store string
}

// slowness is what "slow" adds to each answer.
const slowness = 300 * time.Millisecond

// Releases lists the built-in releases.
func Releases() []Release {
	return []Release{
		{Name: "good", About: "answers every route rightly"},
		{Name: "500", About: "GET /api/trips answers 500", wrap: only("GET /api/trips", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusInternalServerError, map[string]string{"error": "relation \"trips\" does not exist"})
		})},
		{Name: "slow", About: "every answer takes 300 ms longer", wrap: slow},
		{Name: "wrong-version", About: "says that it is another version", wrap: func(o Options, _ http.Handler) http.Handler {
			o.Release += "-stale"
			return application(o)
		}},
		{Name: "error-body", About: "GET /api/trips answers 200 with an error in its body", wrap: only("GET /api/trips", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, map[string]string{"error": "upstream timed out"})
		})},
		{Name: "never-ready", About: "answers 503 to everything", wrap: func(Options, http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusServiceUnavailable, map[string]string{"error": "starting"})
			})
		}},
		{Name: "hang", About: "GET /api/trips never answers", wrap: only("GET /api/trips", func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})},
		{Name: "crash", About: "ends at once with exit status 1", listen: func(context.Context, Options) error {
			return errors.New("cannot connect to the database: connection refused")
		}},
		{Name: "deaf", About: "never opens its port", listen: func(ctx context.Context, _ Options) error {
			<-ctx.Done()
			return nil
		}},
	}
}

// Find returns the release with the name.
func Find(name string) (Release, bool) {
	for _, r := range Releases() {
		if r.Name == name {
			return r, true
		}
	}
	return Release{}, false
}

// Serve serves the release on o.Port until ctx ends.
func (r Release) Serve(ctx context.Context, o Options) error {
	if r.listen != nil {
		return r.listen(ctx, o)
	}
	handler := application(o)
	if r.wrap != nil {
		handler = r.wrap(o, handler)
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+o.Port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// only replaces one route.
func only(pattern string, f http.HandlerFunc) func(Options, http.Handler) http.Handler {
	return func(_ Options, next http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", next)
		mux.HandleFunc(pattern, f)
		return mux
	}
}

func slow(_ Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(slowness)
		defer timer.Stop()
		select {
		case <-timer.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		text, status = fmt.Appendf(nil, `{"error":%q}`, err), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

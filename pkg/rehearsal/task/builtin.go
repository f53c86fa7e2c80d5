package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

// BuiltinArg is the first argument with which a program that offers built-in releases starts itself as one.
const BuiltinArg = "__builtin"

// Builtin is one built-in release.
type Builtin struct {
	Name string
	// About says in a few words in which way it is broken.
	About string
	wrap  func(o BuiltinOptions, next http.Handler) http.Handler
	// listen, when set, replaces serving.
	listen func(ctx context.Context, o BuiltinOptions) error
}

// BuiltinOptions is what a built-in server is told.
type BuiltinOptions struct {
	Release, Port string
	// Store is the base URL of the Store.
	Store string
}

// slowness is what "slow" adds to each answer.
const slowness = 300 * time.Millisecond

// Builtins lists the built-in releases.
func Builtins() []Builtin {
	return []Builtin{
		{Name: "good", About: "answers every route rightly"},
		{
			Name: "500", About: "GET /api/trips answers 500",
			wrap: trips(says(http.StatusInternalServerError, `relation "trips" does not exist`)),
		},
		{Name: "slow", About: "every answer takes 300 ms longer", wrap: slow},
		{
			Name: "wrong-version", About: "says that it is another version",
			wrap: func(o BuiltinOptions, _ http.Handler) http.Handler {
				o.Release += "-stale"
				return application(o)
			},
		},
		{
			Name: "error-body", About: "GET /api/trips answers 200 with an error in its body",
			wrap: trips(says(http.StatusOK, "upstream timed out")),
		},
		{
			Name: "never-ready", About: "answers 503 to everything",
			wrap: func(BuiltinOptions, http.Handler) http.Handler {
				return says(http.StatusServiceUnavailable, "starting")
			},
		},
		{
			Name: "hang", About: "GET /api/trips never answers",
			wrap: trips(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		},
		{
			Name: "crash", About: "ends at once with exit status 1",
			listen: func(context.Context, BuiltinOptions) error {
				return errors.New("cannot connect to the database: connection refused")
			},
		},
		{
			Name: "deaf", About: "never opens its port",
			listen: func(ctx context.Context, _ BuiltinOptions) error {
				<-ctx.Done()
				return nil
			},
		},
	}
}

// FindBuiltin returns the release with the name.
func FindBuiltin(name string) (Builtin, bool) {
	all := Builtins()
	if i := slices.IndexFunc(all, func(r Builtin) bool { return r.Name == name }); i >= 0 {
		return all[i], true
	}
	return Builtin{}, false
}

// Serve serves the release on o.Port until ctx ends.
func (r Builtin) Serve(ctx context.Context, o BuiltinOptions) error {
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

// Child is for a program that runs tasks, which is itself the keeper of each process and each built-in release: it
// hands its arguments over, without its name, before it does anything else. When they are a child's, Child runs it to
// its end and returns the exit status.
func Child(args []string, getenv func(string) string) (exit int, child bool) {
	switch {
	case len(args) == 0:
	case args[0] == process.KeeperArg:
		return process.Keep(args[1:], os.Stdin), true
	case args[0] == BuiltinArg:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return serveBuiltin(ctx, args[1:], BuiltinOptions{Release: getenv("RELEASE"), Port: getenv("PORT")}), true
	}
	return 0, false
}

// serveBuiltin is a built-in release as a process: args are its name and the Store's base URL. It returns the
// exit status.
func serveBuiltin(ctx context.Context, args []string, o BuiltinOptions) int {
	if len(args) != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "a built-in release is started by rehearse alone")
		return 2
	}
	r, ok := FindBuiltin(args[0])
	if !ok {
		_, _ = fmt.Fprintf(os.Stderr, "no built-in release %q\n", args[0])
		return 2
	}
	o.Store = args[1]
	if err := r.Serve(ctx, o); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// trips replaces the route of the list of trips.
func trips(f http.HandlerFunc) func(BuiltinOptions, http.Handler) http.Handler {
	return func(_ BuiltinOptions, next http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", next)
		mux.HandleFunc("GET /api/trips", f)
		return mux
	}
}

// says answers with an error, whatever the status.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, map[string]string{"error": text}) }
}

func slow(_ BuiltinOptions, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slowness):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body) // texts and numbers always can
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

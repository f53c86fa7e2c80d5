package faults

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// Scope says where a fault is put.
type Scope string

// The scopes.
const (
	// OneRoute faults break the requests of one route.
	OneRoute Scope = "route"
	// WholeRelease faults break the release whatever is asked.
	WholeRelease Scope = "release"
)

// Fault is one way to be broken.
type Fault struct {
	Name string `json:"fault"`
	// About says what a client meets, in a few words.
	About string `json:"about"`
	Scope Scope  `json:"scope"`

	// picks says which requests are broken: nil all of the route's, or of the release's.
	picks func(f *front, r *http.Request) bool
	serve func(f *front, w http.ResponseWriter, r *http.Request)
}

const (
	// delay is what "latency" adds: too long for a user, and below a request's default time-out of 5 s, so that only
	// a suite with a time-out of its own notices it.
	delay = 3 * time.Second
	// every is how many answers there are for each one that "errors" breaks.
	every = 10
	// dripTime is how long a dripping body takes in all.
	dripTime = time.Minute
	// bombSize is what a gzip bomb unpacks to.
	bombSize = 256 << 20
)

// Faults lists all faults, those of the whole release first.
func Faults() []Fault {
	return []Fault{
		{"wrong-version", "the old version answers in place of the new one", WholeRelease, (*front).hasOld, oldVersion},
		{"one-old-task", "one task runs the old version", WholeRelease, (*front).firstOld, oldVersion},
		{"one-bad-task", "one task answers 500", WholeRelease, (*front).first, internalError},
		{"errors", "every 10th answer is a 500", WholeRelease, (*front).tenth, internalError},
		{"leak-in-production", "from production's 20th request on every 4th answer is a 500", WholeRelease, (*front).leaks, internalError},
		{"log-errors", "each answer is right, and an error is logged beside it", WholeRelease, nil, logsError},
		{killed, "a task is killed every minute once it serves production", WholeRelease, nil, nil},
		{"hang", "no answer ever comes", OneRoute, nil, hang},
		{"drip", "the body comes byte by byte and takes a minute", OneRoute, nil, drip},
		{"latency", "each answer takes 3 s longer", OneRoute, nil, latency},
		{"500", "the answer is a 500", OneRoute, nil, internalError},
		{"reset", "the connection is reset", OneRoute, nil, reset},
		{"truncated", "the body breaks off in the middle", OneRoute, nil, truncated},
		{"endless", "the body never ends", OneRoute, nil, endless},
		{"gzip-bomb", "256 KiB of gzip unpack to 256 MiB", OneRoute, nil, bomb},
		{"redirect", "a redirect leads to a login page that answers 200", OneRoute, nil, redirect},
		{"error-200", "the status is 200, the body tells of an error", OneRoute, nil, errorBody},
	}
}

// killed is the fault that no front makes: tasks end.
const killed = "task-killed"

// Watched reports whether only a watch can see the fault: production's traffic brings it, and no request of a suite.
func (f Fault) Watched() bool {
	return slices.Contains([]string{"leak-in-production", "log-errors", killed}, f.Name)
}

// Waits reports whether the fault makes a client wait.
func (f Fault) Waits() bool {
	return f.Scope == WholeRelease || slices.Contains([]string{"hang", "drip", "latency"}, f.Name)
}

const (
	// loginPath is where "redirect" leads; the front answers it, not the task.
	loginPath = "/__login"
	errorText = `{"error":"internal server error"}` + "\n"
	loginText = "<!doctype html><html lang=en><title>Sign in</title><h1>Sign in</h1><form><input name=user><input " +
		"name=password type=password></form>\n"
	sorryText = "<!doctype html><html lang=en><title>Sorry</title><h1>Something went wrong</h1>\n"
)

func (f *front) hasOld(*http.Request) bool     { return f.old != nil }
func (f *front) first(*http.Request) bool      { return f.task == 0 }
func (f *front) firstOld(r *http.Request) bool { return f.first(r) && f.hasOld(r) }

// tenth picks every 10th request of the release, whichever task it reaches.
func (f *front) tenth(*http.Request) bool { return f.asked.Add(1)%every == 0 }

// leaks picks requests of production's traffic alone: every 4th, once there were 20.
func (f *front) leaks(r *http.Request) bool {
	if r.UserAgent() != task.TrafficAgent {
		return false
	}
	n := f.asked.Add(1)
	return n >= 20 && n%4 == 0
}

func logsError(f *front, w http.ResponseWriter, r *http.Request) {
	if write := f.log.Load(); write != nil {
		(*write)(f.task, `{"level":"error","severity":"ERROR","message":"ERROR Exception: the pool is exhausted"}`)
	}
	f.green.ServeHTTP(w, r)
}

func oldVersion(f *front, w http.ResponseWriter, r *http.Request) { f.old.ServeHTTP(w, r) }

func internalError(_ *front, w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusInternalServerError, "application/json", errorText)
}

func answer(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func redirect(_ *front, w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, loginPath, http.StatusFound)
}

func hang(_ *front, _ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func latency(f *front, w http.ResponseWriter, r *http.Request) {
	if pause(r, delay) {
		f.green.ServeHTTP(w, r)
	}
}

// pause reports false when the client went away first.
func pause(r *http.Request, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
		return false
	}
}

func reset(_ *front, w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST in place of FIN
	}
	_ = conn.Close()
}

// broken gets the task's answer, passes on its header, with a Content-Length of at least so much, or none when that is
// negative, and hands the body to send. After HEAD no body may follow.
func (f *front) broken(w http.ResponseWriter, r *http.Request, least int, send func(body []byte)) {
	s, err := f.ask(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if s.Status == http.StatusNoContent || s.Status == http.StatusNotModified {
		s.Status = http.StatusOK // these can have no body to break
	}
	maps.Copy(w.Header(), s.Header)
	w.Header().Del("Content-Length")
	if least >= 0 {
		w.Header().Set("Content-Length", strconv.Itoa(max(least, len(s.Body))))
	}
	if w.WriteHeader(s.Status); r.Method != http.MethodHead {
		send(s.Body)
	}
}

// drip sends the right answer, too slowly for anybody.
func drip(f *front, w http.ResponseWriter, r *http.Request) {
	f.broken(w, r, -1, func(body []byte) {
		if len(body) == 0 {
			body = []byte("\n")
		}
		for _, b := range body {
			if http.NewResponseController(w).Flush() != nil || !pause(r, max(time.Second, dripTime/time.Duration(len(body)))) {
				return
			}
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
		}
	})
}

// truncated announces the whole body, and sends half.
func truncated(f *front, w http.ResponseWriter, r *http.Request) {
	f.broken(w, r, 2, func(body []byte) {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
	})
	panic(http.ErrAbortHandler)
}

func endless(f *front, w http.ResponseWriter, r *http.Request) {
	f.broken(w, r, -1, func(body []byte) {
		more := bytes.Repeat([]byte(" "), 64<<10)
		_, err := w.Write(body)
		for err == nil && r.Context().Err() == nil {
			_, err = w.Write(more)
		}
	})
}

// bomb answers with as many copies of one small gzip member as unpack to its size.
func bomb(_ *front, w http.ResponseWriter, _ *http.Request) {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	const unpacked = 1 << 20
	_, _ = z.Write(make([]byte, unpacked)) // a bytes.Buffer takes all
	_ = z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	answer(w, http.StatusOK, "application/json", "")
	for range bombSize / unpacked {
		if _, err := w.Write(member.Bytes()); err != nil { // after HEAD none may follow
			return
		}
	}
}

// errorBody answers 200 in the form in which the task answers. A write is not passed on to the
// task: a write that failed must have changed nothing.
func errorBody(f *front, w http.ResponseWriter, r *http.Request) {
	contentType := "application/json"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if s, err := f.ask(r); err == nil && s.Header.Get("Content-Type") != "" {
			contentType = s.Header.Get("Content-Type")
		}
	}
	body := map[bool]string{true: sorryText, false: errorText}[strings.HasPrefix(contentType, "text/html")]
	answer(w, http.StatusOK, contentType, body)
}

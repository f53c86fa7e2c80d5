package faults

import (
	"net/http"
	"slices"
	"time"
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
	Name string
	// About says what a client meets, in a few words.
	About string
	Scope Scope

	// picks says which requests are broken: nil all of the route's.
	picks func(f *front) bool
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

// Waits reports whether the fault makes a client wait.
func (f Fault) Waits() bool {
	return f.Scope == WholeRelease || slices.Contains([]string{"hang", "drip", "latency"}, f.Name)
}

package alb

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxEntries bounds the log; beyond it requests are still counted, but no longer kept one by one.
const maxEntries = 200_000

// Request is one line of the access log.
type Request struct {
	At        time.Time     `json:"at"`
	Listener  string        `json:"listener"`
	Group     string        `json:"target_group,omitempty"`
	Target    string        `json:"target,omitempty"`
	Release   string        `json:"release,omitempty"`
	Method    string        `json:"method"`
	Path      string        `json:"path"`
	Status    int           `json:"status"`
	Bytes     int64         `json:"bytes"`
	Duration  time.Duration `json:"duration_ns"`
	UserAgent string        `json:"user_agent,omitempty"`
}

// Failed reports whether the request was answered with a server's error, or not at all.
func (r Request) Failed() bool { return r.Status == 0 || r.Status >= 500 }

// Tally counts the requests of one listener that one release answered.
type Tally struct {
	Listener string `json:"listener"`
	// Release is empty for requests that reached no target.
	Release  string `json:"release"`
	Requests int64  `json:"requests"`
	// Errors are those answered with 5xx or not at all.
	Errors int64 `json:"errors"`
}

// Log is the access log.
type Log struct {
	// Background is the user agent whose requests do not count for Busy.
	Background string

	mu      sync.Mutex
	entries []Request
	tallies map[[2]string]Tally
	// active counts the requests under way, latest is the one that ended last; both without the background's.
	active int
	latest Request
}

// ours reports whether a request is none of the background's.
func (l *Log) ours(r Request) bool { return r.UserAgent == "" || r.UserAgent != l.Background }

func (l *Log) begin(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ours(r) {
		l.active++
	}
}

func (l *Log) end(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ours(r) {
		l.active--
		l.latest = r
	}
	if len(l.entries) < maxEntries {
		l.entries = append(l.entries, r)
	}
	key := [2]string{r.Listener, r.Release}
	t := l.tallies[key]
	t.Listener, t.Release, t.Requests = r.Listener, r.Release, t.Requests+1
	if r.Failed() {
		t.Errors++
	}
	l.tallies[key] = t
}

// Entries returns the requests that were kept, in the order in which they ended.
func (l *Log) Entries() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Tallies returns the counts, by listener and release.
func (l *Log) Tallies() []Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.tallies), func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Listener, b.Listener), cmp.Compare(a.Release, b.Release))
	})
}

// Latest says what the request that ended last came to; the background's are left out.
func (l *Log) Latest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest.Status == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s was answered with %d", l.latest.Method, l.latest.Path, l.latest.Status)
}

// Busy returns how many requests are under way and when one last ended, leaving out the background's.
func (l *Log) Busy() (active int, last time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active, l.latest.At.Add(l.latest.Duration)
}

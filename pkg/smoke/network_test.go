package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// network is a network in memory, so that its time is the bubble's.
type network struct {
	t     *testing.T
	mu    sync.Mutex
	hosts map[string]*memListener
	stop  []func()
}

type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error { l.once.Do(func() { close(l.done) }); return nil }

func (l *memListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (n *network) serve(host string, h http.HandlerFunc) {
	l := &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]*memListener{}
	}
	n.hosts[host+":80"] = l
	n.stop = append(n.stop, func() { _ = s.Close(); wg.Wait() })
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l, ok := n.hosts[addr]
	n.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	}
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.stop {
		f()
	}
}

// run runs a suite in the bubble: green and blue are the hosts' names.
func (n *network) run(ctx context.Context, text string, change func(*Job)) finding.Report {
	n.t.Helper()
	src := suite.Source{Name: "smoke.yaml", Text: []byte(text)}
	suite, problems := suite.Read(src)
	if suite == nil {
		var b strings.Builder
		_ = problems.Write(&b, diagnostic.Text, "program")
		n.t.Fatalf("the suite is refused:\n%s", &b)
	}
	job := Job{Suite: src, Target: Side{URL: "http://green"}, Release: "1.1.0", DeploymentID: "d-1", Phases: []finding.Phase{finding.PhaseReady, finding.PhaseJudge}}
	if _, ok := n.hosts["blue:80"]; ok {
		job.Baseline.URL = "http://blue"
	}
	if change != nil {
		change(&job)
	}
	return (&runner{suite: suite, job: job, started: time.Now(), dial: n.dial}).run(ctx)
}

// byAddress asks green and blue without a name. A suite with a host has the names looked up, and what net's resolver
// makes in a bubble must not be met outside of it.
func byAddress(j *Job) { j.Target.URL, j.Baseline.URL = "http://192.0.2.1", "http://192.0.2.2" }

// inBubble runs f with a network whose green and blue answer as the handlers do.
func inBubble(t *testing.T, green, blue http.HandlerFunc, f func(n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{t: t}
		if green != nil {
			n.serve("green", green)
			n.hosts["192.0.2.1:80"] = n.hosts["green:80"]
		}
		if blue != nil {
			n.serve("blue", blue)
			n.hosts["192.0.2.2:80"] = n.hosts["blue:80"]
		}
		f(n)
		n.close()
	})
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// until answers as before for some time, then as after.
func until(d time.Duration, before, after http.HandlerFunc) http.HandlerFunc {
	var once sync.Once
	var start time.Time
	return func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { start = time.Now() })
		if time.Since(start) < d {
			before(w, r)
			return
		}
		after(w, r)
	}
}

func version(v string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"version":%q}`, v) }
}

func expectReport(t *testing.T, r finding.Report, v finding.Verdict, b finding.Blame, reason string) {
	t.Helper()
	if r.Verdict != v || r.Blame != b || !strings.Contains(r.Reason, reason) {
		t.Errorf("got %s (%s): %s\nwant %s (%s): … %s", r.Verdict, r.Blame, r.Reason, v, b, reason)
	}
}

const home = "version: 1\nchecks:\n  - name: home\n    request: GET /\n    expect: {status: 200}\n"

const proof = "version: 1\nchecks:\n  - name: version\n    request: GET /version\n    expect: {json: {$.version: \"${RELEASE}\"}}\n"

func throughJSON(t *testing.T, from, to any) {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

package gate_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// stuck is an environment that does not answer for HANG until it is let go, whatever the context says.
type stuck struct {
	envconfig.Lookuper
	letGo, gone chan struct{}
}

func (s stuck) Lookup(name string) (string, bool) {
	if name == "HANG" {
		<-s.letGo
		defer close(s.gone)
		return "x", true
	}
	return s.Lookuper.Lookup(name)
}

// log may be read while somebody writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A run that does not stop is left behind in time for the status, and its remains never reach the log of
// the invocation that comes next.
func TestARunThatDoesNotStopIsLeftBehind(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.env["SUITE"] = w.file("smoke.yaml", strings.Replace(suite, "readiness:", "variables: {X: {env: HANG}}\nreadiness:", 1))
	s := stuck{envconfig.MapLookuper(w.env), make(chan struct{}), make(chan struct{})}
	const limit = 8 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var out log
	g := gate.New(ctx, lifecycle.AfterAllowTestTraffic, s.Lookuper, &out)
	g.Environment = s
	began := time.Now()
	_, err := g.Handle(ctx, []byte(event))
	if took := time.Since(began); took > limit-2*time.Second {
		t.Errorf("took %v of %v", took, limit)
	}
	first := out.String()
	o := outcome{err: err, log: first, stored: w.stored}
	o.read(t)
	o.wants(t, "ERROR", "gate", "Failed", "did not stop")
	close(s.letGo)
	<-s.gone
	quiet := time.NewTimer(300 * time.Millisecond)
	defer quiet.Stop()
	<-quiet.C
	if more := strings.TrimPrefix(out.String(), first); more != "" {
		t.Errorf("the run that was left behind wrote on:\n%s", more)
	}
}

// Whatever the suite's reader refuses is the configuration's fault, and shuts the gate.
func TestEveryBrokenSuiteShutsTheGate(t *testing.T) {
	files, err := filepath.Glob("../smoke/testdata/refused/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d broken suites, %v", len(files), err)
	}
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		w.env["SUITE"], w.stored = path, nil
		t.Run(filepath.Base(file), func(t *testing.T) { w.after().wants(t, "ERROR", "config", "Failed", "") })
	}
}

package gate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

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
	w.env["SUITE"] = "ssm:/suite"
	letGo, gone := make(chan struct{}), make(chan struct{})
	const limit = 8 * time.Second
	w.env["EVIDENCE_PARAMETER"] = ""
	o := w.without(limit, func() {
		<-letGo
		close(gone)
		runtime.Goexit()
	})
	if o.took > limit-2*time.Second {
		t.Errorf("took %v of %v", o.took, limit)
	}
	o.wants(t, "ERROR", "gate", "Failed", "did not stop")
	close(letGo)
	<-gone
	quiet := time.NewTimer(300 * time.Millisecond)
	defer quiet.Stop()
	<-quiet.C
	if more := strings.TrimPrefix(o.later(), o.log); more != "" {
		t.Errorf("the run that was left behind wrote on:\n%s", more)
	}
}

// Whatever the suite's reader refuses is the configuration's fault, and shuts the gate.
func TestEveryBrokenSuiteShutsTheGate(t *testing.T) {
	files, err := filepath.Glob("../suite/testdata/refused/*.yaml")
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

// Package functions_test proves the functions as Lambda and CodeDeploy see them: their own binaries, built
// with the product's flags, under a Runtime API, over real sockets, against applications that misbehave
// and a CodeDeploy that does.
package functions_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the tables of README.md")

// binaries is where the functions were built.
var binaries string

// rowsAtOnce is how many rows wait side by side: nearly all that they do is wait.
const rowsAtOnce = "16"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", rowsAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "greenlight-functions")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// go test does not see what the binaries are made of, and would hand out a cached result when that has changed:
	// whoever runs these tests by hand says -count=1, as make test does.
	// The first build compiles the SDK's client of EC2: two and a half minutes of one processor.
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-tags", "lambda.norpc", "-o", dir+"/",
		"./after-allow-test-traffic", "./before-allow-traffic", "./after-allow-traffic", "./prober", "./notifier")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the functions: %w\n%s", err, out)
	}
	binaries = dir
	return m.Run(), nil
}

func binary(name string) string { return filepath.Join(binaries, name) }

// tooLate is by how much this machine must have been late for a missed deadline to be its fault.
const tooLate = 200 * time.Millisecond

// inTime runs a test whose bounds are deadlines of a function. Where it fails while the machine itself was late, which
// a clock beside it has seen, it is tried again, twice at most; on a machine that keeps time it fails at once.
func inTime(t *testing.T, test func(t testing.TB)) {
	t.Helper()
	for left := 2; ; left-- {
		a := &attempt{TB: t}
		ended, late := make(chan struct{}), time.Duration(0)
		go func() {
			defer close(ended)
			test(a)
		}()
		for running := true; running; {
			asked := time.Now()
			select {
			case <-ended:
				running = false
			case <-time.After(10 * time.Millisecond):
				late = max(late, time.Since(asked)-10*time.Millisecond)
			}
		}
		a.mu.Lock()
		said := strings.Join(a.said, "\n")
		a.mu.Unlock()
		if said == "" {
			return
		}
		if left == 0 || late < tooLate {
			t.Fatalf("%s\n(the machine was at most %v late)", said, late)
		}
		t.Logf("once more, since the machine was %v late: %s", late, said)
	}
}

// attempt is a testing.TB that keeps what went wrong to itself.
type attempt struct {
	testing.TB

	mu   sync.Mutex
	said []string
}

func (a *attempt) Error(args ...any) { a.Errorf("%s", fmt.Sprintln(args...)) }

func (a *attempt) Errorf(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, fmt.Sprintf(format, args...))
}

func (a *attempt) Fatal(args ...any) {
	a.Error(args...)
	runtime.Goexit()
}

func (a *attempt) Fatalf(format string, args ...any) {
	a.Errorf(format, args...)
	runtime.Goexit()
}

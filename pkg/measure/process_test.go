package measure_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func newStarter(t *testing.T) (measure.Starter, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	s, err := measure.NewStarter(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s, ctx
}

func sh(script string, args ...string) measure.Program {
	return measure.Program{Name: "script", Args: append([]string{"sh", "-c", script}, args...)}
}

func TestAProcessIsMeasured(t *testing.T) {
	s, ctx := newStarter(t)
	// More than any test binary that is small: it would be the peak of whatever this process started itself.
	ballast := make([]byte, 256*measure.MiB)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	all, err := s.InTurn(ctx, measure.Rounds{Count: 3}, sh("exit 0"), sh("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"), sh("sleep 0.2"))
	if err != nil {
		t.Fatal(err)
	}
	none, busy, idle := all[0].Median(), all[1].Median(), all[2].Median()
	if len(all[0]) != 3 || none.Wall <= 0 {
		t.Errorf("got %v, want three rounds that took time", all[0])
	}
	if none.Peak < measure.MiB/4 || none.Peak > 128*measure.MiB {
		t.Errorf("peak of a shell: %d bytes, beside the %d of who measures", none.Peak, len(ballast))
	}
	if busy.CPU <= none.CPU || idle.CPU >= idle.Wall/2 {
		t.Errorf("a loop took %v of the processor, nothing %v, a sleep %v of %v", busy.CPU, none.CPU, idle.CPU, idle.Wall)
	}
	if idle.Wall < 200*time.Millisecond {
		t.Errorf("a sleep of 200 ms took %v", idle.Wall)
	}
	ballast[0] = 2
}

func TestAProcessThatEndsWronglyDoesNotCount(t *testing.T) {
	s, ctx := newStarter(t)
	silent := sh("echo 'not told'; echo told >&2; exit 3")
	silent.Null = true
	wanted := sh("exit 5")
	wanted.Exit = 5
	unwanted := sh("exit 0")
	unwanted.Exit = 5
	for name, c := range map[string]struct {
		program measure.Program
		want    string
	}{
		"fails":             {sh("echo out; echo err >&2; exit 3"), "run script: exit code 3, want 0: out\nerr"},
		"fails, null":       {silent, "run script: exit code 3, want 0: told"},
		"should fail, did":  {wanted, ""},
		"should fail":       {unwanted, "run script: exit code 0, want 5: "},
		"a signal":          {sh("kill -9 $$"), "run script: exit code -1, want 0: "},
		"says a lot":        {sh("yes | head -c 100000; echo the end; exit 1"), "the end"},
		"not there":         {measure.Program{Name: "x", Args: []string{"no-such-program"}}, "start x: "},
		"nothing":           {measure.Program{Name: "x"}, "start x: no program"},
		"not executable":    {measure.Program{Name: "x", Args: []string{os.DevNull}}, "start x: "},
		"starter's file":    {sh("(echo forged >&3) 2>/dev/null && exit 9; exit 0"), ""},
		"its variables":     {measure.Program{Name: "x", Args: []string{"sh", "-c", `test "$A$HOME" = b`}, Env: []string{"A=b", "PATH=/usr/bin:/bin"}}, ""},
		"its folder":        {measure.Program{Name: "x", Args: []string{"sh", "-c", `test -e etc`}, Dir: "/"}, ""},
		"starts, not found": {measure.Program{Name: "x", Args: []string{"sh"}, Dir: "/no/such/folder"}, "run x: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Once(ctx, c.program)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 4096 {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	s, ctx := newStarter(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	closed := make(chan error, 1)
	go func() { // the end of the file comes when the last process that holds it is gone
		f, err := os.Open(fifo)
		if err != nil {
			closed <- err
			return
		}
		in := bufio.NewReader(f)
		_, err = in.ReadString('\n')
		cancel(stopped)
		_, rest := io.Copy(io.Discard, in)
		closed <- errors.Join(err, rest, f.Close())
	}()
	if _, err := s.Once(ctx, sh(`exec 3>"$0"; echo started >&3; sleep 60 & wait`, fifo)); !errors.Is(err, stopped) {
		t.Errorf("got %v, want %v", err, stopped)
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a process is left running")
	}
}

func TestABuildThatFailsSaysWhy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := measure.Build(ctx, t.TempDir(), nil, "./no-such-folder")
	if err == nil || !strings.Contains(err.Error(), "build ./no-such-folder: exit status 1: ") {
		t.Errorf("got %v", err)
	}
}

package process_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == process.KeeperArg:
		os.Exit(process.Keep(os.Args[2:], os.Stdin))
	case len(os.Args) > 1 && os.Args[1] == "__parent":
		// A program that starts a command and then waits to be killed.
		_, err := process.Start(command("echo child $$; exec sleep 60"), func(l process.Line) { _, _ = fmt.Fprintln(os.Stdout, l.Text) })
		if err != nil {
			panic(err)
		}
		select {}
	}
	os.Exit(m.Run())
}

func command(script string) process.Command {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return process.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin", "PORT=1"}, Keeper: self}
}

// lines collects what a process writes.
type lines struct {
	mu    sync.Mutex
	all   []process.Line
	added chan struct{}
}

func collect() *lines { return &lines{added: make(chan struct{}, 1000)} }

func (l *lines) add(line process.Line) {
	l.mu.Lock()
	l.all = append(l.all, line)
	l.mu.Unlock()
	l.added <- struct{}{}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, line := range l.all {
		texts = append(texts, line.Text)
	}
	return strings.Join(texts, "\n")
}

func start(t *testing.T, script string) (*process.Process, *lines) {
	t.Helper()
	l := collect()
	p, err := process.Start(command(script), l.add)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, l
}

func done(t *testing.T, p *process.Process) process.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the process did not end")
	}
	return p.Exit()
}

func TestACommandSaysHowItEnded(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":            "exit status 0",
		"exit 3":            "exit status 3",
		"kill -9 $$":        "signal: killed",
		"printf no-newline": "exit status 0",
	} {
		p, _ := start(t, script)
		if got := done(t, p).String(); got != want {
			t.Errorf("%q ended with %q, want %q", script, got, want)
		}
	}
}

func TestAMissingCommandIsNamed(t *testing.T) {
	c := command("")
	c.Argv = []string{"/no/such/binary"}
	p, err := process.Start(c, func(process.Line) {})
	if err != nil {
		t.Fatal(err)
	}
	if got := done(t, p).String(); !strings.Contains(got, "/no/such/binary") {
		t.Errorf("exit = %q, want the name of the binary", got)
	}
}

func TestOnlyTheGivenEnvironmentIsPassedOn(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "leaked")
	p, l := start(t, "env; echo oops >&2; printf tail")
	done(t, p)
	got := l.text()
	if strings.Contains(got, "leaked") || !strings.Contains(got, "PORT=1") {
		t.Errorf("environment of the command:\n%s", got)
	}
	if !strings.Contains(got, "oops") || !strings.Contains(got, "tail") {
		t.Errorf("stderr or the last line without an end was lost:\n%s", got)
	}
}

func TestStopIsPoliteFirst(t *testing.T) {
	p, l := start(t, `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`)
	<-l.added
	p.Stop(10 * time.Second)
	if got := done(t, p); got != (process.Exit{}) || !strings.Contains(l.text(), "bye") {
		t.Errorf("exit = %v, lines = %q", got, l.text())
	}
}

// The shell around a command ends at once when it is asked to; what it runs has the time that there is.
func TestWhatAShellRunsIsStoppedPolitely(t *testing.T) {
	p, l := start(t, `sh -c 'trap "sleep 0.3; echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'; true`)
	<-l.added
	p.Stop(10 * time.Second)
	if got := done(t, p); got.Signal != "terminated" || !strings.Contains(l.text(), "bye") {
		t.Errorf("exit = %v, lines = %q", got, l.text())
	}
}

func TestStopKillsWhoeverIgnoresIt(t *testing.T) {
	p, l := start(t, `trap '' TERM; echo up; while :; do sleep 0.05; done`)
	<-l.added
	began := time.Now()
	p.Stop(100 * time.Millisecond)
	if got := done(t, p); got.Signal != "killed" {
		t.Errorf("exit = %v, want killed", got)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("stop took %v", took)
	}
}

// A child in the background, one that left the group, and the command itself: all must be gone.
func TestNothingOutlivesTheCommand(t *testing.T) {
	script := `sleep 61 & echo pid $!; `
	if _, err := exec.LookPath("setsid"); err == nil {
		script += `setsid sh -c 'echo pid $$; exec sleep 62' & sleep 0.2; `
	}
	for name, end := range map[string]string{"killed": "wait", "ended by itself": "sleep 0.3"} {
		t.Run(name, func(t *testing.T) {
			p, l := start(t, script+"echo up; "+end)
			for !strings.Contains(l.text(), "up") {
				<-l.added
			}
			if end == "wait" {
				p.Kill()
			}
			exit := done(t, p)
			if killed := exit.Signal == "killed"; killed != (end == "wait") {
				t.Errorf("exit = %v", exit)
			}
			for _, pid := range pids(l.text()) {
				gone(t, pid)
			}
		})
	}
}

// The hardest end: the program is killed and can do nothing any more.
func TestNothingOutlivesAKilledProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(ctx, self, "__parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	found := pids(string(buf[:n]))
	if len(found) != 1 {
		t.Fatalf("the child's pid is not in %q", buf[:n])
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone(t, found[0])
}

func pids(text string) []int {
	var all []int
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && (fields[0] == "pid" || fields[0] == "child") {
			if pid, err := strconv.Atoi(fields[1]); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// gone waits until no process has the id.
func gone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		if err := syscall.Kill(pid, 0); err != nil {
			return
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d was left behind", pid)
}

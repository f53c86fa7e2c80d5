// Package process starts a command so that nothing of it can be left behind: neither after a normal
// stop, nor after Ctrl-C, nor when the program that started it is killed with SIGKILL.
//
// Between the two stands a keeper: this same binary, started again, which holds one end of a pipe. The
// command runs in a process group of its own below the keeper. When the pipe closes, for whatever
// reason, the keeper kills the whole group and ends. That needs no help of the operating system beyond
// pipes and process groups, so it holds on Linux and on macOS alike. What it cannot catch is a process
// that leaves its group (setsid) on macOS; on Linux the keeper adopts and kills those too.
//
// It refuses to know what it runs, and it passes on no environment that it was not told to.
package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// KeeperArg is the first argument of a keeper. A program that uses this package must hand its arguments
// to Keep when they begin with it, before it does anything else.
const KeeperArg = "__keep"

const (
	// drainDelay is how long the pipes of a dead command may stay open: a descendant that escaped may hold them.
	drainDelay = time.Second
	// keeperDelay is how long a keeper may take to kill its group before it is killed itself.
	keeperDelay = 5 * time.Second
	// groupTick is how often a keeper looks whether a group that was asked to end has ended.
	groupTick = 5 * time.Millisecond
)

// Command is what to run.
type Command struct {
	// Argv is the program (a path, or a name to be found on Env's PATH by a shell) and its arguments.
	Argv []string
	Dir  string
	// Env is the whole environment; nothing is inherited.
	Env []string
	// Keeper is this program's own binary, which answers to KeeperArg.
	Keeper string
}

// Line is one line that the command wrote.
type Line struct {
	At   time.Time
	Text string
}

// Exit is how a command ended.
type Exit struct {
	// Code is the exit status; it means nothing where Signal or Start is set.
	Code int `json:"code"`
	// Signal names the signal that ended it: "killed".
	Signal string `json:"signal,omitempty"`
	// Start says why it could not be started at all.
	Start string `json:"start,omitempty"`
}

// String says how the command ended, as a person would: "exit status 3", "signal: killed".
func (e Exit) String() string {
	switch {
	case e.Start != "":
		return e.Start
	case e.Signal != "":
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Process is a started command.
type Process struct {
	cmd     *exec.Cmd
	control io.WriteCloser
	done    chan struct{}
	exit    Exit
}

// Start runs the command. Each line that it writes is handed to lines, from one goroutine a stream.
func Start(c Command, lines func(Line)) (*Process, error) {
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", c.Argv[0], err)
	}
	defer func() { _ = statusWrite.Close() }()
	cmd := exec.Command(c.Keeper, append([]string{KeeperArg}, c.Argv...)...) //nolint:noctx // a pipe bounds its life
	cmd.Dir, cmd.Env = c.Dir, append(instrumented(), c.Env...)
	stdout, stderr := &splitter{emit: lines}, &splitter{emit: lines}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = []*os.File{statusWrite}
	// A group of its own: Ctrl-C at the terminal must not reach the keeper, which would then die first.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = drainDelay
	control, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = statusRead.Close()
		return nil, fmt.Errorf("start %q: %w", c.Argv[0], err)
	}
	p := &Process{cmd: cmd, control: control, done: make(chan struct{})}
	go p.wait(statusRead, stdout, stderr)
	return p, nil
}

// instrumented keeps a keeper under the race detector from waiting a second before it exits, which is the detector's
// default. Elsewhere it is empty; nil would pass on the whole environment.
func instrumented() []string {
	built, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(built.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"GORACE=atexit_sleep_ms=0"}
	}
	return []string{}
}

func (p *Process) wait(status *os.File, streams ...*splitter) {
	err := p.cmd.Wait()
	// The keeper wrote its one line, if any, before it ended; the pipe holds it.
	_ = status.SetReadDeadline(time.Now().Add(drainDelay))
	line, _ := io.ReadAll(io.LimitReader(status, 4096))
	_ = status.Close()
	if json.Unmarshal(line, &p.exit) != nil {
		p.exit = Exit{Signal: fmt.Sprintf("unknown: the process that watches over it ended first: %v", err)}
	}
	for _, s := range streams {
		if len(s.rest) > 0 {
			s.line()
		}
	}
	close(p.done)
}

// Done is closed when the command, and all that it started, has ended and its last line was handed on.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the command ended. It must be called only after Done.
func (p *Process) Exit() Exit { return p.exit }

// Stop sends SIGTERM to the command's group, waits up to grace, kills what is left, and returns when nothing is.
// Without a grace it kills at once.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		_, _ = p.control.Write([]byte{'t'})
		select {
		case <-p.done:
		case <-time.After(grace):
		}
	}
	p.Kill()
}

// Kill ends the command's group at once and returns when it is gone.
func (p *Process) Kill() {
	_ = p.control.Close() // again, where somebody has killed it before
	select {
	case <-p.done:
	case <-time.After(keeperDelay):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// maxLine bounds one line: what CloudWatch Logs takes for an event (256 KiB).
const maxLine = 256 << 10

// splitter turns what a command writes into lines.
type splitter struct {
	emit func(Line)
	rest []byte
}

func (s *splitter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, after, ended := bytes.Cut(p, []byte{'\n'})
		s.rest = append(s.rest, line[:min(len(line), max(0, maxLine-len(s.rest)))]...)
		if !ended {
			return n, nil
		}
		s.line()
		p = after
	}
}

func (s *splitter) line() {
	text := string(bytes.TrimSuffix(s.rest, []byte{'\r'}))
	s.rest = s.rest[:0]
	s.emit(Line{At: time.Now(), Text: text})
}

// statusFD is the descriptor on which the keeper tells how the command ended.
const statusFD = 3

// Keep is the keeper's whole life: it runs argv in a process group of its own with this process' output,
// until the command ends or control (standard input) closes. It returns the keeper's exit status.
//
// On control, 't' asks for SIGTERM to the group; the end of the stream means that whoever started the
// command is gone or wants it gone: SIGKILL.
func Keep(argv []string, control io.Reader) int {
	// Taken, not ignored: an ignored signal would stay ignored in the command. The group's own signals
	// come by control alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	// The command must not hold the status pipe open.
	syscall.CloseOnExec(statusFD)
	status := os.NewFile(statusFD, "status")
	exit := keep(argv, control)
	if line, err := json.Marshal(exit); err == nil && status != nil {
		_, _ = status.Write(line)
	}
	return 0
}

func keep(argv []string, control io.Reader) Exit {
	if len(argv) == 0 {
		return Exit{Start: "no command"}
	}
	// The parent-death signal belongs to the thread that starts the command: that thread must live on.
	runtime.LockOSThread()
	adopt()
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // its life is bound by control
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return Exit{Start: err.Error()}
	}
	group := -cmd.Process.Pid
	var asked, over atomic.Bool
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	go func() {
		buf := make([]byte, 1)
		for {
			if _, err := control.Read(buf); err != nil {
				over.Store(true)
				_ = syscall.Kill(group, syscall.SIGKILL)
				return
			}
			if buf[0] == 't' {
				asked.Store(true)
				_ = syscall.Kill(group, syscall.SIGTERM)
			}
		}
	}()
	err := <-ended
	// Whoever was asked to end has its time, though the shell around it is gone: docker run must stop its container.
	for asked.Load() && !over.Load() && alive(group) {
		<-time.After(groupTick)
	}
	// Whatever the command started and left must not outlive it.
	_ = syscall.Kill(group, syscall.SIGKILL)
	killAdopted()
	return exitOf(err)
}

// alive reports whether somebody of the group still runs; who has ended below this process is forgotten first.
func alive(group int) bool {
	for pid := 1; pid > 0; {
		pid, _ = syscall.Wait4(group, nil, syscall.WNOHANG, nil)
	}
	return syscall.Kill(group, 0) == nil
}

func exitOf(err error) Exit {
	failed, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return Exit{}
	case !ok:
		return Exit{Code: -1, Signal: err.Error()}
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: 128 + int(status.Signal()), Signal: status.Signal().String()}
	}
	return Exit{Code: failed.ExitCode()}
}

// Package taskset runs the tasks of one task set: each a process of its own that serves on its own
// port, with the environment that the contract allows and no more.
//
// It refuses to judge a task: a task is up when its port takes connections. Whether it answers
// sensibly is for health checks and suites to say.
package taskset

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

const (
	// pollInterval is the pause between two looks at a port that is not open yet.
	pollInterval = 5 * time.Millisecond
	// lastLines is how much of a task's output a StartError shows.
	lastLines = 5
)

// Spec is what to run.
type Spec struct {
	// Name is "blue" or "green"; tasks are called "blue/1".
	Name    string
	Release string
	Count   int
	// Argv is the command; Path and Home are all of this machine's environment that it gets.
	Argv       []string
	Path, Home string
	Keeper     string
	// StartTimeout is how long a task may take to open its port. It is real time: a program starts no
	// faster because the rehearsal is in a hurry.
	StartTimeout time.Duration
	// Lines gets what the tasks write; Ended is told when a task that was up ends unasked. Both may be
	// called from several goroutines.
	Lines func(task string, line process.Line)
	Ended func(task string, exit process.Exit)
}

// Task is one running task.
type Task struct {
	ID string
	// Addr is the "host:port" on which it serves.
	Addr string

	proc *process.Process
	mu   sync.Mutex
	tail []string
}

// Set is a running task set.
type Set struct {
	Tasks []*Task

	mu       sync.Mutex
	stopping bool
	watching sync.WaitGroup
}

// StartError is a task that did not come up.
type StartError struct {
	Task string
	// Why is "exit status 3 before it opened port 4711", or that the port never opened.
	Why string
	// Log is the end of what it wrote.
	Log []string
}

func (e *StartError) Error() string { return fmt.Sprintf("start %s: %s", e.Task, e.Why) }

// Start starts all tasks side by side and returns when every port takes connections. On an error
// nothing is left running.
func Start(ctx context.Context, spec Spec) (*Set, error) {
	ports, err := freePorts(ctx, spec.Count)
	if err != nil {
		return nil, fmt.Errorf("start %s: find a free port: %w", spec.Name, err)
	}
	set := &Set{}
	for i, port := range ports {
		t, err := start(spec, fmt.Sprintf("%s/%d", spec.Name, i+1), port)
		if err != nil {
			set.Stop(0)
			return nil, err
		}
		set.Tasks = append(set.Tasks, t)
	}
	errs := make(chan error, len(set.Tasks))
	for i, t := range set.Tasks {
		go func() { errs <- t.up(ctx, ports[i], spec.StartTimeout) }()
	}
	var failed error
	for range set.Tasks {
		if err := <-errs; err != nil && failed == nil {
			failed = err
		}
	}
	if failed != nil {
		set.Stop(0)
		return nil, failed
	}
	for _, t := range set.Tasks {
		set.watching.Go(func() { set.watch(t, spec.Ended) })
	}
	return set, nil
}

// Served returns the set of tasks that somebody else runs at the addresses. It stops none of them.
func Served(name string, addrs []string) *Set {
	set := &Set{}
	for i, addr := range addrs {
		set.Tasks = append(set.Tasks, &Task{ID: fmt.Sprintf("%s/%d", name, i+1), Addr: addr})
	}
	return set
}

func start(spec Spec, id string, port int) (*Task, error) {
	t := &Task{ID: id}
	proc, err := process.Start(process.Command{
		Argv:   spec.Argv,
		Env:    []string{"PATH=" + spec.Path, "HOME=" + spec.Home, "PORT=" + strconv.Itoa(port), "RELEASE=" + spec.Release},
		Keeper: spec.Keeper,
	}, func(line process.Line) {
		t.remember(line.Text)
		if spec.Lines != nil {
			spec.Lines(id, line)
		}
	})
	if err != nil {
		return nil, &StartError{Task: id, Why: err.Error()}
	}
	t.proc = proc
	return t, nil
}

// up waits until the task's port takes connections.
func (t *Task) up(ctx context.Context, port int, limit time.Duration) error {
	began := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		// A program may listen on one of the two loopback addresses only.
		for _, host := range []string{"127.0.0.1", "::1"} {
			addr := net.JoinHostPort(host, strconv.Itoa(port))
			conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
			if err == nil {
				_ = conn.Close()
				t.Addr = addr
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.proc.Done():
			return &StartError{Task: t.ID, Why: fmt.Sprintf("the command ended after %s with %s, before it opened port %d", time.Since(began).Round(time.Millisecond), t.proc.Exit(), port), Log: t.last()}
		case <-timer.C:
			return &StartError{Task: t.ID, Why: fmt.Sprintf("port %d was not opened within %s", port, limit), Log: t.last()}
		case <-tick.C:
		}
	}
}

func (t *Task) remember(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tail = append(t.tail, text)
	if len(t.tail) > lastLines {
		t.tail = slices.Clone(t.tail[len(t.tail)-lastLines:])
	}
}

func (t *Task) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.tail)
}

func (s *Set) watch(t *Task, ended func(string, process.Exit)) {
	<-t.proc.Done()
	s.mu.Lock()
	asked := s.stopping
	s.mu.Unlock()
	if !asked && ended != nil {
		ended(t.ID, t.proc.Exit())
	}
}

// Running counts the tasks whose process is alive.
func (s *Set) Running() int {
	n := 0
	for _, t := range s.Tasks {
		if t.proc == nil { // served by somebody else
			n++
			continue
		}
		select {
		case <-t.proc.Done():
		default:
			n++
		}
	}
	return n
}

// Stop sends every task SIGTERM, waits up to grace, and kills what is left. It may be called again.
func (s *Set) Stop(grace time.Duration) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	var stopped sync.WaitGroup
	for _, t := range s.Tasks {
		if t.proc == nil {
			continue
		}
		stopped.Go(func() {
			if grace > 0 {
				t.proc.Stop(grace)
			} else {
				t.proc.Kill()
			}
		})
	}
	stopped.Wait()
	s.watching.Wait()
}

// freePorts returns n different ports that nobody listens on. All are held until all are found.
func freePorts(ctx context.Context, n int) (ports []int, err error) {
	for range n {
		socket, listenErr := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if listenErr != nil {
			return nil, errors.Join(err, listenErr)
		}
		defer func() { err = errors.Join(err, socket.Close()) }()
		tcp, ok := socket.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("no TCP address: %s", socket.Addr())
		}
		ports = append(ports, tcp.Port)
	}
	return ports, nil
}

// Shell returns the command line as a shell runs it.
func Shell(command string) []string { return []string{"/bin/sh", "-c", strings.TrimSpace(command)} }

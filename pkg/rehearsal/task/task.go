// Package task runs the tasks of one task set: each a process of its own that serves on its own port, with PORT,
// RELEASE, PATH and HOME in its environment and no more. What it runs is the user's command or a built-in
// release: a trip planner that is right, or broken in exactly one way, to see what a gate makes of it.
//
// It refuses to judge a task: a task is up when its port takes connections. Whether it answers sensibly is for
// health checks and suites to say. A built-in release refuses to be broken in two ways at once.
package task

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

const (
	// pollInterval is the pause between two looks at a port that is not open yet.
	pollInterval = 5 * time.Millisecond
	// maxPauses bounds the pause before a replacement, in first pauses (ECS: at most 15 minutes).
	maxPauses = 64
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
	// Lines gets what the tasks write; Ended is called when a task that was up ends by itself, and Started when its
	// replacement is up. They may be called from several goroutines.
	Lines   func(task string, line process.Line)
	Ended   func(task string, exit process.Exit)
	Started func(*Task)
	// RestartPause is the pause before a task that ended is replaced; it doubles with each replacement
	// that ends too, as ECS throttles a service whose tasks keep failing. Zero replaces none.
	RestartPause time.Duration
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
	// Tasks are those that Start started.
	Tasks []*Task

	spec    Spec
	mu      sync.Mutex
	running map[*Task]bool
	// served counts the tasks that somebody else runs, started those that were started here.
	served, started int
	stopping        bool
	stop            context.CancelFunc
	watching        sync.WaitGroup
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
// nothing is left running. Tasks are replaced until ctx ends or Stop is called.
func Start(ctx context.Context, spec Spec) (*Set, error) {
	ports, err := freePorts(ctx, spec.Count)
	if err != nil {
		return nil, fmt.Errorf("start %s: find a free port: %w", spec.Name, err)
	}
	watching, stop := context.WithCancel(ctx)
	set := &Set{spec: spec, running: map[*Task]bool{}, stop: stop}
	for _, port := range ports {
		t, err := set.start(port)
		if err != nil {
			set.Stop(0)
			return nil, err
		}
		set.Tasks = append(set.Tasks, t)
	}
	var up errgroup.Group
	for i, t := range set.Tasks {
		up.Go(func() error { return t.up(ctx, ports[i], spec.StartTimeout) })
	}
	if err := up.Wait(); err != nil {
		set.Stop(0)
		return nil, err
	}
	for _, t := range set.Tasks {
		set.watching.Go(func() { set.watch(watching, t) })
	}
	return set, nil
}

// Served returns the set of tasks that somebody else runs at the addresses. It stops none of them.
func Served(name string, addrs []string) *Set {
	set := &Set{stop: func() {}, served: len(addrs)}
	for i, addr := range addrs {
		set.Tasks = append(set.Tasks, &Task{ID: fmt.Sprintf("%s/%d", name, i+1), Addr: addr})
	}
	return set
}

// start starts the process of one more task. It starts nothing once the set is being stopped.
func (s *Set) start(port int) (*Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, context.Canceled
	}
	s.started++
	spec, t := s.spec, &Task{ID: fmt.Sprintf("%s/%d", s.spec.Name, s.started)}
	proc, err := process.Start(process.Command{
		Argv:   spec.Argv,
		Env:    []string{"PATH=" + spec.Path, "HOME=" + spec.Home, "PORT=" + strconv.Itoa(port), "RELEASE=" + spec.Release},
		Keeper: spec.Keeper,
	}, func(line process.Line) {
		t.mu.Lock()
		t.tail = append(t.tail, line.Text)
		t.tail = t.tail[max(0, len(t.tail)-lastLines):]
		t.mu.Unlock()
		if spec.Lines != nil {
			spec.Lines(t.ID, line)
		}
	})
	if err != nil {
		return nil, &StartError{Task: t.ID, Why: err.Error()}
	}
	t.proc = proc
	s.running[t] = true
	return t, nil
}

// up waits until the task's port takes connections.
func (t *Task) up(ctx context.Context, port int, limit time.Duration) error {
	began := time.Now()
	late, tick := time.After(limit), time.Tick(pollInterval)
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
			return t.failed("the command ended after %s with %s, before it opened port %d",
				time.Since(began).Round(time.Millisecond), t.proc.Exit(), port)
		case <-late:
			return t.failed("timed out: port %d was not opened within %s", port, limit)
		case <-tick:
		}
	}
}

func (t *Task) failed(why string, args ...any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &StartError{Task: t.ID, Why: fmt.Sprintf(why, args...), Log: slices.Clone(t.tail)}
}

// watch waits for the end of a task and, when nobody asked for it, replaces it, and so on.
func (s *Set) watch(ctx context.Context, t *Task) {
	for pause := s.spec.RestartPause; t != nil; pause = min(2*pause, maxPauses*s.spec.RestartPause) {
		<-t.proc.Done()
		s.mu.Lock()
		delete(s.running, t)
		asked := s.stopping
		s.mu.Unlock()
		if asked {
			return
		}
		if s.spec.Ended != nil {
			s.spec.Ended(t.ID, t.proc.Exit())
		}
		if pause <= 0 {
			return
		}
		t = s.replace(ctx, pause)
	}
}

// replace starts a task in the place of one that ended; nil where that cannot be. One that does not come up is returned
// as it is: it has ended, or ends here, and is replaced in its turn.
func (s *Set) replace(ctx context.Context, pause time.Duration) *Task {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return nil
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil
	}
	t, err := s.start(ports[0])
	if err != nil {
		return nil
	}
	switch err := t.up(ctx, ports[0], s.spec.StartTimeout); {
	case ctx.Err() != nil:
		return nil // Stop ends the process
	case err != nil:
		t.proc.Kill()
	case s.spec.Started != nil:
		s.spec.Started(t)
	}
	return t
}

// Running counts the tasks whose process is alive.
func (s *Set) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served + len(s.running)
}

// Kill kills one of the tasks that run, as if it had ended by itself, and reports whether there was one.
func (s *Set) Kill() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.running {
		go t.proc.Kill()
		return true
	}
	return false
}

// Stop sends every task SIGTERM, waits up to grace, and kills what is left. It may be called again.
func (s *Set) Stop(grace time.Duration) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.stopping = true
	s.stop()
	tasks := slices.Collect(maps.Keys(s.running))
	s.mu.Unlock()
	var stopped sync.WaitGroup
	for _, t := range tasks {
		stopped.Go(func() { t.proc.Stop(grace) })
	}
	stopped.Wait()
	s.watching.Wait()
}

// The ports of tasks are below those that every system gives to whoever asks for any: a task that does not open its port
// must not be taken for up because another program got it meanwhile.
const firstPort, lastPort = 20_000, 29_999

// freePorts returns n different ports that nobody listens on. All are held until all are found.
func freePorts(ctx context.Context, n int) (ports []int, err error) {
	for tries := 0; len(ports) < n; tries++ {
		port := firstPort + rand.IntN(lastPort-firstPort+1) //nolint:gosec // no secret
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			defer func() { _ = socket.Close() }()
			ports = append(ports, port)
		} else if tries > 100*n {
			return nil, err
		}
	}
	return ports, nil
}

// Shell returns the command line as a shell runs it.
func Shell(command string) []string { return []string{"/bin/sh", "-c", strings.TrimSpace(command)} }

package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

const (
	// stopGrace is how long a task may take to end after SIGTERM. ECS waits 30 s; a person at a laptop does not.
	stopGrace = 5 * time.Second
	// checkInterval and checkTimeout are those of a target group with quick checks; the plan's speed divides the
	// interval.
	checkInterval = 5 * time.Second
	checkTimeout  = 2 * time.Second
	minInterval   = 20 * time.Millisecond
	// checkThreshold is the smallest that AWS allows.
	checkThreshold = 2
	// restartPause is the time ECS takes to notice a task's end and to place another; compressed.
	restartPause = 10 * time.Second
	minRestart   = 50 * time.Millisecond
	// wholeTraffic is all of a listener's traffic, in percent.
	wholeTraffic = 100
	// deregistrationDelay is a target group's default.
	deregistrationDelay = 300 * time.Second
)

// side is one of the two task sets with its target group.
type side struct {
	name    string
	label   deployment.TaskSetLabel
	release string
	// definition is the ARN of the task definition.
	definition string
	command    Command
	group      *alb.Group
	// set is empty as long as no task was started.
	set atomic.Pointer[task.Set]
}

// stage is everything that stands while a rehearsal runs: listeners, target groups, task sets, the AWS
// endpoint.
type stage struct {
	plan Plan
	// id is the deployment's.
	id       string
	stream   *stream
	book     *deployment.Book
	aws      *aws.Server
	balancer *alb.Balancer

	// test is nil for a deployment group without a test listener.
	production, test *alb.Listener
	blue, green      *side
	// endpoint is the base URL of the AWS stand-ins, store the built-in releases' database.
	endpoint, store string
	servers         []*http.Server
	// lastCall is when an AWS call was last answered, in Unix nanoseconds.
	lastCall atomic.Int64
	// invoked is the hook that runs, which may invoke itself; where none does, it has no name.
	invoked atomic.Pointer[lambda.Function]
	// seen are the tasks as Amazon ECS shows them, in the order in which they began.
	seen struct {
		sync.Mutex
		tasks []*seenTask
	}
	// logGroup and logPrefix are where the tasks' lines go, as the task definition says.
	logGroup, logPrefix string
	// served is since when the old release is measured under production's traffic.
	served time.Time
}

// newStage opens the ports. Whatever it opened, close closes.
func newStage(ctx context.Context, p Plan, emit func(Event)) (*stage, error) {
	here, _ := os.Getwd() // without one nothing is relative to it
	files := []string{p.Suite, p.Machine.Self}
	for _, hook := range p.Hooks {
		files = append(files, filepath.Join(hook.Dir, "hook"))
	}
	s := &stage{
		plan:     p,
		id:       p.deploymentID(),
		stream:   &stream{began: time.Now(), emit: emit, redactor: redact.New(slices.Collect(maps.Values(p.Secrets))...)},
		book:     deployment.NewBook(),
		balancer: alb.New(), //nolint:contextcheck // Close ends its requests, also when the context has ended
	}
	s.stream.shared = diagnostic.Shareable(here, p.Machine.Home, files...)
	s.aws = &aws.Server{
		Region: Region, Account: Account, Book: s.book, Definitions: p.definitions, LoadBalancers: s.loadBalancers,
		Tasks: s.tasks, Metrics: s.metrics, Alarms: s.alarms,
		Functions: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.invoked.Load().ServeHTTP(w, r) }),
		Done:      func(aws.Call) { s.lastCall.Store(time.Now().UnixNano()) },
	}
	s.invoked.Store(&lambda.Function{})
	_, s.logGroup, s.logPrefix = p.logging()
	s.aws.Values.Put(evidenceParameter, "none")
	for reference, value := range p.Secrets {
		s.aws.Values.Put(reference, value)
	}
	s.balancer.Log.Background = task.TrafficAgent
	if s.plan.Discover {
		s.publishSuite()
	}
	check := p.Health
	check.Interval = max(minInterval, p.scaled(checkInterval))
	check.Timeout, check.Threshold = checkTimeout, checkThreshold
	standing := func(name string, label deployment.TaskSetLabel, release string, command Command, group string) *side {
		d := &side{
			name: name, label: label, release: release, command: command, definition: p.definitionARN(label),
			group: s.balancer.Group(group, check),
		}
		d.set.Store(task.Served(name, nil))
		return d
	}
	s.blue = standing("blue", deployment.Blue, p.BlueRelease, p.Blue, "rehearsal-tg1")
	s.green = standing("green", deployment.Green, p.Release.ID, p.Green, "rehearsal-tg2")
	if err := s.open(ctx); err != nil {
		s.close() //nolint:contextcheck // it must end everything also when the context has ended
		return nil, err
	}
	return s, nil
}

func (s *stage) open(ctx context.Context) error {
	production, err := listen(ctx, "production", s.plan.ProductionPort)
	if err != nil {
		return err
	}
	var rules []*alb.Listener
	if s.plan.Header.Name != "" {
		s.test = s.balancer.Rule("test", s.plan.Header.Name, s.plan.Header.Value)
		rules = append(rules, s.test)
	}
	s.production = s.balancer.Listen("production", production, rules...)
	if !s.plan.NoTestListener && s.test == nil {
		test, err := listen(ctx, "test", s.plan.TestPort)
		if err != nil {
			return err
		}
		s.test = s.balancer.Listen("test", test)
	}
	if s.endpoint, err = s.serve(ctx, s.aws); err != nil {
		return err
	}
	s.store, err = s.serve(ctx, &task.Store{})
	return err
}

// serve serves the handler on a free port of loopback and returns its base URL.
func (s *stage) serve(ctx context.Context, handler http.Handler) (string, error) {
	socket, err := listen(ctx, "AWS endpoint", 0)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(socket) }()
	return "http://" + socket.Addr().String(), nil
}

func listen(ctx context.Context, what string, port int) (net.Listener, error) {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	switch {
	case err == nil:
		return socket, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &SetupError{
			Why: fmt.Sprintf("open the %s listener: port %d is in use", what, port),
			Help: fmt.Sprintf("lsof -nP -iTCP:%d -sTCP:LISTEN names who uses it; or take another port: --%s-port N, 0 picks "+
				"a free one", port, what),
		}
	}
	return nil, &SetupError{
		Why:  fmt.Sprintf("open the %s listener on port %d: %v", what, port, err),
		Help: "ports below 1024 need rights that a rehearsal should not have",
	}
}

// up starts a side's tasks and registers them with its target group.
func (s *stage) up(ctx context.Context, d *side) error {
	if len(d.command.Addrs) > 0 {
		set := task.Served(d.name, d.command.Addrs)
		s.register(ctx, d, set)
		if d.command.Logs != nil {
			d.command.Logs(func(task int, line string) { s.log(s.task(d, set.Tasks[task].ID), line) })
		}
		return nil
	}
	argv := d.command.Argv
	if d.command.Builtin != "" {
		argv = []string{s.plan.Machine.Self, task.BuiltinArg, d.command.Builtin, s.store}
	}
	ofHealthCheck := s.plan.Health.Logged()
	set, err := task.Start(ctx, task.Spec{
		Name: d.name, Release: d.release, Count: s.plan.Tasks,
		Argv: argv, Path: s.plan.Machine.Path, Home: s.plan.Machine.Home, Keeper: s.plan.Machine.Self,
		StartTimeout: s.plan.StartTimeout,
		Lines: func(task string, line process.Line) {
			s.log(s.task(d, task), line.Text)
			if !ofHealthCheck(line.Text) {
				s.stream.send(Event{At: line.At, Kind: KindLog, Source: task, Text: line.Text})
			}
		},
		RestartPause: max(minRestart, s.plan.scaled(restartPause)),
		Ended: func(task string, exit process.Exit) {
			d.group.Deregister(task)
			s.stopped(d, &exit, task)
			s.stream.send(Event{
				Kind: KindWarning, Source: task, Text: fmt.Sprintf("task %s ended by itself: %s; ECS starts another", task, exit),
			})
			s.countTasks(d)
		},
		Started: func(t *task.Task) {
			s.task(d, t.ID)
			d.group.Register(ctx, t.ID, d.release, t.Addr)
			s.stream.note("task %s is up in its place", t.ID)
			s.countTasks(d)
		},
	})
	if err != nil {
		return s.setupError(ctx, d, err)
	}
	s.register(ctx, d, set)
	return nil
}

// register puts a side's tasks behind its target group.
func (s *stage) register(ctx context.Context, d *side, set *task.Set) {
	for _, t := range set.Tasks {
		s.task(d, t.ID)
		d.group.Register(ctx, t.ID, d.release, t.Addr)
	}
	d.set.Store(set)
}

// countTasks tells the deployment how many tasks of a side run.
func (s *stage) countTasks(d *side) {
	s.book.Update(s.id, func(known *deployment.Deployment) { known.SetRunning(d.label, d.set.Load().Running()) })
}

func (s *stage) setupError(ctx context.Context, d *side, err error) error {
	failed := &SetupError{
		Why: fmt.Sprintf("start %s with --%s: %v", d.name, d.name, err),
		Help: "the command must serve HTTP on 127.0.0.1:$PORT and stay in the foreground; try it by itself, " +
			"with PORT=9000 and RELEASE=" + d.release,
	}
	if d.command.Builtin != "" {
		failed.Help = "this built-in release never comes up, on purpose; builtin:good does"
	}
	if start, ok := errors.AsType[*task.StartError](err); ok {
		for _, line := range start.Log {
			failed.Log = append(failed.Log, s.stream.redactor.Line(line, maxText))
		}
	}
	return cmp.Or(ctx.Err(), error(failed))
}

// down takes a side's tasks out of their target group, waits for their requests in flight, and stops them; then says
// what that means, or nothing.
func (s *stage) down(ctx context.Context, d *side, then string) {
	set := d.set.Load()
	if cut := d.group.Drain(ctx, max(time.Second, s.plan.scaled(deregistrationDelay))); cut > 0 {
		s.stream.warning("%d requests to %s were cut off when its deregistration delay ended", cut, d.name)
	}
	ran := set.Running() > 0
	set.Stop(stopGrace)
	s.stopped(d, nil)
	s.countTasks(d)
	if ran && ctx.Err() == nil {
		s.stream.note("%s (%s) is drained and stopped%s", d.name, d.release, then)
	}
}

// close ends everything at once. Nothing of the rehearsal runs when it returns.
func (s *stage) close() {
	for _, d := range []*side{s.blue, s.green} {
		d.group.Drain(context.Background(), 0)
		d.set.Load().Stop(stopGrace)
	}
	s.balancer.Close()
	for _, server := range s.servers {
		_ = server.Close()
	}
}

// forward sends a percentage of a listener's traffic to green, the rest to blue.
func (s *stage) forward(l *alb.Listener, percent int) {
	rest := wholeTraffic - percent
	l.Forward(alb.Weight{Group: s.blue.group, Share: rest}, alb.Weight{Group: s.green.group, Share: percent})
	called, old := l.Name+" listener", "nothing"
	if l == s.test && l.URL() == s.production.URL() {
		called = fmt.Sprintf("test rule (%s: %s)", s.plan.Header.Name, s.plan.Header.Value)
	}
	if s.blue.release != "" {
		old = "blue (" + s.blue.release + ")"
	}
	s.stream.send(Event{
		Kind: KindShift, Listener: l.Name,
		Weights: map[string]int{s.blue.release: rest, s.green.release: percent},
		Text:    fmt.Sprintf("%s: %d %% %s, %d %% green (%s)", called, rest, old, percent, s.green.release),
	})
}

// Standing is both releases' tasks, up and without a deployment: several rehearsals can share them.
type Standing struct {
	// Blue and Green are the tasks' "host:port".
	Blue, Green []string

	stage *stage
}

// Stand starts both releases' tasks and returns when they serve; blue must be healthy, as in Run. What
// cannot be started is a *SetupError. Close ends the tasks.
func (p Plan) Stand(ctx context.Context, emit func(Event)) (*Standing, error) {
	p.ProductionPort, p.TestPort = 0, 0
	s, err := newStage(ctx, p, emit)
	if err != nil {
		return nil, err
	}
	err = s.serveBlue(ctx)
	if err == nil {
		err = s.up(ctx, s.green)
	}
	if err != nil {
		s.close() //nolint:contextcheck // it must end everything also when the context has ended
		return nil, err
	}
	return &Standing{Blue: s.blue.addrs(), Green: s.green.addrs(), stage: s}, nil
}

func (d *side) addrs() (all []string) {
	for _, t := range d.set.Load().Tasks {
		all = append(all, t.Addr)
	}
	return all
}

// Close ends the tasks. Nothing of them runs when it returns.
func (s *Standing) Close() { s.stage.close() }

// Package rehearsal runs one blue/green deployment on this machine: a CodeDeploy that speaks the AWS
// protocol on loopback, a load balancer with a production and a test listener, task sets as processes,
// and each hook's own binary under a Lambda Runtime API. The parts live in the rooms below this one;
// here they are put together.
//
// A rehearsal turns a Plan into a Result, and emits a stream of Events while it runs. It refuses to start anything
// before the release's files have been checked, to touch anything but loopback, and to leave a process behind.
package rehearsal

import (
	"cmp"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Region and Account stand in the ARNs of a rehearsal; neither exists outside it.
const (
	Region  = "eu-west-1"
	Account = "123456789012"
)

// Hook is the program that stands for a function.
type Hook struct {
	Function string
	// Argv is the program; Dir its folder.
	Argv []string
	Dir  string
	// Path, when set, replaces the PATH that Lambda gives: the user's own command needs the user's own.
	Path string
}

// Command is what serves a release.
type Command struct {
	// Text says what it is where that is handed on: never the command line, which may hold a secret.
	Text string
	// Argv is what is run; for a built-in release it has no store's address yet (see Builtin).
	Argv []string
	// Builtin is the built-in release's name, or empty.
	Builtin string
	// Addrs, when set, are the "host:port" of tasks that run already: nothing is started or stopped.
	Addrs []string
	// Logs, when set, is given what writes a line into the log of one of these tasks.
	Logs func(write func(task int, line string))
}

// Machine is what the processes get to know of this machine.
type Machine struct {
	// Self is this program's own binary, which answers to process.KeeperArg and task.BuiltinArg.
	Self       string
	Path, Home string
}

// Plan is a rehearsal that was checked and can begin.
type Plan struct {
	Release Release
	// Blue and Green serve the old and the new release; BlueRelease is the old one's id.
	Blue, Green Command
	BlueRelease string
	// Suite is the absolute path of the smoke suite, or empty; SuiteText is what it says.
	Suite     string
	SuiteText []byte
	// Watch is the suite's watch, or nil; WatchMinute is how long one of its minutes is here.
	Watch       *suite.Watch
	WatchMinute time.Duration
	// KillEvery, when set, is how often one of green's tasks is killed while it serves production.
	KillEvery time.Duration
	// Discover gives the hooks no fact of the release: no suite, URLs or version. They find them as they
	// do on AWS, from the deployment.
	Discover bool
	Hooks    map[lifecycle.Name]Hook
	// Tasks is how many tasks a task set has.
	Tasks                    int
	ProductionPort, TestPort int
	// NoTestListener says that the deployment group has no test listener.
	NoTestListener bool
	// Health is the target groups' health check; its times are set here.
	Health alb.HealthCheck
	// Config says how the production traffic moves; the zero Config moves it all at once.
	Config deployment.Config
	// ReadyWait is how long the deployment waits for ContinueDeployment before the traffic moves; Speed
	// divides it. Zero does not wait.
	ReadyWait time.Duration
	// NoRollback says that the deployment group has no automatic rollbacks.
	NoRollback bool
	Alarm      Alarm
	// Speed divides CodeDeploy's waits and Lambda's retry pauses.
	Speed float64
	// Traffic is how many production requests are sent a second; zero sends none.
	Traffic float64
	// Routes are the paths that these ask for, in turn; without any it is "/". Host, when set, is their
	// Host header.
	Routes []string
	Host   string
	// Secrets are the values that Secrets Manager and SSM answer, by reference.
	Secrets map[string]string
	// Variables are what the suite's {env: …} reads.
	Variables map[string]string
	// FunctionTimeout is what Lambda allows a hook, StartTimeout how long a task may take to open its port.
	FunctionTimeout, StartTimeout time.Duration
	// TerminationWait is how long the original task set stays after the shift; Speed divides it.
	TerminationWait time.Duration
	// AwaitUpdate begins the deployment when somebody calls UpdateService or CreateDeployment, and not at once.
	AwaitUpdate bool
	// Header, when set, is what the test traffic's rule on the production listener asks for; there is no second listener.
	Header Header
	// Native is set for a service that Amazon ECS deploys itself.
	Native *Native
	// Keep leaves everything running after the end, until the context ends.
	Keep    bool
	Machine Machine
}

// idle reports whether an event is there for a hook alone, and has none.
func (p Plan) idle(event lifecycle.Name) bool {
	_, hooked := p.Hooks[event]
	paused := p.Native != nil && slices.Contains(p.Native.Pauses, event)
	return !hooked && !paused && (event.TakesHook() || slices.Contains(lifecycle.PauseStages(), event))
}

// config is the deployment configuration; AWS's default is all at once.
func (p Plan) config() deployment.Config {
	return cmp.Or(p.Config, deployment.Configs()[0])
}

// scaled divides one of AWS's waits by the plan's speed.
func (p Plan) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / p.Speed) }

// SetupError is why a rehearsal could not be held: a port, a binary, a command. It says nothing about
// the release's verdict.
type SetupError struct {
	Why string
	// Help says what to do.
	Help string
	// Log is the end of what the command wrote.
	Log []string
}

func (e *SetupError) Error() string { return e.Why }

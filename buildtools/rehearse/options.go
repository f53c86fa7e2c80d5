//go:build !windows

package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// The exit codes of this command beside the shared ones. Scripts branch on them: a number never changes its meaning.
const (
	exitRolledBack = 1
	exitSetup      = 3
	exitFiles      = 4
)

// options are the flags as they were given.
type options struct {
	taskDefinition, appSpec, suite string
	blue, green, blueRelease       string
	config, controller             string
	native                         nativeOptions
	hooksDir                       string
	hooks, secrets, reportFlags    []string
	formats                        []string // of reports
	reports                        cli.Reports
	traffic                        string
	commands                       map[lifecycle.Name]string // of --hook
	quiet, verbose                 bool
	ownRate                        bool // --traffic is given
	plan                           rehearsal.Plan
	// checked is the suite, once it was read without problems.
	checked *suite.Suite
}

const (
	// functionTimeout is what infra/gate.yml gives the hooks.
	functionTimeout = 840 * time.Second
	terminationWait = time.Minute
)

// help holds what the help says beside the flags.
//
//go:embed help
var help embed.FS

// command is the command line, with rehearse faults below it.
func command(w world) *cli.Command {
	o := options{formats: []string{"json", "html"}, controller: "codedeploy", config: "all-at-once", traffic: "20"}
	p, n := &o.plan, &o.native
	flags := o.releaseFlags()
	p.ProductionPort, p.TestPort, p.Speed, p.TerminationWait = 8000, 8080, 100, terminationWait
	n.strategy, n.hookTimeout, n.bakeTime = "blue-green", "24h,ROLLBACK", terminationWait
	maps.Copy(flags, cli.Flags{
		"controller": &o.controller, "alarm": o.alarm, "discover": &p.Discover, "await-update": &p.AwaitUpdate,
		"config": &o.config, "approval-wait": &p.ReadyWait, "no-rollback": &p.NoRollback,
		"no-test-listener": &p.NoTestListener, "termination-wait": &p.TerminationWait,
		"strategy": &n.strategy, "pause": n.pause, "hook-timeout": &n.hookTimeout, "bake-time": &n.bakeTime,
		"test-header": o.testHeader, "create": &n.create,
		"production-port": &p.ProductionPort, "test-port": &p.TestPort, "speed": &p.Speed, "traffic": &o.traffic,
		"keep": &p.Keep, "report": &o.reportFlags, "quiet": &o.quiet, "verbose": &o.verbose,
	})
	c := cli.Described(help, "rehearse", flags)
	c.Commands = []*cli.Command{faultsCommand(w)}
	c.Do = func(ctx context.Context, args []string) (int, error) {
		o.ownRate = c.Given("traffic")
		if err := o.chooseController(c); err != nil {
			return 0, err
		}
		if err := o.complete(c, args, w.lookup); err != nil {
			return 0, err
		}
		return o.run(ctx, w), nil
	}
	return c
}

// releaseFlags are those of every rehearsal: what is released, and on what.
func (o *options) releaseFlags() cli.Flags {
	p := &o.plan
	p.Tasks, p.StartTimeout, p.WatchMinute, p.FunctionTimeout = 2, time.Minute, 2*time.Second, functionTimeout
	return cli.Flags{
		"taskdef": &o.taskDefinition, "appspec": &o.appSpec, "suite": &o.suite, "blue": &o.blue, "green": &o.green,
		"blue-release": &o.blueRelease, "secret": &o.secrets, "tasks": &p.Tasks, "start-timeout": &p.StartTimeout,
		"health-check": o.health, "hooks": &o.hooksDir, "hook": &o.hooks, "watch-minute": &p.WatchMinute,
		"function-timeout": &p.FunctionTimeout,
	}
}

// complete checks the flags and takes them apart.
func (o *options) complete(c *cli.Command, args []string, lookup func(string) (string, bool)) error {
	if len(args) > 0 {
		return &cli.UsageError{Text: "unexpected argument: everything is a flag here", Help: c.Near(args[0])}
	}
	p, codeDeploy := &o.plan, o.plan.Native == nil
	lambda, blue, ready, minute := p.FunctionTimeout, p.TerminationWait, p.ReadyWait, p.WatchMinute
	want := func(so bool, text string, given any) error { return cli.When(!so, text, given) }
	needed := func(so bool, flag, value string) error {
		return want(!so || strings.TrimSpace(value) != "", "--%s is missing", flag)
	}
	between := func(d, least, most time.Duration) bool { return d >= least && d <= most }
	err := cmp.Or(
		needed(true, "taskdef", o.taskDefinition),
		needed(codeDeploy, "appspec", o.appSpec),
		needed(true, "suite", o.suite),
		needed(codeDeploy || !p.Native.Create, "blue", o.blue),
		needed(true, "green", o.green),
		want(p.Tasks >= 1 && p.Tasks <= 50, "--tasks %v: between 1 and 50", p.Tasks),
		want(p.Speed > 0 && p.Speed <= 1e6, "--speed %v: a number above 0, at most 1000000", p.Speed),
		want(between(lambda, 1, 900*time.Second), "--function-timeout %v: above 0 and at most 900s, as Lambda allows", lambda),
		want(between(blue, 0, 48*time.Hour), "--termination-wait %v: between 0 and 48h, as CodeDeploy allows", blue),
		want(between(ready, 0, 120*time.Hour), "--approval-wait %v: between 0 and 120h, as CodeDeploy allows", ready),
		want(between(minute, time.Second, time.Minute) && minute%time.Second == 0,
			"--watch-minute %v: whole seconds from 1s to 60s", minute),
		want(p.StartTimeout > 0, "--start-timeout %v: above 0", p.StartTimeout),
		want(p.ProductionPort >= 0 && p.ProductionPort <= 65535, "port %v: between 0 and 65535", p.ProductionPort),
		want(p.TestPort >= 0 && p.TestPort <= 65535, "port %v: between 0 and 65535", p.TestPort),
		want(p.ProductionPort != p.TestPort || p.TestPort == 0, "--production-port and --test-port are both %v", p.TestPort),
	)
	if err != nil {
		return err
	}
	return o.values(lookup)
}

// values takes the flags apart that hold more than one thing.
func (o *options) values(lookup func(string) (string, bool)) error {
	var wrong [4]error
	o.plan.Blue, wrong[0] = serve("blue", o.blue)
	o.plan.Green, wrong[1] = serve("green", o.green)
	if o.plan.Native == nil {
		config, err := deployment.ParseConfig(cmp.Or(o.config, "all-at-once")) // another command's flags have none
		if o.plan.Config = config; err != nil {
			wrong[2] = cli.Usagef("--config: %v", err)
		}
	}
	o.plan.BlueRelease = cmp.Or(o.blueRelease, "blue")
	switch native := o.plan.Native; {
	case native != nil && native.Create:
		o.plan.BlueRelease = ""
	case o.blueRelease == "" && o.plan.Blue.Builtin != "":
		o.plan.BlueRelease = "1.0.0"
	}
	rate, err := strconv.ParseFloat(strings.TrimSuffix(o.traffic, "/s"), 64)
	if o.plan.Traffic = rate; err != nil || !(rate >= 0 && rate <= 100_000) {
		wrong[3] = cli.Usagef("--traffic: want requests a second, like 50 or 50/s; 0 sends none")
	}
	if err := cmp.Or(wrong[:]...); err != nil {
		return err
	}
	if o.plan.Secrets, err = cli.Secrets(o.secrets, lookup); err != nil {
		return err
	}
	if err := redact.Check(o.plan.Secrets); err != nil {
		return cli.Usagef("--secret %v", err)
	}
	inputs := []string{o.taskDefinition, o.appSpec, o.suite}
	if o.reports, err = cli.ParseReports(o.reportFlags, o.formats, inputs); err != nil {
		return err
	}
	o.commands, err = o.hookCommands()
	return err
}

func (o *options) health(text string) (err error) {
	path, codes, given := strings.Cut(text, "=")
	if !given {
		codes = "200" // AWS's default
	}
	if !strings.HasPrefix(path, "/") {
		return errors.New("want PATH[=CODES]; the path begins with /")
	}
	o.plan.Health.Path = path
	o.plan.Health.Codes, err = alb.ParseCodes(codes)
	return err
}

func (o *options) alarm(when string) error {
	kind, value, _ := strings.Cut(when, "=")
	count, err := strconv.ParseInt(value, 10, 64)
	switch {
	case kind == "5xx" && err == nil && count > 0:
		o.plan.Alarm.Errors = count
	case kind == "file" && value != "":
		o.plan.Alarm.File = value
	default:
		return errors.New("want 5xx=N (a number above 0) or file=PATH")
	}
	return nil
}

func (o *options) hookCommands() (map[lifecycle.Name]string, error) {
	commands := map[lifecycle.Name]string{}
	known, kind := lifecycle.Hookable(), "lifecycle event"
	if o.plan.Native != nil {
		known, kind = lifecycle.HookStages(), "stage"
	}
	for _, h := range o.hooks {
		name, cmd, ok := strings.Cut(h, "=")
		event := lifecycle.Name(name)
		switch {
		case !slices.Contains(known, event):
			help := nearest(name, known, "they are ")
			return nil, cli.Usagef("--hook: not a %s that takes a hook; %s", kind, help)
		case !ok || strings.TrimSpace(cmd) == "":
			return nil, cli.Usagef("--hook %s: want EVENT=COMMAND", name)
		}
		commands[event] = cmd
	}
	return commands, nil
}

// nearest helps with a name that is none of the known ones.
func nearest[T ~string](name string, known []T, all string) string {
	var names []string
	for _, k := range known {
		names = append(names, string(k))
	}
	if near, found := diagnostic.Nearest(name, names); found {
		return "did you mean " + near + "?"
	}
	return all + strings.Join(names, ", ")
}

func serve(flag, text string) (rehearsal.Command, error) {
	name, ok := strings.CutPrefix(text, "builtin:")
	if !ok {
		return rehearsal.Command{Text: "the command of --" + flag, Argv: task.Shell(text)}, nil
	}
	if _, ok := task.FindBuiltin(name); !ok {
		return rehearsal.Command{}, cli.Usagef(
			"--%s builtin: there is no such built-in release; there are %s", flag, builtinNames())
	}
	return rehearsal.Command{Text: text, Builtin: name}, nil
}

func builtinNames() string {
	var names []string
	for _, r := range task.Builtins() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// nativeOptions are the flags of a deployment of Amazon ECS itself.
type nativeOptions struct {
	strategy, hookTimeout string
	pauses                []lifecycle.Name
	create                bool
	bakeTime              time.Duration
}

// The flags that one controller has and the other has not.
const (
	codeDeployFlags = "appspec config approval-wait no-rollback no-test-listener termination-wait"
	nativeFlags     = "strategy pause hook-timeout bake-time test-header create"
)

// pause takes a stage for a PAUSE hook.
func (n *nativeOptions) pause(stage string) error {
	if takes := lifecycle.PauseStages(); !slices.Contains(takes, lifecycle.Name(stage)) {
		return fmt.Errorf("not a stage that takes a PAUSE hook; %s", nearest(stage, takes, "they are "))
	}
	n.pauses = append(n.pauses, lifecycle.Name(stage))
	return nil
}

func (o *options) testHeader(text string) error {
	name, value, _ := strings.Cut(text, "=")
	if o.plan.Header = (rehearsal.Header{Name: name, Value: value}); name == "" || value == "" {
		return errors.New("want NAME=VALUE")
	}
	return nil
}

// chooseController reads the flags of the controller that deploys; those of the other one make no sense.
func (o *options) chooseController(c *cli.Command) error {
	wrong, known := map[string]string{"native": codeDeployFlags, "codedeploy": nativeFlags}[o.controller]
	if !known {
		return cli.Usagef("--controller: want codedeploy or native")
	}
	for flag := range strings.FieldsSeq(wrong) {
		if c.Given(flag) {
			return cli.Usagef("--%s makes no sense with --controller %s", flag, o.controller)
		}
	}
	if o.controller == "codedeploy" {
		return nil
	}
	n := o.native
	o.plan.Native = &rehearsal.Native{Create: n.create, Pauses: n.pauses}
	config, wrongStrategy := deployment.ParseStrategy(n.strategy)
	o.plan.Config, o.plan.TerminationWait = config, n.bakeTime
	return cmp.Or(
		cli.When(wrongStrategy != nil, "--strategy: %v", wrongStrategy),
		cli.When(n.bakeTime < 0 || n.bakeTime > 24*time.Hour || n.bakeTime%time.Minute != 0,
			"--bake-time %s: whole minutes between 0 and 24h, as Amazon ECS allows", n.bakeTime),
		cli.When(n.create && (o.plan.AwaitUpdate || o.blue != ""),
			"--create has no old release: neither --blue nor --await-update makes sense"),
		o.timeout(n.hookTimeout),
	)
}

func (o *options) timeout(text string) error {
	after, action, _ := strings.Cut(text, ",")
	duration, err := time.ParseDuration(after)
	switch {
	case err != nil || duration < time.Minute || duration > 336*time.Hour || duration%time.Minute != 0:
		return cli.Usagef("--hook-timeout: want whole minutes from 1m to 336h, as Amazon ECS allows")
	case action != "" && action != "ROLLBACK" && action != "CONTINUE":
		return cli.Usagef("--hook-timeout: the action is ROLLBACK or CONTINUE")
	}
	o.plan.Native.HookTimeout = deployment.HookTimeout{After: duration, GoOn: action == "CONTINUE"}
	return nil
}

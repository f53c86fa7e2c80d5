//go:build !windows

package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
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
	strategy, hookTimeout          string
	hooksDir                       string
	hooks, secrets, reportFlags    []string
	formats                        []string // of reports
	reports                        cli.Reports
	traffic                        string
	commands                       map[lifecycle.Name]string // of --hook
	quiet, verbose                 bool
	ownRate                        bool // --traffic is given
	bakeTime                       time.Duration
	native                         rehearsal.Native
	plan                           rehearsal.Plan
	// checked is the suite, once it was read without problems.
	checked *suite.Suite
}

const (
	// functionTimeout is what infra/gate.yml gives the hooks.
	functionTimeout = 840 * time.Second
	terminationWait = time.Minute
)

//go:embed help
var help embed.FS

// command is the command line, with rehearse faults below it.
func command(w world) *cli.Command {
	o := options{formats: []string{"json", "html"}}
	c := cli.Described(help, "rehearse")
	c.Commands = []*cli.Command{faultsCommand(w)}
	o.releaseFlags(c)
	f := c.Group("the deployment")
	f.StringVar(&o.controller, "controller", "codedeploy",
		"`NAME`: who deploys: codedeploy, or native for Amazon ECS itself, which takes no AppSpec")
	f.Func("alarm", "`WHEN`: an alarm stops the deployment: 5xx=N once the new version answered N production requests with "+
		"5xx, file=PATH once that file exists (repeatable)", o.alarm)
	f.BoolVar(&o.plan.Discover, "discover", false,
		"tell the hooks nothing (no SUITE, TEST_URL, PRODUCTION_URL, RELEASE): they find it from the deployment, "+
			"as on AWS; the suite is where the label greenlight.suite says")
	f.BoolVar(&o.plan.AwaitUpdate, "await-update", false,
		"begin when somebody calls CreateDeployment, or with --controller native UpdateService, with a task definition of "+
			"the new release, not at once")
	f = c.Group("a deployment of CodeDeploy")
	f.StringVar(&o.config, "config", "all-at-once",
		"`CONFIG`: how production traffic moves: all-at-once, canary:10,5m, linear:10,1m, or AWS's name "+
			"(CodeDeployDefault.ECSCanary10Percent5Minutes); --speed divides the waits")
	f.DurationVar(&o.plan.ReadyWait, "approval-wait", 0,
		"`TIME`: wait so long for ContinueDeployment before traffic moves (READY_WAIT), else stop; --speed "+
			"divides it")
	f.BoolVar(&o.plan.NoRollback, "no-rollback", false,
		"a deployment group without automatic rollbacks: a failed deployment is left as it is")
	f.BoolVar(&o.plan.NoTestListener, "no-test-listener", false,
		"a deployment group without a test listener: CodeDeploy skips AfterAllowTestTraffic and does not say so")
	f.DurationVar(&o.plan.TerminationWait, "termination-wait", terminationWait,
		"`TIME`: how long the old task set stays after the shift; --speed divides it")
	o.nativeFlags(c)
	f = c.Group("this machine")
	f.IntVar(&o.plan.ProductionPort, "production-port", 8000, "`PORT`: of the production listener; 0 picks a free one")
	f.IntVar(&o.plan.TestPort, "test-port", 8080, "`PORT`: of the test listener; 0 picks a free one")
	f.Float64Var(&o.plan.Speed, "speed", 100,
		"`N`: divides CodeDeploy's waits and Lambda's retry pauses, never a hook's own time")
	f.StringVar(&o.traffic, "traffic", "20",
		"`RATE`: production requests a second throughout, 50 or 50/s; 0 sends none; a watch gets as many as it needs where "+
			"this is not given")
	f.BoolVar(&o.plan.Keep, "keep", false, "leave everything running after the end, and say how to look at it")
	f = c.Group("output")
	f.StringArrayVar(&o.reportFlags, "report", nil,
		"`FORMAT=FILE`: html: a page that stands alone, json: everything that happened")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "leave out passed checks and what tasks and hooks write")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show all that tasks write, as it comes, and not only the end of it where "+
		"something failed; what they say of health checks is shown nowhere")
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

// The flags that one controller has and the other has not.
const (
	codeDeployFlags = "appspec config approval-wait no-rollback no-test-listener termination-wait"
	nativeFlags     = "strategy pause hook-timeout bake-time test-header create"
)

func (o *options) nativeFlags(c *cli.Command) {
	f := c.Group("a deployment of Amazon ECS itself")
	f.StringVar(&o.strategy, "strategy", "blue-green",
		"`STRATEGY`: how production traffic moves: blue-green, canary:10,5m or linear:25,2m; --speed divides the waits")
	f.Func("pause", "`STAGE`: a PAUSE hook, which waits for ContinueServiceDeployment (repeatable)", func(stage string) error {
		if takes := lifecycle.PauseStages(); !slices.Contains(takes, lifecycle.Name(stage)) {
			return fmt.Errorf("not a stage that takes a PAUSE hook; %s", nearest(stage, takes, "they are "))
		}
		o.native.Pauses = append(o.native.Pauses, lifecycle.Name(stage))
		return nil
	})
	f.StringVar(&o.hookTimeout, "hook-timeout", "24h,ROLLBACK",
		"`TIME[,ACTION]`: how long each hook may take, and what ECS does then: ROLLBACK or CONTINUE; --speed divides it "+
			"while the hook does nothing")
	f.DurationVar(&o.bakeTime, "bake-time", terminationWait,
		"`TIME`: how long both releases run after the shift; --speed divides it")
	f.Func("test-header", "`NAME=VALUE`: test traffic comes by a rule on the production listener that asks for this header, "+
		"and there is no test listener", func(text string) error {
		name, value, _ := strings.Cut(text, "=")
		if o.plan.Header = (rehearsal.Header{Name: name, Value: value}); name == "" || value == "" {
			return errors.New("want NAME=VALUE")
		}
		return nil
	})
	f.BoolVar(&o.native.Create, "create", false, "the service is created: there is no old release, and no --blue")
}

// chooseController reads the flags of the controller that deploys; those of the other one make no sense.
func (o *options) chooseController(c *cli.Command) error {
	wrong := nativeFlags
	switch o.controller {
	case "native":
		wrong = codeDeployFlags
	case "codedeploy":
	default:
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
	var strategy error
	o.plan.Native, o.plan.TerminationWait = &o.native, o.bakeTime
	o.plan.Config, strategy = deployment.ParseStrategy(o.strategy)
	text, action, _ := strings.Cut(o.hookTimeout, ",")
	after, err := time.ParseDuration(text)
	o.native.HookTimeout = deployment.HookTimeout{After: after, GoOn: action == "CONTINUE"}
	return cmp.Or(
		cli.When(strategy != nil, "--strategy: %v", strategy),
		cli.When(o.bakeTime < 0 || o.bakeTime > 24*time.Hour || o.bakeTime%time.Minute != 0,
			"--bake-time %s: whole minutes between 0 and 24h, as Amazon ECS allows", o.bakeTime),
		cli.When(o.native.Create && (o.plan.AwaitUpdate || o.blue != ""),
			"--create has no old release: neither --blue nor --await-update makes sense"),
		cli.When(err != nil || after < time.Minute || after > 336*time.Hour || after%time.Minute != 0,
			"--hook-timeout: want whole minutes from 1m to 336h, as Amazon ECS allows"),
		cli.When(action != "" && action != "ROLLBACK" && action != "CONTINUE",
			"--hook-timeout: the action is ROLLBACK or CONTINUE"),
	)
}

// releaseFlags are those of every rehearsal: what is released, and on what.
func (o *options) releaseFlags(c *cli.Command) {
	f := c.Group("the release")
	f.StringVar(&o.taskDefinition, "taskdef", "", "`FILE`: its task definition, as render-taskdef writes it")
	f.StringVar(&o.appSpec, "appspec", "", "`FILE`: its AppSpec, which says which hooks run")
	f.StringVar(&o.suite, "suite", "", "`FILE`: the smoke suite that the hooks run")
	f.StringVar(&o.blue, "blue", "", "`CMD`: serves the old version on $PORT; or builtin:NAME")
	f.StringVar(&o.green, "green", "", "`CMD`: serves the new version on $PORT; or builtin:NAME: "+builtinNames())
	f.StringVar(&o.blueRelease, "blue-release", "",
		"`ID`: the old version, its RELEASE (default: 1.0.0 for a built-in one, else blue)")
	f.StringArrayVar(&o.secrets, "secret", nil, cli.SecretUsage)
	f = c.Group("tasks and hooks")
	f.IntVar(&o.plan.Tasks, "tasks", 2, "`N`: tasks per task set")
	f.DurationVar(&o.plan.StartTimeout, "start-timeout", time.Minute, "`TIME`: that a task may take to open its port")
	f.Func("health-check", "`PATH[=CODES]`: of the target groups' health check, like /health=200-299 (default: / with "+
		"anything below 500)", o.health)
	f.StringVar(&o.hooksDir, "hooks", "",
		"`DIR`: with the hooks' own binaries, named after-allow-test-traffic and so on (default: rehearse carries them in itself)")
	f.StringArrayVar(&o.hooks, "hook", nil,
		"`EVENT=COMMAND`: runs another program for an event's hook; with --controller native the hooks are those of the "+
			"stages named here, a COMMAND may be a binary of --hooks, and without any they are Greenlight's at "+
			"POST_TEST_TRAFFIC_SHIFT and PRE_PRODUCTION_TRAFFIC_SHIFT, and for a watch at POST_PRODUCTION_TRAFFIC_SHIFT")
	f.DurationVar(&o.plan.WatchMinute, "watch-minute", 2*time.Second,
		"`TIME`: how long each minute of a suite's watch is here, and of a step's bake time where one is watched")
	f.DurationVar(&o.plan.FunctionTimeout, "function-timeout", functionTimeout, "`TIME`: that Lambda allows a hook")
}

// needed says which flags are missing, and that there are no arguments beside flags.
func (o *options) needed(c *cli.Command, args []string) error {
	if len(args) > 0 {
		return &cli.UsageError{Text: "unexpected argument: everything is a flag here", Help: c.Near(args[0])}
	}
	native := o.plan.Native
	optional := map[string]bool{"appspec": native != nil, "blue": native != nil && native.Create}
	for _, need := range []struct{ flag, value string }{
		{"taskdef", o.taskDefinition}, {"appspec", o.appSpec}, {"suite", o.suite}, {"blue", o.blue}, {"green", o.green},
	} {
		if strings.TrimSpace(need.value) == "" && !optional[need.flag] {
			return cli.Usagef("--%s is missing", need.flag)
		}
	}
	return nil
}

// complete checks the flags and takes them apart.
func (o *options) complete(c *cli.Command, args []string, lookup func(string) (string, bool)) error {
	if err := o.needed(c, args); err != nil {
		return err
	}
	p := &o.plan
	between := func(d, least, most time.Duration) bool { return d >= least && d <= most }
	if err := cmp.Or(
		cli.When(p.Tasks < 1 || p.Tasks > 50, "--tasks %v: between 1 and 50", p.Tasks),
		cli.When(!(p.Speed > 0 && p.Speed <= 1e6), "--speed %v: a number above 0, at most 1000000", p.Speed),
		cli.When(!between(p.FunctionTimeout, 1, 900*time.Second),
			"--function-timeout %v: above 0 and at most 900s, as Lambda allows", p.FunctionTimeout),
		cli.When(!between(p.TerminationWait, 0, 48*time.Hour),
			"--termination-wait %v: between 0 and 48h, as CodeDeploy allows", p.TerminationWait),
		cli.When(!between(p.ReadyWait, 0, 120*time.Hour),
			"--approval-wait %v: between 0 and 120h, as CodeDeploy allows", p.ReadyWait),
		cli.When(!between(p.WatchMinute, time.Second, time.Minute) || p.WatchMinute%time.Second != 0,
			"--watch-minute %v: whole seconds from 1s to 60s", p.WatchMinute),
		cli.When(p.StartTimeout <= 0, "--start-timeout %v: above 0", p.StartTimeout),
		cli.When(p.ProductionPort < 0 || p.ProductionPort > 65535, "port %v: between 0 and 65535", p.ProductionPort),
		cli.When(p.TestPort < 0 || p.TestPort > 65535, "port %v: between 0 and 65535", p.TestPort),
		cli.When(p.ProductionPort == p.TestPort && p.TestPort != 0, "--production-port and --test-port are both %v", p.TestPort),
	); err != nil {
		return err
	}
	return o.values(lookup)
}

// values takes the flags apart that hold more than one thing.
func (o *options) values(lookup func(string) (string, bool)) error {
	p := &o.plan
	var blue, green, config, secrets, reports, commands error
	p.Blue, blue = serve("blue", o.blue)
	p.Green, green = serve("green", o.green)
	if p.Native == nil {
		p.Config, config = deployment.ParseConfig(cmp.Or(o.config, "all-at-once")) // another command's flags have none
	}
	p.BlueRelease = cmp.Or(o.blueRelease, "blue")
	switch {
	case p.Native != nil && p.Native.Create:
		p.BlueRelease = ""
	case o.blueRelease == "" && p.Blue.Builtin != "":
		p.BlueRelease = "1.0.0"
	}
	rate, err := strconv.ParseFloat(strings.TrimSuffix(o.traffic, "/s"), 64)
	p.Traffic = rate
	p.Secrets, secrets = cli.Secrets(o.secrets, lookup)
	large := redact.Check(p.Secrets)
	o.reports, reports = cli.ParseReports(o.reportFlags, o.formats, []string{o.taskDefinition, o.appSpec, o.suite})
	o.commands, commands = o.hookCommands()
	return cmp.Or(
		blue, green, cli.When(config != nil, "--config: %v", config),
		cli.When(err != nil || !(rate >= 0 && rate <= 100_000),
			"--traffic: want requests a second, like 50 or 50/s; 0 sends none"),
		secrets, cli.When(large != nil, "--secret %v", large), reports, commands,
	)
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

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

const (
	// lookEvery is how often a deployment is looked at, and patience how long AWS may not answer meanwhile.
	lookEvery = 5 * time.Second
	patience  = 5 * time.Minute
	// untilApproval is what --until takes beside a stage.
	untilApproval = "approval"
)

// deploy is the command deploy.
type deploy struct {
	at surroundings
	target
	taskdef, appspec, until string
	timeout, every          time.Duration

	aws        rollout.AWS
	controller rollout.Controller
	screen     *screen
}

func deployCommand(at surroundings) *cli.Command {
	d := &deploy{at: at}
	c := &cli.Command{
		Name: "deploy", Arguments: "[flags]",
		About: `Deploys a rendered task definition: registers it, begins the deployment and
follows it to its end. A rollback is never success, whatever AWS calls it: which
revision serves is looked up.`,
		Example: `greenlight deploy --taskdef taskdef.json --service trips/web --timeout 1h
greenlight deploy --taskdef taskdef.json --appspec appspec.yaml \
    --application trips --group trips-blue-green`,
		Exit: "0  the new revision serves production\n" + stateExit + "\n130 interrupted; the deployment goes on",
		Once: true,
	}
	f := c.Group("what is deployed")
	f.StringVar(&d.taskdef, "taskdef", "", "`FILE`: the task definition, as render-taskdef writes it")
	f.StringVar(&d.appspec, "appspec", "", "`FILE`: the AppSpec, as render-appspec writes it; for CodeDeploy only")
	d.flags(c.Group("where to"))
	f = c.Group("how long")
	f.StringVar(&d.until, "until", "",
		"`STAGE`: end when this lifecycle event or stage is over, or with the word approval when somebody has to approve; "+
			"the deployment goes on")
	f.DurationVar(&d.timeout, "timeout", 0, "`TIME`: stop the deployment and roll it back when it is not over by then")
	f.DurationVar(&d.every, "every", lookEvery, "`TIME`: how often AWS is asked")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if err := d.check(c, args); err != nil {
			return 0, err
		}
		return d.run(ctx), nil
	}
	return c
}

func (d *deploy) check(c *cli.Command, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("unexpected argument: everything is a flag here")
	}
	if err := d.target.check(c); err != nil {
		return err
	}
	switch {
	case d.taskdef == "":
		return cli.Usagef("--taskdef is missing")
	case d.service != "" && d.appspec != "":
		return cli.Usagef("--appspec is CodeDeploy's; Amazon ECS itself takes none")
	case d.service == "" && d.appspec == "":
		return cli.Usagef("--appspec is missing: CodeDeploy wants one")
	case d.every < 100*time.Millisecond:
		return cli.Usagef("--every: at least 100ms")
	case d.timeout < 0:
		return cli.Usagef("--timeout: want a length of time, like 1h")
	case c.Empty("until"):
		return cli.Usagef("--until is empty: the variable behind it is not set")
	}
	controller, _ := d.target.controller(rollout.AWS{}) // its stages only; there is no id
	if known := append(controller.Stages(), untilApproval); d.until != "" && !slices.Contains(known, d.until) {
		return &cli.UsageError{Flag: "--until", Text: "there is no such stage", Help: nearest(d.until, known)}
	}
	return nil
}

func (d *deploy) run(ctx context.Context) int {
	input, spec, problems := d.files()
	_ = problems.Write(d.at.stderr, diagnostic.Text, "greenlight")
	if len(problems.Errors(false)) > 0 {
		return exitRefused
	}
	live, stop := d.at.interruptible(ctx)
	defer stop()
	var err error
	if d.aws, err = connect(live); err != nil {
		return failed(d.at, exitRefused, err)
	}
	d.controller, _ = d.target.controller(d.aws) // by names, which every name is
	id, err := d.begin(live, input, spec)
	switch {
	case errors.Is(err, rollout.ErrUnclear):
		return failed(d.at, exitUnknown, fmt.Errorf("%w; look with: greenlight status %s", err, d.where()))
	case err != nil:
		return failed(d.at, exitRefused, fmt.Errorf("nothing was deployed: %w", err))
	}
	stop()
	return d.follow(ctx, id)
}

// files reads the files, and checks what can be checked without AWS.
func (d *deploy) files() (input *ecs.RegisterTaskDefinitionInput, spec appspec.Spec, all diagnostic.List) {
	text, all := read(d.taskdef)
	if len(all) > 0 {
		return nil, spec, all
	}
	task, all := taskdef.Read(d.taskdef, text)
	input = &ecs.RegisterTaskDefinitionInput{}
	if len(all) == 0 {
		// A member that this build's SDK does not know would be lost on the way.
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(input); err != nil {
			all = append(all, diagnostic.Problem{
				Place: diagnostic.Place{File: d.taskdef}, Cause: diagnostic.Syntax,
				Text: "RegisterTaskDefinition does not take it: " + strings.TrimPrefix(err.Error(), "json: "),
				Help: "render-taskdef writes what is taken",
			})
		}
	}
	if d.appspec == "" {
		return input, spec, all
	}
	text, problems := read(d.appspec)
	if all = append(all, problems...); len(problems) > 0 {
		return input, spec, all
	}
	spec, problems = appspec.Read(d.appspec, text)
	all = append(append(all, problems...), spec.Check(&task)...)
	if named := spec.TaskDefinition; named.Text != appspec.Placeholder && !named.Wrong {
		all = append(all, diagnostic.Problem{
			Place: named.Place, Text: "it names another task definition than the one that is registered here",
			Help: "write " + appspec.Placeholder,
		})
	}
	return input, spec, all
}

// begin registers the task definition, and begins the deployment.
func (d *deploy) begin(ctx context.Context, input *ecs.RegisterTaskDefinitionInput, spec appspec.Spec) (string, error) {
	who, err := d.aws.Who(ctx)
	if err != nil {
		return "", err
	}
	out, err := d.aws.ECS.RegisterTaskDefinition(ctx, input)
	if err != nil {
		return "", awsclient.Error(err)
	}
	definition := aws.ToString(out.TaskDefinition.TaskDefinitionArn)
	say(d.at.stdout, "registered  %s", definition)
	spec.TaskDefinition.Text = definition
	order := rollout.Order{Definition: definition, Description: "greenlight deploy, by " + who}
	if d.appspec != "" {
		order.AppSpec = string(spec.JSON())
	}
	id, err := d.controller.Begin(ctx, order)
	if err == nil {
		say(d.at.stdout, "deployment  %s", id)
	}
	return id, err
}

// where is the flags that lead to what is deployed to.
func (d *deploy) where() string {
	if d.service != "" {
		return "--service " + d.service
	}
	return "--application " + d.application + " --group " + d.group
}

// follow follows the deployment until it ends, enough was seen, or somebody wants to leave.
func (d *deploy) follow(ctx context.Context, id string) int {
	d.screen = newScreen(d.at, d.controller)
	deadline, cancel := context.Context(ctx), context.CancelFunc(func() {})
	if d.timeout > 0 {
		deadline, cancel = context.WithTimeout(ctx, d.timeout)
	}
	defer cancel()
	watch := rollout.Watch{
		Every: d.every, Patience: patience, Show: d.screen.show, Trouble: d.screen.trouble,
		Enough: func(s rollout.State) bool {
			return d.until == untilApproval && s.Phase == rollout.Waits ||
				d.until != "" && d.until != untilApproval && s.Passed(d.controller, d.until)
		},
	}
	for {
		live, stop := d.at.interruptible(deadline)
		state, err := watch.Follow(live, d.controller, id)
		interrupted := live.Err() != nil && deadline.Err() == nil
		stop()
		switch {
		case err == nil:
			return d.screen.end(ctx, d.aws, state, d.every)
		case deadline.Err() != nil:
			say(d.at.stdout, "timed out after %s: the deployment is stopped and rolled back", d.timeout)
			if code, done := d.back(ctx, state, fmt.Sprintf("timed out after %s", d.timeout)); done {
				return code
			}
			deadline = ctx
			watch.Enough = func(rollout.State) bool { return false }
		case !interrupted:
			return d.screen.lost(id, err)
		default:
			switch d.ask(ctx, id) {
			case goOn:
			case leave:
				d.screen.left(id)
				return cli.ExitInterrupted
			case back:
				if code, done := d.back(ctx, state, "somebody stopped it at the terminal"); done {
					return code
				}
				watch.Enough = func(rollout.State) bool { return false }
			}
		}
	}
}

// back stops the deployment and rolls it back. It is done where that cannot be.
func (d *deploy) back(ctx context.Context, last rollout.State, why string) (code int, done bool) {
	live, stop := d.at.interruptible(ctx)
	defer stop()
	now, err := d.controller.Look(live, last.ID)
	if err == nil {
		if now.Phase.Over() || now.Phase == rollout.RollingBack {
			return 0, false // the next look tells how
		}
		d.screen.stopped = why
		err = d.controller.Back(live, now)
	}
	if err != nil {
		return d.screen.lost(last.ID, fmt.Errorf("it could not be stopped: %w", err)), true
	}
	return 0, false
}

// What somebody wants who interrupted.
type wish int

const (
	leave wish = iota
	goOn
	back
)

// ask asks what is to become of the deployment. Without a terminal nobody can be asked; a second interruption leaves.
func (d *deploy) ask(ctx context.Context, id string) wish {
	if !d.at.asks {
		return leave
	}
	live, stop := d.at.interruptible(ctx)
	defer stop()
	lines := make(chan string, 1)
	say(d.at.stderr, "\n%s goes on without this command. Stop it and roll back (s), leave it (l), or follow it (f)?", id)
	go func() {
		in := bufio.NewScanner(d.at.stdin)
		for in.Scan() {
			lines <- in.Text()
		}
		close(lines)
	}()
	for {
		select {
		case <-live.Done():
			return leave
		case line, ok := <-lines:
			switch word := strings.ToLower(strings.TrimSpace(line)); {
			case !ok:
				return leave
			case word == "s" || word == "stop":
				return back
			case word == "l" || word == "leave":
				return leave
			case word == "f" || word == "follow":
				return goOn
			}
			say(d.at.stderr, "s, l or f?")
		}
	}
}

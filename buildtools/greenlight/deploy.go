package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
	// lookEvery is how often a deployment is looked at, remindEvery how often it is said what is waited for, and patience
	// how long AWS may not answer meanwhile.
	lookEvery   = 5 * time.Second
	remindEvery = 30 * time.Second
	patience    = 5 * time.Minute
	// untilApproval is what --until takes beside a stage.
	untilApproval = "approval"
)

type deploy struct {
	session
	taskdef, appspec, until string
	timeout, every          time.Duration
}

func deployCommand(at surroundings) *cli.Command {
	d := &deploy{session: session{at: at}, every: lookEvery}
	return does("deploy", d.flags(cli.Flags{
		"taskdef": &d.taskdef, "appspec": &d.appspec, "until": &d.until, "timeout": &d.timeout, "every": &d.every,
	}), d.wrong, d.run)
}

// wrong says what is wrong with the flags.
func (d *deploy) wrong(c *cli.Command, args []string) error {
	if err := cmp.Or(cli.When(len(args) > 0, noArguments), d.choose(true)); err != nil {
		return err
	}
	known := append(d.controller.Stages(), untilApproval)
	near, _ := diagnostic.Nearest(d.until, known)
	return cmp.Or(
		cli.When(d.taskdef == "", "--taskdef is missing"),
		cli.When((d.group == "") != (d.appspec == ""), "--appspec goes with --application and --group: it is CodeDeploy's"),
		cli.When(d.every <= 0 || d.timeout < 0 || c.Empty("until"), "--every, --timeout and --until want a value"),
		cli.When(d.until != "" && !slices.Contains(known, d.until), "--until: there is no such stage; did you mean %s?",
			cmp.Or(near, strings.Join(known, ", "))),
	)
}

func (d *deploy) run(ctx context.Context) int {
	input, spec, problems := d.files()
	_ = problems.Write(d.at.stderr, diagnostic.Text, "greenlight")
	if len(problems.Errors(false)) > 0 {
		return exitRefused
	}
	live, stop := d.at.interruptible(ctx)
	defer stop() // at the very end: between two of those that follow, a signal must not end the command in silence
	if err := d.connect(live); err != nil {
		return d.failed(exitRefused, "%v", err)
	}
	id, err := d.begin(live, input, spec)
	switch {
	case errors.Is(err, rollout.ErrUnclear):
		return d.failed(exitUnknown, "%v; look with: greenlight status", err)
	case err != nil:
		return d.failed(exitRefused, "nothing was deployed: %v", err)
	}
	return d.follow(ctx, id)
}

// files reads the files, and checks what can be checked without AWS.
func (d *deploy) files() (input *ecs.RegisterTaskDefinitionInput, spec appspec.Spec, all diagnostic.List) {
	text, all := d.read(d.taskdef)
	if len(all) > 0 {
		return nil, spec, all
	}
	task, all := taskdef.Read(d.taskdef, text)
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields() // a member that this build's SDK does not know would be lost on the way
	if err := decoder.Decode(&input); err != nil && len(all) == 0 {
		all = problem(task.Place, "RegisterTaskDefinition does not take it, render-taskdef writes what is taken: "+err.Error())
	}
	if d.appspec == "" {
		return input, spec, all
	}
	text, unread := d.read(d.appspec)
	if len(unread) > 0 {
		return input, spec, append(all, unread...)
	}
	spec, problems := appspec.Read(d.appspec, text)
	all = slices.Concat(all, problems, spec.Check(&task))
	if named := spec.TaskDefinition; named.Text != appspec.Placeholder && !named.Wrong {
		all = append(all, problem(named.Place,
			"it names another task definition than the one that is registered here, want "+appspec.Placeholder)...)
	}
	return input, spec, all
}

// begin registers the task definition, and begins the deployment.
func (d *deploy) begin(ctx context.Context, input *ecs.RegisterTaskDefinitionInput, spec appspec.Spec) (string, error) {
	who, err := d.aws.Who(ctx)
	if err != nil {
		return "", err
	}
	if d.service != "" { // before a revision is registered that nobody deploys
		if _, err := d.controller.Latest(ctx); err != nil && !errors.Is(err, rollout.ErrNever) {
			return "", err
		}
	}
	out, err := d.aws.ECS.RegisterTaskDefinition(ctx, input)
	if err != nil {
		return "", awsclient.Error(err)
	}
	if out.TaskDefinition == nil || aws.ToString(out.TaskDefinition.TaskDefinitionArn) == "" {
		return "", errors.New("ecs RegisterTaskDefinition: the answer holds no task definition")
	}
	definition := *out.TaskDefinition.TaskDefinitionArn
	say(d.at.stdout, "registered  %s", definition)
	spec.TaskDefinition.Text = definition
	id, err := d.controller.Begin(ctx, definition, string(spec.JSON()), "greenlight deploy, by "+who)
	if err == nil {
		say(d.at.stdout, "deployment  %s", id)
	}
	return id, err
}

// follow follows the deployment until it ends, enough was seen, or somebody wants to leave.
func (d *deploy) follow(ctx context.Context, id string) int {
	d.began, d.told = time.Now(), time.Now()
	deadline, cancel := context.WithTimeout(ctx, cmp.Or(d.timeout, math.MaxInt64)) // without a time limit centuries
	defer cancel()
	for {
		live, stop := d.at.interruptible(deadline)
		state, err := d.look(live, id)
		interrupted := live.Err() != nil
		stop()
		why := "somebody stopped it at the terminal"
		switch {
		case err == nil:
			return d.end(ctx, state, d.every)
		case !interrupted:
			return d.lost(id, err)
		case deadline.Err() != nil:
			deadline, why = ctx, fmt.Sprintf("timed out after %s", d.timeout)
			say(d.at.stdout, "%s: the deployment is stopped and rolled back", why)
		default:
			if answer := d.ask(ctx, id); answer == "f" {
				continue
			} else if answer != "s" {
				d.warn("interrupted; the deployment goes on")
				d.next(id)
				return cli.ExitInterrupted
			}
		}
		if err := d.back(ctx, id, why); err != nil {
			return d.lost(id, fmt.Errorf("it could not be stopped: %w", err))
		}
	}
}

// look looks at the deployment until it is over or enough was seen. What AWS refuses ends that, and so does a time
// without answers.
func (d *deploy) look(ctx context.Context, id string) (rollout.State, error) {
	for answered := time.Now(); ; {
		seen, err := d.controller.Look(ctx, id)
		switch {
		case ctx.Err() != nil:
			return seen, ctx.Err()
		case err == nil:
			answered = time.Now()
			if d.show(seen); seen.Phase.Over() || d.stopped == "" && d.enough(seen) {
				return seen, nil
			}
			if time.Since(d.told) >= remindEvery {
				d.line("waits: " + under(seen)) // so that a build does not wait in silence
			}
		case time.Since(answered) > patience, awsclient.IsCode(err,
			"AccessDeniedException", "AccessDenied", "ExpiredTokenException", "UnrecognizedClientException"):
			return seen, err
		default:
			d.once("cannot be seen, and is looked at again: %v", err) // once for each reason
		}
		select {
		case <-time.After(d.every):
		case <-ctx.Done():
			return seen, ctx.Err()
		}
	}
}

// under is the stage under way, or how far the deployment is where none is.
func under(s rollout.State) string {
	for _, e := range slices.Backward(s.Stages) {
		if e.Status == rollout.InProgress {
			return e.Name
		}
	}
	return string(s.Phase)
}

// enough reports whether what --until asks for was seen. Amazon ECS tells the stage under way only: those before it
// are over. Where a stage failed, what follows it is skipped, and the end is waited for.
func (d *deploy) enough(s rollout.State) bool {
	if d.until == "" || d.until == untilApproval || s.Phase == rollout.RollingBack { // in a rollback stages come again
		return d.until == untilApproval && s.Phase == rollout.Waits
	}
	order := d.controller.Stages()
	seen := false
	for _, e := range s.Stages {
		switch e.Status {
		case rollout.Pending:
			continue
		case "Succeeded", "Skipped":
			seen = seen || e.Name == d.until
		case rollout.InProgress:
		default: // Failed, Unknown
			return false
		}
		seen = seen || slices.Index(order, e.Name) > slices.Index(order, d.until)
	}
	return seen
}

// back stops the deployment and rolls it back, where it is not over: the next look tells how.
func (d *deploy) back(ctx context.Context, id, why string) error {
	live, stop := d.at.interruptible(ctx)
	defer stop()
	now, err := d.controller.Look(live, id)
	if err != nil || now.Phase.Over() || now.Phase == rollout.RollingBack {
		return err
	}
	d.stopped = why
	return d.controller.Decide(live, now, false)
}

// ask asks what is to become of the deployment: s stops it, f follows it, all else leaves it. Without a terminal
// nobody can be asked; a second interruption leaves.
func (d *deploy) ask(ctx context.Context, id string) string {
	if !d.at.asks {
		return ""
	}
	live, stop := d.at.interruptible(ctx)
	defer stop()
	answer := make(chan string, 1)
	say(d.at.stderr, "%s goes on without this command. Stop it and roll back (s), leave it (l), or follow it (f)?", id)
	go func() {
		line, _ := bufio.NewReader(d.at.stdin).ReadString('\n') // at its end nothing is wanted
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-live.Done():
		return ""
	case line := <-answer:
		return line
	}
}

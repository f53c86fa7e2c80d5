package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

// find returns the controller and the newest deployment, or the one that is named.
func (t *target) find(ctx context.Context) (a rollout.AWS, c rollout.Controller, s rollout.State, err error) {
	if a, err = connect(ctx); err != nil {
		return a, nil, s, err
	}
	if c, err = t.controller(a); err != nil {
		return a, nil, s, err
	}
	id := t.deployment
	if id == "" {
		if id, err = c.Latest(ctx); err != nil {
			return a, c, s, err
		}
	}
	s, err = c.Look(ctx, id)
	return a, c, s, err
}

func statusCommand(at surroundings) *cli.Command {
	var t target
	c := &cli.Command{
		Name: "status", Arguments: "[flags]",
		About: `Says how a deployment is: where it is, what it waits for, what the gate found,
who decided, and what can be done. Without --deployment it is the newest one.`,
		Example: `greenlight status --service trips/web
greenlight status --deployment d-1A2B3C4D5`,
		Exit: "0  the new revision serves production\n" + stateExit + "\n130 interrupted",
		Once: true,
	}
	t.deploymentFlags(c)
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if len(args) > 0 {
			return 0, cli.Usagef("unexpected argument: everything is a flag here")
		}
		if err := t.check(c); err != nil {
			return 0, err
		}
		ctx, stop := at.interruptible(ctx)
		defer stop()
		return t.status(ctx, at), nil
	}
	return c
}

func (t *target) deploymentFlags(c *cli.Command) {
	f := c.Group("which deployment")
	f.StringVar(&t.deployment, "deployment", "", "`ID`: d-… or the ARN of a service deployment; else the newest one of")
	t.flags(f)
}

func (t *target) status(ctx context.Context, at surroundings) int {
	a, _, s, err := t.find(ctx)
	if ctx.Err() != nil {
		return cli.ExitInterrupted
	}
	if err != nil {
		return failed(at, exitUnknown, err)
	}
	row := func(name, format string, args ...any) {
		say(at.stdout, "%-11s %s", name, oneLine(fmt.Sprintf(format, args...)))
	}
	row("deployment", "%s", s.ID)
	row("of", "%s", s.Of)
	row("status", "%s (%s)%s", s.Phase, s.Status, because(s.Reason))
	var stages []string
	for _, e := range s.Stages {
		stages = append(stages, e.Name+" "+e.Status)
	}
	if len(stages) > 0 {
		row("stages", "%s", strings.Join(stages, ", "))
	}
	row("revision", "%s", cmp.Or(s.Definition, "not known"))
	if s.Share >= 0 {
		row("production", "%g %% for the new revision", s.Share)
	}
	verdicts, err := a.Verdicts(ctx, s)
	if err != nil {
		say(at.stderr, "greenlight: warning: the gate's verdict cannot be read: %v", err)
	}
	for _, v := range verdicts {
		row("gate", "%s", gateLine(v))
		if page := cmp.Or(v.Link, v.Report); page != "" {
			row("report", "%s", page)
		}
	}
	kept, err := a.Kept(ctx, s)
	if err != nil {
		say(at.stderr, "greenlight: warning: whether somebody decided cannot be read: %v", err)
	}
	if kept != "" {
		row("decision", "%s", kept)
	}
	row("link", "%s", s.Link)
	if s.Wait != nil {
		row("waits", "for approval%s", ends(*s.Wait))
		row("approve", "greenlight approve --deployment %s --why TEXT", s.ID)
		row("reject", "greenlight reject --deployment %s --why TEXT", s.ID)
	}
	text, code := outcome(s, verdicts)
	say(at.stdout, "%s", text)
	return code
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// verb is a decision's command.
type verb string

const (
	approve verb = "approve"
	reject  verb = "reject"
)

func (v verb) about() string {
	if v == approve {
		return `Approves a deployment that waits: a PAUSE hook of Amazon ECS, or CodeDeploy's
wait before production traffic moves.`
	}
	return `Rejects a deployment: it is stopped and rolled back, whether it waits or is under
way.`
}

// past is what was done.
func (v verb) past() string {
	if v == approve {
		return "approved"
	}
	return "rejected"
}

func decideCommand(at surroundings, v verb) *cli.Command {
	var t target
	var why string
	c := &cli.Command{
		Name: string(v), Arguments: "[flags]",
		About: v.about() + `
Who decided (sts GetCallerIdentity), when and why is printed, and stored as tags
of the task definition's revision that is deployed.`,
		Example: fmt.Sprintf("greenlight %s --service trips/web --why \"looked at the canary\"\n"+
			"greenlight %[1]s --deployment d-1A2B3C4D5 --why \"seen on the test listener\"", v),
		Exit: `0  it is decided
1  too late: it is over, or somebody else decided
2  wrong flags
4  it waits for nobody
5  AWS does not say: it is not known whether it is decided
130 interrupted`,
		Once: true,
	}
	t.deploymentFlags(c)
	f := c.Group("the decision")
	f.StringVar(&why, "why", "", "`TEXT`: the reason, for whoever asks later")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if len(args) > 0 {
			return 0, cli.Usagef("unexpected argument: everything is a flag here")
		}
		if err := t.check(c); err != nil {
			return 0, err
		}
		if strings.TrimSpace(why) == "" {
			return 0, cli.Usagef("--why is missing: the reason, for whoever asks later")
		}
		ctx, stop := at.interruptible(ctx)
		defer stop()
		return t.decide(ctx, at, v, why), nil
	}
	return c
}

// decide decides, where there is something to decide.
func (t *target) decide(ctx context.Context, at surroundings, v verb, why string) int {
	a, c, s, err := t.find(ctx)
	if ctx.Err() != nil {
		return cli.ExitInterrupted
	}
	if err != nil {
		return failed(at, exitUnknown, err)
	}
	who, err := a.Who(ctx)
	if err != nil && v == approve {
		return failed(at, exitUnknown, fmt.Errorf("nobody approves without a name: %w", err))
	}
	d := rollout.Decision{What: v.past(), Why: oneLine(why), Who: cmp.Or(who, "somebody whom STS did not name"), When: time.Now()}
	switch {
	case s.Phase.Over(), s.Phase == rollout.RollingBack:
		return t.tooLate(ctx, at, a, s)
	case v == approve && s.Wait == nil:
		say(at.stderr, "greenlight: %s waits for nobody: it is %s (%s)", s.ID, s.Phase, s.Status)
		told(ctx, at, a, s)
		return exitRefused
	case v == approve:
		err = c.Continue(ctx, s)
	default:
		err = c.Back(ctx, s)
	}
	if err != nil {
		return t.refused(ctx, at, a, c, s, err)
	}
	say(at.stdout, "%s  %s", s.ID, d)
	if err := a.Keep(ctx, s, d); err != nil {
		say(at.stderr, "greenlight: warning: it is decided, and who decided could not be stored: %v", err)
	}
	return 0
}

// refused tells why a decision came to nothing: somebody else was faster, or the deployment ended meanwhile.
func (t *target) refused(
	ctx context.Context, at surroundings, a rollout.AWS, c rollout.Controller, before rollout.State, err error,
) int {
	now, second := c.Look(ctx, before.ID)
	switch {
	case awsclient.Unclear(err):
	case second == nil && (now.Phase.Over() || now.Phase == rollout.RollingBack):
		return t.tooLate(ctx, at, a, now)
	case second == nil && before.Wait != nil && (now.Wait == nil || *now.Wait != *before.Wait):
		say(at.stderr, "greenlight: too late: somebody else decided, and %s is %s (%s)", now.ID, now.Phase, now.Status)
		told(ctx, at, a, now)
		return exitNotLive
	}
	say(at.stderr, "greenlight: it is not known whether it is decided; look with: greenlight status --deployment %s", before.ID)
	return failed(at, exitUnknown, err)
}

func (t *target) tooLate(ctx context.Context, at surroundings, a rollout.AWS, s rollout.State) int {
	text, _ := outcome(s, nil)
	say(at.stderr, "greenlight: too late: %s", text)
	told(ctx, at, a, s)
	return exitNotLive
}

// told says who decided before, as far as that is known.
func told(ctx context.Context, at surroundings, a rollout.AWS, s rollout.State) {
	if kept, err := a.Kept(ctx, s); err == nil && kept != "" {
		say(at.stderr, "greenlight: the last decision: %s", oneLine(kept))
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

// The exit codes, beside those that all commands share. Pipelines branch on them: a number never changes its meaning.
const (
	exitNotLive = 1 // rolled back, stopped, failed: the new revision does not serve; of a decision: too late
	exitWaits   = 3 // for somebody's approval
	exitRefused = 4 // a file is wrong, or AWS refused: nothing was done
	exitUnknown = 5 // AWS does not say: what was begun may go on
	exitGoesOn  = 6 // under way
)

// exits explains the exit codes.
const exits = `0  the new revision serves production; approve, reject: it is decided
1  rolled back, stopped or failed; approve, reject: too late
2  wrong flags
3  it waits for approval
4  a file is wrong, AWS refused, or it waits for nobody: nothing was done
5  AWS does not say how it is: it may go on
6  it is under way
130 interrupted; a deployment goes on`

// attemptTime bounds one attempt of a call that is made again.
const attemptTime = 10 * time.Second

// command is the command line.
func command(at surroundings) *cli.Command {
	c := &cli.Command{
		Name: "greenlight", Arguments: "[flags]",
		About: `Deploys a rendered task definition to an Amazon ECS service, by CodeDeploy or by
Amazon ECS itself, and tells the truth about how it ended: exit code 0 is a new
revision that serves production, and nothing else.

Credentials, region and endpoint are found as every AWS tool finds them:
environment, profiles, single sign-on, AWS_ENDPOINT_URL.`,
		Example: `greenlight deploy --taskdef taskdef.json --service trips/web
greenlight status --service trips/web
greenlight approve --service trips/web --why "looked at the canary"`,
		Exit:     exits,
		Commands: []*cli.Command{deployCommand(at), statusCommand(at), decideCommand(at, approve), decideCommand(at, reject)},
	}
	c.Do = func(_ context.Context, args []string) (int, error) {
		return 0, &cli.UsageError{Text: "want a command", Help: c.Near(strings.Join(args, " "))}
	}
	return c
}

// target is what is deployed to.
type target struct{ application, group, service, deployment string }

// flags adds the flags; one way of naming a target is taken.
func (t *target) flags(c *cli.Command, title string) {
	f := c.Group(title)
	if c.Name != "deploy" {
		f.StringVar(&t.deployment, "deployment", "", "`ID`: d-… or the ARN of a service deployment; else the newest one of")
	}
	f.StringVar(&t.service, "service", "", "`CLUSTER/SERVICE`: a service that Amazon ECS deploys itself")
	f.StringVar(&t.application, "application", "", "`NAME`: CodeDeploy's application, with --group")
	f.StringVar(&t.group, "group", "", "`NAME`: its deployment group")
}

// controller is the one that the flags name.
func (t *target) controller(a rollout.AWS) (rollout.Controller, error) {
	ways := 0
	for _, given := range []string{t.service, t.application + t.group, t.deployment} {
		if given != "" {
			ways++
		}
	}
	cluster, service, _ := strings.Cut(t.service, "/")
	switch {
	case ways == 0:
		return nil, cli.Usagef("--service, or --application and --group, are missing or empty: which deployment?")
	case ways > 1:
		return nil, cli.Usagef("--service, --application with --group, and --deployment exclude each other")
	case (t.application == "") != (t.group == ""):
		return nil, cli.Usagef("--application and --group go together")
	case t.group != "":
		return rollout.CodeDeploy{AWS: a, Application: t.application, Group: t.group}, nil
	case t.service == "":
		controller, err := a.Of(t.deployment)
		if err != nil {
			return nil, cli.Usagef("--deployment: %v", err)
		}
		return controller, nil
	case cluster == "" || service == "" || strings.Contains(service, "/"):
		return nil, cli.Usagef("--service wants CLUSTER/SERVICE")
	}
	return rollout.Native{AWS: a, Cluster: cluster, Service: service}, nil
}

// connect finds credentials, region and endpoint as every AWS tool does. The SDK's own warnings would stand among our
// lines; what matters of them is in its errors.
func connect(ctx context.Context) (rollout.AWS, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return rollout.AWS{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return rollout.NewAWS(awsclient.Within(awsclient.Bounded(cfg), attemptTime)), nil
}

// say prints a line. Where nobody reads, there is nobody to tell.
func say(w io.Writer, format string, args ...any) {
	text := strings.FieldsFunc(fmt.Sprintf(format, args...), func(r rune) bool { return r < ' ' || r == 0x7f })
	// A foreign text must not look like a line of ours, and must not be an escape code.
	_, _ = io.WriteString(w, strings.Join(text, " ")+"\n")
}

// failed says why, and returns the code.
func failed(at surroundings, code int, err error) int {
	say(at.stderr, "greenlight: %v", err)
	return code
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/pflag"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
)

// The exit codes, beside those that all commands share. Pipelines branch on them: a number never changes its meaning.
const (
	exitNotLive = 1 // rolled back, stopped, failed: the new revision does not serve
	exitWaits   = 3 // for somebody's approval
	exitRefused = 4 // a file is wrong, or AWS refused: nothing was done
	exitUnknown = 5 // AWS does not say: what was begun may go on
	exitGoesOn  = 6 // under way
)

// stateExit explains the exit codes that tell of a deployment.
const stateExit = `1  rolled back, stopped or failed: the new revision does not serve
2  wrong flags
3  it waits for approval
4  a file is wrong, or AWS refused: nothing was done
5  AWS does not say how it is: it may go on
6  it is under way`

// attemptTime bounds one attempt of a call, which is repeated twice.
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
		Exit:     "0  the new revision serves; approve, reject: it is decided\n" + stateExit + "\n130 interrupted; a deployment goes on",
		Commands: []*cli.Command{deployCommand(at), statusCommand(at), decideCommand(at, approve), decideCommand(at, reject)},
	}
	c.Do = func(_ context.Context, args []string) (int, error) {
		if len(args) > 0 {
			return 0, &cli.UsageError{Text: "there is no such command", Help: c.Near(args[0])}
		}
		return 0, &cli.UsageError{Text: "a command is missing", Help: "greenlight -h lists them"}
	}
	return c
}

// target is what is deployed to.
type target struct{ application, group, service, deployment string }

func (t *target) flags(f *pflag.FlagSet) {
	f.StringVar(&t.service, "service", "", "`CLUSTER/SERVICE`: a service that Amazon ECS deploys itself")
	f.StringVar(&t.application, "application", "", "`NAME`: CodeDeploy's application, with --group")
	f.StringVar(&t.group, "group", "", "`NAME`: its deployment group")
}

// controller is the one that the flags name; exactly one way of naming it is taken.
func (t *target) controller(a rollout.AWS) (rollout.Controller, error) {
	cluster, service, slash := strings.Cut(t.service, "/")
	switch {
	case t.deployment != "":
		return a.Of(t.deployment)
	case t.service != "":
		return rollout.Native{AWS: a, Cluster: cluster, Service: service}, nil
	}
	_ = slash
	return rollout.CodeDeploy{AWS: a, Application: t.application, Group: t.group}, nil
}

// check checks the flags.
func (t *target) check(c *cli.Command) error {
	for _, name := range []string{"service", "application", "group", "deployment"} {
		if (name != "deployment" || c.Name != "deploy") && c.Empty(name) {
			return cli.Usagef("--%s is empty: the variable behind it is not set", name)
		}
	}
	ways := 0
	for _, given := range []string{t.service, t.application + t.group, t.deployment} {
		if given != "" {
			ways++
		}
	}
	cluster, service, _ := strings.Cut(t.service, "/")
	switch {
	case ways == 0 && c.Name == "deploy":
		return cli.Usagef("--service, or --application and --group, are missing: where is it deployed to?")
	case ways == 0:
		return cli.Usagef("--deployment, --service, or --application and --group are missing")
	case ways > 1:
		return cli.Usagef("--service, --application with --group, and --deployment exclude each other")
	case t.service != "" && (cluster == "" || service == "" || strings.Contains(service, "/")):
		return cli.Usagef("--service wants CLUSTER/SERVICE")
	case (t.application == "") != (t.group == ""):
		return cli.Usagef("--application and --group go together")
	case t.deployment != "" && !strings.HasPrefix(t.deployment, "d-") && !rollout.IsServiceDeployment(t.deployment):
		return cli.Usagef("--deployment wants d-… or the ARN of a service deployment")
	}
	return nil
}

// connect makes the clients.
func connect(ctx context.Context) (rollout.AWS, error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return rollout.AWS{}, err
	}
	return rollout.NewAWS(cfg), nil
}

// awsConfig finds credentials, region and endpoint as every AWS tool does. The SDK's own warnings would stand among our
// lines; what matters of them is in its errors.
func awsConfig(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return awsclient.Within(awsclient.Bounded(cfg), attemptTime), nil
}

// say prints a line.
func say(w io.Writer, format string, args ...any) {
	_, _ = io.WriteString(w, fmt.Sprintf(format, args...)+"\n") // where nobody reads, there is nobody to tell
}

// failed says why, behind the command's name, and returns the code.
func failed(at surroundings, code int, err error) int {
	say(at.stderr, "greenlight: %v", err)
	return code
}

// read reads a file that a person gave.
func read(name string) (string, diagnostic.List) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", diagnostic.List{{Place: diagnostic.Place{File: name}, Cause: diagnostic.File, Text: err.Error()}}
	}
	return string(text), nil
}

// nearest is the help for a word that is none of those that are known.
func nearest(word string, known []string) string {
	if near, ok := diagnostic.Nearest(word, known); ok {
		return "did you mean " + near + "?"
	}
	return "they are " + strings.Join(slices.Clone(known), ", ")
}

package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/verify"
)

// verifying is the command verify.
type verifying struct {
	session
	release         verify.Release
	appspec, format string
	werror          bool
}

func verifyCommand(at surroundings) *cli.Command {
	v := &verifying{session: session{at: at}}
	c := &cli.Command{
		Name: "verify", Arguments: "[flags] TASKDEF", Exit: exits, Once: true,
		About: `Verifies that everything exists that a task definition names, before it is
deployed: images and their platform, roles and whom they trust, secrets, log
groups, files in S3. With more flags also the hooks, their suite and what
deploys it. It only reads; what may not be looked up is a warning.`,
		Example: `greenlight verify taskdef.json --appspec appspec.yaml --suite smoke.yaml \
    --application trips --group trips-blue-green`,
	}
	f := c.Group("what is deployed")
	f.StringVar(&v.appspec, "appspec", "", "`FILE`: the AppSpec; its hooks are looked up")
	f.StringVar(&v.release.SuiteFile, "suite", "", "`FILE`: the suite; the hooks must read the same")
	f.BoolVar(&v.release.SecretKeys, "secret-keys", false, "read the secrets of which a key is named, and look for it")
	f = c.Group("where to")
	f.StringVar(&v.service, "service", "", "`CLUSTER/SERVICE`: a service that Amazon ECS deploys itself")
	f.StringVar(&v.application, "application", "", "`NAME`: CodeDeploy's application, with --group")
	f.StringVar(&v.group, "group", "", "`NAME`: its deployment group")
	f = c.Group("problems")
	f.StringVar(&v.format, "format", string(diagnostic.Text), "`FORM`: how they are printed: text, json or github")
	f.BoolVar(&v.werror, "werror", false, "treat warnings as errors")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		switch {
		case len(args) != 1:
			return 0, cli.Usagef("want one task definition")
		case c.Empty("appspec") || c.Empty("suite"):
			return 0, cli.Usagef("--appspec or --suite is empty: the variable behind it is not set")
		case !slices.Contains(diagnostic.Formats(), diagnostic.Format(v.format)):
			return 0, cli.Usagef("--format: want text, json or github")
		}
		if c.Given("service") || c.Given("application") || c.Given("group") {
			if err := v.choose(); err != nil {
				return 0, err
			}
		}
		return v.run(ctx, args[0]), nil
	}
	return c
}

func (v *verifying) run(ctx context.Context, name string) int {
	ctx, stop := v.at.interruptible(ctx)
	defer stop()
	problems, code := v.read(name), exitRefused
	if len(problems.Errors(false)) == 0 {
		found, err := v.find(ctx)
		if problems = append(problems, found...); err != nil {
			text := "nothing was looked up: " + err.Error()
			problems, code = append(problems, diagnostic.Problem{Place: v.release.Task.Place, Text: text}), exitUnknown
		}
	}
	if ctx.Err() != nil {
		return v.failed(cli.ExitInterrupted, errors.New("interrupted"))
	}
	for i := range problems {
		if v.werror {
			problems[i].Severity = diagnostic.Error
		}
	}
	_ = problems.Write(v.at.stderr, diagnostic.Format(v.format), "greenlight verify") // where nobody reads
	if len(problems.Errors(false)) == 0 {
		return cli.ExitOK
	}
	return code
}

// read reads the files, and checks them as far as AWS is not needed.
func (v *verifying) read(name string) (all diagnostic.List) {
	texts := map[string]string{}
	for _, file := range []string{name, v.appspec, v.release.SuiteFile} {
		text, err := os.ReadFile(file)
		if err != nil && file != "" {
			all = append(all, diagnostic.Problem{Place: diagnostic.Place{File: file}, Text: err.Error()})
		}
		texts[file] = string(text)
	}
	if len(all) > 0 {
		return all
	}
	v.release.Task, all = taskdef.Read(name, texts[name])
	v.release.Suite = texts[v.release.SuiteFile]
	if v.appspec != "" {
		spec, problems := appspec.Read(v.appspec, texts[v.appspec])
		v.release.Hooks = spec.Hooks
		all = slices.Concat(all, problems, spec.Check(&v.release.Task))
	}
	return all
}

// find asks AWS, which does not refuse to say who asks: without an answer to that there is none to anything else.
func (v *verifying) find(ctx context.Context) (problems diagnostic.List, err error) {
	if v.release.AWS, err = configuration(ctx); err != nil {
		return nil, err
	}
	if _, err = rollout.NewAWS(v.release.AWS).Who(ctx); err != nil {
		return nil, err
	}
	v.release.Waiting = func(thing string) {
		if v.at.terminal {
			say(v.at.stderr, "waits for %s", thing)
		}
	}
	v.release.Application, v.release.Group = v.application, v.group
	v.release.Cluster, v.release.Service, _ = strings.Cut(v.service, "/")
	return v.release.Problems(ctx), nil
}

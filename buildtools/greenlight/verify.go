package main

import (
	"context"
	"errors"
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/verify"
)

type verifying struct {
	session
	release                verify.Release
	appspec, suite, format string
	werror                 bool
}

func verifyCommand(at surroundings) *cli.Command {
	v := &verifying{session: session{at: at}}
	c := &cli.Command{
		Name: "verify", Arguments: "[flags] TASKDEF",
		About: `Verifies that everything exists that a task definition names, before it is
deployed: images and their platform, roles and whom they trust, secrets, log
groups, files in S3. With more flags also the hooks, their suite and what
deploys it. It only reads; what may not be looked up is a warning.`,
		Exit: `0  nothing is missing; what could not be looked up was told
2  wrong flags
4  something is missing, or a file is wrong (with --werror also: a warning)
5  AWS does not answer, or not to these credentials: nothing was looked up
130 interrupted`,
		Example: `greenlight verify taskdef.json --appspec appspec.yaml --suite smoke.yaml \
    --application trips --group trips-blue-green`,
	}
	f := c.Group("what is deployed")
	f.StringVar(&v.appspec, "appspec", "", "`FILE`: the AppSpec; its hooks are looked up")
	f.StringVar(&v.suite, "suite", "", "`FILE`: the suite; the hooks must read the same")
	f.BoolVar(&v.release.SecretKeys, "secret-keys", false, "read the secrets of which a key is named, and look for it")
	v.flags(c, "where to")
	f = c.Group("problems")
	f.StringVar(&v.format, "format", string(diagnostic.Text), "`FORM`: text, json, github or sarif")
	f.BoolVar(&v.werror, "werror", false, "treat warnings as errors")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		switch {
		case len(args) != 1:
			return 0, cli.Usagef("want one task definition")
		case slices.ContainsFunc([]string{"appspec", "suite", "service", "application", "group"}, c.Empty):
			return 0, cli.Usagef("a flag is empty: the variable behind it is not set")
		case !slices.Contains(diagnostic.Formats(), diagnostic.Format(v.format)):
			return 0, cli.Usagef("--format: want text, json, github or sarif")
		}
		if v.service+v.application+v.group != "" {
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
		var err error
		if v.release.AWS, err = configuration(ctx); err == nil { // whoever may ask nothing else may ask who asks
			_, err = rollout.NewAWS(v.release.AWS).Who(ctx)
		}
		if err == nil {
			problems = append(problems, v.release.Problems(ctx)...)
		} else {
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
	_ = problems.Write(v.at.stderr, diagnostic.Format(v.format), "greenlight verify") // nobody may read it
	if len(problems.Errors(false)) == 0 {
		return cli.ExitOK
	}
	return code
}

// read reads the files, and checks them as far as AWS is not needed.
func (v *verifying) read(name string) (all diagnostic.List) {
	texts := map[string]string{}
	for _, file := range []string{name, v.appspec, v.suite} {
		text, err := cli.ReadFile(file, v.at.stdin)
		if err != nil && file != "" {
			all = append(all, diagnostic.Problem{Place: diagnostic.Place{File: file}, Text: err.Error()})
		}
		texts[file] = text
	}
	if len(all) > 0 {
		return all
	}
	v.release.Task, all = readTask(name, texts[name])
	if v.appspec != "" {
		spec, problems := appspec.Read(v.appspec, texts[v.appspec])
		v.release.Hooks, all = spec.Hooks, slices.Concat(all, problems, spec.Check(&v.release.Task))
	}
	flag := func(name, text string) appspec.Value {
		return appspec.Value{Text: text, Place: diagnostic.Place{Flag: name}}
	}
	v.release.Suite, v.release.SuiteFile = texts[v.suite], flag("--suite", v.suite)
	v.release.Service = flag("--service", v.service)
	if v.group != "" {
		v.release.Group = flag("--group", v.application+"/"+v.group)
	}
	v.release.Waiting = func(thing string) {
		if v.at.terminal {
			say(v.at.stderr, "waits for %s", thing)
		}
	}
	return all
}

package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/verify"
)

type verifying struct {
	session
	release                         verify.Release
	taskdef, appspec, suite, format string
	werror                          bool
}

func verifyCommand(at surroundings) *cli.Command {
	v := &verifying{session: session{at: at}, format: string(diagnostic.Text)}
	return does("verify", v.flags(cli.Flags{
		"appspec": &v.appspec, "suite": &v.suite, "secret-keys": &v.release.SecretKeys, "format": &v.format, "werror": &v.werror,
	}), v.wrong, at.until(v.run))
}

// wrong says what is wrong with the flags.
func (v *verifying) wrong(c *cli.Command, args []string) error {
	v.taskdef = strings.Join(args, " ")
	empty := slices.ContainsFunc([]string{"appspec", "suite", "service", "application", "group"}, c.Empty)
	return cmp.Or(
		cli.When(len(args) != 1, "want one task definition"),
		cli.When(empty, "a flag is empty: the variable behind it is not set"),
		knownFormat(v.format),
		v.choose(false),
	)
}

func (v *verifying) run(ctx context.Context) int {
	problems, code := v.files(), exitRefused
	if len(problems.Errors(false)) == 0 {
		var err error
		if v.release.AWS, err = configuration(ctx); err == nil { // whoever may ask nothing else may ask who asks
			_, err = rollout.NewAWS(v.release.AWS).Who(ctx)
		}
		if err == nil {
			problems = append(problems, v.release.Problems(ctx)...)
		} else {
			problems = append(problems, problem(v.release.Task.Place, "nothing was looked up: "+err.Error())...)
			code = exitUnknown
		}
	}
	if ctx.Err() != nil {
		return v.failed(cli.ExitInterrupted, "interrupted")
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

// files reads the files, and checks them as far as AWS is not needed.
func (v *verifying) files() (all diagnostic.List) {
	texts := map[string]string{}
	for _, file := range []string{v.taskdef, v.appspec, v.suite} {
		if file != "" {
			text, unread := v.read(file)
			texts[file], all = text, append(all, unread...)
		}
	}
	if len(all) > 0 {
		return all
	}
	v.release.Task, all = readTask(v.taskdef, texts[v.taskdef])
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

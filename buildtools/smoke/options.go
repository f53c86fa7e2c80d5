package main

import (
	"cmp"
	"context"
	"embed"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// The exit codes, beside those that all commands share. Pipelines branch on them: a number never changes its meaning.
const (
	exitFail         = 1
	exitInconclusive = 3
	exitConfig       = 4
	exitGate         = 5
)

// options is the command line.
type options struct {
	job smoke.Job
	// suite is the file's name, policy the one of what a suite must have.
	suite, policy                   string
	vars, secrets, headers, reports []string
	values, stored                  map[string]string // of --var by the name, of --secret by the reference
	files                           cli.Reports
	validate, schema, bundle        bool
	quiet, verbose                  bool
}

// help are the commands' help texts.
//
//go:embed help
var help embed.FS

// command is the command line.
func command(at surroundings) *cli.Command {
	var o options
	c := cli.Described(help, "smoke", cli.Flags{
		"target": &o.job.Target.URL, "baseline": &o.job.Baseline.URL, "target-header": &o.headers, "release": &o.job.Release,
		"var": &o.vars, "secret": &o.secrets, "concurrency": &o.job.Concurrency, "policy": &o.policy,
		"tags": func(text string) error {
			o.job.Tags = append(o.job.Tags, strings.Split(text, ",")...)
			return nil
		},
		"validate": &o.validate, "bundle": &o.bundle, "schema": &o.schema,
		"report": &o.reports, "quiet": &o.quiet, "verbose": &o.verbose,
	})
	c.Commands = []*cli.Command{draftCommand(at)}
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if o.schema {
			return at.print(suite.Schema()), nil
		}
		if !c.Given("release") {
			o.job.Release, _ = at.environment("RELEASE")
		}
		if err := o.complete(c, args, at.environment); err != nil {
			return 0, err
		}
		return run(ctx, at, o, c), nil
	}
	return c
}

// complete checks what the flags themselves cannot.
func (o *options) complete(c *cli.Command, args []string, lookup func(string) (string, bool)) (err error) {
	var vars, headers, secrets error
	o.values, vars = pairs("var", o.vars)
	o.job.Target.Headers, headers = pairs("target-header", o.headers)
	o.stored, secrets = cli.Secrets(o.secrets, lookup)
	o.suite = strings.Join(args, " ")
	err = cmp.Or(
		vars, headers, secrets,
		cli.When(len(args) != 1, "want one SUITE, have %d", len(args)),
		cli.When(c.Given("concurrency") && (o.job.Concurrency < 1 || o.job.Concurrency > 1000),
			"--concurrency must be between 1 and 1000"),
		cli.When(slices.Contains(o.job.Tags, "!") || slices.Contains(o.job.Tags, ""), "--tags wants TAG,!TAG"),
		cli.When(o.quiet && o.verbose, "-q and -v exclude each other"),
	)
	if err != nil {
		return err
	}
	formats := []string{"junit", "json", "html", "md"}
	if o.files, err = cli.ParseReports(o.reports, formats, []string{o.suite}); err != nil || o.validate || o.bundle {
		return err
	}
	_, target := smoke.BaseURL(o.job.Target.URL)
	_, baseline := smoke.BaseURL(o.job.Baseline.URL)
	return cmp.Or(
		cli.When(c.Empty("baseline"), "--baseline is empty: the variable behind it is not set"),
		cli.When(o.job.Target.URL == "", "--target is missing: where is the release to judge?"),
		cli.When(target != nil, "--target: %v", target),
		cli.When(baseline != nil && o.job.Baseline.URL != "", "--baseline: %v", baseline),
	)
}

// pairs reads the values of a flag that may be given many times; the last of a name counts.
func pairs(flag string, values []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, cli.Usagef("--%s wants NAME=VALUE", flag)
		}
		out[name] = value
	}
	return out, nil
}

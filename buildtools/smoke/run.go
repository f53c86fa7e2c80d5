package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// deploymentID is ${DEPLOYMENT_ID} where there is no deployment: a suite may put it into what it writes.
const deploymentID = "local"

func run(ctx context.Context, at surroundings, o options, c *cli.Command) int {
	if !o.validate && !o.bundle {
		o.files.Clear()
	}
	src, err := suite.Load(o.suite, at.stdin)
	if near := c.Near(o.suite); near != "" && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; %s", err, near)
	}
	if err != nil {
		return at.say(exitConfig, "read the suite: %v", err)
	}
	here, _ := os.Getwd() // without one it has its base name
	src.Name = diagnostic.Shareable(here, "", src.Name).Replace(src.Name)
	checked, problems := suite.Read(src)
	if checked == nil || !o.quiet {
		_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
	}
	if checked == nil {
		return exitConfig
	}
	if o.bundle {
		return bundled(at, src)
	}
	if o.policy != "" {
		policy, err := suite.Load(o.policy, nil)
		if err != nil {
			return at.say(exitConfig, "read the policy: %v", err)
		}
		if problems := checked.Demand(policy); len(problems) > 0 {
			_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
			return exitConfig
		}
	}
	if err := checkAgainst(checked, o); err != nil {
		return at.say(exitConfig, "%v", err)
	}
	for _, tag := range checked.UnknownTags(o.job.Tags) {
		at.say(cli.ExitOK, "warning: --tags: nothing in the suite has the tag %q", tag)
	}
	if o.validate {
		return validated(at, o, checked)
	}
	return judge(ctx, at, o, checked, src)
}

// checkAgainst sees whether the flags fit the suite.
func checkAgainst(checked *suite.Suite, o options) error {
	declared := checked.Variables()
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("--var: the suite has no variable %q; %s", name, variableHelp(name, declared))
		}
	}
	if err := checked.CheckTags(o.job.Tags); err != nil {
		return fmt.Errorf("--tags: %w", err)
	}
	if !o.validate && o.job.Release == "" && checked.MentionsRelease() {
		return fmt.Errorf("the suite mentions ${RELEASE}: say which release is expected with --release or $RELEASE")
	}
	return nil
}

func variableHelp(name string, declared []string) string {
	near, ok := diagnostic.Nearest(name, declared)
	switch {
	case ok:
		return "did you mean " + near + "?"
	case name == "RELEASE":
		return "--release says it"
	case len(declared) == 0:
		return "the suite declares none"
	}
	return "the suite declares " + strings.Join(declared, ", ")
}

// judge runs the suite and tells what came of it.
func judge(ctx context.Context, at surroundings, o options, checked *suite.Suite, src suite.Source) int {
	values, err := resolve(ctx, checked, o, at.environment)
	if ctx.Err() != nil {
		return at.say(cli.ExitInterrupted, "interrupted")
	}
	var secrets *redact.Redactor
	if err == nil {
		secrets, err = checked.Redactor(values)
	}
	if err != nil {
		return at.say(exitConfig, "%v", err)
	}
	job := o.job
	job.Suite, job.Values, job.DeploymentID = src, values, deploymentID
	job.Phases = []finding.Phase{finding.PhaseReady, finding.PhaseJudge}
	if job.Baseline.URL != "" {
		job.Phases = append(job.Phases, finding.PhaseCompare)
	}
	p := newProgress(at, o)
	r := smoke.Run(ctx, checked, job, p.tell)
	p.end()
	if job.Baseline.URL == "" {
		for _, name := range checked.Comparisons() {
			r.NotRun = append(r.NotRun, finding.NotRun{Check: name, Phase: finding.PhaseCompare, Why: "compare needs --baseline"})
		}
	}
	var b bytes.Buffer
	source := []byte(secrets.Text(string(src.Text))) // lines of it are quoted
	terminal := report.Terminal{Color: at.color, Width: at.width, Source: source, Quiet: o.quiet}
	if err := terminal.Write(&b, r); err != nil {
		return at.say(exitGate, "print the report: %v", err)
	}
	// The files come first: whoever reads the terminal's end may have gone.
	told := cli.ExitOK
	err = o.files.Write(ctx, func(format string) ([]byte, error) {
		var b bytes.Buffer
		write, _ := report.ByName(format) // it was checked with the flags
		err := write(&b, r)
		return b.Bytes(), err
	})
	if err != nil {
		told = at.say(exitGate, "%v", err)
	}
	told = cmp.Or(at.print(b.Bytes()), told)
	if ctx.Err() != nil {
		return at.say(cli.ExitInterrupted, "interrupted: the verdict above is about what was done until then")
	}
	return cmp.Or(exitOf(r), told) // nobody asked for a report that is not there
}

// resolve looks up the suite's variables. A --var replaces the suite's own text or source; AWS is asked,
// and its configuration read, only when a variable needs it.
func resolve(
	ctx context.Context, checked *suite.Suite, o options, env func(string) (string, bool),
) (map[string]suite.Value, error) {
	var refs []suite.Reference
	needsAWS := false
	secrets, unused := map[string]bool{}, maps.Clone(o.stored)
	for _, ref := range checked.References() {
		delete(unused, ref.ID)
		secrets[ref.Name] = ref.Secret || ref.Kind != suite.ReferenceEnv
		if _, given := o.values[ref.Name]; given {
			continue
		}
		refs = append(refs, ref)
		_, stored := o.stored[ref.ID]
		needsAWS = needsAWS || !stored && (ref.Kind == suite.ReferenceSSM || ref.Kind == suite.ReferenceSecretsManager)
	}
	for id := range unused {
		return nil, fmt.Errorf("--secret: no variable of the suite comes from %.200q", id)
	}
	sources := secret.Sources{Env: env, Suite: checked, Stored: o.stored, Given: map[string]suite.Value{}}
	for name, text := range o.values {
		sources.Given[name] = suite.Value{Text: text, Secret: secrets[name]}
	}
	if needsAWS {
		// Credentials and region are found as every AWS tool finds them: environment, profiles, single sign-on. The SDK's
		// own warnings would stand among our lines; what matters of them is in its errors.
		cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
		if err != nil {
			return nil, fmt.Errorf("read the AWS configuration: %w", err)
		}
		cfg = awsclient.Bounded(cfg)
		sources.AWS = &cfg
	}
	return sources.Resolve(ctx, refs)
}

func exitOf(r finding.Report) int {
	code, ok := map[finding.Verdict]int{
		finding.Pass: cli.ExitOK, finding.Fail: exitFail, finding.Inconclusive: exitInconclusive,
	}[r.Verdict]
	switch {
	case ok:
		return code
	case r.Blame == finding.BlameConfig:
		return exitConfig
	}
	return exitGate
}

// bundled prints the suite with its files, which must be the same suite to who reads it.
func bundled(at surroundings, src suite.Source) int {
	text, err := suite.Bundle(src)
	if err != nil {
		return at.say(exitConfig, "%v", err)
	}
	if _, problems := suite.Read(suite.Source{Name: src.Name, Text: text}); len(problems.Errors(false)) > 0 {
		_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
		return exitConfig
	}
	return at.print(text)
}

func validated(at surroundings, o options, checked *suite.Suite) int {
	if o.quiet {
		return cli.ExitOK
	}
	if !checked.ProvesRelease() {
		at.say(cli.ExitOK, "%s: warning: nothing proves which release answers; expect ${RELEASE} of a header or of the body",
			o.suite)
	}
	checks, compares := checked.Chosen(o.job.Tags)
	return at.print(fmt.Appendf(nil, "%s: ok: %s, %s\n", o.suite, report.Count(len(checks), "check"),
		report.Count(len(compares), "comparison")))
}

// print prints the result.
func (at surroundings) print(text []byte) int {
	if _, err := at.stdout.Write(text); err != nil {
		return at.say(exitGate, "write: %v", err)
	}
	return cli.ExitOK
}

// say tells the user one line, and hands the code on.
func (at surroundings) say(code int, format string, args ...any) int {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		_, _ = fmt.Fprintf(at.stderr, "smoke: %s\n", line)
	}
	return code
}

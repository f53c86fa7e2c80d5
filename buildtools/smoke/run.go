package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// deploymentID is ${DEPLOYMENT_ID} where there is no deployment: a suite may put it into what it writes.
const deploymentID = "local"

func run(ctx context.Context, at surroundings, o options, c *cli.Command) int {
	if !o.validate && !o.bundle {
		o.reports.Clear()
	}
	src, err := suite.Load(o.suite, at.stdin)
	if errors.Is(err, fs.ErrNotExist) && c.Near(o.suite) != "" {
		return say(at, exitConfig, "read the suite: %v; %s", err, c.Near(o.suite))
	}
	if err != nil {
		return say(at, exitConfig, "read the suite: %v", err)
	}
	suite, problems := suite.Read(src)
	if suite == nil || !o.quiet {
		_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
	}
	if suite == nil {
		return exitConfig
	}
	if o.bundle {
		return bundled(at, src)
	}
	if code := demanded(at, o, suite); code != cli.ExitOK {
		return code
	}
	if err := checkAgainst(suite, o); err != nil {
		return say(at, exitConfig, "%v", err)
	}
	for _, tag := range suite.UnknownTags(o.tags) {
		say(at, cli.ExitOK, "warning: --tags: nothing in the suite has the tag %q", tag)
	}
	if o.validate {
		return validated(at, o, suite)
	}
	values, err := resolve(ctx, suite, o, at.environment)
	if ctx.Err() != nil {
		return say(at, cli.ExitInterrupted, "interrupted")
	}
	if err != nil {
		return say(at, exitConfig, "%v", err)
	}
	secrets, err := suite.Redactor(values)
	if err != nil {
		return say(at, exitConfig, "%v", err)
	}
	source := []byte(secrets.Text(string(src.Text))) // lines of it are quoted
	return judge(ctx, at, o, suite, jobOf(o, src, values), source)
}

// checkAgainst sees whether the flags fit the suite.
func checkAgainst(suite *suite.Suite, o options) error {
	declared := suite.Variables()
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("--var: the suite has no variable %q; %s", name, variableHelp(name, declared))
		}
	}
	if err := suite.CheckTags(o.tags); err != nil {
		return fmt.Errorf("--tags: %w", err)
	}
	if !o.validate && o.release == "" && suite.MentionsRelease() {
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

func jobOf(o options, src suite.Source, values map[string]suite.Value) smoke.Job {
	job := smoke.Job{
		Suite: src, Values: values, Target: smoke.Side{URL: o.target, Headers: o.headers},
		Baseline: smoke.Side{URL: o.baseline},
		Release:  o.release, DeploymentID: deploymentID, Tags: o.tags, Concurrency: o.concurrency,
		Phases: []finding.Phase{finding.PhaseReady, finding.PhaseJudge},
	}
	if o.baseline != "" {
		job.Phases = append(job.Phases, finding.PhaseCompare)
	}
	return job
}

// judge runs the suite and tells what came of it.
func judge(ctx context.Context, at surroundings, o options, suite *suite.Suite, job smoke.Job, source []byte) int {
	p := newProgress(at, o)
	r := smoke.Run(ctx, suite, job, p.tell)
	p.end()
	if o.baseline == "" {
		for _, name := range suite.Comparisons() {
			r.NotRun = append(r.NotRun, finding.NotRun{Check: name, Phase: finding.PhaseCompare, Why: "compare needs --baseline"})
		}
	}
	var b bytes.Buffer
	terminal := report.Terminal{Color: at.color, Width: at.width, Source: source, Quiet: o.quiet}
	if err := terminal.Write(&b, r); err != nil {
		return say(at, exitGate, "print the report: %v", err)
	}
	// The files come first: whoever reads the terminal's end may have gone.
	told := cli.ExitOK
	if err := o.reports.Write(ctx, func(format string) ([]byte, error) { return inFormat(format, r) }); err != nil {
		told = say(at, exitGate, "%v", err)
	}
	if wrote(at, at.stdout, b.Bytes()) != cli.ExitOK {
		told = exitGate
	}
	if ctx.Err() != nil {
		return say(at, cli.ExitInterrupted, "interrupted: the verdict above is about what was done until then")
	}
	if code := exitOf(r); code != cli.ExitOK {
		return code
	}
	return told // nobody asked for a report that is not there
}

func inFormat(format string, r finding.Report) ([]byte, error) {
	var b bytes.Buffer
	write, _ := report.ByName(format) // it was checked with the flags
	err := write(&b, r)
	return b.Bytes(), err
}

func exitOf(r finding.Report) int {
	switch r.Verdict {
	case finding.Pass:
		return cli.ExitOK
	case finding.Fail:
		return exitFail
	case finding.Inconclusive:
		return exitInconclusive
	case finding.Error, finding.Skipped:
	}
	if r.Blame == finding.BlameConfig {
		return exitConfig
	}
	return exitGate
}

// demanded holds the suite against the policy.
func demanded(at surroundings, o options, checked *suite.Suite) int {
	if o.policy == "" {
		return cli.ExitOK
	}
	policy, err := suite.Load(o.policy, nil)
	if err != nil {
		return say(at, exitConfig, "read the policy: %v", err)
	}
	if problems := checked.Demand(policy); len(problems) > 0 {
		_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
		return exitConfig
	}
	return cli.ExitOK
}

// bundled prints the suite with its files, which must be the same suite to who reads it.
func bundled(at surroundings, src suite.Source) int {
	text, err := suite.Bundle(src)
	if err != nil {
		return say(at, exitConfig, "%v", err)
	}
	if _, problems := suite.Read(suite.Source{Name: src.Name, Text: text}); len(problems.Errors(false)) > 0 {
		_ = problems.Write(at.stderr, diagnostic.Text, "smoke")
		return exitConfig
	}
	return wrote(at, at.stdout, text)
}

func validated(at surroundings, o options, suite *suite.Suite) int {
	if o.quiet {
		return cli.ExitOK
	}
	if !suite.ProvesRelease() {
		say(at, cli.ExitOK, "%s: warning: nothing proves which release answers; expect ${RELEASE} of a header or of the body",
			o.suite)
	}
	checks, compares := suite.Chosen(o.tags)
	return wrote(at, at.stdout, fmt.Appendf(nil, "%s: ok: %s, %s\n", o.suite, report.Count(len(checks), "check"),
		report.Count(len(compares), "comparison")))
}

func wrote(at surroundings, w io.Writer, b []byte) int {
	if _, err := w.Write(b); err != nil {
		return say(at, exitGate, "write: %v", err)
	}
	return cli.ExitOK
}

// say tells the user one line, and hands the code on.
func say(at surroundings, code int, format string, args ...any) int {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		_, _ = fmt.Fprintf(at.stderr, "smoke: %s\n", line)
	}
	return code
}

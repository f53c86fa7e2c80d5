package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
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
	src, err := readSource(o.suite, at.stdin)
	if errors.Is(err, fs.ErrNotExist) && c.Near(o.suite) != "" {
		return say(at, exitConfig, "%v; %s", err, c.Near(o.suite))
	}
	if err != nil {
		return say(at, exitConfig, "%v", err)
	}
	suite, problems := suite.Read(src)
	if suite == nil || !o.quiet {
		_ = problems.Write(at.stderr, diagnostic.Text)
	}
	if suite == nil {
		return exitConfig
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

// readSource reads the suite and the files that it refers to. One that is missing is left to Read, which
// knows the place to name.
func readSource(name string, stdin io.Reader) (suite.Source, error) {
	var text []byte
	var err error
	if name == "-" {
		name = "stdin"
		text, err = io.ReadAll(io.LimitReader(stdin, suite.MaxSuite+1))
	} else {
		text, err = readLimited(name)
	}
	if err != nil {
		return suite.Source{}, fmt.Errorf("read the suite: %w", err)
	}
	src := suite.Source{Name: name, Text: text, Files: map[string][]byte{}}
	for _, f := range suite.Files(text) {
		path := f
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		if data, err := readLimited(path); err == nil {
			src.Files[f] = data
		}
	}
	return src, nil
}

func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, suite.MaxSuite+1))
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
	r := smoke.Run(ctx, suite, job, p.watch())
	p.end()
	if o.baseline == "" {
		for _, name := range suite.Comparisons() {
			r.NotRun = append(r.NotRun, finding.NotRun{Check: name, Why: "compare needs --baseline"})
		}
	}
	var b bytes.Buffer
	terminal := report.Terminal{Color: at.color, Width: at.width, Source: source, Quiet: o.quiet}
	if err := terminal.Write(&b, r); err != nil {
		return say(at, exitGate, "print the report: %v", err)
	}
	// The files come first: whoever reads the terminal's end may have gone.
	told := cli.ExitOK
	for _, f := range o.reports {
		if err := writeReport(f, r); err != nil {
			told = say(at, exitGate, "write the report: %v", err)
		}
	}
	if wrote(at, at.stdout, b.Bytes()) != cli.ExitOK {
		told = exitGate
	}
	if code := exitOf(ctx, r); code != cli.ExitOK {
		return code
	}
	return told // nobody asked for a report that is not there
}

func writeReport(f reportFile, r finding.Report) error {
	var b bytes.Buffer
	if err := f.write(&b, r); err != nil {
		return err
	}
	return cli.WriteFile(f.file, b.Bytes())
}

func exitOf(ctx context.Context, r finding.Report) int {
	if ctx.Err() != nil {
		return cli.ExitInterrupted
	}
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

func validated(at surroundings, o options, suite *suite.Suite) int {
	if o.quiet {
		return cli.ExitOK
	}
	checks, compares := suite.Size(o.tags)
	return wrote(at, at.stdout,
		fmt.Appendf(nil, "%s: ok: %s, %s\n", o.suite, plural(checks, "check"), plural(compares, "comparison")))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
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

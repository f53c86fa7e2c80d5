// The smoke command runs a smoke suite against a release from a terminal or a build, and says what failed.
package main

import (
	"cmp"
	"context"
	"embed"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func main() {
	startup.TakeOverLog()
	// Most suites are read and run within some 20 MiB: collecting less often is a tenth of the time of 200 checks.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A reader that goes away ("| head") must not end a run in the middle of a flow, before its clean-up.
	signal.Ignore(syscall.SIGPIPE)
	// A second Ctrl-C ends the command at once, without waiting for clean-up steps.
	context.AfterFunc(ctx, stop)
	at := surroundings{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environment: os.LookupEnv,
		live:        term.IsTerminal(int(os.Stderr.Fd())),
		color:       term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
	at.width, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 where there is none
	code := command(at).Execute(ctx, os.Args[1:], at.stdout, at.stderr)
	stop()
	os.Exit(code)
}

// surroundings is what the command finds around it.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environment    func(name string) (string, bool) // looks up a variable
	live           bool                             // stderr is a terminal, where progress may be drawn
	color          bool
	width          int // the terminal's, or 0
}

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
	c := cli.Described(help, "smoke")
	c.Commands = []*cli.Command{draftCommand(at)}
	f := c.Group("what is judged")
	f.StringVar(&o.job.Target.URL, "target", "", "`URL`: the release to judge, http://host:port")
	f.StringVar(&o.job.Baseline.URL, "baseline", "", "`URL`: the release that serves production, to compare with")
	f.StringArrayVar(&o.headers, "target-header", nil,
		"`NAME=VALUE`: a header for the target only, where one address serves both")
	f.StringVar(&o.job.Release, "release", "", "`ID`: the expected release, ${RELEASE} (default: $RELEASE)")
	f = c.Group("how")
	f.StringArrayVar(&o.vars, "var", nil, "`NAME=VALUE`: a variable of the suite")
	f.StringArrayVar(&o.secrets, "secret", nil, cli.SecretUsage)
	f.Func("tags", "`A,B`: only checks with one of these tags; !TAG leaves some out", func(text string) error {
		o.job.Tags = append(o.job.Tags, strings.Split(text, ",")...)
		return nil
	})
	f.IntVar(&o.job.Concurrency, "concurrency", 0, "`N`: checks side by side (default: the suite's policy, else 8)")
	f.StringVar(&o.policy, "policy", "", "`FILE`: what a suite must have, such as {release_proof: true}")
	f = c.Group("instead of a run")
	f.BoolVar(&o.validate, "validate", false, "check the suite, and send nothing")
	f.BoolVar(&o.bundle, "bundle", false, "print the suite with the files that it names in it, to be published")
	f.BoolVar(&o.schema, "schema", false, "print the JSON Schema of a suite, for editors")
	f = c.Group("output")
	f.StringArrayVar(&o.reports, "report", nil, "`FORMAT=FILE`: write a report: junit, json, html or md")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print what failed and the verdict only")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print each check as it ends, and each finding")
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

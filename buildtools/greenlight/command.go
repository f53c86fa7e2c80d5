// The greenlight command deploys a rendered task definition on either controller, follows the deployment, and approves
// or rejects one that waits. It is the one of the build tools that talks to AWS.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"golang.org/x/term"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	signal.Ignore(syscall.SIGPIPE) // whoever reads may go; the deployment is followed to its end
	at := surroundings{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		asks:     term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
		interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		},
	}
	os.Exit(command(at).Execute(context.Background(), os.Args[1:], at.stdout, at.stderr))
}

// surroundings is what the command finds around it.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	asks           bool // somebody sits at a terminal and can be asked
	terminal       bool // stderr is one
	// interruptible returns a context that the next signal ends.
	interruptible func(context.Context) (context.Context, context.CancelFunc)
}

// The exit codes, beside those that all commands share. Pipelines branch on them: a number never changes its meaning.
const (
	exitDiffers = 1 // diff --exit-code, as git's
	exitNotLive = 1 // rolled back, stopped, failed: the new revision does not serve; of a decision: too late
	exitWaits   = 3 // for somebody's approval
	exitRefused = 4 // a file is wrong, or AWS refused: nothing was done
	exitUnknown = 5 // AWS does not say: what was begun may go on
	exitGoesOn  = 6 // under way
)

// noArguments is what is said of an argument where there are flags only.
const noArguments = "unexpected argument: everything is a flag here"

// attemptTime bounds one attempt of a call that is made again.
const attemptTime = 10 * time.Second

// help are the commands' help texts.
//
//go:embed help
var help embed.FS

func command(at surroundings) *cli.Command {
	c := cli.Described(help, "greenlight", nil)
	c.Commands = []*cli.Command{
		initCommand(at), valuesCommand(at), verifyCommand(at), diffCommand(at), deployCommand(at), statusCommand(at),
		decideCommand(at, "approve"), decideCommand(at, "reject"), reportCommand(at),
	}
	c.Do = func(_ context.Context, args []string) (int, error) {
		return 0, &cli.UsageError{Text: "want a command", Help: c.Near(strings.Join(args, " "))}
	}
	return c
}

// does makes a command: wrong says what is wrong with its flags and arguments.
func does(
	name string, flags cli.Flags, wrong func(*cli.Command, []string) error, run func(context.Context) int,
) *cli.Command {
	c := cli.Described(help, name, flags)
	c.Do = func(ctx context.Context, args []string) (int, error) {
		if err := wrong(c, args); err != nil {
			return 0, err
		}
		return run(ctx), nil
	}
	return c
}

// session is one run of a command: of which deployment, by which controller, and what was told.
type session struct {
	at surroundings
	// The flags: application and group, or service, or deployment.
	application, group, service, deployment string

	aws        rollout.AWS
	controller rollout.Controller
	seen       []string // lines that were printed
	// began is since when the deployment is watched; the zero time is a single look. told is when a line was printed.
	began, told time.Time
	// stopped is why this command itself stopped it.
	stopped string
}

// flags are those that name the deployment, beside others.
func (s *session) flags(others cli.Flags) cli.Flags {
	maps.Copy(others, cli.Flags{"service": &s.service, "application": &s.application, "group": &s.group})
	return others
}

// choose takes the controller that the flags name, in one way only; where they name none, one may be needed.
func (s *session) choose(needed bool) (err error) {
	given := slices.DeleteFunc([]string{s.service, s.application + s.group, s.deployment},
		func(flag string) bool { return flag == "" })
	cluster, service, _ := strings.Cut(s.service, "/")
	switch {
	case len(given) == 0 && !needed:
	case len(given) == 0:
		return cli.Usagef("--service, or --application and --group, are missing or empty: which deployment?")
	case len(given) > 1:
		return cli.Usagef("--service, --application with --group, and --deployment exclude each other")
	case (s.application == "") != (s.group == ""):
		return cli.Usagef("--application and --group go together")
	case s.group != "":
		s.controller = rollout.CodeDeploy{AWS: &s.aws, Application: s.application, Group: s.group}
	case s.deployment != "":
		if s.controller, err = s.aws.Of(s.deployment); err != nil {
			return cli.Usagef("--deployment: %v", err)
		}
	case cluster == "" || service == "" || strings.Contains(service, "/"):
		return cli.Usagef("--service wants CLUSTER/SERVICE")
	default:
		s.controller = rollout.Native{AWS: &s.aws, Cluster: cluster, Service: service}
	}
	return nil
}

// knownFormat says what is wrong with the format of problems.
func knownFormat(format string) error {
	known := slices.Contains(diagnostic.Formats(), diagnostic.Format(format))
	return cli.When(!known, "--format: want text, json, github or sarif")
}

// read reads a file, or says that it cannot be read.
func (s *session) read(name string) (text string, problems diagnostic.List) {
	text, err := cli.ReadFile(name, s.at.stdin)
	if err != nil {
		problems = problem(diagnostic.Place{File: name}, err.Error())
	}
	return text, problems
}

// problem is one alone.
func problem(at diagnostic.Place, text string) diagnostic.List {
	return diagnostic.List{{Place: at, Text: text}}
}

// until does it, until a signal comes.
func (at surroundings) until(do func(context.Context) int) func(context.Context) int {
	return func(ctx context.Context) int {
		ctx, stop := at.interruptible(ctx)
		defer stop()
		if code := do(ctx); ctx.Err() == nil {
			return code
		}
		return cli.ExitInterrupted
	}
}

// connect makes the clients, of the controller that was chosen, too.
func (s *session) connect(ctx context.Context) error {
	cfg, err := configuration(ctx)
	if err != nil {
		return err
	}
	s.aws = rollout.NewAWS(awsclient.Within(cfg, attemptTime))
	return nil
}

// configuration finds credentials, region and endpoint as every AWS tool does. The SDK's own warnings would stand among
// our lines; what matters of them is in its errors.
func configuration(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return awsclient.Bounded(cfg), nil
}

// say prints a line. Where nobody reads, there is nobody to tell.
func say(w io.Writer, format string, args ...any) {
	_, _ = io.WriteString(w, line(fmt.Sprintf(format, args...)))
}

// warn says something beside the result.
func (s *session) warn(format string, args ...any) { say(s.at.stderr, "greenlight: "+format, args...) }

// failed says why, and returns the code.
func (s *session) failed(code int, format string, args ...any) int {
	s.warn(format, args...)
	return code
}

// line makes one line: a foreign text must not look like a line of ours, and must not be an escape code.
func line(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 })
	return strings.Join(words, " ") + "\n"
}

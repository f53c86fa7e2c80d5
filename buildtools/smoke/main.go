// The smoke command runs a smoke suite against a release from a terminal or a build, and says what failed.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"

	"github.com/greenlight-ecs/greenlight/pkg/startup"
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

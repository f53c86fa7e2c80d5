// The greenlight command deploys a rendered task definition on either controller, follows the deployment, and approves
// or rejects one that waits. It is the one of the build tools that talks to AWS.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

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

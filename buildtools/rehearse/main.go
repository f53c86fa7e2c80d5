//go:build !windows

// The rehearse command runs one blue/green deployment on this machine with the real hooks, which it carries in itself,
// and says whether the release would have been shifted or rolled back, and why.
//
// It refuses to touch anything but loopback, and it leaves no process behind.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	// The same binary is each hook, the keeper of every process, and each built-in release.
	if exit, child := task.Child(os.Args[1:], os.Getenv); child {
		os.Exit(exit)
	}
	if args := os.Args[1:]; len(args) == 2 && args[0] == rehearsal.HookArg && carried()[args[1]] != "" {
		startup.LimitMemory()
		gate.Start(carried()[args[1]])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// After the first Ctrl-C the second one ends at once; the keepers still clean up.
	context.AfterFunc(ctx, stop)
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	live := term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb"
	out := &cli.Stdout{W: os.Stdout}
	code := command(world{
		stdout: out, stderr: os.Stderr,
		live: live, colour: live && os.Getenv("NO_COLOR") == "", width: width,
		lookup: os.LookupEnv,
		self:   self, path: os.Getenv("PATH"), home: os.Getenv("HOME"),
	}).Execute(ctx, os.Args[1:], out, os.Stderr)
	if code == cli.ExitOK && out.Err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "rehearse: what happened could not be told:", out.Err)
		code = exitSetup
	}
	os.Exit(code)
}

// carried are Greenlight's hooks, by the names of their binaries: this program is each of them, too.
func carried() map[string]lifecycle.Name {
	hooks := map[string]lifecycle.Name{}
	for _, n := range []lifecycle.Name{lifecycle.AfterAllowTestTraffic, lifecycle.BeforeAllowTraffic, lifecycle.AfterAllowTraffic} {
		hooks[rehearsal.Kebab(string(n))] = n
	}
	return hooks
}

// width is the terminal's, or 0.
func width() int {
	columns, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

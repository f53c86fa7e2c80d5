// The bench-rehearse command measures what is claimed of rehearse: how long a rehearsal takes beside its
// suite, what the load balancer's stand-in costs a request, and that nothing grows over many rehearsals.
// It prints figures with PASS or MISS, and exits with 1 when one missed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/builtin"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The same binary is the keeper, each built-in release, both hooks, and the target of the load.
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case process.KeeperArg:
			os.Exit(process.Keep(os.Args[2:], os.Stdin))
		case builtin.Arg:
			os.Exit(builtin.Main(ctx, os.Args[2:], builtin.Options{Release: os.Getenv("RELEASE"), Port: os.Getenv("PORT")}, os.Stderr))
		case "hook":
			gate.Start(lifecycle.Name(os.Args[2]))
		}
	}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	if err := run(ctx, self, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-rehearse:", err)
		os.Exit(1)
	}
}

// The bench-gate command measures what a hook costs beside its checks: the cold start beside a minimal
// function's, the size, the memory, and the time from the last check to the stored status. It runs the
// functions' own binaries under a Runtime API on loopback, and prints PASS or MISS beside each limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns 0, or 1 when a limit was missed or nothing could be measured.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench-gate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 30, "cold starts of each function; medians are printed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	b, err := newBench(ctx, stdout)
	if err == nil {
		defer b.close()
		err = b.all(ctx, *rounds)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench-gate:", err)
		return 1
	}
	return 0
}

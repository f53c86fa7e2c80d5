// The bench-smoke command measures whole processes of smoke beside a hand-written net/http loop, and
// beside hurl, goss, runn, venom and k6 where these are on the PATH, in one run against one local server.
// It prints medians, ratios, and PASS or MISS beside each limit that the README claims.
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
	flags := flag.NewFlagSet("bench-smoke", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 15, "runs of each program; medians are printed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	b, err := newBench(ctx, *rounds, stdout)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench-smoke:", err)
		return 1
	}
	defer b.close()
	if err := b.all(ctx); err != nil {
		_, _ = fmt.Fprintln(stderr, "bench-smoke:", err)
		return 1
	}
	return 0
}

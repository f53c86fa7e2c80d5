// The bench-render command measures the renderers as whole processes, side by side in one run: beside
// /bin/true, a minimal Go program (floor), envsubst piped to jq, and ecspresso when it is installed. It
// prints the numbers, and PASS or MISS beside each limit that the renderers promise to keep.
//
//	go run ./buildtools/bench-render [-n ROUNDS]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func main() {
	rounds := flag.Int("n", 60, "how often each program is started; medians are printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *rounds, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-render:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, out io.Writer) error {
	dir, err := os.MkdirTemp("", "bench-render")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	const tools = "github.com/greenlight-ecs/greenlight/buildtools/"
	if err := measure.Build(ctx, dir, []string{"CGO_ENABLED=0"}, tools+"render-taskdef", tools+"render-appspec", tools+"bench-render/floor"); err != nil {
		return err
	}
	starter, err := measure.NewStarter(ctx, dir)
	if err != nil {
		return err
	}
	b := &bench{Sheet: measure.NewSheet(out), starter: starter, dir: dir, rounds: max(rounds, 3)}
	if err := b.templates(); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{b.sideBySide, b.sizes, b.linearity, b.tooLarge} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return b.Close()
}

// The bench command measures what its README claims, in terms of what a user would pick instead, and prints
// PASS or MISS beside each limit: whole processes, started in turn, by the medians of their ratios. Absolute
// times are for orientation.
//
// It refuses to compare figures of different runs, to count a process that ended otherwise than it should,
// and to pass when nothing was measured. It exits with 1 when a limit was missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	only := flag.String("run", "", "only the measurements whose names match this `REGEXP`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only, os.Getenv("PATH"), os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, search string, out io.Writer) (err error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	b := &bench{newWorld(), dir, search}
	defer func() {
		b.server.Close()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := b.build(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s/%s, %d cpus\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, tool := range []string{"jq", "node", "python3", "goss", "hurl", "runn"} {
		version, err := exec.CommandContext(ctx, tool, "--version").Output()
		if err == nil {
			_, _ = fmt.Fprintf(out, "%s: %s\n", tool, strings.TrimSpace(string(version)))
		}
	}
	var t tally
	for _, m := range b.table() {
		if pattern.MatchString(m.name) {
			err = m.run(ctx, out, &t)
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	if _, err := fmt.Fprintf(out, "\n%d limits, %d missed\n", t.judged, t.missed); err != nil {
		return err
	}
	return t.err()
}

// err is an error when a limit was missed, or when there was none at all.
func (t tally) err() error {
	switch {
	case t.judged == 0:
		return errors.New("no limit was judged")
	case t.missed > 0:
		return fmt.Errorf("%d of %d limits missed", t.missed, t.judged)
	}
	return nil
}

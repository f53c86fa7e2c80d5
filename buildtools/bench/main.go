// The bench command measures what its README claims, in terms of what a user would pick instead, and prints
// PASS or MISS beside each limit: whole processes, started in turn, by the medians of their ratios. Absolute
// times are for orientation.
//
// It refuses to compare figures of different runs, to count a process that ended otherwise than it should,
// and to pass when nothing was measured. It exits with 1 when a limit was missed.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

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

// thing is what is measured: do does it once, and returns the figure.
type thing struct {
	name string
	do   func(context.Context) (float64, error)
}

// missing is the error of a thing that is not to be had on this machine: no fault, and no figure.
type missing string

// Error says what is missing.
func (m missing) Error() string { return string(m) }

// measurement is things that are done in turn, and what is promised of them.
type measurement struct {
	name, unit string
	// rounds is how often each thing is done. Where it is more than once, a round before them does not count.
	rounds int
	things []thing
	limits []limit
}

// limit bounds a thing's median or, where over names another one, the median of the rounds' ratios.
type limit struct {
	of, over string
	most     float64
}

// figures are those of the things, round by round, and why some have none.
type figures struct {
	of  map[string][]float64
	not map[string]error
}

// inTurn does each thing once a round, one after the other, so that what slows the machine down meets all
// alike. An error ends it: a round with a gap cannot be compared.
func (m measurement) inTurn(ctx context.Context) (figures, error) {
	f := figures{map[string][]float64{}, map[string]error{}}
	warm := min(1, m.rounds-1)
	for round := range warm + m.rounds {
		for _, t := range m.things {
			if f.not[t.name] != nil {
				continue
			}
			got, err := t.do(ctx)
			switch _, absent := errors.AsType[missing](err); {
			case ctx.Err() != nil:
				return f, context.Cause(ctx)
			case absent:
				f.not[t.name] = err
			case err != nil:
				return f, fmt.Errorf("%s: %w", t.name, err)
			case round >= warm:
				f.of[t.name] = append(f.of[t.name], got)
			}
		}
	}
	return f, nil
}

// get returns the figure that a limit is about. What was not measured is not a number, which holds no limit.
func (f figures) get(l limit) float64 {
	of, over := f.of[l.of], f.of[l.over]
	if l.over == "" {
		return median(of)
	}
	if len(of) != len(over) {
		return math.NaN()
	}
	ratios := make([]float64, len(of)) // the rounds' own: what slows a whole round down falls out of them
	for i := range of {
		ratios[i] = of[i] / over[i]
	}
	return median(ratios)
}

// median returns the middle one, the upper of the two when their number is even; of nothing, not a number.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// tally counts the limits that were judged and missed.
type tally struct{ judged, missed int }

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

// run measures, and prints the medians and PASS or MISS beside each limit: also when nothing could be measured.
func (m measurement) run(ctx context.Context, out io.Writer, t *tally) error {
	w := bufio.NewWriter(out) // which keeps its first error
	_, _ = fmt.Fprintf(w, "\n%s: medians of %d\n", m.name, m.rounds)
	_ = w.Flush()
	f, err := m.inTurn(ctx)
	if err != nil {
		t.judged, t.missed = t.judged+1, t.missed+1
		_, _ = fmt.Fprintf(w, "  MISS  not measured: %v\n", err)
		return w.Flush()
	}
	for _, thing := range m.things {
		if err := f.not[thing.name]; err != nil {
			_, _ = fmt.Fprintf(w, "        %-58s not measured: %v\n", thing.name, err)
		} else {
			_, _ = fmt.Fprintf(w, "        %-58s %14s\n", thing.name, figure(median(f.of[thing.name]), m.unit))
		}
	}
	for _, l := range m.limits {
		what, unit := l.of, m.unit
		if l.over != "" {
			what, unit = l.of+" / "+l.over, "×"
		}
		if err := errors.Join(f.not[l.of], f.not[l.over]); err != nil {
			_, _ = fmt.Fprintf(w, "  SKIP  %-58s not measured\n", what)
			continue
		}
		got, word := f.get(l), "PASS"
		if t.judged++; !(got <= l.most) || math.IsInf(got, 0) {
			t.missed++
			word = "MISS"
		}
		_, _ = fmt.Fprintf(w, "  %s  %-58s %14s, at most %s\n", word, what, figure(got, unit), figure(l.most, unit))
	}
	return w.Flush()
}

// figure prints four digits: more are noise.
func figure(v float64, unit string) string { return fmt.Sprintf("%.4g %s", v, unit) }

// command times a whole process from its start to its end, in milliseconds. It must end with the exit code.
func command(name string, exit int, env []string, args ...string) thing {
	return needs(args[0], thing{name, func(ctx context.Context) (float64, error) {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		var said strings.Builder
		cmd.Env, cmd.Stderr = env, &said
		began := time.Now()
		err := cmd.Run()
		took := time.Since(began)
		if cmd.ProcessState == nil {
			return 0, err
		}
		if cmd.ProcessState.ExitCode() != exit {
			return 0, fmt.Errorf("want exit code %d, got %s: %.2000s", exit, cmd.ProcessState, said.String())
		}
		return milliseconds(took), nil
	}})
}

// needs is the thing where the tool is installed.
func needs(tool string, t thing) thing {
	if _, err := exec.LookPath(tool); err != nil {
		t.do = func(context.Context) (float64, error) { return 0, missing(tool + " is not installed") }
	}
	return t
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

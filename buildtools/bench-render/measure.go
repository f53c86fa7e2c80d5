package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// program is something to start.
type program struct {
	name string
	args []string
	// fails says that an exit code above zero is expected.
	fails bool
}

// result is the medians of a program's starts, in milliseconds.
type result struct{ wall, cpu float64 }

// environment is what the templates ask for.
func environment() []string {
	return []string{"REPOSITORY=123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "LOG_GROUP=app-log", "HOST=db.internal.example", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent"}
}

// start runs a program once.
func start(ctx context.Context, p program) (result, error) {
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Env = environment()
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || !p.fails || exit.ExitCode() != 5) {
		return result{}, fmt.Errorf("%s: %w", p.name, err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return result{ms(wall), ms(cpu)}, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// measure starts the programs in turn, so many rounds, after one round that does not count.
func measure(ctx context.Context, programs []program, rounds int) (map[string]result, error) {
	all := map[string][]result{}
	for round := range rounds + 1 {
		for _, p := range programs {
			r, err := start(ctx, p)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[p.name] = append(all[p.name], r)
			}
		}
	}
	medians := map[string]result{}
	for name, results := range all {
		medians[name] = result{
			wall: median(results, func(r result) float64 { return r.wall }),
			cpu:  median(results, func(r result) float64 { return r.cpu }),
		}
	}
	return medians, nil
}

func median(results []result, of func(result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// peakMiB is the most memory that a program holds.
func (b *bench) peakMiB(ctx context.Context, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, b.path("peak"), args...)
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("peak memory of %s: %w", args[0], err)
	}
	kib, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return kib / 1024, err
}

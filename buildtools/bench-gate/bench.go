package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

const (
	module = "github.com/greenlight-ecs/greenlight/"
	event  = `{"DeploymentId":"d-BENCH0000","LifecycleEventHookExecutionId":"x"}`
	mb     = 1e6
)

// functions are the product's.
func functions() []string {
	return []string{"after-allow-test-traffic", "before-allow-traffic", "prober"}
}

// bench is one run of the measurements.
type bench struct {
	*measure.Sheet
	dir   string
	world *world
}

func newBench(ctx context.Context, out io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench-gate")
	if err != nil {
		return nil, err
	}
	b := &bench{Sheet: measure.NewSheet(out), dir: dir}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b.world = newWorld(listener)
	// As `make package` builds them.
	args := []string{"-tags", "lambda.norpc", module + "buildtools/bench-gate/minimal", module + "buildtools/bench-gate/minimal-codedeploy"}
	for _, f := range functions() {
		args = append(args, module+"functions/"+f)
	}
	for target, env := range map[string][]string{"host": nil, "arm64": {"GOOS=linux", "GOARCH=arm64"}} {
		if err := measure.Build(ctx, filepath.Join(dir, target), append(env, "CGO_ENABLED=0"), args...); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *bench) close() {
	_ = b.world.server.Close()
	_ = os.RemoveAll(b.dir)
}

func (b *bench) host(name string) string { return filepath.Join(b.dir, "host", name) }

func (b *bench) all(ctx context.Context, rounds int) error {
	b.Say("bench-gate: %s/%s, %d cpus", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if err := b.coldStarts(ctx, rounds); err != nil {
		return err
	}
	if err := b.sizes(); err != nil {
		return err
	}
	b.Title("memory")
	for _, f := range []func(context.Context) error{b.idle, b.worst, b.afterTheLastCheck} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return b.Close()
}

// coldStarts runs all functions in turn.
func (b *bench) coldStarts(ctx context.Context, rounds int) error {
	names := append([]string{"minimal", "minimal-codedeploy"}, functions()...)
	var starts []func(context.Context) (time.Duration, error)
	for _, name := range names {
		starts = append(starts, func(ctx context.Context) (time.Duration, error) {
			f, took, err := start(ctx, b.host(name), "AWS_ENDPOINT_URL="+b.world.url)
			if err == nil {
				f.stop()
			}
			return took, err
		})
	}
	times, err := measure.InTurn(ctx, measure.Rounds{Count: rounds}, starts...)
	if err != nil {
		return err
	}
	b.Title("cold start, exec to the first request for an invocation: medians of %d starts in turn", rounds)
	var rows [][]string
	for i, name := range names {
		rows = append(rows, []string{name, fmt.Sprintf("%.2f ms", measure.Milliseconds(measure.Median(times[i])))})
	}
	b.Table([]string{"", "wall"}, rows...)
	for i, name := range names[2:] {
		b.AtMost(name+" / the minimal function", measure.Ratio(times[i+2], times[0]), 4, "×")
	}
	return nil
}

func (b *bench) sizes() error {
	b.Title("sizes")
	for _, name := range functions() {
		info, err := os.Stat(filepath.Join(b.dir, "arm64", name))
		if err != nil {
			return err
		}
		b.AtMost(name+", unzipped, linux/arm64", float64(info.Size())/mb, 16, "MB")
	}
	return nil
}

// hook starts the first gate with a suite.
func (b *bench) hook(ctx context.Context, suite string) (*function, error) {
	path := filepath.Join(b.dir, "smoke.yaml")
	if err := os.WriteFile(path, []byte(suite), 0o600); err != nil {
		return nil, err
	}
	f, _, err := start(ctx, b.host(functions()[0]), "AWS_ENDPOINT_URL="+b.world.url, "SUITE="+path, "TEST_URL="+b.world.url, "RELEASE=1.1")
	return f, err
}

const (
	head = `version: 1
name: bench
readiness: {checks: [version], consecutive: 5, within: 20s}
checks:
  - {name: version, request: GET /version, expect: {status: 200, json: {$.version: "${RELEASE}"}}}
`
	quick = head + `  - {name: list trips, request: GET /trips, attempts: 10, expect: {status: 200, json: {$.trips: {length: 1}}}}
`
	heavy = head + `  - {name: big, request: GET /big, attempts: 20, expect: {status: 200, json: {"$.trips[*].days": {exists: true}}}}
  - {name: endless, request: GET /endless, attempts: 20, expect: {status: 200}}
  - {name: bomb, request: GET /bomb, attempts: 20, expect: {status: 200}}
`
)

func (b *bench) idle(ctx context.Context) error {
	f, err := b.hook(ctx, quick)
	if err != nil {
		return err
	}
	defer f.stop()
	now, _, err := f.memory(ctx)
	if err != nil {
		return err
	}
	b.AtMost("resident, idle after the start", now, 24, "MiB")
	if err := f.invoke(event); err != nil {
		return err
	}
	if now, _, err = f.memory(ctx); err != nil {
		return err
	}
	b.AtMost("resident, idle after an invocation", now, 24, "MiB")
	return nil
}

// worst judges bodies of a megabyte, endless ones and bombs, side by side, three times over.
func (b *bench) worst(ctx context.Context) error {
	f, err := b.hook(ctx, heavy)
	if err != nil {
		return err
	}
	defer f.stop()
	for range 3 {
		if err := f.invoke(event); err != nil {
			return err
		}
	}
	_, peak, err := f.memory(ctx)
	if err != nil {
		return err
	}
	b.AtMost("resident at most, with the worst bodies side by side", peak, 64, "MiB")
	return nil
}

// afterTheLastCheck measures what the gate itself takes to tell CodeDeploy.
func (b *bench) afterTheLastCheck(ctx context.Context) error {
	f, err := b.hook(ctx, quick)
	if err != nil {
		return err
	}
	defer f.stop()
	b.Title("the status")
	var delays []time.Duration
	for range 20 {
		if err := f.invoke(event); err != nil {
			return err
		}
		delay, status := b.world.delay()
		if status != "Succeeded" {
			return fmt.Errorf("the good release was %s", status)
		}
		delays = append(delays, delay)
	}
	b.AtMost("from the last answer to the stored status, median of 20", measure.Milliseconds(measure.Median(delays)), 100, "ms")
	b.AtMost("from the last answer to the stored status, longest of 20", measure.Milliseconds(slices.Max(delays)), 100, "ms")
	return nil
}

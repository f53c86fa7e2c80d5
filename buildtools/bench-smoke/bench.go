package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// bench is one run of the measurements: programs, files and the server that they ask.
type bench struct {
	rounds int
	out    io.Writer
	dir    string
	url    string
	server *http.Server
	missed int
}

func newBench(ctx context.Context, rounds int, out io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench-smoke")
	if err != nil {
		return nil, err
	}
	b := &bench{rounds: rounds, out: out, dir: dir}
	for name, pkg := range map[string]string{"smoke": "./buildtools/smoke", "floor": "./buildtools/bench-smoke/floor"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), pkg)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("build %s: %w: %s", name, err, text), os.RemoveAll(dir))
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + listener.Addr().String()
	b.server = &http.Server{Handler: handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

func (b *bench) close() {
	_ = b.server.Close()
	_ = os.RemoveAll(b.dir)
}

// handler answers every check of the bench.
func handler() http.Handler {
	mux := http.NewServeMux()
	ok := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Service", "trips")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"status":"ok","id":7,"trips":[{"id":"t-1","title":"Lisbon","days":4}]}`)
		}
	}
	mux.HandleFunc("/", ok(http.StatusOK))
	mux.HandleFunc("POST /orders", ok(http.StatusCreated))
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-r.Context().Done():
		}
		ok(http.StatusOK)(w, r)
	})
	return mux
}

// program is one competitor.
type program struct {
	name string
	args []string
}

// cost is what one process took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes
	// walls are those of the single rounds, of which wall is the median.
	walls []time.Duration
}

// against returns the median of the rounds' ratios: what slows a whole round down falls out of it.
func (c cost) against(floor cost) float64 {
	ratios := make([]float64, 0, len(c.walls))
	for i := range c.walls {
		ratios = append(ratios, float64(c.walls[i])/float64(floor.walls[i]))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// measure runs the programs in turn, so that what slows the machine down meets all alike, and returns
// the medians of each.
func (b *bench) measure(ctx context.Context, rounds int, programs ...program) ([]cost, error) {
	all := make([][]cost, len(programs))
	for range rounds {
		for i, p := range programs {
			c, err := b.once(ctx, p)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], c)
		}
	}
	out := make([]cost, len(programs))
	for i, costs := range all {
		var walls []time.Duration
		for _, c := range costs {
			walls = append(walls, c.wall)
		}
		out[i] = cost{
			wall:  median(costs, func(c cost) time.Duration { return c.wall }),
			cpu:   median(costs, func(c cost) time.Duration { return c.cpu }),
			peak:  int64(median(costs, func(c cost) time.Duration { return time.Duration(c.peak) })),
			walls: walls,
		}
	}
	return out, nil
}

func (b *bench) once(ctx context.Context, p program) (cost, error) {
	path := p.name
	if own := filepath.Join(b.dir, p.name); exists(own) {
		path = own
	}
	cmd := exec.CommandContext(ctx, path, p.args...)
	cmd.Dir = b.dir
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", p.name, err, text.String())
	}
	c := cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = peakBytes(int64(usage.Maxrss))
	}
	return c, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func median(costs []cost, of func(cost) time.Duration) time.Duration {
	values := make([]time.Duration, 0, len(costs))
	for _, c := range costs {
		values = append(values, of(c))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format+"\n", args...) }

// limit prints PASS or MISS.
func (b *bench) limit(what string, got, most float64, unit string) {
	word := "PASS"
	if got > most {
		word = "MISS"
		b.missed++
	}
	b.say("  %s  %-58s %8.2f%s, limit %.2f%s", word, what, got, unit, most, unit)
}

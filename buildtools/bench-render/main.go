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
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
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
	if err := build(ctx, dir); err != nil {
		return err
	}
	b := &bench{dir: dir, out: out, rounds: max(rounds, 3)}
	if err := b.templates(); err != nil {
		return err
	}
	if err := b.sideBySide(ctx); err != nil {
		return err
	}
	if err := b.sizes(ctx); err != nil {
		return err
	}
	if err := b.linearity(ctx); err != nil {
		return err
	}
	if b.missed > 0 {
		return fmt.Errorf("%d limits are missed", b.missed)
	}
	return nil
}

// build makes the programs as a release does.
func build(ctx context.Context, dir string) error {
	const module = "github.com/greenlight-ecs/greenlight/buildtools/"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+string(filepath.Separator),
		module+"render-taskdef", module+"render-appspec", module+"bench-render/floor", module+"bench-render/peak")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	return nil
}

// bench is one run.
type bench struct {
	dir    string
	out    io.Writer
	rounds int
	// missed counts the limits that were.
	missed int
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) print(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format, args...) }

// sideBySide times every program with both templates, in turn, so that noise meets all alike.
func (b *bench) sideBySide(ctx context.Context) error {
	programs := []program{{name: "true", args: []string{"true"}}}
	for _, size := range []string{"5", "60"} {
		file := b.path("template-" + size + ".json")
		programs = append(programs,
			program{name: "floor " + size, args: []string{b.path("floor"), file}},
			program{name: "render-taskdef " + size, args: []string{b.path("render-taskdef"), "-o", "-", file}},
			program{name: "render-taskdef -o FILE " + size, args: []string{b.path("render-taskdef"), "-o", b.path("out.json"), file}},
		)
		if found("envsubst") && found("jq") {
			programs = append(programs, program{name: "envsubst | jq " + size, args: []string{"sh", "-c", `envsubst < "$0" | jq .`, file}})
		}
		if found("ecspresso") {
			programs = append(programs, program{name: "ecspresso " + size, args: []string{"ecspresso", "render", "taskdef", "--config", b.path("ecspresso-" + size + ".json")}})
		}
	}
	results, err := measure(ctx, programs, b.rounds)
	if err != nil {
		return err
	}
	b.print("medians of %d starts, output to a null device; times in ms\n\n%-28s %8s %10s\n", b.rounds, "program, template in KB", "wall", "user+sys")
	for _, p := range programs {
		b.print("%-28s %8.2f %10.2f\n", p.name, results[p.name].wall, results[p.name].cpu)
	}
	b.print("\n")
	if found("jq") {
		version, _ := exec.CommandContext(ctx, "jq", "--version").Output()
		b.print("jq is %s\n", strings.TrimSpace(string(version)))
	}
	b.ratios(results)
	return nil
}

func (b *bench) ratios(results map[string]result) {
	true0 := results["true"].wall
	for _, size := range []string{"5", "60"} {
		ours := results["render-taskdef "+size]
		b.limit(size+" KB: wall over the floor's", ours.wall/results["floor "+size].wall, 1.6)
		if r, ok := results["envsubst | jq "+size]; ok {
			b.limit(size+" KB: wall over envsubst | jq", ours.wall/r.wall, 0.35)
		} else {
			b.print("%-44s skipped: envsubst or jq is not installed\n", size+" KB: wall over envsubst | jq")
		}
		if r, ok := results["ecspresso "+size]; ok {
			b.limit(size+" KB: wall over ecspresso", ours.wall/r.wall, 1.0/8)
		} else {
			b.print("%-44s skipped: ecspresso is not installed\n", size+" KB: wall over ecspresso")
		}
		most := map[string]float64{"5": 4, "60": 7}[size]
		// The limit is for a machine where /bin/true takes 0.6 ms; a slower or busier one gets as much more.
		b.limit(fmt.Sprintf("%s KB: user+sys, ms (true takes %.2f)", size, true0), ours.cpu, most*max(1, true0/0.6))
	}
}

func (b *bench) limit(what string, got, most float64) {
	verdict := "PASS"
	if got > most {
		verdict = "MISS"
		b.missed++
	}
	b.print("%-44s %8.3f  at most %6.3f  %s\n", what, got, most, verdict)
}

func found(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

package measure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// starterPackage is the program between a benchmark and what it measures.
const starterPackage = "github.com/greenlight-ecs/greenlight/pkg/measure/starter"

// patience is how long the pipes of a process that was ended may stay open.
const patience = 2 * time.Second

// maxText is how much of what a process said is repeated when it ends wrongly.
const maxText = 2 << 10

// Program is something to start.
type Program struct {
	// Name stands in the table, and in the error when it ends wrongly.
	Name string
	// Args are the program, by its path or looked up on the PATH, and its arguments.
	Args []string
	// Env are its variables; nil leaves it those of the benchmark.
	Env []string
	// Dir is where it runs; empty is where the benchmark does.
	Dir string
	// Exit is the exit code that it must end with.
	Exit int
	// Null sends its standard output to the null device. Otherwise it is read through a pipe, and repeated
	// when the program ends wrongly.
	Null bool
}

// Starter starts programs through a small one of its own: on Linux the memory of the process that forks is
// counted in the child's peak, and a benchmark that is a server as well has more than most that it measures.
type Starter struct{ path string }

// NewStarter builds the starter into a directory.
func NewStarter(ctx context.Context, dir string) (Starter, error) {
	if err := Build(ctx, dir, []string{"CGO_ENABLED=0"}, starterPackage); err != nil {
		return Starter{}, err
	}
	return Starter{filepath.Join(dir, "starter")}, nil
}

// Build builds programs into a directory, small as a release is; env is added to the variables, and args
// are packages, with flags of `go build` before them.
func Build(ctx context.Context, dir string, env []string, args ...string) error {
	all := append([]string{"build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", dir + string(filepath.Separator)}, args...)
	cmd := exec.CommandContext(ctx, "go", all...)
	cmd.Env = append(cmd.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return nil
}

// InTurn starts the programs in turn, and returns the costs of each in their order.
func (s Starter) InTurn(ctx context.Context, rounds Rounds, programs ...Program) ([]Costs, error) {
	things := make([]func(context.Context) (Cost, error), len(programs))
	for i, p := range programs {
		things[i] = func(ctx context.Context) (Cost, error) { return s.Once(ctx, p) }
	}
	all, err := InTurn(ctx, rounds, things...)
	out := make([]Costs, len(all))
	for i := range all {
		out[i] = all[i]
	}
	return out, err
}

// Once runs a program to its end. When ctx ends first, the program is killed with all that it started.
func (s Starter) Once(ctx context.Context, p Program) (Cost, error) {
	if len(p.Args) == 0 {
		return Cost{}, fmt.Errorf("start %s: no program", p.Name)
	}
	path, err := exec.LookPath(p.Args[0])
	if err != nil {
		return Cost{}, fmt.Errorf("start %s: %w", p.Name, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return Cost{}, fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer func() { _ = r.Close() }()
	cmd := exec.CommandContext(ctx, s.path, append([]string{path}, p.Args...)...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.WaitDelay = p.Dir, p.Env, []*os.File{w}, patience
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var text bytes.Buffer
	cmd.Stderr = &text
	if !p.Null {
		cmd.Stdout = &text
	}
	err = cmd.Run()
	_ = w.Close()
	if ctx.Err() != nil {
		return Cost{}, fmt.Errorf("run %s: %w", p.Name, context.Cause(ctx))
	}
	if err != nil {
		return Cost{}, fmt.Errorf("run %s: %w: %s", p.Name, err, short(text.Bytes()))
	}
	return p.read(r, text.Bytes())
}

// read takes what the starter found out, and holds the exit code against the wanted one.
func (p Program) read(r io.Reader, text []byte) (Cost, error) {
	var wall, cpu, kib int64
	var exit int
	if _, err := fmt.Fscan(r, &wall, &cpu, &kib, &exit); err != nil {
		return Cost{}, fmt.Errorf("read the cost of %s: %w", p.Name, err)
	}
	if exit != p.Exit {
		return Cost{}, fmt.Errorf("run %s: exit code %d, want %d: %s", p.Name, exit, p.Exit, short(text))
	}
	return Cost{Wall: time.Duration(wall), CPU: time.Duration(cpu), Peak: kib << 10}, nil
}

// short keeps the end, where the reason is.
func short(text []byte) []byte {
	if len(text) > maxText {
		text = text[len(text)-maxText:]
	}
	return bytes.TrimSpace(text)
}

// Installed says whether a program is on the PATH.
func Installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

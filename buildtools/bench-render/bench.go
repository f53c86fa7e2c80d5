package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

// bench is one run.
type bench struct {
	*measure.Sheet
	starter measure.Starter
	dir     string
	rounds  int
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// program is something to start with the variables that the templates ask for.
func program(name string, args ...string) measure.Program {
	return measure.Program{Name: name, Args: args, Null: true, Env: []string{
		"REPOSITORY=123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "LOG_GROUP=app-log", "HOST=db.internal.example",
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent",
	}}
}

// sideBySide times every program with both templates, in turn.
func (b *bench) sideBySide(ctx context.Context) error {
	programs := []measure.Program{program("true", "true")}
	for _, size := range []string{"5", "60"} {
		file := b.path("template-" + size + ".json")
		programs = append(programs,
			program("floor "+size, b.path("floor"), file),
			program("render-taskdef "+size, b.path("render-taskdef"), "-o", "-", file),
			program("render-taskdef -o FILE "+size, b.path("render-taskdef"), "-o", b.path("out.json"), file),
		)
		if measure.Installed("envsubst") && measure.Installed("jq") {
			programs = append(programs, program("envsubst | jq "+size, "sh", "-c", `envsubst < "$0" | jq .`, file))
		}
		if measure.Installed("ecspresso") {
			programs = append(programs, program("ecspresso "+size, "ecspresso", "render", "taskdef", "--config", b.path("ecspresso-"+size+".json")))
		}
	}
	costs, err := b.starter.InTurn(ctx, measure.Rounds{Count: b.rounds, Warm: 1}, programs...)
	if err != nil {
		return err
	}
	b.Title("program, template in KB: medians of %d starts, output to a null device", b.rounds)
	b.Costs(programs, costs)
	if measure.Installed("jq") {
		version, _ := exec.CommandContext(ctx, "jq", "--version").Output()
		b.Say("  jq is %s", strings.TrimSpace(string(version)))
	}
	of := map[string]measure.Costs{}
	for i, p := range programs {
		of[p.Name] = costs[i]
	}
	b.ratios(of)
	return nil
}

func (b *bench) ratios(of map[string]measure.Costs) {
	true0 := measure.Milliseconds(of["true"].Median().Wall)
	for _, size := range []string{"5", "60"} {
		ours := of["render-taskdef "+size]
		b.AtMost(size+" KB: wall / the floor's", ours.Over(of["floor "+size]), 1.6, "×")
		if c, ok := of["envsubst | jq "+size]; ok {
			b.AtMost(size+" KB: wall / envsubst | jq", ours.Over(c), 0.35, "×")
		} else {
			b.Skip(size+" KB: wall / envsubst | jq", "envsubst or jq is not installed")
		}
		if c, ok := of["ecspresso "+size]; ok {
			b.AtMost(size+" KB: wall / ecspresso", ours.Over(c), 1.0/8, "×")
		} else {
			b.Skip(size+" KB: wall / ecspresso", "ecspresso is not installed")
		}
		most := map[string]float64{"5": 4, "60": 7}[size]
		// The limit is for a machine where /bin/true takes 0.6 ms; a slower or busier one gets as much more.
		b.AtMost(fmt.Sprintf("%s KB: user+sys (true takes %.2f ms)", size, true0), measure.Milliseconds(ours.Median().CPU), most*max(1, true0/0.6), "ms")
	}
}

// sizes are those of memory and binaries.
func (b *bench) sizes(ctx context.Context) error {
	b.Title("sizes")
	for _, size := range []string{"5", "60"} {
		c, err := b.starter.Once(ctx, program("render-taskdef", b.path("render-taskdef"), "-o", os.DevNull, b.path("template-"+size+".json")))
		if err != nil {
			return err
		}
		b.AtMost(size+" KB: peak memory", float64(c.Peak)/measure.MiB, 8, "MiB")
	}
	for _, name := range []string{"render-taskdef", "render-appspec"} {
		info, err := os.Stat(b.path(name))
		if err != nil {
			return err
		}
		b.AtMost(name+": binary", float64(info.Size())/1e6, 6, "MB")
	}
	return nil
}

// linearity renders inputs up to the limit of 10 MB, in JSON: valid ones, whose size is refused at the end
// with exit code 5. The time for a megabyte must not grow with the number of them.
func (b *bench) linearity(ctx context.Context) error {
	var programs []measure.Program
	sizes := []int{1, 2, 5, 10}
	for _, mb := range sizes {
		name := fmt.Sprintf("%d MB", mb)
		if err := os.WriteFile(b.path(name+".json"), megabytes(mb), 0o600); err != nil {
			return err
		}
		p := program(name, b.path("render-taskdef"), "-o", os.DevNull, b.path(name+".json"))
		p.Exit = 5
		programs = append(programs, p)
	}
	costs, err := b.starter.InTurn(ctx, measure.Rounds{Count: 5, Warm: 1}, programs...)
	if err != nil {
		return err
	}
	b.Title("inputs that grow")
	b.Costs(programs, costs)
	b.AtMost("10 MB: time for a MB / that at 2 MB", costs[3].Over(costs[1])*2/10, 1.5, "×")
	return nil
}

// tooLarge is an input that must be refused without reading it.
func (b *bench) tooLarge(ctx context.Context) error {
	long := b.path("long.json")
	if err := os.WriteFile(long, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(long, 1<<30); err != nil { // a hole: nobody can read it in the time below
		return err
	}
	refused := program("1 GiB", "sh", "-c", `"$0" "$1" 2>/dev/null; test $? = 1`, b.path("render-taskdef"), long)
	costs, err := b.starter.InTurn(ctx, measure.Rounds{Count: 5, Warm: 1}, refused)
	if err != nil {
		return err
	}
	b.AtMost("1 GiB: refused unread", measure.Milliseconds(costs[0].Median().Wall), 20, "ms")
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/measure"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/release"
)

// The limits that are claimed.
const (
	maxRehearsal = 3 * time.Second
	maxAdded     = 300 * time.Microsecond
	minRate      = 5000.0
)

// suite is rehearsed in the measurements; it is the demo's.
const suite = "infra/tripmgmt/smoke.yaml"

// bench is one run; self is this program, which also is what it starts.
type bench struct {
	*measure.Sheet
	self string
}

// run returns an error when a limit was missed, or nothing could be measured.
func run(ctx context.Context, self string, out io.Writer) error {
	b := &bench{Sheet: measure.NewSheet(out), self: self}
	b.Say("bench-rehearse: %d cpus", runtime.NumCPU())
	for _, part := range []func(context.Context) error{b.rehearsal, b.latency, b.load, b.growth} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return b.Close()
}

// plan is a good release with two tasks a side, both hooks and their suite, at the default speed.
func (b *bench) plan() (rehearsal.Plan, error) {
	path, err := filepath.Abs(suite)
	if err != nil {
		return rehearsal.Plan{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return rehearsal.Plan{}, fmt.Errorf("run it from the top of the repository: %w", err)
	}
	p := rehearsal.Plan{
		Release: release.Release{
			Family: "task-tripmgmt", Container: "app", Port: 8080, ID: "1.1.0", AppSpec: appSpec,
			TaskDefinition: []byte(`{"family":"task-tripmgmt","containerDefinitions":[{"name":"app","image":"app:1.1.0"}]}`),
		},
		Blue: rehearsal.Command{Text: "builtin:good", Builtin: "good"}, BlueRelease: "1.0.0",
		Green: rehearsal.Command{Text: "builtin:good", Builtin: "good"},
		Suite: path, Tasks: 2, Speed: 100, TerminationWait: time.Minute,
		FunctionTimeout: 5 * time.Minute, StartTimeout: time.Minute,
		Machine: rehearsal.Machine{Self: b.self, Path: "/usr/bin:/bin", Home: os.TempDir()},
		Hooks:   map[lifecycle.Name]rehearsal.Hook{},
	}
	for _, e := range []lifecycle.Name{lifecycle.AfterAllowTestTraffic, lifecycle.BeforeAllowTraffic} {
		p.Hooks[e] = rehearsal.Hook{Function: "hook_" + string(e), Argv: []string{b.self, "hook", string(e)}, Dir: os.TempDir()}
	}
	return p, nil
}

// appSpec names both hooks: the second one looks whether the first one was named.
const appSpec = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: app, ContainerPort: 8080}
Hooks:
  - AfterAllowTestTraffic: hook_AfterAllowTestTraffic
  - BeforeAllowTraffic: hook_BeforeAllowTraffic
`

// rehearsal measures whole rehearsals, and takes away what the hooks took.
func (b *bench) rehearsal(ctx context.Context) error {
	const rounds = 5
	p, err := b.plan()
	if err != nil {
		return err
	}
	p.Traffic = 50
	var beside, hooks []time.Duration
	failed := int64(0)
	for range rounds {
		r, err := p.Run(ctx, nil)
		if err != nil {
			return err
		}
		if r.Outcome != rehearsal.Shifted {
			return fmt.Errorf("the good release was not shifted: %s", r.Why)
		}
		suites := time.Duration(0)
		for _, h := range r.Hooks {
			suites += h.Duration
		}
		beside, hooks, failed = append(beside, r.Duration-suites), append(hooks, suites), failed+r.Traffic.Failed
	}
	b.Title("a good rehearsal with two tasks a side at speed 100, median of %d: its hooks take %.2f s", rounds, measure.Median(hooks).Seconds())
	b.AtMost("the rehearsal beside its hooks", measure.Median(beside).Seconds(), maxRehearsal.Seconds(), "s")
	b.AtMost("production requests that failed in these", float64(failed), 0, "")
	return nil
}

// Package gate is the one way from a hook's invocation to a status: it reads the event, divides the
// time, lets the suite judge, and stores exactly one status, whatever happens on the way.
//
// It starts from Failed and refuses to let anything but a verdict that was reached turn that into
// Succeeded: not a panic, not a hang, not a missing fact, not a setting that cannot be read. Judging is
// pkg/smoke's; storing is pkg/codedeploy's.
package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/together"
)

// Gate is a hook: one function of one lifecycle event. Its fields are set once; Handle may then be
// called any number of times.
type Gate struct {
	Settings Settings
	// SettingsError is what is wrong with the settings. It is reported by every invocation instead of
	// stopping the function, which could then not report anything.
	SettingsError error
	// Environment is where a suite's {env: …} variables are looked up.
	Environment envconfig.Lookuper
	// LifecycleEvent is the event that this function is for, where CodeDeploy cannot be asked.
	LifecycleEvent lifecycle.Name
	CodeDeploy     *codedeploy.Client
	AWS            *signed.Client
	// Out takes the log, one JSON object a line.
	Out io.Writer
}

// Handle answers one invocation: of CodeDeploy, with a status that it stores, or of a native Amazon ECS
// deployment, with the answer that it returns. The error, which makes Lambda invoke the function
// again, is nil as soon as a status is stored: also when it is Failed, or was stored before.
func (g *Gate) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	started := time.Now()
	j := newJournal(g.Out, g.Settings, g.LifecycleEvent)
	// What is left behind must not reach the next invocation: a run's log lines, connections that Lambda
	// freezes.
	defer j.close()
	defer g.AWS.Rest()
	defer g.CodeDeploy.Rest()
	deadline, _ := ctx.Deadline()
	b := divide(started, deadline, g.Settings.ReportReserve)
	if b.warning != "" {
		j.warn(b.warning)
	}
	if payload.IsStage(raw) {
		return g.answerStage(ctx, raw, b, j)
	}
	ev, err := payload.Parse(raw)
	if err != nil {
		j.verdict(misconfigured(err.Error()), time.Since(started))
		reported := codedeploy.Reported{Outcome: codedeploy.NotStored, Err: err}
		j.reported(lifecycle.Failed, reported)
		j.metrics(lifecycle.Failed, reported, time.Since(started))
		return nil, err
	}
	j.deployment(ev.DeploymentID)
	in := &invocation{event: ev, j: j, budget: b}
	d := g.overrule(ctx, g.guarded(ctx, b, in), in)
	j.verdict(d, time.Since(started))
	reported := g.CodeDeploy.Report(ctx, ev, d.Status(), b.deadline)
	j.reported(d.Status(), reported)
	j.metrics(d.Status(), reported, time.Since(started))
	g.upload(ctx, in, d)
	return nil, reported.Err
}

// answerStage answers a native deployment. Nothing is reported: ECS waits for what the function
// returns, and rolls back when it returns an error.
func (g *Gate) answerStage(ctx context.Context, raw []byte, b budget, j *journal) (any, error) {
	started := time.Now()
	ev, err := payload.ParseStage(raw)
	in := &invocation{j: j, stage: &ev, budget: b}
	d := misconfigured("")
	if err == nil {
		in.event.DeploymentID = ev.Deployment
		in.rollback.Store(ev.Rollback)
		j.deployment(ev.Deployment)
		d = g.guarded(ctx, b, in)
	} else {
		d.Reason = err.Error()
	}
	d = g.overrule(ctx, d, in)
	j.verdict(d, time.Since(started))
	j.metrics(d.Status(), codedeploy.Reported{}, time.Since(started))
	g.upload(ctx, in, d)
	return payload.Answer(d.Status()), nil
}

// guarded lets decide run for its time and not longer. What panics or does not stop is a verdict too.
func (g *Gate) guarded(ctx context.Context, b budget, in *invocation) Decision {
	ctx, cancel := context.WithDeadline(ctx, b.judging)
	defer cancel()
	decided := make(chan Decision, 1)
	go func() {
		d := undecided()
		defer func() {
			if p := recover(); p != nil {
				stack := debug.Stack()
				if inner, ok := p.(*together.Panic); ok {
					stack = inner.Stack
				}
				in.j.debug(string(stack))
				d = undecided()
				d.Reason = fmt.Sprintf("the gate panicked: %.300v", p)
			}
			decided <- d
		}()
		d = g.decide(ctx, in)
	}()
	abandon := time.NewTimer(time.Until(b.abandon))
	defer abandon.Stop()
	select {
	case d := <-decided:
		return d
	case <-abandon.C:
		d := undecided()
		d.Reason = "the run did not stop when its time was up; the status is stored without it"
		return d
	}
}

// oneLine keeps a reason one line of bounded length, whatever an error text brought along.
func oneLine(text string) string {
	const most = 1000
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// phases says what the lifecycle event's hook runs.
func phases(n lifecycle.Name, evidence bool) []smoke.Phase {
	switch {
	case n == lifecycle.AfterAllowTestTraffic:
		return []smoke.Phase{smoke.PhaseReady, smoke.PhaseJudge}
	case evidence:
		return []smoke.Phase{smoke.PhaseReady, smoke.PhaseCompare}
	}
	return []smoke.Phase{smoke.PhaseReady, smoke.PhaseJudge, smoke.PhaseCompare}
}

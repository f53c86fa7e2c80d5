// Package gate is the one way from a hook's invocation to a status: it reads the event, divides the
// time, collects witnesses of the release, and stores exactly one status, whatever happens on the way.
//
// It refuses to let anything on the way become Succeeded: not a panic, not a hang, not a missing fact, not a
// setting that cannot be read. Judging is pkg/smoke's, deciding pkg/decision's, storing pkg/codedeploy's.
package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// Gate is a hook: one function of one lifecycle event. Its fields are set once; Handle may then be
// called any number of times.
type Gate struct {
	Settings Settings
	// SettingsError is what is wrong with the settings. It is reported by every invocation instead of
	// stopping the function, which could then not report anything.
	SettingsError error
	// LifecycleEvent is the event that this function is for, where CodeDeploy cannot be asked.
	LifecycleEvent lifecycle.Name
	CodeDeploy     *codedeploy.Client
	// AWS is the bounded configuration of all other clients.
	AWS aws.Config
	// Out takes the log, one JSON object a line.
	Out io.Writer
}

// Handle answers one invocation: of CodeDeploy, with a status that it stores, or of a native Amazon ECS
// deployment, with the answer that it returns. An error makes Lambda invoke the function again. It is nil once a status
// is stored, also when that is Failed or was stored before.
func (g *Gate) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	started := time.Now()
	j := newJournal(g.Out, g.Settings, g.LifecycleEvent)
	// Nothing may leak into the next invocation: no log lines of an abandoned run, and no connections that Lambda has
	// frozen.
	defer j.close()
	defer awsclient.Rest(g.AWS)
	deadline, _ := ctx.Deadline()
	in := &invocation{j: j, budget: divide(started, deadline, g.Settings.ReportReserve, payload.IsStage(raw))}
	if in.budget.warning != "" {
		j.warn(in.budget.warning)
	}
	in.read(raw)
	var state string
	if j.safely(func() { state = g.waits(ctx, in) }); state != "" {
		return payload.GoOn(state, askAgain), nil
	}
	var d decision.Decision
	if in.stage == nil && in.unreadable != nil { // nobody waits for a status, and nothing can be overruled
		d = decision.Decide(decision.Seen{Event: g.LifecycleEvent, Problem: misconfigured(in.unreadable.Error())})
	} else {
		d = g.decide(ctx, in)
	}
	if j.safely(func() { d, state = g.ask(ctx, in, d) }); state != "" {
		return payload.GoOn(state, askAgain), nil
	}
	if j.safely(func() { state = g.later(ctx, in, &d) }); state != "" {
		j.note("this call's time is up, and another one goes on: " + oneLine(d.Reason))
		if in.stage == nil {
			return nil, nil // it was invoked
		}
		return payload.GoOn(state, g.pause(d.Seen.Event)), nil
	}
	link := g.link(in, d)
	j.verdict(d, link, time.Since(started))
	j.safely(func() { g.keep(ctx, in, d) })
	answer, reported := g.tell(ctx, in, d)
	j.metrics(d, reported, time.Since(started))
	if in.question == nil { // else it was, with all of its numbers
		j.safely(func() { g.upload(ctx, in, d, link) })
	}
	return answer, reported.Err
}

// read reads what invoked the hook: CodeDeploy, or a native deployment.
func (in *invocation) read(raw []byte) {
	if payload.IsStage(raw) {
		ev, err := payload.ParseStage(raw)
		in.stage, in.unreadable = &ev, err
		in.event.DeploymentID = ev.Deployment
		in.rollback.Store(ev.Rollback)
		cluster, service := in.service()
		in.j.learned("", dimension{"Cluster", cluster}, dimension{"Service", service})
	} else {
		in.event, in.unreadable = payload.Parse(raw)
	}
	in.j.deploymentID = in.event.DeploymentID
}

// tell stores the status, or returns the answer of a native hook: ECS waits for that, and rolls back when it is an error.
func (g *Gate) tell(ctx context.Context, in *invocation, d decision.Decision) (any, codedeploy.Reported) {
	if in.stage != nil {
		return payload.Answer(d.Status()), codedeploy.Reported{}
	}
	reported := codedeploy.Reported{Outcome: codedeploy.NotStored, Err: in.unreadable}
	if in.unreadable == nil {
		g.CodeDeploy.Note = func(text string) { in.j.warn(oneLine(text)) }
		reported = g.CodeDeploy.Report(ctx, in.event, d.Status(), in.budget.deadline)
	}
	in.j.reported(d.Status(), reported)
	return nil, reported
}

// decide collects the witnesses within their time, and makes the decision.
func (g *Gate) decide(ctx context.Context, in *invocation) decision.Decision {
	s := g.guarded(ctx, in)
	s.Observing, s.Rollback = g.Settings.Mode == Observe, in.rollback.Load()
	d := decision.Decide(decision.Seen{})
	in.j.safely(func() { d = decision.Decide(s) })
	if d.Status() == lifecycle.Failed && g.Settings.SkipParameter != "" {
		in.j.safely(func() {
			s.Skip = g.skip(ctx, in, s.Release)
			d = decision.Decide(s)
		})
	}
	return d
}

// guarded runs look, and no longer than its time. A panic, or a run that does not stop, is noted as a problem, too.
func (g *Gate) guarded(ctx context.Context, in *invocation) decision.Seen {
	ctx, cancel := context.WithDeadline(ctx, in.budget.judging)
	defer cancel()
	broken := func(format string, args ...any) decision.Seen {
		return decision.Seen{
			Deployment: in.event.DeploymentID, Event: g.LifecycleEvent,
			Problem: decision.Problem{Blame: finding.BlameGate, Reason: fmt.Sprintf(format, args...)},
		}
	}
	seen := make(chan decision.Seen, 1)
	go func() {
		s := broken("the gate ended without a verdict")
		defer func() {
			if p := recover(); p != nil {
				stack := debug.Stack()
				if inner, ok := p.(*parallel.Panic); ok {
					stack = inner.Stack
				}
				in.j.fault(string(stack))
				s = broken("the gate panicked: %.300v", p)
			}
			seen <- s
		}()
		found := decision.Seen{Deployment: in.event.DeploymentID, Event: g.LifecycleEvent}
		if err := g.look(ctx, in, &found); err != nil {
			found.Problem = misconfigured(err.Error())
		}
		s = found
	}()
	abandon := time.NewTimer(time.Until(in.budget.abandon))
	defer abandon.Stop()
	select {
	case s := <-seen:
		return s
	case <-abandon.C:
		return broken("the run did not stop when its time was up; the status is stored without it")
	}
}

// oneLine keeps a reason one line of bounded length, whatever an error text brought along.
func oneLine(text string) string { return redact.Safe(text, 1000) }

// phases says what the lifecycle event's hook runs.
func phases(n lifecycle.Name, evidence bool) []finding.Phase {
	switch {
	case n == lifecycle.AfterAllowTestTraffic:
		return []finding.Phase{finding.PhaseReady, finding.PhaseJudge}
	case evidence:
		return []finding.Phase{finding.PhaseReady, finding.PhaseCompare}
	}
	return []finding.Phase{finding.PhaseReady, finding.PhaseJudge, finding.PhaseCompare}
}

// New returns the gate of a lifecycle event with the environment's settings.
func New(ctx context.Context, n lifecycle.Name, env envconfig.Lookuper, out io.Writer) *Gate {
	s, err := ReadSettings(ctx, env)
	cfg := s.AWS.Config()
	return &Gate{
		Settings: s, SettingsError: err, LifecycleEvent: n,
		CodeDeploy: codedeploy.New(cfg), AWS: cfg, Out: out,
	}
}

// Invoke is Handle with the raw payload, as Lambda's runtime calls it. If the runtime parsed the payload, it would
// refuse one that is not JSON by itself, and the log would hold no verdict.
func (g *Gate) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := g.Handle(ctx, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// Start serves the gate's invocations under Lambda, with settings from the process's environment. It
// does not return.
func Start(n lifecycle.Name) {
	lambda.Start(New(context.Background(), n, envconfig.OsLookuper(), os.Stdout))
}

// noDeadline is the function's time when Lambda set no deadline (in a run by hand).
const noDeadline = 14 * time.Minute

// leastReserve is kept back whatever REPORT_RESERVE says: a second for the run to stop, three for attempts to store the
// status, each of which may hang for a third of what is left, and a second in which nothing is tried any more.
const leastReserve = 5 * time.Second

// stopGrace is how long a run may take to stop after its time is up, before it is abandoned.
const stopGrace = time.Second

// Reading what a run needs is bounded, so that an AWS service that does not answer is named as the reason, within the
// 15 s that reporting a misconfiguration may take in all.
const (
	// prepareTime is for everything before the run: facts, suite, variables, evidence.
	prepareTime = 12 * time.Second
	// factsTime is for reading the deployment. idleFactsTime is for the same when the settings already say all that is
	// needed, so that reading only adds to the log.
	factsTime     = 6 * time.Second
	idleFactsTime = 3 * time.Second
	// sourceTime is for the suite.
	sourceTime = 4 * time.Second
	// evidenceTime is for the first gate's verdict, which is read beside the variables.
	evidenceTime = 4 * time.Second
	// lookTime is for a proof of release, which is looked for beside the run, and for the targets' health.
	lookTime = 3 * time.Second
	// afterwards is how long before a run is abandoned a look after the run has to end.
	afterwards = 100 * time.Millisecond
)

// budget is how an invocation's time is divided.
type budget struct {
	// deadline is when Lambda kills the function.
	deadline time.Time
	// prepared is when the run has to begin.
	prepared time.Time
	// judging is when the suite has to be done; abandon is when a run that has not stopped by then is abandoned.
	judging, abandon time.Time
	// warning names a reserve that could not be kept, or is empty.
	warning string
}

// divide keeps the reserve back for storing the status. A reserve that would leave the suite less than a quarter of the
// time is reduced, with a warning: taken literally, 30 s out of 5 s would fail every healthy release with a puzzling
// reason. A reserve that is too short to store a status is raised. A native deployment stores
// no status, and may call again: a quarter of the time is enough there.
func divide(now, deadline time.Time, reserve time.Duration, native bool) budget {
	if deadline.IsZero() {
		deadline = now.Add(noDeadline)
	}
	b, left := budget{deadline: deadline}, deadline.Sub(now)
	kept := min(max(reserve, leastReserve), left*3/4)
	if native {
		kept = min(kept, left/4)
	}
	switch {
	case reserve < leastReserve && kept > reserve:
		b.warning = fmt.Sprintf("REPORT_RESERVE is %s, too little to store a status in: keeping %s back", reserve,
			kept.Round(time.Millisecond))
	case kept < reserve:
		b.warning = fmt.Sprintf("the function has %s left and REPORT_RESERVE takes %s: keeping %s back; give the function "+
			"more time",
			left.Round(time.Millisecond), reserve, kept.Round(time.Millisecond))
	}
	b.judging = now.Add(left - kept)
	b.prepared = now.Add(min(prepareTime, (left-kept)*3/4))
	b.abandon = b.judging.Add(min(stopGrace, kept/4))
	return b
}

// spare bounds what is done beside or after the run to a part of the time that is left.
func (b budget) spare(most time.Duration) time.Duration { return min(most, time.Until(b.deadline)/4) }

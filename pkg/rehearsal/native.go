package rehearsal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
)

// Native is a service that Amazon ECS deploys itself, without CodeDeploy.
type Native struct {
	// Pauses are the stages with a PAUSE hook.
	Pauses []lifecycle.Name
	// HookTimeout is each hook's timeoutConfiguration; Speed divides it while the hook does nothing.
	HookTimeout deployment.HookTimeout
	// Create is the creation of the service: there is no old release.
	Create bool
	// Watches says that the hook of POST_PRODUCTION_TRAFFIC_SHIFT is one of PRE_PRODUCTION_TRAFFIC_SHIFT, too.
	Watches bool
}

// Header is a header and the value that a listener rule asks for.
type Header struct{ Name, Value string }

// native is one of Amazon ECS's own deployments.
type native struct{ *run }

// begin waits for the call that begins the deployment, or makes it itself, and returns the stages.
func (n *native) begin(ctx context.Context) []phase {
	n.result.Controller = "ECS"
	now, phases := time.Now(), n.stages()
	var events []deployment.Event
	for _, p := range phases {
		events = append(events, deployment.Event{Name: p.name, Step: p.step})
	}
	before := deployment.New(deployment.Deployment{
		ID: n.plan.deploymentID(), Cluster: "rehearsal", Service: n.plan.service(), Config: n.plan.config(),
		TerminationWait: n.plan.TerminationWait, AutoRollback: true,
		BlueGroup: targetGroupARN(n.blue.group.Name), GreenGroup: targetGroupARN(n.green.group.Name),
		Native: &deployment.Native{
			Target: deployment.Blue, ProductionRule: ruleARN(listenerARN("1"), "1"), Hooks: n.hookList(),
			Alarm: n.plan.Alarm.set(),
		},
	}, now)
	if n.test != nil {
		before.Native.TestRule = n.testRule()
	}
	if !n.plan.Native.Create {
		before.TaskSets = []deployment.TaskSet{n.revision(n.blue, 100, now)}
		before.Finish(deployment.Succeeded, now, nil)
		n.book.Add(before)
	}
	n.offer(ctx, func(definition string) deployment.Deployment {
		d := before.Clone()
		target := n.revision(n.green, 0, time.Now())
		target.TaskDefinition = definition
		d.ID, d.Native.Target, d.TaskSets, d.Ended = n.id, deployment.Green, append(d.TaskSets, target), time.Time{}
		return deployment.New(d, time.Now(), events...)
	}, n.plan.definitionARN(deployment.Green), "waits for UpdateService with a task definition of the new release",
		n.awsLine("ecs update-service --cluster rehearsal --service %s --task-definition %s", n.plan.service(),
			n.plan.definitionARN(deployment.Green)))
	return phases
}

// hookList are the service's hooks as ECS shows them.
func (n *native) hookList() (all []deployment.Hook) {
	for _, stage := range lifecycle.HookStages() {
		for _, hook := range n.at(stage) {
			all = append(all, deployment.Hook{
				Function: functionARN(hook.Function), Stage: stage, HookTimeout: n.plan.Native.HookTimeout,
			})
		}
	}
	for _, stage := range n.plan.Native.Pauses {
		all = append(all, deployment.Hook{Stage: stage, HookTimeout: n.plan.Native.HookTimeout})
	}
	return all
}

// at are the functions of a stage.
func (n *native) at(stage lifecycle.Name) (all []Hook) {
	if hook, ok := n.plan.Hooks[stage]; ok {
		all = append(all, hook)
	}
	watch, ok := n.plan.Hooks[lifecycle.PostProductionTrafficShift]
	if ok && n.plan.Native.Watches && stage == lifecycle.PreProductionTrafficShift {
		all = append(all, watch)
	}
	return all
}

// stages are what the deployment goes through.
func (n *native) stages() []phase {
	reconcile := phase{name: lifecycle.ReconcileService, do: n.hooks}
	if _, ok := n.plan.Hooks[reconcile.name]; !ok {
		reconcile.skipped = "ECS has this stage only where more than one service revision is active"
	}
	all := []phase{
		reconcile,
		{name: lifecycle.PreScaleUp, do: n.hooks},
		{name: lifecycle.ScaleUp, do: n.install},
		{name: lifecycle.PostScaleUp, do: n.hooks},
		{name: lifecycle.TestTrafficShift, do: n.shift(n.test, deployment.Step{Percent: wholeTraffic}, 1)},
		{name: lifecycle.PostTestTrafficShift, do: n.hooks},
	}
	steps := n.plan.config().Steps()
	for i, s := range steps {
		number := i + 1
		if len(steps) == 1 {
			number = 0
		}
		all = append(all,
			phase{name: lifecycle.PreProductionTrafficShift, step: number, do: n.hooks},
			phase{name: lifecycle.ProductionTrafficShift, step: number, do: n.shift(n.production, s, len(steps))})
	}
	return append(all,
		phase{name: lifecycle.PostProductionTrafficShift, do: n.hooks},
		phase{name: lifecycle.BakeTime, do: n.bake},
		phase{name: lifecycle.CleanUp, do: n.cleanUp})
}

// shift moves a listener's traffic to the step's share, and leaves it there for the step's bake time; its hooks run while
// it moves.
func (n *native) shift(l *alb.Listener, s deployment.Step, steps int) func(context.Context, phase) *failure {
	return func(ctx context.Context, p phase) *failure {
		if failed := n.beforeShift(ctx, p); failed != nil || ctx.Err() != nil {
			return failed
		}
		n.move(n.id, l, s.Percent)
		if failed := n.hooks(ctx, p); failed != nil {
			return failed
		}
		if s.Stays > 0 {
			n.stream.note("%s: step %d of %d bakes at %d %% for %s", n.plan.config().Strategy(), p.step, steps, s.Percent,
				s.Stays)
		}
		return n.pause(ctx, n.plan.bakes(max(s.Stays, listenerChange)))
	}
}

// bake keeps the old release for a while after the shift.
func (n *native) bake(ctx context.Context, _ phase) *failure {
	n.stream.note("bake time of %s: both releases run", n.plan.TerminationWait)
	return n.pause(ctx, n.plan.scaled(n.plan.TerminationWait))
}

func (n *native) cleanUp(ctx context.Context, p phase) *failure {
	if n.down(ctx, n.blue, "; "+n.green.release+" serves"); ctx.Err() == nil {
		n.book.Update(n.id, func(d *deployment.Deployment) {
			d.End(p.name, deployment.EventSucceeded, time.Now(), nil)
			d.Finish(deployment.Succeeded, time.Now(), nil)
		})
	}
	return nil
}

// fail rolls the deployment back: ECS always does, but where somebody stopped it with ABORT, or there is no earlier
// revision.
func (n *native) fail(ctx context.Context, f *failure) Outcome {
	finish := func(status deployment.Status) {
		n.book.Update(n.id, func(d *deployment.Deployment) { d.Finish(status, time.Now(), &f.why) })
	}
	switch {
	case f.stop != nil && !f.stop.Rollback:
		finish(deployment.Stopped)
		n.stream.note("stopped without a rollback: both revisions and all rules stay as they are: %s", f.reason)
		return Stopped
	case n.plan.Native.Create:
		finish(deployment.Failed)
		n.stream.note("the creation of the service failed: there is no earlier revision to roll back to")
		return Failed
	}
	n.stream.tell(KindRollback, phase{}, "the deployment ends in %s; ECS puts %s back", n.result.Where(), n.blue.release)
	d, _ := n.book.Get(n.id)
	// Only traffic that was moved goes back. ECS has no stage of its own for that: it says so by the weights.
	back := slices.DeleteFunc([]lifecycle.Name{lifecycle.ProductionTrafficShift, lifecycle.TestTrafficShift},
		func(name lifecycle.Name) bool {
			began := func(e deployment.Event) bool { return e.Name == name && !e.Started.IsZero() }
			return !slices.ContainsFunc(d.Events, began)
		})
	n.book.Update(n.id, func(d *deployment.Deployment) { d.RollBack(time.Now(), &f.why, back...) })
	select {
	case <-n.book.Stopped(n.id): // what asks for the end now has it already
	default:
	}
	moves := map[lifecycle.Name]*alb.Listener{
		lifecycle.ProductionTrafficShift: n.production, lifecycle.TestTrafficShift: n.test,
	}
	for _, name := range back {
		p := phase{name: name, rollback: true, do: func(ctx context.Context, p phase) *failure {
			n.move(n.id, moves[name], 0)
			return n.hooks(ctx, p)
		}}
		if n.phase(ctx, p) != nil {
			n.stream.warning("a hook at %s does not keep ECS from rolling back", name)
		}
	}
	n.down(ctx, n.green, "")
	finish(deployment.RolledBack)
	return RolledBack
}

func (n *native) revision(d *side, weight float64, now time.Time) deployment.TaskSet {
	t := n.taskSet(d, "ACTIVE", weight, now)
	t.ID = arn("ecs", "service-revision/rehearsal/%s/%019d", n.plan.service(), revision(d.label))
	t.TestWeight = weight
	return t
}

// testRule is the ARN of the rule that leads test traffic.
func (s *stage) testRule() string {
	if s.plan.Header.Name != "" {
		return ruleARN(listenerARN("1"), "2")
	}
	return ruleARN(listenerARN("2"), "1")
}

// event is what a hook is invoked with. Weights are told at the stages of a shift only: those of the shift under way,
// and before a shift of production traffic those in force.
func (n *native) event(p phase, executionID string, details map[string]any) []byte {
	d, _ := n.book.Get(n.id)
	test, production := map[string]float64{}, map[string]float64{}
	for _, t := range d.TaskSets {
		switch p.name { //nolint:exhaustive // no other stage has weights
		case lifecycle.TestTrafficShift:
			test[t.ID] = t.TestWeight
		case lifecycle.PreProductionTrafficShift, lifecycle.ProductionTrafficShift:
			production[t.ID] = t.Weight
		}
	}
	event := map[string]any{
		"executionId": executionID, "lifecycleStage": p.name, "resourceArn": n.id,
		"executionDetails": map[string]any{
			"serviceArn":               arn("ecs", "service/rehearsal/%s", n.plan.service()),
			"targetServiceRevisionArn": d.Side(deployment.Green).ID,
			"testTrafficWeights":       test, "productionTrafficWeights": production,
		},
	}
	if len(details) > 0 {
		event["hookDetails"] = details
	}
	text, _ := json.Marshal(event) // what was JSON can be again
	return text
}

// callBackDelay is when ECS invokes a hook again that answers IN_PROGRESS and does not say when.
const callBackDelay = 30 * time.Second

// hooks runs the stage's Lambda functions and its PAUSE; all must complete.
func (n *native) hooks(ctx context.Context, p phase) *failure {
	n.book.Update(n.id, func(d *deployment.Deployment) { d.Native.Executions = nil })
	timeout, pause := n.plan.Native.HookTimeout, ""
	var goOn <-chan struct{}
	if !p.rollback && slices.Contains(n.plan.Native.Pauses, p.name) {
		pause = "ecs-pause-" + rand.Text()
		goOn = n.book.Await(n.id, deployment.Wait(pause))
		n.execution(pause, "", p.name, deployment.HookWaits)
		n.stream.tell(KindNote, p, "PAUSE: waits up to %s for ContinueServiceDeployment (compressed by --speed %g), then %s",
			timeout.After, n.plan.Speed, timeout.Action())
		n.stream.note("%s", n.awsLine("ecs continue-service-deployment --service-deployment-arn %s --hook-id %s", n.id, pause))
	}
	for _, hook := range n.at(p.name) {
		if failed := n.lambda(ctx, p, hook); failed != nil || ctx.Err() != nil {
			return failed
		}
	}
	if pause == "" {
		return nil
	}
	late := &failure{
		why: deployment.Error{Code: deployment.CodeTimeout, Message: "The PAUSE hook timed out."},
		reason: fmt.Sprintf("timed out: nobody called ContinueServiceDeployment within %s (compressed by --speed %g)",
			timeout.After, n.plan.Speed),
	}
	failed := n.await(ctx, n.plan.scaled(timeout.After), goOn, late)
	switch {
	case failed == late:
		return n.late(p, pause, failed)
	case failed == nil && ctx.Err() == nil:
		n.stream.note("ContinueServiceDeployment was called: the deployment goes on")
	}
	return failed
}

// execution notes that a hook of the stage begins: a function, or without one its PAUSE.
func (n *native) execution(id, function string, stage lifecycle.Name, status string) {
	hook := deployment.Hook{Function: function, Stage: stage, HookTimeout: n.plan.Native.HookTimeout}
	n.book.Update(n.id, func(d *deployment.Deployment) {
		d.Native.Executions = append(d.Native.Executions, deployment.Execution{
			Hook: hook, ID: id, Status: status, Expires: time.Now().Add(n.plan.scaled(hook.After)),
		})
	})
}

func (n *native) ended(id, status string) {
	n.book.Update(n.id, func(d *deployment.Deployment) {
		if x := d.Execution(id); x != nil {
			x.Status = status
		}
	})
}

// late does what the hooks' time-out says: it fails, or goes on.
func (n *native) late(p phase, id string, failed *failure) *failure {
	n.ended(id, deployment.HookTimedOut)
	if !n.plan.Native.HookTimeout.GoOn {
		return failed
	}
	n.stream.tell(KindWarning, p, "%s; the hook's time-out says CONTINUE", failed.reason)
	return nil
}

// lambda invokes a function of the stage until it answers SUCCEEDED or FAILED, fails, or is too late.
func (n *native) lambda(ctx context.Context, p phase, hook Hook) *failure {
	id, answered := lambda.UUID(), make(chan deployment.EventStatus, 1)
	n.execution(id, functionARN(hook.Function), p.name, deployment.HookRuns)
	failed := n.hook(ctx, p, hook, call{
		callback: callback{answer: answered, limit: n.plan.Native.HookTimeout.After},
		late:     fmt.Sprintf("answer SUCCEEDED or FAILED within the hook's time-out of %s", n.plan.Native.HookTimeout.After),
		deliver: func(ctx context.Context, f *lambda.Function, w *witness) {
			answered <- n.invoke(ctx, p, id, f, w)
		},
	})
	switch {
	case failed == nil:
		n.ended(id, deployment.HookSucceeded)
	case failed.why.Code == deployment.CodeTimeout:
		failed.why.Message = fmt.Sprintf("The lifecycle hook %s timed out.", hook.Function)
		return n.late(p, id, failed)
	case failed.why.Code == deployment.CodeHookFailed:
		failed.why.Message = fmt.Sprintf("The lifecycle hook %s failed.", hook.Function)
		n.ended(id, deployment.HookFailed)
	}
	return failed
}

// invoke invokes the function, and again as long as it answers IN_PROGRESS, each time with the details of the answers
// before. What is no answer is a failure, as ECS takes it.
func (n *native) invoke(
	ctx context.Context, p phase, id string, f *lambda.Function, w *witness,
) deployment.EventStatus {
	for details := map[string]any{}; ; {
		w.invoking()
		o := f.Invoke(ctx, n.event(p, id, details))
		var a struct {
			Status  string         `json:"hookStatus"`
			Delay   *float64       `json:"callBackDelay"`
			Details map[string]any `json:"hookDetails"`
		}
		unreadable := json.Unmarshal(o.Answer, &a)
		switch {
		case o.Kind != lambda.Returned:
			w.answered(fmt.Sprintf("the function %s: %s", o.Kind, o.Message))
			return deployment.EventFailed
		case unreadable != nil || a.Status != "SUCCEEDED" && a.Status != "FAILED" && a.Status != "IN_PROGRESS":
			w.answered(fmt.Sprintf("the function returned no hookStatus, which ECS takes for FAILED: %.200q", o.Answer))
			return deployment.EventFailed
		}
		w.answered("")
		switch a.Status {
		case "SUCCEEDED":
			return deployment.EventSucceeded
		case "FAILED":
			return deployment.EventFailed
		}
		delay := callBackDelay
		if a.Delay != nil {
			delay = time.Duration(*a.Delay * float64(time.Second))
		}
		maps.Copy(details, a.Details)
		n.stream.tell(KindNote, p, "IN_PROGRESS: invoked again after %s (compressed by --speed %g), with %d hookDetails",
			delay, n.plan.Speed, len(details))
		pause := n.plan.scaled(delay)
		if n.plan.Watch != nil { // nothing new is measured sooner
			pause = max(pause, min(delay, n.plan.WatchMinute/2))
		}
		if wait(ctx, pause) != nil {
			return deployment.EventFailed
		}
	}
}

package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
)

type codeDeploy struct {
	*run
	// goOn is closed by ContinueDeployment, and ready is since when the deployment waits for it.
	goOn  <-chan struct{}
	ready time.Time
}

// begin creates the deployment. Its phases are the lifecycle events, with the waits between them.
func (c *codeDeploy) begin(ctx context.Context) []phase {
	test := ""
	skipped := "the deployment group has no test listener"
	if c.test != nil {
		test, skipped = listenerARN("2"), ""
	}
	offered := deployment.Deployment{
		ID: c.id, Application: "rehearsal", Group: "rehearsal", Config: c.plan.config(), Creator: deployment.ByUser,
		Cluster: "rehearsal", Service: c.plan.service(),
		ReadyWait: c.plan.ReadyWait, TerminationWait: c.plan.TerminationWait,
		AutoRollback:       !c.plan.NoRollback,
		ProductionListener: listenerARN("1"), TestListener: test,
		BlueGroup: c.blue.group.Name, GreenGroup: c.green.group.Name,
		TaskSets: []deployment.TaskSet{c.taskSet(c.blue, "PRIMARY", 100, time.Now())},
	}
	// CodePipeline has put the task definition in.
	appSpec := strings.ReplaceAll(c.plan.Release.AppSpec, appspec.Placeholder, c.plan.definitionARN(deployment.Green))
	c.offer(ctx, func(appSpec string) deployment.Deployment {
		offered.AppSpec = appSpec
		return deployment.New(offered, time.Now())
	}, appSpec, "waits for CreateDeployment (application rehearsal, group rehearsal)")
	spec, _ := appspec.Read("", offered.AppSpec) // a task definition that cannot be read is the plan's
	c.green.definition = cmp.Or(spec.TaskDefinition.Text, c.green.definition)
	// CodeDeploy says nothing about a hook that it skips (user guide: "nothing happens"); a rehearsal does.
	silent := skipped
	if hook, ok := c.plan.Hooks[lifecycle.AfterAllowTestTraffic]; ok && skipped != "" {
		silent += ": CodeDeploy does not run " + hook.Function + ", and does not say so"
	}
	return []phase{
		{name: lifecycle.BeforeInstall, do: c.hookOf},
		{name: lifecycle.Install, do: c.install},
		{name: lifecycle.AfterInstall, do: c.hookOf},
		{name: lifecycle.AllowTestTraffic, skipped: skipped, do: func(ctx context.Context, _ phase) *failure {
			c.move(c.id, c.test, wholeTraffic)
			return c.pause(ctx, c.plan.scaled(listenerChange))
		}},
		{do: c.awaitReady},
		{name: lifecycle.AfterAllowTestTraffic, skipped: silent, do: c.hookOf},
		{do: c.readyWait},
		{name: lifecycle.BeforeAllowTraffic, do: c.hookOf},
		{name: lifecycle.AllowTraffic, do: c.shift},
		{name: lifecycle.AfterAllowTraffic, do: c.hookOf},
		{do: c.finish},
	}
}

// finish keeps the original task set for a while after the shift, and stops it.
func (c *codeDeploy) finish(ctx context.Context, _ phase) *failure {
	if c.plan.TerminationWait > 0 {
		goOn := c.book.Await(c.id, deployment.TerminationWait)
		c.stream.note("blue (%s) stays for the termination wait of %s", c.blue.release, c.plan.TerminationWait)
		failed := c.await(ctx, c.plan.scaled(c.plan.TerminationWait), goOn, nil)
		if failed != nil {
			failed.reason = "in the termination wait " + failed.reason
		}
		if failed != nil || ctx.Err() != nil {
			return failed
		}
	}
	if c.down(ctx, c.blue, "; "+c.green.release+" serves"); ctx.Err() == nil {
		c.ends(c.id, c.green)
	}
	return nil
}

// ends ends a deployment after which only one side's task set is left.
func (c *codeDeploy) ends(id string, left *side) {
	c.book.Update(id, func(d *deployment.Deployment) {
		d.TaskSets = []deployment.TaskSet{c.taskSet(left, "PRIMARY", 100, time.Now())}
		d.Finish(deployment.Succeeded, time.Now(), nil)
	})
}

// hookOf runs the event's function, if there is one: invoked asynchronously, it reports its status within an hour.
func (c *codeDeploy) hookOf(ctx context.Context, p phase) *failure {
	hook, ok := c.plan.Hooks[p.name]
	if !ok {
		return nil
	}
	executionID, answer, err := c.book.Expect(c.id, p.name)
	if err != nil {
		return &failure{err: err}
	}
	payload, _ := json.Marshal(map[string]string{ // strings always can
		"DeploymentId": c.id, "LifecycleEventHookExecutionId": executionID,
	})
	return c.hook(ctx, p, hook, call{
		callback: callback{answer: answer, limit: callbackLimit},
		late:     "call PutLifecycleEventHookExecutionStatus within CodeDeploy's hour",
		deliver: func(ctx context.Context, f *lambda.Function, w *witness) {
			for event, ok := payload, true; ok; event, ok = f.Next() {
				w.invoking()
				f.Deliver(ctx, event, func(ctx context.Context, d time.Duration) error {
					err := wait(ctx, c.plan.scaled(d))
					w.invoking()
					return err
				}, w.attempt)
			}
		},
	})
}

// shift moves the production traffic as the deployment configuration says.
func (c *codeDeploy) shift(ctx context.Context, p phase) *failure {
	if failed := c.beforeShift(ctx, p); failed != nil || ctx.Err() != nil {
		return failed
	}
	for _, step := range c.plan.config().Steps() {
		c.move(c.id, c.production, step.Percent)
		if step.Stays > 0 {
			c.stream.note("%s: %d %% for %s", c.plan.config().Name, step.Percent, step.Stays)
		}
		if failed := c.pause(ctx, c.plan.bakes(cmp.Or(step.Stays, listenerChange))); failed != nil || ctx.Err() != nil {
			return failed
		}
	}
	return nil
}

// awaitReady begins the wait for ContinueDeployment, where the deployment group wants one: from here on the
// deployment is Ready, also while the hook of the test phase runs (user guide, "deployment groups").
func (c *codeDeploy) awaitReady(context.Context, phase) *failure {
	if c.plan.ReadyWait > 0 {
		c.goOn, c.ready = c.book.Await(c.id, deployment.ReadyWait), time.Now()
		c.stream.note("Ready: waits %s for ContinueDeployment (compressed by --speed %g)", c.plan.ReadyWait, c.plan.Speed)
		c.stream.note("%s", c.awsLine("deploy continue-deployment --deployment-wait-type READY_WAIT --deployment-id %s", c.id))
	}
	return nil
}

// readyWait waits for somebody to call ContinueDeployment. The hook's own time counts as it is. When
// nobody calls, the deployment is Stopped; AWS does not say that it rolls back then, so nothing is.
func (c *codeDeploy) readyWait(ctx context.Context, _ phase) *failure {
	if c.goOn == nil {
		return nil
	}
	left := max(0, c.plan.ReadyWait-time.Since(c.ready))
	failed := c.await(ctx, c.plan.scaled(left), c.goOn, &failure{
		stop:   &deployment.Stop{},
		reason: fmt.Sprintf("timed out: nobody called ContinueDeployment within the wait of %s", c.plan.ReadyWait),
		why:    deployment.Error{Code: deployment.CodeTimeout, Message: deployment.TextNotReady},
	})
	if failed != nil {
		failed.event = lifecycle.AfterAllowTestTraffic
	} else if ctx.Err() == nil {
		c.stream.note("ContinueDeployment was called: the traffic may move")
	}
	return failed
}

// fail rolls back a failed deployment when the deployment group is set so, a stopped one when whoever stopped it
// wants that.
func (c *codeDeploy) fail(ctx context.Context, f *failure) Outcome {
	status, back := deployment.Failed, !c.plan.NoRollback
	if f.stop != nil {
		status, back = deployment.Stopped, f.stop.Rollback
	}
	if c.result.FailedEvent == lifecycle.BeforeInstall {
		back = false // there is no replacement yet, and nothing to take back (user guide, hooks for Amazon ECS)
	}
	c.book.Update(c.id, func(d *deployment.Deployment) { d.Finish(status, time.Now(), &f.why) })
	switch {
	case back:
		c.rollBack(ctx, f)
		return RolledBack
	case f.stop != nil:
		c.stream.note("stopped without a rollback: both task sets and both listeners stay as they are: %s", f.reason)
		return Stopped
	case c.result.FailedEvent == lifecycle.BeforeInstall:
		c.stream.note("failed before anything was installed: there is nothing to roll back")
	default:
		c.stream.note("failed, and the deployment group does not roll back: both task sets and both listeners stay as " +
			"they are")
	}
	return Failed
}

// rollBack is a deployment of its own, as CodeDeploy makes it: it sends both listeners' traffic back to
// the original task set and stops the replacement. Whether AWS runs hooks in it is not documented
// (November 2026); here it does not.
func (c *codeDeploy) rollBack(ctx context.Context, f *failure) {
	back, _ := c.book.Get(c.id)
	back.ID, back.Creator, back.Error = deployment.NewID(), deployment.ByRollback, nil
	back.RollbackOf, back.RollbackMessage = c.id, fmt.Sprintf("Deployment %s will be rolled back because it failed "+
		"or was stopped.", c.id)
	back.Description = fmt.Sprintf("Rollback of deployment %s", c.id)
	back.Started, back.Ended = time.Time{}, time.Time{}
	back = deployment.New(back, time.Now())
	c.book.Add(back)
	c.book.Update(c.id, func(d *deployment.Deployment) {
		d.RollbackID, d.RollbackMessage = back.ID, fmt.Sprintf("Deployment %s was rolled back by deployment %s.", c.id,
			back.ID)
	})
	c.result.RollbackID = back.ID
	did := "failed"
	if f.stop != nil {
		did = "was stopped"
	}
	c.stream.tell(KindRollback, phase{}, "deployment %s %s in %s; %s (creator codeDeployRollback) puts %s back", c.id, did,
		cmp.Or(string(c.result.FailedEvent), "its termination wait"), back.ID, c.blue.release)
	step := func(name lifecycle.Name, l *alb.Listener) {
		c.book.Update(back.ID, func(d *deployment.Deployment) { d.Begin(name, time.Now()) })
		c.move(back.ID, l, 0)
		c.book.Update(back.ID, func(d *deployment.Deployment) { d.End(name, deployment.EventSucceeded, time.Now(), nil) })
	}
	if c.test != nil {
		step(lifecycle.AllowTestTraffic, c.test)
	}
	step(lifecycle.AllowTraffic, c.production)
	c.down(ctx, c.green, "")
	c.ends(back.ID, c.blue)
}

package rehearsal

import (
	"context"
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// fail ends the deployment and, where CodeDeploy would, rolls it back: a failed one when the deployment
// group is set so, a stopped one when whoever stopped it wants that.
func (r *run) fail(ctx context.Context, f *failure) error {
	r.result.Why, r.result.FailedEvent, r.result.FailedCheck = r.stream.redactor.Line(f.reason, maxText), f.event, f.check
	status, back := deployment.Failed, !r.plan.NoRollback
	if f.stop != nil {
		status, back = deployment.Stopped, f.stop.Rollback
	}
	if f.event == lifecycle.BeforeInstall {
		back = false // there is no replacement yet, and nothing to take back (user guide, hooks for Amazon ECS)
	}
	r.book.Update(r.id, func(d *deployment.Deployment) { d.Finish(status, time.Now(), &f.why) })
	switch {
	case back:
		r.rollBack(ctx, f)
		r.result.Outcome = RolledBack
	case f.stop != nil:
		r.stream.note("stopped without a rollback: both task sets and both listeners stay as they are: " + f.reason)
		r.result.Outcome = Stopped
	case f.event == lifecycle.BeforeInstall:
		r.stream.note("failed before anything was installed: there is nothing to roll back")
		r.result.Outcome = Failed
	default:
		r.stream.note("failed, and the deployment group does not roll back: both task sets and both listeners stay as " +
			"they are")
		r.result.Outcome = Failed
	}
	return ctx.Err()
}

// rollBack is a deployment of its own, as CodeDeploy makes it: it sends both listeners' traffic back to
// the original task set and stops the replacement. Whether AWS runs hooks in it is not documented
// (November 2026); here it does not.
func (r *run) rollBack(ctx context.Context, f *failure) {
	now := time.Now()
	failed, _ := r.book.Get(r.id)
	back := failed.Clone()
	back.ID, back.Creator, back.Error = deployment.NewID(), deployment.ByRollback, nil
	back.RollbackOf, back.RollbackMessage = r.id, fmt.Sprintf("Deployment %s will be rolled back because it failed "+
		"or was stopped.", r.id)
	back.Description = fmt.Sprintf("Rollback of deployment %s", r.id)
	back.Started, back.Ended = time.Time{}, time.Time{}
	back = deployment.New(back, now)
	r.book.Add(back)
	r.book.Update(r.id, func(d *deployment.Deployment) {
		d.RollbackID, d.RollbackMessage = back.ID, fmt.Sprintf("Deployment %s was rolled back by deployment %s.", r.id,
			back.ID)
	})
	r.result.RollbackID = back.ID
	where := string(f.event)
	if where == "" {
		where = "its termination wait"
	}
	did := "failed"
	if f.stop != nil {
		did = "was stopped"
	}
	r.stream.send(Event{Kind: KindRollback, Text: fmt.Sprintf("deployment %s %s in %s; %s (creator "+
		"codeDeployRollback) puts %s back", r.id, did, where, back.ID, r.blue.release)})
	step := func(name lifecycle.Name, do func()) {
		r.book.Update(back.ID, func(d *deployment.Deployment) { d.Begin(name, time.Now()) })
		do()
		r.book.Update(back.ID, func(d *deployment.Deployment) { d.End(name, deployment.EventSucceeded, time.Now(), nil) })
	}
	if r.test != nil {
		step(lifecycle.AllowTestTraffic, func() { r.forward(r.test, 0) })
	}
	step(lifecycle.AllowTraffic, func() {
		r.forward(r.production, 0)
		r.book.Update(back.ID, func(d *deployment.Deployment) { d.Shift(0) })
	})
	running := r.green.running() > 0
	r.down(ctx, r.green)
	r.book.Update(back.ID, func(d *deployment.Deployment) {
		d.TaskSets = []deployment.TaskSet{r.taskSet(r.blue, "PRIMARY", 100, now)}
		d.Finish(deployment.Succeeded, time.Now(), nil)
	})
	if running {
		r.stream.note(fmt.Sprintf("green (%s) is drained and stopped", r.green.release))
	}
}

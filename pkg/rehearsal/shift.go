package rehearsal

import (
	"context"
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// listenerChange is how long CodeDeploy takes to change a listener; the new one is in force at once.
const listenerChange = 10 * time.Second

// pause waits for d, which is compressed already, or until goOn is closed. It returns a failure when the
// deployment was stopped meanwhile: by somebody or by an alarm. When ctx ends it returns nil at once.
func (r *run) pause(ctx context.Context, at lifecycle.Name, d time.Duration, goOn <-chan struct{}) *failure {
	stopped := r.book.Stopped(r.id)
	passed := time.After(d)
	select { // a stop that came before wins
	case stop := <-stopped:
		return stoppedAt(at, stop)
	default:
	}
	select {
	case stop := <-stopped:
		return stoppedAt(at, stop)
	case <-passed:
	case <-goOn:
	case <-ctx.Done():
	}
	return nil
}

// stoppedAt is the failure of a deployment that was stopped in an event.
func stoppedAt(at lifecycle.Name, stop deployment.Stop) *failure {
	if stop.Alarm != "" {
		return &failure{
			event: at, stop: &stop, reason: "the alarm went off: " + stop.Alarm,
			why: deployment.Error{Code: deployment.CodeAlarm, Message: deployment.TextAlarm},
		}
	}
	return &failure{
		event: at, stop: &stop, reason: "somebody called StopDeployment",
		why: deployment.Error{Code: deployment.CodeManualStop, Message: deployment.TextStopped},
	}
}

// shift moves the production traffic as the deployment configuration says.
func (r *run) shift(ctx context.Context) *failure {
	steps := r.plan.config().Steps()
	for i, step := range steps {
		r.forward(r.production, step.Percent)
		r.book.Update(r.id, func(d *deployment.Deployment) { d.Shift(step.Percent) })
		stays := step.Stays
		if i == len(steps)-1 {
			stays = listenerChange
		} else {
			r.stream.note(fmt.Sprintf("%s: %d %% for %s", r.plan.config().Name, step.Percent, stays))
		}
		if failed := r.pause(ctx, lifecycle.AllowTraffic, r.plan.scaled(stays), nil); failed != nil || ctx.Err() != nil {
			return failed
		}
	}
	return nil
}

// ready begins the wait for ContinueDeployment, where the deployment group wants one: from here on the
// deployment is Ready, also while the hook of the test phase runs (user guide, "deployment groups").
func (r *run) ready() <-chan struct{} {
	if r.plan.ReadyWait <= 0 {
		return nil
	}
	goOn := r.book.Await(r.id, deployment.ReadyWait)
	r.stream.note(fmt.Sprintf("Ready: waits %s for ContinueDeployment (compressed by --speed %g)", r.plan.ReadyWait,
		r.plan.Speed))
	r.stream.note(r.awsLine("continue-deployment --deployment-wait-type READY_WAIT", r.id))
	return goOn
}

// readyWait waits for somebody to call ContinueDeployment. The hook's own time counts as it is. When
// nobody calls, the deployment is Stopped; AWS does not say that it rolls back then, so nothing is.
func (r *run) readyWait(ctx context.Context, began time.Time, goOn <-chan struct{}) *failure {
	if goOn == nil {
		return nil
	}
	left := max(0, r.plan.ReadyWait-time.Since(began))
	failed := r.pause(ctx, lifecycle.AfterAllowTestTraffic, r.plan.scaled(left), goOn)
	if failed != nil || ctx.Err() != nil {
		return failed
	}
	select {
	case <-goOn:
		r.stream.note("ContinueDeployment was called: the traffic may move")
		return nil
	default:
	}
	return &failure{
		event: lifecycle.AfterAllowTestTraffic, stop: &deployment.Stop{},
		reason: fmt.Sprintf("timed out: nobody called ContinueDeployment within the wait of %s", r.plan.ReadyWait),
		why:    deployment.Error{Code: deployment.CodeTimeout, Message: deployment.TextNotReady},
	}
}

// terminationWait keeps the original task set for a while after the shift.
func (r *run) terminationWait(ctx context.Context) *failure {
	if r.plan.TerminationWait <= 0 {
		return nil
	}
	goOn := r.book.Await(r.id, deployment.TerminationWait)
	r.stream.note(fmt.Sprintf("blue (%s) stays for the termination wait of %s", r.blue.release, r.plan.TerminationWait))
	failed := r.pause(ctx, "", r.plan.scaled(r.plan.TerminationWait), goOn)
	if failed != nil {
		failed.reason = "in the termination wait " + failed.reason
	}
	return failed
}

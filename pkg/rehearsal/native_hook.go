package rehearsal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
)

// callBackDelay is when ECS invokes a hook again that answers IN_PROGRESS and does not say when.
const callBackDelay = 30 * time.Second

// hooks runs the stage's Lambda function and its PAUSE; both must complete.
func (n *native) hooks(ctx context.Context, p phase) *failure {
	n.book.Update(n.id, func(d *deployment.Deployment) { d.Native.Executions = nil })
	goOn, pause := n.begins(p)
	if failed := n.lambda(ctx, p); failed != nil || ctx.Err() != nil || pause == "" {
		return failed
	}
	late := &failure{
		event: p.name,
		why:   deployment.Error{Code: deployment.CodeTimeout, Message: "The PAUSE hook timed out."},
		reason: fmt.Sprintf("timed out: nobody called ContinueServiceDeployment within %s (compressed by --speed %g)",
			n.options.HookTimeout.After, n.plan.Speed),
	}
	failed := n.await(ctx, p.name, n.plan.scaled(n.options.HookTimeout.After), goOn, late)
	switch {
	case failed == late:
		return n.late(p, pause, failed)
	case failed == nil && ctx.Err() == nil:
		n.stream.note("ContinueServiceDeployment was called: the deployment goes on")
	}
	return failed
}

// begins begins the stage's PAUSE, where it has one, and returns what is closed when somebody ends it, and its id.
func (n *native) begins(p phase) (goOn <-chan struct{}, id string) {
	if p.rollback || !slices.Contains(n.options.Pauses, p.name) {
		return nil, ""
	}
	id = "ecs-pause-" + rand.Text()
	goOn = n.book.Await(n.id, deployment.Wait(id))
	n.execution(id, deployment.Hook{Stage: p.name, HookTimeout: n.options.HookTimeout}, deployment.HookWaits)
	n.stream.tell(KindNote, p, "PAUSE: waits up to %s for ContinueServiceDeployment (compressed by --speed %g), then %s",
		n.options.HookTimeout.After, n.plan.Speed, n.options.HookTimeout.Action())
	n.stream.note("%s", n.awsLine("ecs continue-service-deployment --service-deployment-arn %s --hook-id %s", n.id, id))
	return goOn, id
}

// execution notes that a hook of the stage begins.
func (n *native) execution(id string, hook deployment.Hook, status string) {
	n.book.Update(n.id, func(d *deployment.Deployment) {
		d.Native.Executions = append(d.Native.Executions, deployment.Execution{
			Hook: hook, ID: id, Status: status, Expires: time.Now().Add(n.plan.scaled(hook.After)),
		})
	})
}

// ended notes how a hook of the stage ended.
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
	if !n.options.HookTimeout.GoOn {
		return failed
	}
	n.stream.tell(KindWarning, p, "%s; the hook's time-out says CONTINUE", failed.reason)
	return nil
}

// answer is what a function returns.
type answer struct {
	Status  string         `json:"hookStatus"`
	Delay   *float64       `json:"callBackDelay"`
	Details map[string]any `json:"hookDetails"`
}

// lambda invokes the stage's function, if it has one, until it answers SUCCEEDED or FAILED, fails, or is too late.
func (n *native) lambda(ctx context.Context, p phase) *failure {
	hook, ok := n.plan.Hooks[p.name]
	if !ok {
		return nil
	}
	id, answered := lambda.UUID(), make(chan deployment.EventStatus, 1)
	n.execution(id, deployment.Hook{
		Function: functionARN(hook.Function), Stage: p.name, HookTimeout: n.options.HookTimeout,
	}, deployment.HookRuns)
	failed := n.hook(ctx, p, hook, call{
		answer: answered, limit: n.options.HookTimeout.After,
		late: fmt.Sprintf("answer SUCCEEDED or FAILED within the hook's time-out of %s", n.options.HookTimeout.After),
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
		var a answer
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
		if wait(ctx, n.plan.scaled(delay)) != nil {
			return deployment.EventFailed
		}
	}
}

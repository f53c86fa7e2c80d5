package rehearsal

import (
	"cmp"
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// listenerChange is how long CodeDeploy takes to change a listener; the new one is in force at once.
const listenerChange = 10 * time.Second

// pause waits for d, which is compressed already.
func (r *run) pause(ctx context.Context, at lifecycle.Name, d time.Duration) *failure {
	return r.await(ctx, at, d, nil, nil)
}

// await waits for goOn to be closed; once d is over, which is compressed already, it returns late. It returns a failure
// when the deployment was stopped meanwhile: by somebody or by an alarm. When ctx ends it returns nil at once.
func (r *run) await(
	ctx context.Context, at lifecycle.Name, d time.Duration, goOn <-chan struct{}, late *failure,
) *failure {
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
		return late
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
		event: at, stop: &stop, reason: "somebody called " + cmp.Or(stop.By, "StopDeployment"),
		why: deployment.Error{Code: deployment.CodeManualStop, Message: deployment.TextStopped},
	}
}

package rehearsal

import (
	"context"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const (
	// callbackLimit is CodeDeploy's: a hook reports within an hour.
	callbackLimit = time.Hour
	// callbackTick is how often it is checked how much of the compressed hour is left.
	callbackTick = 20 * time.Millisecond
	// workGrace is how long after its last sign of life a hook counts as at work. The longest pause that
	// a suite makes by itself is a second, and a hook that waits for an answer looks for it every five.
	workGrace = 6 * time.Second
)

// callback waits for a hook's answer, as long as the controller does. That time passes at the plan's speed
// while nobody works, and in real time while the hook does: --speed never takes a hook's own time away.
type callback struct {
	answer <-chan deployment.EventStatus
	stop   <-chan deployment.Stop
	limit  time.Duration
	speed  float64
	// atWork reports whether the hook is at work.
	atWork func(now time.Time) bool
}

// wait returns what the hook answered, or how the deployment was stopped; neither when the time is over or ctx ends.
func (c callback) wait(ctx context.Context) (deployment.EventStatus, *deployment.Stop) {
	tick := time.Tick(callbackTick)
	passed, last := time.Duration(0), time.Now()
	for passed < c.limit {
		select {
		case status := <-c.answer:
			return status, nil
		case stop := <-c.stop:
			return "", &stop
		case <-ctx.Done():
			return "", nil
		case now := <-tick:
			step := now.Sub(last)
			if !c.atWork(now) {
				step = time.Duration(float64(step) * c.speed)
			}
			passed, last = passed+step, now
		}
	}
	return "", nil
}

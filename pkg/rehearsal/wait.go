package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// listenerChange is how long CodeDeploy takes to change a listener; the new one is in force at once.
const listenerChange = 10 * time.Second

// pause waits for d, which is compressed already.
func (r *run) pause(ctx context.Context, d time.Duration) *failure { return r.await(ctx, d, nil, nil) }

// await waits for goOn to be closed; once d is over, which is compressed already, it returns late. It returns a failure
// when the deployment was stopped meanwhile: by somebody or by an alarm. When ctx ends it returns nil at once.
func (r *run) await(ctx context.Context, d time.Duration, goOn <-chan struct{}, late *failure) *failure {
	stopped := r.book.Stopped(r.id)
	passed := time.After(d)
	select { // a stop that came before wins
	case stop := <-stopped:
		return stoppedBy(stop)
	default:
	}
	select {
	case stop := <-stopped:
		return stoppedBy(stop)
	case <-passed:
		return late
	case <-goOn:
	case <-ctx.Done():
	}
	return nil
}

// stoppedBy is the failure of a deployment that was stopped.
func stoppedBy(stop deployment.Stop) *failure {
	f := &failure{stop: &stop, reason: "somebody called " + cmp.Or(stop.By, "StopDeployment")}
	f.why = deployment.Error{Code: deployment.CodeManualStop, Message: deployment.TextStopped}
	if stop.Alarm != "" {
		f.reason = "the alarm went off: " + stop.Alarm
		f.why = deployment.Error{Code: deployment.CodeAlarm, Message: deployment.TextAlarm}
	}
	return f
}

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

// alarmInterval is how often the alarm's conditions are checked. CloudWatch takes a minute at best, which would be most
// of a rehearsal.
const alarmInterval = 20 * time.Millisecond

// Alarm is the deployment group's alarm. It goes off once, when the first of its conditions holds; the
// zero Alarm never does.
type Alarm struct {
	// Errors, when positive, is how many production requests the new release may answer with 5xx before
	// the alarm goes off, as one on HTTPCode_Target_5XX_Count does.
	Errors int64
	// File, when set, is a path; the alarm goes off once the file exists. It is for people and scripts.
	File string
}

func (a Alarm) set() bool { return a.Errors > 0 || a.File != "" }

// alarmed says why the alarm goes off, or nothing.
func (r *run) alarmed() string {
	if limit := r.plan.Alarm.Errors; limit > 0 {
		for _, t := range r.balancer.Log.Tallies() {
			if t.Listener == r.production.Name && t.Release == r.green.release && t.Errors >= limit {
				return fmt.Sprintf("%d production requests were answered by %s with 5xx", t.Errors, t.Release)
			}
		}
	}
	if file := r.plan.Alarm.File; file != "" {
		if _, err := os.Stat(file); err == nil {
			return fmt.Sprintf("the file %.200q exists", file)
		}
	}
	return ""
}

// Every calls show once every pace until stop is called. When stop has returned, show does not run any more.
func Every(pace time.Duration, show func(now time.Time)) (stop func()) {
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		for tick := time.Tick(pace); ; {
			select {
			case <-done:
				return
			case now := <-tick:
				show(now)
			}
		}
	})
	return func() {
		close(done)
		showing.Wait()
	}
}

package rehearsal

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

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

// watchAlarm stops the deployment when the alarm goes off, and rolls it back where the deployment group
// is set so.
func (r *run) watchAlarm(ctx context.Context) {
	for tick := time.Tick(alarmInterval); ctx.Err() == nil; <-tick {
		if why := r.alarmed(); why != "" {
			_ = r.book.Stop(r.id, deployment.Stop{Rollback: !r.plan.NoRollback, Alarm: why}) // ended by now: nothing to stop
			return
		}
	}
}

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

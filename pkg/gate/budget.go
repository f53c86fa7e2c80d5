package gate

import (
	"fmt"
	"time"
)

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
	// deadline is when Lambda kills the function, or zero where nobody does.
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
	b := budget{deadline: deadline}
	left := noDeadline
	if !deadline.IsZero() {
		left = deadline.Sub(now)
	}
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

// spare bounds what is done beside or after the run to a part of the time that is left, where somebody ends it.
func (b budget) spare(most time.Duration) time.Duration {
	if b.deadline.IsZero() {
		return most
	}
	return min(most, time.Until(b.deadline)/4)
}

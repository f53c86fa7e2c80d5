package gate

import (
	"fmt"
	"time"
)

// noDeadline is taken for the function's time where Lambda gave none (a run by hand).
const noDeadline = 14 * time.Minute

// leastReserve is kept back whatever REPORT_RESERVE says: a second for the run to stop, two for an
// attempt that hangs and another one, and what is left before the deadline, when nothing is tried any more.
const leastReserve = 5 * time.Second

// stopGrace is what a run gets to stop by itself when its time is up, before it is left behind.
const stopGrace = time.Second

// Reading what a run needs is bounded, so that an AWS that does not answer is told as that, and within
// the 15 s that a misconfiguration may take altogether.
const (
	// prepareTime is for everything before the run: facts, suite, variables, evidence.
	prepareTime = 12 * time.Second
	// factsTime is for what the deployment says about itself; idleFactsTime where the settings say all
	// that is needed, and what is read can only add to the log.
	factsTime     = 6 * time.Second
	idleFactsTime = 3 * time.Second
	// sourceTime is for the suite.
	sourceTime = 4 * time.Second
	// evidenceTime is for the first gate's verdict, which is read beside the variables.
	evidenceTime = 4 * time.Second
	// lookTime is for a proof of release, which is looked for beside the run, and for the targets' health.
	lookTime = 3 * time.Second
	// afterwards is what a look after the run leaves of the time until the run is left behind.
	afterwards = 100 * time.Millisecond
)

// budget is how an invocation's time is divided.
type budget struct {
	// deadline is when Lambda kills the function, or zero where nobody does.
	deadline time.Time
	// prepared is when the run has to begin.
	prepared time.Time
	// judging ends when the suite has to be done; abandon is when a run that did not stop by then is
	// left behind.
	judging, abandon time.Time
	// warning names a reserve that could not be kept, or is empty.
	warning string
}

// divide keeps the reserve back for storing the status. A reserve that would leave the suite less than
// a quarter of the time is shrunk, and that is said: obeyed to the letter, 30 s of 5 s would fail every
// healthy release with a puzzling reason. One that leaves no time to store anything is raised. A native deployment stores
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

package codedeploy

import "time"

const (
	// attemptTimeout is when a hung attempt is given up.
	attemptTimeout = 3 * time.Second
	// least is what an attempt gets, whatever the clock says.
	least = 500 * time.Millisecond
	// keepBack is what is left between the last attempt and Lambda's deadline: a killed function neither
	// logs nor returns.
	keepBack = time.Second
	// noDeadline is taken for the time that is left where nobody said.
	noDeadline = 14 * time.Minute
	// share is the part of the time that is left which one attempt, or one pause, may take at most: as the
	// time runs out attempts come closer together, and no hang costs the last one.
	share = 3
)

// pauses lie between the attempts: a burst of eight in 4 s outlasts throttling and a restart of CodeDeploy's
// front; for what outlasts the burst, the last one is used until the end.
func pauses() []time.Duration {
	return []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond,
		800 * time.Millisecond, 900 * time.Millisecond, 1000 * time.Millisecond, 10 * time.Second,
	}
}

// end is when the last attempt has to be over: a second before the deadline, or a quarter of what is left
// where a second would cost the only attempt.
func end(now, deadline time.Time) time.Time {
	if deadline.IsZero() {
		deadline = now.Add(noDeadline)
	}
	return deadline.Add(-min(keepBack, deadline.Sub(now)/4))
}

// timeout is what the next attempt gets of the time that is left.
func timeout(left time.Duration) time.Duration { return max(min(attemptTimeout, left/share), least) }

// pause is how long to wait after the n-th failed attempt (from 1), and whether the burst is over. Half of it
// is jitter, so that the hooks of many deployments do not come back to a throttled API together. A refused
// call has no burst: permissions take seconds to reach every server of AWS, and each refusal is a line in
// somebody's audit log.
func pause(n int, k kind, left time.Duration, random float64) (wait time.Duration, slow bool) {
	all := pauses()
	last := len(all) - 1
	if slow = n > last || k == refused; slow {
		n = last + 1
	}
	return min(time.Duration(float64(all[n-1])*(0.5+0.5*random)), left/share), slow
}

package codedeploy

import "time"

// How a status is stored when there is time. A hung attempt is given up after attemptTimeout; eight
// attempts outlast four throttles in a row or a restart of CodeDeploy's front, which the SDK's three
// do not; altogether 8 x 3 s + 4 s = 28 s, which with keepBack is the 30 s that REPORT_RESERVE keeps.
const (
	maxAttempts    = 8
	attemptTimeout = 3 * time.Second
	// keepBack is what is left between the last attempt and Lambda's deadline: a killed function
	// neither logs nor returns.
	keepBack = 2 * time.Second
	// scarce is the time under which keeping some back would cost the only attempt.
	scarce = 5 * time.Second
	// least is what the guaranteed attempt gets, whatever the clock says.
	least = 500 * time.Millisecond
)

// pauses lie between the attempts; together 4 s.
func pauses() [maxAttempts - 1]time.Duration {
	return [...]time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond,
		800 * time.Millisecond, 900 * time.Millisecond, 1000 * time.Millisecond,
	}
}

// pace is how the attempts to store a status are spread over the time that is left.
type pace struct {
	// attempt bounds each attempt, whole bounds all of them and the pauses together.
	attempt, whole time.Duration
	// scale shortens the pauses.
	scale float64
}

// paceFor spreads the attempts over the time left until Lambda kills the function.
func paceFor(left time.Duration) pace {
	const full = maxAttempts*attemptTimeout + 4*time.Second
	if left < scarce {
		// One attempt may take all there is; whatever it leaves is for more.
		whole := max(left-least/5, least)
		return pace{attempt: min(attemptTimeout, whole), whole: whole, scale: float64(whole) / float64(full)}
	}
	whole := min(left-keepBack, full)
	scale := float64(whole) / float64(full)
	return pace{attempt: time.Duration(scale * float64(attemptTimeout)), whole: whole, scale: scale}
}

// pause returns how long to wait after the n-th failed attempt (from 0). Half of it is jitter, so that
// the hooks of many deployments do not come back to a throttled API together.
func (p pace) pause(n int, random float64) time.Duration {
	return time.Duration(p.scale * float64(pauses()[n]) * (0.5 + 0.5*random))
}

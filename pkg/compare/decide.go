package compare

import (
	"fmt"
	"strings"
	"time"
)

// decide sets the outcome: Fail when a rule says that green is worse, else Inconclusive when the evidence is not
// enough, else Pass.
func (r *Result) decide(s Sample) {
	worse := r.worse(s)
	if len(worse) > 0 {
		r.Outcome, r.Reason = Fail, strings.Join(worse, "; ")
		return
	}
	switch {
	case r.Pairs < MinPairs:
		r.Outcome = Inconclusive
		r.Reason = fmt.Sprintf("only %d of %d pairs answered well by both sides, want %d: green failed %d times, blue %d",
			r.Pairs, len(s.Pairs), MinPairs, r.Green.Errors, r.Blue.Errors)
	case r.overBound(s, r.Green):
		r.Outcome = Inconclusive
		r.Reason = fmt.Sprintf("p95 %s, bound %s, but blue is over it too with %s: n=%d",
			Length(r.Green.P95), Length(s.Bound), Length(r.Blue.P95), r.Pairs)
	default:
		r.Outcome = Pass
		r.Reason = fmt.Sprintf("no worse than blue: median %s against %s%s, p95 %s against %s, errors %d against %d, n=%d",
			Length(r.Green.P50), Length(r.Blue.P50), r.ratio(), Length(r.Green.P95), Length(r.Blue.P95),
			r.Green.Errors, r.Blue.Errors, r.Pairs)
	}
}

// worse lists the rules by which green is worse.
func (r *Result) worse(s Sample) []string {
	var all []string
	if r.Errors.Worse {
		all = append(all, fmt.Sprintf("errors: %d of %d failed against blue's %d (Fisher %s)",
			r.Green.Errors, len(s.Pairs), r.Blue.Errors, r.Errors))
	}
	if r.Shift.Worse {
		all = append(all, fmt.Sprintf("slower: median %s against blue's %s%s, n=%d (Mann-Whitney %s)",
			Length(r.Green.P50), Length(r.Blue.P50), r.ratio(), r.Pairs, r.Shift))
	}
	if r.Tail.Worse {
		all = append(all, fmt.Sprintf("tail: %d of %d over %s against blue's %d of %d (Fisher %s)",
			r.GreenTail, r.Green.Answered, Length(r.TailFrom), r.BlueTail, r.Blue.Answered, r.Tail))
	}
	if r.Pairs >= MinPairs && r.overBound(s, r.Green) && !r.overBound(s, r.Blue) {
		all = append(all, fmt.Sprintf("p95 %s, want at most %s; blue has %s, n=%d",
			Length(r.Green.P95), Length(s.Bound), Length(r.Blue.P95), r.Pairs))
	}
	return all
}

func (r *Result) overBound(s Sample, side Side) bool { return s.Bound > 0 && side.P95 > s.Bound }

func (r *Result) ratio() string {
	if r.Blue.P50 <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%.2f×)", float64(r.Green.P50)/float64(r.Blue.P50))
}

// String returns the p-value, the value corrected for the suite, and the limit.
func (t Test) String() string {
	return fmt.Sprintf("p=%.2g, %.2g for the suite, limit %g", t.P, t.Adjusted, Alpha)
}

// Length is a duration with as many digits as a reader wants, here and in reports.
func Length(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

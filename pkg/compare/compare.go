// Package compare says whether the green side of paired requests does worse than the blue one: more
// errors, slower as a whole, or a longer tail. Alpha is spread over all tests of a suite by Holm's method.
//
// It is statistics alone: it sends nothing, knows no suite and applies no policy. It refuses to call
// green worse on a difference that chance makes, or that nobody would feel; it never fails green for
// being better; and on too little evidence it says so instead of passing.
package compare

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// The limits of the rules.
const (
	// Alpha is the chance that a suite fails although green equals blue: over all checks and tests of it.
	Alpha = 0.01
	// MinPairs is how many pairs must have been answered well on both sides. With fewer, a median and a 95th percentile
	// say little, and the tests find hardly anything.
	MinPairs = 20
	// testsPerCheck: errors, shift, tail. Holm corrects for all of them, whether they could be made or not.
	testsPerCheck = 3
	// MinRatio and MinShift are what a user would feel: a smaller shift may be real, but is not a reason to stop.
	MinRatio = 1.25
	MinShift = 20 * time.Millisecond
	// The tail begins at the greater of tailRatio × blue's p95 and blue's p95 + tailShift.
	tailRatio = 2
	tailShift = 100 * time.Millisecond
)

// Shot is one request to one side, as it was answered.
type Shot struct {
	// Latency counts only when the response was right.
	Latency time.Duration
	// Failed marks no response, or one that did not hold what was expected. A failed response is no
	// latency: an error page is quick, a timeout is the client's patience.
	Failed bool
}

// Pair is the same request to both sides, one right after the other.
type Pair struct{ Green, Blue Shot }

// Sample is what was measured for one check.
type Sample struct {
	Check string
	// Pairs does not include those of the warm-up.
	Pairs []Pair
	// Bound is the most that green's p95 may be, or zero for no bound.
	Bound time.Duration
}

// Outcome is what comparing one check says. The zero value is none of them, and no pass.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive"
)

// Side sums up one side of a sample. The percentiles are over the latencies of right responses, and
// zero when there are none.
type Side struct {
	Answered, Errors int
	P50, P95         time.Duration
}

// Test is one of the three tests of a check.
type Test struct {
	// P is the one-sided p-value; 1 where the test could not be made.
	P float64
	// Adjusted is P after Holm's correction over the whole suite; at most Alpha means significant.
	Adjusted float64
	// Worse says that green is significantly and noticeably worse by this test.
	Worse bool
}

// Result is what the rules say of one check.
type Result struct {
	Check   string
	Outcome Outcome
	// Reason is one line: the rule that decided, with its numbers.
	Reason string
	// Pairs counts those that both sides answered well.
	Pairs       int
	Green, Blue Side
	// TailFrom is the latency at which the tail begins, and GreenTail and BlueTail count what is above it.
	TailFrom            time.Duration
	GreenTail, BlueTail int
	// Errors and Tail are by Fisher's test, Shift is by the Mann-Whitney test.
	Errors, Shift, Tail Test
}

// Judge compares the two sides of every sample of a suite. The samples are judged together, because the
// suite as a whole must not fail by chance more often than Alpha says. Results come in the samples' order.
func Judge(samples []Sample) []Result {
	results := make([]Result, len(samples))
	ps := make([]float64, 0, len(samples)*testsPerCheck)
	for i, s := range samples {
		r := measure(s)
		ps = append(ps, r.Errors.P, r.Shift.P, r.Tail.P)
		results[i] = r
	}
	adjusted := Holm(ps)
	for i := range results {
		r := &results[i]
		r.Errors.Adjusted, r.Shift.Adjusted, r.Tail.Adjusted = adjusted[3*i], adjusted[3*i+1], adjusted[3*i+2]
		r.Errors.Worse = r.Errors.Adjusted <= Alpha
		r.Shift.Worse = r.Shift.Adjusted <= Alpha && r.noticeablySlower()
		r.Tail.Worse = r.Tail.Adjusted <= Alpha
		r.decide(samples[i])
	}
	return results
}

// measure fills in all that one sample says alone. The latencies are compared only where there are
// enough of them; errors always: Fisher's test is exact for any number.
func measure(s Sample) Result {
	r := Result{Check: s.Check}
	var green, blue []float64
	for _, p := range s.Pairs {
		green = r.Green.add(green, p.Green)
		blue = r.Blue.add(blue, p.Blue)
		if !p.Green.Failed && !p.Blue.Failed {
			r.Pairs++
		}
	}
	r.Green.sum(green)
	r.Blue.sum(blue)
	r.TailFrom = max(tailRatio*r.Blue.P95, r.Blue.P95+tailShift)
	r.Errors.P = FisherGreater(r.Green.Errors, len(s.Pairs), r.Blue.Errors, len(s.Pairs))
	r.Shift.P, r.Tail.P = 1, 1
	if r.Pairs >= MinPairs {
		r.GreenTail, r.BlueTail = above(green, r.TailFrom), above(blue, r.TailFrom)
		r.Shift.P = MannWhitneyGreater(green, blue)
		r.Tail.P = FisherGreater(r.GreenTail, len(green), r.BlueTail, len(blue))
	}
	return r
}

func (s *Side) add(latencies []float64, shot Shot) []float64 {
	if shot.Failed {
		s.Errors++
		return latencies
	}
	s.Answered++
	return append(latencies, float64(shot.Latency))
}

func (s *Side) sum(latencies []float64) {
	slices.Sort(latencies)
	s.P50 = time.Duration(Quantile(latencies, 0.5))
	s.P95 = time.Duration(Quantile(latencies, 0.95))
}

// above counts the latencies, which are sorted, that are longer.
func above(latencies []float64, than time.Duration) int {
	return len(latencies) - sort.Search(len(latencies), func(i int) bool { return latencies[i] > float64(than) })
}

func (r *Result) noticeablySlower() bool {
	return float64(r.Green.P50) >= MinRatio*float64(r.Blue.P50) && r.Green.P50-r.Blue.P50 >= MinShift
}

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

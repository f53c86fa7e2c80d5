// Package compare says whether the green side of paired requests does worse than the blue one: more
// errors, slower as a whole, a longer tail, or over a bound. Alpha is spread over all tests of a suite by Holm's method.
//
// It is statistics alone: it sends nothing, knows no suite and applies no policy. It never calls green worse by chance,
// nor for what nobody would feel, nor for being better; and on too little evidence it says so instead of passing.
//
// Requests are not independent: a service drifts, its tasks run on hosts that differ, and a new one is cold. So what
// counts for the middle is not how many requests were made but how the parts of the time differ, and the tasks; and
// what is found slower is measured again, for as long as green itself still gets faster.
package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aclements/go-moremath/stats"
)

// The limits of the rules.
const (
	Alpha = 0.01 // the chance that a suite fails although green equals blue: over all checks and tests of it
	again = 0.02 // the same for a later block, which looks at what an earlier one found
	// MinPairs is how many pairs both sides must have answered well. Of fewer, medians and tests say hardly anything.
	MinPairs = 20
	// MinRatio and MinShift are what a user would feel, where nothing else is said: less is no reason to stop.
	MinRatio = 1.25
	MinShift = 20 * time.Millisecond
	// The tail begins at the greater of tailRatio × blue's p95 and blue's p95 + tailShift. So many answers in it are much.
	tailRatio = 2
	tailShift = 100 * time.Millisecond
	muchTail  = 0.05
	improved  = 0.98 // how much faster green gets while it warms up, at least, from one block to the next
)

// Shot is one request to one side, as it was answered.
type Shot struct {
	Latency time.Duration // counts only when the response was right
	// Failed marks no response, or one that did not hold what was expected. A failed response is no
	// latency: an error page is quick, a timeout is the client's patience.
	Failed bool
	Wrong  bool // marks a failed one that the application answered itself
}

// MarshalJSON writes a shot as microseconds, or as -1 for one that failed, and -2 for a wrong response.
func (s Shot) MarshalJSON() ([]byte, error) {
	switch {
	case s.Wrong:
		return []byte("-2"), nil
	case s.Failed:
		return []byte("-1"), nil
	}
	return json.Marshal(s.Latency.Microseconds())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Shot) UnmarshalJSON(text []byte) error {
	var n int64
	err := json.Unmarshal(text, &n)
	*s = Shot{Latency: time.Duration(max(n, 0)) * time.Microsecond, Failed: n < 0, Wrong: n == -2}
	return err
}

// Pair is the same request to both sides at about the same time.
type Pair struct{ Green, Blue Shot }

// Block is what was measured in one go.
type Block struct {
	Pairs []Pair
	After time.Duration // when it ended, counted from the end of the first one
}

// Sample is what was measured for one check.
type Sample struct {
	Check  string
	Blocks []Block       // without a warm-up's pairs; before each but the first, green alone got more requests
	Bound  time.Duration // the most that green's p95 may be, or zero for no bound
	// MinShift and MinRatio are how much slower green must be to be called slower; both count.
	MinShift time.Duration
	MinRatio float64
}

// Outcome is what comparing one check says. The zero value is none of them, and no pass.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive"
)

// Side sums up one side. The percentiles are over the latencies of right responses, and zero when there are none.
type Side struct {
	Answered, Errors int
	Wrong            int // counts the errors that the application answered itself
	P50, P95         time.Duration
}

// Test is one of the tests of a check.
type Test struct {
	P        float64 // the one-sided p-value of the first block; 1 where the test could not be made
	Adjusted float64 // P after Holm's correction over the whole suite; at most Alpha means significant
	Last     float64 // the p-value of the last block, which looks again
	Worse    bool    // green is significantly and noticeably worse by this test
}

// Result is what the rules say of one check.
type Result struct {
	Check   string
	Outcome Outcome
	// Reason is one line: what was found, in words for anybody. Statistics are the tests that it rests on.
	Reason, Statistics string
	Warning            string // what somebody should know of a check that passed, or ""
	// Pairs counts those that both sides answered well. Errors and answers are of all blocks, all else of the last one.
	Pairs       int
	Green, Blue Side
	// Errors and Tail are by Fisher's test, Shift is by a t-test of the parts of the time, and Bound by the binomial test.
	Errors, Shift, Tail, Bound Test

	asked       int // pairs
	first, last look
	faster      bool // green got faster from the last block but one to the last
}

// Judge compares the two sides of every sample of a suite. The samples are judged together, because the
// suite as a whole must not fail by chance more often than Alpha says. Results come in the samples' order.
func Judge(samples []Sample) []Result {
	results := make([]Result, len(samples))
	var ps []float64
	for i, s := range samples {
		results[i] = measure(s)
		for _, t := range results[i].tests(s) {
			ps = append(ps, t.P)
		}
	}
	adjusted := Holm(ps)
	for i, s := range samples {
		r := &results[i]
		for _, t := range r.tests(s) {
			t.Adjusted, adjusted = adjusted[0], adjusted[1:]
			t.Worse = t.Adjusted <= Alpha && (t.Last <= again || len(s.Blocks) < 2)
		}
		r.decide(s)
	}
	return results
}

// tests are those of a sample. Holm corrects for all of them, whether there was enough to make them or not.
func (r *Result) tests(s Sample) []*Test {
	all := []*Test{&r.Errors, &r.Shift, &r.Tail, &r.Bound}
	if s.Bound == 0 {
		all = all[:3]
	}
	return all
}

// Again reports whether another block is to be measured, once green had more requests: it looks slower, surely or not,
// and nothing has confirmed it, it still gets faster, or its tail is long and nobody knows whether by chance.
func (s Sample) Again() bool {
	r := measure(s)
	slow := min(r.Shift.Last, r.Tail.Last, r.Bound.Last)
	if len(s.Blocks) > 1 {
		return slow <= again && r.faster
	}
	return slow <= Alpha || r.last.muchTail() || s.felt(r.Green, r.Blue)
}

// measure fills in all that one sample says alone. The latencies are compared only where there are
// enough of them; errors always: Fisher's test is exact for any number.
func measure(s Sample) Result {
	r := Result{Check: s.Check}
	parts, before := []float64(nil), look{}
	for i, b := range s.Blocks {
		before, r.last = r.last, s.look(b)
		if i == 0 {
			r.first = r.last
		}
		r.asked += len(b.Pairs)
		r.Pairs += r.last.pairs
		r.Green.count(r.last.green.Side)
		r.Blue.count(r.last.blue.Side)
		if all := r.last.blue.logs; len(all) > 1 {
			parts = append(parts, stats.Mean(all[:len(all)/2]), stats.Mean(all[len(all)/2:]))
		}
	}
	l := r.last
	r.faster = len(s.Blocks) > 1 && l.fasterThan(before)
	r.Green.P50, r.Green.P95, r.Blue.P50, r.Blue.P95 = l.green.P50, l.green.P95, l.blue.P50, l.blue.P95
	p := FisherGreater(r.Green.Errors, r.asked, r.Blue.Errors, r.asked)
	r.Errors = Test{P: p, Last: p}
	r.Shift = Test{P: r.first.shift, Last: l.shift}
	r.Tail = Test{P: r.first.tail, Last: l.tail}
	r.Bound = Test{P: r.first.bound, Last: l.bound}
	if len(parts) > 0 && l.by <= slices.Max(parts)-slices.Min(parts) { // no more than blue itself
		r.Shift.Last = 1
		if len(s.Blocks) == 1 {
			r.Shift.P = 1
		}
	}
	return r
}

func (s *Side) count(more Side) {
	s.Answered += more.Answered
	s.Errors += more.Errors
	s.Wrong += more.Wrong
}

// sequence is one side of a block.
type sequence struct {
	Side
	sorted []float64 // its latencies
	logs   []float64 // the logarithms, in the order in which they were measured
	parts  [timeParts][]float64
}

// add takes a shot of a part of the time. What is quicker than what would be felt is as quick as that: a blue that
// takes half a millisecond now and five then does not move.
func (s *sequence) add(shot Shot, part int, felt time.Duration) {
	if shot.Failed {
		s.Errors++
		if shot.Wrong {
			s.Wrong++
		}
		return
	}
	log := math.Log(float64(max(shot.Latency, felt, time.Microsecond)))
	s.Answered++
	s.sorted, s.logs, s.parts[part] = append(s.sorted, float64(shot.Latency)), append(s.logs, log), append(s.parts[part], log)
}

// over counts the latencies that are longer.
func (s *sequence) over(than time.Duration) int {
	return len(s.sorted) - sort.Search(len(s.sorted), func(i int) bool { return s.sorted[i] > float64(than) })
}

// look is what one block says alone.
type look struct {
	green, blue sequence
	pairs       int
	// tailFrom is the latency at which the tail begins, and greenTail and blueTail count what is above it.
	tailFrom            time.Duration
	greenTail, blueTail int
	shift, tail, bound  float64 // p-values
	by                  float64 // the logarithm of green's ratio to blue
}

func (s Sample) look(b Block) look {
	l := look{shift: 1, tail: 1, bound: 1}
	for i, p := range b.Pairs {
		l.green.add(p.Green, i*timeParts/len(b.Pairs), s.MinShift)
		l.blue.add(p.Blue, i*timeParts/len(b.Pairs), s.MinShift)
		if !p.Green.Failed && !p.Blue.Failed {
			l.pairs++
		}
	}
	for _, side := range []*sequence{&l.green, &l.blue} {
		slices.Sort(side.sorted)
		side.P50 = time.Duration(Quantile(side.sorted, 0.5))
		side.P95 = time.Duration(Quantile(side.sorted, 0.95))
	}
	green, blue := &l.green, &l.blue
	if s.Bound > 0 && green.Answered >= MinPairs {
		over := green.over(s.Bound)
		l.bound = BinomialGreater(over, green.Answered, 0.05)
		if blue.Answered >= MinPairs && FisherGreater(over, green.Answered, blue.over(s.Bound), blue.Answered) > 0.05 {
			l.bound = 1 // blue is as bad
		}
	}
	if l.pairs < MinPairs {
		return l
	}
	// A release that is slower as a whole has no longer tail by that.
	slower := max(1, ratio(green.P50, blue.P50))
	l.tailFrom = time.Duration(slower * float64(max(tailRatio*blue.P95, blue.P95+tailShift)))
	l.greenTail, l.blueTail = green.over(l.tailFrom), blue.over(l.tailFrom)
	l.tail = FisherGreater(l.greenTail, green.Answered, l.blueTail, blue.Answered)
	var p float64
	l.by, p = slowerBy(green, blue, math.Log(s.MinRatio))
	if s.felt(green.Side, blue.Side) {
		l.shift = p
	}
	return l
}

// felt reports whether somebody would feel the difference.
func (s Sample) felt(green, blue Side) bool {
	return float64(green.P50) >= s.MinRatio*float64(blue.P50) && green.P50-blue.P50 >= s.MinShift
}

// fasterThan reports whether green got faster since an earlier look, in the middle or at its tail.
func (l look) fasterThan(before look) bool {
	was, is := before.green, l.green
	return float64(is.P50) < improved*float64(was.P50) && MannWhitneyGreater(was.sorted, is.sorted) <= 0.05 ||
		FisherGreater(was.over(before.tailFrom), was.Answered, is.over(before.tailFrom), is.Answered) <= 0.05
}

// muchTail reports whether green's tail is long, though it may be by chance.
func (l look) muchTail() bool {
	return l.pairs >= MinPairs && float64(l.greenTail) >= muchTail*float64(l.green.Answered) && l.greenTail >= 2*l.blueTail
}

// tails tells both sides' tails.
func (l look) tails() string {
	return fmt.Sprintf("%d of %d took over %s, before %d of %d", l.greenTail, l.green.Answered, Length(l.tailFrom),
		l.blueTail, l.blue.Answered)
}

// decide sets the outcome: Fail when green is worse by a rule, Inconclusive on too little evidence, else Pass.
func (r *Result) decide(s Sample) {
	r.Statistics, r.Outcome = r.statistics(), Inconclusive
	worse, slow := r.worse(s), r.Shift.Worse || r.Tail.Worse || r.Bound.Worse
	switch {
	case slow && !r.Errors.Worse && r.faster:
		r.Reason = "still gets faster" + r.warmed(s) + ", but there was no more time: " + strings.Join(worse, "; ")
	case len(worse) > 0:
		r.Outcome, r.Reason = Fail, strings.Join(worse, "; ")
	case r.repairs():
		r.Outcome = Pass
		r.Warning = fmt.Sprintf("production answers wrongly, %d of %d times, and the new release is right: nothing is compared",
			r.Blue.Errors, r.Blue.Errors+r.Blue.Answered)
		r.Reason = r.Warning
	case r.Pairs < MinPairs:
		r.Reason = fmt.Sprintf("only %d of %d pairs answered well by both sides, want %d: green failed %d times, blue %d",
			r.Pairs, r.asked, MinPairs, r.Green.Errors, r.Blue.Errors)
	case r.Shift.Last <= again && s.felt(r.Green, r.Blue):
		r.Reason = r.slower() + "; at first that was not certain"
	case r.last.muchTail():
		r.Reason = "a long tail, which may be chance: " + r.last.tails() + "; write more pairs"
	case r.Tail.Last <= Alpha:
		r.Reason = "a longer tail: " + r.last.tails() + "; at first that was not certain; write more pairs"
	case r.Bound.Last <= Alpha:
		r.Reason = fmt.Sprintf("p95 %s, want at most %s; at first that was not certain; write more pairs", Length(r.Green.P95),
			Length(s.Bound))
	default:
		r.Outcome, r.Warning = Pass, r.warnings(s)
		r.Reason = strings.TrimSuffix("no worse than blue: "+r.numbers(s)+"; "+r.Warning, "; ")
	}
}

// slower says how much slower green is: "2.1× slower: 210ms, before 100ms".
func (r *Result) slower() string {
	return fmt.Sprintf("%s slower: %s, before %s", times(r.Green.P50, r.Blue.P50), Length(r.Green.P50), Length(r.Blue.P50))
}

// warnings are what somebody should know of a check that passes, or "".
func (r *Result) warnings(s Sample) string {
	var all []string
	if !r.faster && s.felt(r.Green, r.Blue) {
		all = append(all, times(r.Green.P50, r.Blue.P50)+" slower, but chance, drift or hosts that differ make as much")
	}
	if s.Bound > 0 && r.Green.P95 > s.Bound {
		text := ": so few say little"
		if r.Blue.P95 > s.Bound {
			text = "; production has " + Length(r.Blue.P95)
		}
		all = append(all, fmt.Sprintf("p95 is %s, want at most %s%s", Length(r.Green.P95), Length(s.Bound), text))
	}
	return strings.Join(all, "; ")
}

// repairs reports whether production gives wrong answers, and the new release right ones instead.
func (r *Result) repairs() bool {
	return r.Pairs < MinPairs && r.Green.Answered >= MinPairs && r.Green.Errors <= r.Green.Answered/MinPairs &&
		r.Blue.Wrong >= MinPairs && r.Blue.Wrong == r.Blue.Errors
}

// worse lists the rules by which green is worse.
func (r *Result) worse(s Sample) []string {
	var all []string
	if r.Errors.Worse {
		all = append(all, fmt.Sprintf("fails more often: %d of %d times, blue %d", r.Green.Errors, r.Green.Errors+r.Green.Answered,
			r.Blue.Errors))
	}
	if r.Shift.Worse {
		text := r.slower()
		if n := len(s.Blocks); n > 1 {
			text += ", and no longer gets faster after " + Length(s.Blocks[n-1].After)
		}
		all = append(all, text)
	}
	if r.Tail.Worse {
		all = append(all, "a longer tail: "+r.last.tails())
	}
	if r.Bound.Worse {
		text := fmt.Sprintf("p95 %s, want at most %s", Length(r.Green.P95), Length(s.Bound))
		if r.last.blue.Answered > 0 {
			text += "; before " + Length(r.Blue.P95)
		}
		all = append(all, text)
	}
	return all
}

// numbers are those of a check that passed, with what it was excused for.
func (r *Result) numbers(s Sample) string {
	text := fmt.Sprintf("median %s against %s, p95 %s against %s, errors %d against %d, n=%d", Length(r.Green.P50),
		Length(r.Blue.P50), Length(r.Green.P95), Length(r.Blue.P95), r.Green.Errors, r.Blue.Errors, r.Pairs)
	switch slow := float64(r.Green.P50) >= s.MinRatio*float64(r.Blue.P50); {
	case r.faster:
		text += "; was still getting faster" + r.warmed(s)
	case slow && !s.felt(r.Green, r.Blue):
		text += fmt.Sprintf("; %s slower, but by less than %s", times(r.Green.P50, r.Blue.P50), Length(s.MinShift))
	}
	return text
}

// warmed tells how green got faster: ", 2.1× → 1.1×, after 40s".
func (r *Result) warmed(s Sample) string {
	return fmt.Sprintf(", %s → %s, after %s", times(r.first.green.P50, r.first.blue.P50), times(r.Green.P50, r.Blue.P50),
		Length(s.Blocks[len(s.Blocks)-1].After))
}

func (r *Result) statistics() string {
	text := fmt.Sprintf("n=%d, limit %g for the suite, errors (Fisher) %s", r.Pairs, Alpha, r.Errors)
	if r.last.pairs >= MinPairs {
		text += fmt.Sprintf(", shift (t) %s, tail (Fisher) %s", r.Shift, r.Tail)
	}
	if r.Bound.P < 1 {
		text += fmt.Sprintf(", p95 (binomial) %s", r.Bound)
	}
	return text
}

// String returns the p-value, the value corrected for the suite, and that of the last block where it is another.
func (t Test) String() string {
	text := fmt.Sprintf("p=%.2g, corrected %.2g", t.P, t.Adjusted)
	if t.Last != t.P {
		text += fmt.Sprintf(", again %.2g", t.Last)
	}
	return text
}

// Count is a number of things in words, here and in reports: "1 check", "2 checks".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ratio is how many times as long, 1 where nobody can say.
func ratio(green, blue time.Duration) float64 {
	if blue <= 0 {
		return 1
	}
	return float64(green) / float64(blue)
}

func times(green, blue time.Duration) string {
	r := ratio(green, blue)
	switch {
	case r >= 10:
		return fmt.Sprintf("%.0f×", r)
	case r >= 2:
		return fmt.Sprintf("%.1f×", r)
	}
	return fmt.Sprintf("%.2f×", r)
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

package compare_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

const ms = time.Millisecond

// sides makes n pairs whose latencies lie evenly around 100 ms, the same on both sides; change then
// makes one side what the test is about.
func sides(n int, change func(i int, p *compare.Pair)) []compare.Pair {
	pairs := make([]compare.Pair, n)
	for i := range pairs {
		// Green and blue take the same values in another order, a microsecond apart: no ties.
		pairs[i].Green.Latency = 80*ms + time.Duration(i)*40*ms/time.Duration(n)
		pairs[i].Blue.Latency = 80*ms + time.Duration(n-1-i)*40*ms/time.Duration(n) + time.Microsecond
		if change != nil {
			change(i, &pairs[i])
		}
	}
	return pairs
}

// sample is one block of pairs, with the limits that a suite has by default.
func sample(name string, pairs []compare.Pair, bound time.Duration) compare.Sample {
	return compare.Sample{
		Check: name, Bound: bound, MinShift: compare.MinShift, MinRatio: compare.MinRatio,
		Blocks: []compare.Block{{Pairs: pairs}},
	}
}

func TestTheRulesDecide(t *testing.T) {
	failGreen := func(every int) func(int, *compare.Pair) {
		return func(i int, p *compare.Pair) { p.Green.Failed = i%every == 0 }
	}
	scale := func(f float64) func(int, *compare.Pair) {
		return func(_ int, p *compare.Pair) { p.Green.Latency = time.Duration(f * float64(p.Green.Latency)) }
	}
	tails := func(blue int) func(int, *compare.Pair) {
		return func(i int, p *compare.Pair) {
			if i < 4 {
				p.Green.Latency = 2 * time.Second
			}
			if i >= 10 && i < 10+blue {
				p.Blue.Latency = 2 * time.Second
			}
		}
	}
	for name, c := range map[string]struct {
		pairs  []compare.Pair
		bound  time.Duration
		want   compare.Outcome
		reason string
	}{
		"equal sides":      {sides(100, nil), 0, compare.Pass, "no worse than blue: median 99.8ms against 99.8ms, p95 118ms against 118ms, errors 0 against 0, n=100"},
		"green is better":  {sides(100, scale(0.3)), 0, compare.Pass, "no worse than blue"},
		"green errs":       {sides(100, failGreen(5)), 0, compare.Fail, "fails more often: 20 of 100 times, blue 0"},
		"green errs a bit": {sides(100, failGreen(50)), 0, compare.Pass, "errors 2 against 0"},
		"both err alike": {sides(100, func(i int, p *compare.Pair) {
			p.Green.Failed, p.Blue.Failed = i%5 == 0, i%5 == 1
		}), 0, compare.Pass, "errors 20 against 20, n=60"},
		"blue errs more":    {sides(100, func(i int, p *compare.Pair) { p.Blue.Failed = i%3 == 0 }), 0, compare.Pass, "errors 0 against 34"},
		"green never right": {sides(100, failGreen(1)), 0, compare.Fail, "fails more often: 100 of 100 times, blue 0"},
		// An INCONCLUSIVE that policy allows must not let this through.
		"green never right, few pairs": {sides(10, failGreen(1)), 0, compare.Fail, "fails more often: 10 of 10 times"},
		"nobody is right":              {sides(100, func(_ int, p *compare.Pair) { p.Green.Failed, p.Blue.Failed = true, true }), 0, compare.Inconclusive, "only 0 of 100 pairs answered well by both sides, want 20: green failed 100 times, blue 100"},
		"nothing was measured":         {nil, 0, compare.Inconclusive, "only 0 of 0 pairs"},
		"one pair too few":             {sides(19, scale(9)), 0, compare.Inconclusive, "only 19 of 19 pairs answered well by both sides, want 20"},
		"just enough pairs":            {sides(20, scale(9)), 0, compare.Fail, "9.0× slower: "},
		"twice as slow":                {sides(100, scale(2)), 0, compare.Fail, "2.00× slower: 200ms, before 99.8ms"},
		// Significant beyond doubt, but nobody would feel it.
		"a fifth slower": {sides(100, func(_ int, p *compare.Pair) {
			p.Green.Latency *= 12
			p.Blue.Latency *= 10
		}), 0, compare.Pass, "median 1.198s against 998ms"},
		"ten times slower, but quick": {sides(100, func(_ int, p *compare.Pair) {
			p.Green.Latency /= 50
			p.Blue.Latency /= 500
		}), 0, compare.Pass, "10.0× slower, but by less than 20ms"},
		// A blue that moves by a factor of 400, but by less than anybody feels.
		"slower, and blue is quick now and then": {sides(60, func(i int, p *compare.Pair) {
			p.Green.Latency, p.Blue.Latency = 300*ms, 45*time.Microsecond
			if i >= 30 {
				p.Blue.Latency = 18 * ms
			}
		}), 0, compare.Fail, "slower: 300ms, before"},
		"a long tail": {sides(100, func(i int, p *compare.Pair) {
			if i%6 == 0 {
				p.Green.Latency = 2 * time.Second
			}
		}), 0, compare.Fail, "a longer tail: 17 of 100 took over 24"},
		"a tail that may be chance": {sides(60, tails(0)), 0, compare.Inconclusive, "a long tail, which may be chance: 4 of 60 took over 2"},
		"a tail that blue has, too": {sides(60, tails(3)), 0, compare.Pass, ""},
		// Failed responses took 9 s here: they are errors, and not too many of them.
		"failed responses are no latencies": {sides(100, func(i int, p *compare.Pair) {
			if i%25 == 0 {
				p.Green = compare.Shot{Latency: 9 * time.Second, Failed: true}
			}
		}), 0, compare.Pass, "p95 118ms against 118ms, errors 4 against 0, n=96"},
		"over the bound":               {sides(100, scale(1.15)), 120 * ms, compare.Fail, "p95 135ms, want at most 120ms; before 118ms"},
		"over the bound, as blue is":   {sides(100, nil), 110 * ms, compare.Pass, "p95 is 118ms, want at most 110ms; production has 118ms"},
		"blue alone over the bound":    {sides(100, scale(0.5)), 110 * ms, compare.Pass, "no worse"},
		"too few for the bound":        {sides(19, scale(9)), 110 * ms, compare.Inconclusive, "only 19 of 19"},
		"worse, and bound in question": {sides(100, scale(2)), 50 * ms, compare.Fail, "slower"},
	} {
		got := compare.Judge([]compare.Sample{sample(name, c.pairs, c.bound)})[0]
		if got.Check != name || got.Outcome != c.want || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s, %s\nwant %s, %s", name, got.Outcome, got.Reason, c.want, c.reason)
		}
	}
}

func TestEveryRuleThatGreenBreaksIsTold(t *testing.T) {
	pairs := sides(100, func(i int, p *compare.Pair) {
		p.Green.Latency *= 4
		if i%6 == 1 {
			p.Green.Latency *= 10
		}
		p.Green.Failed = i%5 == 0
	})
	got := compare.Judge([]compare.Sample{sample("", pairs, 200*ms)})[0]
	for _, want := range []string{"fails more often: ", "slower: ", "a longer tail: ", "want at most 200ms"} {
		if !strings.Contains(got.Reason, want) {
			t.Errorf("reason %q does not tell %q", got.Reason, want)
		}
	}
	if !got.Errors.Worse || !got.Shift.Worse || !got.Tail.Worse {
		t.Error(got.Statistics)
	}
}

// What the first block leaves in doubt, and the second one shows, is no PASS.
func TestWhatTheSecondBlockShowsIsNoPass(t *testing.T) {
	tail := func(n int) []compare.Pair {
		return sides(300, func(i int, p *compare.Pair) {
			if i%10 == 1 && i < 10*n {
				p.Green.Latency = 2 * time.Second
			}
		})
	}
	over := func(n int) []compare.Pair {
		return sides(60, func(i int, p *compare.Pair) {
			if i < n {
				p.Green.Latency = 125 * ms
			}
		})
	}
	slow := func(every int) []compare.Pair { // for a while of two, or all the time
		return sides(60, func(i int, p *compare.Pair) {
			if i/every%2 == 0 || i < 10 {
				p.Green.Latency = p.Green.Latency * 22 / 10
			}
		})
	}
	for want, c := range map[string]struct {
		first, second []compare.Pair
		bound         time.Duration
	}{
		"a longer tail: 14 of 300": {tail(7), tail(14), 0},
		"p95 125ms, want at most":  {over(8), over(50), 120 * ms},
		"2.2× slower: ":            {slow(5), slow(60), 0},
	} {
		s := sample("", c.first, c.bound)
		if !s.Again() {
			t.Error(want, "is not measured again")
		}
		s.Blocks = append(s.Blocks, compare.Block{Pairs: c.second})
		if got := compare.Judge([]compare.Sample{s})[0]; got.Outcome != compare.Inconclusive || !strings.Contains(got.Reason, want) {
			t.Errorf("%s, %s; %s", got.Outcome, got.Reason, got.Statistics)
		}
	}
}

// A release that answers what production gets wrong is let through, where it is right; its bound still holds.
func TestARepairGetsThrough(t *testing.T) {
	wrong := func(every int, green time.Duration) []compare.Pair {
		return sides(40, func(i int, p *compare.Pair) {
			p.Blue, p.Green.Latency = compare.Shot{Failed: true, Wrong: true}, green
			p.Green.Failed = i%every == 1
		})
	}
	unanswered := sides(40, func(_ int, p *compare.Pair) { p.Blue = compare.Shot{Failed: true} })
	for name, c := range map[string]struct {
		pairs []compare.Pair
		bound time.Duration
		want  compare.Outcome
	}{
		"right":           {wrong(100, 50*ms), 0, compare.Pass},
		"right in time":   {wrong(100, 50*ms), 60 * ms, compare.Pass},
		"right, but late": {wrong(100, 50*ms), 30 * ms, compare.Fail},
		"half right":      {wrong(2, 50*ms), 0, compare.Inconclusive},
		"blue hardly answers": {sides(40, func(i int, p *compare.Pair) {
			p.Blue = compare.Shot{Failed: true, Wrong: i < 30}
		}), 0, compare.Inconclusive},
		"blue never answers": {unanswered, 0, compare.Inconclusive},
	} {
		got := compare.Judge([]compare.Sample{sample("", c.pairs, c.bound)})[0]
		if got.Outcome != c.want || (c.want == compare.Pass) != (got.Warning != "") {
			t.Errorf("%s: %s, %s, warning %q; want %s", name, got.Outcome, got.Reason, got.Warning, c.want)
		}
	}
}

// Green that still gets faster is measured again, and only what it then is counts.
func TestColdIsNotSlow(t *testing.T) {
	block := func(f float64, after time.Duration) compare.Block {
		return compare.Block{After: after, Pairs: sides(100, func(_ int, p *compare.Pair) {
			p.Green.Latency = time.Duration(f * float64(p.Green.Latency))
		})}
	}
	for name, c := range map[string]struct {
		blocks []compare.Block
		want   compare.Outcome
		again  bool
		reason string
	}{
		"slower once":           {[]compare.Block{block(3, 0)}, compare.Fail, true, "3.0× slower: 299ms, before 99.8ms"},
		"warm at last":          {[]compare.Block{block(3, 0), block(1.1, 40*time.Second)}, compare.Pass, false, "was still getting faster, 3.0× → 1.10×, after 40s"},
		"still gets faster":     {[]compare.Block{block(3, 0), block(2, 40*time.Second)}, compare.Inconclusive, true, "still gets faster, 3.0× → 2.00×, after 40s, but there was no more time"},
		"slow for good":         {[]compare.Block{block(3, 0), block(2, time.Second), block(2, 40*time.Second)}, compare.Fail, false, "2.00× slower: 200ms, before 99.8ms, and no longer gets faster after 40s"},
		"slower every time":     {[]compare.Block{block(2, 0), block(3, 40*time.Second)}, compare.Fail, false, "3.0× slower"},
		"nothing is the matter": {[]compare.Block{block(1, 0)}, compare.Pass, false, "no worse"},
	} {
		s := sample("", nil, 0)
		s.Blocks = c.blocks
		got := compare.Judge([]compare.Sample{s})[0]
		if got.Outcome != c.want || s.Again() != c.again || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %s, again %t, %s", name, got.Outcome, s.Again(), got.Reason)
		}
	}
}

// One warning does not hide another.
func TestAllWarningsAreTold(t *testing.T) {
	pairs := sides(40, func(i int, p *compare.Pair) {
		p.Green.Latency += 30 * ms
		if i%2 == 0 { // tasks that differ
			p.Green.Latency, p.Blue.Latency = p.Green.Latency*3, p.Blue.Latency*3
		}
	})
	got := compare.Judge([]compare.Sample{sample("", pairs, 200*ms)})[0]
	for _, want := range []string{"slower, but chance, drift or hosts", "want at most 200ms; production has"} {
		if got.Outcome != compare.Pass || !strings.Contains(got.Warning, want) || !strings.Contains(got.Reason, want) {
			t.Errorf("%s, %s, warning %q does not tell %q", got.Outcome, got.Reason, got.Warning, want)
		}
	}
}

func TestShotsAreKeptInFewBytes(t *testing.T) {
	pairs := []compare.Pair{{compare.Shot{Latency: 1500 * time.Microsecond}, compare.Shot{Failed: true}}, {Blue: compare.Shot{Failed: true, Wrong: true}}}
	text, err := json.Marshal(pairs)
	var got []compare.Pair
	if err != nil || json.Unmarshal(text, &got) != nil || !slices.Equal(got, pairs) || len(text) > 60 {
		t.Errorf("%s, %v", text, err)
	}
}

// What would fail alone may be chance among many checks: Holm counts all tests of the suite.
func TestTheSuiteIsJudgedAsAWhole(t *testing.T) {
	suspect := sample("", sides(100, func(i int, p *compare.Pair) { p.Green.Failed = i%12 == 0 }), 0) // 9 of 100
	if got := compare.Judge([]compare.Sample{suspect})[0]; got.Outcome != compare.Fail {
		t.Fatalf("alone: %s, %s", got.Outcome, got.Reason)
	}
	suite := []compare.Sample{suspect}
	for range 9 {
		suite = append(suite, sample("", sides(100, nil), 0))
	}
	got := compare.Judge(suite)
	if got[0].Outcome != compare.Pass {
		t.Errorf("among ten: %s, %s", got[0].Outcome, got[0].Reason)
	}
	if got, want := got[0].Errors.Adjusted, 30*got[0].Errors.P; !near(got, want, 1e-9) {
		t.Errorf("adjusted p = %g, want %g", got, want)
	}
}

func TestTheZeroOutcomeIsNoPass(t *testing.T) {
	var r compare.Result
	if r.Outcome == compare.Pass {
		t.Error("a result that nobody set passes")
	}
}

// Better than blue never fails, whatever the latencies are like.
func FuzzBetterNeverFails(f *testing.F) {
	f.Add(uint64(1), uint16(100), uint32(0), uint32(0))
	f.Add(uint64(2), uint16(20), uint32(1000), uint32(100_000_000))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, quicker, bound uint32) {
		rng := rand.New(rand.NewPCG(seed, seed))
		pairs := make([]compare.Pair, n%300)
		for i := range pairs {
			blue := compare.Shot{Latency: time.Duration(rng.ExpFloat64() * float64(100*ms)), Failed: rng.IntN(10) == 0}
			green := blue
			green.Latency = max(0, green.Latency-time.Duration(quicker))
			pairs[i] = compare.Pair{Green: green, Blue: blue}
		}
		rng.Shuffle(len(pairs), func(i, j int) { pairs[i].Green, pairs[j].Green = pairs[j].Green, pairs[i].Green })
		got := compare.Judge([]compare.Sample{sample("", pairs, time.Duration(bound))})[0]
		if got.Outcome == compare.Fail || got.Outcome == "" || got.Reason == "" {
			t.Fatalf("%s: %s", got.Outcome, got.Reason)
		}
		if got.Outcome == compare.Pass && got.Pairs < compare.MinPairs {
			t.Fatalf("passes with %d pairs", got.Pairs)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	samples := []compare.Sample{sample("", sides(100, nil), 0), sample("", sides(100, nil), 0), sample("", sides(50, nil), 0)}
	b.ReportAllocs()
	for b.Loop() {
		compare.Judge(samples)
	}
}

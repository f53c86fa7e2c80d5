package compare_test

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
)

func near(got, want, relative float64) bool {
	return got == want || math.Abs(got-want) <= relative*math.Abs(want)
}

// Published: Fisher's tea (The Design of Experiments, 1935), his convicted twins (as in R's
// help of fisher.test), and the two ends of a table.
func TestFisherGivesThePublishedValues(t *testing.T) {
	for name, c := range map[string]struct {
		badA, nA, badB, nB int
		want               float64
	}{
		"tea, three of four right":    {3, 4, 1, 4, 17.0 / 70},
		"tea, all right":              {4, 4, 0, 4, 1.0 / 70},
		"twins":                       {10, 13, 2, 17, 0.0004651809},
		"nobody is bad":               {0, 100, 0, 100, 1},
		"everybody is bad":            {100, 100, 100, 100, 1},
		"only the other side is":      {0, 100, 5, 100, 1},
		"no trials":                   {0, 0, 0, 0, 1},
		"all of the bad ones of many": {20, 20, 0, 20, 1 / 137846528820.0},
	} {
		if got := compare.FisherGreater(c.badA, c.nA, c.badB, c.nB); !near(got, c.want, 1e-6) {
			t.Errorf("%s: p = %.10g, want %.10g", name, got, c.want)
		}
	}
}

// The second implementation counts in whole numbers.
func TestFisherAgreesWithExactFractions(t *testing.T) {
	choose := func(n, k int) *big.Int { return new(big.Int).Binomial(int64(n), int64(k)) }
	for _, n := range [][2]int{{7, 5}, {20, 20}, {100, 100}, {40, 300}} {
		for badA := 0; badA <= n[0]; badA += 1 + n[0]/9 {
			for badB := 0; badB <= n[1]; badB += 1 + n[1]/9 {
				bad, sum := badA+badB, new(big.Int)
				for k := badA; k <= min(bad, n[0]); k++ {
					if bad-k <= n[1] {
						sum.Add(sum, new(big.Int).Mul(choose(n[0], k), choose(n[1], bad-k)))
					}
				}
				want, _ := new(big.Rat).SetFrac(sum, choose(n[0]+n[1], bad)).Float64()
				if got := compare.FisherGreater(badA, n[0], badB, n[1]); !near(got, want, 1e-9) {
					t.Errorf("%d of %d against %d of %d: p = %g, want %g", badA, n[0], badB, n[1], got, want)
				}
			}
		}
	}
}

// Published: Hollander & Wolfe (1973), table 4.1, permeability of the chorioamnion, as in R's
// help of wilcox.test: W = 35, p = 0.1272.
func TestMannWhitneyGivesThePublishedValue(t *testing.T) {
	term := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	early := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	if got := compare.MannWhitneyGreater(term, early); math.Round(got*1e4) != 1272 {
		t.Errorf("p = %.6f, want 0.1272", got)
	}
}

// Published: the tables of critical values of U, one-sided at 1 %: the greatest U that is significant.
func TestMannWhitneyAgreesWithTheTablesOfCriticalValues(t *testing.T) {
	for n, critical := range map[int]int{5: 1, 10: 19, 15: 56, 20: 114} {
		if p := pOfU(n, critical); p > 0.01 {
			t.Errorf("n = %d, U = %d: p = %.5f, want at most 0.01", n, critical, p)
		}
		if p := pOfU(n, critical+1); p <= 0.01 {
			t.Errorf("n = %d, U = %d: p = %.5f, want more than 0.01", n, critical+1, p)
		}
	}
}

// pOfU builds two samples of n in which b exceeds a in just u pairs, and tests whether a is greater.
func pOfU(n, u int) float64 {
	a, b := make([]float64, n), make([]float64, n)
	for i := range n {
		a[i] = float64(i + 1)
		exceeds := min(u, n)
		u -= exceeds
		b[i] = float64(exceeds) + 0.5 + float64(i)/1000
	}
	return compare.MannWhitneyGreater(a, b)
}

// The second implementation deals out the pooled values in every possible way, ties and all.
func TestMannWhitneyAgreesWithExactEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, values := range []int{1000000, 8, 3} { // the fewer, the more ties
		for _, n := range [][2]int{{3, 3}, {5, 4}, {7, 7}, {2, 9}} {
			for range 20 {
				a, b := draw(rng, n[0], values), draw(rng, n[1], values)
				got, want := compare.MannWhitneyGreater(a, b), enumerate(a, b)
				if !near(got, want, 1e-9) {
					t.Errorf("%v against %v: p = %g, want %g", a, b, got, want)
				}
			}
		}
	}
}

func draw(rng *rand.Rand, n, values int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = float64(rng.IntN(values))
	}
	return all
}

// twiceU counts pairs in which a is greater twice, and equal ones once.
func twiceU(a, b []float64) int {
	u := 0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u += 2
			case x == y:
				u++
			}
		}
	}
	return u
}

func enumerate(a, b []float64) float64 {
	pooled := slices.Concat(a, b)
	seen, atLeast, all := twiceU(a, b), 0, 0
	for set := range 1 << len(pooled) {
		if bits.OnesCount(uint(set)) != len(a) {
			continue
		}
		var x, y []float64
		for i, v := range pooled {
			if set>>i&1 == 1 {
				x = append(x, v)
			} else {
				y = append(y, v)
			}
		}
		all++
		if twiceU(x, y) >= seen {
			atLeast++
		}
	}
	return float64(atLeast) / float64(all)
}

// Beyond the exact sizes: the textbook's formula, written down a second time.
func TestMannWhitneyApproximatesWithTiesAndContinuity(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, values := range []int{1000000, 30, 2} {
		a, b := draw(rng, 80, values), draw(rng, 120, values)
		counts := map[float64]float64{}
		for _, v := range slices.Concat(a, b) {
			counts[v]++
		}
		n, ties := 200.0, 0.0
		for _, c := range counts {
			ties += c*c*c - c
		}
		variance := 80.0 * 120 / 12 * (n + 1 - ties/(n*(n-1)))
		z := (float64(twiceU(a, b))/2 - 80*120/2 - 0.5) / math.Sqrt(variance)
		want := math.Erfc(z/math.Sqrt2) / 2
		if got := compare.MannWhitneyGreater(a, b); !near(got, want, 1e-9) {
			t.Errorf("%d values: p = %g, want %g", values, got, want)
		}
	}
}

func TestMannWhitneySaysNothingOfNothing(t *testing.T) {
	same := slices.Repeat([]float64{7}, 60)
	for name, c := range map[string][2][]float64{
		"no values":      {nil, nil},
		"one side":       {{1, 2, 3}, nil},
		"all equal":      {{7, 7, 7}, {7, 7}},
		"many all equal": {same, same},
	} {
		if got := compare.MannWhitneyGreater(c[0], c[1]); got != 1 {
			t.Errorf("%s: p = %g, want 1", name, got)
		}
	}
}

// As R's p.adjust(c(.01, .04, .03, .005), "holm") gives.
func TestHolmGivesThePublishedValues(t *testing.T) {
	got, want := compare.Holm([]float64{0.01, 0.04, 0.03, 0.005}), []float64{0.03, 0.06, 0.06, 0.02}
	for i := range want {
		if !near(got[i], want[i], 1e-12) {
			t.Errorf("Holm = %v, want %v", got, want)
		}
	}
	if got := compare.Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("Holm = %v, want nothing above 1", got)
	}
	if got := compare.Holm(nil); len(got) != 0 {
		t.Errorf("Holm of none = %v", got)
	}
}

// As numpy.percentile and R's quantile(type = 7) give.
func TestQuantilesAreR7(t *testing.T) {
	for _, c := range []struct {
		values  []float64
		q, want float64
	}{
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.95, 9.55},
		{[]float64{1, 2, 3, 4}, 0.5, 2.5},
		{[]float64{1, 2, 3}, 0.5, 2},
		{[]float64{15, 20, 35, 40, 50}, 0.4, 29},
		{[]float64{3}, 0.95, 3},
		{[]float64{1, 2}, 1, 2},
		{nil, 0.5, 0},
	} {
		if got := compare.Quantile(c.values, c.q); !near(got, c.want, 1e-12) {
			t.Errorf("Quantile(%v, %g) = %g, want %g", c.values, c.q, got, c.want)
		}
	}
}

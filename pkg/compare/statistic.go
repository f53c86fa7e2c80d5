package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/aclements/go-moremath/mathx"
	"github.com/aclements/go-moremath/stats"
)

// FisherGreater is Fisher's exact test, one-sided: the probability that chance alone puts at least
// badA of the bad ones among the nA, given how many are bad in all. Small means that A has more than its share.
func FisherGreater(badA, nA, badB, nB int) float64 {
	d := stats.HypergeometicDist{N: nA + nB, K: badA + badB, Draws: nA}
	p := 0.0
	// The upper tail itself, as 1 minus the lower loses small values, from its smallest terms on, as rounding loses them.
	for k := min(badA+badB, nA); k >= badA; k-- {
		p += d.PMF(float64(k))
	}
	return min(p, 1)
}

// BinomialGreater is the probability of at least k of n, each with probability p; 1 where as many are expected.
func BinomialGreater(k, n int, p float64) float64 {
	switch {
	case float64(k) <= p*float64(n):
		return 1
	case p <= 0:
		return 0
	}
	// From here on each term is smaller than the one before.
	term, sum := math.Exp(mathx.Lchoose(n, k)+float64(k)*math.Log(p)+float64(n-k)*math.Log1p(-p)), 0.0
	for i := k; i <= n && term > sum*1e-12; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return min(sum, 1)
}

// LeastMannWhitney is the smallest value that MannWhitneyGreater can have for samples of these sizes.
func LeastMannWhitney(a, b int) float64 { return math.Exp(-mathx.Lchoose(a+b, a)) }

// MannWhitneyGreater is the one-sided Mann-Whitney test: the probability that chance alone makes the values in a this
// much greater than those in b, when both come from one population. Small means that a has the greater values. It is
// exact up to 50 values a side (25 when there are equal ones); beyond, the normal approximation, corrected for ties and
// continuity. Without values on both sides, or when all are equal, it says nothing: 1.
func MannWhitneyGreater(a, b []float64) float64 {
	// "b is less": the library computes the lower tail exactly, the upper as 1 minus that, too wide when there are ties.
	result, err := stats.MannWhitneyUTest(b, a, stats.LocationLess)
	if err != nil || math.IsNaN(result.P) {
		return 1
	}
	return min(result.P, 1)
}

const (
	// timeParts is into how many parts the time of a block is divided. How much they differ from each other says how sure
	// the mean of all is, however the requests depend on each other within a part.
	timeParts = 12
	mostTasks = 6 // up to how many tasks are told apart, by the order in which a load balancer asks them in turn
	// tasksDiffer is from which F on the tasks of a side differ, and hostWeight how much their variance then counts beside
	// that of the time: so much that tasks on hosts that differ by chance look slower in no more runs than Alpha says.
	tasksDiffer = 6
	hostWeight  = 0.7
)

// slowerBy returns the mean difference of the sides' logarithms, and how likely chance makes as much within the margin.
func slowerBy(green, blue *sequence, margin float64) (by, p float64) {
	var d []float64
	for i := range timeParts {
		if g, b := green.parts[i], blue.parts[i]; len(g) > 0 && len(b) > 0 {
			d = append(d, stats.Mean(g)-stats.Mean(b))
		}
	}
	if len(d) < 2 {
		return 0, 1
	}
	by = stats.Mean(d)
	n := float64(len(d))
	variance := stats.Variance(d)/n + hostWeight*(betweenTasks(green.logs)+betweenTasks(blue.logs))
	if variance <= 0 {
		variance = 1e-12
	}
	return by, 1 - stats.TDist{V: n - 1}.CDF((by-margin)/math.Sqrt(variance))
}

// betweenTasks is the variance of a side's mean that comes from its tasks, as far as they clearly differ: from the most
// that any number of tasks explains, if they were asked in turn.
func betweenTasks(logs []float64) float64 {
	most, all := 0.0, squares(logs)
	for tasks := 2; tasks <= min(mostTasks, len(logs)/2); tasks++ {
		groups := make([][]float64, tasks)
		for i, v := range logs {
			groups[i%tasks] = append(groups[i%tasks], v)
		}
		within := 0.0
		for _, g := range groups {
			within += squares(g)
		}
		n := float64(len(logs))
		between, error := (all-within)/float64(tasks-1), within/(n-float64(tasks))
		if between > tasksDiffer*error {
			most = max(most, (between-error)/n) // of one task by n/tasks, of the mean of all by tasks less
		}
	}
	return most
}

// squares is the sum of the squared distances from the mean.
func squares(values []float64) float64 { return stats.Variance(values) * float64(len(values)-1) }

// Holm corrects p-values for multiple tests: when all hypotheses with a corrected value of at most α are rejected, a
// true one is among them with a probability of at most α, however the tests depend on each other (Holm 1979).
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(ps[i], ps[j]) })
	adjusted := make([]float64, len(ps))
	highest := 0.0
	for rank, i := range order {
		highest = max(highest, min(1, ps[i]*float64(len(ps)-rank)))
		adjusted[i] = highest
	}
	return adjusted
}

// Quantile returns the q-quantile of ascending values by definition R-7 (linear between the two nearest
// ranks, as in Excel, NumPy and R's default), and 0 of none.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

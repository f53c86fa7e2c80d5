// Package measure is what the benchmark programs have in common: it starts whole processes in turn, takes
// their wall time, user and system time and peak memory, makes medians and ratios round by round, and
// writes a Sheet of tables and limits with PASS or MISS beside each.
//
// It refuses to compare figures of different runs, to take an average, to print a ratio without the rounds
// behind it, to count a process that ended otherwise than it should, and to pass a figure that is not a
// number or a sheet without a single limit. It knows nothing of what is measured, keeps no results, and
// never exits.
package measure

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Rounds says how often each thing is done.
type Rounds struct {
	// Count is the number of rounds that count; Warm that of the rounds before them, which do not.
	Count, Warm int
}

// InTurn does each thing once a round, one after the other, so that what slows the machine down meets all
// alike. It returns the results of each thing, round by round. The first error ends it: a round with a gap
// cannot be compared.
func InTurn[T any](ctx context.Context, rounds Rounds, things ...func(context.Context) (T, error)) ([][]T, error) {
	if rounds.Count < 1 {
		return nil, fmt.Errorf("measure %d rounds: want at least one", rounds.Count)
	}
	if len(things) == 0 {
		return nil, errors.New("measure nothing: want at least one thing")
	}
	all := make([][]T, len(things))
	for round := range rounds.Warm + rounds.Count {
		for i, do := range things {
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			got, err := do(ctx)
			if err != nil {
				return nil, err
			}
			if round >= rounds.Warm {
				all[i] = append(all[i], got)
			}
		}
	}
	return all, nil
}

// Number is what a median can be taken of.
type Number interface {
	~int | ~int64 | ~float64
}

// Median returns the middle one, the upper of the two when their number is even, and leaves the order of
// values alone. It panics without values: a zero would be within every limit.
func Median[T Number](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Ratio returns the median of the rounds' own ratios: what slows a whole round down falls out of it. It is
// not a number, which no limit passes, when the rounds are none or differ in number, or one took no time.
func Ratio[T Number](of, over []T) float64 {
	if len(of) == 0 || len(of) != len(over) {
		return math.NaN()
	}
	ratios := make([]float64, len(of))
	for i := range of {
		if over[i] == 0 {
			return math.NaN()
		}
		ratios[i] = float64(of[i]) / float64(over[i])
	}
	return Median(ratios)
}

// Milliseconds returns d in milliseconds, with its fraction.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

package measure_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func TestThingsAreDoneInTurnAndWarmRoundsDoNotCount(t *testing.T) {
	var order []string
	thing := func(name string) func(context.Context) (int, error) {
		return func(context.Context) (int, error) {
			order = append(order, name)
			return len(order), nil
		}
	}
	all, err := measure.InTurn(t.Context(), measure.Rounds{Count: 2, Warm: 1}, thing("a"), thing("b"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ""), "ababab"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if !slices.Equal(all[0], []int{3, 5}) || !slices.Equal(all[1], []int{4, 6}) {
		t.Errorf("results %v, want those of the rounds after the first", all)
	}
}

func TestARoundWithAGapIsAnError(t *testing.T) {
	fault, ended := errors.New("fault"), errors.New("ended")
	over, cancel := context.WithCancelCause(t.Context())
	cancel(ended)
	good := func(context.Context) (int, error) { return 1, nil }
	bad := func(context.Context) (int, error) { return 0, fault }
	for name, c := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a row of the table
		rounds int
		things []func(context.Context) (int, error)
		want   string
	}{
		"no rounds":     {t.Context(), 0, []func(context.Context) (int, error){good}, "measure 0 rounds: want at least one"},
		"no things":     {t.Context(), 1, nil, "measure nothing: want at least one thing"},
		"a thing fails": {t.Context(), 3, []func(context.Context) (int, error){good, bad}, "fault"},
		"ended":         {over, 1, []func(context.Context) (int, error){good}, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := measure.InTurn(c.ctx, measure.Rounds{Count: c.rounds}, c.things...)
			if err == nil || err.Error() != c.want || all != nil {
				t.Errorf("got %v, %v, want no results and %q", all, err, c.want)
			}
		})
	}
}

func TestTheMedianIsTheMiddleOneAndSortsACopy(t *testing.T) {
	values := []int{9, 1, 5}
	if got := measure.Median(values); got != 5 {
		t.Errorf("median %d, want 5", got)
	}
	if !slices.Equal(values, []int{9, 1, 5}) {
		t.Errorf("the values were reordered: %v", values)
	}
	if got := measure.Median([]float64{4, 1, 3, 2}); got != 3 {
		t.Errorf("median of four %g, want the upper one, 3", got)
	}
}

func TestTheMedianOfNothingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a median was made of nothing")
		}
	}()
	measure.Median([]int{})
}

func TestASlowRoundFallsOutOfTheRatio(t *testing.T) {
	// The machine was ten times slower in the second round; the medians' ratio would be 30.
	of, over := measure.Costs{{Wall: 20}, {Wall: 300}, {Wall: 300}}, measure.Costs{{Wall: 10}, {Wall: 100}, {Wall: 10}}
	if got := of.Over(over); got != 3 {
		t.Errorf("ratio %g, want 3", got)
	}
	if got := measure.Ratio([]int{2, 30, 2}, []int{1, 10, 1}); got != 2 {
		t.Errorf("ratio %g, want 2", got)
	}
}

func TestNothingMeasuredIsNotARatio(t *testing.T) {
	for name, c := range map[string][2][]int{
		"no rounds":        {nil, nil},
		"different rounds": {{1, 2}, {1}},
		"no time":          {{1}, {0}},
	} {
		if got := measure.Ratio(c[0], c[1]); !math.IsNaN(got) {
			t.Errorf("%s: ratio %g, want none", name, got)
		}
	}
}

func TestEachFigureHasItsOwnMedian(t *testing.T) {
	got := measure.Costs{{Wall: 1, CPU: 9, Peak: 5}, {Wall: 3, CPU: 7, Peak: 4}, {Wall: 2, CPU: 8, Peak: 6}}.Median()
	if want := (measure.Cost{Wall: 2, CPU: 8, Peak: 5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := measure.Milliseconds(1500 * time.Microsecond); got != 1.5 {
		t.Errorf("got %g ms, want 1.5", got)
	}
}

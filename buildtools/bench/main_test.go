package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// series is a thing whose figures are given.
func series(name string, values ...float64) thing {
	return thing{name, func(context.Context) (float64, error) {
		v := values[0]
		values = values[1:]
		return v, nil
	}}
}

func failing(name string, err error) thing {
	return thing{name, func(context.Context) (float64, error) { return 0, err }}
}

func TestThingsAreDoneInTurnAndTheFirstRoundDoesNotCount(t *testing.T) {
	var order []string
	do := func(name string) thing {
		return thing{name, func(context.Context) (float64, error) {
			order = append(order, name)
			return float64(len(order)), nil
		}}
	}
	f, err := measurement{rounds: 2, things: []thing{do("a"), do("b")}}.inTurn(t.Context())
	if err != nil || strings.Join(order, "") != "ababab" {
		t.Errorf("order %v, %v", order, err)
	}
	if !slices.Equal(f.of["a"], []float64{3, 5}) || !slices.Equal(f.of["b"], []float64{4, 6}) {
		t.Errorf("got %v, want those of the rounds after the first", f.of)
	}
}

func TestTheMedianIsTheMiddleOneAndSortsACopy(t *testing.T) {
	values := []float64{9, 1, 5}
	if got := median(values); got != 5 || !slices.Equal(values, []float64{9, 1, 5}) {
		t.Errorf("median %g of %v, want 5", got, values)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 3 {
		t.Errorf("median of four %g, want the upper one, 3", got)
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing: %g", got)
	}
}

// TestWhatIsJudged says what a limit makes of figures. What was not measured passes nothing.
func TestWhatIsJudged(t *testing.T) {
	over := limit{"a", "b", 3}
	for name, c := range map[string]struct {
		rounds int
		things []thing
		limit  limit
		want   string // a part of the output
		err    string
	}{
		"equal":                 {1, []thing{series("a", 3)}, limit{"a", "", 3}, "PASS  a  ", ""},
		"above":                 {1, []thing{series("a", 3.1)}, limit{"a", "", 3}, "3.1 ms, at most 3 ms", "1 of 1 limits missed"},
		"below":                 {1, []thing{series("a", 6), series("b", 3)}, over, "2 ×, at most 3 ×", ""},
		"a slow round":          {2, []thing{series("a", 9, 30, 300), series("b", 9, 10, 100)}, over, "PASS  a / b", ""},
		"the ratio of a round":  {3, []thing{series("a", 9, 20, 300, 300), series("b", 9, 10, 100, 10)}, over, "3 ×", ""},
		"over no time":          {1, []thing{series("a", 1), series("b", 0)}, over, "MISS", "1 of 1 limits missed"},
		"no time over no time":  {1, []thing{series("a", 0), series("b", 0)}, over, "MISS", "1 of 1 limits missed"},
		"less than all":         {1, []thing{series("a", math.Inf(-1))}, limit{"a", "", 3}, "MISS", "1 of 1 limits missed"},
		"a name that is wrong":  {1, []thing{series("a", 1)}, limit{"c", "", 3}, "MISS", "1 of 1 limits missed"},
		"the other one's":       {1, []thing{series("a", 1)}, over, "MISS", "1 of 1 limits missed"},
		"not here":              {1, []thing{failing("a", missing("a is not installed"))}, limit{"a", "", 3}, "SKIP  a  ", "no limit was judged"},
		"nothing to compare to": {1, []thing{series("a", 1), failing("b", missing("b is not installed"))}, over, "not measured: b is not installed", "no limit was judged"},
		"a fault":               {1, []thing{failing("a", errors.New("it broke"))}, limit{"a", "", 3}, "MISS  not measured: a: it broke", "1 of 1 limits missed"},
		"a fault without limit": {1, []thing{failing("b", errors.New("it broke")), series("a", 1)}, limit{"a", "", 3}, "it broke", "1 of 1 limits missed"},
		"no rounds":             {0, []thing{series("a", 1)}, limit{"a", "", 3}, "MISS", "1 of 1 limits missed"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			var found tally
			m := measurement{name: "test", unit: "ms", rounds: c.rounds, things: c.things, limits: []limit{c.limit}}
			if err := m.run(t.Context(), &out, &found); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := found.err(); err != nil {
				got = err.Error()
			}
			if got != c.err || !strings.Contains(out.String(), c.want) {
				t.Errorf("got %q, want %q, and %q in\n%s", got, c.err, c.want, out.String())
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWhatNobodyCanReadIsAnError(t *testing.T) {
	m := measurement{rounds: 1, things: []thing{series("a", 1)}, limits: []limit{{"a", "", 1}}}
	if err := m.run(t.Context(), full{}, &tally{}); err == nil {
		t.Error("got no error")
	}
}

func TestACommandIsTimedAndMustEndAsItShould(t *testing.T) {
	for name, c := range map[string]struct {
		exit int
		args []string
		env  []string
		want string
	}{
		"ends":           {0, []string{"true"}, nil, ""},
		"should fail":    {5, []string{"sh", "-c", "exit 5"}, nil, ""},
		"fails":          {0, []string{"sh", "-c", "echo told >&2; exit 3"}, nil, "want exit code 0, got exit status 3: told"},
		"does not fail":  {5, []string{"true"}, nil, "want exit code 5"},
		"is killed":      {0, []string{"sh", "-c", "kill -9 $$"}, nil, "signal: killed"},
		"not there":      {0, []string{"no-such-program"}, nil, "no-such-program is not installed"},
		"its variables":  {0, []string{"/bin/sh", "-c", `test "$A$HOME" = b`}, []string{"A=b"}, ""},
		"not executable": {0, []string{"/dev/null"}, nil, "/dev/null is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			took, err := command(name, c.exit, c.env, c.args...).do(t.Context())
			switch {
			case c.want == "" && (err != nil || took <= 0):
				t.Errorf("got %g ms, %v", took, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if took, err := command("sleep", 0, nil, "sleep", "0.2").do(t.Context()); err != nil || took < 200 {
		t.Errorf("a sleep of 200 ms took %g ms, %v", took, err)
	}
}

// TestTheTableIsWhole: every limit is about a thing that is measured beside it.
func TestTheTableIsWhole(t *testing.T) {
	b := &bench{world: &world{}, dir: t.TempDir()}
	for _, m := range b.table() {
		names := []string{""}
		for _, thing := range m.things {
			if names = append(names, thing.name); thing.do == nil {
				t.Errorf("%s: %s does nothing", m.name, thing.name)
			}
		}
		for _, l := range m.limits {
			if !slices.Contains(names[1:], l.of) || !slices.Contains(names, l.over) || !(l.most > 0) {
				t.Errorf("%s: no thing for the limit %+v", m.name, l)
			}
		}
	}
}

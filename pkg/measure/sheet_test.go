package measure_test

import (
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

func ExampleSheet() {
	s := measure.NewSheet(os.Stdout)
	s.Say("bench-example: 3 rounds")
	s.Title("two programs")
	floor := measure.Costs{{Wall: 4 * time.Millisecond, CPU: time.Millisecond, Peak: 2 * measure.MiB}}
	ours := measure.Costs{{Wall: 6 * time.Millisecond, CPU: 12345 * time.Microsecond, Peak: 20 * measure.MiB}}
	s.Costs([]measure.Program{{Name: "floor"}, {Name: "ours"}}, []measure.Costs{floor, ours})
	s.AtMost("wall: ours / floor", ours.Over(floor), 1.5, "×")
	s.AtMost("peak memory", 20.125, 16, "MiB")
	s.AtMost("errors", 0, 0, "")
	s.AtLeast("requests", 12345.6, 5000, "/s")
	s.Skip("wall: ours / theirs", "theirs is not installed")
	s.Say("%v", s.Close())
	// Output:
	// bench-example: 3 rounds
	//
	// two programs
	//             wall  user+sys      peak
	//   floor  4.00 ms   1.00 ms   2.0 MiB
	//   ours   6.00 ms  12.35 ms  20.0 MiB
	//   PASS  wall: ours / floor                                                1.500 ×, at most 1.5 ×
	//   MISS  peak memory                                                     20.12 MiB, at most 16 MiB
	//   PASS  errors                                                                  0, at most 0
	//   PASS  requests                                                         12346 /s, at least 5000 /s
	//   SKIP  wall: ours / theirs                                        theirs is not installed
	//
	// 4 limits, 1 missed
	// 1 of 4 limits missed
}

func TestTheSheetHoldsOnlyWhenEveryLimitDoes(t *testing.T) {
	for name, c := range map[string]struct {
		judge func(s *measure.Sheet)
		want  string
	}{
		"nothing judged":       {func(s *measure.Sheet) { s.Skip("x", "not here") }, "no limit was judged"},
		"equal to the limit":   {func(s *measure.Sheet) { s.AtMost("x", 1, 1, ""); s.AtLeast("x", 1, 1, "") }, ""},
		"above":                {func(s *measure.Sheet) { s.AtMost("x", 1.1, 1, "") }, "1 of 1 limits missed"},
		"below":                {func(s *measure.Sheet) { s.AtLeast("x", 0.9, 1, "") }, "1 of 1 limits missed"},
		"not a number":         {func(s *measure.Sheet) { s.AtMost("x", math.NaN(), 1, "") }, "1 of 1 limits missed"},
		"not a number, either": {func(s *measure.Sheet) { s.AtLeast("x", math.NaN(), 1, "") }, "1 of 1 limits missed"},
		"over no time":         {func(s *measure.Sheet) { s.AtLeast("x", math.Inf(1), 1, "") }, "1 of 1 limits missed"},
		"less than all":        {func(s *measure.Sheet) { s.AtMost("x", math.Inf(-1), 1, "") }, "1 of 1 limits missed"},
		"one of two":           {func(s *measure.Sheet) { s.AtMost("x", 2, 1, ""); s.AtMost("y", 1, 1, "") }, "1 of 2 limits missed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := measure.NewSheet(io.Discard)
			c.judge(s)
			got := ""
			if err := s.Close(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// full is a disk that is full after so many writes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f--; *f < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestASheetThatNobodyCanReadDoesNotHold(t *testing.T) {
	after := full(1)
	s := measure.NewSheet(&after)
	s.AtMost("x", 1, 1, "")
	s.Say("lost")
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "write the sheet: no space left") {
		t.Errorf("got %v", err)
	}
}

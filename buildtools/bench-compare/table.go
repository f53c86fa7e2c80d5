package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/compare/calibrate"
)

const (
	checks = 3
	trials = 400 // per row of power
	seed   = 20261123
	median = 100 * time.Millisecond
)

// falseAlarms is the table of suites that fail although green equals blue, with so many runs a row, and
// whether every row is within its limit.
func falseAlarms(runs int) (table string, hold bool) {
	var b strings.Builder
	hold = true
	fmt.Fprintf(&b, "green equals blue: suites of %d checks that fail although they should not, %d runs a row\n", checks, runs)
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{100, 40, 20} {
			tally := calibrate.Run(calibrate.Scenario{Checks: checks, Median: median, Sigma: sigma, Pairs: pairs}, runs, seed)
			verdict := "PASS"
			if tally.FailRate() > compare.Alpha {
				verdict, hold = "MISS", false
			}
			fmt.Fprintf(&b, "  sigma %.1f  %3d pairs  %6.2f %%  limit %g %%  %s\n", sigma, pairs, 100*tally.FailRate(), 100*compare.Alpha, verdict)
		}
	}
	return b.String(), hold
}

// power is the table of what is found when one check of a suite is worse. It has no limits: how much
// is found follows from the rules and the number of pairs.
func power() string {
	columns := []calibrate.Scenario{{Sigma: 0.3, Pairs: 100}, {Sigma: 0.9, Pairs: 100}, {Sigma: 0.3, Pairs: 300}, {Sigma: 0.3, Pairs: 40}}
	var b strings.Builder
	fmt.Fprintf(&b, "one check of %d is worse than blue (median %v): suites that fail, %d runs a row\n%-30s", checks, median, trials, "")
	for _, c := range columns {
		fmt.Fprintf(&b, "  sigma %.1f, %3d pairs", c.Sigma, c.Pairs)
	}
	for _, fault := range []struct {
		name  string
		worse calibrate.Scenario
	}{
		{"25 % slower", calibrate.Scenario{Shift: 1.25}},
		{"60 % slower", calibrate.Scenario{Shift: 1.6}},
		{"twice as slow", calibrate.Scenario{Shift: 2}},
		{"5 % errors", calibrate.Scenario{Errors: 0.05}},
		{"8 % hangs (no answer in time)", calibrate.Scenario{Hangs: 0.08}},
		{"8 % stalls (2 s late)", calibrate.Scenario{Stalls: 0.08}},
		{"15 % hangs", calibrate.Scenario{Hangs: 0.15}},
	} {
		fmt.Fprintf(&b, "\n  %-28s", fault.name)
		for _, c := range columns {
			s := fault.worse
			s.Checks, s.Median, s.Sigma, s.Pairs = checks, median, c.Sigma, c.Pairs
			fmt.Fprintf(&b, "  %18.1f %%", 100*calibrate.Run(s, trials, seed).FailRate())
		}
	}
	b.WriteByte('\n')
	return b.String()
}

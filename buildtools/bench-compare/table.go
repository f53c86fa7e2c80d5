package main

import (
	"fmt"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/compare/calibrate"
	"github.com/greenlight-ecs/greenlight/pkg/measure"
)

const (
	checks = 3
	trials = 400 // per row of power
	seed   = 20261123
	median = 100 * time.Millisecond
)

// falseAlarms judges suites that fail although green equals blue.
func falseAlarms(s *measure.Sheet, runs int) {
	s.Say("green equals blue: suites of %d checks that fail although they should not, %d runs a row", checks, runs)
	for _, sigma := range []float64{0.3, 0.9} {
		for _, pairs := range []int{100, 40, 20} {
			tally := calibrate.Run(calibrate.Scenario{Checks: checks, Median: median, Sigma: sigma, Pairs: pairs}, runs, seed)
			s.AtMost(fmt.Sprintf("sigma %.1f, %d pairs", sigma, pairs), 100*tally.FailRate(), 100*compare.Alpha, "%")
		}
	}
}

// power is the table of what is found when one check of a suite is worse. It has no limits: how much
// is found follows from the rules and the number of pairs.
func power(s *measure.Sheet) {
	worlds := []calibrate.Scenario{{Sigma: 0.3, Pairs: 100}, {Sigma: 0.9, Pairs: 100}, {Sigma: 0.3, Pairs: 300}, {Sigma: 0.3, Pairs: 40}}
	columns := []string{""}
	for _, w := range worlds {
		columns = append(columns, fmt.Sprintf("sigma %.1f, %d pairs", w.Sigma, w.Pairs))
	}
	var rows [][]string
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
		row := []string{fault.name}
		for _, w := range worlds {
			c := fault.worse
			c.Checks, c.Median, c.Sigma, c.Pairs = checks, median, w.Sigma, w.Pairs
			row = append(row, fmt.Sprintf("%.1f %%", 100*calibrate.Run(c, trials, seed).FailRate()))
		}
		rows = append(rows, row)
	}
	s.Title("one check of %d is worse than blue (median %v): suites that fail, %d runs a row", checks, median, trials)
	s.Table(columns, rows...)
}

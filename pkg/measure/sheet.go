package measure

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sheet is the output of a benchmark: text, tables, and limits with PASS or MISS, line by line as they are
// found out. Close it to learn whether everything held.
type Sheet struct {
	out            io.Writer
	judged, missed int
	broken         error
}

// NewSheet returns an empty sheet that is written to out.
func NewSheet(out io.Writer) *Sheet { return &Sheet{out: out} }

// Title begins a part.
func (s *Sheet) Title(format string, args ...any) { s.Say("\n"+format, args...) }

// Say writes a line.
func (s *Sheet) Say(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format+"\n", args...); s.broken == nil {
		s.broken = err
	}
}

// Table writes rows under the names of their columns, the first one to the left, the others to the right.
// It judges nothing.
func (s *Sheet) Table(columns []string, rows ...[]string) {
	widths := make([]int, len(columns))
	all := append([][]string{columns}, rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(&line, "  %-*s", widths[i], cell)
			} else {
				fmt.Fprintf(&line, "  %*s", widths[i], cell)
			}
		}
		s.Say("%s", strings.TrimRight(line.String(), " "))
	}
}

// Costs writes the medians of programs as a table.
func (s *Sheet) Costs(programs []Program, costs []Costs) {
	rows := make([][]string, len(programs))
	for i, p := range programs {
		c := costs[i].Median()
		rows[i] = []string{
			p.Name, fmt.Sprintf("%.2f ms", Milliseconds(c.Wall)), fmt.Sprintf("%.2f ms", Milliseconds(c.CPU)),
			fmt.Sprintf("%.1f MiB", float64(c.Peak)/MiB),
		}
	}
	s.Table([]string{"", "wall", "user+sys", "peak"}, rows...)
}

// AtMost judges a figure that must not be above its limit. What is no number, or infinite, misses.
func (s *Sheet) AtMost(what string, got, most float64, unit string) {
	s.judge(got <= most && !math.IsInf(got, 0), what, figure(got, unit), "at most "+limit(most, unit))
}

// AtLeast judges a figure that must not be below its limit. What is no number, or infinite, misses:
// a rate over no time was not measured.
func (s *Sheet) AtLeast(what string, got, least float64, unit string) {
	s.judge(got >= least && !math.IsInf(got, 0), what, figure(got, unit), "at least "+limit(least, unit))
}

func (s *Sheet) judge(holds bool, what, got, limit string) {
	s.judged++
	word := "PASS"
	if !holds {
		word = "MISS"
		s.missed++
	}
	s.Say("  %s  %-58s %14s, %s", word, what, got, limit)
}

// Skip says that a limit was not judged, and why.
func (s *Sheet) Skip(what, why string) { s.Say("  SKIP  %-58s %s", what, why) }

// Close writes how many limits were missed, and returns an error when one was, when there was none at all,
// or when something could not be written.
func (s *Sheet) Close() error {
	s.Say("\n%d limits, %d missed", s.judged, s.missed)
	switch {
	case s.broken != nil:
		return fmt.Errorf("write the sheet: %w", s.broken)
	case s.judged == 0:
		return errors.New("no limit was judged")
	case s.missed > 0:
		return fmt.Errorf("%d of %d limits missed", s.missed, s.judged)
	}
	return nil
}

// figure prints four digits or so, more is noise, and counts as they are.
func figure(v float64, unit string) string {
	decimals := 3
	switch size := math.Abs(v); {
	case size >= 1000 || v == math.Trunc(v):
		decimals = 0
	case size >= 100:
		decimals = 1
	case size >= 10:
		decimals = 2
	}
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', decimals, 64) + " " + unit)
}

// limit is figure without zeros at the end.
func limit(v float64, unit string) string {
	number := figure(v, "")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}

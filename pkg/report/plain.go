package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/report/plot"
)

// Two values are alike for people, below that ratio; from worse on slow answers are told where the median is alike.
const alike, worse = 1.1, 1.25

// Plain says in a line for everybody what a comparison found: "search is 51× slower: 153 ms, before 3 ms".
func Plain(c finding.Comparison) string {
	slower := func(what string, now, before time.Duration) string {
		return times(what, [3]string{"slower", "as fast as before", "faster"}, float64(now)/float64(before), plot.Label(now),
			plot.Label(before))
	}
	v, slow := Known(c.Verdict), float64(c.GreenP50) >= worse*float64(c.BlueP50)
	said := slower(c.Check, c.GreenP50, c.BlueP50)
	switch {
	case v == finding.Fail && !slow && c.GreenErrors > c.BlueErrors:
		return fmt.Sprintf("%s fails: %s of the new version went wrong, of the old one %d", c.Check,
			Count(c.GreenErrors, "answer"), c.BlueErrors)
	case (c.GreenP50 <= 0 || c.BlueP50 <= 0) && (v == finding.Pass || v == finding.Fail) && c.Reason != "":
		return c.Check + ": " + c.Reason
	case c.GreenP50 <= 0 || c.BlueP50 <= 0:
		return c.Check + " could not be compared"
	case v != finding.Pass && !slow && float64(c.GreenP95) > worse*float64(c.BlueP95):
		said = slower("one answer in twenty of "+c.Check, c.GreenP95, c.BlueP95)
	}
	if v == finding.Inconclusive || v == finding.Error {
		said += ", but that is not certain"
	}
	return said
}

// times says how many times as much a value is as before. Words are for more, as much and less.
func times(what string, words [3]string, ratio float64, now, before string) string {
	word, digits := words[1], 1
	if most := max(ratio, 1/ratio); most >= alike {
		if word = words[0]; ratio < 1 {
			word = words[2]
		}
		if most >= 9.95 {
			digits = 0
		}
		word = fmt.Sprintf("%.*f× %s", digits, most, word)
	}
	return fmt.Sprintf("%s is %s: %s, before %s", what, word, now, before)
}

// plainSeries says the same of what AWS measured: of times by the median of the minutes, of all else by the mean.
func plainSeries(s finding.Series) string {
	now, before := middle(s.Green, s.Unit), middle(s.Blue, s.Unit)
	text := func(v float64) string { return strings.TrimSpace(plot.Digits(v) + " " + s.Unit) }
	switch {
	case now < 0:
		return s.Name + ": nothing was measured of the new version"
	case before < 0:
		return fmt.Sprintf("%s is %s; of the old version nothing was measured", s.Name, text(now))
	case before == 0 || now == 0:
		return fmt.Sprintf("%s is %s, before %s", s.Name, text(now), text(before))
	}
	return times(s.Name, [3]string{"higher", "as before", "lower"}, now/before, text(now), text(before))
}

// middle is that of the minutes in which something was measured, or -1.
func middle(all []float64, unit string) float64 {
	all, sum := slices.DeleteFunc(slices.Clone(all), func(v float64) bool { return v < 0 }), 0.0
	slices.Sort(all)
	for _, v := range all {
		sum += v
	}
	switch {
	case len(all) == 0:
		return -1
	case unit == "ms":
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	return sum / float64(len(all))
}

// watched tells whether a check is one that AWS's measurements were held to.
func watched(c finding.CheckResult) bool {
	return strings.HasPrefix(c.Check, string(finding.PhaseWatch)+": ")
}

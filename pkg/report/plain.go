package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// alike is the ratio below which nobody would call one of two times the longer one, and worse the one from which
// slow answers are told where the median is alike.
const alike, worse = 1.1, 1.25

// Plain says in a line for everybody what a comparison found: "search is 51× slower: 153 ms, before 3 ms".
func Plain(c finding.Comparison) string {
	said := times(c.Check, "slower", "faster", "as fast as before", c.GreenP50, c.BlueP50, spaced)
	switch ratio := float64(c.GreenP95) / float64(max(c.BlueP95, 1)); {
	case Known(c.Verdict) == finding.Fail && c.GreenErrors > c.BlueErrors && float64(c.GreenP50) < worse*float64(c.BlueP50):
		return fmt.Sprintf("%s fails: %s of the new version went wrong, of the old one %d", c.Check, Count(c.GreenErrors, "answer"),
			c.BlueErrors)
	case c.GreenP50 <= 0 || c.BlueP50 <= 0:
		return c.Check + " could not be compared"
	case Known(c.Verdict) != finding.Pass && float64(c.GreenP50) < worse*float64(c.BlueP50) && ratio >= worse:
		said = times("one answer in twenty of "+c.Check, "slower", "", "", c.GreenP95, c.BlueP95, spaced)
	}
	if v := Known(c.Verdict); v == finding.Inconclusive || v == finding.Error {
		said += ", but that is not certain"
	}
	return said
}

// times says how many times as much one is as the other.
func times[N time.Duration | float64](what, more, less, same string, now, before N, text func(N) string) string {
	word := same
	switch ratio := float64(now) / float64(before); {
	case ratio >= alike:
		word = factor(ratio) + " " + more
	case ratio <= 1/alike:
		word = factor(1/ratio) + " " + less
	}
	return fmt.Sprintf("%s is %s: %s, before %s", what, word, text(now), text(before))
}

func factor(ratio float64) string {
	if ratio >= 9.95 {
		return fmt.Sprintf("%.0f×", ratio)
	}
	return fmt.Sprintf("%.1f×", ratio)
}

// spaced is a duration as people write it: "153 ms".
func spaced(d time.Duration) string {
	text := length(d)
	if n := strings.IndexFunc(text, unicode.IsLetter); n > 0 && !strings.ContainsAny(text[n:], "0123456789") {
		return text[:n] + " " + text[n:]
	}
	return text
}

// plainSeries says the same of what AWS measured, by the median of the minutes.
func plainSeries(s finding.Series) string {
	now, before := median(s.Green), median(s.Blue)
	text := func(v float64) string { return strings.TrimSpace(fmt.Sprintf("%.4g %s", v, s.Unit)) }
	switch {
	case now < 0:
		return s.Name + ": nothing was measured of the new version"
	case before < 0:
		return fmt.Sprintf("%s is %s; of the old version nothing was measured", s.Name, text(now))
	case before == 0 || now == 0:
		return fmt.Sprintf("%s is %s, before %s", s.Name, text(now), text(before))
	}
	return times(s.Name, "higher", "lower", "as before", now, before, text)
}

// median is that of the minutes in which something was measured, or -1.
func median(all []float64) float64 {
	all = slices.DeleteFunc(slices.Clone(all), func(v float64) bool { return v < 0 })
	if len(all) == 0 {
		return -1
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// watched tells whether a check is one that AWS's measurements were held to.
func watched(c finding.CheckResult) bool {
	return strings.HasPrefix(c.Check, string(finding.PhaseWatch)+": ")
}

package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// leastErrors is the smallest difference of two shares of errors that is a reason to stop: with a million requests
// nearly any is significant.
const leastErrors = 0.001

// item is one thing that is judged. Without a verdict it holds.
type item struct {
	verdict finding.Verdict
	blame   finding.Blame
	// reason is why it does not hold, or how it does.
	reason  string
	excerpt []string
	// tests are the p-values of its comparisons with blue, or with a bound.
	tests []float64
	// decide is called with the corrected values.
	decide func(i *item, adjusted []float64)
}

func (i *item) fails(format string, args ...any) {
	i.verdict, i.blame, i.reason = finding.Fail, finding.BlameRelease, fmt.Sprintf(format, args...)
}

func (i *item) unclear(blame finding.Blame, format string, args ...any) {
	i.verdict, i.blame, i.reason = finding.Inconclusive, blame, fmt.Sprintf(format, args...)
}

// unread is an item of which AWS said nothing. A right that is missing will be missing in the next look, too.
func (i *item) unread(err error) {
	i.unclear(finding.BlameEnvironment, "%s", err)
	if awsclient.IsCode(err, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "InvalidParameterException") {
		i.verdict, i.blame = finding.Error, finding.BlameConfig
	}
}

type judge struct {
	Subject
	Measured
	watch *suite.Watch
	// blue is what green is compared with, sometime when that was; when nothing is, why says why.
	blue           Metrics
	earlier        bool
	sometime, why  string
	greens, blues  int // requests
	alpha          float64
	items          []*item
	requestsEnough bool
}

// Judge says what was measured means. The same values always come to the same.
func Judge(s Subject, m Measured) Result {
	j := &judge{Subject: s, Measured: m, watch: s.Suite.Watch()}
	// Every minute is a look at all so far, and each gets its part of the chance of a false alarm.
	j.alpha = compare.Alpha / float64(max(1, s.Minutes()))
	j.choose()
	j.items = append(j.items, j.errors(), j.percentile(0, j.watch.P50), j.percentile(1, j.watch.P95),
		j.percentile(2, j.watch.P99), j.targets(), j.tasks())
	for i, l := range j.watch.Logs {
		lines := Lines{Err: fmt.Errorf("its lines were not counted")}
		if i < len(m.Logs) {
			lines = m.Logs[i]
		}
		j.items = append(j.items, j.lines(l, lines))
	}
	for _, a := range j.watch.Alarms {
		j.items = append(j.items, j.alarm(a))
	}
	j.correct()
	return j.result()
}

// choose takes blue's same minutes where it served enough in them, else those before.
func (j *judge) choose() {
	j.greens = int(j.Green.Requests.sum())
	j.requestsEnough = j.greens >= j.watch.MinRequests
	for _, c := range []struct {
		of       Metrics
		earlier  bool
		sometime string
	}{{j.Same, false, "in the same minutes"}, {j.Earlier, true, "before"}} {
		if n := int(c.of.Requests.sum()); n >= j.watch.MinRequests {
			j.blue, j.earlier, j.sometime, j.blues = c.of, c.earlier, c.sometime, n
			return
		}
	}
	j.why = cmp.Or(j.NoBlue, fmt.Sprintf("blue served %d requests in these minutes and %d before, want %d",
		int(j.Same.Requests.sum()), int(j.Earlier.Requests.sum()), j.watch.MinRequests))
	j.blue = j.Same // to be shown
}

// correct divides the chance of a false alarm over all comparisons (Holm).
func (j *judge) correct() {
	var all []float64
	for _, i := range j.items {
		all = append(all, i.tests...)
	}
	adjusted := compare.Holm(all)
	for _, i := range j.items {
		n := len(i.tests)
		if i.decide != nil {
			i.decide(i, adjusted[:n])
		}
		adjusted = adjusted[n:]
	}
}

// family is how many comparisons there are.
func (j *judge) family() int { return 5 + len(j.watch.Logs) }

// uncompared says what an item comes to that has nothing to be compared with; bounded where it has a bound, too.
func (j *judge) uncompared(i *item, bounded bool) {
	if j.NoBlue == "" || !bounded {
		i.unclear(finding.BlameEnvironment, "%s; nothing to compare with: %s", i.reason, j.why)
	} else {
		i.reason += ", compared with nothing: " + j.why
	}
}

func (j *judge) few(i *item) bool {
	if !j.requestsEnough {
		i.unclear(finding.BlameEnvironment, "green served %d requests in %s, want %d", j.greens, count(j.Settled, "minute"),
			j.watch.MinRequests)
	}
	return !j.requestsEnough
}

func (j *judge) errors() *item {
	bad, blueBad := j.Green.failed(), j.blue.failed()
	share, blueShare := ratio(bad, j.greens), ratio(blueBad, j.blues)
	i := &item{tests: []float64{1, 1}}
	if j.why == "" && j.greens > 0 {
		i.tests[0] = compare.FisherGreater(bad, j.greens, blueBad, j.blues)
	}
	if j.watch.Errors != nil {
		i.tests[1] = compare.BinomialGreater(bad, j.greens, *j.watch.Errors)
	}
	i.reason = fmt.Sprintf("%s of %d requests failed", percent(share), j.greens)
	if j.why == "" {
		i.reason += fmt.Sprintf(", blue %s of %d %s", percent(blueShare), j.blues, j.sometime)
	}
	i.decide = func(i *item, adjusted []float64) {
		bound := 1.0
		if j.watch.Errors != nil {
			bound = *j.watch.Errors
		}
		switch {
		case j.MetricsErr != nil:
			i.unread(j.MetricsErr)
		case adjusted[0] <= j.alpha && share >= j.watch.MinRatio*blueShare && share-blueShare >= leastErrors:
			i.fails("%s (Fisher p=%.2g, limit %.2g)", i.reason, adjusted[0], j.alpha)
		case share > bound && j.why == "" && blueShare > bound:
			i.unclear(finding.BlameEnvironment, "%s, want at most %s, which blue is over, too", i.reason, percent(bound))
		case share > bound && (bound == 0 || adjusted[1] <= j.alpha):
			i.fails("%s, want at most %s", i.reason, percent(bound))
		case j.few(i):
		case share > bound:
			i.unclear(finding.BlameEnvironment, "%s, want at most %s; that few may be chance", i.reason, percent(bound))
		case j.why != "":
			j.uncompared(i, j.watch.Errors != nil)
		}
	}
	return i
}

func (j *judge) percentile(which int, bound time.Duration) *item {
	green, blue := j.Green.Percentiles[which].known(), j.blue.Percentiles[which].known()
	g, b := median(green), median(blue)
	i := &item{tests: []float64{1}}
	if j.why == "" {
		i.tests[0] = compare.MannWhitneyGreater(green, blue)
	}
	i.reason = millis(g) + " in the median minute"
	compared := j.why == "" && len(blue) > 0
	if compared {
		i.reason += fmt.Sprintf(", blue %s %s", millis(b), j.sometime)
	}
	i.decide = func(i *item, adjusted []float64) {
		noticeable := compared && g >= j.watch.MinRatio*b && g-b >= milliseconds(j.watch.MinShift)
		most, over := milliseconds(bound), 0
		for _, v := range green {
			if bound > 0 && v > most {
				over++
			}
		}
		// More than half of all minutes to come cannot be fewer later.
		broken := 2*over > j.Minutes() || bound > 0 && g > most && j.Settled == j.Minutes()
		switch {
		case j.MetricsErr != nil:
			i.unread(j.MetricsErr)
		case j.few(i):
		case len(green) == 0:
			i.unclear(finding.BlameEnvironment, "CloudWatch has no latencies of green")
		case adjusted[0] <= j.alpha && noticeable:
			i.fails("%s (Mann-Whitney p=%.2g, limit %.2g)", i.reason, adjusted[0], j.alpha)
		case broken && compared && b > most:
			i.unclear(finding.BlameEnvironment, "%s, want at most %s, which blue is over, too", i.reason, bound)
		case broken:
			i.fails("%s, %d of %s over %s", i.reason, over, count(len(green), "minute"), bound)
		case !compared:
			j.uncompared(i, true)
		case noticeable && float64(j.family())*compare.LeastMannWhitney(len(green), len(blue)) > j.alpha:
			i.unclear(finding.BlameEnvironment, "%s; %d against %d minutes are too few to tell chance from a slower release",
				i.reason, len(green), len(blue))
		}
	}
	return i
}

func (j *judge) targets() *item {
	i := &item{}
	known, most := j.Green.Unhealthy.known(), float64(j.watch.UnhealthyTargets)
	switch worst := slices.Max(append(known, 0)); {
	case j.MetricsErr != nil:
		i.unread(j.MetricsErr)
	case len(known) == 0:
		i.unclear(finding.BlameEnvironment, "CloudWatch does not say how many of green's targets are unhealthy")
	case worst > most && slices.Max(append(j.Same.Unhealthy.known(), 0)) > most:
		i.unclear(finding.BlameEnvironment, "%g of green's targets unhealthy, and of blue's, too", worst)
	case worst > most:
		i.fails("%g unhealthy at once, want at most %g", worst, most)
	default:
		i.reason = fmt.Sprintf("at most %g unhealthy", worst)
	}
	return i
}

func (j *judge) tasks() *item {
	i := &item{}
	if len(j.Stopped) > 0 {
		i.excerpt = list(j.Stopped, func(s Stopped) string { return s.Why })
	}
	switch n := len(j.Stopped); {
	case j.TasksErr != nil:
		i.unread(j.TasksErr)
	case n > j.watch.StoppedTasks:
		i.fails("%s of green stopped without having been asked to, want at most %d: %s", count(n, "task"),
			j.watch.StoppedTasks, j.Stopped[0].Why)
	case j.ManyTasks:
		i.unclear(finding.BlameEnvironment, "the service has more tasks than are looked at")
	default:
		i.reason = count(n, "task") + " stopped without having been asked to"
	}
	return i
}

func (j *judge) lines(l suite.WatchLog, lines Lines) *item {
	green, blue := int(lines.Green.sum()), lines.Same
	if j.earlier {
		blue = lines.Earlier
	}
	blues, compared := int(blue.sum()), j.why == ""
	i := &item{excerpt: lines.Excerpts, tests: []float64{1}}
	if compared && j.greens > 0 {
		i.tests[0] = compare.BinomialGreater(green, green+blues, ratio(j.greens, j.greens+j.blues))
	}
	rate, blueRate := ratio(green, j.Settled), ratio(blues, len(blue))
	i.reason = fmt.Sprintf("%s, %.3g a minute", count(green, "line"), rate)
	if compared {
		i.reason += fmt.Sprintf(", blue %d %s", blues, j.sometime)
	}
	i.decide = func(i *item, adjusted []float64) {
		broken := l.Most != nil && (green > *l.Most*j.Minutes() || j.Settled == j.Minutes() && green > *l.Most*j.Settled)
		switch {
		case lines.Err != nil:
			i.unread(lines.Err)
		case adjusted[0] <= j.alpha && ratio(green, j.greens) >= j.watch.MinRatio*ratio(blues, j.blues):
			i.fails("%s; more than for as many requests of blue (binomial p=%.2g, limit %.2g)", i.reason, adjusted[0], j.alpha)
		case broken && compared && blueRate > float64(*l.Most):
			i.unclear(finding.BlameEnvironment, "%s, want at most %d a minute, which blue is over, too", i.reason, *l.Most)
		case broken:
			i.fails("%s, want at most %d a minute", i.reason, *l.Most)
		case lines.Many:
			i.unclear(finding.BlameEnvironment, "%s and more, which are not counted", i.reason)
		case j.MetricsErr != nil:
			i.unread(j.MetricsErr)
		case j.few(i):
		case !compared:
			j.uncompared(i, l.Most != nil)
		}
	}
	return i
}

func (j *judge) alarm(name string) *item {
	i := &item{}
	a, there := j.Alarms[name]
	switch {
	case j.AlarmsErr != nil:
		i.unread(j.AlarmsErr)
	case !there:
		i.verdict, i.blame, i.reason = finding.Error, finding.BlameConfig, "there is no such alarm"
	case a.State == "ALARM" && !a.Since.Before(j.Since):
		i.fails("ALARM since %s: %s", a.Since.UTC().Format(time.RFC3339), a.Reason)
	case a.State == "ALARM":
		i.unclear(finding.BlameEnvironment, "ALARM since %s, before the new release served: %s",
			a.Since.UTC().Format(time.RFC3339), a.Reason)
	case a.State != "OK":
		i.unclear(finding.BlameEnvironment, "%s: %s", a.State, a.Reason)
	default:
		i.reason = "OK"
	}
	return i
}

// result puts the items together.
func (j *judge) result() Result {
	r := Result{Verdict: finding.Pass, Blame: finding.BlameNone, Series: j.series()}
	whole := j.Settled == j.Minutes()
	ended := whole || slices.ContainsFunc(j.items, func(i *item) bool {
		return i.verdict == finding.Fail || i.verdict == finding.Error
	})
	r.Done = ended
	held := 0
	for n, name := range j.watch.Items() {
		i := j.items[n]
		if i.verdict == "" && whole {
			i.verdict, i.blame = finding.Pass, finding.BlameNone
			held++
		} else if i.verdict == "" {
			i.unclear(finding.BlameGate, "%s; watched for %d of %s", i.reason, j.Settled, count(j.Minutes(), "minute"))
		}
		c := finding.CheckResult{
			Check: name, Verdict: i.verdict, Blame: i.blame, Attempts: max(1, j.Settled), Reason: i.reason,
			Duration: time.Duration(j.Settled) * j.Minute,
		}
		if i.verdict == finding.Fail {
			c.Failures = 1
		}
		for _, text := range i.excerpt {
			c.Findings = append(c.Findings, finding.Finding{
				Request: "watch", Subject: strings.TrimPrefix(name, "watch: "), Expected: "none", Got: text, Attempt: 1, Count: 1,
			})
		}
		if before := r.Verdict; finding.Worst(before, c.Verdict) != before {
			r.Verdict, r.Blame, r.Reason = c.Verdict, c.Blame, c.Check+": "+c.Reason
		}
		r.Checks = append(r.Checks, c)
	}
	if r.Verdict == finding.Pass {
		r.Reason = fmt.Sprintf("watched %d things for %s of %d requests: %s; p95 %s", held, count(j.Settled, "minute"),
			j.greens, j.items[0].reason, j.items[2].reason)
	}
	if j.Minute != time.Minute {
		r.Reason += fmt.Sprintf(" (a minute is %s: WATCH_MINUTE)", j.Minute)
	}
	return r
}

func (j *judge) series() []finding.Series {
	var all []finding.Series
	add := func(name, unit string, green, blue minutes) {
		s := finding.Series{Name: name, Unit: unit, Start: j.Start, BlueStart: j.Start, Step: j.Minute, Green: green, Blue: blue}
		if j.earlier {
			s.BlueStart = j.Start.Add(-time.Duration(j.Minutes()) * j.Minute)
		}
		all = append(all, s)
	}
	add("5xx", "%", j.Green.shares(), j.blue.shares())
	for i, name := range []string{"p50", "p95", "p99"} {
		add(name, "ms", j.Green.Percentiles[i], j.blue.Percentiles[i])
	}
	for i, l := range j.watch.Logs {
		if i < len(j.Logs) {
			blue := j.Logs[i].Same
			if j.earlier {
				blue = j.Logs[i].Earlier
			}
			add("log "+l.Name, "a minute", j.Logs[i].Green, blue)
		}
	}
	return all
}

// failed is how many requests failed; one that was tried on several targets counts once.
func (m Metrics) failed() int { return int(min(m.Errors.sum(), m.Requests.sum())) }

// shares are the minutes' errors in per cent of their requests.
func (m Metrics) shares() minutes {
	out := make(minutes, len(m.Requests))
	for i, n := range m.Requests {
		if out[i] = -1; n > 0 {
			out[i] = 100 * min(1, max(0, m.Errors[i])/n)
		}
	}
	return out
}

func (m minutes) known() []float64 {
	return slices.DeleteFunc(slices.Clone(m), func(v float64) bool { return v < 0 })
}

func (m minutes) sum() (sum float64) {
	for _, v := range m.known() {
		sum += v
	}
	return sum
}

func median(values []float64) float64 {
	return compare.Quantile(slices.Sorted(slices.Values(values)), 0.5)
}

func ratio(of, all int) float64 {
	if all == 0 {
		return 0
	}
	return float64(of) / float64(all)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(v float64) string { return compare.Length(time.Duration(v * float64(time.Millisecond))) }

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func list[T any](all []T, text func(T) string) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = text(one)
	}
	return out
}

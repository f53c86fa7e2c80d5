package watch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/compare"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// leastErrors is the smallest difference of two shares of errors that is a reason to stop: of a million requests nearly
// any is significant.
const leastErrors = 0.001

// manyLost is the share of requests without an answer that counts against a bound: at the end some are still open.
const manyLost = 0.01

// item is what one thing comes to. Without a verdict it holds so far.
type item struct {
	verdict finding.Verdict
	reason  string
	excerpt []string
}

func (i *item) is(v finding.Verdict, format string, args ...any) {
	i.verdict, i.reason = v, fmt.Sprintf(format, args...)
}

// unread reports whether AWS did not say it. A right or a log group that is missing will be missing later, too.
func (i *item) unread(err error) bool {
	if err != nil {
		i.is(finding.Inconclusive, "%s", err)
	}
	if awsclient.IsCode(err, "AccessDenied", "AccessDeniedException", "InvalidParameterException", "ResourceNotFoundException") {
		i.verdict = finding.Error
	}
	return err != nil
}

type judge struct {
	Subject
	Measured
	watch *suite.Watch
	// greens and blues are the sides' requests. Blue's minutes are those before the window, where earlier, else the same;
	// why says why nothing is compared, when says which minutes.
	greens, blues int
	earlier       bool
	why, when     string
	// alpha is the limit of one look, family how many comparisons share it.
	alpha  float64
	family int
}

// Judge says what was measured means. The same values always come to the same.
func Judge(s Subject, m Measured) Result {
	j := &judge{Subject: s, Measured: m, watch: s.Suite.Watch}
	j.choose()
	w := j.watch
	for len(j.Logs) < len(w.Logs) {
		j.Logs = append(j.Logs, Lines{Err: errors.New("its lines were not counted")})
	}
	ps := []float64{1, 1, 1, 1, 1}
	bad, lost := j.failed(j.greens, j.green, m.Green)
	blueBad, blueLost := j.failed(j.blues, j.blue, m.Blue)
	if w.Errors != nil {
		ps[1] = compare.BinomialGreater(bad, j.greens, *w.Errors)
	}
	if j.why == "" && j.greens > 0 {
		ps[0] = compare.FisherGreater(bad+lost, j.greens, blueBad+blueLost, j.blues)
		for i := range 3 {
			ps[2+i] = compare.MannWhitneyGreater(j.green(m.Green.Percentiles[i]).known(), j.blue(m.Blue.Percentiles[i]).known())
		}
	}
	for _, l := range j.Logs {
		p, green := 1.0, j.green(l.Green).sum()
		if j.why == "" && j.greens > 0 && l.Blue != nil {
			p = compare.BinomialGreater(green, green+j.blue(l.Blue).sum(), ratio(j.greens, j.greens+j.blues))
		}
		ps = append(ps, p)
	}
	// Every minute is a look at all so far. The last one has half of the chance of a false alarm, the others share the rest.
	j.alpha, j.family = compare.Alpha/2, len(ps)
	if m.Settled < s.Minutes() {
		j.alpha /= float64(max(1, s.Minutes()-1))
	}
	ps = compare.Holm(ps)
	items := []item{
		j.errors(ps[0], ps[1], bad, lost, blueBad+blueLost), j.percentile(0, w.P50, ps[2]), j.percentile(1, w.P95, ps[3]), j.percentile(2, w.P99, ps[4]),
		j.targets(), j.tasks(),
	}
	for i, l := range w.Logs {
		items = append(items, j.lines(l, j.Logs[i], ps[5+i]))
	}
	for _, name := range w.Alarms {
		items = append(items, j.alarm(name))
	}
	return j.result(items)
}

// choose takes blue's same minutes where it served enough in them, else those before.
func (j *judge) choose() {
	j.greens = j.green(j.Green.Requests).sum()
	blue := j.Blue.Requests
	same, before := j.green(blue).sum(), blue[:min(len(blue), j.Minutes())].sum()
	switch {
	case same >= j.watch.MinRequests:
		j.blues, j.when = same, "in the same minutes"
	case before >= j.watch.MinRequests:
		j.blues, j.when, j.earlier = before, "before", true
	default:
		j.why = cmp.Or(j.NoBlue, fmt.Sprintf("blue served %d requests in these minutes and %d before, want %d", same, before,
			j.watch.MinRequests))
	}
}

// green and blue are the minutes of a side that are judged.
func (j *judge) green(m minutes) minutes { return m[min(len(m), j.Minutes()):] }

func (j *judge) blue(m minutes) minutes {
	if j.earlier {
		return m[:min(len(m), j.Minutes())]
	}
	return j.green(m)
}

// failed is how many requests failed, where one that was tried on several targets counts once, and how many no target
// answered: 502 and 504 are the load balancer's own, and no target group's metric. Those that may still be open do not
// count.
func (j *judge) failed(requests int, in func(minutes) minutes, m Metrics) (bad, lost int) {
	bad = min(requests, in(m.Errors).sum())
	slowest := slices.Max(append(in(m.Percentiles[2]).known(), 0)) / milliseconds(j.Minute)
	open := int(slowest * float64(requests) / float64(max(1, len(in(m.Requests)))))
	return bad, max(0, requests-bad-in(m.Good).sum()-open)
}

// enough reports whether green served enough. What has nothing to be compared with is INCONCLUSIVE by then, unless it
// is bounded and that is no fault; a bound may still fail it.
func (j *judge) enough(i *item, bounded bool) bool {
	switch {
	case j.greens < j.watch.MinRequests:
		i.is(finding.Inconclusive, "green served %d requests in %s, want %d", j.greens, compare.Count(j.Settled, "minute"),
			j.watch.MinRequests)
		return false
	case j.why != "" && (j.NoBlue == "" || !bounded):
		i.is(finding.Inconclusive, "%s; nothing to compare with: %s", i.reason, j.why)
	case j.why != "":
		i.reason += ", compared with nothing: " + j.why
	}
	return true
}

func (j *judge) errors(p, pBound float64, bad, lost, blueBad int) (i item) {
	share, blueShare, bound := ratio(bad+lost, j.greens), ratio(blueBad, j.blues), 1.0
	if j.watch.Errors != nil {
		bound = *j.watch.Errors
	}
	i.reason = fmt.Sprintf("%s of %d requests failed", percent(share), j.greens)
	if lost > 0 {
		i.reason += fmt.Sprintf(", %d without an answer of a target", lost)
	}
	if j.why == "" {
		i.reason += fmt.Sprintf(", blue %s of %d %s", percent(blueShare), j.blues, j.when)
	}
	switch {
	case i.unread(j.MetricsErr):
	case p <= j.alpha && share >= j.watch.MinRatio*blueShare && share-blueShare >= leastErrors:
		i.is(finding.Fail, "%s (Fisher p=%.2g, limit %.2g)", i.reason, p, j.alpha)
	case share > bound && blueShare > bound:
		i.is(finding.Inconclusive, "%s, want at most %s, which blue is over, too", i.reason, percent(bound))
	case ratio(bad, j.greens) > bound && (bound == 0 || pBound <= j.alpha):
		i.is(finding.Fail, "%s, want at most %s", i.reason, percent(bound))
	case !j.enough(&i, j.watch.Errors != nil):
	case ratio(bad, j.greens) > bound:
		i.is(finding.Inconclusive, "%s, want at most %s; that few may be chance", i.reason, percent(bound))
	case share > bound && ratio(lost, j.greens) >= manyLost:
		i.is(finding.Inconclusive, "%s, want at most %s; upgraded connections (101) look alike", i.reason, percent(bound))
	}
	return i
}

func (j *judge) percentile(which int, bound time.Duration, p float64) (i item) {
	green, blue := j.green(j.Green.Percentiles[which]).known(), j.blue(j.Blue.Percentiles[which]).known()
	g, b, most := median(green), median(blue), milliseconds(bound)
	over := len(slices.DeleteFunc(slices.Clone(green), func(v float64) bool { return bound == 0 || v <= most }))
	compared := j.why == "" && len(blue) > 0
	noticeable := compared && g >= j.watch.MinRatio*b && g-b >= milliseconds(j.watch.MinShift)
	// More than half of all minutes to come cannot be fewer later.
	broken := 2*over > j.Minutes() || bound > 0 && g > most && j.Settled == j.Minutes()
	i.reason = millis(g) + " in the median minute"
	if compared {
		i.reason += fmt.Sprintf(", blue %s %s", millis(b), j.when)
	}
	switch {
	case i.unread(j.MetricsErr) || !j.enough(&i, true):
	case len(green) == 0 || j.why == "" && len(blue) == 0:
		i.is(finding.Inconclusive, "CloudWatch has no latencies: %d minutes of green, %d of blue", len(green), len(blue))
	case noticeable && p <= j.alpha:
		i.is(finding.Fail, "%s (Mann-Whitney p=%.2g, limit %.2g)", i.reason, p, j.alpha)
	case broken && compared && b > most:
		i.is(finding.Inconclusive, "%s, want at most %s, which blue is over, too", i.reason, bound)
	case broken:
		i.is(finding.Fail, "%s, %d of %s over %s", i.reason, over, compare.Count(len(green), "minute"), bound)
	case noticeable && float64(j.family)*compare.LeastMannWhitney(len(green), len(blue)) > j.alpha:
		i.is(finding.Inconclusive, "%s; %d against %d minutes are too few to tell chance from a slower release", i.reason,
			len(green), len(blue))
	}
	return i
}

func (j *judge) targets() (i item) {
	known, most := j.green(j.Green.Unhealthy).known(), float64(j.watch.UnhealthyTargets)
	worst := slices.Max(append(known, 0))
	i.reason = fmt.Sprintf("%g unhealthy at once, want at most %g", worst, most)
	switch {
	case i.unread(j.MetricsErr):
	case 2*len(known) < max(1, j.Settled): // it does so every minute, whatever is served
		i.is(finding.Inconclusive, "CloudWatch does not say how many of green's targets are unhealthy, but in %d of %s", len(known),
			compare.Count(j.Settled, "minute"))
	case worst > most && slices.Max(append(j.green(j.Blue.Unhealthy).known(), 0)) > most:
		i.is(finding.Inconclusive, "%s, which blue has, too", i.reason)
	case worst > most:
		i.verdict = finding.Fail
	}
	return i
}

func (j *judge) tasks() (i item) {
	i.excerpt = j.Stopped
	i.reason = fmt.Sprintf("%s of green stopped without having been asked to, want at most %d", compare.Count(len(j.Stopped), "task"),
		j.watch.StoppedTasks)
	switch {
	case i.unread(j.TasksErr):
	case len(j.Stopped) > j.watch.StoppedTasks:
		i.is(finding.Fail, "%s: %s", i.reason, j.Stopped[0])
	case j.ManyTasks:
		i.is(finding.Inconclusive, "the service has more tasks than are looked at")
	}
	return i
}

func (j *judge) lines(l suite.WatchLog, lines Lines, p float64) (i item) {
	green, blue := j.green(lines.Green).sum(), j.blue(lines.Blue).sum()
	i.excerpt = lines.Excerpts
	i.reason = fmt.Sprintf("%s, %.3g a minute", compare.Count(green, "line"), ratio(green, j.Settled))
	compared := j.why == "" && lines.Blue != nil
	if compared {
		i.reason += fmt.Sprintf(", blue %d %s", blue, j.when)
	}
	broken := l.Most != nil && (green > *l.Most*j.Minutes() || j.Settled == j.Minutes() && green > *l.Most*j.Settled)
	switch {
	case i.unread(lines.Err):
	case p <= j.alpha && ratio(green, j.greens) >= j.watch.MinRatio*ratio(blue, j.blues):
		i.is(finding.Fail, "%s; more than blue for as many requests (binomial p=%.2g, limit %.2g)", i.reason, p, j.alpha)
	case broken && compared && blue > *l.Most*len(j.blue(lines.Blue)):
		i.is(finding.Inconclusive, "%s, want at most %d a minute, which blue is over, too", i.reason, *l.Most)
	case broken:
		i.is(finding.Fail, "%s, want at most %d a minute", i.reason, *l.Most)
	case lines.Many:
		i.is(finding.Inconclusive, "%s and more, which are not counted", i.reason)
	case i.unread(j.MetricsErr) || !j.enough(&i, l.Most != nil):
	case j.why == "" && !compared && l.Most == nil:
		i.is(finding.Inconclusive, "%s; nothing to compare with: no task of blue logs there", i.reason)
	}
	return i
}

func (j *judge) alarm(name string) (i item) {
	a, there := j.Alarms[name]
	i.reason = fmt.Sprintf("%s since %s: %s", a.State, a.Since.UTC().Format(time.RFC3339), a.Reason)
	switch {
	case i.unread(j.AlarmsErr):
	case !there:
		i.is(finding.Error, "there is no such alarm")
	case a.State == "ALARM" && !a.Since.Before(j.Since):
		i.verdict = finding.Fail
	case a.State == "ALARM":
		i.is(finding.Inconclusive, "%s, from before the new release served", i.reason)
	case a.State != "OK":
		i.verdict = finding.Inconclusive
	}
	return i
}

// result puts the items together.
func (j *judge) result(items []item) Result {
	r := Result{finding.Report{
		Suite: j.Suite.Name, SuiteSHA256: j.Suite.SHA256, Baseline: j.BlueTask.TargetGroup, Started: j.Since,
		InconclusiveAllowed: j.Suite.InconclusiveAllowed, InconclusiveAsks: j.Suite.AskFor > 0,
		Verdict: finding.Pass, Series: j.series(),
	}, j.Settled == j.Minutes()}
	for n, name := range j.watch.Items() {
		i := items[n]
		switch {
		case i.verdict == "" && j.Settled == j.Minutes():
			i.verdict = finding.Pass
		case i.verdict == "":
			i.is(finding.Inconclusive, "%s; watched for %d of %s", i.reason, j.Settled, compare.Count(j.Minutes(), "minute"))
		case i.verdict != finding.Inconclusive:
			r.Done = true
		}
		c := finding.CheckResult{
			Check: name, Place: j.Suite.Place(j.watch.At), Verdict: i.verdict, Blame: blame(i.verdict), Attempts: max(1, j.Settled), Reason: i.reason,
			Duration: time.Duration(j.Settled) * j.Minute,
		}
		for _, text := range i.excerpt {
			c.Findings = append(c.Findings, finding.Finding{
				Request: "watch", Subject: strings.TrimPrefix(name, "watch: "), Expected: "none", Got: text, Attempt: 1, Count: 1,
			})
		}
		if worst := finding.Worst(r.Verdict, c.Verdict); worst != r.Verdict {
			r.Verdict, r.Reason = worst, name+": "+c.Reason
		}
		r.Checks = append(r.Checks, c)
	}
	if r.Verdict == finding.Pass {
		r.Reason = fmt.Sprintf("watched %d things for %s, and %d more for CloudWatch's delay: %s; p95 %s", len(items),
			compare.Count(j.Settled, "minute"), Late, items[0].reason, items[2].reason)
	}
	if j.Minute != time.Minute {
		r.Reason += fmt.Sprintf(" (a minute is %s: WATCH_MINUTE)", j.Minute)
	}
	r.Blame = blame(r.Verdict)
	return r
}

func blame(v finding.Verdict) finding.Blame {
	return map[finding.Verdict]finding.Blame{
		finding.Pass: finding.BlameNone, finding.Fail: finding.BlameRelease, finding.Inconclusive: finding.BlameEnvironment,
		finding.Error: finding.BlameConfig,
	}[v]
}

func (j *judge) series() (all []finding.Series) {
	add := func(name, unit string, green, blue minutes) {
		if blue == nil {
			blue = slices.Repeat(minutes{-1}, len(green))
		}
		s := finding.Series{Name: name, Unit: unit, Start: j.Start, BlueStart: j.Start, Step: j.Minute, Green: j.green(green), Blue: j.blue(blue)}
		if j.earlier {
			s.BlueStart = j.before()
		}
		if len(green) > 0 { // else it could not be read
			all = append(all, s)
		}
	}
	add("5xx", "%", j.Green.shares(), j.Blue.shares())
	for i, name := range []string{"p50", "p95", "p99"} {
		add(name, "ms", j.Green.Percentiles[i], j.Blue.Percentiles[i])
	}
	for i, l := range j.watch.Logs {
		add("log "+l.Name, "a minute", j.Logs[i].Green, j.Logs[i].Blue)
	}
	return all
}

// shares are the minutes' errors in per cent of their requests.
func (m Metrics) shares() minutes {
	out := make(minutes, len(m.Requests))
	for i, n := range m.Requests {
		if out[i] = -1; n > 0 {
			out[i] = 100 * min(1, max(m.Errors[i], n-m.Good[i])/n)
		}
	}
	return out
}

func (m minutes) known() []float64 {
	return slices.DeleteFunc(slices.Clone(m), func(v float64) bool { return v < 0 })
}

func (m minutes) sum() int {
	sum := 0.0
	for _, v := range m.known() {
		sum += v
	}
	return int(sum)
}

func median(values []float64) float64 {
	return compare.Quantile(slices.Sorted(slices.Values(values)), 0.5)
}

func ratio(of, all int) float64 { return float64(of) / float64(max(1, all)) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(v float64) string { return compare.Length(time.Duration(v * float64(time.Millisecond))) }

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

package watch

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/greenlight-ecs/greenlight/pkg/discovery"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func watching(t *testing.T, keys string) Subject {
	t.Helper()
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(
		"version: 1\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\nwatch: {for: 10m" + keys + "}\n",
	)})
	if s == nil {
		t.Fatal(problems)
	}
	return Subject{
		Window: After(start, s.Watch, time.Minute), Suite: s, Cluster: "c", Service: "s", LoadBalancer: "app/lb/1",
		GreenTask: discovery.TaskDefinition{ARN: "arn:task-definition/s:2", Container: "app", TargetGroup: "arn:elb:targetgroup/green/2"},
		BlueTask:  discovery.TaskDefinition{ARN: "arn:task-definition/s:1", Container: "app", TargetGroup: "arn:elb:targetgroup/blue/1"},
	}
}

// served are minutes of a group with so many requests, errors and milliseconds.
func served(n int, requests, errors, p50, p95 float64) Metrics {
	values := func(v float64) minutes {
		m := flat(n, v)
		for i := range m {
			m[i] *= 1 + float64(i%5)/1000 // no ties
		}
		return m
	}
	return Metrics{
		Requests: flat(n, requests), Errors: flat(n, errors), Good: flat(n, requests-errors), Unhealthy: flat(n, 0),
		Percentiles: [3]minutes{values(p50), values(p95), values(2 * p95)},
	}
}

// then is what a side served in the ten minutes before the window, and then in it.
func then(before, in Metrics) Metrics {
	join := func(a, b minutes) minutes { return append(slices.Clone(a), b...) }
	out := Metrics{Requests: join(before.Requests, in.Requests), Errors: join(before.Errors, in.Errors), Good: join(before.Good, in.Good), Unhealthy: join(before.Unhealthy, in.Unhealthy)}
	for i := range out.Percentiles {
		out.Percentiles[i] = join(before.Percentiles[i], in.Percentiles[i])
	}
	return out
}

func flat(n int, v float64) minutes { return slices.Repeat(minutes{v}, n) }

func idle(n int) Metrics { return served(n, 0, 0, -1, -1) }

// good is a release as good as the one before it, after so many minutes.
func good(n int) Measured {
	return Measured{Settled: n, Green: then(idle(10), served(n, 100, 0, 20, 50)), Blue: then(served(10, 100, 0, 20, 50), idle(n))}
}

func TestJudge(t *testing.T) {
	logs := `, logs: [{name: errors, pattern: error}]`
	counted := func(m *Measured, green, blue float64) {
		m.Logs = []Lines{{Green: append(flat(10, 0), flat(m.Settled, green)...), Blue: append(flat(10, blue), flat(m.Settled, 0)...)}}
	}
	alarm := func(state string, at time.Time) func(*Subject, *Measured) {
		return func(_ *Subject, m *Measured) { m.Alarms = map[string]Alarm{"slow": {state, "because", at}} }
	}
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	for name, tc := range map[string]struct {
		keys    string
		settled int
		change  func(*Subject, *Measured)
		done    bool
		verdict finding.Verdict
		blame   finding.Blame
		reason  string
	}{
		"as good as blue":   {"", 10, nil, true, finding.Pass, finding.BlameNone, "watched 6 things for 10 minutes, and 3 more for CloudWatch's delay: 0 % of 1000 requests failed, blue 0 % of 1000 before; p95 50.1ms in the median minute, blue 50.1ms before"},
		"not over yet":      {"", 9, nil, false, finding.Inconclusive, finding.BlameEnvironment, "watched for 9 of 10 minutes"},
		"nothing yet":       {"", 0, nil, false, finding.Inconclusive, finding.BlameEnvironment, "green served 0 requests in 0 minutes, want 50"},
		"leaks":             {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 100, 5, 20, 50)) }, true, finding.Fail, finding.BlameRelease, "watch: 5xx: 5 % of 1000 requests failed, blue 0 % of 1000 before (Fisher p="},
		"leaks, found soon": {"", 3, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(3, 100, 15, 20, 50)) }, true, finding.Fail, finding.BlameRelease, "watch: 5xx: 15 % of 300"},
		"leaks a bit of much": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 1e6, 500, 20, 50)), then(served(10, 1e6, 0, 20, 50), idle(10))
		}, true, finding.Pass, finding.BlameNone, "0.05 % of 10000000 requests failed"},
		"leaks a tenth more, of much": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 1e5, 2200, 20, 50)), then(served(10, 1e5, 2000, 20, 50), idle(10))
		}, true, finding.Pass, finding.BlameNone, "2.2 % of 1000000"},
		"more connections failed than there were requests": {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 10, 30, 20, 50)) }, true, finding.Fail, finding.BlameRelease, "100 % of 100"},
		"no answer": {"", 10, func(_ *Subject, m *Measured) { m.Green.Good = flat(20, 90) }, true, finding.Fail, finding.BlameRelease, "watch: 5xx: 10 % of 1000 requests failed, 100 without an answer of a target, blue 0 % of 1000 before (Fisher p="},
		"no answer, of both": {"", 10, func(_ *Subject, m *Measured) {
			m.Green.Good, m.Blue.Good = flat(20, 90), flat(20, 90)
		}, true, finding.Pass, finding.BlameNone, "100 without an answer"},
		"no answer, and no blue": {", errors: 1%", 10, func(s *Subject, m *Measured) {
			s.NoBlue, m.Green.Good, m.Blue = "none", flat(20, 90), idle(20)
		}, true, finding.Inconclusive, finding.BlameEnvironment, "want at most 1 %; upgraded connections (101) look alike"},
		"requests that take long, and are still open": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 100, 0, 2e4, 2e4)), then(served(10, 100, 0, 2e4, 2e4), idle(10))
			m.Green.Good[19] = 50
		}, true, finding.Pass, finding.BlameNone, "0 % of 1000"},
		"requests that are still open": {", errors: 0%", 10, func(_ *Subject, m *Measured) { m.Green.Good[19] = 95 }, true, finding.Pass, finding.BlameNone, "0.5 % of 1000 requests failed, 5 without"},
		"both leak alike": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 100, 5, 20, 50)), then(served(10, 100, 5, 20, 50), idle(10))
		}, true, finding.Pass, finding.BlameNone, ""},
		"both leak, in the same minutes": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 100, 5, 20, 50)), then(served(10, 100, 0, 20, 50), served(10, 900, 45, 20, 50))
		}, true, finding.Pass, finding.BlameNone, "blue 5 % of 9000 in the same minutes"},
		"leaks, and blue serves hardly any more": {"", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 100, 3, 20, 50)), then(served(10, 100, 0, 20, 50), served(10, 4, 0, 20, 50))
		}, true, finding.Fail, finding.BlameRelease, "blue 0 % of 1000 before"},
		"few requests":                      {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 4, 0, 20, 50)) }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: 5xx: green served 40 requests in 10 minutes, want 50"},
		"few requests, all of which fail":   {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 4, 4, 20, 50)) }, true, finding.Fail, finding.BlameRelease, "100 % of 40"},
		"no data":                           {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 0, 0, -1, -1)) }, true, finding.Inconclusive, finding.BlameEnvironment, "green served 0 requests"},
		"requests without latencies":        {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 100, 0, -1, -1)) }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: p50: CloudWatch has no latencies: 0 minutes of green, 10 of blue"},
		"blue's requests without latencies": {"", 10, func(_ *Subject, m *Measured) { m.Blue = then(served(10, 100, 0, -1, -1), idle(10)) }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: p50: CloudWatch has no latencies: 10 minutes of green, 0 of blue"},
		"nothing to compare with":           {"", 10, func(_ *Subject, m *Measured) { m.Blue = then(served(10, 0, 0, -1, -1), idle(m.Settled)) }, true, finding.Inconclusive, finding.BlameEnvironment, "nothing to compare with: blue served 0 requests in these minutes and 0 before, want 50"},
		"a first release": {", errors: 1%", 10, func(s *Subject, m *Measured) {
			s.NoBlue, m.Blue = "there is no old release", idle(20)
		}, true, finding.Pass, finding.BlameNone, "compared with nothing: there is no old release"},
		"a first release that nothing bounds": {"", 10, func(s *Subject, m *Measured) {
			s.NoBlue, m.Blue = "there is no old release", idle(20)
		}, true, finding.Inconclusive, finding.BlameEnvironment, "watch: 5xx: 0 % of 1000 requests failed; nothing to compare with"},
		"over the bound": {", errors: 1%", 10, func(s *Subject, m *Measured) {
			s.NoBlue, m.Green, m.Blue = "none", then(idle(10), served(10, 100, 3, 20, 50)), idle(20)
		}, true, finding.Fail, finding.BlameRelease, "3 % of 1000 requests failed, want at most 1 %"},
		"over the bound, perhaps by chance": {", errors: 1%", 10, func(_ *Subject, m *Measured) {
			m.Green = then(idle(10), served(10, 10, 0, 20, 50))
			m.Green.Errors[10] = 2
		}, true, finding.Inconclusive, finding.BlameEnvironment, "2 % of 100 requests failed, blue 0 % of 1000 before, want at most 1 %; that few may be chance"},
		"over the bound, as blue is": {", errors: 1%", 10, func(_ *Subject, m *Measured) {
			m.Green, m.Blue = then(idle(10), served(10, 100, 5, 20, 50)), then(served(10, 100, 5, 20, 50), idle(10))
		}, true, finding.Inconclusive, finding.BlameEnvironment, "want at most 1 %, which blue is over, too"},
		"one error where none is borne": {", errors: 0%", 1, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(1, 100, 1, 20, 50)) }, true, finding.Fail, finding.BlameRelease, "want at most 0 %"},
		"twice as slow":                 {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 100, 0, 40, 100)) }, true, finding.Fail, finding.BlameRelease, "watch: p50: 40.1ms in the median minute, blue 20ms before (Mann-Whitney p="},
		"a tail": {"", 10, func(_ *Subject, m *Measured) {
			m.Green.Percentiles[2] = then(idle(10), served(10, 1, 0, 0, 200)).Percentiles[1]
		}, true, finding.Fail, finding.BlameRelease, "watch: p99: 200ms"},
		"slower by what nobody feels": {"", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 100, 0, 38, 60)) }, true, finding.Pass, finding.BlameNone, ""},
		"slower by less than asked":   {", min_ratio: 3, min_shift: 1ms", 10, func(_ *Subject, m *Measured) { m.Green = then(idle(10), served(10, 100, 0, 40, 100)) }, true, finding.Pass, finding.BlameNone, ""},
		"slower for too few minutes": {"", 10, func(_ *Subject, m *Measured) {
			m.Green = then(idle(10), served(10, 100, 0, 40, 100))
			for i := range m.Green.Percentiles {
				copy(m.Green.Percentiles[i][13:], flat(7, -1))
			}
		}, true, finding.Inconclusive, finding.BlameEnvironment, "3 against 10 minutes are too few to tell chance from a slower release"},
		"over the bound of p95":             {", p95: 40ms", 10, func(_ *Subject, m *Measured) { m.Blue = then(served(10, 100, 0, 20, 35), idle(m.Settled)) }, true, finding.Fail, finding.BlameRelease, "watch: p95: 50.1ms in the median minute, blue 35.1ms before, 10 of 10 minutes over 40ms"},
		"over the bound of p95, soon":       {", p95: 40ms", 6, func(_ *Subject, m *Measured) { m.Blue = then(served(10, 100, 0, 20, 35), idle(m.Settled)) }, true, finding.Fail, finding.BlameRelease, "6 of 6 minutes over 40ms"},
		"over the bound of p95, too soon":   {", p95: 40ms", 5, func(_ *Subject, m *Measured) { m.Blue = then(served(10, 100, 0, 20, 35), idle(m.Settled)) }, false, finding.Inconclusive, finding.BlameEnvironment, ""},
		"over the bound of p95, as blue is": {", p95: 40ms", 10, nil, true, finding.Inconclusive, finding.BlameEnvironment, "watch: p95: 50.1ms in the median minute, blue 50.1ms before, want at most 40ms, which blue is over, too"},
		"an unhealthy target":               {"", 1, func(_ *Subject, m *Measured) { m.Green.Unhealthy[10] = 1 }, true, finding.Fail, finding.BlameRelease, "watch: targets: 1 unhealthy at once, want at most 0"},
		"an unhealthy target that is borne": {", unhealthy_targets: 1", 10, func(_ *Subject, m *Measured) { m.Green.Unhealthy[10] = 1 }, true, finding.Pass, finding.BlameNone, ""},
		"unhealthy targets on both sides": {"", 10, func(_ *Subject, m *Measured) {
			m.Green.Unhealthy[10], m.Blue.Unhealthy[10] = 1, 1
		}, true, finding.Inconclusive, finding.BlameEnvironment, "1 unhealthy at once, want at most 0, which blue has, too"},
		"no word of targets":                      {"", 10, func(_ *Subject, m *Measured) { m.Green.Unhealthy = flat(20, -1) }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: targets: CloudWatch does not say"},
		"no word of targets for most of the time": {"", 10, func(_ *Subject, m *Measured) { copy(m.Green.Unhealthy[14:], flat(6, -1)) }, true, finding.Inconclusive, finding.BlameEnvironment, "unhealthy, but in 4 of 10 minutes"},
		"a task died":                             {"", 0, func(_ *Subject, m *Measured) { m.Stopped = []string{"OutOfMemory; app exited with 137"} }, true, finding.Fail, finding.BlameRelease, "watch: tasks: 1 task of green stopped without having been asked to, want at most 0: OutOfMemory; app exited with 137"},
		"a task that is borne": {", stopped_tasks: 1", 10, func(_ *Subject, m *Measured) {
			m.Stopped = []string{"x"}
		}, true, finding.Pass, finding.BlameNone, ""},
		"too many tasks":  {"", 10, func(_ *Subject, m *Measured) { m.ManyTasks = true }, true, finding.Inconclusive, finding.BlameEnvironment, "more tasks than are looked at"},
		"lines as before": {logs, 10, func(_ *Subject, m *Measured) { counted(m, 3, 3) }, true, finding.Pass, finding.BlameNone, "watched 7 things"},
		"many more lines": {logs, 10, func(_ *Subject, m *Measured) { counted(m, 9, 3) }, true, finding.Fail, finding.BlameRelease, "watch: log errors: 90 lines, 9 a minute, blue 30 before; more than blue for as many requests (binomial p="},
		"many more lines of many more requests": {logs, 10, func(_ *Subject, m *Measured) {
			counted(m, 9, 3)
			m.Green = then(idle(10), served(10, 300, 0, 20, 50))
		}, true, finding.Pass, finding.BlameNone, ""},
		"a tenth more of many lines": {logs, 10, func(_ *Subject, m *Measured) { counted(m, 1100, 1000) }, true, finding.Pass, finding.BlameNone, ""},
		"more lines than are borne": {`, logs: [{name: errors, pattern: error, most: 2}]`, 10, func(_ *Subject, m *Measured) {
			counted(m, 3, 1)
		}, true, finding.Fail, finding.BlameRelease, "want at most 2 a minute"},
		"more lines than are borne, soon": {`, logs: [{name: errors, pattern: error, most: 2}]`, 1, func(_ *Subject, m *Measured) {
			counted(m, 21, 1)
		}, true, finding.Fail, finding.BlameRelease, ""},
		"more lines than are borne, by blue, too": {`, logs: [{name: errors, pattern: error, most: 2}]`, 10, func(_ *Subject, m *Measured) {
			counted(m, 3, 3)
		}, true, finding.Inconclusive, finding.BlameEnvironment, "which blue is over, too"},
		"more lines than are counted":               {logs, 10, func(_ *Subject, m *Measured) { counted(m, 3, 3); m.Logs[0].Many = true }, true, finding.Inconclusive, finding.BlameEnvironment, "and more, which are not counted"},
		"lines that blue writes elsewhere":          {logs, 10, func(_ *Subject, m *Measured) { counted(m, 3, 0); m.Logs[0].Blue = nil }, true, finding.Inconclusive, finding.BlameEnvironment, "30 lines, 3 a minute; nothing to compare with: no task of blue logs there"},
		"lines that blue writes elsewhere, bounded": {`, logs: [{name: errors, pattern: error, most: 3}]`, 10, func(_ *Subject, m *Measured) { counted(m, 3, 0); m.Logs[0].Blue = nil }, true, finding.Pass, finding.BlameNone, ""},
		"lines that nobody counted":                 {logs, 10, nil, true, finding.Inconclusive, finding.BlameEnvironment, "its lines were not counted"},
		"an alarm":                                  {", alarms: [slow]", 0, alarm("ALARM", start), true, finding.Fail, finding.BlameRelease, "watch: alarm slow: ALARM since 2026-11-30T12:00:00Z: because"},
		"an alarm from before":                      {", alarms: [slow]", 10, alarm("ALARM", start.Add(-time.Second)), true, finding.Inconclusive, finding.BlameEnvironment, "from before the new release served"},
		"an alarm without data":                     {", alarms: [slow]", 10, alarm("INSUFFICIENT_DATA", start), true, finding.Inconclusive, finding.BlameEnvironment, "INSUFFICIENT_DATA since 2026"},
		"an alarm without data, yet":                {", alarms: [slow]", 5, alarm("INSUFFICIENT_DATA", start), false, finding.Inconclusive, finding.BlameEnvironment, ""},
		"an alarm in no state that is known":        {", alarms: [slow]", 10, alarm("", start), true, finding.Inconclusive, finding.BlameEnvironment, ""},
		"an alarm that is OK":                       {", alarms: [slow]", 10, alarm("OK", start), true, finding.Pass, finding.BlameNone, ""},
		"no such alarm":                             {", alarms: [slow]", 0, nil, true, finding.Error, finding.BlameConfig, "watch: alarm slow: there is no such alarm"},
		"a right is missing":                        {"", 0, func(_ *Subject, m *Measured) { m.MetricsErr = denied }, true, finding.Error, finding.BlameConfig, "AccessDenied"},
		"metrics cannot be read":                    {"", 10, func(_ *Subject, m *Measured) { m.MetricsErr = errors.New("throttled") }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: 5xx: throttled"},
		"tasks cannot be read":                      {"", 10, func(_ *Subject, m *Measured) { m.TasksErr = errors.New("throttled") }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: tasks: throttled"},
		"alarms cannot be read":                     {", alarms: [slow]", 10, func(_ *Subject, m *Measured) { m.AlarmsErr = errors.New("throttled") }, true, finding.Inconclusive, finding.BlameEnvironment, "watch: alarm slow: throttled"},
		"a rehearsal says so":                       {"", 10, func(s *Subject, _ *Measured) { s.Window = After(start, s.Suite.Watch, 2*time.Second) }, true, finding.Pass, finding.BlameNone, "(a minute is 2s: WATCH_MINUTE)"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := watching(t, tc.keys), good(tc.settled)
			if tc.change != nil {
				tc.change(&s, &m)
			}
			r := Judge(s, m)
			if r.Done != tc.done || r.Verdict != tc.verdict || tc.done && r.Blame != tc.blame || !strings.Contains(r.Reason, tc.reason) {
				t.Errorf("done %v, %s, %s: %s\nwant %v, %s, %s: %s", r.Done, r.Verdict, r.Blame, r.Reason, tc.done, tc.verdict, tc.blame, tc.reason)
			}
			var names []string
			for _, c := range r.Checks {
				names = append(names, c.Check)
				if c.Verdict == finding.Pass && r.Verdict == finding.Fail && m.Settled < 10 {
					t.Errorf("%s passed after %d minutes", c.Check, m.Settled)
				}
			}
			if !slices.Equal(names, s.Suite.Watch.Items()) {
				t.Errorf("judged %q", names)
			}
			for _, x := range r.Series {
				if len(x.Green) != m.Settled || x.Blue == nil {
					t.Errorf("%s has %d minutes of green and %v of blue", x.Name, len(x.Green), x.Blue)
				}
			}
		})
	}
}

func TestWindows(t *testing.T) {
	w := watching(t, "").Suite.Watch
	at := start.Add(10 * time.Second)
	after := After(at, w, time.Minute)
	if after.Start != start.Add(time.Minute) || after.Minutes() != 10 || after.Since != at || after.Over() != start.Add(14*time.Minute) {
		t.Errorf("%+v", after)
	}
	for left, want := range map[time.Duration]int{-time.Hour: 0, 3*time.Minute + 59*time.Second: 0, 4 * time.Minute: 1, 13 * time.Minute: 10, time.Hour: 10} {
		if got := after.settled(after.Start.Add(left)); got != want {
			t.Errorf("%d minutes are settled after %v, want %d", got, left, want)
		}
	}
	if before := Before(at, start.Add(-150*time.Second), w, time.Minute); before.Minutes() != 2 || before.Until != start {
		t.Errorf("%+v", before)
	}
	if before := Before(at, start.Add(-time.Hour), w, time.Minute); before.Minutes() != 10 {
		t.Errorf("%+v", before)
	}
	if short := After(at, w, 2*time.Second); short.Until.Sub(short.Start) != 20*time.Second {
		t.Errorf("%+v", short)
	}
}

func TestTheOnlyMinuteIsNotJudgedBeforeItIsOver(t *testing.T) {
	s := watching(t, ", logs: [{name: errors, pattern: error}]")
	if After(start, &suite.Watch{For: 61 * time.Second}, time.Minute).Minutes() != 2 {
		t.Error("a minute that is begun is not watched")
	}
	s.Until = s.Start.Add(time.Minute)
	m := Measured{Green: idle(1), Blue: served(1, 100, 0, 20, 50), Logs: []Lines{{Green: flat(1, 0), Blue: flat(1, 0)}}}
	if r := Judge(s, m); r.Done || r.Verdict != finding.Inconclusive {
		t.Errorf("done %v, %s: %s", r.Done, r.Verdict, r.Reason)
	}
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// maxLines bounds what is read of the logs, and so the memory: a deployment with a hundred checks writes some 200.
const maxLines = 50_000

type report struct {
	session
	since, prefix, format string
	back                  time.Duration // since, read
	groups                []string
}

func reportCommand(at surroundings) *cli.Command {
	r := &report{session: session{at: at}, since: "7d", format: "text"}
	return does("report", cli.Flags{
		"since": &r.since, "service": &r.service, "prefix": &r.prefix, "log-group": &r.groups, "format": &r.format,
	}, r.wrong, at.until(r.run))
}

// wrong says what is wrong with the flags.
func (r *report) wrong(_ *cli.Command, args []string) error {
	units := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}
	number, _ := strconv.ParseUint(strings.TrimRight(r.since, "dhm"), 10, 16)
	r.back = time.Duration(number) * units[strings.TrimLeft(r.since, "0123456789")]
	both := r.prefix != "" && r.groups != nil
	if r.groups == nil {
		for _, hook := range []string{"AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"} {
			r.groups = append(r.groups, "/aws/lambda/CodeDeployHook_"+cmp.Or(r.prefix, "tripmgmt")+"_"+hook)
		}
	}
	const ever = 3653 * 24 * time.Hour // CloudWatch keeps nothing longer
	return cmp.Or(
		cli.When(len(args) > 0, noArguments),
		cli.When(r.back <= 0 || r.back > ever, "--since: want a number with d, h or m, as 7d, 36h or 90m, and at most 3653d"),
		cli.When(both, "--prefix and --log-group exclude each other"),
		cli.When(r.format != "text" && r.format != "json", "--format: want text or json"),
		r.choose(false),
	)
}

func (r *report) run(ctx context.Context) int {
	if err := r.connect(ctx); err != nil {
		return r.failed(exitUnknown, "%v", err)
	}
	since, groups := time.Now().UTC().Add(-r.back), strings.Join(r.groups, ", ")
	lines, err := r.lines(ctx, since)
	if err != nil {
		return r.failed(exitUnknown, "%v; it takes the right logs:FilterLogEvents on %s", err, groups)
	}
	s := summed(lines, r.service)
	s.Since, s.Until, s.Cut = since.Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339), len(lines) >= maxLines
	if s.Cut {
		r.warn("warning: only %d lines were read, and not all is reported: want less by --since", maxLines)
	}
	if s.Deployments == 0 {
		r.warn("no verdict in %s in %s: are the gate's NamePrefix (--prefix) and the region, %s, right?",
			r.since, groups, r.aws.Region)
	}
	if r.format == "json" {
		err = diagnostic.WriteJSON(r.at.stdout, s)
	} else {
		_, err = io.WriteString(r.at.stdout, s.shown())
	}
	if err != nil {
		return r.failed(exitUnknown, "write stdout: %v", err)
	}
	return 0
}

// number is a member that is a number, when is the time of a line.
func number(l notify.Line, field string) float64 { n, _ := l[field].(float64); return n }

func when(l notify.Line) time.Time { t, _ := time.Parse(time.RFC3339, l.Text("timestamp")); return t }

// lines reads the logs. What a release wrote is made harmless here, for whatever it is printed to.
func (r *report) lines(ctx context.Context, since time.Time) (all []notify.Line, err error) {
	defer time.AfterFunc(2*time.Second, func() { r.warn("reading the logs takes a while") }).Stop()
	// AWS throttles this call early.
	r.aws.Logs = cloudwatchlogs.New(r.aws.Logs.Options(), func(o *cloudwatchlogs.Options) { o.RetryMaxAttempts = 8 })
	const pattern = `{ $.event = "verdict" || $.event = "check" || $.event = "compare" }`
	for i := 0; i < len(r.groups) && err == nil; i++ {
		err = r.aws.Lines(ctx, r.groups[i], since, pattern, func(e notify.Line) bool {
			if when(e).IsZero() {
				return true
			}
			for field, value := range e {
				_, list := value.([]any)
				if _, object := value.(map[string]any); list || object || redact.Safe(field, 0) != field {
					delete(e, field) // it is none of a hook's
				} else if text, ok := value.(string); ok {
					e[field] = redact.Safe(text, 1000)
				}
			}
			if all = append(all, e); len(all)%5_000 == 0 {
				r.warn("%d lines were read, up to %s in %s", len(all), e.Text("timestamp"), r.groups[i])
			}
			return len(all) < maxLines
		})
	}
	slices.SortStableFunc(all, notify.Line.Compare)
	return all, err
}

// became is what a verdict did to its deployment; "" is that it passed.
func became(l notify.Line) string {
	return map[notify.Kind]string{
		notify.Rollback: "would_fail_in_rollback", notify.WouldHold: "would_stop", notify.Held: "stopped", notify.Skipped: "skipped",
	}[l.Kind()]
}

// tried is what became of a check, or of a comparison, in all of its runs.
type tried struct {
	Check    string  `json:"check"`
	Runs     int     `json:"runs"`
	Failed   int     `json:"failed_runs"`
	Attempts float64 `json:"attempts"`
	Failures float64 `json:"failures"`
	// Flapped are the releases for which it both passed and failed, in one run or in two.
	Flapped []string `json:"flapped"`
	ways    map[string]int
}

// sum is what the lines say together.
type sum struct {
	Checks      []*tried                 `json:"checks"`
	Cut         bool                     `json:"cut"`
	Deployments int                      `json:"deployments"`
	Flapping    []*tried                 `json:"flapping"`
	Held        map[string][]notify.Line `json:"held"`       // by their outcome
	Silent      []string                 `json:"no_verdict"` // deployments
	Since       string                   `json:"since"`
	Until       string                   `json:"until"`
	Verdicts    map[string]int           `json:"verdicts"`
	WaitedMax   millis                   `json:"waited_max_ms"`
	WaitedHalf  millis                   `json:"waited_p50_ms"`
}

// summed sums the lines up; service, CLUSTER/SERVICE, leaves one service's.
func summed(lines []notify.Line, service string) sum {
	s := sum{
		Checks: []*tried{}, Silent: []string{}, // not null
		Verdicts: map[string]int{"PASS": 0, "FAIL": 0, "INCONCLUSIVE": 0, "ERROR": 0, "SKIPPED": 0},
		Held:     map[string][]notify.Line{"would_stop": {}, "stopped": {}, "skipped": {}, "would_fail_in_rollback": {}},
	}
	releases := map[string]string{}
	for _, e := range lines {
		if e.Text("event") == "verdict" && (service == "" || service == e.Text("cluster")+"/"+e.Text("service")) {
			releases[e.Text("deployment_id")] = cmp.Or(e.Text("release"), e.Text("deployment_id"))
		}
	}
	waited, since, failed, checks := map[string]millis{}, map[string]time.Time{}, map[string][]string{}, map[string]*tried{}
	for _, e := range lines {
		id, check := e.Text("deployment_id"), e.Text("check")
		if releases[id] == "" {
			if service == "" && !slices.Contains(s.Silent, id) {
				s.Silent = append(s.Silent, id)
			}
			continue
		}
		gate := id + " " + e.Text("lifecycle_event")
		// A run may be longer than the call that comes to its verdict: it began with its first check.
		began := when(e).Add(-time.Duration(number(e, "duration_ms")) * time.Millisecond)
		if first, ok := since[gate]; !ok || began.Before(first) {
			since[gate] = began
		}
		if e.Text("event") != "verdict" {
			checks[check] = cmp.Or(checks[check], &tried{Check: check, Flapped: []string{}, ways: map[string]int{}})
			if checks[check].add(e, releases[id]); e.Text("verdict") != "PASS" && e["observe"] != true {
				failed[gate] = append(failed[gate], check)
			}
			continue
		}
		s.Verdicts[e.Text("verdict")]++
		waited[id] += millis(when(e).Sub(since[gate]).Milliseconds())
		if to := became(e); to != "" {
			e["checks"] = append([]string{}, failed[gate]...)
			s.Held[to] = append(s.Held[to], e)
		}
		delete(since, gate)
		delete(failed, gate)
	}
	s.Checks = append(s.Checks, slices.SortedFunc(maps.Values(checks), func(a, b *tried) int {
		return cmp.Or(b.Failed-a.Failed, cmp.Compare(b.Failures, a.Failures), strings.Compare(a.Check, b.Check))
	})...)
	s.Flapping = slices.DeleteFunc(slices.Clone(s.Checks), func(t *tried) bool { return len(t.Flapped) == 0 })
	if s.Deployments = len(waited); s.Deployments > 0 {
		times := slices.Sorted(maps.Values(waited))
		s.WaitedHalf, s.WaitedMax = times[(len(times)-1)/2], times[len(times)-1]
	}
	return s
}

type millis float64

func (m millis) String() string { return time.Duration(m * 1e6).Round(100 * time.Millisecond).String() }

// add adds a run of the check, for a release.
func (t *tried) add(e notify.Line, release string) {
	attempts, failures, way := number(e, "attempts"), number(e, "failures"), map[string]int{"PASS": 1, "FAIL": 2}[e.Text("verdict")]
	if 0 < failures && failures < attempts {
		way = 3
	}
	t.Runs, t.Attempts, t.Failures = t.Runs+1, t.Attempts+attempts, t.Failures+failures
	t.Failed += map[string]int{"FAIL": 1}[e.Text("verdict")]
	if before := t.ways[release]; before < 3 && before|way == 3 {
		t.Flapped = append(t.Flapped, release)
	}
	t.ways[release] |= way
}

// shown is the sum for people. No text in it has more than a line. It is no text/template: whoever links that keeps
// every method of AWS's clients, and the program has twice its size.
func (s sum) shown() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	say("from         %v to %v\ndeployments  %v; verdicts:", s.Since, s.Until, s.Deployments)
	for _, v := range slices.Sorted(maps.Keys(s.Verdicts)) {
		say(" %s %d", v, s.Verdicts[v])
	}
	say("\nwaited       %v in half of them or less, %v in the longest\n", s.WaitedHalf, s.WaitedMax)
	for _, h := range [][2]string{
		{"would_stop", "would have been stopped"},
		{"stopped", "stopped"},
		{"skipped", "skipped"},
		{"would_fail_in_rollback", "would have failed in a rollback, which is never stopped"},
	} {
		held := s.Held[h[0]]
		say("%s: %d\n", h[1], len(held))
		for _, e := range held {
			say("  %s  %s  %s at %s, release %s of %s/%s\n    %s\n", e.Text("timestamp"), e.Text("deployment_id"), e.Text("verdict"),
				e.Text("lifecycle_event"), cmp.Or(e.Text("release"), "unknown"), e.Text("cluster"), e.Text("service"), e.Text("reason"))
			if checks := e["checks"].([]string); len(checks) > 0 {
				say("    not passed: %s\n", strings.Trim(fmt.Sprintf("%q", checks), "[]"))
			}
			if page := cmp.Or(e.Text("link"), e.Text("report")); page != "" {
				say("    %s\n", page)
			}
		}
	}
	if len(s.Silent) > 0 {
		say("no verdict, since the gate still runs or has crashed: %s\n", strings.Join(s.Silent, " "))
	}
	say("checks       %d; failed now and then: %d\n", len(s.Checks), len(s.Flapping))
	for _, t := range s.Flapping {
		say("  %s: %v of %v attempts failed, %d of %d runs; both ways for release %s\n",
			t.Check, t.Failures, t.Attempts, t.Failed, t.Runs, strings.Join(t.Flapped, " "))
	}
	return b.String()
}

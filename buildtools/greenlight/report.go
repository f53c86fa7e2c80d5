package main

import (
	"cmp"
	"context"
	"encoding/json"
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
	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// maxLines bounds what is read of the logs, and so the memory: a deployment with a hundred checks writes some 200.
const maxLines = 50_000

type report struct {
	session
	since, prefix, format string
	groups                []string
}

func reportCommand(at surroundings) *cli.Command {
	r := &report{session: session{at: at}}
	c := &cli.Command{
		Name: "report", Arguments: "[flags]",
		About: `Reports what the gate did in the last days, from its logs: what it stopped or,
with Mode=observe, would have stopped, how often it could not tell, how long
deployments waited for it, and which checks fail now and then.`,
		Example: `greenlight report --since 7d
greenlight report --since 36h --prefix trips --service trips/web --format json`,
		Exit: `0  printed, also where there is nothing to report, which is told
2  wrong flags
5  the logs cannot be read
130 interrupted`,
	}
	f := c.Group("what is reported")
	f.StringVar(&r.since, "since", "7d", "`TIME`: how far back, as 7d, 36h or 90m")
	f.StringVar(&r.service, "service", "", "`CLUSTER/SERVICE`: of one service only, on either controller")
	f = c.Group("where the gate is")
	f.StringVar(&r.prefix, "prefix", "", "`NAME`: the gate's NamePrefix (without it tripmgmt, as the template's)")
	f.StringArrayVar(&r.groups, "log-group", nil, "`NAME`: a hook's log group, in the place of the prefix's")
	c.Group("output").StringVar(&r.format, "format", "text", "`FORM`: text or json")
	c.Do = func(ctx context.Context, args []string) (int, error) {
		back, err := r.wrong(args)
		if err != nil {
			return 0, err
		}
		return at.until(ctx, func(ctx context.Context) int { return r.run(ctx, time.Now().UTC().Add(-back)) })
	}
	return c
}

// wrong says what is wrong with the flags, and how far back they go.
func (r *report) wrong(args []string) (back time.Duration, err error) {
	units := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}
	number, _ := strconv.ParseUint(strings.TrimRight(r.since, "dhm"), 10, 16)
	back = time.Duration(number) * units[strings.TrimLeft(r.since, "0123456789")]
	switch {
	case len(args) > 0:
		err = cli.Usagef("unexpected argument: everything is a flag here")
	case back <= 0 || back > 3653*24*time.Hour: // longer than CloudWatch keeps anything
		err = cli.Usagef("--since: want a number with d, h or m, as 7d, 36h or 90m, and at most 3653d")
	case r.prefix != "" && r.groups != nil:
		err = cli.Usagef("--prefix and --log-group exclude each other")
	case r.format != "text" && r.format != "json":
		err = cli.Usagef("--format: want text or json")
	case r.service != "":
		err = r.choose()
	}
	if r.groups == nil {
		for _, hook := range []string{"AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"} {
			r.groups = append(r.groups, "/aws/lambda/CodeDeployHook_"+cmp.Or(r.prefix, "tripmgmt")+"_"+hook)
		}
	}
	return back, err
}

func (r *report) run(ctx context.Context, since time.Time) int {
	if err := r.connect(ctx); err != nil {
		return r.failed(exitUnknown, err)
	}
	groups := strings.Join(r.groups, ", ")
	lines, err := r.lines(ctx, since)
	if err != nil {
		return r.failed(exitUnknown, fmt.Errorf("%w; it takes the right logs:FilterLogEvents on %s", err, groups))
	}
	if len(lines) >= maxLines {
		say(r.at.stderr, "greenlight: warning: only %d lines were read, and not all is reported: want less by --since", maxLines)
	}
	s := summed(lines, r.service)
	s["since"], s["until"], s["cut"] = since.Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339), len(lines) >= maxLines
	if s["deployments"] == 0 {
		say(r.at.stderr, "greenlight: no verdict in %s in %s: are the gate's NamePrefix (--prefix) and the region, %s, right?",
			r.since, groups, r.aws.Region)
	}
	if r.format == "json" {
		err = diagnostic.WriteJSON(r.at.stdout, s)
	} else {
		_, err = io.WriteString(r.at.stdout, shown(s))
	}
	if err != nil {
		return r.failed(exitUnknown, fmt.Errorf("write stdout: %w", err))
	}
	return 0
}

// entry is a line of a hook's log, with its fields: a verdict, a check or a comparison.
type entry map[string]any

func (e entry) text(field string) string    { s, _ := e[field].(string); return s }
func (e entry) number(field string) float64 { n, _ := e[field].(float64); return n }
func (e entry) time() time.Time             { t, _ := time.Parse(time.RFC3339, e.text("timestamp")); return t }

// lines reads the logs. What a release wrote is made harmless here, for whatever it is printed to.
func (r *report) lines(ctx context.Context, since time.Time) (all []entry, err error) {
	defer time.AfterFunc(2*time.Second, func() { say(r.at.stderr, "greenlight: reading the logs takes a while") }).Stop()
	// AWS throttles this call early.
	r.aws.Logs = cloudwatchlogs.New(r.aws.Logs.Options(), func(o *cloudwatchlogs.Options) { o.RetryMaxAttempts = 8 })
	const pattern = `{ $.event = "verdict" || $.event = "check" || $.event = "compare" }`
	for i := 0; i < len(r.groups) && err == nil; i++ {
		err = r.aws.Lines(ctx, r.groups[i], since, pattern, func(line string) bool {
			var e entry
			if json.Unmarshal([]byte(line), &e) != nil || e.time().IsZero() {
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
				say(r.at.stderr, "greenlight: %d lines were read, up to %s in %s", len(all), e.text("timestamp"), r.groups[i])
			}
			return len(all) < maxLines
		})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.text("timestamp"), b.text("timestamp")) })
	return all, err
}

// outcome is what a verdict did to its deployment; "" is that it passed.
func (e entry) outcome() string {
	switch would := strings.HasPrefix(e.text("reason"), "WOULD FAIL: "); {
	case would && e.text("mode") == "rollback":
		return "would_fail_in_rollback"
	case would:
		return "would_stop"
	case e.text("status") != "Succeeded":
		return "stopped"
	case e.text("verdict") == "SKIPPED":
		return "skipped"
	}
	return ""
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

// summed sums the lines up, as it is printed; service, CLUSTER/SERVICE, leaves one service's.
func summed(lines []entry, service string) map[string]any {
	verdicts := map[string]int{"PASS": 0, "FAIL": 0, "INCONCLUSIVE": 0, "ERROR": 0, "SKIPPED": 0}
	held := map[string][]entry{"would_stop": {}, "stopped": {}, "skipped": {}, "would_fail_in_rollback": {}}
	releases, silent := map[string]string{}, []string{}
	for _, e := range lines {
		if e.text("event") == "verdict" && (service == "" || service == e.text("cluster")+"/"+e.text("service")) {
			releases[e.text("deployment_id")] = cmp.Or(e.text("release"), e.text("deployment_id"))
		}
	}
	waited, since, failed, checks := map[string]millis{}, map[string]time.Time{}, map[string][]string{}, map[string]*tried{}
	for _, e := range lines {
		id, check := e.text("deployment_id"), e.text("check")
		if releases[id] == "" {
			if service == "" && !slices.Contains(silent, id) {
				silent = append(silent, id)
			}
			continue
		}
		gate := id + " " + e.text("lifecycle_event")
		// A run may be longer than the call that comes to its verdict: it began with its first check.
		began := e.time().Add(-time.Duration(e.number("duration_ms")) * time.Millisecond)
		if first, ok := since[gate]; !ok || began.Before(first) {
			since[gate] = began
		}
		if e.text("event") != "verdict" {
			checks[check] = cmp.Or(checks[check], &tried{Check: check, Flapped: []string{}, ways: map[string]int{}})
			if checks[check].add(e, releases[id]); e.text("verdict") != "PASS" && e["observe"] != true {
				failed[gate] = append(failed[gate], check)
			}
			continue
		}
		verdicts[e.text("verdict")]++
		waited[id] += millis(e.time().Sub(since[gate]).Milliseconds())
		if to := e.outcome(); to != "" {
			e["checks"] = append([]string{}, failed[gate]...)
			held[to] = append(held[to], e)
		}
		delete(since, gate)
		delete(failed, gate)
	}
	all := slices.SortedFunc(maps.Values(checks), func(a, b *tried) int {
		return cmp.Or(b.Failed-a.Failed, cmp.Compare(b.Failures, a.Failures), strings.Compare(a.Check, b.Check))
	})
	times := append(slices.Sorted(maps.Values(waited)), 0) // at least one
	return map[string]any{
		"deployments": len(waited), "verdicts": verdicts, "held": held, "no_verdict": silent, "checks": append([]*tried{}, all...),
		"waited_p50_ms": times[max(len(waited)-1, 0)/2], "waited_max_ms": times[max(len(waited)-1, 0)],
		"flapping": slices.DeleteFunc(append([]*tried{}, all...), func(t *tried) bool { return len(t.Flapped) == 0 }),
	}
}

type millis float64

func (m millis) String() string { return time.Duration(m * 1e6).Round(100 * time.Millisecond).String() }

// add adds a run of the check, for a release.
func (t *tried) add(e entry, release string) {
	attempts, failures, way := e.number("attempts"), e.number("failures"), map[string]int{"PASS": 1, "FAIL": 2}[e.text("verdict")]
	if 0 < failures && failures < attempts {
		way = 3
	}
	t.Runs, t.Attempts, t.Failures = t.Runs+1, t.Attempts+attempts, t.Failures+failures
	t.Failed += map[string]int{"FAIL": 1}[e.text("verdict")]
	if before := t.ways[release]; before < 3 && before|way == 3 {
		t.Flapped = append(t.Flapped, release)
	}
	t.ways[release] |= way
}

// shown is the sum for people. No text in it has more than a line. It is no text/template: whoever links that keeps
// every method of AWS's clients, and the program has twice its size.
func shown(s map[string]any) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	say("from         %v to %v\ndeployments  %v; verdicts:", s["since"], s["until"], s["deployments"])
	verdicts := s["verdicts"].(map[string]int)
	for _, v := range slices.Sorted(maps.Keys(verdicts)) {
		say(" %s %d", v, verdicts[v])
	}
	say("\nwaited       %v in half of them or less, %v in the longest\n", s["waited_p50_ms"], s["waited_max_ms"])
	for _, h := range [][2]string{
		{"would_stop", "would have been stopped"},
		{"stopped", "stopped"},
		{"skipped", "skipped"},
		{"would_fail_in_rollback", "would have failed in a rollback, which is never stopped"},
	} {
		held := s["held"].(map[string][]entry)[h[0]]
		say("%s: %d\n", h[1], len(held))
		for _, e := range held {
			say("  %s  %s  %s at %s, release %s of %s/%s\n    %s\n", e.text("timestamp"), e.text("deployment_id"), e.text("verdict"),
				e.text("lifecycle_event"), cmp.Or(e.text("release"), "unknown"), e.text("cluster"), e.text("service"), e.text("reason"))
			if checks := e["checks"].([]string); len(checks) > 0 {
				say("    not passed: %s\n", strings.Trim(fmt.Sprintf("%q", checks), "[]"))
			}
			if page := cmp.Or(e.text("link"), e.text("report")); page != "" {
				say("    %s\n", page)
			}
		}
	}
	if silent := s["no_verdict"].([]string); len(silent) > 0 {
		say("no verdict, since the gate still runs or has crashed: %s\n", strings.Join(silent, " "))
	}
	flapping := s["flapping"].([]*tried)
	say("checks       %d; failed now and then: %d\n", len(s["checks"].([]*tried)), len(flapping))
	for _, t := range flapping {
		say("  %s: %v of %v attempts failed, %d of %d runs; both ways for release %s\n",
			t.Check, t.Failures, t.Attempts, t.Failed, t.Runs, strings.Join(t.Flapped, " "))
	}
	return b.String()
}

package view_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/view"
)

func render(t *testing.T, r rehearsal.Result) string {
	t.Helper()
	var b strings.Builder
	if err := view.WritePage(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// shifted is a good release in a canary deployment.
func shifted(t *testing.T) rehearsal.Result {
	t.Helper()
	began := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	r := rehearsal.Result{
		Greenlight: "v0.2.0", Outcome: rehearsal.Shifted, Release: "1.1.0", Baseline: "1.0.0", DeploymentID: "d-ABCDEFGH1",
		Image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trips:1.1.0", Suite: "test/smoke.yaml", SuiteSHA256: strings.Repeat("0123456789abcdef", 4),
		Started: began, Duration: 3 * time.Second,
		Shifts: []rehearsal.Shift{
			{Since: ms(50), Listener: "production"},
			{Since: ms(50), Listener: "test"},
			{Since: ms(400), Listener: "test", Green: 100},
			{Since: ms(1200), Listener: "production", Green: 10},
			{Since: ms(2000), Listener: "production", Green: 100},
		},
		Traffic: rehearsal.Traffic{Rate: 50, Sent: 150},
	}
	for i, name := range lifecycle.All() {
		r.Lifecycle = append(r.Lifecycle, rehearsal.LifecycleEvent{Event: deployment.Event{
			Name: name, Status: deployment.EventSucceeded, Started: began.Add(ms(200 * i)), Ended: began.Add(ms(200 * (i + 1))),
		}})
		end := rehearsal.Event{Kind: rehearsal.KindEnd, Lifecycle: name, Status: deployment.EventSucceeded, Since: ms(200 * (i + 1))}
		if name == lifecycle.BeforeInstall || name == lifecycle.AfterInstall || name == lifecycle.AfterAllowTraffic {
			last := &r.Lifecycle[i]
			last.Ended, last.Message, end.Text = last.Started.Add(4*time.Microsecond), rehearsal.NoHook, rehearsal.NoHook
		}
		r.Timeline = append(r.Timeline, end)
	}
	for i := range 300 {
		release, listener := "1.0.0", "production"
		if i > 200 || i > 120 && i%10 == 0 {
			release = "1.1.0"
		}
		if i%5 == 4 {
			release, listener = "1.1.0", "test"
		}
		r.AccessLog = append(r.AccessLog, alb.Request{
			At: began.Add(ms(10 * i)), Listener: listener, Release: release, Method: "GET", Path: "/api/trips", Status: 200,
			Duration: time.Duration(500+(i*7919)%3000) * time.Microsecond,
		})
	}
	r.Requests = []alb.Tally{{Listener: "production", Release: "1.0.0", Requests: 150}, {Listener: "production", Release: "1.1.0", Requests: 90}, {Listener: "test", Release: "1.1.0", Requests: 60}}
	checks := []finding.CheckResult{{Check: "list trips", Verdict: finding.Pass, Attempts: 5, Latencies: []time.Duration{ms(1), ms(2), ms(3), ms(4), ms(30)}, Place: diagnostic.Place{File: "smoke.yaml", Line: 26}}}
	r.Hooks = []rehearsal.HookResult{{
		Event: lifecycle.AfterAllowTestTraffic, Function: "gate", Status: deployment.EventSucceeded, Reported: true, Duration: ms(180),
		Verdict: &rehearsal.Verdict{Verdict: "PASS", Reason: "1 check passed"},
		Report:  encode(t, finding.Report{Suite: "trips", Verdict: finding.Pass, Checks: checks}),
	}, {
		Event: lifecycle.BeforeAllowTraffic, Function: "last-gate", Status: deployment.EventSucceeded, Reported: true, Duration: ms(90),
		Verdict: &rehearsal.Verdict{Verdict: "PASS"},
		Checks:  []rehearsal.Check{{Name: "report", Verdict: "PASS", Compare: &rehearsal.Compare{Pairs: 60, GreenP95: 2.5, BlueP95: 2.4}}},
	}}
	return r
}

// rolledBack is a release that breaks one route.
func rolledBack(t *testing.T) rehearsal.Result {
	t.Helper()
	r := shifted(t)
	r.Outcome, r.RollbackID = rehearsal.RolledBack, "d-ABCDEFGH2"
	r.FailedEvent, r.FailedCheck = lifecycle.AfterAllowTestTraffic, "list trips"
	r.Why = `check "list trips": 5 of 5 attempts failed: GET /api/trips: status: expected 200, got 500`
	r.Requests = []alb.Tally{{Listener: "production", Release: "1.0.0", Requests: 240}, {Listener: "test", Release: "1.1.0", Requests: 60, Errors: 12}}
	for i := range r.AccessLog {
		if r.AccessLog[i].Listener == "production" {
			r.AccessLog[i].Release = "1.0.0"
		} else if i%3 == 0 {
			r.AccessLog[i].Status = 500
		}
	}
	for i := range r.Lifecycle {
		switch {
		case r.Lifecycle[i].Name == lifecycle.AfterAllowTestTraffic:
			r.Lifecycle[i].Status, r.Lifecycle[i].Message = deployment.EventFailed, deployment.TextHookFailed
		case i > 4:
			r.Lifecycle[i] = rehearsal.LifecycleEvent{Event: deployment.Event{Name: r.Lifecycle[i].Name, Status: deployment.EventSkipped}}
		}
	}
	h := r.Hooks[0]
	r.Messages = []rehearsal.Message{{
		Kind: notify.Held, Subject: "Greenlight: trips 1.1.0 held back: list trips",
		Mail: "trips 1.1.0 held back: list trips\n\nlist trips FAIL: 5 of 5 attempts failed\nWhose fault: the release's\nVerdict: FAIL\nNext: greenlight status --deployment d-ABCDEFGH1\n",
		Forms: map[string]json.RawMessage{
			"Slack": []byte(`{"text":"to Slack"}`), "Teams": []byte(`{"type":"to Teams"}`), "Amazon Q Developer": []byte(`{"version":"to Amazon Q"}`), "EventBridge": []byte(`{"detail-type":"to EventBridge"}`),
		},
	}}
	h.Status, h.Verdict = deployment.EventFailed, &rehearsal.Verdict{Verdict: "FAIL", Blame: "release", Reason: r.Why}
	h.Report = encode(t, finding.Report{Suite: "trips", Verdict: finding.Fail, Checks: []finding.CheckResult{{
		Check: "list trips", Verdict: finding.Fail, Attempts: 5, Failures: 5, Reason: r.Why, Latencies: []time.Duration{ms(1), ms(2)},
		Findings: []finding.Finding{{Request: "GET /api/trips", Attempt: 1, Subject: "status", Expected: "200", Got: "500", Excerpt: `{"error":"no such table"}`, Count: 5}},
	}}})
	r.Hooks = []rehearsal.HookResult{h}
	for i := range 40 {
		r.Timeline = append(r.Timeline, rehearsal.Event{Kind: rehearsal.KindLog, Source: "green/1", Since: ms(i), Text: fmt.Sprintf("log line %d %s", i, strings.Repeat("word ", 40))})
	}
	return r
}

// hostile has markup and endless words wherever a server, a command or a file could have put them.
func hostile(t *testing.T) rehearsal.Result {
	t.Helper()
	evil := `</script><script>document.title='owned'</script><img src=x onerror="document.title='owned'">` + strings.Repeat("W", 200)
	r := rolledBack(t)
	r.Release, r.Baseline, r.Why, r.DeploymentID, r.FailedEvent = evil, evil+"2", evil, evil, lifecycle.Name(evil)
	r.Outcome = rehearsal.Outcome(evil)
	r.Image, r.Suite, r.SuiteSHA256, r.Greenlight = evil, evil, evil, evil
	r.Traffic.FirstFailure, r.Missed = evil, []string{evil}
	for i := range r.Lifecycle {
		r.Lifecycle[i].Message, r.Lifecycle[i].Name = evil, lifecycle.Name(evil)
		r.Lifecycle[i].Status = deployment.EventStatus(evil)
	}
	for i := range r.Timeline {
		r.Timeline[i].Text, r.Timeline[i].Source = evil, evil
	}
	r.Requests = []alb.Tally{{Listener: evil, Release: evil}}
	r.Hooks[0].Function, r.Hooks[0].Event, r.Hooks[0].Attempts = evil, lifecycle.Name(evil), []string{evil}
	r.Hooks[0].Report = encode(t, finding.Report{Suite: evil, Verdict: finding.Verdict(evil), Checks: []finding.CheckResult{{Check: evil, Verdict: finding.Verdict(evil), Reason: evil, Latencies: []time.Duration{ms(1)}}}})
	quoted, _ := json.Marshal([]string{evil})
	r.Messages = []rehearsal.Message{{Kind: notify.Kind(evil), Subject: evil, Mail: evil + "\n\n" + evil, Forms: map[string]json.RawMessage{"Slack": quoted, evil: quoted}}}
	r.Hooks = append(r.Hooks, rehearsal.HookResult{Event: "x", Checks: []rehearsal.Check{{Name: evil, Verdict: evil, Reason: evil}}, Verdict: &rehearsal.Verdict{Verdict: evil, Reason: evil}})
	return r
}

func encode(t *testing.T, r finding.Report) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// full is a disk without room.
type full struct{}

const errFull = diskError("no space left on device")

type diskError string

func (e diskError) Error() string { return string(e) }

func (full) Write([]byte) (int, error) { return 0, errFull }

func pageTo(w full, t *testing.T) error {
	t.Helper()
	return view.WritePage(w, shifted(t))
}

package functions_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheLogsMembers holds each event's members by name: queries, dashboards and alarms are written
// against them.
func TestTheLogsMembers(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, before, c.url, "LOG_LEVEL=error")
	d, event := c.deploy(before, serve(t, good()), serve(t, old()), suite{more: compared}.text())
	a := e.invoke(event, time.Minute)
	judged(t, a, d)
	for event, members := range map[string]string{
		"check":    "check verdict attempts failures duration_ms observe reason",
		"compare":  "check verdict pairs green_p50_ms blue_p50_ms green_p95_ms blue_p95_ms green_errors blue_errors reason",
		"verdict":  "verdict status blame reason release suite suite_sha256 checks_passed checks_failed duration_ms mode target proof judged_by baseline",
		"reported": "status attempts outcome",
	} {
		want := append(strings.Fields(members), "timestamp", "level", "event", "deployment_id", "lifecycle_event")
		slices.Sort(want)
		lines := a.lines(t, event)
		if len(lines) == 0 {
			t.Errorf("there is no line of event %s, with LOG_LEVEL=error: a gate is never silent", event)
		}
		for _, l := range lines {
			if got := slices.Sorted(maps.Keys(l)); !slices.Equal(got, want) {
				t.Errorf("event %s has %v\nwant %v", event, got, want)
			}
			if _, err := time.Parse(time.RFC3339Nano, l.text("timestamp")); err != nil {
				t.Error(err)
			}
		}
	}
	if got := len(a.lines(t, "verdict")); got != 1 {
		t.Errorf("%d verdict lines", got)
	}
	for _, l := range a.lines(t, "note") {
		t.Errorf("a note at LOG_LEVEL=error: %v", l)
	}
}

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
	for _, e := range loggedEvents() {
		if e.event == "note" || e.event == "ask" {
			continue // there is none at LOG_LEVEL=error, see below; this suite does not ask
		}
		event, members := e.event, e.members
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

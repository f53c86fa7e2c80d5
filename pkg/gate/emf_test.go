package gate

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func sample(metrics ...metric) document {
	return document{
		Namespace:  "Greenlight",
		Time:       time.UnixMilli(1_790_000_000_123),
		Dimensions: []dimension{{"Application", "trips"}, {"LifecycleEvent", ""}},
		Sets:       [][]string{{"Application", "LifecycleEvent"}, {"LifecycleEvent"}},
		Metrics:    metrics,
		Members:    map[string]any{"event": "metrics"},
	}
}

func TestOneLine(t *testing.T) {
	lines, err := sample(
		metric{Name: "GateFailed", Unit: count, Values: []float64{0}},
		metric{Name: "CheckDuration", Unit: milliseconds, Values: []float64{1.5, 2}},
	).lines()
	if err != nil || len(lines) != 1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	const want = `{"Application":"trips","CheckDuration":[1.5,2],"GateFailed":0,"LifecycleEvent":"unknown",` +
		`"_aws":{"CloudWatchMetrics":[{"Namespace":"Greenlight","Dimensions":[["Application","LifecycleEvent"],["LifecycleEvent"]],` +
		`"Metrics":[{"Name":"GateFailed","Unit":"Count"},{"Name":"CheckDuration","Unit":"Milliseconds"}]}],"Timestamp":1790000000123},"event":"metrics"}`
	if got := string(lines[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMoreThanAHundredValuesTakeMoreLines(t *testing.T) {
	lines, err := sample(
		metric{Name: "GatePassed", Unit: count, Values: []float64{1}},
		metric{Name: "CheckDuration", Unit: milliseconds, Values: make([]float64, 250)},
	).lines()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v, want 3", len(lines), err)
	}
	passed, values := 0, 0
	for _, line := range lines {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		if _, ok := m["GatePassed"]; ok {
			passed++
		}
		values += len(m["CheckDuration"].([]any))
	}
	if passed != 1 || values != 250 {
		t.Errorf("GatePassed stands %d times and there are %d durations, want 1 and 250", passed, values)
	}
}

func TestWhatCloudWatchWouldDropIsAnError(t *testing.T) {
	bad := sample(metric{Name: "X", Unit: count, Values: []float64{math.NaN()}})
	if _, err := bad.lines(); err == nil {
		t.Error("NaN was accepted")
	}
	bad = sample()
	bad.Namespace = ""
	if _, err := bad.lines(); err == nil {
		t.Error("an empty namespace was accepted")
	}
}

func TestADimensionIsMadeOfWhatCloudWatchTakes(t *testing.T) {
	for value, want := range map[string]string{"": "unknown", " \t": " ?", "  ": "unknown", "Grüße": "Gr??e", "a\nb": "a?b", "trips-1": "trips-1"} {
		d := sample(metric{Name: "X", Unit: count, Values: []float64{1}})
		d.Dimensions[0].Value = value
		lines, err := d.lines()
		var m struct{ Application string }
		if err != nil || json.Unmarshal(lines[0], &m) != nil || m.Application != want {
			t.Errorf("%q: %q, %v, want %q", value, m.Application, err, want)
		}
	}
}

func TestALongDimensionIsCut(t *testing.T) {
	d := sample(metric{Name: "X", Unit: count, Values: []float64{1}})
	d.Dimensions[0].Value = strings.Repeat("é", 2000)
	lines, err := d.lines()
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Application string }
	if err := json.Unmarshal(lines[0], &m); err != nil || len([]rune(m.Application)) != 1024 {
		t.Errorf("dimension of %d characters, %v, want 1024", len([]rune(m.Application)), err)
	}
}

package rehearsal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHookLine(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want Event
	}{
		"a check": {
			`{"timestamp":"t","level":"error","event":"check","check":"trips","verdict":"FAIL","attempts":10,"failures":4,"duration_ms":1.5,"observe":true,"reason":"status 500"}`,
			Event{Kind: KindCheck, Check: &Check{Name: "trips", Verdict: "FAIL", Attempts: 10, Failures: 4, Duration: 1_500_000, Observe: true, Reason: "status 500"}},
		},
		"a comparison": {
			`{"event":"compare","check":"report","verdict":"PASS","pairs":60,"green_p50_ms":0.5,"blue_p50_ms":0.6,"green_p95_ms":1,"blue_p95_ms":2,"green_errors":1,"blue_errors":3}`,
			Event{Kind: KindCheck, Check: &Check{Name: "report", Verdict: "PASS", Compare: &Compare{60, 0.5, 0.6, 1, 2, 1, 3}}},
		},
		"the verdict": {
			`{"event":"verdict","verdict":"FAIL","status":"Failed","blame":"release","reason":"trips","release":"1.1.0","suite":"s","checks_passed":5,"checks_failed":1}`,
			Event{Kind: KindVerdict, Verdict: &Verdict{"FAIL", "Failed", "release", "trips", "1.1.0", "s", 5, 1, 0, "", ""}},
		},
		"a question": {
			`{"level":"warn","event":"ask","reason":"blue is ill","approve":"greenlight approve"}`,
			Event{Kind: KindLog, Text: "asks for approval: blue is ill; greenlight approve"},
		},
		"metrics":              {`{"_aws":{"Timestamp":1},"GateFailed":1}`, Event{}},
		"the report":           {`{"event":"reported","status":"Failed","outcome":"stored"}`, Event{}},
		"a message":            {`{"level":"warn","message":"no label"}`, Event{Kind: KindLog, Text: "no label"}},
		"a debug message":      {`{"level":"debug","message":"asked"}`, Event{}},
		"text":                 {`panic: nil map`, Event{Kind: KindLog, Text: "panic: nil map"}},
		"JSON of another kind": {`{"event":7}`, Event{Kind: KindLog, Text: `{"event":7}`}},
		"an object unknown":    {`{"a":1}`, Event{Kind: KindLog, Text: `{"a":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseHookLine(c.line)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package rehearsal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHookLine(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want hookLine
	}{
		"a check": {
			`{"timestamp":"t","level":"error","event":"check","check":"trips","verdict":"FAIL","attempts":10,"failures":4,"duration_ms":1.5,"observe":true,"reason":"status 500"}`,
			hookLine{check: &Check{Name: "trips", Verdict: "FAIL", Attempts: 10, Failures: 4, Duration: 1_500_000, Observe: true, Reason: "status 500"}},
		},
		"a comparison": {
			`{"event":"compare","check":"report","verdict":"PASS","pairs":60,"green_p50_ms":0.5,"blue_p50_ms":0.6,"green_p95_ms":1,"blue_p95_ms":2,"green_errors":1,"blue_errors":3}`,
			hookLine{check: &Check{Name: "report", Verdict: "PASS", Compare: &Compare{60, 0.5, 0.6, 1, 2, 1, 3}}},
		},
		"the verdict": {
			`{"event":"verdict","verdict":"FAIL","status":"Failed","blame":"release","reason":"trips","release":"1.1.0","suite":"s","checks_passed":5,"checks_failed":1}`,
			hookLine{verdict: &Verdict{"FAIL", "Failed", "release", "trips", "1.1.0", "s", 5, 1, 0, "", ""}},
		},
		"a question": {
			`{"level":"warn","event":"ask","reason":"blue is ill","approve":"greenlight approve"}`,
			hookLine{text: "asks for approval: blue is ill; greenlight approve"},
		},
		"metrics":              {`{"_aws":{"Timestamp":1},"GateFailed":1}`, hookLine{quiet: true}},
		"the report":           {`{"event":"reported","status":"Failed","outcome":"stored"}`, hookLine{quiet: true}},
		"a message":            {`{"level":"warn","message":"no label"}`, hookLine{text: "no label"}},
		"a debug message":      {`{"level":"debug","message":"asked"}`, hookLine{text: "asked", quiet: true}},
		"text":                 {`panic: nil map`, hookLine{text: "panic: nil map"}},
		"JSON of another kind": {`{"event":7}`, hookLine{text: `{"event":7}`}},
		"an object unknown":    {`{"a":1}`, hookLine{text: `{"a":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseHookLine(c.line), cmp.AllowUnexported(hookLine{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

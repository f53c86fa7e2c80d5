package smoke_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

func TestACaptureTakesTheOneValueThatIsThere(t *testing.T) {
	for body, want := range map[string]string{
		`{"items":[{"id":7}]}`:          "/7",
		`{"items":[{"id":"x"}]}`:        "/x",
		`{"items":[{"id":true}]}`:       "/true",
		`{"items":[{"id":1},{"id":2}]}`: "2 values",
		`{"items":[{"id":1},{"id":1}]}`: "2 values",
		`{"items":[]}`:                  "nothing there",
		`{"items":[{"id":null}]}`:       "null",
		`{"items":[{"id":[1]}]}`:        "[1]",
		`{"items":[{"id":{"a":1}}]}`:    `{"a":1}`,
	} {
		t.Run(body, func(t *testing.T) {
			asked := ""
			r := judged(t, `version: 1
checks:
  - name: flow
    attempts: 1
    steps:
      - request: /items
        capture: {id: "$.items[*].id"}
      - request: /items/${id}
        expect: {status: 200}
`, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.Path
				_, _ = io.WriteString(w, body)
			}))
			if strings.HasPrefix(want, "/") {
				if r.Verdict != finding.Pass || asked != "/items"+want {
					t.Errorf("%s: %s; the last asked for was %s", r.Verdict, r.Reason, asked)
				}
				return
			}
			f := r.Checks[0].Findings
			if r.Verdict != finding.Fail || asked != "/items" || len(f) != 1 || f[0].Expected != "one value at $.items[*].id" || f[0].Got != want {
				t.Errorf("%s: %s: %+v; the last asked for was %s", r.Verdict, r.Reason, f, asked)
			}
		})
	}
}

// Steps may share one expectation by an alias: then only their number tells their findings apart.
func TestWhatTwoStepsFindIsToldOfBoth(t *testing.T) {
	r := judged(t, `version: 1
checks:
  - name: flow
    attempts: 3
    steps:
      - request: /a
        expect: &ok {status: 200}
      - request: DELETE /a
        always: true
        expect: *ok
`, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	got := ""
	for _, f := range r.Checks[0].Findings {
		got += fmt.Sprintf("%d× step %d %s, ", f.Count, f.Step, f.Request)
	}
	if want := "3× step 1 GET /a, 3× step 2 DELETE /a, "; r.Verdict != finding.Fail || got != want {
		t.Errorf("%s: got %swant %s", r.Verdict, got, want)
	}
}

// Findings are one only where place, subject, what was expected and what came are the same.
func TestOnlyTheSameFindingIsCounted(t *testing.T) {
	n := 0
	r := judged(t, `version: 1
checks:
  - name: c
    request: /
    attempts: 4
    expect: {json: {$.a: &one {equals: 1, min: 1}, $.b: *one}, headers: {X-A: &a {contains: a, not: b}, X-B: *a}}
`, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-A", "b")
		w.Header().Set("X-B", "b")
		n++
		_, _ = fmt.Fprintf(w, `{"a":%d,"b":0}`, -(n % 2))
	}))
	got := map[string]int{}
	for _, f := range r.Checks[0].Findings {
		got[f.Subject+" "+f.Expected+" "+f.Got] = f.Count
	}
	want := map[string]int{
		`json $.a 1 -1`: 2, `json $.a 1 0`: 2, `json $.a at least 1 -1`: 2, `json $.a at least 1 0`: 2,
		`json $.b 1 0`: 4, `json $.b at least 1 0`: 4,
		`header X-A contains "a" "b"`: 4, `header X-A not "b" "b"`: 4, `header X-B contains "a" "b"`: 4, `header X-B not "b" "b"`: 4,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

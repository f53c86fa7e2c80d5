package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func TestASuiteSaysWhatItAsks(t *testing.T) {
	for name, c := range map[string]struct {
		suite string
		want  []string
	}{
		"checks, flows, comparisons": {`version: 1
name: trips
readiness: {checks: [health]}
checks:
  - {name: health, request: "GET /health?deep=1", expect: {status: 200}}
  - {name: watched, request: GET /beta, observe: true, expect: {status: 200}}
  - name: flow
    steps:
      - {request: POST /trips, json: {a: 1}, expect: {status: 201}, capture: {id: $.id}}
      - {request: "GET /trips/${id}", expect: {status: 200}}
compare:
  - {name: report, request: GET /report, expect: {status: 200}}
`, []string{
			"health 0 GET /health ready 5",
			"watched 0 GET /beta observe 6",
			"flow 1 POST /trips 9",
			"flow 2 GET /trips/${id} 10",
			"report 0 GET /report compared 12",
		}},
		"readiness by the release": {`version: 1
name: trips
checks:
  - {name: version, request: GET /version, expect: {body: {contains: "${RELEASE}"}}}
  - {name: home, request: GET /, expect: {status: 200}}
`, []string{"version 0 GET /version ready 4", "home 0 GET / 5"}},
		"readiness by the home page": {`version: 1
name: trips
checks:
  - {name: list, request: GET /trips, expect: {status: 200}}
`, []string{"list 0 GET /trips 4", "GET / below 500 0 GET / ready 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			suite, problems := suite.Read(suite.Source{Name: "smoke.yaml", Text: []byte(c.suite)})
			if suite == nil {
				t.Fatal(problems)
			}
			var got []string
			for _, a := range suite.Requests() {
				line := fmt.Sprintf("%s %d %s %s", a.Check, a.Step, a.Method, a.Path)
				for word, is := range map[string]bool{" ready": a.Ready, " observe": a.Observe, " compared": a.Compared} {
					if is {
						line += word
					}
				}
				got = append(got, fmt.Sprintf("%s %d", line, a.Place.Line))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("asks (-want +got):\n%s", d)
			}
			if strings.Contains(fmt.Sprint(got), "?") {
				t.Error("a query is no part of a route")
			}
		})
	}
}

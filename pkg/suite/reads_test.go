package suite_test

import (
	"slices"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func TestReadPathsAreWhatAnybodyMayAsk(t *testing.T) {
	suite, problems := suite.Read(suite.Source{Name: "smoke.yaml", Text: []byte(`version: 1
name: reads
variables: {ID: t-1}
host: trips.example
checks:
  - {name: list, request: GET /api/trips, expect: {status: 200}}
  - {name: list again, request: GET /api/trips, expect: {status: 200, latency: 1s}}
  - {name: version, request: /version, expect: {json: {$.version: "${RELEASE}"}}}
  - {name: one, request: "GET /api/trips/${ID}", expect: {status: 200}}
  - {name: head, request: HEAD /health, expect: {status: 200}}
  - {name: new, request: POST /api/trips, json: {title: x}, expect: {status: 201}}
  - name: flow
    steps:
      - {request: GET /flow, expect: {status: 200}}
      - {request: GET /flow/2, expect: {status: 200}}
  - {name: secured, request: GET /secured, headers: {Authorization: Bearer x}, expect: {status: 200}}
`)})
	if len(problems.Errors(false)) > 0 {
		t.Fatal(problems)
	}
	if got, want := suite.ReadPaths(), []string{"/api/trips", "/version"}; !slices.Equal(got, want) {
		t.Errorf("ReadPaths() = %q, want %q", got, want)
	}
	if host, place := suite.Host(); host != "trips.example" || place.Line != 4 {
		t.Errorf("Host() = %q at line %d, want trips.example at line 4", host, place.Line)
	}
}

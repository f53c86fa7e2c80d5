package smoke_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
)

// "$${" is "${" in keys, too, which hold no variables.
func TestADollarInAKeyIsText(t *testing.T) {
	var got []string
	r := judged(t, `version: 1
checks:
  - name: flow
    attempts: 1
    tags: ["$${T}"]
    steps:
      - request: POST /
        json: {"$${A}": {"$B": 1}}
        expect: {json: {"$['$${A}']": {equals: {"$B": 1, "$${C}": 2}}}}
      - request: POST /
        form: {"$${A}": 1}
        capture: {c: "$['$${A}']['$${C}']"}
      - request: /${c}
        expect: {status: 200}
`, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.URL.Path+" "+string(body))
		_, _ = io.WriteString(w, `{"${A}":{"$B":1,"${C}":2}}`)
	}))
	if want := `/ {"${A}":{"$B":1}}|/ %24%7BA%7D=1|/2 `; r.Verdict != finding.Pass || strings.Join(got, "|") != want {
		t.Errorf("%s: %s: got %s\nwant %s", r.Verdict, r.Reason, strings.Join(got, "|"), want)
	}
}

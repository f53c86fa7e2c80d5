package smoke_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// echo answers with all that it was asked, as a careless server does on an error page.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Echo", r.Header.Get("X-Secret"))
	w.WriteHeader(http.StatusInternalServerError)
	data, err := json.Marshal(map[string]string{"uri": r.RequestURI, "secret": r.Header.Get("X-Secret"), "body": string(body)})
	if err == nil {
		_, _ = w.Write(data)
	}
}

func TestSecretsAreInNoReport(t *testing.T) {
	const suite = `version: 1
variables:
  A: %A
checks:
  - name: c
    request: POST /${A}?q=${A}
    headers: {X-Secret: "${A}"}
    json: {a: "${A}", b: "x ${A} y"}
    expect:
      status: 200
      headers: {X-Echo: {not: "${A}"}}
      json: {$.secret: {not: "${A}"}, $.uri: {matches: "^${A}$"}, $.body: {one_of: ["${A}", b]}}
      body: {equals: "${A}"}
`
	const secret = `s3cr3t/"quoted"+value & more`
	for name, c := range map[string]struct {
		variable string
		values   map[string]smoke.Value
	}{
		"the suite's own":     {`{value: 's3cr3t/"quoted"+value & more', secret: true}`, nil},
		"the caller's":        {`{env: A}`, map[string]smoke.Value{"A": {Text: secret, Secret: true}}},
		"a secret reference":  {`{ssm: /a}`, map[string]smoke.Value{"A": {Text: secret}}},
		"named so, and given": {`{env: A, secret: true}`, map[string]smoke.Value{"A": {Text: secret}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := judgedWith(t, strings.Replace(suite, "%A", c.variable, 1), http.HandlerFunc(echo), c.values)
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != smoke.Fail || !strings.Contains(string(data), "[redacted]") {
				t.Errorf("%s: %s", r.Verdict, r.Reason)
			}
			if strings.Contains(string(data), "s3cr3t") || strings.Contains(string(data), "quoted") {
				t.Errorf("leaks: %s", data)
			}
		})
	}
}

func TestACapturedSecretIsInNoReport(t *testing.T) {
	r := judgedWith(t, `version: 1
checks:
  - name: login
    steps:
      - request: POST /login
        expect: {status: 200}
        capture: {token: {path: $.token, secret: true}}
      - request: GET /me?token=${token}
        expect: {json: {$.token: nobody}}
`, answer(`{"token":"captured-t0ken"}`), nil)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != smoke.Fail || strings.Contains(string(data), "captured-t0ken") || !strings.Contains(string(data), "[redacted]") {
		t.Errorf("%s: %s", r.Verdict, data)
	}
}

func TestASecretToBeCapturedIsNotShownWhenItsStepFails(t *testing.T) {
	for name, step := range map[string]string{
		"status":    `{expect: {status: 500}, capture: {token: {path: $.token, secret: true}}}`,
		"assertion": `{expect: {json: {$.token: {matches: "^zz"}}}, capture: {token: {path: $.token, secret: true}}}`,
		"order":     `{expect: {status: 200}, capture: {none: $.none, token: {path: $.token, secret: true}}}`,
		"no json":   `{expect: {body: {matches: "^zz"}}, capture: {token: {path: $.token, secret: true}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"token":"captured-t0ken"}`
			if name == "no json" {
				body = "token=captured-t0ken"
			}
			step = strings.Replace(step, "{", "{request: GET /, ", 1)
			r := judgedWith(t, "version: 1\nchecks:\n  - name: login\n    steps: ["+step+"]\n", answer(body), nil)
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != smoke.Fail || strings.Contains(string(data), "captured-t0ken") {
				t.Errorf("%s: %s", r.Verdict, data)
			}
		})
	}
}

func judgedWith(t *testing.T, text string, h http.Handler, values map[string]smoke.Value) smoke.Report {
	t.Helper()
	server := serverFor(t, h)
	job := jobFor(t, text, server)
	job.Values = values
	return smoke.Run(t.Context(), job, nil)
}

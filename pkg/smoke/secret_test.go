package smoke_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
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
	const text = `version: 1
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
		values   map[string]suite.Value
	}{
		"the suite's own":     {`{value: 's3cr3t/"quoted"+value & more', secret: true}`, nil},
		"the caller's":        {`{env: A}`, map[string]suite.Value{"A": {Text: secret, Secret: true}}},
		"a secret reference":  {`{ssm: /a}`, map[string]suite.Value{"A": {Text: secret}}},
		"named so, and given": {`{env: A, secret: true}`, map[string]suite.Value{"A": {Text: secret}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := judgedWith(t, strings.Replace(text, "%A", c.variable, 1), http.HandlerFunc(echo), c.values)
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != finding.Fail || !strings.Contains(string(data), "[redacted]") {
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
	if r.Verdict != finding.Fail || strings.Contains(string(data), "captured-t0ken") || !strings.Contains(string(data), "[redacted]") {
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
			if r.Verdict != finding.Fail || strings.Contains(string(data), "captured-t0ken") {
				t.Errorf("%s: %s", r.Verdict, data)
			}
		})
	}
}

// A secret that is a JSON object holds secrets; servers hand back one of them.
func TestATextOfAJSONSecretIsInNoReport(t *testing.T) {
	values := map[string]suite.Value{"A": {Text: `{"username":"trip-smoke","password":"s3cr3t/\"quoted\""}`, Secret: true}}
	r := judgedWith(t, `version: 1
variables: {A: {secretsmanager: db}}
checks:
  - {name: c, request: GET /, headers: {X-Secret: "${A}"}, expect: {status: 500}}
`, answer(`{"error":"login as trip-smoke with s3cr3t%2F%22quoted%22"}`), values)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != finding.Fail || strings.Contains(string(data), "trip-smoke") || strings.Contains(string(data), "s3cr3t") || !strings.Contains(string(data), "[redacted]") {
		t.Errorf("%s: %s", r.Verdict, data)
	}
}

func TestASecretThatIsTooLargeToBeHiddenIsRefused(t *testing.T) {
	const fits = 64 << 10
	large := func(size int) suite.Value { return suite.Value{Text: strings.Repeat("s3cr3t!", size)[:size]} }
	for name, c := range map[string]struct {
		variables string
		values    map[string]suite.Value
		reason    string // "" when the suite runs
	}{
		"one that fits":       {"{A: {env: A, secret: true}}", map[string]suite.Value{"A": large(fits)}, ""},
		"one that does not":   {"{A: {env: A, secret: true}}", map[string]suite.Value{"A": large(fits + 1)}, "variable A: the secret is larger than 64 KiB"},
		"it is no secret":     {"{A: {env: A}}", map[string]suite.Value{"A": large(fits + 1)}, ""},
		"the caller's secret": {"{A: {env: A}}", map[string]suite.Value{"A": {Text: large(fits + 1).Text, Secret: true}}, "variable A: the secret is larger than 64 KiB"},
		"the suite's own":     {"{A: {value: '" + large(fits+1).Text + "', secret: true}}", nil, "variable A in the suite: the secret is larger than 64 KiB"},
		"all that fit":        {"{A: {ssm: a}, B: {ssm: b}, C: {ssm: c}, D: {ssm: d}}", map[string]suite.Value{"A": large(fits), "B": large(fits), "C": large(fits), "D": large(fits)}, ""},
		"one too many":        {"{A: {ssm: a}, B: {ssm: b}, C: {ssm: c}, D: {ssm: d}, E: {ssm: e}}", map[string]suite.Value{"A": large(fits), "B": large(fits), "C": large(fits), "D": large(fits), "E": large(1)}, "variable E: with this one the secrets are larger than 256 KiB together"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			r := judgedWith(t, "version: 1\nvariables: "+c.variables+"\nchecks:\n  - {name: c, request: GET /, attempts: 1, expect: {status: 200}}\n",
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }), c.values)
			if c.reason == "" {
				if r.Verdict != finding.Pass {
					t.Errorf("%s: %s", r.Verdict, r.Reason)
				}
				return
			}
			if r.Verdict != finding.Error || r.Blame != finding.BlameConfig || asked || !strings.HasPrefix(r.Reason, c.reason) {
				t.Errorf("%s, blame %s, asked %v: %s; want ERROR/config, and %q", r.Verdict, r.Blame, asked, r.Reason, c.reason)
			}
			if data, err := json.Marshal(r); err != nil || strings.Contains(string(data), "s3cr3t") {
				t.Errorf("%v, leaks: %.300s", err, data)
			}
		})
	}
}

// What an answer says may be as large as it likes: it must neither be shown, nor be kept and sent.
func TestACapturedSecretThatIsTooLargeToBeHiddenIsAFailure(t *testing.T) {
	const fits = 256 << 10
	for size, want := range map[int]finding.Verdict{fits: finding.Pass, fits + 1: finding.Fail} {
		again := false
		r := judgedWith(t, `version: 1
defaults: {attempts: 1}
checks:
  - name: login
    steps:
      - request: GET /
        expect: {json: {$.token: {length: {max: 262144}}}}
        capture: {token: {path: $.token, secret: true}}
      - {request: POST /again, body: "${token}"}
`, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			again = again || r.Method == http.MethodPost
			_, _ = io.WriteString(w, `{"token":"`+strings.Repeat("s3cr3t!", size)[:size]+`"}`)
		}), nil)
		data, err := json.Marshal(r)
		if err != nil || r.Verdict != want || again != (want == finding.Pass) || strings.Contains(string(data), "s3cr3t") {
			t.Errorf("%d bytes: %s, sent again %v, %.500s; want %s", size, r.Verdict, again, data, want)
		}
		if want == finding.Fail && !strings.Contains(string(data), "GET /: capture: expected secrets of at most 256 KiB together") {
			t.Errorf("%d bytes: %.500s", size, data)
		}
	}
}

// The same secret again is not one more.
func TestASecretThatIsCapturedAgainCountsOnce(t *testing.T) {
	r := judgedWith(t, "version: 1\nchecks:\n  - name: login\n    attempts: 1\n    steps:\n"+
		strings.Repeat("      - {request: GET /, expect: {status: 200}, capture: {token: {path: $.token, secret: true}}}\n", 6),
		answer(`{"token":"`+strings.Repeat("s3cr3t!", 9000)+`"}`), nil)
	if r.Verdict != finding.Pass {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

func judgedWith(t *testing.T, text string, h http.Handler, values map[string]suite.Value) finding.Report {
	t.Helper()
	server := serverFor(t, h)
	job := jobFor(t, text, server)
	job.Values = values
	return smoke.ReadAndRun(t.Context(), job, nil)
}

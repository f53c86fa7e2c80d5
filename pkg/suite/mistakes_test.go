package suite_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// TestAMistakeIsToldInTheWordsOfWhoMadeIt: the place of the mistake, what it is, the right form, and nothing else.
func TestAMistakeIsToldInTheWordsOfWhoMadeIt(t *testing.T) {
	const head = "version: 1\nvariables: {USER: smoke}\nchecks:\n"
	check := func(lines ...string) string { return head + "  - name: a\n    " + strings.Join(lines, "\n    ") + "\n" }
	good := []string{"request: GET /", "expect: {status: 200}"}
	with := func(line string) string { return check(append([]string{line}, good...)...) }
	expects := func(json string) string { return check("request: GET /", "expect: {json: {"+json+"}}") }
	watched := func(watch string) string {
		return "version: 1\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\nwatch: " + watch + "\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"a key indented less":        {head + "  - name: a\n   request: GET /\n    expect: {status: 200}\n", "5:4: error: the suite is not YAML: this line is indented less than the other keys of its list item|indent it as they are"},
		"what is expected outside":   {check("request: GET /", "expect:", "status: 200"), "6:12: error: expect must be a mapping, not nothing|indent what is expected below it; known here: status, headers, json, css, body, latency, assets, events, certificate_days|7:5: error: unknown key \"status\" in a check|indent it below expect:"},
		"no blank after a colon":     {expects("$.a: {type:array}"), `6:27: error: unknown key "type:array" in this expectation|write a blank behind the colon: type: array`},
		"another tool's request":     {check("method: GET", "url: /", "expect: {status: 200}"), `5:5: error: unknown key "method" in a check|write request: GET /path|6:5: error: unknown key "url" in a check|write request: GET /path`},
		"another tool's operator":    {expects("$.a: {gt: 3}"), `6:27: error: unknown key "gt" in this expectation|min and max include their bound: more than 3 is {min: 4}`},
		"another tool's type":        {expects("$.a: {type: int}"), `6:33: error: type must be string, number, integer, boolean, array, object or null, not "int"|write integer`},
		"a capture without a flow":   {with("capture: {id: $.id}"), `5:5: error: unknown key "capture" in a check|capture is for the steps of a flow: write steps: with a list, and request, expect and capture in it`},
		"a number in quotes":         {with(`attempts: "10"`), `5:15: error: attempts must be a whole number, not "10"|write 10 without quotes`},
		"milliseconds without unit":  {check("request: GET /", "expect: {latency: 500}"), "6:23: error: latency needs a unit|write 500ms"},
		"seconds without unit":       {with("timeout: 2"), "5:14: error: timeout needs a unit|write 2s"},
		"a lookahead":                {expects(`$.a: {matches: "^(?!error)"}`), `6:36: error: "^(?!error)" is not a pattern: RE2 has no lookahead or lookbehind|write {not: {matches: …}} for what must not be there`},
		"a lookbehind":               {expects(`$.a: {matches: "(?<=a)b"}`), `6:36: error: "(?<=a)b" is not a pattern: RE2 has no lookahead or lookbehind|write what stands before and after as a part of the pattern`},
		"a back-reference":           {expects(`$.a: {matches: '(a)\1'}`), `6:36: error: "(a)\\1" is not a pattern: RE2 has no back-references|patterns are RE2; (?i) ignores case`},
		"a zero in front":            {check("request: POST /", "json: {zip: 01234}", "expect: {status: 200}"), `6:17: error: 01234 begins with a zero, and would be sent as 668|quote it if it is a text: "01234"`},
		"JSON in quotes":             {check("request: POST /", `json: '{"a":1}'`, "expect: {status: 200}"), "6:11: warning: the JSON is in quotes, and so it is sent as one text|write it without the quotes around it"},
		"bytes":                      {check("request: POST /", "body: !!binary iVBORw0KGgo=", "expect: {status: 200}"), "6:11: warning: the body is sent as the text that stands here|put the bytes into a file beside the suite: body: {file: logo.png}"},
		"a shell's variable":         {check("request: GET /$USER", "expect: {status: 200}"), "5:14: warning: $USER is sent as it stands|write ${USER}"},
		"Mustache":                   {check("request: GET /", `headers: {X: "{{ USER }}"}`, "expect: {status: 200}"), "6:18: warning: {{ USER }} is sent as it stands|write ${USER}"},
		"a version as a number":      {expects("$.version: 1.10"), `6:32: warning: 1.10 is a number here, the same as 1.1|quote it, if it is a text: "1.10"`},
		"nothing behind a path":      {expects("$.a:"), `6:21: warning: nothing stands behind "$.a", which expects null|write null if so, or {exists: true}`},
		"quotes of a word processor": {expects("$.a: “ok”"), `6:26: warning: these quotes are a part of the text|write "…" with the straight quotes of a keyboard`},
		"a list's length":            {expects("$.items.length: 3"), `6:21: warning: "$.items.length" asks for a member "length", which no list and no text has|write length: under "$.items"; a member that is really called length is ['length']`},
		"a length in a filter":       {expects(`"$.a[?@.tags.length>0]": {exists: true}`), `6:21: warning: "$.a[?@.tags.length>0]" asks for a member "length", which no list and no text has|write length(@.tags); a member that is really called length is ['length']`},
		"a placeholder":              {check("request: GET /<PATH>", "expect: {status: 200}"), "5:14: error: a placeholder is left in the path: <PATH>|write what belongs there"},
		"tags in one text":           {with("tags: a, b"), `5:11: error: a tag is one word, not "a, b"|write [a, b]`},
		"headers as a list":          {with("headers: [{Accept: text/html}]"), "5:14: error: headers must be a mapping, not a list|write NAME: VALUE on each line, without a -"},
		"a body as a mapping":        {with("body: {a: 1}"), "5:11: error: body must be a text, not a mapping|write json: for a body of JSON, form: for a form's, or {file: NAME} for one from a file"},
		"JSON of a body":             {check("request: GET /", "expect: {body: {trips: []}}"), `6:21: error: unknown key "trips" in this expectation|for a body of JSON, write json: {$.trips: …}; known here: equals, contains, matches, length, one_of, not`},
		"a login elsewhere":          {head + "  - name: a\n    steps: [{request: POST /, expect: {status: 200}, capture: {t: $.t}}]\n  - name: b\n    request: GET /${t}\n    expect: {status: 200}\n", "7:19: error: ${t} is not declared|another check captures it, for its own steps; move those steps into setup:, and all have it"},
		"a group too many":           {check(`steps: [{request: GET /, expect: {status: 200}, capture: {a: {body: "(a)(b)"}}}]`), `5:73: error: the pattern has 2 groups, not one|put what is to be taken in parentheses, once: 'name="csrf" value="([^"]+)"'; (?:…) is no group`},
		"an order upside down":       {with("after: b"), `4:11: error: "a" runs after "b", which is not a check above it|name a check that stands above it`},
		"a name of ours":             {"version: 1\nvariables: {UUID: x}\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n", "2:13: error: UUID is given by Greenlight and cannot be declared|choose another name"},
		"a setup without a list":     {"version: 1\nsetup: POST /login\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n", `2:8: error: setup must be a list, not "POST /login"|write each step on a line of its own: - request: POST /login`},
		"a socket by POST":           {check("request: POST /", "websocket: hi", "expect: {body: x}"), "4:5: error: a WebSocket is opened by a GET over HTTP/1.1, without a body, for one message|write request: GET /path, websocket: and what to send; the first message is what is looked at"},
		"gRPC with a request":        {check("request: GET /", "grpc_health: svc"), "6:5: error: grpc_health is a request of its own, for a service's name|leave request and body out"},
		"an order of nothing":        {with("after:"), "5:11: error: the name of a check must be a text, not nothing"},
		"parts as a list":            {check("request: POST /", "multipart: [{file: a.png}]", "expect: {status: 200}"), "6:16: error: multipart must be a mapping, not a list|write NAME: VALUE on each line, without a -"},
		"a file by a variable":       {check("request: POST /", "body: {file: '${USER}.bin'}", "expect: {status: 200}"), `6:19: error: ${USER} is not filled in here: file is taken as it stands|write the text itself; "$${" is the text "${"`},
		"a login without a password": {"version: 1\nvariables: {L: {basic: smoke}}\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n", `2:24: error: basic wants a user and a password|write {user: NAME, password: "${PASSWORD}"}`},
		"another word for a user":    {"version: 1\nvariables: {L: {basic: {username: u, password: p}}}\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n", `2:25: error: unknown key "username" in basic|known here: user, password`},
		"a login made of itself":     {"version: 1\nvariables: {L: {basic: {user: u, password: '${L}'}}}\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n", "2:44: error: ${L} has no value yet: it is made of others itself|make it of texts and of what is looked up"},
		"readiness that needs a login": {
			"version: 1\nreadiness: {checks: [a]}\nsetup: [{request: POST /l, capture: {t: $.t}}]\nchecks: [{name: a, request: GET /, headers: {T: '${t}'}, expect: {status: 200}}]\n",
			`2:13: error: readiness comes before setup, and "a" needs what setup captures|wait for a check that needs no login`,
		},
		"a file elsewhere": {check("request: POST /", "body: {file: ../secret}", "expect: {status: 200}"), `6:18: error: "../secret" leaves the suite's folder|put the file beside the suite`},
		"a release in setup, and compare": {
			"version: 1\nsetup: [{request: GET /, expect: {body: '${RELEASE}'}}]\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\ncompare: [{request: GET /}]\n",
			"2:41: error: ${RELEASE} in setup would fail on the old release|compare has it on the old release too; prove the release in a check",
		},
		"a watch without end":    {watched("{p95: 1s}"), "3:1: error: watch does not say for how long|write for: 10m"},
		"a short watch":          {watched("{for: 10s}"), `3:14: error: for must be at least 1m, not "10s"|write for: 10m`},
		"a long watch":           {watched("{for: 55m}"), `3:14: error: for must be more than 0 and at most 50m0s, not "55m"`},
		"a watch's milliseconds": {watched("{for: 1m, p99: 20}"), "3:23: error: p99 needs a unit|write 20ms"},
		"errors as a number":     {watched("{for: 1m, errors: 0.01}"), `3:26: error: errors must be a share below 100%, not "0.01"|write 1%`},
		"every error borne":      {watched("{for: 1m, errors: 100%}"), `3:26: error: errors must be a share below 100%, not "100%"|write 1%`},
		"a ratio below one":      {watched("{for: 1m, min_ratio: 0.5}"), `3:29: error: min_ratio must be a number from 1 to 100, not "0.5"|write 1.25`},
		"a log without pattern":  {watched("{for: 1m, logs: [{name: a}]}"), `3:25: error: a log of watch needs a name and a pattern of at most 1024 characters|write {name: errors, pattern: '"level":"error"'}`},
		"two logs of a name":     {watched("{for: 1m, logs: [{name: a, pattern: b}, {name: a, pattern: c}]}"), `3:1: error: "watch: log a" stands here twice|keep one of them, or name it otherwise`},
		"an alarm twice":         {watched("{for: 1m, alarms: [a, a]}"), `3:1: error: "watch: alarm a" stands here twice|keep one of them, or name it otherwise`},
		"an alarm's threshold":   {watched("{for: 1m, alarms: [{name: a}]}"), "3:27: error: name must be a text, not a mapping"},
		"a secret to a variable host": {
			"version: 1\nvariables: {H: x, T: {oauth2: {token_url: \"https://${H}/t\", client_id: a, client_secret: b}}}\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\n",
			`2:43: error: token_url must be an https URL without variables|write {token_url: "https://login.example/token", client_id: smoke, client_secret: "${SECRET}"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := suite.Read(suite.Source{Name: "s", Text: []byte(c.text)})
			var b bytes.Buffer
			_ = problems.Write(&b, diagnostic.Text, "program")
			got := strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(b.String()), "\n  help: ", "|"), "\ns:", "|")
			if got = strings.TrimPrefix(got, "s:"); got != c.want {
				t.Errorf("%s\ngot:  %s\nwant: %s", c.text, got, c.want)
			}
		})
	}
}

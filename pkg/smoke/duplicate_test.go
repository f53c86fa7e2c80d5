package smoke_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Of two members with one key the decoder keeps the last, and another reader may keep the first.
func TestABodyWithAKeyTwiceDoesNotHold(t *testing.T) {
	for body, key := range map[string]string{
		`{"status":"down","status":"ok"}`:                         "status",
		`{"status":"ok","status":"ok"}`:                           "status",
		`{"status":"ok","db":{"a":1,"b":{"x":1,"x":1}}}`:          "x",
		`{"list":[1,{},{"up":true,"b":2,"up":false}]}`:            "up",
		`{"list":[{"a":1},{"a":1}],"status":"ok","b":{"list":1}}`: "",
		`{"a":{"a":{"a":1}},"status":"ok"}`:                       "",
		`{"a:b":"c:d","\"":":","\\":"\\\":","status":"ok"}`:       "",
		`{"a:b":1,"c":":","a:b":1}`:                               "a:b",
		`{"\\":":","\\":":"}`:                                     `\`,
		`{"a":1,"\u0061":2}`:                                      "a",
		`{"":1,"":2}`:                                             "",
		`{"a":{"b":1,"b":2},"a":3}`:                               "b",
		`{"a":3,"a":{"b":[{"c":1}]}}`:                             "a",
		` [ { "a" : 1 , "a" : 2 } ] `:                             "a",
		`"a:b"`:                                                   "",
		`{"n":1e999,"m":{"n":1}}`:                                 "",
	} {
		t.Run(body, func(t *testing.T) {
			r := judged(t, "version: 1\nchecks: [{name: c, request: /, attempts: 1, expect: {json: {$.none: {exists: false}}}}]\n", answer(body))
			want := `json: expected a JSON body without duplicate keys, got the key "` + key + `" twice in one object`
			switch twice := key != "" || strings.HasPrefix(body, `{"":`); {
			case twice && (r.Verdict != finding.Fail || !strings.Contains(r.Reason, want)):
				t.Errorf("%s: %s\nwant FAIL: … %s", r.Verdict, r.Reason, want)
			case !twice && r.Verdict != finding.Pass:
				t.Errorf("%s: %s, want PASS", r.Verdict, r.Reason)
			}
		})
	}
}

func TestNothingIsCapturedFromABodyWithAKeyTwice(t *testing.T) {
	for name, capture := range map[string]string{"a value": "{id: $.id}", "a secret": "{id: {path: $.id, secret: true}}"} {
		t.Run(name, func(t *testing.T) {
			r := judged(t, `version: 1
checks:
  - name: flow
    steps:
      - request: /
        capture: `+capture+`
      - request: /${id}
        expect: {status: 200}
`, answer(`{"id":"first-1d","id":"second-1d"}`))
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if f := r.Checks[0].Findings; r.Verdict != finding.Fail || len(f) != 1 || f[0].Step != 1 || !strings.Contains(f[0].Got, `the key "id" twice`) {
				t.Errorf("%s: %s", r.Verdict, data)
			}
			if name == "a secret" && strings.Contains(string(data), "1d") {
				t.Errorf("leaks: %s", data)
			}
		})
	}
}

func TestASecretThatIsAKeyTwiceIsNotShown(t *testing.T) {
	const text = "version: 1\nvariables: {A: {env: A}}\nchecks: [{name: c, request: /, headers: {X-A: \"${A}\"}, expect: {json: {$.a: 1}}}]\n"
	r := judgedWith(t, text, answer(`{"s3cr3t <\"é>":1,"s3cr3t <\"é>":2}`), map[string]suite.Value{"A": {Text: `s3cr3t <"é>`, Secret: true}})
	data, err := json.Marshal(r)
	if err != nil || r.Verdict != finding.Fail || strings.Contains(string(data), "s3cr3t") {
		t.Errorf("%s: %s", r.Verdict, data)
	}
}

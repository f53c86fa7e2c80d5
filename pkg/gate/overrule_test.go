package gate_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// skipping runs the first gate on a release with a broken route, with GetParameter's answer; TIME+n in it is n
// hours ahead.
func skipping(t *testing.T, asked, answer string) outcome {
	t.Helper()
	w := newWorld(t, app("1.1", map[string]http.HandlerFunc{"/trips": status(500)}), app("1.0", nil))
	w.env["SKIP_PARAMETER"] = asked
	w.answer("GetParameter", hours(answer))
	return w.after()
}

func hours(text string) string {
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	return strings.NewReplacer("TIME+23", at(23*time.Hour), "TIME+25", at(25*time.Hour), "TIME+100", at(100*time.Hour-time.Minute),
		"TIME-1", at(-time.Hour), "OFFSET", time.Now().Add(time.Hour).In(time.FixedZone("", 19800)).Format(time.RFC3339)).Replace(text)
}

func parameter(value string) string {
	quoted, _ := json.Marshal(hours(value))
	return `{"Parameter":{"Name":"/skip","Value":` + string(quoted) + `}}`
}

// TestWhatSkips holds what the skip parameter has to say to let a broken release pass, and what is noted where
// it does not.
func TestWhatSkips(t *testing.T) {
	rest := `"by":"ann","why":"INC-7","expires":"TIME+23"}`
	for name, tc := range map[string]struct{ value, why string }{
		"this release":        {`{"release":"1.1",` + rest, ""},
		"this deployment":     {`{"deployment_id":"` + deploymentID + `",` + rest, ""},
		"both":                {`{"deployment_id":"` + deploymentID + `","release":"1.1",` + rest, ""},
		"another time zone":   {`{"release":"1.1","by":"ann","why":"INC-7","expires":"OFFSET"}`, ""},
		"white space":         {" \n{ \"release\" : \"1.1\", " + rest + "\n", ""},
		"another release":     {`{"release":"1.10",` + rest, "it is for another release"},
		"another deployment":  {`{"deployment_id":"d-OTHER",` + rest, "it is for another deployment"},
		"one of both":         {`{"deployment_id":"` + deploymentID + `","release":"2",` + rest, "it is for another release"},
		"neither":             {`{` + rest, "it names neither a deployment nor a release"},
		"neither, empty":      {`{"deployment_id":"","release":"",` + rest, "it names neither a deployment nor a release"},
		"expired":             {`{"release":"1.1","by":"ann","why":"INC-7","expires":"TIME-1"}`, "it expired at "},
		"25 h":                {`{"release":"1.1","by":"ann","why":"INC-7","expires":"TIME+25"}`, "it expires in 25 h, at most 24 h are allowed"},
		"100 h":               {`{"release":"1.1","by":"ann","why":"INC-7","expires":"TIME+100"}`, "it expires in 100 h, at most 24 h are allowed"},
		"for ever":            {`{"release":"1.1","by":"ann","why":"INC-7","expires":"9999-12-31T23:59:59Z"}`, "at most 24 h are allowed"},
		"no end":              {`{"release":"1.1","by":"ann","why":"INC-7"}`, "it has no expiry"},
		"an empty end":        {`{"release":"1.1","by":"ann","why":"INC-7","expires":""}`, "it has an expiry that is not a time"},
		"a date":              {`{"release":"1.1","by":"ann","why":"INC-7","expires":"2026-11-28"}`, "it has an expiry that is not a time"},
		"seconds":             {`{"release":"1.1","by":"ann","why":"INC-7","expires":1795900000}`, `it has the key "expires", whose value is not a string`},
		"nobody":              {`{"release":"1.1","by":" ","why":"INC-7","expires":"TIME+23"}`, "it does not say by whom and why"},
		"no reason":           {`{"release":"1.1","by":"ann","expires":"TIME+23"}`, "it does not say by whom and why"},
		"a key twice":         {`{"release":"1.0","release":"1.1",` + rest, `it has the key "release" twice`},
		"a key twice, hidden": {`{"release":"1.0","relea\u0073e":"1.1",` + rest, `it has the key "release" twice`},
		"the same key twice":  {`{"release":"1.1","release":"1.1",` + rest, `it has the key "release" twice`},
		"another case":        {`{"Release":"1.1",` + rest, `it has the key "Release", which is none of the five`},
		"both cases":          {`{"release":"1.0","Release":"1.1",` + rest, `it has the key "Release", which is none of the five`},
		"the end, both cases": {`{"release":"1.1","Expires":"TIME+23","by":"ann","why":"INC-7","expires":"TIME-1"}`, `it has the key "Expires", which is none of the five`},
		"a misspelt key":      {`{"release":"1.1","relaese":"1.1",` + rest, `it has the key "relaese", which is none of the five`},
		"null for a value":    {`{"release":"1.1","deployment_id":null,` + rest, `it has the key "deployment_id", whose value is not a string`},
		"a number":            {`{"release":1.1,` + rest, `it has the key "release", whose value is not a string`},
		"a list":              {`{"release":["1.1"],` + rest, `it has the key "release", whose value is not a string`},
		"an object":           {`{"release":{"release":"1.1"},` + rest, `it has the key "release", whose value is not a string`},
		"null":                {`null`, "it is not a JSON object"},
		"nothing":             {``, "the parameter /skip is empty"},
		"a word":              {`yes`, "it is not a JSON object"},
		"a list of one":       {`[{"release":"1.1",` + rest + `]`, "it is not a JSON object"},
		"cut short":           {`{"release":"1.1"`, "it is not a JSON object"},
		"two objects":         {`{"release":"1.1",` + rest + ` {}`, "it is not a JSON object"},
		"trailing text":       {`{"release":"1.1",` + rest + ` x`, "it is not a JSON object"},
		"a trailing brace":    {`{"release":"1.1",` + rest + `}`, "it is not a JSON object"},
		"a trailing comma":    {`{"release":"1.1","by":"ann","why":"INC-7","expires":"TIME+23",}`, "it is not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := skipping(t, "/skip", parameter(tc.value))
			if tc.why == "" {
				o.wants(t, "SKIPPED", "release", "Succeeded", `SKIPPED by "ann" until 20`)
			} else {
				o.wants(t, "FAIL", "release", "Failed", "list")
				if !strings.Contains(o.log, strings.ReplaceAll(tc.why, `"`, `\"`)) {
					t.Errorf("the log does not say %q: %v", tc.why, o.of("note"))
				}
			}
			if len(o.of("check")) != 2 {
				t.Error("the checks were not run and recorded")
			}
		})
	}
}

// TestTheAnswerIsTheParameterThatWasAskedFor gives a valid authorisation under the names that AWS may answer with.
func TestTheAnswerIsTheParameterThatWasAskedFor(t *testing.T) {
	const arn = "arn:aws:ssm:eu-west-1:123456789012:parameter"
	for name, tc := range map[string]struct {
		asked, answered string
		skips           bool
	}{
		"the name":               {"/skip", `"Name":"/skip"`, true},
		"no name":                {"/skip", `"ARN":"` + arn + `/skip"`, true},
		"a deeper name":          {"/greenlight/skip", `"Name":"/greenlight/skip"`, true},
		"its ARN":                {arn + "/skip", `"Name":"/skip"`, true},
		"its ARN, without slash": {arn + "/skip", `"Name":"skip"`, true},
		"its ARN, twice":         {arn + "/skip", `"Name":"` + arn + `/skip"`, true},
		"a version":              {"/skip:3", `"Name":"/skip","Selector":":3"`, true},
		"a version of the ARN":   {arn + "/skip:3", `"Name":"/skip","Selector":":3"`, true},
		"another":                {"/skip", `"Name":"/other"`, false},
		"one that ends so":       {"/team/skip", `"Name":"/skip"`, false},
		"one above":              {"/skip", `"Name":"/team/skip"`, false},
		"another case":           {"/skip", `"Name":"/Skip"`, false},
		"another for the ARN":    {arn + "/team/skip", `"Name":"/skip"`, false},
		"another version":        {"/skip:3", `"Name":"/skip","Selector":":2"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, _ := json.Marshal(hours(`{"release":"1.1","by":"ann","why":"INC-7","expires":"TIME+23"}`))
			o := skipping(t, tc.asked, `{"Parameter":{`+tc.answered+`,"Value":`+string(value)+`}}`)
			if tc.skips {
				o.wants(t, "SKIPPED", "release", "Succeeded", "ann")
				return
			}
			o.wants(t, "FAIL", "release", "Failed", "list")
			if !strings.Contains(o.log, "the answer is about") {
				t.Errorf("the log does not say why there is no skip: %v", o.of("note"))
			}
		})
	}
}

// TestAnUnknownReleaseIsSkippedByNobody has a deployment of which nobody knows the release.
func TestAnUnknownReleaseIsSkippedByNobody(t *testing.T) {
	for name, skipped := range map[string]string{"another release": `"release":"1.1"`, "an empty one": `"release":""`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, app("", nil), app("1.0", nil))
			w.env["RELEASE"] = ""
			w.env["SUITE"] = w.file("mute.yaml", "version: 1\nname: mute\nreadiness: {checks: [list], within: 1s}\nchecks:\n  - {name: list, request: GET /nowhere, expect: {status: 404}}\n")
			w.env["SKIP_PARAMETER"] = "/skip"
			w.answer("GetParameter", parameter(`{`+skipped+`,"by":"ann","why":"INC-7","expires":"TIME+23"}`))
			o := w.after()
			if v := o.of("verdict"); len(v) != 1 || v[0]["release"] != "" || v[0]["verdict"] == "SKIPPED" || len(o.stored) != 1 || o.stored[0] != string(lifecycle.Failed) {
				t.Errorf("%v, stored %v; want Failed for a release without a name", v, o.stored)
			}
		})
	}
}

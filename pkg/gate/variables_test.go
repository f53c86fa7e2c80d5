package gate_test

import (
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
)

func TestTheSuiteReadsVariablesFromOneSetting(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.env["SUITE"] = w.file("smoke.yaml", strings.Replace(suite, "readiness:", "variables: {PATH_TO_LIST: {env: LIST_PATH}}\nreadiness:", 1)+
		"  - name: by variable\n    request: GET /${PATH_TO_LIST}\n    expect: {status: 200}\n")
	w.env["SUITE_ENVIRONMENT"] = `{"LIST_PATH": "trips"}`
	w.after().wants(t, "PASS", "none", "Succeeded", "")
}

// TestObjectsOfStrings reads both settings that are one, and wants no value of them in the error.
func TestObjectsOfStrings(t *testing.T) {
	for name, tc := range map[string]struct{ text, why string }{
		"an object":        {`{"A": "hunter2", "B": ""}`, ""},
		"an empty object":  {`{}`, ""},
		"nothing":          {``, ""},
		"a list":           {`["hunter2"]`, "is not a JSON object"},
		"cut short":        {`{"A": "hunter2`, "is not a JSON object"},
		"null":             {`null`, "is not a JSON object"},
		"a string":         {`"hunter2"`, "is not a JSON object"},
		"two objects":      {`{"A":"hunter2"} {}`, "is not a JSON object"},
		"a brace too many": {`{"A":"hunter2"}}`, "is not a JSON object"},
		"a number":         {`{"A": 12345678}`, `has the key "A", whose value is not a string`},
		"null for a value": {`{"A": null}`, `has the key "A", whose value is not a string`},
		"an object in it":  {`{"A": {"B": "hunter2"}}`, `has the key "A", whose value is not a string`},
		"a list in it":     {`{"A": ["hunter2"], "B": "x"}`, `has the key "A", whose value is not a string`},
		"a key twice":      {`{"A": "hunter2", "A": "hunter3"}`, `has the key "A" twice`},
		"a key twice, \\u": {`{"A": "hunter2", "\u0041": "hunter3"}`, `has the key "A" twice`},
	} {
		for _, variable := range []string{"SUITE_ENVIRONMENT", "TEST_HEADERS"} {
			s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{variable: tc.text}))
			switch {
			case tc.why == "":
				read := map[string]gate.Variables{"SUITE_ENVIRONMENT": s.SuiteEnvironment, "TEST_HEADERS": s.TestHeaders}[variable]
				if err != nil || strings.Contains(tc.text, "hunter2") && (read["A"] != "hunter2" || len(read) != 2) {
					t.Errorf("%s, %s: %v, %v", variable, name, read, err)
				}
			case err == nil || !strings.HasPrefix(err.Error(), "read settings: "+variable+" "+tc.why+", want a JSON object of "):
				t.Errorf("%s, %s: %v, want %s", variable, name, err, tc.why)
			case strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "12345678"):
				t.Errorf("%s, %s: the error shows a value: %v", variable, name, err)
			}
		}
	}
}

func TestHeadersThatWouldNotBeSentAsTheyAreAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ text, why string }{
		"headers":              {`{"X-Test": "green; a=\"b\"", "Cookie": "side=grün", "User-Agent": "", "x_y!": "1"}`, ""},
		"Host":                 {`{"Host": "hunter2"}`, `the header "Host", which a request has already`},
		"host":                 {`{"host": "hunter2"}`, `the header "host", which a request has already`},
		"Content-Length":       {`{"Content-Length": "hunter2"}`, `the header "Content-Length", which`},
		"Connection":           {`{"CONNECTION": "hunter2"}`, `the header "CONNECTION", which`},
		"Transfer-Encoding":    {`{"Transfer-Encoding": "hunter2"}`, `the header "Transfer-Encoding", which`},
		"Trailer":              {`{"Trailer": "hunter2"}`, `the header "Trailer", which`},
		"twice, in other case": {`{"X-Test": "hunter2", "x-test": "hunter2"}`, `the header "x-test", which a request has already`},
		"no name":              {`{"": "hunter2"}`, `the key "", which is not a header's name`},
		"white space":          {`{"X Test": "hunter2"}`, `the key "X Test", which is not a header's name`},
		"a colon":              {`{"X-Test:": "hunter2"}`, `the key "X-Test:", which is not`},
		"a line break in it":   {`{"X\r\nY": "hunter2"}`, `the key "X\r\nY", which is not`},
		"an umlaut":            {`{"Grün": "hunter2"}`, `the key "Grün", which is not`},
		"a line break":         {`{"X-Test": "hunter2\r\nY: z"}`, `a control character in the value of "X-Test"`},
		"a zero byte":          {`{"X-Test": "hunter2\u0000"}`, `a control character in the value of "X-Test"`},
	} {
		s, err := gate.ReadSettings(t.Context(), envconfig.MapLookuper(map[string]string{"TEST_HEADERS": tc.text}))
		switch {
		case tc.why == "":
			if err != nil || len(s.TestHeaders) != 4 || s.TestHeaders["X-Test"] != `green; a="b"` {
				t.Errorf("%s: %v, %v", name, s.TestHeaders, err)
			}
		case err == nil || !strings.HasPrefix(err.Error(), "read settings: TEST_HEADERS has "+tc.why) || s.TestHeaders != nil:
			t.Errorf("%s: %v, want %s", name, err, tc.why)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error shows a value: %v", name, err)
		}
	}
}

func TestASuiteEnvironmentThatIsNoObjectShutsTheGate(t *testing.T) {
	w := newWorld(t, app("1.1", nil), app("1.0", nil))
	w.env["SUITE_ENVIRONMENT"] = `{"A": "hunter2"`
	o := w.after()
	o.wants(t, "ERROR", "config", "Failed", "SUITE_ENVIRONMENT is not a JSON object")
	if strings.Contains(o.log, "hunter2") {
		t.Errorf("the log holds the value: %s", o.log)
	}
}

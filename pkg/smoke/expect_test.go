package smoke_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// judged runs a suite's checks once against a server, without readiness.
func judged(t *testing.T, text string, h http.Handler) finding.Report {
	t.Helper()
	return smoke.ReadAndRun(t.Context(), jobFor(t, text, serverFor(t, h)), nil)
}

func serverFor(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func jobFor(t *testing.T, text, target string) smoke.Job {
	t.Helper()
	src := suite.Source{Name: "smoke.yaml", Text: []byte(text)}
	if suite, problems := suite.Read(src); suite == nil {
		var b strings.Builder
		_ = problems.Write(&b, diagnostic.Text, "program")
		t.Fatalf("the suite is refused:\n%s\n%s", text, &b)
	}
	return smoke.Job{Suite: src, Target: smoke.Side{URL: target}, Release: "1.1.0", DeploymentID: "d-1", Phases: []finding.Phase{finding.PhaseJudge}}
}

// answer is a handler that always gives the same answer.
func answer(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		_, _ = w.Write([]byte(body))
	}
}

func TestExpectations(t *testing.T) {
	for name, c := range map[string]struct {
		body, expect string
		header       []string
		// want is what the first finding got, or "" when all holds.
		want string
	}{
		"equal text":               {body: `{"a":"x"}`, expect: `json: {$.a: x}`},
		"another text":             {body: `{"a":"y"}`, expect: `json: {$.a: x}`, want: `json $.a: expected "x", got "y"`},
		"number is no text":        {body: `{"a":"2"}`, expect: `json: {$.a: 2}`, want: `expected 2, got "2"`},
		"text is no number":        {body: `{"a":2}`, expect: `json: {$.a: "2"}`, want: `expected "2", got 2`},
		"a variable is a text":     {body: `{"a":1}`, expect: `json: {$.a: "${ONE}"}`, want: `expected "1", got 1`},
		"equal numbers":            {body: `{"a":1.0}`, expect: `json: {$.a: 1}`},
		"large numbers":            {body: `{"a":9007199254740993}`, expect: `json: {$.a: 9007199254740992}`, want: `got 9007199254740993`},
		"a number that explodes":   {body: `{"a":1e999999999}`, expect: `json: {$.a: {max: 5}}`, want: `at most 5`},
		"null":                     {body: `{"a":null}`, expect: `json: {$.a: null}`},
		"null is there":            {body: `{"a":null}`, expect: `json: {$.a: {exists: true}}`},
		"null is not missing":      {body: `{}`, expect: `json: {$.a: null}`, want: `got nothing there`},
		"missing":                  {body: `{}`, expect: `json: {$.a: {exists: false}}`},
		"not missing":              {body: `{"a":0}`, expect: `json: {$.a: {exists: false}}`, want: `does not exist, got 0`},
		"boolean":                  {body: `{"a":true}`, expect: `json: {$.a: true}`},
		"boolean is no text":       {body: `{"a":"true"}`, expect: `json: {$.a: true}`, want: `got "true"`},
		"whole object":             {body: `{"a":{"b":[1,2],"c":null}}`, expect: `json: {$.a: {equals: {c: null, b: [1, 2]}}}`},
		"object with more":         {body: `{"a":{"b":1,"c":2}}`, expect: `json: {$.a: {equals: {b: 1}}}`, want: `got {"b":1,"c":2}`},
		"array in another order":   {body: `{"a":[2,1]}`, expect: `json: {$.a: {equals: [1, 2]}}`, want: `got [2,1]`},
		"every node":               {body: `[{"n":1},{"n":2}]`, expect: `json: {"$[*].n": {min: 1}}`},
		"one node of all":          {body: `[{"n":1},{"n":0}]`, expect: `json: {"$[*].n": {min: 1}}`, want: `got 0, number 2 of 2`},
		"no node":                  {body: `[]`, expect: `json: {"$[*].n": {min: 1}}`, want: `got nothing there`},
		"no node is not anything":  {body: `[]`, expect: `json: {"$[*].n": {not: 1}}`, want: `got nothing there`},
		"length counts nodes":      {body: `[{"n":"abc"}]`, expect: `json: {"$[*].n": {length: 1}}`},
		"length counts no nodes":   {body: `[]`, expect: `json: {"$[*].n": {length: 0}}`},
		"length of a list":         {body: `{"a":[1,2]}`, expect: `json: {$.a: {length: 3}}`, want: `length 3, got 2: [1,2]`},
		"length of a text":         {body: `{"a":"äöü"}`, expect: `json: {$.a: {length: 3}}`},
		"length of a number":       {body: `{"a":123}`, expect: `json: {$.a: {length: 3}}`, want: `got 123`},
		"contains needs one node":  {body: `["x","hello"]`, expect: `json: {"$[*]": {contains: ell}}`},
		"contains in no node":      {body: `["x","y"]`, expect: `json: {"$[*]": {contains: ell}}`, want: `none of 2`},
		"contains a node":          {body: `[3,5]`, expect: `json: {"$[*]": {contains: 5}}`},
		"contains no such node":    {body: `[3,5]`, expect: `json: {"$[*]": {not: {contains: 5}}}`, want: `not contains 5, got 5, number 2 of 2`},
		"contains an empty value":  {body: `{"a":"b"}`, expect: `json: {$.a: {contains: "${NONE}"}}`, want: `its variables are empty`},
		"not an empty value":       {body: `{"a":"b"}`, expect: `json: {$.a: {not: {matches: "^${NONE}"}}}`, want: `its variables are empty`},
		"header, an empty value":   {header: []string{"X-A", "1"}, expect: `headers: {X-A: {matches: "^${NONE}"}}`, want: `its variables are empty`},
		"contains an element":      {body: `{"a":[{"id":7},2]}`, expect: `json: {$.a: {contains: {id: 7}}}`},
		"contains no such element": {body: `{"a":["2"]}`, expect: `json: {$.a: {contains: 2}}`, want: `contains 2`},
		"contains a piece":         {body: `{"a":"hello"}`, expect: `json: {$.a: {contains: ell}}`},
		"contains in a number":     {body: `{"a":123}`, expect: `json: {$.a: {contains: "2"}}`, want: `got 123`},
		"matches anywhere":         {body: `{"a":"xx-42-yy"}`, expect: `json: {$.a: {matches: "[0-9]+"}}`},
		"matches a number":         {body: `{"a":42}`, expect: `json: {$.a: {matches: "4"}}`, want: `got 42`},
		"matches takes a variable": {body: `{"a":"a.c"}`, expect: `json: {$.a: {matches: "^${DOT}$"}}`},
		"and takes it literally":   {body: `{"a":"abc"}`, expect: `json: {$.a: {matches: "^${DOT}$"}}`, want: `matches ^a\.c$`},
		"type":                     {body: `{"a":1.5}`, expect: `json: {$.a: {type: integer}}`, want: `type integer, got 1.5`},
		"type whole":               {body: `{"a":2.0}`, expect: `json: {$.a: {type: integer}}`},
		"type number":              {body: `{"a":2.5}`, expect: `json: {$.a: {type: number}}`},
		"min of a text":            {body: `{"a":"5"}`, expect: `json: {$.a: {min: 1}}`, want: `at least 1, got "5"`},
		"one of":                   {body: `{"a":"b"}`, expect: `json: {$.a: {one_of: [a, b]}}`},
		"none of":                  {body: `{"a":"c"}`, expect: `json: {$.a: {one_of: [a, b]}}`, want: `one of "a", "b", got "c"`},
		"not":                      {body: `{"a":"b"}`, expect: `json: {$.a: {not: b}}`, want: `not "b", got "b"`},
		"not exists":               {body: `{"a":1}`, expect: `json: {$.a: {not: {exists: true}}}`, want: `not exists`},
		"not all of it":            {body: `{"a":5}`, expect: `json: {$.a: {not: {min: 1, max: 3}}}`},
		"no json":                  {body: `<html>`, expect: `json: {$.a: {exists: false}}`, want: `expected a JSON body, got not JSON`},
		"empty body":               {body: ``, expect: `json: {$.a: {exists: false}}`, want: `got an empty body`},
		"json and more":            {body: `{"a":1} x`, expect: `json: {$.a: 1}`, want: `there is more after`},
		"half a json":              {body: `{"a":1`, expect: `json: {$.a: 1}`, want: `ends too early`},
		"deep json":                {body: strings.Repeat("[", 100000) + strings.Repeat("]", 100000), expect: `json: {$.a: {exists: false}}`, want: `exceeded max depth`},
		"body":                     {body: `hello`, expect: `body: hello`},
		"body contains":            {body: `say hello`, expect: `body: {contains: hullo}`, want: `body: expected contains "hullo"`},
		"body is text":             {body: `42`, expect: `body: 42`},
		"body length":              {body: `abc`, expect: `body: {length: {max: 2}}`, want: `length at most 2, got 3: "abc"`},
		"a body nobody can read":   {body: "x", header: []string{"Content-Encoding", "br"}, expect: `body: {not: {contains: error}}`, want: `got Content-Encoding "br"`},
		"an encoding is a header":  {body: "x", header: []string{"Content-Encoding", "br"}, expect: `headers: {Content-Encoding: br}`},
		"header":                   {header: []string{"X-A", "1"}, expect: `headers: {x-a: 1}`},
		"header missing":           {expect: `headers: {X-A: {not: b}}`, want: `got no such header`},
		"header absent":            {expect: `headers: {X-A: {exists: false}}`},
		"one header must fit":      {header: []string{"X-A", "b", "X-A", "a"}, expect: `headers: {X-A: a}`},
		"no header may be":         {header: []string{"X-A", "b", "X-A", "a"}, expect: `headers: {X-A: {not: a}}`, want: `not "a", got "b", "a"`},
		"one header, all of it":    {header: []string{"X-A", "ab", "X-A", "cd"}, expect: `headers: {X-A: {contains: a, matches: d}}`, want: `contains "a"`},
		"header number":            {header: []string{"X-A", "12"}, expect: `headers: {X-A: {min: 1, max: 11}}`, want: `at most 11, got "12"`},
		"header no number":         {header: []string{"X-A", "many"}, expect: `headers: {X-A: {min: 1}}`, want: `at least 1, got "many"`},
		"header of no number":      {header: []string{"X-A", "{}"}, expect: `headers: {X-A: {min: 0}}`, want: `at least 0, got "{}"`},
		"status default":           {body: `x`, expect: `body: x`},
		"slow":                     {body: `x`, expect: `latency: 1ns`, want: `latency: expected at most 1ns`},
	} {
		t.Run(name, func(t *testing.T) {
			suite := "version: 1\nvariables: {ONE: 1, DOT: a.c, NONE: ''}\nchecks:\n  - name: c\n    request: GET /\n    attempts: 1\n    expect: {" + c.expect + "}\n"
			r := judged(t, suite, answer(c.body, c.header...))
			switch {
			case c.want == "" && r.Verdict != finding.Pass:
				t.Errorf("%s: %s, want PASS", r.Verdict, r.Reason)
			case c.want != "" && (r.Verdict != finding.Fail || !strings.Contains(r.Reason, c.want)):
				t.Errorf("%s: %s\nwant FAIL: … %s", r.Verdict, r.Reason, c.want)
			}
		})
	}
}

func TestEveryFailedAssertionIsTold(t *testing.T) {
	r := judged(t, `version: 1
checks:
  - name: c
    request: GET /
    expect:
      status: 201
      headers: {X-A: b}
      json: {$.a: 1, $.b: 2}
`, answer(`{"a":3}`))
	var got []string
	for _, f := range r.Checks[0].Findings {
		got = append(got, fmt.Sprintf("%s %s %d×", f.Place, f.Subject, f.Count))
	}
	want := "smoke.yaml:6:15 status 5×|smoke.yaml:7:17 header X-A 5×|smoke.yaml:8:14 json $.a 5×|smoke.yaml:8:22 json $.b 5×"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

func TestARateOfErrorsShowsAsItIs(t *testing.T) {
	n := 0
	r := judged(t, "version: 1\nchecks:\n  - name: c\n    request: GET /\n    attempts: 50\n    expect: {status: 200}\n",
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n++; n%10 == 0 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}))
	if c := r.Checks[0]; r.Verdict != finding.Fail || c.Attempts != 50 || c.Failures != 5 {
		t.Errorf("%s with %d failures of %d, want FAIL with 5 of 50", r.Verdict, c.Failures, c.Attempts)
	}
}

func TestAllowedFailuresAreAllowed(t *testing.T) {
	for allowed, want := range map[int]finding.Verdict{1: finding.Fail, 2: finding.Pass} {
		n := 0
		r := judged(t, fmt.Sprintf("version: 1\nchecks:\n  - name: c\n    request: GET /\n    allowed_failures: %d\n    expect: {status: 200}\n", allowed),
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if n++; n < 3 {
					w.WriteHeader(http.StatusInternalServerError)
				}
			}))
		if r.Verdict != want || r.Checks[0].Failures != 2 {
			t.Errorf("%d allowed: got %s with %d failures, want %s with 2", allowed, r.Verdict, r.Checks[0].Failures, want)
		}
	}
}

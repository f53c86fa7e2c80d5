package suite

import (
	"os"
	"strings"
	"testing"
)

// Only a check that no answer of another release can pass proves the release.
func TestWhichChecksProveTheRelease(t *testing.T) {
	const head = "version: 1\nchecks:\n  - name: version\n    request: GET /version\n"
	for name, tc := range map[string]struct {
		text   string
		proves bool
	}{
		"a value":               {`expect: {json: {$.version: "${RELEASE}"}}`, true},
		"a part of a value":     {`expect: {json: {$.version: "v${RELEASE}-web"}}`, true},
		"a header":              {`expect: {headers: {X-Version: {equals: "${RELEASE}"}}}`, true},
		"a part of the body":    {`expect: {body: {contains: "<b>${RELEASE}</b>"}}`, true},
		"a pattern":             {`expect: {body: {matches: "^v${RELEASE}$"}}`, true},
		"one of its spellings":  {`expect: {json: {$.version: {one_of: ["${RELEASE}", "v${RELEASE}"]}}}`, true},
		"beside something else": {`expect: {json: {$.version: {type: string, equals: "${RELEASE}"}}}`, true},
		"not another":           {`expect: {json: {$.version: {not: {equals: "${RELEASE}-SNAPSHOT"}}}}`, false},
		"twice not":             {`expect: {json: {$.version: {not: {not: {equals: "${RELEASE}"}}}}}`, false},
		"or another":            {`expect: {json: {$.version: {one_of: ["${RELEASE}", "1.0"]}}}`, false},
		"a pattern's choice":    {`expect: {body: {matches: "^(${RELEASE}|[0-9.]+)$"}}`, false},
		"a pattern's option":    {`expect: {body: {matches: "^v(${RELEASE})?"}}`, false},
		"any of its letters":    {`expect: {body: {matches: "[${RELEASE}]"}}`, false},
		"no times":              {`expect: {body: {matches: "v(${RELEASE}){0,1}"}}`, false},
		"what was sent":         {`expect: {body: {contains: "${RELEASE}"}}` + "\n    headers: {X-Want: \"${RELEASE}\"}", false},
		"some attempts":         {`expect: {json: {$.version: "${RELEASE}"}}` + "\n    allowed_failures: 1", false},
		"in the end":            {`expect: {json: {$.version: "${RELEASE}"}}` + "\n    eventually: 5s", false},
		"observed":              {`expect: {json: {$.version: "${RELEASE}"}}` + "\n    observe: true", false},
	} {
		text := head + "    " + tc.text + "\n  - {name: home, request: GET /, expect: {status: 200}}\n"
		s, problems := Read(Source{Name: "s", Text: []byte(text)})
		if s == nil {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		if got := s.ProvesRelease(); got != tc.proves || !s.MentionsRelease() {
			t.Errorf("%s: proves %v, want %v", name, got, tc.proves)
		}
	}
	s, _ := Read(Source{Name: "s", Text: []byte(head + "    expect: {status: 200}\n")})
	if s.ProvesRelease() || strings.Contains(head, "RELEASE") {
		t.Error("a suite that says nothing of the release proves one")
	}
}

func TestTheReadmeNamesEachDemand(t *testing.T) {
	readme, err := os.ReadFile("../../buildtools/smoke/README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| | |\n| --- | --- |\n"
	for _, d := range (&Suite{}).demands(0) {
		table += "| `" + d.key + "` | " + d.help + " |\n"
	}
	if !strings.Contains(string(readme), table) {
		t.Errorf("the README lacks the table\n%s", table)
	}
}

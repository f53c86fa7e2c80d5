package suite_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func read(t *testing.T, text string) *suite.Suite {
	t.Helper()
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte("version: 1\n" + text)})
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

// TestAPasswordOfBasicIsHidden: a server that is sent its encoding may say it as it is.
func TestAPasswordOfBasicIsHidden(t *testing.T) {
	for _, basic := range []string{`{user: smoke, password: hunter2}`, `"smoke:hunter2"`, `{user: smoke, password: "${P}"}`} {
		s := read(t, "variables: {P: {env: P}, L: {basic: "+basic+`}}
checks: [{name: a, request: GET /, headers: {Authorization: "Basic ${L}"}, expect: {status: 200}}]`)
		hidden, err := s.Redactor(map[string]suite.Value{"P": {Text: "hunter2"}})
		if err != nil || strings.Contains(hidden.Text("not hunter2"), "hunter2") {
			t.Errorf("%s: %s, %v", basic, hidden.Text("not hunter2"), err)
		}
	}
}

// TestDemandsOfWhatCounts: a setup is no check, and what only observes bounds no latency.
func TestDemandsOfWhatCounts(t *testing.T) {
	s := read(t, `setup: [{request: POST /login, body: "${RELEASE}"}]
checks:
  - {name: a, request: GET /, expect: {status: 200, body: "${RELEASE}"}}
  - {name: b, observe: true, request: GET /, expect: {latency: 1s}}`)
	for policy, met := range map[string]bool{
		"min_checks: 1": true, "min_checks: 2": false, "latency: true": false, "release_proof: true": false, // setup sent it
	} {
		if problems := s.Demand(suite.Source{Name: "p", Text: []byte(policy)}); (len(problems) == 0) != met {
			t.Errorf("%s: %v", policy, problems)
		}
	}
}

// TestFilesOfASuite: one by an alias is found, one that is too large is not sent in part, and one that would block is none.
func TestFilesOfASuite(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"small": 5, "large": suite.MaxSuite + 10} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "small")
	for name, want := range map[string]string{"small": "", "large": "is larger than", "pipe": "cannot be read"} {
		text := "version: 1\ntls: {ca: " + small + "}\nx-file: &file {file: " + name + "}\nchecks: [{name: a, request: POST /, body: *file, expect: {status: 200}}]\n"
		file := filepath.Join(dir, "smoke.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := suite.Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := src.Files[small]; !ok {
			t.Errorf("%s: an absolute path is not found: %v", name, src.Files)
		}
		_, problems := suite.Read(src)
		problems = slices.DeleteFunc(problems, func(p diagnostic.Problem) bool {
			return strings.HasSuffix(p.Text, `/small" holds no certificate`)
		})
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, want)) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestAnEmptyPolicyIsAPolicy, and so is one that is no YAML.
func TestAnEmptyPolicyIsAPolicy(t *testing.T) {
	s := read(t, "checks: [{name: a, request: GET /, expect: {status: 200}}]")
	for policy, want := range map[string]string{"": "the policy is empty", "{compare: true": "the policy is not YAML: not closed: {"} {
		problems := s.Demand(suite.Source{Name: "p", Text: []byte(policy)})
		if len(problems) != 1 || problems[0].Text != want || strings.Contains(problems[0].Help, "checks:") {
			t.Errorf("%q: %+v", policy, problems)
		}
	}
}

func TestASuiteThatCarriesFilesIsNotBundledAgain(t *testing.T) {
	src := suite.Source{Text: []byte("version: 1\nfiles: {a: b}\n"), Files: map[string][]byte{"n": nil}}
	if _, err := suite.Bundle(src); err == nil || !strings.Contains(err.Error(), "carries files already") {
		t.Error(err)
	}
}

// TestWhatNeedsSetup is not waited for, and not asked of the old release.
func TestWhatNeedsSetup(t *testing.T) {
	s := read(t, `setup: [{request: POST /l, capture: {t: $.t}}]
checks:
  - {name: a, request: GET /a, headers: {T: "${t}"}, expect: {body: "${RELEASE}"}}
  - {name: b, request: GET /b, headers: {T: "${t}"}, expect: {status: 200}}
  - {name: c, request: GET /c, expect: {status: 200}}`)
	if ready := s.ReadinessChecks(); len(ready) != 1 || ready[0].Name != "GET / below 500" {
		t.Errorf("readiness asks %+v", ready)
	}
	checks, _ := s.Chosen(nil)
	if checks[1].Single() || !checks[2].Single() {
		t.Error("the old release is asked for what needs a session, or not for what needs none")
	}
}

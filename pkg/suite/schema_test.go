package suite_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

func resolvedSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(suite.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asJSON reads a suite as an editor does before it validates.
func asJSON(t *testing.T, file string) (any, bool) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if yaml.Unmarshal(data, &v) != nil {
		return nil, false
	}
	j, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	if err := json.Unmarshal(j, &v); err != nil {
		t.Fatal(err)
	}
	return v, true
}

func TestAcceptedSuitesAreValidByTheSchema(t *testing.T) {
	schema := resolvedSchema(t)
	files, err := filepath.Glob("testdata/accepted/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range append(files, "../../infra/tripmgmt/smoke.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		suite, problems := suite.Read(suite.Source{Name: file, Text: data})
		if suite == nil || len(problems) > 0 {
			var b strings.Builder
			_ = problems.Write(&b, diagnostic.Text, "program")
			t.Errorf("%s is refused or warned of:\n%s", file, &b)
		}
		v, ok := asJSON(t, file)
		if !ok {
			t.Fatalf("%s is not YAML", file)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// beyondTheSchema are the faults that a schema cannot see: they need the whole suite, or a parser.
func beyondTheSchema() []string {
	return []string{
		"allowed-failures-of-a-write", "ask-for-too-long", "ask-for-too-short", "allowed-failures-of-all-attempts", "alias-bomb", "alias-of-itself",
		"bad-json-path", "bad-regexp", "body-length-above-max-body", "ca-file-missing", "ca-is-no-certificate",
		"capture-hides-a-variable", "capture-of-another-check", "capture-used-before", "contains-nothing",
		"duplicate-name", "duration-too-long", "eventually-for-a-write", "head-with-a-body", "host-header", "host-is-a-url", "length-as-a-member", "length-as-a-member-of-more",
		"min-above-max", "min-excludes-nothing", "name-of-two-lines", "no-expectation-in-any-step",
		"only-observe", "p95-above-timeout", "path-with-a-bad-escape", "pattern-matches-empty", "patterns-match-empty",
		"readiness-of-no-check", "release-in-compare", "shell-form", "status-covers-everything", "two-bodies", "two-documents",
		"undeclared-variable", "undeclared-variable-in-body", "unterminated-variable", "variable-in-a-variable",
		"variable-of-a-text-of-many-lines", "variable-in-a-json-path",
		"steps-and-request", "capture-from-head", "not-a-pattern-that-finds-all", "pattern-with-a-variable-finds-all",
		"rate-too-slow-to-be-ready", "readiness-of-an-observer", "value-holds-a-variable",
		"release-in-host-and-compare", "compare-pattern-matches-empty", "json-length-above-max-body",
	}
}

func TestTheSchemaSeesWhatASchemaCanSee(t *testing.T) {
	schema := resolvedSchema(t)
	files, _ := filepath.Glob("testdata/refused/*.yaml")
	beyond := map[string]bool{}
	for _, name := range beyondTheSchema() {
		beyond[name] = true
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		v, ok := asJSON(t, file)
		if !ok {
			continue // no YAML, or none that JSON could say
		}
		if valid := schema.Validate(v) == nil; valid != beyond[name] {
			t.Errorf("%s: valid by the schema: %t, want %t", name, valid, beyond[name])
		}
	}
}

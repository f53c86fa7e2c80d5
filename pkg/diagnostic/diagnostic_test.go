package diagnostic_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

func TestNearest(t *testing.T) {
	known := []string{"containerDefinitions", "cpu", "image", "name", "memory"}
	for name, want := range map[string]string{
		"containerDefinitons":  "containerDefinitions",
		"Image":                "image",
		"imagee":               "image",
		"iamge":                "image",
		"cpus":                 "cpu",
		"containerdefinitions": "containerDefinitions",
		"image":                "", // known: nothing to suggest
		"tags":                 "", // far from everything
		"x":                    "",
	} {
		if got, _ := diagnostic.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestAKeyWithinTwoEditsIsNearHoweverShort(t *testing.T) {
	known := []string{"containerDefinitions", "cpu", "name", "user"}
	for key, want := range map[string]string{
		"nmee": "name", "usrx": "user", "gpu": "cpu", "c": "cpu", "Cpu": "cpu", "containerDefinitonss": "containerDefinitions",
		"env": "", "tags": "", "name": "", "cont": "",
	} {
		if got, _ := diagnostic.NearestKey(key, known); got != want {
			t.Errorf("NearestKey(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestTheGravestCauseWins(t *testing.T) {
	l := diagnostic.List{{Cause: diagnostic.Rule}, {Cause: diagnostic.Syntax}, {Cause: diagnostic.Unset}}
	if got, ok := l.Cause(); got != diagnostic.Syntax || !ok {
		t.Errorf("Cause() = %v, %v, want Syntax, true", got, ok)
	}
	if _, ok := (diagnostic.List{}).Cause(); ok {
		t.Error("an empty list has a cause")
	}
}

func TestAProblemWithoutSeverityIsAnError(t *testing.T) {
	l := diagnostic.List{{Text: "forgotten"}, {Severity: diagnostic.Warning}}
	if got := l.Errors(false); len(got) != 1 || got[0].Text != "forgotten" {
		t.Errorf("Errors(false) = %v, want the one without severity", got)
	}
	if got := l.Errors(true); len(got) != 2 {
		t.Errorf("Errors(true) has %d, want 2", len(got))
	}
}

func TestProblemsAreSortedByPlaceWithFlagsFirst(t *testing.T) {
	var got []string
	for _, p := range (diagnostic.List{
		{Place: diagnostic.Place{File: "b", Line: 1}},
		{Place: diagnostic.Place{Flag: "--port"}},
		{Place: diagnostic.Place{File: "a", Line: 10}},
		{Place: diagnostic.Place{File: "a", Line: 2, Col: 2}},
		{Place: diagnostic.Place{Flag: "--container"}},
		{Place: diagnostic.Place{File: "a", Line: 2, Col: 1}},
		{Place: diagnostic.Place{Flag: "--port"}},
	}).Sorted() {
		got = append(got, p.Place.String())
	}
	if want := "--container --port a:2:1 a:2:2 a:10 b:1"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFormats(t *testing.T) {
	l := diagnostic.List{
		{Place: diagnostic.Place{File: "a,b.json", Line: 2, Col: 7}, Severity: diagnostic.Error, Text: "50% <wrong>", Help: "do this"},
		{Place: diagnostic.Place{Flag: "--image"}, Severity: diagnostic.Warning, Rule: "r", Text: "odd"},
	}
	for format, want := range map[diagnostic.Format]string{
		diagnostic.Text:   "program: --image: warning: odd\na,b.json:2:7: error: 50% <wrong>\n  help: do this\n",
		diagnostic.GitHub: "::warning::--image: odd\n::error file=a%2Cb.json,line=2,col=7::50%25 <wrong>%0Ahelp: do this\n",
		diagnostic.JSON: `[
  {
    "flag": "--image",
    "severity": "warning",
    "rule": "r",
    "text": "odd"
  },
  {
    "file": "a,b.json",
    "line": 2,
    "column": 7,
    "severity": "error",
    "text": "50% <wrong>",
    "help": "do this"
  }
]
`,
	} {
		var b strings.Builder
		if err := l.Write(&b, format, "program"); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != want {
			t.Errorf("%s:\n got %q\nwant %q", format, got, want)
		}
	}
}

func TestTheJSONOfAnyProblemsIsJSON(t *testing.T) {
	for name, l := range map[string]diagnostic.List{
		"none":      nil,
		"odd bytes": {{Place: diagnostic.Place{File: "a\xff\n\"", Line: 1}, Text: "\u2028 \x00 \\ <&> ü"}},
	} {
		var b strings.Builder
		if err := l.Write(&b, diagnostic.JSON, "program"); err != nil {
			t.Fatal(err)
		}
		var rows []struct{ File, Text string }
		if err := json.Unmarshal([]byte(b.String()), &rows); err != nil || len(rows) != len(l) || !strings.HasSuffix(b.String(), "]\n") {
			t.Errorf("%s: %q is no JSON of %d problems (%v)", name, b.String(), len(l), err)
		}
		if len(rows) > 0 && (rows[0].File != "a\uFFFD\n\"" || rows[0].Text != l[0].Text) {
			t.Errorf("%s: got %+v", name, rows[0])
		}
	}
}

func ExampleList_Write() {
	problems := diagnostic.List{{
		Place:    diagnostic.Place{File: "taskdef_src.json", Line: 3, Col: 5},
		Severity: diagnostic.Error,
		Text:     `unknown key "containerDefinitons"`,
		Help:     `did you mean "containerDefinitions"?`,
	}}
	_ = problems.Write(os.Stdout, diagnostic.Text, "program")
	// Output:
	// taskdef_src.json:3:5: error: unknown key "containerDefinitons"
	//   help: did you mean "containerDefinitions"?
}

// The published schema knows each member of what is printed, and no other one.
func TestTheSchemaIsOfWhatIsPrinted(t *testing.T) {
	text, err := os.ReadFile("../../buildtools/render-taskdef/problems.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Items struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	all := diagnostic.List{
		{Place: diagnostic.Place{File: "f", Line: 1, Col: 2}, Rule: "type", Text: "t", Help: "h"},
		{Place: diagnostic.Place{Flag: "--f"}},
	}
	if err := all.Write(&out, diagnostic.JSON, ""); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, row := range rows {
		maps.Copy(got, row)
	}
	want := slices.Sorted(maps.Keys(schema.Items.Properties))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Error(diff)
	}
}

// A code never changes its meaning.
func TestACodeStays(t *testing.T) {
	for rule, want := range map[string]string{"type": "GL001", "secret-in-text": "GL022", "machine-variable": "GL035", "hooks": "GL045", "env-file-twice": "GL047", "windows": "GL048", "": "", "x": ""} {
		if got := diagnostic.Code(rule); got != want {
			t.Errorf("%s is %s, want %s", rule, got, want)
		}
	}
}

package taskdef

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

var update = flag.Bool("update", false, "rewrite what the rules say, and the page about them")

// render renders a document without edits, with two variables of the machine.
func render(t *testing.T, name, text string) (Rendered, diagnostic.List) {
	t.Helper()
	doc, problems := template.Reader{}.Read(name, text)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", name, problems)
	}
	values := map[string]string{"HOSTNAME": "build-box", "DB_PASSWORD": "hunter2"}
	lookup := func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	return Request{Expander: template.Expander{Doc: doc, Lookup: lookup}, OfMachine: func(string) bool { return true }}.Render()
}

// TestEveryRuleHasAGoodAndABadDocument reads testdata/rules/RULE.txtar: nothing is said about the good
// documents, and about every bad one the rule says something, which "want" holds.
// -update rewrites that.
func TestEveryRuleHasAGoodAndABadDocument(t *testing.T) {
	names := []string{"type"}
	for _, r := range rules() {
		names = append(names, r.name)
	}
	files, _ := filepath.Glob("testdata/rules/*")
	if len(files) != len(names) {
		t.Errorf("%d files for %d rules", len(files), len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { checkRule(t, name, filepath.Join("testdata/rules", name+".txtar")) })
	}
}

func checkRule(t *testing.T, name, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	var want []byte
	good, bad := 0, 0
	for _, f := range archive.Files {
		switch {
		case f.Name == "want":
			want = f.Data
		case strings.HasPrefix(f.Name, "good"):
			good++
			if _, problems := render(t, f.Name, string(f.Data)); len(problems.Errors(name != "type")) > 0 {
				t.Errorf("%s: %v", f.Name, problems)
			}
		default:
			bad++
			_, problems := render(t, f.Name, string(f.Data))
			said := false
			for _, p := range problems {
				said = said || p.Rule == name
			}
			if !said {
				t.Errorf("%s: the rule says nothing; others say %v", f.Name, problems)
			}
			if err := problems.Write(&got, diagnostic.Text, "program"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good and %d bad documents, want both", good, bad)
	}
	if *update {
		files := archive.Files
		if want != nil {
			files = files[:len(files)-1]
		}
		archive.Files = append(files, txtar.File{Name: "want", Data: got.Bytes()})
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

// The page shows why there is each rule, the first bad document with what is said about it, and the first good one.
func TestThePageShowsEveryRule(t *testing.T) {
	const page = "../../buildtools/render-taskdef/RULES.md"
	got := []byte("# What render-taskdef checks\n\n" +
		"Each rule with a template that breaks it, what is said about that, and one that holds it. `--werror` makes warnings\n" +
		"errors, `--ignore CODE` or a comment above (`greenlight:ignore CODE REASON`) turns a warning off. Facts about Amazon ECS are as of November 2026. This page is made\n" +
		"of the rules' tests: `go test ./pkg/taskdef -update`.\n")
	for _, r := range append([]rule{{name: "type"}}, rules()...) {
		archive, err := txtar.ParseFile(filepath.Join("testdata/rules", r.name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if len(archive.Comment) == 0 {
			t.Errorf("%s does not begin with why it is there", r.name)
		}
		code := diagnostic.Code(r.name)
		if code == "" {
			t.Errorf("%s has no code", r.name)
		}
		got = fmt.Appendf(got, "\n## %s %s\n\n%s", code, r.name, archive.Comment)
		for _, kind := range []string{"bad", "good"} {
			i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, kind) })
			got = fmt.Appendf(got, "\n%s:\n\n```json\n%s```\n", strings.ToUpper(kind[:1])+kind[1:], cut(string(archive.Files[i].Data)))
			if kind == "bad" {
				_, problems := render(t, "taskdef.json", string(archive.Files[i].Data))
				said := bytes.NewBufferString("\n```\n")
				if err := problems.Write(said, diagnostic.Text, "program"); err != nil {
					t.Fatal(err)
				}
				got = append(append(got, said.Bytes()...), "```\n"...)
			}
		}
	}
	if *update {
		if err := os.WriteFile(page, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(page)
	if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
		t.Errorf("the page is not what the rules say (%v): go test ./pkg/taskdef -update\n%s", err, diff)
	}
}

// cut shortens the lines of an example that nobody would read to their end.
func cut(text string) string {
	return regexp.MustCompile(`(?m)^(.{140}).+$`).ReplaceAllString(text, "$1…")
}

// A rule that changes what it checks would make the result depend on the order of the rules.
func TestRulesOnlyRead(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name == "want" {
				continue
			}
			doc, _ := template.Reader{}.Read(f.Name, string(f.Data))
			exp := &template.Expander{Doc: doc, Lookup: func(string) (string, bool) { return "80", true }}
			root := unwrap(doc.Root, exp)
			exp.All(root)
			normalise(root)
			typed(root)
			before := root.JSON()
			c := checker{Request: Request{Expander: *exp}, root: root}
			c.run()
			if diff := cmp.Diff(string(before), string(root.JSON())); diff != "" {
				t.Errorf("%s, %s: a rule changed the document:\n%s", file, f.Name, diff)
			}
		}
	}
}

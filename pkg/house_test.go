// Package pkg_test holds the rules of the house that a compiler does not know: who may import whom,
// and that every room has a sign on its door.
package pkg_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/greenlight-ecs/greenlight/"

// neighbours says which rooms of ours each room may import. A new room must state its neighbours here.
// Rooms without any are leaves: they import nothing of ours, do not log, read no environment, never exit.
var neighbours = map[string][]string{
	"pkg/appspec":           {"pkg/diagnostic", "pkg/lifecycle", "pkg/taskdef", "pkg/template"},
	"pkg/taskdef":           {"pkg/diagnostic", "pkg/template"},
	"pkg/template":          {"pkg/diagnostic"},
	"pkg/compare":           {},
	"pkg/approval":          {"pkg/awsclient"},
	"pkg/awsclient":         {"pkg/version"},
	"pkg/codedeploy":        {"pkg/awsclient", "pkg/lifecycle", "pkg/lifecycle/payload"},
	"pkg/cli":               {"pkg/diagnostic", "pkg/template", "pkg/version"},
	"pkg/draft":             {"pkg/probe", "pkg/redact", "pkg/suite", "pkg/template"},
	"pkg/diagnostic":        {},
	"pkg/lifecycle":         {},
	"pkg/lifecycle/payload": {"pkg/lifecycle"},
	"pkg/jsonpath":          {},
	"pkg/report":            {"pkg/compare", "pkg/diagnostic", "pkg/finding", "pkg/report/plot", "pkg/report/sheet"},
	"pkg/report/sheet":      {},
	"pkg/report/plot":       {},
	"pkg/secret":            {"pkg/awsclient", "pkg/parallel", "pkg/redact", "pkg/suite"},
	"pkg/discovery":         {"pkg/awsclient", "pkg/codedeploy", "pkg/parallel"},
	"pkg/decision":          {"pkg/approval", "pkg/discovery", "pkg/finding", "pkg/lifecycle", "pkg/smoke", "pkg/suite"},
	"pkg/gate":              {"pkg/approval", "pkg/awsclient", "pkg/codedeploy", "pkg/console", "pkg/decision", "pkg/diagnostic", "pkg/discovery", "pkg/finding", "pkg/lifecycle", "pkg/lifecycle/payload", "pkg/parallel", "pkg/prober", "pkg/redact", "pkg/report", "pkg/secret", "pkg/smoke", "pkg/suite", "pkg/watch", "pkg/version"},
	"pkg/rollout":           {"pkg/appspec", "pkg/approval", "pkg/awsclient", "pkg/codedeploy", "pkg/console", "pkg/lifecycle", "pkg/notify"},
	"pkg/notify":            {"pkg/console", "pkg/lifecycle", "pkg/redact"},
	"pkg/notify/sender":     {"pkg/awsclient", "pkg/notify", "pkg/redact", "pkg/secret", "pkg/suite"},
	"pkg/startup":           {},
	"pkg/watch":             {"pkg/awsclient", "pkg/compare", "pkg/discovery", "pkg/finding", "pkg/parallel", "pkg/redact", "pkg/suite"},
	"pkg/verify":            {"pkg/appspec", "pkg/awsclient", "pkg/diagnostic", "pkg/taskdef", "pkg/template"},

	"pkg/rehearsal":            {"pkg/appspec", "pkg/diagnostic", "pkg/lifecycle", "pkg/notify", "pkg/redact", "pkg/rehearsal/alb", "pkg/rehearsal/aws", "pkg/rehearsal/deployment", "pkg/rehearsal/lambda", "pkg/rehearsal/process", "pkg/rehearsal/task", "pkg/suite", "pkg/taskdef", "pkg/template", "pkg/version"},
	"pkg/rehearsal/alb":        {},
	"pkg/rehearsal/aws":        {"pkg/jsonpath", "pkg/rehearsal/deployment"},
	"pkg/rehearsal/deployment": {"pkg/lifecycle"},
	"pkg/rehearsal/faults":     {"pkg/diagnostic", "pkg/finding", "pkg/lifecycle", "pkg/rehearsal", "pkg/rehearsal/task", "pkg/suite", "pkg/version"},
	"pkg/rehearsal/lambda":     {"pkg/rehearsal/process"},
	"pkg/rehearsal/process":    {},
	"pkg/rehearsal/task":       {"pkg/rehearsal/process"},
	"pkg/rehearsal/view":       {"pkg/compare", "pkg/finding", "pkg/lifecycle", "pkg/rehearsal", "pkg/rehearsal/alb", "pkg/rehearsal/deployment", "pkg/report", "pkg/report/plot", "pkg/report/sheet"},

	"pkg/probe":    {},
	"pkg/redact":   {},
	"pkg/prober":   {"pkg/awsclient", "pkg/finding", "pkg/smoke", "pkg/suite"},
	"pkg/console":  {},
	"pkg/parallel": {},
	"pkg/programs": {},
	"pkg/version":  {},
	"pkg/finding":  {"pkg/diagnostic"},
	"pkg/smoke":    {"pkg/compare", "pkg/finding", "pkg/parallel", "pkg/probe", "pkg/redact", "pkg/suite", "pkg/version"},
	"pkg/suite":    {"pkg/compare", "pkg/diagnostic", "pkg/template", "pkg/jsonpath", "pkg/probe", "pkg/redact", "pkg/version"},
}

// banned says what a program must not link, even through others, and why.
var banned = map[string]map[string]string{
	"buildtools/render-taskdef": {"github.com/aws/": "it talks to nobody", "net/http": "it talks to nobody", "log": "nobody there takes the standard logger over"},
	"buildtools/render-appspec": {"github.com/aws/": "it talks to nobody", "net/http": "it talks to nobody", "log": "nobody there takes the standard logger over"},
	"pkg/smoke":                 {"github.com/aws/": "the suite side knows nothing of AWS"},
	"pkg/suite":                 {"github.com/aws/": "the suite side knows nothing of AWS"},
	"pkg/notify":                {"github.com/aws/": "a rehearsal shows what would be sent, and sends nothing", "net/http": "a rehearsal shows what would be sent, and sends nothing"},
	"pkg/report":                {"github.com/aws/": "the suite side knows nothing of AWS", module + "pkg/suite": "a report is made of what was found", module + "pkg/smoke": "a report is made of what was found"},
}

type room struct {
	ImportPath   string
	Name, Doc    string
	Imports      []string
	Deps         []string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

func (r room) path() string { return strings.TrimPrefix(r.ImportPath, module) }

func TestEveryRoomStatesItsNeighbours(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rooms(t) {
		seen[r.path()] = true
		if r.Name == "main" || len(r.GoFiles) == 0 {
			continue
		}
		allowed, ok := neighbours[r.path()]
		if !ok {
			t.Errorf("%s is a new room: state its neighbours in this table", r.path())
		}
		for _, i := range r.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which is none of its neighbours", r.path(), ours)
			}
		}
	}
	for r := range neighbours {
		if !seen[r] {
			t.Errorf("%s is in the table, but not in the house", r)
		}
	}
}

func TestNobodyLinksWhatIsBanned(t *testing.T) {
	for _, r := range rooms(t) {
		for _, i := range r.Imports {
			if (i == "text/template" || i == "html/template") && r.path() != "buildtools/bench" {
				t.Errorf("%s imports %s: it calls methods by their names, so that the linker keeps all of AWS's clients': 18 MB", r.path(), i)
			}
		}
		for prefix, why := range banned[r.path()] {
			for _, d := range r.Deps {
				if d == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(d, prefix) {
					t.Errorf("%s links %s: %s", r.path(), d, why)
				}
			}
		}
	}
}

// What libraries print through the standard logger is nothing that we have looked at.
func TestEveryProgramTakesTheStandardLoggerOver(t *testing.T) {
	for _, r := range rooms(t) {
		if r.Name == "main" && slices.Contains(r.Deps, "log") && !slices.Contains(r.Imports, module+"pkg/startup") {
			t.Errorf("%s links the standard logger, and does not begin with startup.TakeOverLog", r.path())
		}
	}
}

func TestEveryRoomHasAPackageComment(t *testing.T) {
	for _, r := range rooms(t) {
		if len(r.GoFiles) > 0 && r.Doc == "" {
			t.Errorf("%s has no package comment", r.path())
		}
	}
}

func rooms(t *testing.T) []room {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Doc,Imports,Deps,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []room
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r room
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

// The tree that the README draws is the tree on disk.
func TestTheTreeIsDrawn(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tree, _ := strings.Cut(string(text), "```\npkg/\n")
	tree, _, _ = strings.Cut(tree, "```")
	drawn, parent := map[string]bool{}, ""
	for line := range strings.Lines(tree) {
		name, _, isFolder := strings.Cut(strings.TrimSpace(line), "/")
		switch depth := len(line) - len(strings.TrimLeft(line, " ")); {
		case !isFolder || depth > 4:
		case depth == 2:
			parent = name
			drawn["pkg/"+name] = true
		default:
			drawn["pkg/"+parent+"/"+name] = true
		}
	}
	onDisk := map[string]bool{}
	for _, r := range rooms(t) {
		if strings.HasPrefix(r.path(), "pkg/") {
			onDisk[r.path()] = true
		}
	}
	for r := range onDisk {
		if !drawn[r] && !strings.HasPrefix(r, "pkg/internal/") {
			t.Errorf("%s is not in the README's tree", r)
		}
	}
	for r := range drawn {
		if !onDisk[r] && r != "pkg/internal" {
			t.Errorf("%s is in the README's tree, and not on disk", r)
		}
	}
}

// TestTheTopLevelIsSmall: a stranger sees at once where things are.
func TestTheTopLevelIsSmall(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	built := []string{"bin", "dist"}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(built, name) && !slices.Contains([]string{
			"functions", "buildtools", "pkg", "infra", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
		}, name) {
			t.Errorf("%s stands at the top level", name)
		}
	}
}

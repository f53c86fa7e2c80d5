package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func TestTheGravestCauseIsTheExitCode(t *testing.T) {
	problem := func(c diagnostic.Cause) diagnostic.Problem {
		return diagnostic.Problem{Cause: c, Severity: diagnostic.Error, Text: "x"}
	}
	all := []diagnostic.Cause{diagnostic.File, diagnostic.Usage, diagnostic.Syntax, diagnostic.Unset, diagnostic.Rule}
	for i, want := range []int{1, 2, 4, 3, 5} {
		r := cli.Run{Stderr: new(bytes.Buffer)}
		for _, c := range all[i:] {
			r.Add(problem(c))
		}
		if got := r.End(); got != want {
			t.Errorf("with %v: exit %d, want %d", all[i:], got, want)
		}
	}
}

// render is a renderer's command line.
func render() *cli.Command {
	return &cli.Command{Name: "render", Flags: cli.Flags{}, Help: `usage: render [flags]

Renders.

problems:
      --format FORM         (default text)
      --werror
  -q, --quiet
      --ignore CODE         (repeatable)
` + general}
}

// renderer runs a renderer that only notes problems.
func renderer(args string, problems ...diagnostic.Problem) (code int, stderr string) {
	var out, err bytes.Buffer
	r := cli.Run{Stdout: &out, Stderr: &err}
	code = r.Execute(render(), strings.Fields(args), func([]string) { r.Add(problems...) })
	return code, err.String()
}

func TestAWarningFailsOnlyWhenAsked(t *testing.T) {
	for args, want := range map[string]int{"": 0, "-q": 0, "--werror": 5, "--werror -q": 5} {
		code, stderr := renderer(args, diagnostic.Problem{Severity: diagnostic.Warning, Text: "odd"})
		if code != want {
			t.Errorf("%q: exit %d, want %d", args, code, want)
		}
		if said := stderr != ""; said == (args == "-q") {
			t.Errorf("%q: said %q", args, stderr)
		}
	}
}

func TestTheLongestFileIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	for size, want := range map[int]bool{0: true, template.MaxSize: true, template.MaxSize + 1: false} {
		if err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		var r cli.Run
		text, ok := r.Read(file)
		if ok != want || ok && len(text) != size || r.Failed() == want {
			t.Errorf("%d bytes: read %d, %v", size, len(text), ok)
		}
		r = cli.Run{Stdin: strings.NewReader(strings.Repeat("x", size))}
		if text, ok := r.Read("-"); ok != want || ok && len(text) != size {
			t.Errorf("%d bytes from stdin: read %d, %v", size, len(text), ok)
		}
	}
}

func TestAWrongFlagIsAProblemInTheWantedFormat(t *testing.T) {
	for _, args := range []string{
		"--format json --werrro", "--werrro SECRET --format=json -q",
		"--werror --werrro=SECRET --werror=x --format json",
	} {
		code, stderr := renderer(args)
		var rows []struct{ Flag, Text, Help string }
		if err := json.Unmarshal([]byte(stderr), &rows); err != nil {
			t.Fatalf("%s: %v: %s", args, err, stderr)
		}
		told := len(rows) == 1 && rows[0].Flag == "--werrro" && rows[0].Help == "did you mean --werror?"
		if code != cli.ExitUsage || !told || strings.Contains(stderr, "SECRET") {
			t.Errorf("%s: exit %d, %+v", args, code, rows)
		}
	}
}

func TestAnUnknownFormatIsTold(t *testing.T) {
	code, stderr := renderer("--format xml")
	if code != cli.ExitUsage || !strings.Contains(stderr, "--format: error: want text, json, github or sarif") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestAMissingFileMayBeAMistypedCommand(t *testing.T) {
	for name, want := range map[string]string{
		"verson": "did you mean the command version?", "a.json": "paths are relative to the working directory",
	} {
		var out, stderr bytes.Buffer
		r := cli.Run{Stdout: &out, Stderr: &stderr}
		code := r.Execute(render(), []string{name}, func(args []string) { r.Read(args[0]) })
		want = name + ": error: open: no such file or directory\n  help: " + want
		if code != cli.ExitFile || !strings.Contains(stderr.String(), want) {
			t.Errorf("exit %d, %s", code, &stderr)
		}
	}
}

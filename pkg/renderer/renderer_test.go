package renderer_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/command"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/renderer"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func TestTheGravestCauseIsTheExitCode(t *testing.T) {
	problem := func(c diagnostic.Cause) diagnostic.Problem {
		return diagnostic.Problem{Cause: c, Severity: diagnostic.Error, Text: "x"}
	}
	all := []diagnostic.Cause{diagnostic.File, diagnostic.Usage, diagnostic.Syntax, diagnostic.Unset, diagnostic.Rule}
	for i, want := range []int{1, 2, 4, 3, 5} {
		r := renderer.Run{Stderr: new(bytes.Buffer)}
		for _, c := range all[i:] {
			r.Add(problem(c))
		}
		if got := r.End(); got != want {
			t.Errorf("with %v: exit %d, want %d", all[i:], got, want)
		}
	}
}

func TestAWarningFailsOnlyWhenAsked(t *testing.T) {
	for args, want := range map[string]int{"": 0, "-q": 0, "--werror": 5, "--werror -q": 5} {
		var stderr bytes.Buffer
		r := renderer.Run{Stderr: &stderr}
		if !r.Parse(command.Spec{}, command.Spec{}.Flags(), strings.Fields(args)) {
			t.Fatal(r.Problems)
		}
		r.Add(diagnostic.Problem{Severity: diagnostic.Warning, Text: "odd"})
		if got := r.End(); got != want {
			t.Errorf("%q: exit %d, want %d", args, got, want)
		}
		if said := stderr.Len() > 0; said == (args == "-q") {
			t.Errorf("%q: said %q", args, &stderr)
		}
	}
}

func TestTheLongestFileIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	for size, want := range map[int]bool{0: true, template.MaxSize: true, template.MaxSize + 1: false} {
		if err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		var r renderer.Run
		text, ok := r.Read(file)
		if ok != want || ok && len(text) != size || r.Failed() == want {
			t.Errorf("%d bytes: read %d, %v", size, len(text), ok)
		}
		r = renderer.Run{Stdin: strings.NewReader(strings.Repeat("x", size))}
		if text, ok := r.Read("-"); ok != want || ok && len(text) != size {
			t.Errorf("%d bytes from stdin: read %d, %v", size, len(text), ok)
		}
	}
}

func TestWrongFlagsAreProblemsInTheWantedFormat(t *testing.T) {
	var stderr bytes.Buffer
	r := renderer.Run{Stderr: &stderr}
	if r.Parse(command.Spec{}, command.Spec{}.Flags(), []string{"--werrro", "--format", "json", "-x"}) {
		t.Error("the run goes on")
	}
	if got := r.End(); got != renderer.ExitUsage {
		t.Errorf("exit %d, want %d", got, renderer.ExitUsage)
	}
	var rows []struct{ Flag, Text, Help string }
	if err := json.Unmarshal(stderr.Bytes(), &rows); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if len(rows) != 2 || rows[0].Flag != "-x" && rows[1].Flag != "-x" {
		t.Errorf("got %+v, want both flags", rows)
	}
}

func TestAnUnknownFormatIsTold(t *testing.T) {
	var stderr bytes.Buffer
	r := renderer.Run{Stderr: &stderr}
	r.Parse(command.Spec{}, command.Spec{}.Flags(), []string{"--format", "xml"})
	if got := r.End(); got != renderer.ExitUsage || !strings.Contains(stderr.String(), "--format: error: want text, json or github") {
		t.Errorf("exit %d, %s", got, &stderr)
	}
}

package version_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/version"
)

func TestWithoutARelease(t *testing.T) {
	if version.Number() != "devel" || version.Commit() != "" { // go test stamps nothing
		t.Errorf("got %q of commit %q", version.Number(), version.Commit())
	}
}

func TestAReleaseSaysWhatItIs(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "main.go")
	source := "package main\n\nimport \"github.com/greenlight-ecs/greenlight/pkg/version\"\n\n" +
		"func main() { println(version.Number(), version.Commit()) }\n"
	if err := os.WriteFile(program, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	const room = "github.com/greenlight-ecs/greenlight/pkg/version."
	cmd := exec.CommandContext(t.Context(), "go", "run", "-ldflags=-X "+room+"number=v0.2.0 -X "+room+"commit=abc123", program)
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "v0.2.0 abc123" {
		t.Errorf("got %q, %v", got, err)
	}
}

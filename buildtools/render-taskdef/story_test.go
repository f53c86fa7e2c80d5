package main

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories runs testdata/script: one story for each promise of the tool, told by its real program, which is built
// once and without the race detector: with it each start would take ten times as long, and it has one goroutine.
// UPDATE=1 rewrites what the stories expect.
func TestStories(t *testing.T) {
	programs := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", programs, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make package builds it
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Deadline:            time.Now().Add(3 * time.Minute),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			repository, err := os.Getwd()
			env.Setenv("INFRA", repository+"/../../infra")
			return err
		},
	})
}

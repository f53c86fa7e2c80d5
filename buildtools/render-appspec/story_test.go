package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

// TestStories runs testdata/script: one story for each promise of the tool, told by its real program.
// UPDATE=1 rewrites what the stories expect.
func TestStories(t *testing.T) {
	dir := programs.In(t, "buildtools/render-appspec")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Deadline:            time.Now().Add(3 * time.Minute),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
			repository, err := os.Getwd()
			env.Setenv("INFRA", repository+"/../../infra")
			return err
		},
	})
}

package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the commands under test programs of their own: each story starts the real main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"render-appspec": main})
}

// TestStories runs testdata/script: one story for each promise of the tool. UPDATE=1 rewrites what they expect.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Deadline:            time.Now().Add(3 * time.Minute),
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // with -race each run would sleep a second, for goroutines that it does not have
			repository, err := os.Getwd()
			env.Setenv("INFRA", repository+"/../../infra")
			return err
		},
	})
}

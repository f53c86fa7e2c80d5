// Package programs builds the commands and the functions for tests that run them: as they are shipped, and without the race
// detector, with which each of some hundred starts takes ten times as long. It is for tests only.
package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// folder is the environment variable by which `make test` says where it has built all of them, once for all rooms.
const folder = "GREENLIGHT_PROGRAMS"

// Build returns a folder with the programs of these folders of the repository ("buildtools/smoke"), and maybe with others,
// and what removes it. go test does not see what they are made of, and would hand out a cached result when that has
// changed: whoever runs such a test by hand says -count=1, as make test does.
func Build(folders ...string) (dir string, remove func(), err error) {
	if dir := os.Getenv(folder); dir != "" {
		return dir, func() {}, nil
	}
	if dir, err = os.MkdirTemp("", "greenlight-programs"); err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	// The first build compiles the SDK's client of EC2: two and a half minutes of one processor.
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-tags", "lambda.norpc", "-o", dir+"/")
	for _, path := range folders {
		build.Args = append(build.Args, "github.com/greenlight-ecs/greenlight/"+path)
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build %v: %w\n%s", folders, err, out)
	}
	return dir, remove, nil
}

// In is Build for one test, after which they are removed.
func In(t testing.TB, folders ...string) string {
	t.Helper()
	dir, remove, err := Build(folders...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return dir
}

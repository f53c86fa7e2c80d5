package taskdef

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The committed list of fields is what the generator makes of the SDK in go.mod: nobody edits it by hand, and
// an SDK that was raised without `go generate` is seen.
func TestTheModelIsGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the generator, and with it the SDK's package")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	fresh := filepath.Join(t.TempDir(), "model.txt")
	if out, err := exec.CommandContext(ctx, "go", "run", "../../buildtools/taskdef-model", fresh).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("model.txt"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("model.txt is not what the generator makes (%v): go generate ./pkg/taskdef", err)
	}
}

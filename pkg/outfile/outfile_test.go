package outfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/outfile"
)

func TestWriteKeepsPermissionsAndLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "out.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "new" {
		t.Errorf("file holds %q, want new", got)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced by a file (%v)", err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640", info.Mode().Perm())
	}
	onlyFiles(t, dir, 2)
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := outfile.Write(filepath.Join(dir, "missing", "out.json"), []byte("x")); err == nil {
		t.Error("a missing folder was accepted")
	}
	if err := outfile.Write(dir, []byte("x")); err == nil {
		t.Error("a folder was accepted as the file")
	}
	onlyFiles(t, dir, 0)
}

func TestADeviceIsWrittenTo(t *testing.T) {
	if err := outfile.Write(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
}

func onlyFiles(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != want {
		t.Errorf("%d entries in the folder, want %d: %v", len(entries), want, entries)
	}
}

func TestWhatWasStagedIsDiscardedWhole(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.json")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	staged, err := outfile.Stage(file, []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, 2)
	staged.Discard()
	if got, _ := os.ReadFile(file); string(got) != "old" {
		t.Errorf("file holds %q, want old", got)
	}
	onlyFiles(t, dir, 1)
}

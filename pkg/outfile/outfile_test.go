package outfile_test

import (
	"errors"
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

func TestALinkToNothingIsWrittenThrough(t *testing.T) {
	for name, links := range map[string][][2]string{ // what each link points to; the first is written to
		"beside":                  {{"link.json", "out.json"}},
		"another link":            {{"link.json", "second.json"}, {"second.json", "out.json"}},
		"out of a linked folder":  {{"linked/link.json", "../../out.json"}},
		"into a linked folder":    {{"link.json", "linked/../../out.json"}},
		"links in linked folders": {{"link.json", "linked/second.json"}, {"linked/second.json", "../../out.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := errors.Join(os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700), os.Symlink(filepath.Join("a", "b"), filepath.Join(dir, "linked")))
			for _, l := range links {
				err = errors.Join(err, os.Symlink(l[1], filepath.Join(dir, l[0])))
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := outfile.Write(filepath.Join(dir, links[0][0]), []byte("new")); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "out.json")); string(got) != "new" {
				t.Errorf("the target holds %q (%v), want new", got, err)
			}
			for _, l := range links {
				if info, err := os.Lstat(filepath.Join(dir, l[0])); err != nil || info.Mode()&os.ModeSymlink == 0 {
					t.Errorf("the link %s was replaced by a file (%v)", l[0], err)
				}
			}
		})
	}
}

func TestALinkThatLeadsNowhereIsRefused(t *testing.T) {
	dir := t.TempDir()
	circle, missing := filepath.Join(dir, "circle"), filepath.Join(dir, "missing")
	if err := errors.Join(os.Symlink("circle", circle), os.Symlink("no/such/folder", missing)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{circle, missing} {
		if err := outfile.Write(link, []byte("x")); err == nil {
			t.Errorf("%s was written", link)
		}
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

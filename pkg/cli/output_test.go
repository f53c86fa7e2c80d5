package cli_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
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
	if err := cli.WriteFile(link, []byte("new")); err != nil {
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
			if err := cli.WriteFile(filepath.Join(dir, links[0][0]), []byte("new")); err != nil {
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
		if err := cli.WriteFile(link, []byte("x")); err == nil {
			t.Errorf("%s was written", link)
		}
	}
	onlyFiles(t, dir, 2)
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := cli.WriteFile(filepath.Join(dir, "missing", "out.json"), []byte("x")); err == nil {
		t.Error("a missing folder was accepted")
	}
	if err := cli.WriteFile(dir, []byte("x")); err == nil {
		t.Error("a folder was accepted as the file")
	}
	onlyFiles(t, dir, 0)
}

func TestADeviceIsWrittenTo(t *testing.T) {
	if err := cli.WriteFile(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
}

// TestMain makes the test a program that writes to the files of its arguments, which are its own descriptors.
func TestMain(m *testing.M) {
	if os.Getenv("CLI_WRITES") == "" {
		os.Exit(m.Run())
	}
	for _, name := range os.Args[1:] {
		if err := cli.WriteFile(name, []byte("whole\n")); err != nil {
			panic(err)
		}
	}
	os.Exit(0)
}

// writer is a command that writes "whole" to each of the names.
func writer(t *testing.T, names ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], names...)
	cmd.Env = append(os.Environ(), "CLI_WRITES=1")
	return cmd
}

func TestAPipeIsWrittenTo(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	names := []string{"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/3", "/proc/self/fd/3", fifo, link}
	for _, name := range names {
		if strings.HasPrefix(name, "/proc") && runtime.GOOS != "linux" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd := writer(t, name)
			cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = write, write, []*os.File{write}
			if name == fifo || name == link { // whose reader must not wait for a writer that never comes
				if read, err = os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(cmd.Run(), write.Close()); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(read); err != nil || string(got) != "whole\n" {
				t.Errorf("got %q (%v)", got, err)
			}
		})
	}
}

// A log that a shell appends to is neither replaced nor written from its start.
func TestADescriptorThatIsAFileIsAppendedTo(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := writer(t, "/dev/stdout", "/dev/stderr", "/dev/fd/3")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = file, file, []*os.File{file}
	if err := errors.Join(cmd.Run(), file.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(log); string(got) != "before\nwhole\nwhole\nwhole\n" {
		t.Errorf("the log holds %q (%v)", got, err)
	}
}

func TestAClosedDescriptorIsAnError(t *testing.T) {
	if err := cli.WriteFile("/dev/fd/999", []byte("x")); err == nil || !strings.Contains(err.Error(), "/dev/fd/999") {
		t.Errorf("got %v", err)
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
	staged, err := cli.Stage(file, []byte("new"))
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

// Package outfile writes a result whole or not at all: a reader never meets half a file, and a run
// that fails leaves the old file as it was.
//
// It refuses to create folders: a wrong path is the user's to see.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file name by data: into a temporary file beside it, then renamed. A
// symbolic link is followed, so that the link stays one. The file keeps its permissions; a new one
// gets 0644 less the umask. Anything that is not a regular file (a pipe, /dev/stdout) is written to directly.
func Write(name string, data []byte) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o644)
	exists := false
	switch info, err := os.Stat(name); {
	case err == nil && info.Mode().IsRegular():
		mode, exists = info.Mode().Perm(), true
	case err == nil && info.IsDir():
		return fmt.Errorf("write %s: is a directory", name)
	case err == nil:
		return os.WriteFile(name, data, mode)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	tmp, err := create(name, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	if exists {
		if err := tmp.Chmod(mode); err != nil {
			return err
		}
	}
	// No sync: it doubles the time of a small render. A full disk shows in Write, or in Close on a network
	// file system; what a power failure takes away, the next build makes again.
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// create opens a new file beside name. Unlike os.CreateTemp it leaves the permissions to the umask,
// since the file becomes the user's.
func create(name string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(name)
	for i := range 100 {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf(".%s.%d-%d.tmp", base, os.Getpid(), i)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("write %s: no free temporary name beside it", name)
}

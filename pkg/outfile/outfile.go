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

// Write replaces the file name by data: Stage and Commit in one.
func Write(name string, data []byte) error {
	staged, err := Stage(name, data)
	if err != nil {
		return err
	}
	return staged.Commit()
}

// Staged is data that is on the disk beside its file, and not yet that file. It ends with Commit or Discard.
type Staged struct {
	name string
	// tmp is the temporary file; "" where name is no regular file, and data is still to be written.
	tmp  string
	data []byte
}

// Stage writes data into a temporary file beside name, so that several files can be replaced only when all
// of them could be written. A symbolic link is followed, so that the link stays one, also to a file that is
// still to be made. The file keeps its permissions; a new one gets 0644 less the umask. Anything that is not a
// regular file (a pipe, /dev/stdout) is written to directly, by Commit.
func Stage(name string, data []byte) (staged *Staged, err error) {
	if name, err = followed(name); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o644)
	exists := false
	switch info, err := os.Stat(name); {
	case err == nil && info.Mode().IsRegular():
		mode, exists = info.Mode().Perm(), true
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("write %s: is a directory", name)
	case err == nil:
		return &Staged{name: name, data: data}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	tmp, err := create(name, mode)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(data); err != nil {
		return nil, err
	}
	if exists {
		if err := tmp.Chmod(mode); err != nil {
			return nil, err
		}
	}
	// No sync: it doubles the time of a small render. A full disk shows in Write, or in Close on a network
	// file system; what a power failure takes away, the next build makes again.
	if err := tmp.Close(); err != nil {
		return nil, err
	}
	return &Staged{name: name, tmp: tmp.Name()}, nil
}

// maxLinks is how many symbolic links are followed, as on Linux; more are a circle.
const maxLinks = 40

// followed returns what name is behind its symbolic links, whether that exists or not.
func followed(name string) (string, error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		return target, nil
	}
	// Something is missing: the last target, or a folder, which whoever opens the file will say.
	for range maxLinks {
		target, err := os.Readlink(name)
		if err != nil {
			return name, nil // no link, or nothing there
		}
		if !filepath.IsAbs(target) {
			// From the folder that the link is really in: ".." of a linked folder is somewhere else.
			dir, _ := filepath.Split(name)
			if dir, err = filepath.EvalSymlinks(dir + "."); err != nil {
				return "", err
			}
			target = dir + string(filepath.Separator) + target
		}
		name = target
	}
	return "", fmt.Errorf("write %s: too many symbolic links", name)
}

// Name is the file that Commit replaces.
func (s *Staged) Name() string { return s.name }

// Direct reports whether Commit writes to something that cannot be replaced, which may fail half way.
func (s *Staged) Direct() bool { return s.tmp == "" }

// Commit makes the data the file.
func (s *Staged) Commit() error {
	if s.tmp == "" {
		return os.WriteFile(s.name, s.data, 0o644)
	}
	if err := os.Rename(s.tmp, s.name); err != nil {
		s.Discard()
		return err
	}
	return nil
}

// Discard leaves the file as it was, and nothing beside it.
func (s *Staged) Discard() {
	if s.tmp != "" {
		_ = os.Remove(s.tmp)
	}
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

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteFile replaces the file name by data: Stage and Commit in one.
func WriteFile(name string, data []byte) error {
	staged, err := Stage(name, data)
	if err != nil {
		return err
	}
	return staged.Commit()
}

// Staged is data that is on the disk beside its file, and not yet that file. It ends with Commit or Discard.
type Staged struct {
	name string
	// tmp is the temporary file; where name cannot be replaced there is none, and commit writes the data.
	tmp    string
	commit func() error
}

// Stage writes data into a temporary file beside name, so that several files can be replaced only when all of them could
// be written: a reader never meets half a file, and a run that fails leaves the old one. Folders are not made, a symbolic
// link is followed and stays one, a file keeps its permissions; a new one gets 0644 less the umask. What is no regular file
// (a pipe, a device, a link to a file that is not there) or one of the process's own descriptors (/dev/stdout, /dev/fd/63
// for >(…)) is written to directly, by Commit.
func Stage(name string, data []byte) (*Staged, error) {
	mode := fs.FileMode(0o644)
	fd, own := descriptor(name)
	_, absent := os.Lstat(name)
	// What is there is looked at before links are resolved: those of /dev/stdout end at pipe:[1234], which is no name.
	switch info, err := os.Stat(name); {
	case own:
		return &Staged{name: name, commit: func() error { return writeTo(fd, name, data) }}, nil
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular(), errors.Is(err, fs.ErrNotExist) && absent == nil:
		return &Staged{name: name, commit: func() error { return os.WriteFile(name, data, mode) }}, nil
	case err == nil:
		mode = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	dir, base := filepath.Split(name)
	hidden := filepath.Join(dir, fmt.Sprintf(".%s.%d-%d.tmp", base, os.Getpid(), time.Now().UnixNano()))
	// Unlike os.CreateTemp this leaves the permissions to the umask, since the file becomes the user's.
	tmp, err := os.OpenFile(hidden, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if wrong, ok := errors.AsType[*fs.PathError](err); ok {
		wrong.Op, wrong.Path = "write", name // not the temporary one's
	}
	if err != nil {
		return nil, err
	}
	staged := &Staged{name, tmp.Name(), func() error { return os.Rename(tmp.Name(), name) }}
	_, err = tmp.Write(data)
	if absent == nil {
		err = cmp.Or(err, tmp.Chmod(mode))
	}
	// No sync: it doubles the time of a small render. A full disk shows in Write, or in Close on a network
	// file system; what a power failure takes away, the next build makes again.
	if err = cmp.Or(err, tmp.Close()); err != nil {
		staged.Discard()
		return nil, err
	}
	return staged, nil
}

// descriptor returns the number of the process's own descriptor that a name stands for. It must not be opened: a
// log that a shell appends to would be written from its start, and a socket cannot be opened at all.
func descriptor(name string) (int, bool) {
	number := map[string]string{"/dev/stdout": "1", "/dev/stderr": "2"}[name]
	if folder, base := path.Split(name); folder == "/dev/fd/" || folder == "/proc/self/fd/" {
		number = base
	}
	fd, err := strconv.ParseUint(number, 10, 16)
	return int(fd), err == nil
}

// writeTo writes to the process's own descriptor, and leaves it open.
func writeTo(fd int, name string, data []byte) error {
	// Of a descriptor of its own, which os.File may close.
	copied, err := duplicate(fd)
	if err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: err}
	}
	file := os.NewFile(uintptr(copied), name)
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// Commit makes the data the file.
func (s *Staged) Commit() error {
	defer s.Discard()
	return s.commit()
}

// Discard leaves the file as it was, and nothing beside it.
func (s *Staged) Discard() {
	if s.tmp != "" {
		_ = os.Remove(s.tmp)
	}
}

// Reports are the files that --report FORMAT=FILE asks for.
type Reports []report

type report struct{ format, file string }

// ParseReports takes the values of --report apart. It refuses a file that is one of the inputs or is given twice, and,
// before anything has run, one that cannot be written.
func ParseReports(values, formats, inputs []string) (Reports, error) {
	var all Reports
	for _, value := range values {
		format, file, ok := strings.Cut(value, "=")
		unknown := cmp.Or(meant("", format, formats), "known are "+strings.Join(formats, ", "))
		twice := slices.ContainsFunc(all, func(r report) bool { return filepath.Clean(r.file) == filepath.Clean(file) })
		read := slices.ContainsFunc(inputs, func(name string) bool { return SameFile(name, file) })
		if err := cmp.Or(
			When(!ok || file == "", "--report wants FORMAT=FILE, such as json=report.json"),
			When(!slices.Contains(formats, format), "--report: that is not a format; %s", unknown),
			When(file == "-", "--report goes to a file; stdout holds the result for people"),
			When(twice, "--report: a file is given twice, and one report would replace the other"),
			When(read, "--report: that file is read, and the report would replace it"),
		); err != nil {
			return nil, err
		}
		staged, err := Stage(file, nil)
		if err != nil {
			return nil, Usagef("--report: %v", err)
		}
		staged.Discard()
		all = append(all, report{format, file})
	}
	return all, nil
}

// Clear removes the reports of an earlier run, so that none is taken for this one's. What is no file stays.
func (all Reports) Clear() {
	for _, r := range all {
		if at, err := os.Lstat(r.file); err == nil && at.Mode().IsRegular() {
			_ = os.Remove(r.file) // that it can be written was seen
		}
	}
}

// Write writes each report as of makes it for its format. It tries all, and returns the first error. A pipe that
// nobody reads is waited for until ctx ends.
func (all Reports) Write(ctx context.Context, of func(format string) ([]byte, error)) (first error) {
	for _, r := range all {
		written := make(chan error, 1)
		go func() {
			data, err := of(r.format)
			if err == nil {
				err = WriteFile(r.file, data)
			}
			written <- err
		}()
		err := fmt.Errorf("interrupted before %s was written", r.file)
		select {
		case err = <-written:
		case <-ctx.Done():
		}
		if err != nil && first == nil {
			first = fmt.Errorf("write the report: %w", err)
		}
	}
	return first
}

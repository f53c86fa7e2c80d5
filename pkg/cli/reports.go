package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Reports are the files that --report FORMAT=FILE asks for.
type Reports []report

type report struct{ format, file string }

// ParseReports takes the values of --report apart. It refuses a file that is one of the inputs or is given twice, and,
// before anything has run, one that cannot be written.
func ParseReports(values, formats, inputs []string) (Reports, error) {
	var all Reports
	for _, value := range values {
		format, file, ok := strings.Cut(value, "=")
		near, similar := diagnostic.Nearest(format, formats)
		switch {
		case !ok || file == "":
			return nil, Usagef("--report wants FORMAT=FILE, such as json=report.json")
		case !slices.Contains(formats, format) && similar:
			return nil, Usagef("--report: that is not a format; did you mean %s?", near)
		case !slices.Contains(formats, format):
			return nil, Usagef("--report: that is not a format; known are %s", strings.Join(formats, ", "))
		case file == "-":
			return nil, Usagef("--report goes to a file; stdout holds the result for people")
		case slices.ContainsFunc(all, func(r report) bool { return filepath.Clean(r.file) == filepath.Clean(file) }):
			return nil, Usagef("--report: a file is given twice, and one report would replace the other")
		case slices.ContainsFunc(inputs, func(name string) bool { return SameFile(name, file) }):
			return nil, Usagef("--report: that file is read, and the report would replace it")
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
		var err error
		select {
		case err = <-written:
		case <-ctx.Done():
			err = fmt.Errorf("interrupted before %s was written", r.file)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("write the report: %w", err)
		}
	}
	return first
}

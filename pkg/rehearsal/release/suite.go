package release

import (
	"os"
	"path/filepath"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// ReadSuite reads and checks a suite with the files that it names, and returns its text too. The suite is
// nil when a problem is fatal.
func ReadSuite(path string) (*smoke.Suite, []byte, diagnostic.List) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, diagnostic.List{{
			Place: diagnostic.Place{File: path}, Severity: diagnostic.Error, Cause: diagnostic.File, Text: "read: " + cause(err),
		}}
	}
	source := smoke.Source{Name: path, Text: text, Files: map[string][]byte{}}
	for _, name := range smoke.Files(text) {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(path), name)
		}
		// A file that cannot be read is missing in Files, which the suite's reader reports with its place.
		if data, err := os.ReadFile(file); err == nil {
			source.Files[name] = data
		}
	}
	suite, problems := smoke.Read(source)
	return suite, text, problems
}

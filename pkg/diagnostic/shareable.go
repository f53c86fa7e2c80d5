package diagnostic

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
)

// Shareable returns what takes the folders of this machine out of a text that is handed on, also as JSON has them. The
// files are named as they are seen from here, where the program runs, or by their base names; so is what else is below
// here or beside them, and what is at home begins with "~". A folder like /app stays: a request may ask for such a path.
func Shareable(here, home string, files ...string) *strings.Replacer {
	const sep = string(filepath.Separator)
	folders, pairs := []string{here}, []string(nil)
	for _, file := range files {
		name, err := filepath.Rel(here, file)
		if err != nil || !filepath.IsLocal(name) {
			name, folders = filepath.Base(file), append(folders, filepath.Dir(file))
		}
		if filepath.IsAbs(file) {
			pairs = append(pairs, file, name)
		}
	}
	for _, end := range []string{sep, ""} { // the first that fits is taken: here may be within another, and all at home
		for i, folder := range append(folders, home) {
			instead := map[string]string{"": "."}[end]
			if i == len(folders) {
				instead = "~" + end
			}
			if filepath.IsAbs(folder) && (strings.Count(folder, sep) > 1 || folder == "/root") {
				pairs = append(pairs, folder+end, instead)
			}
		}
	}
	for _, text := range slices.Clone(pairs) {
		quoted, _ := json.Marshal(text) // a string always can
		pairs = append(pairs, string(quoted[1:len(quoted)-1]))
	}
	return strings.NewReplacer(pairs...)
}

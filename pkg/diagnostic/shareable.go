package diagnostic

import (
	"cmp"
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
	folders, pairs := []string{here, home}, []string(nil)
	for _, file := range files {
		name, err := filepath.Rel(here, file)
		if err != nil || !filepath.IsLocal(name) {
			name, folders = filepath.Base(file), append(folders, filepath.Dir(file))
		}
		if filepath.IsAbs(file) {
			pairs = append(pairs, file, name)
		}
	}
	slices.SortStableFunc(folders, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, end := range []string{sep, ""} {
		for _, f := range folders {
			switch {
			case !filepath.IsAbs(f) || strings.Count(f, sep) < 2 && f != "/root":
			case f == home && home != here:
				pairs = append(pairs, f+end, "~"+end)
			default:
				pairs = append(pairs, f+end, map[string]string{"": "."}[end])
			}
		}
	}
	for _, text := range slices.Clone(pairs) {
		quoted, _ := json.Marshal(text) // a string always can
		pairs = append(pairs, string(quoted[1:len(quoted)-1]))
	}
	return strings.NewReplacer(pairs...)
}

package cli

import (
	"errors"
	"io/fs"
	"strings"
)

// Secrets reads the values of --secret REF=VALUE. A VALUE env:NAME is what that variable of the environment holds, and
// file:PATH what that file holds, without its last line break: what stands in a command line, others can see. No error
// holds a VALUE, not even a variable's or a file's name: it may be a secret that begins that way.
func Secrets(given []string, lookup func(name string) (string, bool)) (map[string]string, error) {
	all := map[string]string{}
	for i, text := range given {
		ref, value, ok := strings.Cut(text, "=")
		if _, twice := all[ref]; twice || !ok || ref == "" {
			return nil, Usagef("--secret number %d: want REF=VALUE, each REF once", i+1)
		}
		var err error
		if name, found := strings.CutPrefix(value, "env:"); found {
			if value, ok = lookup(name); !ok || value == "" {
				err = errors.New("the environment variable behind env: is not set")
			}
		} else if name, found := strings.CutPrefix(value, "file:"); found {
			value, err = ReadFile(name, strings.NewReader(""))
			value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
			if path, ok := errors.AsType[*fs.PathError](err); ok {
				err = path.Err
			} else if err == nil && value == "" {
				err = errors.New("it is empty")
			}
		}
		if err != nil {
			return nil, Usagef("--secret number %d: %v", i+1, err)
		}
		all[ref] = value
	}
	return all, nil
}

// Package version says which Greenlight a program is: what a release's build has written into it, else what the go
// command has.
//
// It refuses to guess: what is not known is "devel", and no commit.
package version

import (
	"cmp"
	"runtime/debug"
	"strings"
	"sync"
)

// number and commit are set by -ldflags=-X, in releases and in the packages for Lambda.
var number, commit string //nolint:gochecknoglobals // the linker knows nothing else

// Number is the version, "v0.2.0".
func Number() string { return stamp().number }

// Commit is the commit of the sources, or nothing.
func Commit() string { return stamp().commit }

type build struct{ number, commit string }

// stamp is read when somebody asks: a program that nobody asks does not pay for it.
var stamp = sync.OnceValue(func() build { //nolint:gochecknoglobals // read once
	if number != "" {
		return build{number, commit}
	}
	b := build{}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.number = strings.Trim(info.Main.Version, "()")
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.commit = s.Value
			}
		}
	}
	b.number = cmp.Or(b.number, "devel")
	return b
})

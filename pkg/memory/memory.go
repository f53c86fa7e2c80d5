// Package memory keeps a function's memory below what is promised for it.
//
// It refuses to overrule a limit that somebody set (GOMEMLIMIT).
package memory

import (
	"math"
	"runtime/debug"
)

// limit is what the runtime keeps to, in bytes, by collecting garbage more often: answers of a mebibyte
// that are read side by side would else grow past the 64 MiB that are promised, of which the program
// itself takes some 8.
const limit = 32 << 20

// Limit sets the limit, once, at a function's start.
func Limit() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(limit)
	}
}

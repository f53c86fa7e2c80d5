//go:build !race

package process

// instrumented is not nil, which would pass on the whole environment.
func instrumented() []string { return []string{} }

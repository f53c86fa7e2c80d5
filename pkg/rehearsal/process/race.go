//go:build race

package process

// instrumented keeps a keeper under the race detector from waiting a second before it exits, which is
// the detector's default.
func instrumented() []string { return []string{"GORACE=atexit_sleep_ms=0"} }

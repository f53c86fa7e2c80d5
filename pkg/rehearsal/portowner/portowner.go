// Package portowner says which process listens on a TCP port, so that "address already in use" can
// name the culprit.
//
// It refuses to promise: where the system does not tell (another user's process), there is no name.
package portowner

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// limit is how long the search may take; it decorates an error message, no more.
const limit = 2 * time.Second

// Find returns "name (pid 123)" of the process that listens on the port of 127.0.0.1, or false.
func Find(ctx context.Context, port int) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if owner, ok := fromSystem(port); ok {
		return owner, true
	}
	return fromLsof(ctx, port)
}

// fromLsof asks lsof, which macOS has and many Linux machines too.
func fromLsof(ctx context.Context, port int) (string, bool) {
	out, err := exec.CommandContext(ctx, "lsof", "-nP", fmt.Sprintf("-iTCP:%d", port), "-sTCP:LISTEN", "-Fpc").Output()
	if err != nil {
		return "", false
	}
	pid, name := "", ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "p"); ok && pid == "" {
			pid = rest
		} else if rest, ok := strings.CutPrefix(line, "c"); ok && name == "" {
			name = rest
		}
	}
	if pid == "" {
		return "", false
	}
	return fmt.Sprintf("%s (pid %s)", name, pid), true
}

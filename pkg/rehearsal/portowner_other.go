//go:build !linux

package rehearsal

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// ownerLimit is how long the search may take; it decorates an error message, no more.
const ownerLimit = 2 * time.Second

// portOwner returns "name (pid 123)" of the process that listens on the port of 127.0.0.1, so that "port 8000 is in
// use" can name the culprit. It asks lsof, which macOS has; where that does not tell (another user's process), it
// returns false.
func portOwner(ctx context.Context, port int) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, ownerLimit)
	defer cancel()
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
	return fmt.Sprintf("%s (pid %s)", name, pid), pid != ""
}

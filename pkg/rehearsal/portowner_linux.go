package rehearsal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// listening is the state of a socket in /proc/net/tcp.
const listening = "0A"

// portOwner returns "name (pid 123)" of the process that listens on the port of 127.0.0.1, so that "port 8000 is in
// use" can name the culprit: the socket's inode stands in /proc/net/tcp, and who holds it open beside it. Only a
// listener on 127.0.0.1 or on every address is in the way. Of another user's process the system does not tell.
func portOwner(_ context.Context, port int) (string, bool) {
	inTheWay := map[string][]string{
		"/proc/net/tcp":  {"0100007F", "00000000"},
		"/proc/net/tcp6": {strings.Repeat("0", 32), "0000000000000000FFFF00000100007F"},
	}
	for table, addresses := range inTheWay {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) <= 9 || fields[3] != listening {
				continue
			}
			address, at, _ := strings.Cut(fields[1], ":")
			if at == fmt.Sprintf("%04X", port) && slices.Contains(addresses, address) {
				if owner, ok := socketHolder("socket:[" + fields[9] + "]"); ok {
					return owner, true
				}
			}
		}
	}
	return "", false
}

// socketHolder finds the process that has the socket open.
func socketHolder(socket string) (string, bool) {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return "", false
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != socket {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil {
			return "", false
		}
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), filepath.Base(dir)), true
	}
	return "", false
}

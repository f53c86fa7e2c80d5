package rehearsal

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestTheOwnerOfAPortIsNamed(t *testing.T) {
	if _, err := exec.LookPath("lsof"); err != nil && runtime.GOOS != "linux" {
		t.Skip("SKIPPED: neither /proc nor lsof")
	}
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0", ":0"} {
		socket, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("no %s here: %v", address, err)
			continue
		}
		port := socket.Addr().(*net.TCPAddr).Port
		owner, ok := portOwner(t.Context(), port)
		if want := fmt.Sprintf("(pid %d)", os.Getpid()); !ok || !strings.HasSuffix(owner, want) || strings.HasPrefix(owner, "(") {
			t.Errorf("%s: %q, %t, want a name and %s", address, owner, ok, want)
		}
		_ = socket.Close()
		if owner, ok := portOwner(t.Context(), port); ok && strings.HasSuffix(owner, fmt.Sprintf("(pid %d)", os.Getpid())) {
			t.Errorf("a closed port is said to be %s's", owner)
		}
	}
}

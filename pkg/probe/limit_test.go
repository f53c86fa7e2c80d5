package probe_test

import (
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// With no file left neither an address nor a name can be asked, and that is not the target's fault. A process of
// its own runs out of them.
func TestNoFilesLeftIsALimitOfOurOwn(t *testing.T) {
	const child = "PROBE_WITHOUT_FILES"
	if os.Getenv(child) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoFilesLeftIsALimitOfOurOwn$", "-test.count=1")
		cmd.Env = append(os.Environ(), child+"=1", "GODEBUG=netdns=go") // the functions have no C library either
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(null.Fd()), Max: before.Max}); err != nil {
		t.Skip(err)
	}
	for _, host := range []string{"127.0.0.1:81", "nowhere.invalid"} {
		got := ask(t, &url.URL{Scheme: "http", Host: host}, probe.Request{})
		if got.Fault != probe.FaultLocal || !strings.Contains(got.Text, "too many open files") {
			t.Errorf("%s: got %q (%s), want %q", host, got.Fault, got.Text, probe.FaultLocal)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
}

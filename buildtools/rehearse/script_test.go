//go:build !windows

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what the stories need beside the programs.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exitcode":  exitcode,
		"interrupt": interrupt,
		"occupy":    occupy,
		"orphans":   orphans,
		"report":    report,
	}
}

// exitcode N CMD… runs a command and wants exactly this exit code; its output is kept for stdout and stderr.
func exitcode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if failed, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it unwrapped
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", args[1], code, args[0])
	}
}

// interrupt SIGNAL TEXT CMD… starts a command, waits until it prints TEXT, sends it SIGNAL, and fails
// unless it exits with 130 (for KILL: at all; KEEP is an INT after the end, which exits with 0).
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs("interrupted.txt"))
	ts.Check(err)
	defer func() { _ = out.Close() }()
	program := args[2]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[2])); err == nil {
			program = filepath.Join(dir, args[2])
			break
		}
	}
	cmd := exec.Command(program, args[3:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, out
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	ts.Check(cmd.Start())
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if strings.Contains(ts.ReadFile("interrupted.txt"), args[1]) {
			break
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			ts.Fatalf("%q was never printed:\n%s", args[1], ts.ReadFile("interrupted.txt"))
		}
		<-time.After(10 * time.Millisecond)
	}
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill, "KEEP": os.Interrupt}
	ts.Check(cmd.Process.Signal(signals[args[0]]))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		ts.Logf("ended: %v", err)
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		ts.Fatalf("%s did not end after SIG%s", args[2], args[0])
	}
	want := 130
	if args[0] == "KEEP" {
		want = 0
	}
	if code := cmd.ProcessState.ExitCode(); args[0] != "KILL" && code != want {
		ts.Fatalf("%s exited with %d after SIG%s, want %d:\n%s", args[2], code, args[0], want, ts.ReadFile("interrupted.txt"))
	}
}

// occupy VAR listens on a free port for the rest of the story and puts its number into VAR.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = socket.Close() })
	_, port, err := net.SplitHostPort(socket.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// orphans fails when, after a moment, a process still works in the story's folder: every process of a
// rehearsal does, and no two stories share theirs.
func orphans(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := filepath.EvalSymlinks(ts.MkAbs("."))
	ts.Check(err)
	var left []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if left = workingIn(dir); len(left) == 0 {
			return
		}
	}
	ts.Fatalf("processes were left behind:\n%s", strings.Join(left, "\n"))
}

// workingIn lists the processes whose working directory is dir.
func workingIn(dir string) []string {
	var found []string
	// Not a pattern that ends in /cwd: for that each process's folder would be read, of which the kernel keeps a note
	// an entry, and forgets them, at the process's end, in a loop that a busy machine is minutes in.
	if processes, err := filepath.Glob("/proc/[0-9]*"); err == nil && len(processes) > 0 {
		for _, process := range processes {
			if at, err := os.Readlink(process + "/cwd"); err == nil && at == dir {
				line, _ := os.ReadFile(process + "/cmdline") // gone by now: no line
				found = append(found, filepath.Base(process)+" "+strings.ReplaceAll(string(line), "\x00", " "))
			}
		}
		return found
	}
	out, _ := exec.Command("lsof", "-a", "-d", "cwd", "-Fpn").Output() // fails when some process cannot be looked at
	pid := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "p") {
			pid = line[1:]
		} else if line == "n"+dir {
			found = append(found, pid)
		}
	}
	return found
}

// report FILE PATH=REGEXP… looks at a JSON report: PATH is a list of keys joined by dots.
func report(ts *testscript.TestScript, _ bool, args []string) {
	var whole any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &whole))
	for _, want := range args[1:] {
		path, pattern, _ := strings.Cut(want, "=")
		value := whole
		for key := range strings.SplitSeq(path, ".") {
			switch at := value.(type) {
			case map[string]any:
				value = at[key]
			case []any:
				i, err := strconv.Atoi(key)
				if err != nil || i >= len(at) {
					ts.Fatalf("%s: no %q", path, key)
				}
				value = at[i]
			default:
				ts.Fatalf("%s: no %q", path, key)
			}
		}
		if got := fmt.Sprint(value); !regexp.MustCompile(pattern).MatchString(got) {
			ts.Fatalf("%s = %s, want %s", path, got, pattern)
		}
	}
}

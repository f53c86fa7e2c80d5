// Package buildtools_test keeps what is written of the commands true: their READMEs, their manual pages.
package buildtools_test

import (
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

var update = flag.Bool("update", false, "write what the commands print into the READMEs")

// TestReadmes runs the command behind each "$ " in the READMEs' console blocks, in a copy of testdata/readme, and
// fails where something else is shown than it printed, to stdout or stderr. With -update it writes what was printed.
func TestReadmes(t *testing.T) {
	bin := build(t)
	names, err := filepath.Glob("*/README.md")
	if err != nil || len(names) < 4 {
		t.Fatalf("found %v (%v)", names, err)
	}
	for _, name := range append(names, "README.md") {
		t.Run(name, func(t *testing.T) {
			shown, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			work := filepath.Join(t.TempDir(), "work")
			if err := os.CopyFS(work, os.DirFS("testdata/readme")); err != nil {
				t.Fatal(err)
			}
			printed := rendered(t, string(shown), bin, work)
			if *update {
				if err := os.WriteFile(name, []byte(printed), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := strings.Split(printed, "\n")
			for i, line := range strings.Split(string(shown), "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("%s:%d shows %q, and something else is printed", name, i+1, line)
				}
			}
			if string(shown) != printed {
				t.Fatalf("%s shows less than is printed", name)
			}
		})
	}
}

// rendered is a README with what its commands print now.
func rendered(t *testing.T, shown, bin, work string) string {
	t.Helper()
	var b strings.Builder
	console, command := false, ""
	for line := range strings.Lines(shown) {
		switch {
		case !console || line == "```\n":
			console = line == "```console\n"
		case command != "" || strings.HasPrefix(line, "$ "):
			command += strings.TrimPrefix(line, "$ ")
		default:
			continue // what was printed when the README was written
		}
		b.WriteString(line)
		if command == "" || strings.HasSuffix(command, "\\\n") {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = work
		cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + work}
		out, _ := cmd.CombinedOutput() // an exit code is part of what is shown where it matters
		b.Write(out)
		for line := range strings.Lines(string(out)) {
			if strings.HasSuffix(command, " -h\n") && utf8.RuneCountInString(line) > 80+1 {
				t.Errorf("a help text is wider than 80 columns: %s", line)
			}
		}
		command = ""
	}
	return b.String()
}

// build builds the commands, and returns the folder.
func build(t *testing.T) string {
	t.Helper()
	return programs.In(t, "buildtools/render-taskdef", "buildtools/render-appspec", "buildtools/smoke", "buildtools/rehearse",
		"buildtools/greenlight", "functions/after-allow-test-traffic", "functions/before-allow-traffic")
}

// Whoever pastes the READMEs' lines that run smoke gets a verdict: what they judge is there.
func TestTheSmokeLinesHaveAServer(t *testing.T) {
	bin := build(t)
	for name, dir := range map[string]string{"../README.md": "..", "smoke/README.md": "testdata/readme"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := regexp.MustCompile("(?ms)^```sh\n([^`]*rehearse serve[^`]*)^```$").FindStringSubmatch(string(text))
		if lines == nil {
			t.Fatalf("%s shows no server", name)
		}
		port := freePort(t)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer("8080", port, "bin/", "").Replace(lines[1]))
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil || !regexp.MustCompile(`(?m)^PASS \w+: \d checks? passed`).Match(out) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// TestTheHelpListsEveryCommand holds the texts of the help against the commands, whose names and first words a shell completes.
func TestTheHelpListsEveryCommand(t *testing.T) {
	bin := build(t)
	for _, name := range []string{"render-taskdef", "render-appspec", "smoke", "rehearse", "greenlight"} {
		program := filepath.Join(bin, name)
		help, err1 := exec.CommandContext(t.Context(), program, "-h").Output()
		names, err2 := exec.CommandContext(t.Context(), program, "__complete", "").Output()
		if err1 != nil || err2 != nil || !strings.HasPrefix(string(help), "usage: "+name+" ") {
			t.Fatalf("%s: %v, %v, %s", name, err1, err2, help)
		}
		_, listed, _ := strings.Cut(string(help), "\ncommands:\n")
		listed, _, _ = strings.Cut(listed, "\n\n")
		rows, commands := regexp.MustCompile(`(?m)^  \S`).FindAllString(listed, -1), 0
		for line := range strings.Lines(string(names)) {
			if row := strings.Fields(line); strings.Contains(line, "\t") {
				if commands++; !strings.Contains(strings.Join(strings.Fields(listed), " "), strings.Join(row, " ")) {
					t.Errorf("%s: the help does not list %q", name, row)
				}
			}
		}
		if commands != len(rows) || commands < 3 {
			t.Errorf("%s: the help lists %d commands, and there are %d", name, len(rows), commands)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	_, port, _ := net.SplitHostPort(socket.Addr().String())
	return port
}

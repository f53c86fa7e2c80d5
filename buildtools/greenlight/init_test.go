package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The buildspec that init writes does what the one of infra does, which is run in a test there; the AppSpec alone is checked,
// and not rendered.
func TestTheFirstBuildspecIsThatOfInfra(t *testing.T) {
	whole, err := os.ReadFile("../../infra/buildspec.yml")
	if err != nil {
		t.Fatal(err)
	}
	first, err := initial.ReadFile("initial/buildspec.yml")
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"render-appspec --check appspec.yaml --taskdef deploy/taskdef.json", "cp appspec.yaml deploy/"}
	known := strings.ReplaceAll(string(whole), `"$CONTAINER_NAME=`, `"@CONTAINER@=`)
	commands := 0
	for line := range strings.Lines(string(first)) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !ok {
			continue
		}
		if commands++; !strings.Contains(known, "- "+command+"\n") && !strings.Contains(strings.Join(own, "\n"), command) {
			t.Errorf("infra/buildspec.yml has no %s", command)
		}
	}
	if commands < 20 {
		t.Errorf("there are %d commands", commands)
	}
}

// A port that nobody serves on would be found out by the load balancer alone.
func TestThePortIsTheOneThatIsExposed(t *testing.T) {
	for text, want := range map[string]string{
		"FROM x\nEXPOSE 3000\nEXPOSE 4000\n":             "3000",
		"FROM x\nEXPOSE 3000 8080/TCP\n":                 "8080", // the URL's
		"FROM x\nEXPOSE 53/udp 8000\n":                   "8000",
		"FROM x\nEXPOSE 0\nEXPOSE 99999\nEXPOSE ${PORT}": "8080",
		"\ufeffFROM x\r\nexpose 5000\r\n":                "5000",
		"FROM x AS a\nEXPOSE 1\nFROM a\n":                "8080",
	} {
		file := filepath.Join(t.TempDir(), "Dockerfile")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		i := &first{url: "http://localhost:8080", dockerfile: file, found: map[string]string{}}
		if err := i.image(); err != nil || i.found["PORT"] != want || strings.Contains(i.notes, "3000") != strings.Contains(text, "3000") {
			t.Errorf("%q: port %s, want %s; %q, %v", text, i.found["PORT"], want, i.notes, err)
		}
	}
}

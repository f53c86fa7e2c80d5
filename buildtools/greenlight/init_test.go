package main

import (
	"os"
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

package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the limits into README.md")

// TestTheREADMEListsTheLimits holds README.md's limits against those that are judged, as on a machine with jq 1.6.
func TestTheREADMEListsTheLimits(t *testing.T) {
	var want strings.Builder
	want.WriteString("| what is measured | of | at most |\n| --- | --- | --- |\n")
	b := &bench{world: &world{}, dir: t.TempDir(), search: t.TempDir()}
	for _, m := range b.table() {
		for _, l := range m.limits {
			most := strconv.FormatFloat(l.most, 'f', -1, 64) + " "
			switch l.over {
			case "":
				most += m.unit
			case shell:
				most = "0.25 × " + shell // whatever jq this machine has
			default:
				most += "× " + l.over
			}
			fmt.Fprintf(&want, "| %s | %s | %s |\n", m.name, l.of, strings.ReplaceAll(most, "|", `\|`))
		}
	}
	const begin, end = "<!-- limits:begin -->\n", "<!-- limits:end -->"
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatal("README.md has no place for the limits")
	case *update:
		if err := os.WriteFile("README.md", []byte(head+begin+want.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	case got != want.String():
		t.Errorf("README.md lists other limits than are judged; go test ./buildtools/bench -run %s -update writes:\n%s",
			t.Name(), &want)
	}
}

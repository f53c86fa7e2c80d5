package functions_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

const readme = "README.md"

// checkTable holds the README's table against what just happened, or writes it.
func checkTable(t *testing.T, all []row, results map[string]line) {
	t.Helper()
	var b strings.Builder
	for _, hook := range []string{after, before} {
		fmt.Fprintf(&b, "\n| `%s`: case | verdict | blame | CodeDeploy is told |\n| --- | --- | --- | --- |\n", hook)
		for _, r := range all {
			if r.hook == hook {
				v := results[hook+r.name]
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.name, v.text("verdict"), v.text("blame"), v.text("status"))
			}
		}
	}
	checkSection(t, "matrix", b.String()+"\n")
}

// writing guards the README while a section is written.
var writing sync.Mutex

// checkSection holds a section of the README, between two comments with its name, against what it has to say.
func checkSection(t *testing.T, name, want string) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for the table: %s … %s", readme, strings.TrimSpace(begin), end)
	case got == want:
	case *update:
		if err := os.WriteFile(readme, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s tells another story than the tests; go test ./functions -run '%s' -update writes it. Now it is:\n%s", readme, t.Name(), want)
	}
}

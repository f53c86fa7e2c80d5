package functions_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

const (
	readme      = "../README.md"
	matrixBegin = "<!-- matrix:begin -->\n"
	matrixEnd   = "<!-- matrix:end -->"
)

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
	want := b.String() + "\n"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), matrixBegin)
	got, tail, ok2 := strings.Cut(rest, matrixEnd)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for the table: %s … %s", readme, strings.TrimSpace(matrixBegin), matrixEnd)
	case got == want:
	case *update:
		if err := os.WriteFile(readme, []byte(head+matrixBegin+want+matrixEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s tells another matrix than the tests; go test ./functions -run TestMatrix -update writes it. Now it is:\n%s", readme, want)
	}
}

package taskdef

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShellWords(t *testing.T) {
	for text, want := range map[string][]string{
		`sh -c "echo a  b"`:   {"sh", "-c", "echo a  b"},
		`  a   b  `:           {"a", "b"},
		`a\ b c`:              {"a b", "c"},
		`'a "b" \n'`:          {`a "b" \n`},
		`"a \"b\" \n \\ \$x"`: {`a "b" \n \ $x`},
		`a""b ''`:             {"ab", ""},
		"a\\\nb":              {"ab"},
		`--x='y z'w`:          {"--x=y zw"},
	} {
		got, err := shellWords(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"", "  ", `'a`, `"a`, `a\`, `"a\"`} {
		if got, err := shellWords(text); err == nil {
			t.Errorf("%q was taken as %q", text, got)
		}
	}
}

// The shell of this machine is the second opinion.
func TestShellWordsAreThoseOfTheShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: no sh on PATH")
	}
	for _, text := range []string{`a  'b c' "d \"e\" 'f'" g\ h`, `x=y "" '' \\ \' \"`, `"a\b\\c"`, `a'b'"c"d`} {
		out, err := exec.CommandContext(t.Context(), sh, "-c", `printf '%s\n' `+text).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		got, err := shellWords(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
}

func FuzzShellWords(f *testing.F) {
	f.Add("a b", "c'd", `e"f\`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		got, err := shellWords(strings.Join(quoted, " "))
		if diff := cmp.Diff(words, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", words, err, diff)
		}
		if words, err := shellWords(a); err == nil && len(words) == 0 {
			t.Errorf("%q has no words and no error", a)
		}
	})
}

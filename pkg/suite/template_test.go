package suite

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Whatever quotes, escapes, umlauts and folded lines stand before it, a variable is told where it stands.
func TestAVariableIsToldWhereItStands(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*variable*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	told := regexp.MustCompile(`^\$\{\w+\} is (not|used)`)
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split("\n"+string(data), "\n")
		_, problems := Read(Source{Name: file, Text: data})
		for _, p := range problems {
			name, _, _ := strings.Cut(p.Text, " ")
			if !told.MatchString(p.Text) {
				continue
			}
			n++
			if rest := string([]rune(lines[p.Line])[p.Col-1:]); !strings.HasPrefix(rest, name) {
				t.Errorf("%s: %s\nthere stands %s", p.Place, p.Text, rest)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d variables were told", n)
	}
}

// A file of one long line is not looked through again for each of its texts.
func TestTheSearchForPlacesEnds(t *testing.T) {
	const long = 1 << 20
	r := &reader{source: []byte(strings.Repeat("x", long) + "${A}")}
	own, found := Pos{1, long - 1}, Pos{1, long + 1}
	if got := r.places(own)(); got != found {
		t.Errorf("the first is told at %v, want %v", got, found)
	}
	for range 2 * maxSought / long {
		r.places(own)()
	}
	if got := r.places(own)(); got != own || r.sought > maxSought+long {
		t.Errorf("the last is told at %v, want %v; %d bytes were looked at", got, own, r.sought)
	}
	if got := (&reader{}).places(Pos{3, 4})(); got != (Pos{3, 4}) {
		t.Errorf("without a file: %v", got)
	}
}

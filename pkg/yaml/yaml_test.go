package yaml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	library "go.yaml.in/yaml/v3"

	"github.com/greenlight-ecs/greenlight/pkg/yaml"
)

// show writes a tree as one text: kinds, styles, tags, values and places.
func show(b *strings.Builder, text string, n *yaml.Node, depth int) {
	place := fmt.Sprintf("%s%d ", strings.Repeat(" ", depth), n.At)
	switch {
	case n.Kind == yaml.Alias:
		fmt.Fprintf(b, "%s*%s\n", place, n.Text)
		return
	case n.Kind == yaml.Scalar && n.Plain && n.Text == "":
		// A value that is not there: the library puts it behind what comes before it, or before what comes
		// behind it.
		fmt.Fprintf(b, "%snull%s\n", strings.Repeat(" ", depth), n.Tag)
	case n.Kind == yaml.Scalar:
		fmt.Fprintf(b, "%s%q plain=%v %s\n", place, n.Text, n.Plain, n.Tag)
	default:
		fmt.Fprintf(b, "%s%d %s\n", place, n.Kind, n.Tag)
	}
	for _, c := range n.Content {
		show(b, text, c, depth+1)
	}
}

// showLibrary is show for a tree of the library.
func showLibrary(b *strings.Builder, lines []int, text string, n *library.Node, depth int) {
	at := lines[min(n.Line, len(lines))-1]
	for range n.Column - 1 { // columns are characters
		_, size := decode(text[at:])
		at += size
	}
	place := fmt.Sprintf("%s%d ", strings.Repeat(" ", depth), at)
	tag := ""
	if n.Style&library.TaggedStyle != 0 || n.Tag != "" && !strings.HasPrefix(n.Tag, "!!") {
		tag = n.Tag
	}
	quoted := n.Style&(library.SingleQuotedStyle|library.DoubleQuotedStyle|library.LiteralStyle|library.FoldedStyle) != 0
	switch n.Kind {
	case library.AliasNode:
		fmt.Fprintf(b, "%s*%s\n", place, n.Value)
		return
	case library.ScalarNode:
		if !quoted && n.Value == "" {
			fmt.Fprintf(b, "%snull%s\n", strings.Repeat(" ", depth), tag)
		} else {
			fmt.Fprintf(b, "%s%q plain=%v %s\n", place, n.Value, !quoted, tag)
		}
	case library.MappingNode:
		fmt.Fprintf(b, "%s%d %s\n", place, yaml.Mapping, tag)
	case library.SequenceNode:
		fmt.Fprintf(b, "%s%d %s\n", place, yaml.Sequence, tag)
	default:
	}
	for _, c := range n.Content {
		showLibrary(b, lines, text, c, depth+1)
	}
}

func decode(s string) (rune, int) {
	for i, r := range s {
		if i == 0 {
			return r, len(string(r))
		}
	}
	return 0, 0
}

func lineStarts(text string) []int {
	starts := []int{0}
	if strings.HasPrefix(text, "\uFEFF") {
		starts[0] = 3
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' || text[i] == '\r' {
			if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			starts = append(starts, i+1)
		}
	}
	return starts
}

// deliberate are the texts of the errors for what the library reads and we do not, with the characters one of
// which is then in the text.
var deliberate = map[string]string{
	"where a value or a key should stand": "?:",
	"that can be read in two ways":        "?:",
	"a text cannot begin with ?":          "?",
	"a text cannot begin with #":          "#",
	"a , or ":                             "#",
	"a value or key is missing here":      ",:",
	"behind a text of several lines":      ":",
	"nested deeper":                       "-[{:",
	"a second document":                   "-",
	"text behind the ...":                 ".",
	"text behind a value":                 "#",
	"text behind | or >":                  "#",
	"a tab in the indentation":            "\t",
	"a directive":                         "%",
	"a tag of a form":                     "!",
	"a second anchor or tag":              "!&",
	"an unknown escape":                   "'",
	"a space should stand behind":         "&",
	"the next item of the list":           "|>", // which the library reads without any indentation
	"a key should stand here":             "|>", // which the library reads without any indentation
}

// holdAgainstTheLibrary checks that what we accept is what the library reads, and that what only we refuse is
// refused on purpose. It reports whether the text is accepted.
func holdAgainstTheLibrary(t *testing.T, text string) bool {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\u0085\u2028\u2029\uFFFE\uFFFF") || strings.Contains(strings.TrimPrefix(text, "\uFEFF"), "\uFEFF") {
		return false
	}
	got, err := yaml.Parse(text)
	decoder := library.NewDecoder(strings.NewReader(text))
	var root, second library.Node
	theirs := decoder.Decode(&root)
	if theirs == nil {
		if again := decoder.Decode(&second); again != nil && again.Error() != "EOF" {
			theirs = again
		} else if again == nil {
			theirs = fmt.Errorf("a second document")
		}
	}
	if err != nil {
		if err.At < 0 || err.At > len(text) || err.Text == "" || strings.ContainsAny(err.Text+err.Help, "\n\r\x1b") {
			t.Errorf("%q: an odd error: %+v", text, err)
		}
		if theirs == nil {
			for d, with := range deliberate {
				if strings.Contains(err.Text, d) && strings.ContainsAny(text, with) {
					return false
				}
			}
			t.Errorf("%q is refused at %d: %s; the library reads it", text, err.At, err.Text)
		}
		return false
	}
	if got == nil {
		if theirs == nil && root.Kind != 0 || theirs != nil && theirs.Error() != "EOF" {
			t.Errorf("%q has no document; the library says %v, %v", text, theirs, root.Kind)
		}
		return false
	}
	if theirs != nil {
		t.Errorf("%q is accepted; the library says %v", text, theirs)
		return false
	}
	var a, b strings.Builder
	show(&a, text, got, 0)
	showLibrary(&b, lineStarts(text), text, root.Content[0], 0)
	if a.String() != b.String() {
		t.Errorf("%q is read as\n%s\nthe library reads\n%s", text, a.String(), b.String())
	}
	return true
}

func documents(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	var all []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Split(strings.TrimPrefix(string(text), "=====\n"), "=====\n")...)
	}
	if len(all) < 100 {
		t.Fatalf("%d documents", len(all))
	}
	return all
}

func TestDocumentsAreReadAsTheLibraryReadsThem(t *testing.T) {
	for _, text := range documents(t) {
		holdAgainstTheLibrary(t, text)
		holdAgainstTheLibrary(t, strings.TrimSuffix(text, "\n"))
		holdAgainstTheLibrary(t, strings.ReplaceAll(text, "\n", "\r\n"))
		holdAgainstTheLibrary(t, "\uFEFF"+text)
		holdAgainstTheLibrary(t, "key:\n  "+strings.ReplaceAll(text, "\n", "\n  "))
		holdAgainstTheLibrary(t, "- "+strings.ReplaceAll(text, "\n", "\n  "))
	}
}

// FuzzParse holds every text against the library.
func FuzzParse(f *testing.F) {
	for _, text := range documents(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { holdAgainstTheLibrary(t, text) })
}

func TestAnErrorHasItsPlaceAndSaysWhatToWrite(t *testing.T) {
	for text, want := range map[string]struct {
		at         int
		text, help string
	}{
		"a: b: c":             {4, "a second : on this line", "stands in quotes"},
		"a: b\n  c: d":        {8, "a : behind a text of several lines", "indented too far"},
		"a:\n  b: c\n   d: e": {14, "a : behind a text of several lines", "indented too far"},
		"a:\n   b: c\n  d: e": {13, "indented by 2; the next key stands at 0", ""},
		"- a\nb: c":           {4, "the next item of the list should stand here", "begins with -"},
		"a: b\n- c":           {5, "a list item among the keys of a mapping", "below its key"},
		"a: b\nc":             {5, "a : is missing behind this key", "write KEY: VALUE"},
		"a:\n\tb: c":          {3, "a tab in the indentation", "indent with spaces"},
		"a: [b, c":            {3, "not closed: [", "its ] is missing"},
		"a: \"b":              {3, "not closed: \"", ""},
		"a: {b: c d: e}":      {10, "a , or } should stand here", "stands in quotes"},
		"a: *b":               {3, "unknown anchor \"b\"", "stands in quotes"},
		"a: @b":               {3, "a text cannot begin with @", "put it in quotes"},
		"a: \"\\q\"":          {4, "an unknown escape", "backslash"},
		"a: \"b\" c":          {7, "text behind a value", "stands in quotes"},
		"? a\n: b":            {0, "a ? where a value or a key should stand", "write KEY: VALUE"},
		"a: |x":               {4, "text behind | or >", "on the next line"},
		"a: 1\n---\nb: 2":     {5, "a second document in the file", "remove what follows"},
		"a: \x01":             {3, "a control character", "double quotes"},
		"é: 'b' c: d":         {8, "text behind a value", ""},
	} {
		_, err := yaml.Parse(text)
		if err == nil || err.At != want.at || err.Text != want.text || !strings.Contains(err.Help, want.help) {
			t.Errorf("%q: got %+v, want %+v", text, err, want)
		}
	}
}

func TestAnAliasKnowsWhatItStandsFor(t *testing.T) {
	root, err := yaml.Parse("a: &x {b: [*x]}\nc: *x")
	if err != nil {
		t.Fatal(err)
	}
	anchored, alias := root.Content[1], root.Content[3]
	if within := anchored.Content[1].Content[0]; alias.Target != anchored || within.Target != anchored || within.Kind != yaml.Alias {
		t.Errorf("got %+v and %+v, want aliases of %p", alias, within, anchored)
	}
}

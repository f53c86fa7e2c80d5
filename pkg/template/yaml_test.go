package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func TestASlipInYAMLHasItsPlaceAndItsRightForm(t *testing.T) {
	for text, want := range map[string]string{
		"a: b: c":                `1:5: error: a second : on this line|stands in quotes`,
		"a: b\n  c: d":           `2:4: error: a : after a text of several lines|indented too far`,
		"a:\n  b: c\n   d: e":    `3:5: error: a : after a text of several lines|indented too far`,
		"a:\n   b: c\n  d: e":    `3:3: error: a key should stand here|indentation`,
		"- a\nb: c":              `2:1: error: the next item of the list should stand here|begins with -`,
		"a: b\n- c":              `2:1: error: a list item among the keys of a mapping|below its key`,
		"a: b\nc":                `2:1: error: a : is missing after this key|write KEY: VALUE`,
		"a:\n\tb: c":             `2:1: error: a tab in the indentation|indent with spaces`,
		"a: b\n\tc: d":           `2:1: error: a tab in the indentation|indent with spaces`,
		"a: [b, c":               `1:4: error: not closed: [|its ] is missing`,
		"a: {x: 1\nb: 2\nc: 3\n": `2:2: error: a , or } should stand here|missing, for the { of line 1`,
		"a: {b: c d: e}":         `1:11: error: a , or } should stand here|stands in quotes`,
		"a: \"b":                 `1:4: error: not closed: "|`,
		"a: 'x\nb: 1\nc: 2\n":    `1:4: error: not closed: '|`,
		"a: \"x\nb: \"y\"\nc: d": `1:4: error: not closed: "|close it`,
		"a: *b":                  `1:4: error: unknown anchor "b"|stands in quotes`,
		"a: @b":                  `1:4: error: a text cannot begin with @|put it in quotes`,
		"a: %b":                  `1:4: error: a text cannot begin with %|put it in quotes`,
		"a: `b":                  "1:4: error: a text cannot begin with `|put it in quotes",
		"a: \"\\q\"":             `1:5: error: an unknown escape|backslash`,
		"a: \"b\" c":             `1:8: error: text after a value|stands in quotes`,
		"a: 'it's'":              `1:8: error: text after a value|stands in quotes`,
		"- \"b\" c":              `1:7: error: text after a value|stands in quotes`,
		"a: |x":                  `1:5: error: text after \| or >|on the next line`,
		"a: - b":                 `1:4: error: a list begins on a line of its own|`,
		"a: ]":                   `1:4: error: a value or key is missing here|""`,
		"a: 1\n---\nb: 2":        `2:1: error: a second document in the file|remove what follows`,
		"a: 1\n...\nfoo":         `3:1: error: a second document in the file|`,
		"a: \x01":                `1:4: error: a control character|double quotes`,
		"é: 'b' c: d":            `1:9: error: a second : on this line|`,
		"a:b\nc: d":              `1:2: error: no space after this colon|write KEY: VALUE`,
		"a:\n  - b:c\n    d: e":  `2:6: error: no space after this colon|write KEY: VALUE`,
		"a:\u00a0b\nc: d":        `1:3: error: a non-breaking space|ordinary`,
		"a: {{X}}":               `1:5: error: a key that is not text|stands in quotes`,
		"\uFEFFa: b: c\r\n":      `1:5: error: a second : on this line|`,
		"# c\r\n\r\na: *ü\r\n":   `3:5: error: an anchor or alias without a name|stands in quotes`,
	} {
		_, problems := template.Reader{}.Read("x.yaml", text)
		var b strings.Builder
		if err := problems.Write(&b, diagnostic.Text, "program"); err != nil {
			t.Fatal(err)
		}
		i := strings.LastIndex(want, "|")
		said, help := strings.ReplaceAll(want[:i], `\|`, "|"), want[i+1:]
		if got := b.String(); !strings.HasPrefix(got, "x.yaml:"+said+"\n") || !strings.Contains(got, help) || len(problems) != 1 {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestDocumentsOfTheWorldAreRead: each of testdata/good is read, and the place of every key is where it stands.
func TestDocumentsOfTheWorldAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, problems := template.Reader{Literal: true}.Read(f, string(text))
		for _, p := range problems {
			if !strings.Contains(p.Text, "values of type") { // CloudFormation's own
				t.Errorf("%s: %s", p.Place, p.Text)
			}
		}
		keysStandWhereTheyAre(t, doc, doc.Root)
	}
}

func keysStandWhereTheyAre(t *testing.T, doc *template.Document, n *template.Node) {
	for _, m := range n.Members {
		if at := strings.TrimLeft(doc.Source.Text[m.KeyAt:], `"'`); !strings.HasPrefix(at, m.Key) {
			t.Errorf("%s: the key %q stands elsewhere", doc.Place(m.KeyAt), m.Key)
		}
		keysStandWhereTheyAre(t, doc, m.Value)
	}
	for _, item := range n.Items {
		keysStandWhereTheyAre(t, doc, item)
	}
}

func TestYAMLIsReadUpToItsOwnSize(t *testing.T) {
	for _, size := range []int{template.MaxYAML, template.MaxYAML + 1} {
		_, problems := template.Reader{}.Read("x.yaml", "a: "+strings.Repeat("x", size-3))
		if refused := len(problems) > 0; refused != (size > template.MaxYAML) {
			t.Errorf("%d bytes: %v", size, problems)
		}
	}
}

func TestYAMLIsReadUpToItsOwnDepth(t *testing.T) {
	for depth, want := range map[int]string{template.MaxDepth: "", template.MaxDepth + 1: "1:1002: nested", 9000: "1:1002: nested", 20_000: "1:10001: nested"} {
		_, problems := template.Reader{}.Read("x.yaml", strings.Repeat("[", depth)+"x"+strings.Repeat("]", depth))
		got := ""
		if len(problems) > 0 {
			got = problems[0].Place.String() + ": " + problems[0].Text
		}
		if (got == "") != (want == "") || !strings.HasPrefix(got, strings.TrimSuffix("x.yaml:"+want, "x.yaml:")) {
			t.Errorf("%d levels: %q, want %q", depth, got, want)
		}
	}
}

func TestPlacesInALongLineOfYAML(t *testing.T) {
	for _, items := range []int{10, 340, 341, 342, 5000} {
		_, problems := template.Reader{}.Read("x.yaml", "# é\n["+strings.Repeat("é, ", items)+"0x1]")
		if want := fmt.Sprintf("x.yaml:2:%d", 2+3*items); len(problems) != 1 || problems[0].Place.String() != want {
			t.Errorf("%d items: %v, want %s", items, problems, want)
		}
	}
}

// TestHostileYAMLIsBounded: what the longest texts take is known, and grows with their length and no faster. It is
// counted in bytes, which no busy machine changes.
func TestHostileYAMLIsBounded(t *testing.T) {
	const most = 2000 // bytes for each that is read: 900, and twice that under the race detector
	half := hostileYAML(template.MaxYAML / 32)
	for name, text := range hostileYAML(template.MaxYAML / 16) {
		_, once := allocated("x.yaml", half[name])
		_, twice := allocated("x.yaml", text)
		if twice > most*uint64(len(text)) || twice > 3*once+1<<20 {
			t.Errorf("%s: %d bytes for %d, %d for half of it", name, twice, len(text), once)
		}
		t.Logf("%-26s %5d", name, twice/uint64(len(text)))
	}
}

// allocated reads a text, and returns how many bytes that allocated.
func allocated(name, text string) (diagnostic.List, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, problems := template.Reader{}.Read(name, text)
	runtime.ReadMemStats(&after)
	return problems, after.TotalAlloc - before.TotalAlloc
}

// bomb is a list of lists, each of ten aliases of the one before, for more values than there are atoms.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("- &a [x]\n")
	for b.Len() < n {
		b.WriteString("- &a [" + strings.Repeat("*a, ", 10) + "]\n")
	}
	return b.String()
}

// hostileYAML are texts of about n bytes that a parser may take more than linear time or memory for.
func hostileYAML(n int) map[string]string {
	return map[string]string{
		"deep block lists":         strings.Repeat("- ", n/2),
		"deep flow lists":          strings.Repeat("[", n),
		"deep flow mappings":       strings.Repeat("{a: ", n/4),
		"deep keys":                strings.Repeat("? ", n/2),
		"empty items":              strings.Repeat("-\n", n/2),
		"empty items with CR":      strings.Repeat("-\r", n/2),
		"colons":                   strings.Repeat("a:", n/2),
		"colons with a space":      strings.Repeat("a: ", n/3),
		"single quotes":            strings.Repeat("'", n),
		"double quotes":            `"` + strings.Repeat(`\"`, n/2) + `"`,
		"breaks in quotes":         `"` + strings.Repeat("a \n", n/3) + `"`,
		"empty lines in quotes":    "'" + strings.Repeat(" \n", n/2) + "'",
		"one line":                 "a: " + strings.Repeat("x", n),
		"one line of blanks":       "a: x" + strings.Repeat(" ", n),
		"blanks before each line":  strings.Repeat("a: x"+strings.Repeat(" ", 1000)+"\n", n/1005),
		"comments":                 strings.Repeat("# c\n", n/4),
		"comments with CR":         strings.Repeat("# c\r", n/4),
		"a comment at each line":   strings.Repeat("- a # c\n", n/8),
		"flow entries":             "[" + strings.Repeat("a,", n/2) + "]",
		"flow pairs":               "[" + strings.Repeat("a: b,", n/5) + "]",
		"flow mappings":            "[" + strings.Repeat("{a: b},", n/7) + "]",
		"no commas":                "[" + strings.Repeat("[a] ", n/4),
		"anchors":                  strings.Repeat("- &a x\n", n/7),
		"aliases":                  "- &a x\n" + strings.Repeat("- *a\n", n/5),
		"anchor after anchor":      strings.Repeat("&a ", n/3),
		"tags":                     strings.Repeat("- !!t x\n", n/8),
		"a long tag":               "!" + strings.Repeat("a", n) + " x",
		"exclamation marks":        strings.Repeat("!", n),
		"plain text on many lines": strings.Repeat("a\n", n/2),
		"empty lines":              "a" + strings.Repeat("\n", n) + "b",
		"empty lines and an end":   "a: b" + strings.Repeat("\n", n) + "c: d",
		"literal lines":            "a: |\n" + strings.Repeat("  x\n", n/4),
		"folded lines":             "a: >\n" + strings.Repeat("  x\n", n/4),
		"empty literal lines":      "a: |+\n" + strings.Repeat("\n", n),
		"literals":                 strings.Repeat("- |\n x\n", n/7),
		"keys":                     strings.Repeat("key: value\n", n/11),
		"explicit keys":            strings.Repeat("? a\n: b\n", n/8),
		"quoted keys":              strings.Repeat("\"a\": 'b'\n", n/9),
		"long keys":                strings.Repeat(strings.Repeat("é", 1000)+": b\n", n/2004),
		"a key too long":           strings.Repeat("k", n) + ": b",
		"key in key":               strings.Repeat("[", 500) + strings.Repeat("x", n) + strings.Repeat("]: 1", 500),
		"nested key in key":        strings.Repeat(strings.Repeat("[", 400)+"é"+strings.Repeat("]: 1", 400)+"\n", n/2000),
		"documents":                strings.Repeat("---\n", n/4),
		"ends":                     "a\n" + strings.Repeat("...\n", n/4),
		"directives":               strings.Repeat("%TAG !a! b\n", n/11),
		"dashes in quotes":         "'" + strings.Repeat("\n --- ", n/6) + "'",
		"questions":                strings.Repeat("?", n),
		"tabs":                     "a:" + strings.Repeat("\t", n) + "b",
		"aliases of aliases":       bomb(n),
		"flow of one-letter items": "[" + strings.Repeat("x,", n/2) + "]",
		"stairs":                   strings.Repeat(stairs(), max(1, n/len(stairs()))),
	}
}

// stairs are 900 mappings within one another, each indented by one.
func stairs() string {
	var b strings.Builder
	for i := range 900 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

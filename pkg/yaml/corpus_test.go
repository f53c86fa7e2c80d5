package yaml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/yaml"
)

// values are one form of a node each. "~" at the beginning of a line is the indentation of the place where it
// is put.
var values = []string{
	"", "a", "a b", "a  b", "a\tb", "a # c", "a #", "a#b", "a: b", "a : b", "a:b", "a:", ":a", "::", "-", "- a", "-a", "--", "---", "...", "?", "? a", "?a", "a?", "a,b", "a, b", ",a",
	"12", "-1.5e3", "0x1F", "~", "null", "true", "yes", "2026-11-23", "10:30", "<<", "=", "é", "\U0001F600", "http://host:80/p?q=1#f", "arn:aws:iam::123456789012:role/x", "${A}", "${A:-b}", "$$A", "a$b", "%a", "a%b", "@a", "a@b", "`a", "!a", "&a", "*a",
	"''", "'a'", "'it''s'", "''''", "'a: b'", "'a # b'", "'- a'", "'a\n~ b'", "'a\n\n~ b'", "'\n~ a\n'", "' a '", "'a \n~\n~  b '", "'a\\b'", "'a'b", "'a' b", "'a'# c", "'a' # c", "'a", "'a\nb'", "'a\n---\nb'", "'a\n ---\n b'",
	`""`, `"a"`, `"a b"`, `"\""`, `"\\"`, `"\n\t\r\0\a\b\e\f\v"`, `"\x41\u00e9\U0001F600"`, `"\N\_\L\P"`, `"\/"`, `"\ a"`, "\"a\\\n~ b\"", "\"a \\\n~ b\"", "\"a\\\n~ \\ b\"", "\"a\n~ b\"", "\"a\n\n~ b\"", "\"a\\\n\n~ b\"", "\"a  \n~ \t b\"", "\"\n\"", "\"a\\t \nb\"", "\"\\\t\"", `"\q"`, `"\x4"`, `"\uD83D\uDE00"`, `"\uD83D"`, `"\U00110000"`, `"a`, `"a" "b"`, `"a":b`, `"a": b`, "\"a\nb\": c", `"\'"`,
	"[]", "[ ]", "[a]", "[a,b]", "[a, b,]", "[ a , b , ]", "[a\n~,b\n~]", "[\na,\nb\n]", "[a # c\n~, b]", "[[a], [b, [c]]]", "[{a: b}]", "[a: b]", "[a: b, c]", "[a: , b]", "[a : b]", `["a":b]`, `["a": b]`, "['a':b]", "[[a]: b]", "[{a: b}: c]", "[,]", "[,a]", "[a,,b]", "[a b]", "[a\n b]", "[a\n\n b]", "['a'\n 'b']", "[a", "[a]]", "[a}", "[a] b", "[a]: b", "[- a]", "[-]", "[-1]", "[--]", "[? a]", "[?]", "[:]", "[: a]", "[:a]", "[a:]", "[a:,b]", "[a:b]", "[a?]", "[a#b]", "[a #b]", "[#a]", "[|]", "[>]", "[%a]", "[@a]", "[&x a, *x]", "[&x , *x ]", "[!t a]", "[!t , a]", "[!t, a]", "[!!str a]", "[&x]", "[*x]", "[*x, *y]", "[http://a/b]", "[a\n---\n]", "[${A}]", "[\"${A}\"]", "[\ta,\tb\t]", "[a\n\t, b]", "[a\n\tb]", "[ab: c\n d]", "[ab\n: c]", "[\"ab\"\n: c]", "[[a]: b, {c: d}: e]",
	"{}", "{ }", "{a: b}", "{a: b,}", "{a: b, c: d}", "{a : b}", "{a}", "{a, b}", "{a, b: }", "{a: , b}", "{a: }", "{a:}", "{a:b}", "{a:b, c}", `{"a":b}`, `{"a":1,"b":[2]}`, `{"a" :b}`, `{'a':b}`, `{"a":}`, `{"a"}`, "{a: [b], c: {d: e}}", "{a:\n~ b,\n~c:\n~ d}", "{\na: b\n}", "{a: b # c\n}", "{[a]: b}", "{{a: b}: c}", "{? a: b}", "{? a : b}", "{?a: b}", "{: a}", "{:a}", "{a: b: c}", "{a: b, c: d", "{a: b]", "{,}", "{a,,b}", "{a b: c d}", "{a\n b: c}", "{a\n: b}", "{a: b\n c}", "{a: 'b'}", "{&x a: &y b, c: *y }", "{*x : a}", "{*x: a}", "{&x : a}", "{&x a}", "{!t a: !t b}", "{!t : b}", "{a: !t }", "{a: !t}", "{a: &x }", "{a: &x}", "{a: -}", "{a: - b}", "{a: -1}", "{<<: *x, a: b}", "{a: ${A}}", "{a: b c, d: e f}", "{a: http://b}", "{a: b#c}", "{a: b #c\n}", "{a: #c\n b}", "{a #c\n : b}",
	"&x", "&x a", "&x  a", "&x\n~ a", "&x [a]", "&x {a: *x}", "&x 'a'", "&x |\n~  a", "&x-1_Z a", "&x.y a", "&é a", "& a", "&x &y a", "&x !t a", "!t &x a", "!t !u a", "&x # c\n~ a", "&x a: b", "&x\n~ a: b", "&x\n~ - a", "&x\n~ &y a: b", "&x\n~ !t\n~ a", "&x\n~ !t a: b", "&x - a", "&x ? a", "&x : a", "&x: a", "&x\n~ &y a", "&x\n~ *x", "&x *x", "&x\n~ *x : a", "&x\n~ [*x]", "&x,", "&x\n~ !t [*x]", "!t\n~ &x [*x]",
	"*x", "*y ", "*x # c", "*x : a", "*x: a", "*x\n~ : a", "*x a", "*", "* x", "*x,", "*unknown",
	"!t", "!t a", "!!str a", "!!str", "!!int 1", "!!map {a: b}", "!!seq [a]", "!!map\n~ a: b", "!!seq\n~ - a", "!t\n~ a: b", "!t a: b", "! a", "!", "!<t> a", "!<tag:yaml.org,2002:str> a", "!<> a", "!<t a", "!!", "!! a", "!t!u a", "!t!", "!t,u a", "!t[ a", "!t%41 a", "!é a", "!t.u/v:w a", "!t{a}", "!t'a'", "!!str 'a'", "!!binary |\n~  aGk=", "!t|",
	"|\n~  a", "|\n~  a\n~  b", "|\n~  a\n~   b\n~  c", "|\n~  a\n\n~  b", "|\n\n~  a", "|\n~    \n~  a", "|\n~ \n~  a", "|-\n~  a\n\n", "|+\n~  a\n\n", "|\n~  a\n\n\n", "|1\n~  a", "|2\n~   a\n~  b", "|1-\n~  a", "|-1\n~  a", "|+1\n~  a\n\n", "|0\n~ a", "|10\n~ a", "|--\n~ a", "|+-\n~ a", "| # c\n~  a", "|# c\n~  a", "| a\n~  b", "|", "|\n", "|+", "|+\n\n", "|\n~  # a", "|\n~  a # b", "|\n~  a\n~ # c", "|\n~  a\n# c", "|\n~  a: b\n~  - c", "|\n~  \ta", "|\n~\ta", "|\n\t\n~  a", "|\n~  a\n\t", "|\n~  a\n~  \n", "|\n~  a\n~    \n~  b", "|\n~  a \n~  b\t", "|\n~  ---\n~  ...", "|\n~  a\n---", "|\n~  ${A}", "|\n~   a\n~  b", "|\n~     a\n~   b", "|\na",
	">\n~  a", ">\n~  a\n~  b", ">\n~  a\n\n~  b", ">\n~  a\n\n\n~  b", ">\n~  a\n~   b\n~  c", ">\n~  a\n\n~   b\n\n~  c", ">\n~   a\n~   b", ">\n\n~  a", ">-\n~  a\n~  b\n\n", ">+\n~  a\n\n", ">\n~  a\n~  \tb\n~  c", ">2-\n~   a\n~  b", ">\n~  a\n~\n~  \n~  b", ">\n~  - a\n~  - b", ">\n~  a\n~  # b", ">\n~  a\r\n~  b",
	"a\n~ b", "a\n~  b\n~ c", "a\n\n~ b", "a\n~ \n~ b", "a\n~ # c", "a # c\n~ b", "a\n~ - b", "a\n~ b: c", "a\n~ 'b'", "a\n~ [b]", "a\n~ &b", "a\n\t~b", "a\n~ \tb", "a \n~ b ", "a\n~b", "a\nb", "\n~ a", "\n\n~ a", " # c\n~ a", "\n~ # c\n~ a", "\n~ a\n~ b", "\n~ a: b\n~ c: d", "\n~ - a\n~ - b", "\n~ - a\n~  - b", "\n~  - a\n~ - b", "\n~- a\n~- b", "\n~ a: b\n~  c: d", "\n~  a: b\n~ c: d", "\n~ a:\n~ - b\n~ - c\n~ d: e", "\n~ a:\n~  - b\n~ c: d", "\n~ - a: b\n~   c: d", "\n~ - a: b\n~  c: d", "\n~ - - a\n~   - b\n~ - c", "\n~ -\n~   a", "\n~ -\n~ - a", "\n~ ? a\n~ : b", "\n~ ? a", "\n~ ?\n~ : b", "\n~ ? - a\n~   - b\n~ : - c", "\n~ ? a: b\n~ : c: d", "\n~ ? |\n~   a\n~ : b", "\n~ ? a\n~  : b", "\n~ ? [a]\n~ : b", "\n~ ? a\n~ :\n~ - b", "\n~ ? a\n~ : b\n~ c: d", "\n~ : a", "\n~ a: b\n~ c", "\n~ a: b\n~ - c", "\n~ a: b\n~ 'c'", "\n~ - a\n~ b", "\n~ - a\n~ b: c", "\n~ a:\n~ b:", "\n~ a:\n\n~ b:\n", "\n~ a: 'b\n c'\n~ d: e", "\n~ a: |\n~   b\n~ c: d", "\n~ a: [b,\nc]\n~ d: e", "\n~ a: b # c\n~ # d\n\n~ e: f", "\n~ \"a\": b\n~ 'c': d", "\n~ [a]: b", "\n~ {a: b}: c", "\n~ a b: c d", "\n~ a:b: c", "\n~ a::b", "\n~ a: :b", "\n~ -a: -b", "\n~ ?a: ?b", "\n~ a: b: c", "\n~ a: - b", "\n~ a: ? b", "\n~ - - - a", "\n~ -  -  a\n~    -  b", "\n~ - ? a\n~   : b", "\n~\ta: b", "\n~ a:\tb", "\n~ -\ta", "\n~ a\t: b", "\n~ <<: *x\n~ a: b", "\n~ &x a: b\n~ *x : c", "\n~ ? &x a\n~ : *x",
}

// contexts are the places where a value may stand. ~ is replaced by it, and the number is how deep its further
// lines are indented.
var contexts = []struct {
	text   string
	indent int
}{
	{"~", 0},
	{"~\n", 0},
	{" ~", 1},
	{"--- ~", 0},
	{"---\n~\n", 0},
	{"---\n~\n...\n", 0},
	{"# c\n~ # d\n", 0},
	{"\uFEFF~", 0},
	{"~\n---\n", 0},
	{"%YAML 1.1\n---\n~", 0},
	{"k: ~", 0},
	{"k: ~\nl: m\n", 0},
	{"k:   ~\n\n# c\nl: m", 0},
	{"x: &x 1\ny: &y 2\nk: ~\nl: m\n", 0},
	{"k:\n  ~\n", 2},
	{"k:\n  ~\nl: m\n", 2},
	{"k:\n  ~\n  l: m\n", 2},
	{"k:\n~\nl: m", 0},
	{"k:\n  l: ~\n  m: n\no: p\n", 2},
	{"k:\n- ~\n- m\nn: o\n", 0},
	{"- ~", 0},
	{"- ~\n- m\n", 0},
	{"-  ~\n-   m\n", 0},
	{"-\n  ~\n- m", 2},
	{"- &x 1\n- &y 2\n- ~\n- *x\n", 0},
	{"- - ~\n  - m\n", 2},
	{"- k: ~\n  l: m\n- n", 2},
	{"- k:\n  - ~\n  l: m\n", 2},
	{"- k: l\n  ~\n", 2},
	{"~: v", 0},
	{"~ : v\n", 0},
	{"k: v\n~: v\n", 0},
	{"&k ~: v\n", 0},
	{"? ~\n: v\n", 0},
	{"? k\n: ~\n", 0},
	{"- ? ~\n  : v\n- w", 2},
	{"[~]", 0},
	{"[~, m]", 0},
	{"[k, ~ ]", 0},
	{"[k: ~, m]", 0},
	{"[~: v]", 0},
	{"- [k,\n ~]", 1},
	{"{~}", 0},
	{"{k: ~}", 0},
	{"{k: ~, l: m}", 0},
	{"{~: v}", 0},
	{"{~ : v, l: m}", 0},
	{"k: [{l: ~}, m]\nn: o\n", 0},
	{"&k ~", 0},
	{"k: &k ~\nl: m", 0},
	{"!!k ~", 0},
	{"k: !k ~\nl: m", 0},
	{"k: &k !k ~\n", 0},
	{"k: &k\n  ~\n", 2},
	{"- &k\n  !k\n  ~\n", 2},
	{"'~'", 0},
	{"k: |\n  ~\nl: m\n", 2},
	{"k: >\n  ~\n\n   ~\nl: m\n", 2},
	{"\"~\"", 0},
	{"k: v # ~\nl: m\n", 0},
}

// everyDocument puts each value into each context, with each of the line breaks.
func everyDocument(f func(text string)) {
	for _, c := range contexts {
		for _, v := range values {
			text := strings.ReplaceAll(v, "\n~", "\n"+strings.Repeat(" ", c.indent))
			text = strings.ReplaceAll(c.text, "~", text)
			f(text)
			if strings.Contains(text, "\n") {
				f(strings.ReplaceAll(text, "\n", "\r\n"))
			}
		}
	}
}

func TestEveryValueInEveryPlaceIsReadAsTheLibraryReadsIt(t *testing.T) {
	read, all := 0, 0
	everyDocument(func(text string) {
		if all++; holdAgainstTheLibrary(t, text) {
			read++
		}
	})
	if read < all/4 {
		t.Errorf("only %d of %d documents are read", read, all)
	}
	t.Logf("%d of %d documents are read", read, all)
}

func TestEveryShortTextIsReadAsTheLibraryReadsIt(t *testing.T) {
	const letters = "a :-\n#'\"[]{},?&*|>!\t"
	const most = 3 // of 4 there are 100,000, which are read alike, too
	var grow func(text string)
	grow = func(text string) {
		holdAgainstTheLibrary(t, text)
		if len(text) < most && !t.Failed() {
			for i := range len(letters) {
				grow(text + letters[i:i+1])
			}
		}
	}
	grow("")
}

func TestDocumentsOfTheWorldAreReadAsTheLibraryReadsThem(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !holdAgainstTheLibrary(t, string(text)) {
			_, problem := yaml.Parse(string(text))
			t.Errorf("%s is refused: %+v", f, problem)
		}
	}
}

package template_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// TestBadFilesAreRefusedWithTheirPlace reads every file of testdata/bad, named by its fault, and compares
// what is said with testdata/bad.golden. UPDATE=1 rewrites that.
func TestBadFilesAreRefusedWithTheirPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d bad files (%v)", len(files), err)
	}
	var b bytes.Buffer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := template.Reader{}.Read(filepath.Base(f), string(text))
		if len(problems.Errors(false)) == 0 {
			t.Errorf("%s was accepted", f)
		}
		if err := problems.Write(&b, diagnostic.Text, "program"); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/bad.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPlainJSONHasNoComments(t *testing.T) {
	for text, want := range map[string]int{
		`{"a": "// text /* text */"}`: 0, "{}\n": 0, "a: 1 # YAML has its own\n": 0,
		"// one\n{/* two */} // three": 3, "{} /*/": 1, "{} /": 1,
	} {
		_, problems := template.Reader{Plain: true}.Read("x", text)
		if len(problems.Errors(false)) != want {
			t.Errorf("%q: %v, want %d problems", text, problems, want)
		}
		for _, p := range problems {
			if p.Cause != diagnostic.Syntax {
				t.Errorf("%q: %+v is no problem of syntax", text, p)
			}
		}
	}
}

func TestOrderNumbersAndEmptinessSurvive(t *testing.T) {
	const text = `// a comment
{"z": 1.0, "a": 12345678901234567890123, "e": 1e3, /* another */ "empty": "", "zero": 0, "no": false,
 "none": null, "list": [], "object": {}, "text": "\u00fc\ud83d\ude00\/\n\"\\", "url": "http://x // y"}`
	doc, problems := template.Reader{}.Read("x.json", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := `{"z":1.0,"a":12345678901234567890123,"e":1e3,"empty":"","zero":0,"no":false,"none":null,"list":[],"object":{},"text":"ü😀/\n\"\\","url":"http://x // y"}`
	if got := string(doc.Root.Compact()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestYAMLGivesTheSameTree(t *testing.T) {
	const text = `
z: 1.0
a: 12345678901234567890123
empty: ""
zero: 0
no: false
none: ~
list: []
quoted: "8080"
date: 2026-11-23
"yes": yes
base: &base {x: 1, y: 2}
merged: {<<: *base, y: 3, z: 4}
folded: >-
  one
  two
`
	doc, problems := template.Reader{}.Read("x.yml", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := `{"z":1.0,"a":12345678901234567890123,"empty":"","zero":0,"no":false,"none":null,"list":[],"quoted":"8080",` +
		`"date":"2026-11-23","yes":"yes","base":{"x":1,"y":2},"merged":{"y":3,"z":4,"x":1},"folded":"one two"}`
	if got := string(doc.Root.Compact()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheLanguageIsTheNamesElseTheTexts(t *testing.T) {
	for name, texts := range map[string][]string{
		"x.json": {`{"a":1}`}, "x.yaml": {"a: 1", `{"a":1}`}, "x.YML": {"a: 1"}, "x.jsonc": {"/* c */ {\"a\":1}"},
		"stdin": {`{"a":1}`, "a: 1", " \n{\"a\":1}", "// c\n{\"a\":1}", "\uFEFF{\"a\":1}", "# c\na: 1"},
	} {
		for _, text := range texts {
			doc, problems := template.Reader{}.Read(name, text)
			if got := string(doc.Root.Compact()); len(problems) > 0 || got != `{"a":1}` {
				t.Errorf("%s %q gives %s (%v)", name, text, got, problems)
			}
		}
	}
}

func expand(t *testing.T, name, text string, values map[string]string) (*template.Document, diagnostic.List) {
	t.Helper()
	doc, problems := template.Reader{}.Read(name, text)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", text, problems)
	}
	exp := template.Expander{Doc: doc, Lookup: func(n string) (string, bool) { v, ok := values[n]; return v, ok }}
	exp.All(doc.Root)
	return doc, exp.Problems
}

func TestValuesStayValues(t *testing.T) {
	values := map[string]string{
		"Q": "a\"b\\c\nd\te\x01", "N": "512", "T": "true", "NULL": "null", "J": `{"x": [1, "${N}"]}`, "D": "$N ${N}", "NEG": "-1.5e3",
	}
	for text, want := range map[string]string{
		`{"a": "${Q}"}`:                 `{"a":"a\"b\\c\nd\te\u0001"}`,
		`{"a": ${N}, "b": $N}`:          `{"a":512,"b":512}`,
		`{"a": ${T}, "b": ${NEG}}`:      `{"a":true,"b":-1.5e3}`,
		`{"a": ${NULL}}`:                `{"a":null}`,
		`{"a": ${U:-256}}`:              `{"a":256}`,
		`{"a": ${U:-${N}}}`:             `{"a":512}`,
		`{"a": ${json:J}}`:              `{"a":{"x":[1,"${N}"]}}`,
		`{"a": "${json:J}"}`:            `{"a":{"x":[1,"${N}"]}}`,
		`{"a": ${json:U:-{"x":[]}}}`:    `{"a":{"x":[]}}`,
		`{"a": "${D}"}`:                 `{"a":"$N ${N}"}`,
		`{"a": "${U:-say \"hi\"}"}`:     `{"a":"say \"hi\""}`,
		`{"a": "$$N", "b": "cost: $5"}`: `{"a":"$N","b":"cost: $5"}`,
		`{"${N}": 1, "$N": 2}`:          `{"${N}":1,"$N":2}`,
		`{"a": "\u0024{N}"}`:            `{"a":"512"}`,
		`["${N}", ${N}, "x${N}y"]`:      `["512",512,"x512y"]`,
	} {
		doc, problems := expand(t, "x.json", text, values)
		if got := string(doc.Root.Compact()); got != want || len(problems) > 0 {
			t.Errorf("%s gives\n %s (%v), want\n %s", text, got, problems, want)
		}
	}
}

func TestBadValuesAreReportedWithoutBeingShown(t *testing.T) {
	const secret = "hunter2-is-no-json"
	values := map[string]string{"S": secret, "BIN": "a\xffb" + secret, "NUL": secret + "\x00", "DUP": `{"` + secret + `":1,"` + secret + `":2}`}
	for text, want := range map[string]string{
		`{"a": ${S}}`:          "x.json:1:7: the value of S is not a JSON number, true, false or null",
		`{"a": ${json:S}}`:     "x.json:1:7: the value of S is not JSON",
		`{"a": ${json:DUP}}`:   "x.json:1:7: the value of DUP is not JSON",
		`{"ü": "x ${json:S}"}`: "x.json:1:10: ${json:S} stands within other text",
		`{"a": "${BIN}"}`:      "x.json:1:8: the value of BIN is not UTF-8 text",
		`{"a": "${NUL}"}`:      "x.json:1:8: the value of NUL is not UTF-8 text",
		`{"a": "\"${U}"}`:      "x.json:1:10: variable U is not set",
		`{"a": ${U?why}}`:      "x.json:1:7: variable U is not set: why",
		`{"a": "${json:U}"}`:   "x.json:1:8: variable U is not set",
		`{"a": "${U?${S}}"}`:   "x.json:1:8: variable U is not set: ${S}",
	} {
		doc, problems := expand(t, "x.json", text, values)
		if len(problems) != 1 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		p := problems[0]
		if got := p.Place.String() + ": " + p.Text; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if all := fmt.Sprintf("%+v", p) + doc.Root.Members[0].Value.Show(); strings.Contains(all, "hunter2") {
			t.Errorf("%s: the value is shown: %s", text, all)
		}
	}
}

// TestAPlainTextHasTheTypeThatYAMLGivesIt holds what a text without quotes is against the library of the suites.
func TestAPlainTextHasTheTypeThatYAMLGivesIt(t *testing.T) {
	texts := strings.Fields(`~ null Null NULL nuLL true True TRUE tRUE false False yes no on off y n <<
		1_000 0x1F 0X1f -0x1 0o17 0O7 0b101 -0b1 012 08 0xZ 0b2 1__0 _1 1_ +1 -1 +-1 1e3 1e+3 1E-3 1e 1e+ .5 -.5 +.5 5. 1.e3 ..5 . - +
		.inf -.inf +.Inf .nan .NaN .NAN nan inf 1.2.3 12:30:45 2001-12-14 2001-12-14T21:59:43Z 99999999999999999999 -99999999999999999999
		0 -0 00 0.0 00.1 1.0 123456789012345678901234 1a a1 0x 0_1 1,5 $5 ٣`)
	for _, a := range "0189+-._abexonfIN" {
		for _, b := range "0189+-._abexonfIN" {
			for _, c := range "0189+-._abexonfIN" {
				texts = append(texts, string([]rune{a, b, c}), string([]rune{'1', a, b, c}))
			}
		}
	}
	for _, text := range texts {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte("a: "+text), &root); err != nil || root.Kind != yaml.DocumentNode || root.Content[0].Kind != yaml.MappingNode {
			continue // a list, a marker
		}
		want := map[string]template.Kind{"!!null": template.Null, "!!bool": template.Bool, "!!int": template.Number, "!!float": template.Number}[root.Content[0].Content[1].ShortTag()]
		if want == 0 && root.Content[0].Content[1].ShortTag() != "!!null" {
			want = template.String
		}
		doc, problems := template.Reader{}.Read("x.yaml", "a: "+text)
		refused := len(problems) > 0
		if want == template.Number && !template.IsNumber(text) {
			if !refused || !strings.Contains(problems[0].Text, "a number that JSON cannot write") {
				t.Errorf("%q is a number to YAML and none to JSON; problems %v", text, problems)
			}
			continue
		}
		if got := doc.Root.Get("a"); refused || got.Kind != want {
			t.Errorf("%q is %v (%v), want %v", text, got, problems, want)
		}
	}
}

func TestATagThatMeansNothingHereIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"a: !!str 1": "", "a: !!int \"1\"": "", "a: !!map {b: c}": "", "a: !!seq [b]": "", "a: !!null ''": "", "a: !!bool TRUE": "", "a: !<tag:yaml.org,2002:str> 1": "",
		"a: !Ref b":      `1:4: error: values of type "!Ref" are not supported`,
		"a: !Each [b]":   `1:4: error: values of type "!Each" are not supported`,
		"a: !!set {b: }": `1:4: error: values of type "!!set" are not supported`,
		"a: !!bool yes":  `1:4: error: not true or false: "yes"`,
		"a: !!int x":     `1:4: error: a number that JSON cannot write: "x"`,
	} {
		_, problems := template.Reader{}.Read("x.yaml", text)
		var b strings.Builder
		if err := problems.Write(&b, diagnostic.Text, "program"); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); want == "" && got != "" || want != "" && !strings.HasPrefix(got, "x.yaml:"+want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPlacesInYAML(t *testing.T) {
	const text = "ü: \"ä ${A}\"\nb:\n  - x${B}\nc: |\n  one\n  two $$ ${C}\nd: 'it''s ${D} ${E}'\ne: &x !!str | # $no ${no}\n  ${F}\n"
	_, problems := expand(t, "x.yaml", text, nil)
	var got []string
	for _, p := range problems {
		got = append(got, p.Place.String()+" "+p.Text)
	}
	want := []string{
		"x.yaml:1:7 variable A is not set", "x.yaml:3:6 variable B is not set", "x.yaml:6:10 variable C is not set",
		"x.yaml:7:11 variable D is not set", "x.yaml:7:16 variable E is not set", "x.yaml:9:3 variable F is not set",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlacesCountCharacters(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	s := template.Source{Name: "x", Text: long + "x\r\nüy\n\nz"}
	for at, want := range map[int]string{0: "x:1:1", 4: "x:1:3", 2 * 5000: "x:1:5001", 10003: "x:2:1", 10005: "x:2:2", 10008: "x:4:1", 99999: "x:4:2"} {
		if got := s.Place(at).String(); got != want {
			t.Errorf("Place(%d) = %s, want %s", at, got, want)
		}
	}
}

// Hostile input must end in an error that people can read, and for memory in proportion to its length. What took the
// square of its length in time would not end here; the time itself is measured by make bench.
func TestHostileInputIsRefusedAndBounded(t *testing.T) {
	const most = 2000 // bytes for each that is read; most of it is what YAML takes
	for name, text := range map[string]string{
		"deep.json":      strings.Repeat("[", 100_000),
		"deep2.json":     strings.Repeat(`{"a":`, 100_000),
		"deep.yaml":      strings.Repeat("[", 100_000),
		"deep2.yaml":     strings.Repeat("- ", 100_000) + "x",
		"open.json":      `{"a": "` + strings.Repeat("${A:-", 1_000_000),
		"shell.json":     `{"a": "` + strings.Repeat("${#", 1_000_000) + `"}`,
		"twice.json":     "{" + strings.Repeat(`"a":1,`, 300_000) + `"a":1}`,
		"words.json":     "[" + strings.Repeat("x,", 300_000) + "1]",
		"commas.json":    strings.Repeat("1 ", 300_000),
		"nul.json":       strings.Repeat(" ", 9_000_000) + "\x00",
		"utf8.json":      strings.Repeat("ü", 4_000_000) + "\xff",
		"too-long.json":  strings.Repeat(" ", template.MaxSize+1),
		"key.json":       `{"` + strings.Repeat("k", 9_000_000) + `" 1}`,
		"comment.json":   strings.Repeat("/* */", 1_000_000) + "x",
		"flow.yaml":      "{" + strings.Repeat("a: [", 5000) + "}",
		"long-flow.yaml": "[" + strings.Repeat("*a, ", 100_000) + "]",
		"many.yaml":      "[" + strings.Repeat("0x1, ", 60_000) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			problems, took := allocated(name, text)
			if len(problems.Errors(false)) == 0 {
				t.Error("accepted")
			}
			if took > most*uint64(len(text)) {
				t.Errorf("%d bytes for %d", took, len(text))
			}
			if len(problems) > template.MaxProblems+1 {
				t.Errorf("%d problems", len(problems))
			}
			for _, p := range problems[:1] {
				if len(p.Text)+len(p.Help) > 500 {
					t.Errorf("a message of %d bytes", len(p.Text)+len(p.Help))
				}
			}
		})
	}
}

// shape is a tree without its scalar values.
func shape(n *template.Node) any {
	switch n.Kind {
	case template.Object:
		all := []any{}
		for _, m := range n.Members {
			all = append(all, m.Key, shape(m.Value))
		}
		return all
	case template.Array:
		all := []any{"list"}
		for _, item := range n.Items {
			all = append(all, shape(item))
		}
		return all
	default:
		return n.Kind
	}
}

// placesPointAtDollars expands a document without values: each variable that is missing is where a $ stands.
func placesPointAtDollars(t *testing.T, name, text string) {
	t.Helper()
	doc, _ := template.Reader{}.Read(name, text)
	exp := template.Expander{Doc: doc, Lookup: func(string) (string, bool) { return "", false }}
	exp.All(doc.Root)
	// A $ in disguise, and what line breaks are to YAML alone, are not looked for; an alias's $ is elsewhere.
	if strings.ContainsAny(text, "\\\r\u0085\u2028\u2029*\uFEFF") {
		return
	}
	lines := strings.Split(text, "\n")
	for _, p := range exp.Problems {
		if p.Cause != diagnostic.Unset {
			continue
		}
		line := []rune(lines[p.Line-1])
		if p.Col > len(line) || line[p.Col-1] != '$' {
			t.Errorf("%q: %s: %s, where no $ is", text, p.Place, p.Text)
		}
	}
}

// FuzzRead: no panic; what is accepted is written as JSON with the same values, and read again is the same.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*")
	for _, name := range files {
		text, _ := os.ReadFile(name)
		f.Add(string(text), strings.HasSuffix(name, "yaml"))
	}
	f.Add(`{"ü": "ü${A}$B${C:-${D}}", "b": [${E}, "$$$F"]}`, false)
	f.Add("a: ü${A}$$${B}\nb: |\n  x\n  ${C}${D}\nc: 'it''s ${E}'\nd: [\"$F\", '${G}']\n", true)
	f.Add(`{"a": [1, 2.0, "x\u00e9", true, null, {}]}`, false)
	f.Add("a: {b: [1, x, 'y']}\nc: |\n  text\n", true)
	f.Fuzz(func(t *testing.T, text string, isYAML bool) {
		name := "x.json"
		if isYAML {
			name = "x.yaml"
		}
		placesPointAtDollars(t, name, text)
		doc, problems := template.Reader{Literal: true}.Read(name, text)
		if len(problems) > 0 {
			for _, p := range problems {
				if p.Text == "" || strings.ContainsAny(p.Text+p.Help, "\n\x1b") {
					t.Errorf("a message that is no line: %q", p.Text)
				}
			}
			return
		}
		out := doc.Root.JSON()
		var got, want any
		decoder := json.NewDecoder(bytes.NewReader(out))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if !isYAML && json.Valid([]byte(text)) {
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.UseNumber()
			if err := decoder.Decode(&want); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q became %q (%v)", text, out, err)
			}
		}
		again, problems := template.Reader{Literal: true}.Read("x.json", string(out))
		if second := again.Root.JSON(); len(problems) > 0 || !bytes.Equal(out, second) {
			t.Errorf("%q is no fixed point: %q (%v)", out, second, problems)
		}
	})
}

// FuzzAValueNeverChangesTheStructure: whatever a value is, keys and kinds are those of the template.
func FuzzAValueNeverChangesTheStructure(f *testing.F) {
	for _, v := range []string{"x", `","injected":"`, "}\n{", "${A}", "\\", "\u2028", "- a: b", "null", "'"} {
		f.Add(v, false)
		f.Add(v, true)
	}
	f.Fuzz(func(t *testing.T, value string, isYAML bool) {
		name, text := "x.json", `{"a": "${V}", "b": ["x${V}", {"c": "${V:-d}${V}"}], "e": "${U:-${V}}"}`
		if isYAML {
			name, text = "x.yaml", "a: \"${V}\"\nb:\n  - x${V}\n  - c: '${V:-d}${V}'\ne: |\n  ${U:-${V}}\n"
		}
		values := map[string]string{"V": value}
		doc, problems := template.Reader{}.Read(name, text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		before := shape(doc.Root)
		exp := template.Expander{Doc: doc, Lookup: func(n string) (string, bool) { v, ok := values[n]; return v, ok }}
		exp.All(doc.Root)
		for _, p := range exp.Problems {
			if len(value) > 3 && strings.Contains(p.Text+p.Help, value) && !strings.Contains(text, value) {
				t.Errorf("the value %q is shown: %q", value, p.Text)
			}
		}
		if len(exp.Problems) > 0 {
			return // not UTF-8, or NUL: refused
		}
		var back any
		if err := json.Unmarshal(doc.Root.JSON(), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, shape(doc.Root)); diff != "" {
			t.Errorf("%q changed the structure: %s", value, diff)
		}
		if got := back.(map[string]any)["a"]; got != value {
			t.Errorf("%q became %q", value, got)
		}
	})
}

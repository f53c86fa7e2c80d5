package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

func lookup(name string) (string, bool) {
	v, ok := map[string]string{
		"A": "a", "B": "b", "EMPTY": "", "DOLLAR": "${A}", "_x1": "x",
	}[name]
	return v, ok
}

func parse(scope Scope, text string) (phrase, []fault) {
	p := parser{scope: scope, text: text}
	parsed := p.parse()
	return parsed, p.faults
}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"$A":                     "a",
		"${A}":                   "a",
		"$A$B":                   "ab",
		"x${A}y${B}z":            "xaybz",
		"$A.b":                   "a.b",
		"${_x1}":                 "x",
		"$$":                     "$",
		"$$A":                    "$A",
		"$${A}":                  "${A}",
		"$$$A":                   "$a",
		"$$$$":                   "$$",
		"$":                      "$",
		"a$":                     "a$",
		"$1 $( $) $-":            "$1 $( $) $-",
		"${EMPTY}":               "",
		"${A-d}":                 "a",
		"${A:-d}":                "a",
		"${EMPTY-d}":             "",
		"${EMPTY:-d}":            "d",
		"${UNSET-d}":             "d",
		"${UNSET:-d}":            "d",
		"${UNSET-}":              "",
		"${UNSET:-${A}}":         "a",
		"${UNSET:-${U2:-${B}x}}": "bx",
		"${UNSET:-a$$b}":         "a$b",
		"${UNSET:-{}":            "{",
		"${A:+x}":                "x",
		"${EMPTY:+x}":            "",
		"${EMPTY+x}":             "x",
		"${UNSET:+x}":            "",
		"${A:+[${B}]}":           "[b]",
		"${A?m}":                 "a",
		"${A:?m}":                "a",
		"${EMPTY?m}":             "",
		"${DOLLAR}":              "${A}", // a value is never expanded again
		"${A}}":                  "a}",
		"ü${A}ü":                 "üaü",
	} {
		parts, errs := parse(nil, text)
		if len(errs) > 0 {
			t.Errorf("Parse(%q): %v", text, errs)
			continue
		}
		got, lacking := parts.expand(lookup)
		if got != want || len(lacking) > 0 {
			t.Errorf("%q gives %q (missing %v), want %q", text, got, lacking, want)
		}
	}
}

func TestMissing(t *testing.T) {
	type lack struct {
		name    string
		at      int
		message string
		empty   bool
	}
	for text, want := range map[string][]lack{
		"x$U":                    {{name: "U", at: 1}},
		"${U}${V}":               {{name: "U", at: 0}, {name: "V", at: 4}},
		"${U?say why}":           {{name: "U", message: "say why"}},
		"${EMPTY:?say why}":      {{name: "EMPTY", message: "say why", empty: true}},
		"${U:-${V}}":             {{name: "V", at: 5}},
		"${A:-${V}}":             nil,
		"${U:+${V}}":             nil,
		"${A:+${V}}":             {{name: "V", at: 5}},
		"${EMPTY?may be empty}x": nil,
	} {
		parts, errs := parse(nil, text)
		if len(errs) > 0 {
			t.Fatalf("Parse(%q): %v", text, errs)
		}
		var got []lack
		_, lacking := parts.expand(lookup)
		for _, m := range lacking {
			got = append(got, lack{m.ref.name, m.at, m.ref.source, m.empty})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(lack{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]fault{
		"x${A":        {at: 1, text: "placeholder without its }"},
		"${A:":        {at: 0, text: "placeholder without its }"},
		"${A:-x":      {at: 0, text: "placeholder without its }"},
		"ab${#A}":     {at: 2, text: `unknown form "${#A}"`},
		"${A/x/y}":    {at: 0, text: `unknown form "${A/x/y}"`},
		"${A:=x}":     {at: 0, text: `unknown form "${A:=x}"`},
		"${A%%x}":     {at: 0, text: `unknown form "${A%%x}"`},
		"${}":         {at: 0, text: `unknown form "${}"`},
		"${1}":        {at: 0, text: `unknown form "${1}"`},
		"${ A }":      {at: 0, text: `unknown form "${ A }"`},
		"${!A}":       {at: 0, text: `unknown form "${!A}"`},
		"${U:-${#A}}": {at: 5, text: `unknown form "${#A}"`},
		"${A:0:2}":    {at: 0, text: `unknown form "${A:0:2}"`},
		"${A^^}":      {at: 0, text: `unknown form "${A^^}"`},
		"${json:A B}": {at: 0, text: `unknown form "${json:A B}"`},
		"${json:}":    {at: 0, text: `unknown form "${json:}"`},
	} {
		_, errs := parse(nil, text)
		if len(errs) != 1 || errs[0].at != want.at || errs[0].text != want.text || errs[0].help == "" {
			t.Errorf("Parse(%q) = %+v, want %+v with help", text, errs, want)
		}
	}
}

func TestAllErrorsAreFound(t *testing.T) {
	_, errs := parse(nil, "${#A} ${B/x} ${C")
	if len(errs) != 3 {
		t.Errorf("%d errors, want 3: %+v", len(errs), errs)
	}
}

func TestTheScopeLeavesOtherDollarsAlone(t *testing.T) {
	scope := func(name string) bool { return name == "A" }
	for text, want := range map[string]string{
		"$A $B ${B} ${A}":    "a $B ${B} a",
		"$host ${#B} ${B/x}": "$host ${#B} ${B/x}",
		"$$ $$A":             "$ $A",
		"${B:-${A}}":         "${B:-a}",
		"${":                 "${",
	} {
		parts, errs := parse(scope, text)
		got, lacking := parts.expand(lookup)
		if got != want || len(errs)+len(lacking) > 0 {
			t.Errorf("%q gives %q (%v, %v), want %q", text, got, errs, lacking, want)
		}
	}
	if _, errs := parse(scope, "${A/x/y}"); len(errs) != 1 {
		t.Errorf("a shell form of a name in scope: %v, want one error", errs)
	}
}

func TestJSONWordsBalanceTheirBraces(t *testing.T) {
	const text = `${json:U:-{"a":{"b":1}}} rest}`
	p := parser{text: text}
	ref := p.reference(0)
	if len(p.faults) > 0 || ref == nil || !ref.json {
		t.Fatalf("the reference is %+v, %v", ref, p.faults)
	}
	if got, want := ref.source, `{"a":{"b":1}}`; got != want {
		t.Errorf("word %q, want %q", got, want)
	}
	if got, want := text[p.pos:], " rest}"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestUses(t *testing.T) {
	doc, _ := Reader{}.Read("t.json", `"$A ${B:-x${C-}} ${D?m} ${E:+y}"`)
	at := func(offset int) diagnostic.Place { return diagnostic.Place{File: "t.json", Line: 1, Col: 2 + offset} }
	want := []Use{
		{Name: "A", Place: at(0), Required: true},
		{Name: "B", Place: at(3), Default: new("x${C-}")},
		{Name: "C", Place: at(9), Default: new("")},
		{Name: "D", Place: at(16), Required: true},
		{Name: "E", Place: at(23)},
	}
	if diff := cmp.Diff(want, doc.Uses()); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse: nothing panics; doubling every $ gives the text back; a value never reaches the parser.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "${A:-${B:-$$}}", "${#A}", "$${A", "${json:A:-{}}", "$A}{$", "ü${A?ö}"} {
		f.Add(seed, "v$$${A}")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		doubled, errs := parse(nil, strings.ReplaceAll(text, "$", "$$"))
		got, lacking := doubled.expand(lookup)
		if got != text || len(errs)+len(lacking) > 0 {
			t.Errorf("doubled %q gives %q (%v, %v)", text, got, errs, lacking)
		}
		parts, errs := parse(nil, text)
		for _, e := range errs {
			if e.at < 0 || e.at >= len(text) || text[e.at] != '$' {
				t.Errorf("%q: error at %d, where no $ is", text, e.at)
			}
		}
		if len(errs) > 0 {
			return
		}
		for _, u := range parts.references() {
			if !IsName(u.ref.name) || text[u.at] != '$' {
				t.Errorf("%q uses %+v", text, u)
			}
		}
		// With one value for all, the result is the same whether the value looks like a placeholder or not.
		a, _ := parts.expand(func(string) (string, bool) { return value, true })
		b, _ := parts.expand(func(string) (string, bool) { return "\x00", true })
		if value != "" && !strings.Contains(text, "\x00") && a != strings.ReplaceAll(b, "\x00", value) {
			t.Errorf("%q with %q gives %q", text, value, a)
		}
	})
}

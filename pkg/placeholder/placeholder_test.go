package placeholder_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
)

func lookup(name string) (string, bool) {
	v, ok := map[string]string{
		"A": "a", "B": "b", "EMPTY": "", "DOLLAR": "${A}", "_x1": "x",
	}[name]
	return v, ok
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
		parts, errs := new(placeholder.Parser).Parse(text)
		if len(errs) > 0 {
			t.Errorf("Parse(%q): %v", text, errs)
			continue
		}
		got, missing := parts.Expand(lookup)
		if got != want || len(missing) > 0 {
			t.Errorf("%q gives %q (missing %v), want %q", text, got, missing, want)
		}
	}
}

func TestMissing(t *testing.T) {
	for text, want := range map[string][]placeholder.Missing{
		"x$U":                    {{Name: "U", At: 1}},
		"${U}${V}":               {{Name: "U", At: 0}, {Name: "V", At: 4}},
		"${U?say why}":           {{Name: "U", Message: "say why"}},
		"${EMPTY:?say why}":      {{Name: "EMPTY", Message: "say why", Empty: true}},
		"${U:-${V}}":             {{Name: "V", At: 5}},
		"${A:-${V}}":             nil,
		"${U:+${V}}":             nil,
		"${A:+${V}}":             {{Name: "V", At: 5}},
		"${EMPTY?may be empty}x": nil,
	} {
		parts, errs := new(placeholder.Parser).Parse(text)
		if len(errs) > 0 {
			t.Fatalf("Parse(%q): %v", text, errs)
		}
		_, got := parts.Expand(lookup)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]placeholder.Error{
		"x${A":        {At: 1, Text: "placeholder without its }"},
		"${A:":        {At: 0, Text: "placeholder without its }"},
		"${A:-x":      {At: 0, Text: "placeholder without its }"},
		"ab${#A}":     {At: 2, Text: `unknown form "${#A}"`},
		"${A/x/y}":    {At: 0, Text: `unknown form "${A/x/y}"`},
		"${A:=x}":     {At: 0, Text: `unknown form "${A:=x}"`},
		"${A%%x}":     {At: 0, Text: `unknown form "${A%%x}"`},
		"${}":         {At: 0, Text: `unknown form "${}"`},
		"${1}":        {At: 0, Text: `unknown form "${1}"`},
		"${ A }":      {At: 0, Text: `unknown form "${ A }"`},
		"${!A}":       {At: 0, Text: `unknown form "${!A}"`},
		"${U:-${#A}}": {At: 5, Text: `unknown form "${#A}"`},
		"${A:0:2}":    {At: 0, Text: `unknown form "${A:0:2}"`},
		"${A^^}":      {At: 0, Text: `unknown form "${A^^}"`},
		"${json:A B}": {At: 0, Text: `unknown form "${json:A B}"`},
		"${json:}":    {At: 0, Text: `unknown form "${json:}"`},
	} {
		_, errs := new(placeholder.Parser).Parse(text)
		if len(errs) != 1 || errs[0].At != want.At || errs[0].Text != want.Text || errs[0].Help == "" {
			t.Errorf("Parse(%q) = %+v, want %+v with help", text, errs, want)
		}
	}
}

func TestAllErrorsAreFound(t *testing.T) {
	_, errs := new(placeholder.Parser).Parse("${#A} ${B/x} ${C")
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
		parts, errs := (&placeholder.Parser{Scope: scope}).Parse(text)
		got, missing := parts.Expand(lookup)
		if got != want || len(errs)+len(missing) > 0 {
			t.Errorf("%q gives %q (%v, %v), want %q", text, got, errs, missing, want)
		}
	}
	if _, errs := (&placeholder.Parser{Scope: scope}).Parse("${A/x/y}"); len(errs) != 1 {
		t.Errorf("a shell form of a name in scope: %v, want one error", errs)
	}
}

func TestJSONWordsBalanceTheirBraces(t *testing.T) {
	const text = `${json:U:-{"a":{"b":1}}} rest}`
	ref, n, errs := new(placeholder.Parser).ParseBare(text)
	if len(errs) > 0 || ref == nil || !ref.JSON {
		t.Fatalf("ParseBare = %+v, %v", ref, errs)
	}
	if got, want := ref.WordSource, `{"a":{"b":1}}`; got != want {
		t.Errorf("word %q, want %q", got, want)
	}
	if got, want := text[n:], " rest}"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestUses(t *testing.T) {
	parts, _ := new(placeholder.Parser).Parse("$A ${B:-x${C-}} ${D?m} ${E:+y}")
	want := []placeholder.Use{
		{Name: "A"},
		{Name: "B", At: 3, Default: "x${C-}", HasDefault: true, Optional: true},
		{Name: "C", At: 9, HasDefault: true, Optional: true},
		{Name: "D", At: 16},
		{Name: "E", At: 23, Optional: true},
	}
	if diff := cmp.Diff(want, parts.Uses()); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse: nothing panics; doubling every $ gives the text back; a value never reaches the parser.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "${A:-${B:-$$}}", "${#A}", "$${A", "${json:A:-{}}", "$A}{$", "ü${A?ö}"} {
		f.Add(seed, "v$$${A}")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		doubled, errs := new(placeholder.Parser).Parse(strings.ReplaceAll(text, "$", "$$"))
		got, missing := doubled.Expand(lookup)
		if got != text || len(errs)+len(missing) > 0 {
			t.Errorf("doubled %q gives %q (%v, %v)", text, got, errs, missing)
		}
		parts, errs := new(placeholder.Parser).Parse(text)
		for _, e := range errs {
			if e.At < 0 || e.At >= len(text) || text[e.At] != '$' {
				t.Errorf("%q: error at %d, where no $ is", text, e.At)
			}
		}
		if len(errs) > 0 {
			return
		}
		for _, u := range parts.Uses() {
			if !placeholder.IsName(u.Name) || text[u.At] != '$' {
				t.Errorf("%q uses %+v", text, u)
			}
		}
		// With one value for all, the result is the same whether the value looks like a placeholder or not.
		a, _ := parts.Expand(func(string) (string, bool) { return value, true })
		b, _ := parts.Expand(func(string) (string, bool) { return "\x00", true })
		if value != "" && !strings.Contains(text, "\x00") && a != strings.ReplaceAll(b, "\x00", value) {
			t.Errorf("%q with %q gives %q", text, value, a)
		}
	})
}

package template_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// check holds one string against encoding/json: it is the same, and nothing is escaped that need not be.
func check(t *testing.T, s string) {
	t.Helper()
	out := (&template.Node{Kind: template.String, Text: s}).Compact()
	var back string
	if err := json.Unmarshal(out, &back); err != nil || back != s {
		t.Errorf("%q became %s, which is %q (%v)", s, out, back, err)
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) && len(out) != len(s)+2 {
		t.Errorf("%q became %s", s, out)
	}
}

func TestEveryByteInEveryPlaceIsEscapedAsJSONDemands(t *testing.T) {
	for c := range utf8.RuneSelf {
		for _, s := range []string{"%", "a%", "%a", "a%%a"} {
			check(t, strings.ReplaceAll(s, "%", string(rune(c))))
		}
	}
}

func TestCharactersOfAllLengthsStay(t *testing.T) {
	for _, s := range []string{"", "ü", "aaaaaaaü\"", "日本語日本語\n", "😀😀😀\\", "\u2028", "<>&", "\u007f\u0080\u00ff", strings.Repeat("é\"", 50)} {
		check(t, s)
	}
}

func FuzzQuoted(f *testing.F) {
	f.Add("aaaaaaaaaaaaaaaaaaaaaa\x1f")
	f.Add("\x7f\u0080\"\\\b")
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			check(t, s)
		}
	})
}

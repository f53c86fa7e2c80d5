package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/jsontext"
)

// check holds one string against encoding/json, and against looking at one byte after the other.
func check(t *testing.T, s string) {
	t.Helper()
	plain := strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' })
	if plain < 0 {
		plain = len(s)
	}
	if got := jsontext.PlainLen(s); got != plain {
		t.Errorf("PlainLen(%q) = %d, want %d", s, got, plain)
	}
	out := jsontext.AppendQuoted([]byte("x"), s)[1:]
	if got := jsontext.QuotedSize(s); got != len(out) {
		t.Errorf("QuotedSize(%q) = %d, want %d", s, got, len(out))
	}
	var back string
	if err := json.Unmarshal(out, &back); err != nil || back != s {
		t.Errorf("%q became %s, which is %q (%v)", s, out, back, err)
	}
}

func TestEveryByteInEveryPlaceIsEscapedAsJSONDemands(t *testing.T) {
	for c := range utf8.RuneSelf {
		for length := range 20 {
			for at := range length {
				s := []byte(strings.Repeat("a", length))
				s[at] = byte(c)
				check(t, string(s))
			}
		}
	}
}

func TestCharactersOfAllLengthsStay(t *testing.T) {
	for _, s := range []string{"", "ü", "aaaaaaaü\"", "日本語日本語\n", "😀😀😀\\", "\u2028", "\u007f\u0080\u00ff", strings.Repeat("é\"", 50)} {
		check(t, s)
	}
}

func FuzzAppendQuoted(f *testing.F) {
	f.Add("aaaaaaaaaaaaaaaaaaaaaa\x1f")
	f.Add("\x7f\u0080\"\\\b")
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			check(t, s)
		}
	})
}

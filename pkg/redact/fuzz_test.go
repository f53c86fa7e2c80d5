package redact_test

import (
	"fmt"
	"html"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

var (
	percented   = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	backslashed = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)`)
)

// undone is a slow and simple reading of a text: one kind of escape after the other is undone everywhere,
// and all of that again, until nothing changes.
func undone(s string) string {
	for before := ""; before != s; {
		before = s
		s = percented.ReplaceAllStringFunc(s, func(e string) string {
			c, _ := strconv.ParseUint(e[1:], 16, 8)
			return string([]byte{byte(c)})
		})
		s = html.UnescapeString(s)
		s = backslashed.ReplaceAllStringFunc(s, func(e string) string {
			if c, _, _, err := strconv.UnquoteChar(e, 0); err == nil {
				return string(c)
			}
			return e[1:]
		})
	}
	return strings.Map(func(c rune) rune {
		if c == '+' || c >= '\t' && c <= '\r' {
			return ' '
		}
		return c
	}, s)
}

// leak hides a secret in every disguise between two texts, and looks for it in what is left: in every
// disguise, and by the slow reading. It returns what it found.
func leak(s, before, after string) string {
	r := redact.New(s)
	all := disguises(s)
	for name, text := range all {
		// A mask must not become a part of what is looked for.
		got := strings.ReplaceAll(r.Text(before+text+after), redact.Mask, "\x00")
		for other, text := range all {
			if strings.Contains(got, strings.TrimRight(text, "=")) {
				return fmt.Sprintf("%s of %q between %q and %q: as %s it is left in %q", name, s, before, after, other, got)
			}
		}
		if strings.Contains(undone(got), undone(s)) && !strings.Contains(undone(before+after), undone(s)) {
			return fmt.Sprintf("%s of %q between %q and %q can be read in %q", name, s, before, after, got)
		}
		if cut := r.Cut(before + text); strings.Contains(cut, s) {
			return fmt.Sprintf("%s of %q behind %q is left in %q", name, s, before, cut)
		}
	}
	return ""
}

func FuzzNothingLeaks(f *testing.F) {
	f.Add(secret, "before", "after")
	f.Add("correct horse battery staple", "\x1b[0m", "\n")
	f.Add(`new\table%41&amp;`, `C:\`, "41")
	f.Fuzz(func(t *testing.T, s, before, after string) {
		for _, c := range redact.Safe(before+s+after, 80) {
			if unicode.IsControl(c) {
				t.Fatalf("control character %q is left", c)
			}
		}
		// Control characters and what is no text have no form in HTML or JSON. What a short secret ends with may be
		// the beginning of an escape.
		if len(s) < 12 || len(s) > 200 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return
		}
		if found := leak(s+"!", before, after); found != "" {
			t.Fatal(found)
		}
	})
}

// TestAwkwardSecretsDoNotLeak makes secrets and what stands beside them of nothing but pieces of escapes.
func TestAwkwardSecretsDoNotLeak(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 2026))
	pieces := []string{`\`, `\`, "%", "%25", "&", "&amp;", "#", "x", "u", "U", "00", "25", "41", ";", "n", "t", "+", " ", "/", "ü", "🔑", `"`, "<", "a", "="}
	some := func(most int) string {
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 500 {
		s, before, after := "s3c"+some(20), some(4), some(4)
		if random.IntN(2) == 0 {
			s += "!"
		} else {
			after = "!" + after
		}
		if found := leak(s, before, after); found != "" {
			t.Error(found)
		}
	}
}

// FuzzMoreSecretsHideMore holds that a redactor which knows more hides more.
func FuzzMoreSecretsHideMore(f *testing.F) {
	f.Add("first secret", "second secret", "first secret%20second+secret")
	f.Fuzz(func(t *testing.T, one, other, text string) {
		with := redact.New(one).With(other)
		if both := redact.New(one, other).Text(text); both != with.Text(text) {
			t.Errorf("both at once %q, one after the other %q", both, with.Text(text))
		}
		if r := redact.New(one); r.Text(text) != text && with.Text(text) == text {
			t.Errorf("%q is hidden in %q, and with %q it is not", one, text, other)
		}
	})
}

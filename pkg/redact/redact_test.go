package redact_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

const secret = `p/ss "w+rd" <ü>&=%`

// disguises is every way in which a secret may come back to us.
func disguises(s string) map[string]string {
	j, _ := json.Marshal(s)
	return map[string]string{
		"raw":                s,
		"path by segment":    strings.ReplaceAll(url.PathEscape(s), "%2F", "/"),
		"json within json":   quoted(quoted(s)),
		"thrice":             quoted(quoted(quoted(s))),
		"url, twice":         url.QueryEscape(url.QueryEscape(s)),
		"json in a url":      url.QueryEscape(quoted(s)),
		"query":              url.QueryEscape(s),
		"query, blank as 20": strings.ReplaceAll(url.QueryEscape(s), "+", "%20"),
		"path":               url.PathEscape(s),
		"path, small hex":    regexp.MustCompile("%..").ReplaceAllStringFunc(url.PathEscape(s), strings.ToLower),
		"json":               string(j[1 : len(j)-1]),
		"json, slash":        strings.ReplaceAll(string(j[1:len(j)-1]), "/", `\/`),
		"go":                 strconv.Quote(s)[1 : len(strconv.Quote(s))-1],
		"go, ascii":          strconv.QuoteToASCII(s)[1 : len(strconv.QuoteToASCII(s))-1],
		"html":               html.EscapeString(s),
		"html by numbers":    each(s, func(c rune) string { return fmt.Sprintf("&#x%X;", c) }),
		"html within html":   html.EscapeString(html.EscapeString(s)),
		"html within json":   quoted(html.EscapeString(s)),
		"url within html":    html.EscapeString(url.QueryEscape(s)),
		"html within a url":  url.QueryEscape(html.EscapeString(s)),
		"a url in all":       percents(s),
		"javascript":         each(s, javascript),
		"javascript in json": quoted(each(s, javascript)),
		"hex":                hex.EncodeToString([]byte(s)),
		"hex in capitals":    strings.ToUpper(hex.EncodeToString([]byte(s))),
		"base64 in a url":    url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))),
		"base64 in php":      strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`),
		"base64 of a login":  base64.StdEncoding.EncodeToString([]byte("user:" + s)),
		"base64":             base64.StdEncoding.EncodeToString([]byte(s)),
		"base64 url":         base64.URLEncoding.EncodeToString([]byte(s)),
		"base64 raw":         base64.RawStdEncoding.EncodeToString([]byte(s)),
		"base64 raw url":     base64.RawURLEncoding.EncodeToString([]byte(s)),
	}
}

func quoted(s string) string {
	j, _ := json.Marshal(s)
	return string(j[1 : len(j)-1])
}

func each(s string, f func(rune) string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(f(c))
	}
	return b.String()
}

func javascript(c rune) string {
	switch {
	case c < 0x100:
		return fmt.Sprintf(`\x%02x`, c)
	case c < 0x10000:
		return fmt.Sprintf(`\u%04X`, c)
	}
	hi, lo := utf16.EncodeRune(c)
	return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
}

func percents(s string) string {
	var b strings.Builder
	for _, octet := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", octet)
	}
	return b.String()
}

// leftOver is a mask with what may be left of a secret behind it: what pads base64, and a last backslash.
var leftOver = regexp.MustCompile(`\[redacted\](=|%3D|\\|%(25)*5[cC]|(\\\\?)?x5c|&#x5C;)*`)

// Every secret here has something that some disguise, or the reading of one, could stumble over.
func TestEveryDisguiseOfASecretIsHidden(t *testing.T) {
	for _, s := range []string{
		secret, "correct-horse-battery", `C:\new\table`, `ends in \`, "ends in %", "ends in &am", "ends in %4", `ends in \u00`, "%41&amp;&#65;\\x41",
		"two\nlines\r\n\tof it", "\U0001F511 under 🔑 mats", "a\x01b\x1bc\x7fd", strings.Repeat("long and %3C", 20),
	} {
		r := redact.New(s)
		for name, text := range disguises(s) {
			got := leftOver.ReplaceAllString(r.Text("a: "+text+".b"), redact.Mask)
			if want := "a: " + redact.Mask + ".b"; got != want && name != "base64 of a login" || !strings.Contains(got, redact.Mask) {
				t.Errorf("%q, %s: got %q, want %q", s, name, got, want)
			}
		}
	}
}

// What stands beside a secret may look like a part of an escape.
func TestWhatStandsBesideASecretDoesNotHelpIt(t *testing.T) {
	for _, s := range []string{`new/t0ken`, `u0041/x41/41`, `amp;/41`, `25252541/`, `/t0kens/%`, `/t0kens/\`, `/t0kens/&am`, `/t0kens/%4`, `/t0kens/%2`} {
		r := redact.New(s)
		for _, before := range []string{`\`, `\\\`, `%`, `%2`, `%25`, `&`, `&#`, `\x4`, `\u00`, `a`, `aa`, `aaa`} {
			for _, after := range []string{"41", "n", "p;", "1", "u0041", "=="} {
				for name, text := range disguises(s) {
					if got := r.Text(before + text + after); shows(got, text) {
						t.Errorf("%s of %q between %q and %q: got %q", name, s, before, after, got)
					}
				}
			}
		}
	}
}

// A secret of few characters is found as it stands, whatever follows.
func TestAShortSecretThatEndsLikeAnEscapeIsHidden(t *testing.T) {
	if got, want := redact.New("ab%").Text("ab%41 ab"), redact.Mask+"41 ab"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// shows reports whether the text can still be read, of which a secret's last character and what pads a code may be
// left.
func shows(got, text string) bool {
	text = strings.TrimRight(text, "=")
	return strings.Contains(got, text[:len(text)*3/4]) || !strings.Contains(got, redact.Mask)
}

func TestAPasswordWithinBasicAuthIsHidden(t *testing.T) {
	const password = "correct-horse-battery"
	r := redact.New(password)
	for _, user := range []string{"", "a", "ab", "abc", "admin"} {
		for _, after := range []string{"", "x", "xy"} {
			text := base64.StdEncoding.EncodeToString([]byte(user + ":" + password + after))
			got := r.Text(text)
			// What is left must not decode to a good part of the password.
			if !strings.Contains(got, redact.Mask) || len(got) > len(text)-len(password)+len(redact.Mask) {
				t.Errorf("user %q: got %q of %q", user, got, text)
			}
		}
	}
}

func TestTheLongerSecretGoesAsAWhole(t *testing.T) {
	if got, want := redact.New("abc", "abcdef").Text("abcdef abc"), redact.Mask+" "+redact.Mask; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of a secret that is a JSON object, each text is one, too: wherever it stands, and a key's lines in it.
func TestTextsInAJSONSecretAreHidden(t *testing.T) {
	r := redact.New(`{"username": "trip-planner", "port": 54321234, "engine": "postgres", "short": "seven77",
		"nested": {"list": ["deep-enough"]}, "key": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n", "text": "{\"again\": \"within-itself\"}"}`)
	for text, hidden := range map[string]bool{
		"trip-planner": true, "trip%2Dplanner": true, "deep-enough": true, "MIIEvQIBADANBgkqhkiG9w0BAQ": true, "within-itself": true,
		"username": false, "54321234": false, "seven77": false, "nested": false,
	} {
		if got := r.Text(text); (got == redact.Mask) != hidden {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

func TestLinesOfAKeyAreHidden(t *testing.T) {
	r := redact.New("-----BEGIN KEY-----\n  MIIEvQIBADANBgkqhkiG9w0BAQ \r\nAoIBAQC7VJTUt9Us8cKjMzEfYy\n-----END KEY-----\n")
	if got := r.Text("got MIIEvQIBADANBgkqhkiG9w0BAQ"); strings.Contains(got, "MIIE") {
		t.Errorf("got %q", got)
	}
}

func TestASecretCutOffAtTheEndIsHidden(t *testing.T) {
	r := redact.New("correct-horse-battery")
	for n := 8; n <= len("correct-horse-battery"); n++ {
		got := r.Cut("body: " + "correct-horse-battery"[:n])
		if got != "body: "+redact.Mask {
			t.Errorf("cut at %d: got %q", n, got)
		}
	}
}

// A text may be cut off within the disguise, and within the escape or code of one character.
func TestADisguiseCutOffAtTheEndIsHidden(t *testing.T) {
	long := fmt.Sprintf("0123456789%x%x", sha256.Sum256(nil), sha256.Sum256([]byte("x")))
	const known = 10 // characters: all that is asked for is 8, but 6 bits are no byte
	for _, s := range []string{`0123456789/abc`, `01 345&7<9+abc`, `ü1"3456789/abc`, long} {
		r := redact.New(s)
		least := string([]rune(s)[:known])
		for name, text := range disguises(s) {
			if name == "base64 of a login" {
				continue // its beginning stands for "user:"
			}
			first := len(disguises(least)[name])
			for end := first; end < len(strings.TrimRight(text, "=%3D")); end++ {
				if got := r.Cut("a: " + text[:end]); got != "a: "+redact.Mask {
					t.Errorf("%s of %q, cut off at %d: got %q", name, s, end, got)
				}
			}
		}
	}
	r := redact.New("correct-horse-battery", "four")
	for text, want := range map[string]string{
		"correct": "correct", "correct-": redact.Mask, "correct-x": "correct-x", "correct-hose": "correct-hose", "fou": redact.Mask, "fo": "fo",
		"correct-horse%2": redact.Mask, `correct-horse\u00`: redact.Mask, "correct-hors%2": redact.Mask, "correct-horse%": redact.Mask,
	} {
		if got := r.Cut(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if got := r.Text(text); got != text {
			t.Errorf("%s, which was not cut off: got %q", text, got)
		}
	}
	if got := redact.New("abc", "abcdefghijkl").Cut("ab"); got != redact.Mask {
		t.Errorf("of the shorter secret: got %q", got)
	}
}

func TestNothingToHideChangesNothing(t *testing.T) {
	for name, r := range map[string]*redact.Redactor{"nil": nil, "zero": {}, "empty": redact.New(""), "other": redact.New("zzzz")} {
		if got := r.Cut("text"); got != "text" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// What looks like codes and escapes everywhere, and holds parts of the secrets, is not hidden for that.
func TestAnOrdinaryTextStaysAsItIs(t *testing.T) {
	image := make([]byte, 6000)
	for i := range image {
		image[i] = byte(i * i >> 3)
	}
	page := `{"id":"0b7c","path":"C:\\temp\\new","url":"/a%20b?x=1+2&amp;y=%25","html":"<b>&lt;&#39;</b>","at":"2026-11-28T10:00:00Z"}` + "\n" +
		"-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(image) + "\n" + hex.EncodeToString(image) + "\nsmoke-test password correct-horse"
	r := redact.New("correct-horse-battery", `{"username":"smoke-tester","password":"hunter2-and-more"}`, "p/ss w+rd", "tk1", "~", "^^", "0b&kdJf83jsKq", strings.Repeat("0b7d", 50))
	for _, end := range []string{".", "id=fg"} { // fg is "~" in base64
		if got := r.Cut(page + end); got != page+end {
			t.Errorf("got %q", got)
		}
	}
}

func TestMoreSecretsAreAdded(t *testing.T) {
	r := redact.New("first-secret").With("second-secret")
	r = r.With("third-secret").With()
	if got := r.Text("first-secret second-secret third-secret"); strings.Contains(got, "secret") {
		t.Errorf("got %q", got)
	}
	if got := (*redact.Redactor)(nil).With("only-secret").Text("only-secret"); got != redact.Mask {
		t.Errorf("got %q", got)
	}
}

func TestSafe(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		limit    int
	}{
		"plain":        {"hello wörld", "hello wörld", 0},
		"new line":     {"a\r\n{\"level\":\"info\"}", `a {"level":"info"}`, 0},
		"escape code":  {"\x1b[31mred", `\x1b[31mred`, 0},
		"direction":    {"a\u202eb", `a\u202eb`, 0},
		"broken utf-8": {"a\xffb", `a\xffb`, 0},
		"next line":    {"a\u0085b\u2028c", "a b c", 0},
		"c1 control":   {"a\u009bb", `a\u009bb`, 0},
		"cut":          {"abcdef", "abc…", 3},
		"not cut":      {"abc", "abc", 3},
		"blank ends":   {"  a \n ", "a", 0},
		"escape whole": {"ab\x1b", "ab…", 4},
	} {
		if got := redact.Safe(c.in, c.limit); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

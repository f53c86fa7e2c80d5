package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"

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
		"path, small hex":    strings.ToLower(url.PathEscape(s)),
		"json":               string(j[1 : len(j)-1]),
		"json, slash":        strings.ReplaceAll(string(j[1:len(j)-1]), "/", `\/`),
		"go":                 strings.Trim(strconv.Quote(s), `"`),
		"html":               html.EscapeString(s),
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

func TestEveryDisguiseOfASecretIsHidden(t *testing.T) {
	r := redact.New(secret)
	for name, text := range disguises(secret) {
		if got, want := r.Text("a "+text+" b"), "a "+redact.Mask+" b"; !strings.HasPrefix(got, "a "+redact.Mask) || strings.Contains(got, text) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
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

func TestLinesOfAKeyAreHidden(t *testing.T) {
	r := redact.New("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nAoIBAQC7VJTUt9Us8cKjMzEfYy\n-----END KEY-----\n")
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

func TestNothingToHideChangesNothing(t *testing.T) {
	for name, r := range map[string]*redact.Redactor{"nil": nil, "zero": {}, "empty": redact.New(""), "other": redact.New("zzzz")} {
		if got := r.Cut("text"); got != "text" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestMoreSecretsAreAdded(t *testing.T) {
	r := redact.New("first-secret").With("second-secret")
	if got := r.Text("first-secret second-secret"); strings.Contains(got, "secret") {
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

func FuzzNothingLeaks(f *testing.F) {
	f.Add(secret, "before", "after")
	f.Add("correct horse battery staple", "\x1b[0m", "\n")
	f.Fuzz(func(t *testing.T, s, before, after string) {
		if len(s) < 6 || len(s) > 100 || strings.Contains(redact.Mask, s) {
			return
		}
		r := redact.New(s)
		for name, d := range disguises(s) {
			if name == "path, small hex" || name == "go" {
				continue // the test's own way to make these is not exact for every text
			}
			got := r.Text(before + d + after)
			if strings.Contains(got, s) && !strings.Contains(before+after, redact.Mask) {
				t.Fatalf("%s: %q leaks from %q", name, s, got)
			}
		}
		for _, c := range redact.Safe(before+s+after, 80) {
			if unicode.IsControl(c) {
				t.Fatalf("control character %q is left", c)
			}
		}
	})
}

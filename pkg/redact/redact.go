// Package redact keeps secrets and foreign control characters out of everything that Greenlight prints.
//
// Secrets are found by value, wherever they turn up and however they were encoded on the way. The room
// refuses to decide what is a secret, and it never shortens a text before it has looked through it: half
// a secret is still one.
package redact

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mask stands where a secret was.
const Mask = "[redacted]"

// minPart is the shortest part of a secret that is hidden on its own (a line of a private key, a secret
// that was cut off at the end of a body). Shorter parts turn up by chance in ordinary text.
const minPart = 8

// Redactor knows the secrets of one run. The zero value and nil know none. It is safe for concurrent
// use; it never changes.
type Redactor struct {
	forms    []string
	replacer *strings.Replacer
}

// New returns a redactor for the given secrets. Empty ones are ignored.
func New(secrets ...string) *Redactor {
	var forms []string
	for _, s := range secrets {
		forms = append(forms, formsOf(s)...)
	}
	// The longest first: a secret that holds another one must go as a whole.
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	forms = slices.Compact(forms)
	if len(forms) == 0 {
		return &Redactor{}
	}
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, Mask)
	}
	return &Redactor{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

// With returns a redactor that knows further secrets.
func (r *Redactor) With(secrets ...string) *Redactor {
	more := New(secrets...)
	if r == nil || len(r.forms) == 0 {
		return more
	}
	// A form of a form is harmless: it hides a little more.
	return New(append(slices.Clone(r.forms), secrets...)...)
}

// Text returns s with every secret hidden.
func (r *Redactor) Text(s string) string {
	if r == nil || r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// Cut is Text for a text that was cut off at its end, perhaps within a secret: a beginning of a secret
// that stands there is hidden too.
func (r *Redactor) Cut(s string) string {
	s = r.Text(s)
	if r == nil {
		return s
	}
	longest := 0
	for _, f := range r.forms {
		for n := min(len(f)-1, len(s)); n >= min(minPart, len(f)-1) && n > longest; n-- {
			if strings.HasSuffix(s, f[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return s
	}
	return s[:len(s)-longest] + Mask
}

// Line returns s redacted and made safe to print within a line of at most limit characters.
func (r *Redactor) Line(s string, limit int) string {
	return Safe(r.Text(s), limit)
}

// formsOf lists how a secret may look after it has travelled through a request and back.
func formsOf(secret string) []string {
	if secret == "" {
		return nil
	}
	forms := encodingsOf(secret)
	// A key of several lines is often wrapped anew, so that only its lines can be recognised.
	if lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		for _, l := range lines {
			if l = strings.TrimSpace(l); len(l) >= minPart {
				forms = append(forms, encodingsOf(l)...)
			}
		}
	}
	return slices.DeleteFunc(forms, func(f string) bool { return f == "" })
}

func encodingsOf(s string) []string {
	forms := []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), hex.EncodeToString([]byte(s))}
	// %2f and %2F are the same; and some clients encode what others leave.
	forms = append(forms, lowerEscapes(forms[1]), lowerEscapes(forms[2]), percentAll(s))
	forms = append(forms, lowerEscapes(forms[len(forms)-1]), strings.ReplaceAll(url.QueryEscape(s), "+", "%20"))
	if b, err := json.Marshal(s); err == nil {
		forms = append(forms, inner(string(b)), strings.ReplaceAll(inner(string(b)), "/", `\/`))
	}
	forms = append(forms, jsonPlain(s), strings.ReplaceAll(jsonPlain(s), "/", `\/`))
	// JSON within JSON, as logs and error pages have it; and a pattern that looks for the secret.
	forms = append(forms, jsonPlain(jsonPlain(s)), regexp.QuoteMeta(s))
	forms = append(forms, inner(strconv.Quote(s)), inner(strconv.QuoteToASCII(s)))
	return append(forms, base64Of(s)...)
}

// base64Of lists the encodings of the secret alone and, because "user:password" is encoded as one, those
// of its characters that do not depend on what stands before and after it.
func base64Of(s string) []string {
	var forms []string
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, e.EncodeToString([]byte(s)))
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), s...))
			from := (before*8 + 5) / 6
			to := len(text)
			if (before+len(s))%3 != 0 {
				to-- // its last character depends on what follows
			}
			if to-from >= minPart {
				forms = append(forms, text[from:to])
			}
		}
	}
	return forms
}

// jsonPlain escapes as most other languages do: no \u003c for "<".
func jsonPlain(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return ""
	}
	return inner(strings.TrimSuffix(b.String(), "\n"))
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			b[i+1], b[i+2] = lower(b[i+1]), lower(b[i+2])
		}
	}
	return string(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'F' {
		return c + 'a' - 'A'
	}
	return c
}

// percentAll encodes everything that RFC 3986 does not call unreserved.
func percentAll(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '-' || c == '.' || c == '_' || c == '~' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

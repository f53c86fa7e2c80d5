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
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mask stands where a secret was.
const Mask = "[redacted]"

// minPart is the shortest part of a secret that is hidden on its own (a line of a private key, a secret
// that was cut off at the end of a body). Shorter parts turn up by chance in ordinary text.
const minPart = 8

// Redactor knows the secrets of one run. The zero value and nil know none. It is safe for concurrent
// use; it never changes.
type Redactor struct {
	secrets []string
	// texts finds the secrets as text: raw, escaped, or partly so.
	texts *regexp.Regexp
	// ends finds a text that breaks off within a secret.
	ends *regexp.Regexp
	// codes are the encodings that no longer show the characters: base64 and hex, the longest first.
	codes    []string
	replacer *strings.Replacer
}

// New returns a redactor for the given secrets. Empty ones are ignored.
func New(secrets ...string) *Redactor {
	r := &Redactor{}
	for _, s := range secrets {
		if s != "" && utf8.ValidString(s) {
			r.secrets = append(r.secrets, s)
		}
		r.codes = append(r.codes, codesOf(s)...)
		for _, line := range lines(s) {
			r.secrets = append(r.secrets, line)
			r.codes = append(r.codes, codesOf(line)...)
		}
		if s != "" && !utf8.ValidString(s) {
			r.codes = append(r.codes, s)
		}
	}
	// The longest first: a secret that holds another one must go as a whole.
	slices.SortFunc(r.secrets, longestFirst)
	slices.SortFunc(r.codes, longestFirst)
	r.secrets, r.codes = slices.Compact(r.secrets), slices.Compact(r.codes)
	r.compile()
	return r
}

func longestFirst(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) }

func (r *Redactor) compile() {
	if len(r.codes) > 0 {
		pairs := make([]string, 0, 2*len(r.codes))
		for _, c := range r.codes {
			pairs = append(pairs, c, Mask)
		}
		r.replacer = strings.NewReplacer(pairs...)
	}
	if len(r.secrets) == 0 {
		return
	}
	whole, ends := make([]string, 0, len(r.secrets)), make([]string, 0, len(r.secrets))
	for _, s := range r.secrets {
		whole = append(whole, pattern(s))
		if e := beginning(s); e != "" {
			ends = append(ends, e)
		}
	}
	r.texts = regexp.MustCompile(strings.Join(whole, "|"))
	if len(ends) > 0 {
		r.ends = regexp.MustCompile("(?:" + strings.Join(ends, "|") + ")$")
	}
}

// lines returns the lines of a key of several: it is often wrapped anew, so that only they can be
// recognised.
func lines(secret string) []string {
	fields := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(fields) < 2 {
		return nil
	}
	var out []string
	for _, l := range fields {
		if l = strings.TrimSpace(l); len(l) >= minPart && utf8.ValidString(l) {
			out = append(out, l)
		}
	}
	return out
}

// With returns a redactor that knows further secrets.
func (r *Redactor) With(secrets ...string) *Redactor {
	if r == nil {
		return New(secrets...)
	}
	return New(append(slices.Clone(r.secrets), secrets...)...)
}

// Text returns s with every secret hidden.
func (r *Redactor) Text(s string) string {
	if r == nil {
		return s
	}
	if r.replacer != nil {
		s = r.replacer.Replace(s)
	}
	if r.texts != nil {
		s = r.texts.ReplaceAllLiteralString(s, Mask)
	}
	return s
}

// Cut is Text for a text that was cut off at its end, perhaps within a secret: a beginning of a secret
// that stands there is hidden too.
func (r *Redactor) Cut(s string) string {
	s = r.Text(s)
	if r == nil {
		return s
	}
	if r.ends != nil {
		s = r.ends.ReplaceAllLiteralString(s, Mask)
	}
	longest := 0
	for _, c := range r.codes {
		for n := min(len(c)-1, len(s)); n >= minPart && n > longest; n-- {
			if strings.HasSuffix(s, c[:n]) {
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

// codesOf lists the encodings of the secret alone and, because "user:password" is encoded as one, those
// of its characters that do not depend on what stands before and after it.
func codesOf(s string) []string {
	if s == "" {
		return nil
	}
	forms := []string{hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
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

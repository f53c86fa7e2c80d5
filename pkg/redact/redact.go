// Package redact keeps secrets and foreign control characters out of everything that Greenlight prints.
//
// Secrets are found by value, wherever they turn up and however they were encoded on the way. The room refuses to
// decide what is a secret, and it never shortens a text before it has looked through it: half a secret is still one.
package redact

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long secrets may be, in bytes.
const (
	MaxSecret  = 64 << 10  // the most that one secret may have: what Secrets Manager takes
	MaxSecrets = 256 << 10 // the most that all secrets of a run may have together
)

// Mask stands where a secret was.
const Mask = "[redacted]"

// Redactor knows the secrets of one run. The zero value and nil know none. It is safe for concurrent
// use; it never changes. Its memory grows with the secrets, its time with the text, and not faster.
type Redactor struct{ first, further patterns }

// New returns a redactor for the given secrets. Empty ones are ignored.
func New(secrets ...string) *Redactor { return (*Redactor)(nil).With(secrets...) }

// With returns a redactor that knows these secrets too. The first ones, which may be many, stay as they are.
func (r *Redactor) With(secrets ...string) *Redactor {
	all, more := Redactor{}, patterns(nil)
	if r != nil {
		all = *r
	}
	for _, s := range secrets {
		for i, part := range parts(s) {
			if part == "" || i > 0 && len(part) < minPart {
				continue
			}
			f := fold(part)
			more.add(part)
			// A backslash at a secret's end looks like the escape of the next character, and the secret's last
			// characters may look like the beginning of an escape that the following text completes.
			more.add(strings.TrimRight(f.text(len(part)), `\`))
			if beginning := f.text(f.open); len(beginning) >= minPart {
				more.add(beginning)
			}
		}
	}
	into := &all.first
	if len(all.first) > 0 {
		into = &all.further
	}
	*into = slices.Concat(*into, more)
	slices.Sort(*into)
	*into = slices.Compact(*into)
	return &all
}

// parts returns the secret and what in it is one itself: a JSON object's strings, a key's lines, often wrapped anew.
func parts(secret any) (all []string) {
	switch s := secret.(type) {
	case string:
		all = append(all, s)
		var object map[string]any
		if json.Unmarshal([]byte(s), &object) == nil {
			return append(all, parts(object)...)
		}
		for line := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == '\n' || c == '\r' }) {
			all = append(all, strings.TrimSpace(line))
		}
	case []any:
		for _, item := range s {
			all = append(all, parts(item)...)
		}
	case map[string]any:
		for _, member := range s {
			all = append(all, parts(member)...)
		}
	}
	return all
}

// Text returns s with every secret hidden.
func (r *Redactor) Text(s string) string { return r.hide(s, false) }

// Cut is Text for a text that was cut off, perhaps within a secret: a beginning of one at its end is hidden, too.
func (r *Redactor) Cut(s string) string { return r.hide(s, true) }

// Line returns s redacted and made safe to print within a line of at most limit characters.
func (r *Redactor) Line(s string, limit int) string {
	return Safe(r.Text(s), limit)
}

func (r *Redactor) hide(s string, cut bool) string {
	if r == nil || len(r.first) == 0 {
		return s
	}
	hidden := make([]bool, len(s))
	for _, way := range readings(s) {
		until := 0
		for i := range len(s) {
			for part := 0; part <= way.last; part += 2 {
				at := place{i, part}
				end := max(way.find(r.first, s, at, cut), way.find(r.further, s, at, cut))
				for until = max(until, i); until < end; until++ {
					hidden[until] = true
				}
			}
		}
	}
	if !slices.Contains(hidden, true) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case !hidden[i]:
			b.WriteByte(s[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(Mask)
		}
	}
	return b.String()
}

// Check returns an error that names the secret, a key of the map, that is too large to be hidden; it holds no value.
func Check(secrets map[string]string) error {
	all := 0
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		size := len(secrets[name])
		if size > MaxSecret {
			return fmt.Errorf("%s: the secret is larger than %d KiB, too large to be kept out of what is printed; "+
				"give the part of it that is needed, such as one key of it", name, MaxSecret>>10)
		}
		if all += size; all > MaxSecrets {
			return fmt.Errorf("%s: with this one the secrets are larger than %d KiB together, too large to be kept out of "+
				"what is printed; give the parts of them that are needed", name, MaxSecrets>>10)
		}
	}
	return nil
}

// Safe returns foreign text as one line of at most limit characters (0: any) that does nothing to a terminal or a log:
// white space is one blank, control and direction characters and broken UTF-8 are escapes.
func Safe(s string, limit int) string {
	if limit <= 0 {
		limit = len(s) * 10
	}
	var b strings.Builder
	count := 0
	for word := range strings.FieldsSeq(s) {
		if count > 0 {
			word = " " + word
		}
		for word != "" {
			r, size := utf8.DecodeRuneInString(word)
			shown := word[:size]
			word = word[size:]
			if !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 {
				shown = strings.Trim(strconv.Quote(shown), `"`)
			}
			if count += utf8.RuneCountInString(shown); count > limit {
				return b.String() + "…"
			}
			b.WriteString(shown)
		}
	}
	return b.String()
}

// maxQuoted bounds what a message quotes, in characters.
const maxQuoted = 60

// Quote returns the beginning of a text as a message quotes it.
func Quote(s string) string { return strconv.Quote(Safe(s, maxQuoted)) }

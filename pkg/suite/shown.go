package suite

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// maxShown bounds what is kept of a value that is shown, in bytes, before secrets are taken out.
const maxShown = 4 << 10

func isType(v any, typ string) bool {
	if typ != "integer" {
		return string(kindOf(v)) == typ
	}
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	if _, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return true
	}
	f, err := n.Float64()
	return err == nil && f == math.Trunc(f)
}

// lengthOf counts a text's characters, a list's elements and an object's members.
func lengthOf(v any) (int, bool) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), true
	case []any:
		return len(v), true
	case map[string]any:
		return len(v), true
	}
	return 0, false
}

func (v value) shown(s Scope) string {
	f := filler{Scope: s}
	b := v.appendJSON(nil, &f)
	if f.err != nil {
		return f.err.Error()
	}
	return cut(string(b))
}

// shown writes a value of a response as JSON, so that "2" and 2 look different. Secrets go before the
// encoding, which would hide them from the eyes of a redactor but not from those of a reader.
func shown(v any, secrets *redact.Redactor) string {
	if t, ok := v.(string); ok {
		return cut(string(appendPlain(nil, secrets.Cut(cut(t)))))
	}
	budget := 2 * maxShown
	v = withoutSecrets(v, secrets, &budget)
	return cut(string(appendPlain(nil, v)))
}

// withoutSecrets copies as much of a value as will be shown, without the secrets in it.
func withoutSecrets(v any, secrets *redact.Redactor, budget *int) any {
	if *budget--; *budget < 0 {
		return "…"
	}
	switch v := v.(type) {
	case string:
		v = cut(v)
		*budget -= len(v)
		return secrets.Cut(v)
	case []any:
		out := make([]any, 0, min(len(v), *budget+1))
		for i := 0; i < len(v) && *budget >= 0; i++ {
			out = append(out, withoutSecrets(v[i], secrets, budget))
		}
		return out
	case map[string]any:
		out := make(map[string]any, min(len(v), *budget+1))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if *budget -= len(key); *budget < 0 {
				break
			}
			out[secrets.Cut(cut(key))] = withoutSecrets(v[key], secrets, budget)
		}
		return out
	}
	return v
}

func shownTexts(values []string, secrets *redact.Redactor) string {
	return strings.Join(list(values, func(v string) string { return shown(v, secrets) }), ", ")
}

func cut(s string) string {
	return s[:min(len(s), maxShown)]
}

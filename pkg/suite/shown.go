package suite

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// maxShown bounds what is kept of a value that is shown, in bytes, before secrets are taken out.
const maxShown = 4 << 10

// isType reports whether a value of an answer is of that type, by the words of the "type" expectation.
func isType(v any, typ string) bool {
	switch v := v.(type) {
	case bool:
		return typ == "boolean"
	case json.Number:
		_, err := v.Int64()
		f, beyond := v.Float64()
		return typ == "number" || typ == "integer" && (err == nil || beyond == nil && f == math.Trunc(f))
	case string:
		return typ == "string"
	case []any:
		return typ == "array"
	case map[string]any:
		return typ == "object"
	}
	return typ == "null"
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

// shownWant writes a value of the suite.
func shownWant(v any, s Scope) string {
	f := filler{Scope: s}
	b := appendJSON(nil, v, &f)
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

package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
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
	said := f.json(v)
	if f.err != nil {
		return f.err.Error()
	}
	return cut(said)
}

// shown writes a value of an answer as JSON: "2" is not 2. Secrets go first: encoded, a redactor would not find them.
func shown(v any, secrets *redact.Redactor) string {
	budget := 2 * maxShown
	return cut(plainJSON(withoutSecrets(v, secrets, &budget)))
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

func cut(s string) string { return s[:min(len(s), maxShown)] }

// maxJSONDepth is how deep an answer's JSON may be nested: as deep as encoding/json goes.
const maxJSONDepth = 10_000

// decode reads one JSON value. Of two members with one key, nobody can say which of them another reader takes.
func decode(o probe.Observation) (any, *Mismatch) {
	const expected = "a JSON body"
	body := BodyText(o)
	if strings.TrimSpace(body) == "" {
		return nil, &Mismatch{expected, "an empty body"}
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	root, err := decodeValue(dec, 0)
	key, twice := errors.AsType[duplicateKey](err)
	switch {
	case twice: // the key is not escaped: that could hide a secret in it
		return nil, &Mismatch{expected + " without duplicate keys", `the key "` + string(key) + `" twice in one object`}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, &Mismatch{expected, "JSON that ends too early"}
	case err != nil:
		return nil, &Mismatch{expected, "not JSON: " + err.Error()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &Mismatch{expected, "not JSON: there is more after the first value"}
	}
	return root, nil
}

// duplicateKey is a key that stands twice in one object, of which encoding/json would keep the last.
type duplicateKey string

func (k duplicateKey) Error() string { return "the key " + string(k) + " twice" }

func decodeValue(dec *json.Decoder, depth int) (any, error) {
	first, err := dec.Token()
	switch {
	case err != nil:
		return nil, err
	case depth > maxJSONDepth:
		return nil, fmt.Errorf("exceeded max depth of %d", maxJSONDepth)
	case first == json.Delim('['):
		list := []any{}
		for dec.More() {
			item, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = dec.Token()
		return list, err
	case first != json.Delim('{'):
		return first, nil
	}
	object := map[string]any{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if _, twice := object[name]; twice {
			return nil, duplicateKey(name)
		}
		if object[name], err = decodeValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = dec.Token()
	return object, err
}

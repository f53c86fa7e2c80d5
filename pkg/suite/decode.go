package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
)

// maxJSONDepth is how deep an answer's JSON may be nested: as deep as encoding/json goes.
const maxJSONDepth = 10_000

// decode reads one JSON value, and nothing behind it. Of two members with one key, nobody can say which of them
// another reader takes.
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

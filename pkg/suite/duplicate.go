package suite

import (
	"bytes"
	"encoding/json"
)

// duplicateKey returns a key that stands twice in one object of a JSON text, of which the decoder kept the last:
// the text has more members than the value that was decoded from it.
func duplicateKey(body []byte, decoded any) (string, bool) {
	if colons(body) == members(decoded) {
		return "", false
	}
	key := ""
	repeated(json.NewDecoder(bytes.NewReader(body)), &key)
	return key, true
}

// colons counts the colons that are in no string: there is one in each member.
func colons(body []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case ':':
			if !quoted {
				n++
			}
		}
	}
	return n
}

func members(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += members(e)
		}
	case map[string]any:
		n = len(v)
		for _, e := range v {
			n += members(e)
		}
	}
	return n
}

// repeated reads one value, no deeper than it was decoded, and reports whether it met a key for the second time.
func repeated(dec *json.Decoder, key *string) bool {
	open, err := dec.Token()
	if open != json.Delim('{') && open != json.Delim('[') {
		return err != nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == json.Delim('{') {
			name, _ := dec.Token()
			*key, _ = name.(string)
			if seen[*key] {
				return true
			}
			seen[*key] = true
		}
		if repeated(dec, key) {
			return true
		}
	}
	_, err = dec.Token()
	return err != nil
}

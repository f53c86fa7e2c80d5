package suite

import (
	"bytes"
	"encoding/json"
)

// duplicateKey returns a key that stands twice in one object of a JSON text, of which a decoder keeps the last.
func duplicateKey(body []byte) (key string, twice bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // a number that no 64 bits can hold is no reason to stop
	twice = repeated(dec, &key)
	return key, twice
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

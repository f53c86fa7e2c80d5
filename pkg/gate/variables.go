package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// Variables are variables for the suite as one setting, a JSON object of strings: a stack's template
// cannot name environment variables that only the suite knows.
type Variables map[string]string

// EnvDecode reads the JSON object. Its error never shows a value.
func (v *Variables) EnvDecode(_ context.Context, text string) error {
	if text == "" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var values map[string]string
	if dec.Decode(&values) != nil || dec.More() || values == nil {
		return errors.New(`want a JSON object of strings, like {"API_USER": "smoke"}`)
	}
	*v = values
	return nil
}

// lookup is all that a suite's {env: …} reads: never the function's own environment, which holds its credentials.
func (v Variables) lookup(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

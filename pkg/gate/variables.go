package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// Variables holds the suite's variables, or headers, in one setting: a JSON object of strings. A CloudFormation
// template cannot have a parameter for each, since only the suite knows their names.
type Variables map[string]string

// EnvDecode reads the JSON object. Its error never shows a value.
func (v *Variables) EnvDecode(_ context.Context, text string) (err error) {
	if text != "" {
		*v, err = members(text)
	}
	return err
}

// members reads a JSON object whose values are strings and whose keys are unique: readers differ in which of two equal
// keys they take. The error shows keys and never a value.
func members(text string) (map[string]string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if start, _ := dec.Token(); !json.Valid([]byte(text)) || start != json.Delim('{') {
		return nil, errors.New("is not a JSON object")
	}
	found := map[string]string{}
	for dec.More() {
		key, _ := dec.Token()
		value, _ := dec.Token()
		name, _ := key.(string)
		content, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("has the key %.40q, whose value is not a string", name)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("has the key %.40q twice", name)
		}
		found[name] = content
	}
	return found, nil
}

// checkHeaders reads headers, and refuses what would not be sent as it is given.
func checkHeaders(text string) error {
	const letters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	headers, err := members(text)
	sent := map[string]bool{
		"Connection": true, "Content-Length": true, "Host": true, "Trailer": true, "Transfer-Encoding": true,
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case name == "" || strings.Trim(name, letters) != "":
			return fmt.Errorf("has the key %.40q, which is not a header's name", name)
		case sent[canonical]:
			return fmt.Errorf("has the header %.40q, which a request has already", name)
		case strings.ContainsFunc(headers[name], unicode.IsControl):
			return fmt.Errorf("has a control character in the value of %.40q", name)
		}
		sent[canonical] = true
	}
	return err
}

// lookup is all that a suite's {env: …} reads: never the function's own environment, which holds its credentials.
func (v Variables) lookup(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

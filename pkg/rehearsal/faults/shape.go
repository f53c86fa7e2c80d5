package faults

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxFields is how many keys of an answer an expectation names.
const maxFields = 3

// field is a key of a JSON object at the top of an answer.
type field struct {
	path, kind string
	// text is the value of a string.
	text string
}

// expectation is what to write into `expect` for answers of this shape. Amend leaves the status out,
// which a check that is there already has.
func expectation(s Sample, amend bool) string {
	var parts []string
	if !amend {
		parts = append(parts, fmt.Sprintf("status: %d", cmp.Or(s.Status, 200)))
	}
	switch all := fields(s.Body); {
	case len(all) > 0:
		var keys []string
		for _, f := range all[:min(len(all), maxFields)] {
			keys = append(keys, fmt.Sprintf("%s: {type: %s}", quote(f.path), f.kind))
		}
		parts = append(parts, "json: {"+strings.Join(keys, ", ")+"}")
	case bytes.HasPrefix(bytes.TrimSpace(s.Body), []byte("[")):
		parts = append(parts, "json: {$: {type: array}}")
	case title(s.Body) != "":
		parts = append(parts, fmt.Sprintf("body: {contains: %q}", title(s.Body)))
	case s.Header.Get("Content-Type") != "":
		kind, _, _ := strings.Cut(s.Header.Get("Content-Type"), ";")
		parts = append(parts, fmt.Sprintf("headers: {Content-Type: {contains: %q}}", kind))
	case amend:
		parts = append(parts, fmt.Sprintf("status: %d", max(s.Status, 200)))
	}
	return strings.Join(parts, ", ")
}

// fields are the keys of the object that a body is, sorted. A key that cannot be written as $.key is left out, and one
// whose value is null, since its type is not known.
func fields(body []byte) (all []field) {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(body, &object) // what is no object has no keys
	plain := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		f := field{path: "$." + key, kind: kind(object[key])}
		if !plain.MatchString(key) || f.kind == "null" {
			continue
		}
		if f.kind == "string" {
			_ = json.Unmarshal(object[key], &f.text) // it is a string
		}
		all = append(all, f)
	}
	return all
}

// kind is the suite's word for a JSON value's type.
func kind(value json.RawMessage) string {
	return cmp.Or(map[byte]string{
		'{': "object", '[': "array", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null",
	}[value[0]], "number")
}

// title is the markup of an HTML page's title, or empty.
func title(body []byte) string {
	found := regexp.MustCompile(`(?i)<title>[^<]{1,100}</title>`).Find(body)
	return strings.TrimSpace(string(found))
}

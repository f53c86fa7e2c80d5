package suite

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of a suite, with which editors complete and check one. What
// needs more than a schema (variables that are used, checks that cannot fail) only Read finds.
func Schema() []byte { return append([]byte(nil), schema...) }

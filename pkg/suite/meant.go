package suite

import "strings"

// meant says what somebody most likely meant by a key or word that a suite does not know, or "". Other tools for the
// same work call things otherwise.
func meant(word string) string {
	const request, bound = "write request: GET /path", "min and max include their bound: more than 3 is {min: 4}"
	help := map[string]string{
		"method": request, "url": request, "uri": request, "path": request, "get": request, "post": "write request: POST /path",
		"query": "write it into the request: GET /path?a=b", "params": "write it into the request: GET /path?a=b",
		"data": "write json:, form: or body:", "payload": "write json:, form: or body:", "file": "write body: {file: NAME}",
		"response": "write expect:", "assert": "write expect:", "asserts": "write expect:", "assertions": "write expect:",
		"code": "write status:", "status_code": "write status:", "statuscode": "write status:",
		"cookies": "cookies are kept by themselves; write headers: {Cookie: a=b} for others",
		"retry":   "nothing is retried but readiness, and a step with eventually: 10s",
		"retries": "nothing is retried but readiness, and a step with eventually: 10s", "repeat": "write attempts:",
		"skip": "write tags: [slow], and leave them out with --tags '!slow'", "depends_on": "write after:", "needs": "write after:",
		"before": "write setup: at the suite's top", "login": "write setup: at the suite's top",
		"max_time": "write latency: 500ms", "response_time": "write latency: 500ms", "duration": "write latency: 500ms",
		"extract": "write capture:", "captures": "write capture:", "save": "write capture:", "vars": "write variables:",
		"tests": "write checks:", "steps": "write checks:", "base_url": "--target says where",
		"capture": "capture is for the steps of a flow: write steps: with a list, and request, expect and capture in it",
		"gt":      bound, "lt": bound, "gte": "write min:", "ge": "write min:", "lte": "write max:", "le": "write max:",
		"eq": "write equals:", "equal": "write equals:", "is": "write equals:", "ne": "write {not: {equals: …}}",
		"regex": "write matches:", "regexp": "write matches:", "pattern": "write matches:", "match": "write matches:",
		"in": "write one_of: [a, b]", "any_of": "write one_of: [a, b]", "enum": "write one_of: [a, b]",
		"starts_with": "write {matches: ^START}", "ends_with": "write {matches: END$}", "includes": "write contains:",
		"count": "write length:", "size": "write length:", "not_empty": "write {length: {min: 1}}", "empty": "write {length: 0}",
		"int": "write integer", "float": "write number", "bool": "write boolean", "str": "write string", "list": "write array",
		"dict": "write object", "map": "write object", "hash": "write object", "none": "write null", "nil": "write null",
	}[strings.ToLower(strings.ReplaceAll(word, "-", "_"))]
	if key, value, ok := strings.Cut(word, ":"); ok && help == "" && key != "" && value != "" {
		help = "write a blank behind the colon: " + quoteless(key+": "+value)
	}
	return help
}

// Package smoke reads a smoke suite, runs it against a release and says what that proved: suite ->
// observations -> findings -> report -> verdict.
//
// Reading (read, node, checks, request, rule, template, scope): YAML with places -> a Suite that is
// compiled and that can fail. Running (run, ready, judge, comparison): a Job -> attempts, each a pass
// through a check's steps (attempt), each answer held against what is expected (verify, evaluate).
// Concluding (conclude): the worst of all that counts, never better than what was shown.
//
// It never retries outside readiness and a declared "eventually", never counts what did not run as
// passed, and knows nothing of AWS: where a variable's value comes from, and what becomes of the
// verdict, is its callers' business.
package smoke

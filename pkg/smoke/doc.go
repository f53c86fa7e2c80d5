// Package smoke reads a smoke suite, runs it against a release and says what that proved: suite ->
// observations -> findings -> report -> verdict.
//
// It never retries outside readiness and a declared "eventually", never counts what did not run as
// passed, and knows nothing of AWS: where a variable's value comes from, and what becomes of the
// verdict, is its callers' business.
package smoke

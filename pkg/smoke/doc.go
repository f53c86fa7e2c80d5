// Package smoke runs a smoke suite against a release and says what that proved: suite -> observations -> findings ->
// report -> verdict.
//
// Running (run, ready, judge, comparison): a Job -> attempts, each a pass through a check's steps (attempt). Concluding
// (conclude): the worst of all that counts, never better than what was shown.
//
// It never retries outside readiness and a declared "eventually", never counts what did not run as passed, and knows
// nothing of AWS: what becomes of the verdict is its callers' business.
package smoke

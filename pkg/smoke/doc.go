// Package smoke runs a smoke suite against a release and says what that proved: suite -> observations -> findings ->
// report -> verdict.
//
// Running (run, ready, judge, comparison) turns a Job into attempts; an attempt is one pass through a check's steps.
// Concluding (conclude) takes the worst of all results that count.
//
// The words: a release is one version of the application. The new release answers at the target (green), the old one at
// the baseline (blue); the two are the sides of a run. A phase is a part of a run: ready, judge, compare.
//
// It never retries outside readiness and a declared "eventually", never counts what did not run as passed, and knows
// nothing of AWS: what becomes of the verdict is its callers' business.
package smoke

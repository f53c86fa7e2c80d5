// Package finding holds what a run of a smoke suite found: findings, the verdict on each check and comparison, and the
// report of all of them.
//
// It is values only, in the form in which they are stored and sent. It finds nothing, decides nothing and prints
// nothing: pkg/smoke fills a report, pkg/decision weighs it, pkg/report shows it.
package finding

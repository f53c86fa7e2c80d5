// Package suite reads a smoke suite: text -> a suite that can be run, or what is wrong with it and where.
//
// Reading (read, node, checks, request, expect, rule, operator, template, path, scope) turns YAML with places into a
// Suite that is compiled and that can fail; meant.txt and the rules beside what they read tell people of their slips. What
// was read then knows what each of its steps sends (Step.Request), holds an answer against what is expected of it
// (Step.Verify), and takes out of it what later steps need (Verification.Captures).
//
// It asks nobody: when, how often and of whom something is asked, and what that proves, is pkg/smoke's business. It
// knows nothing of AWS: where a variable's value comes from is its callers'.
package suite

// Package suite reads a smoke suite: text -> a suite that can be run, or what is wrong with it and where.
//
// Reading (read, node, checks, request, rule, template, scope) turns YAML with places into a Suite that is compiled
// and that can fail. What was read then knows what each of its steps sends (Step.Request), and holds an answer
// against what is expected of it (Step.Verify).
//
// It asks nobody: when, how often and of whom something is asked, and what that proves, is pkg/smoke's business. It
// knows nothing of AWS: where a variable's value comes from is its callers'.
package suite

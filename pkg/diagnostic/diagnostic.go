// Package diagnostic says what is wrong with a file that a person wrote, where it is wrong and what
// to do about it: the one form in which the renderers and the suite reader report problems.
//
// It refuses to decide: which problems exist, and whether a run may go on, is its callers' business.
// It never holds a variable's value; whoever makes a Problem keeps values out of its text.
package diagnostic

import (
	"cmp"
	_ "embed" // the names of the rules
	"fmt"
	"slices"
	"strings"
)

// Severity tells a problem that stops the run from one that is only pointed out.
type Severity string

// The severities. The zero value is not one of them: Problem.Fatal treats it as an error.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice" // not a problem: something that a person should see at its place
)

// Cause groups problems by what has to change to make them go away. The gravest one present makes the exit code.
type Cause int

// The causes, in the order in which they win when a run meets several: a file that cannot be read
// hides everything behind it, one that does not parse hides its variables and rules.
const (
	Rule   Cause = iota // a document that parses but that AWS, or our own stricter rules, would refuse
	Unset               // a variable without a value and without a default
	Syntax              // text that does not parse
	Usage               // a flag that makes no sense
	File                // a file that cannot be read or written
)

// Place is where a problem is: a position in a file, or a flag of the command line.
type Place struct {
	File string `json:"file,omitempty"` // the file's name as the user gave it
	// Line and Col are 1-based; Col counts characters, not bytes. Zero means unknown.
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
	Flag string `json:"flag,omitempty"` // a flag of the command line instead of a file, with its dashes: "--image"
}

// String returns "file:line:col", "file" where no line is known, or the flag.
func (p Place) String() string {
	switch {
	case p.Flag != "":
		return p.Flag
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Problem is one thing that is wrong, in one sentence, with what to do where that is known. As JSON it is what
// problems.schema.json describes.
type Problem struct {
	Place
	Severity Severity `json:"severity"`
	Cause    Cause    `json:"-"`
	Rule     string   `json:"rule,omitempty"` // names the rule that was broken ("fargate-size"), for people who search for it
	Code     string   `json:"code,omitempty"` // the rule's, as soon as the list is Sorted
	Text     string   `json:"text,omitempty"` // one line: lower case, no full stop, what was found and what was wanted
	Help     string   `json:"help,omitempty"` // one line that says what to do, or empty
}

// Fatal reports whether the problem stops the run. Whatever is not a warning or a notice does.
func (p Problem) Fatal() bool { return p.Severity != Warning && p.Severity != Notice }

// List is the problems of one run.
type List []Problem

// Errors returns the problems that stop the run; with werror, warnings are among them.
func (l List) Errors(werror bool) List {
	return slices.DeleteFunc(slices.Clone(l), func(p Problem) bool { return !werror && !p.Fatal() })
}

// Cause returns the gravest cause among the list, and false when the list is empty.
func (l List) Cause() (Cause, bool) {
	if len(l) == 0 {
		return Rule, false
	}
	return slices.MaxFunc(l, func(a, b Problem) int { return cmp.Compare(a.Cause, b.Cause) }).Cause, true
}

// Sorted returns the list by file, line and column, without exact repetitions, with the rules' codes. Flags come first, by
// their names.
func (l List) Sorted() List {
	sorted := slices.Clone(l)
	for i, p := range sorted {
		sorted[i].Code = Code(p.Rule)
		if p.Fatal() {
			sorted[i].Severity = Error
		}
	}
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(min(len(b.Flag), 1), min(len(a.Flag), 1)),
			strings.Compare(a.Flag, b.Flag),
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col),
		)
	})
	return slices.CompactFunc(sorted, func(a, b Problem) bool { return a == b })
}

// rules has the names of all rules, of task definitions and AppSpecs, one a line. The number of its line is a rule's code,
// which never changes its meaning: new ones come at the end, and one that goes leaves an empty line behind.
//
//go:embed rules.txt
var rules string

// Code is the code of a rule, GL001 and up; "" for what is not a rule.
func Code(rule string) string {
	if i := slices.Index(strings.Split(rules, "\n"), rule); i >= 0 && rule != "" {
		return fmt.Sprintf("GL%03d", i+1)
	}
	return ""
}

// maxEdits is the distance up to which an unknown name counts as a slip of a known one: two typing errors.
const maxEdits = 2

// Nearest returns the known name that a person most likely meant: within two edits, or equal but for case. A short name
// must be nearer, or everything would match. It is false when none is near, and for a name that is itself known.
func Nearest(name string, known []string) (string, bool) {
	return nearest(name, known, func(k string) int { return min(maxEdits, (len(k)-1)/2) })
}

// NearestKey is Nearest for the keys of a document, where within two edits is within two edits, however short
// it is: a key that is no known one and is kept would be lost in silence.
func NearestKey(key string, known []string) (string, bool) {
	return nearest(key, known, func(k string) int { return min(maxEdits, len(k)-1) })
}

func nearest(name string, known []string, limitFor func(string) int) (string, bool) {
	if slices.Contains(known, name) { // the most frequent case, and the cheapest to tell
		return "", false
	}
	best, bestEdits := "", maxEdits+1
	lower := strings.ToLower(name)
	for _, k := range known {
		if strings.EqualFold(k, name) {
			best, bestEdits = k, 0
			continue
		}
		if max(len(k)-len(lower), len(lower)-len(k)) > maxEdits {
			continue // most names of a long list are too far
		}
		if d := edits(lower, strings.ToLower(k)); d <= limitFor(k) && d < bestEdits {
			best, bestEdits = k, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance (insert, delete, replace, swap neighbours) between a and b.
func edits(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			replace := prev[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			cur[j] = min(replace, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

package jsonpath

import "regexp"

// query is a path from the root ("$") or, inside a filter, from the value at hand ("@").
type query struct {
	relative bool
	segments []segment
}

func (q *query) singular() bool {
	for _, s := range q.segments {
		if s.descendant || len(s.selectors) != 1 {
			return false
		}
		switch s.selectors[0].(type) {
		case name, index:
		default:
			return false
		}
	}
	return true
}

// segment finds children of a value, or of the value and everything below it.
type segment struct {
	descendant bool
	selectors  []selector
}

// selector hands the children of a value that it selects to yield, until that returns false.
type selector interface {
	each(r *run, node any, yield func(any) bool) bool
}

type (
	name     string
	wildcard struct{}
	index    int
	// slice is start:end:step; a nil bound is one that was not written.
	slice struct {
		start, end *int
		step       int
	}
	filter struct{ cond logical }
)

// logical is a condition on the value at hand.
type logical interface {
	holds(r *run, at any) bool
}

type (
	// joined is its parts joined by "||" or "&&".
	joined struct {
		op    string
		parts []logical
	}
	not    struct{ cond logical }
	exists struct{ query *query }
	// comparison is left op right, where op is one of == != < <= > >=.
	comparison struct {
		op          string
		left, right value
	}
	// matching is match (the whole text) or search (a part of it).
	matching struct {
		whole         bool
		text, pattern value
		// compiled is set when the pattern is written in the path.
		compiled *regexp.Regexp
	}
)

// value is one side of a comparison or an argument of a function. The bool is false for Nothing, which
// is what a path gives that finds no value; it is not null.
type value interface {
	of(r *run, at any) (any, bool)
}

type (
	// literal holds a string, number, bool or nil.
	literal  struct{ v any }
	singular struct{ query *query }
	lengthOf struct{ arg value }
	countOf  struct{ query *query }
	valueOf  struct{ query *query }
)

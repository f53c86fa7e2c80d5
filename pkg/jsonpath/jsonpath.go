// Package jsonpath finds values in a decoded JSON document by a path as RFC 9535 defines it: the whole
// of it, with filters and its five functions, and nothing beside it.
//
// It refuses to do unbounded work: a path may come from a suite, but the document comes from the server under test, and
// a gate that a response can hang is no gate. A path that asks for more than a fixed number of steps ends in an error,
// never in a part of the answer. No stack grows with the document, but where two values are compared.
package jsonpath

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxLength  = 16 << 10 // the longest path, in bytes. Nobody writes one; it bounds the recursion over segments.
	maxNesting = 100      // how deep filters, parentheses and functions may nest in a path
	// maxSteps is the work of one Select: values looked at and found. A body of 1 MiB, the default cap, holds half a
	// million; one pass takes a twentieth of a second. Without the bound "$..*..*" over it would find some 10^9.
	maxSteps = 8_000_000
)

// Path is a parsed JSONPath. It is immutable and may be used by several goroutines.
type Path struct {
	expr  string
	query *query
}

// SyntaxError says where and why a path does not parse.
type SyntaxError struct {
	Col  int    // the column of the fault, 1-based, in characters of the path
	Text string // what was expected there
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Col, e.Text) }

// Parse reads a path. Every error is a *SyntaxError. Beyond the RFC it refuses a regular expression that
// is written in the path and does not compile: the RFC lets such a filter match nothing, ever.
func Parse(expr string) (*Path, error) {
	if len(expr) > maxLength {
		return nil, &SyntaxError{Col: 1, Text: fmt.Sprintf("expected at most %d bytes, have %d", maxLength, len(expr))}
	}
	p := &parser{src: expr}
	for i, r := range expr {
		if r == utf8.RuneError && !strings.HasPrefix(expr[i:], string(utf8.RuneError)) {
			p.failAt(i, "expected UTF-8")
		}
	}
	if !p.take("$") {
		p.fail(`expected "$", where every path begins`)
	}
	q := &query{segments: p.segments()}
	if p.pos < len(expr) {
		p.fail(`expected ".", "[" or the end of the path`)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Path{expr, q}, nil
}

// Select returns the values that the path finds in root, in document order; members of an object come
// in the order of their names, since a decoded object has lost its own. Root is what encoding/json
// decodes into an any, with or without UseNumber; the results are parts of it, not copies. No value found is no
// error. The error is that the path asks for too much of this document; then there are no results.
func (p *Path) Select(root any) ([]any, error) {
	r := &run{root: root, left: maxSteps, absolute: map[*query][]any{}}
	found := r.find(p.query, root, all)
	if r.left < 0 {
		return nil, fmt.Errorf("select %s: more than %d steps in this document", p.expr, maxSteps)
	}
	return found, nil
}

// Singular reports whether the path finds at most one value in any document: it has only names and indexes.
func (p *Path) Singular() bool { return p.query.singular() }

// query is a path from the root ("$") or, inside a filter, from the value at hand ("@").
type query struct {
	relative bool
	segments []segment
}

func (q *query) singular() bool {
	return !slices.ContainsFunc(q.segments, func(s segment) bool {
		return s.descendant || len(s.selectors) > 1 || !s.selectors[0].single
	})
}

// segment finds children of a value, or of the value and everything below it.
type segment struct {
	descendant bool
	selectors  []selector
}

// selector hands the children of a value that it selects, which is a single one at most or many, to yield, until that
// returns false.
type selector struct {
	single bool
	find   func(r *run, node any, yield func(any) bool) bool
}

// run is one Select: the document, and what is left of its steps.
type run struct {
	root any
	// left falls below zero when the work is used up; from then on nothing is found, and Select throws it all away.
	left     int
	absolute map[*query][]any // what paths from the root found, the same for every value that a filter tries
	patterns map[dynamicPattern]*regexp.Regexp
}

// bytesPerStep prices work on text: comparing and matching some bytes takes about as long as visiting a value.
const bytesPerStep = 16

func (r *run) spend(steps int) bool {
	r.left -= steps
	return r.left >= 0
}

// all is for find: as many as there are.
const all = math.MaxInt

// find returns the first values that the query finds, from the value at hand on; from the root, all of them.
func (r *run) find(q *query, at any, most int) []any {
	if !q.relative {
		if found, ok := r.absolute[q]; ok {
			return found
		}
		at, most = r.root, all
	}
	var found []any
	r.each(q.segments, at, func(v any) bool {
		found = append(found, v)
		return len(found) < most && r.spend(1)
	})
	if r.left < 0 {
		return nil
	}
	if !q.relative {
		r.absolute[q] = found
	}
	return found
}

// each hands what the segments find below node to yield; it recurses over segments, never over the document.
func (r *run) each(segments []segment, node any, yield func(any) bool) bool {
	if len(segments) == 0 {
		return yield(node)
	}
	s, rest := segments[0], segments[1:]
	next := yield
	if len(rest) > 0 {
		next = func(v any) bool { return r.each(rest, v, yield) }
	}
	if !s.descendant {
		return r.apply(s, node, next)
	}
	stack := []any{node}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !r.apply(s, top, next) {
			return false
		}
		before := len(stack)
		if !r.children(top, func(v any) bool {
			stack = append(stack, v)
			return true
		}) {
			return false
		}
		slices.Reverse(stack[before:])
	}
	return true
}

func (r *run) apply(s segment, node any, yield func(any) bool) bool {
	for _, sel := range s.selectors {
		if !r.spend(1) || !sel.find(r, node, yield) {
			return false
		}
	}
	return true
}

// children hands the elements of an array, or the members of an object by name, to yield.
func (r *run) children(node any, yield func(any) bool) bool {
	switch v := node.(type) {
	case []any:
		for _, child := range v {
			if !r.spend(1) || !yield(child) {
				return false
			}
		}
	case map[string]any:
		if !r.spend(len(v)) { // sorting them is work, even when the first is enough
			return false
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if !yield(v[k]) {
				return false
			}
		}
	}
	return true
}

func name(key string) selector {
	return selector{true, func(_ *run, node any, yield func(any) bool) bool {
		m, _ := node.(map[string]any)
		v, ok := m[key]
		return !ok || yield(v)
	}}
}

func index(at int) selector {
	return selector{true, func(_ *run, node any, yield func(any) bool) bool {
		a, _ := node.([]any)
		i := at
		if i < 0 {
			i += len(a)
		}
		return i < 0 || i >= len(a) || yield(a[i])
	}}
}

// slice is start:end:step; a nil bound is one that was not written (RFC 9535, 2.3.4.2.2).
func slice(start, end *int, step int) selector {
	return selector{find: func(r *run, node any, yield func(any) bool) bool {
		a, _ := node.([]any)
		low, high := 0, len(a)
		bounds := [2]int{low, high}
		if step < 0 {
			low, high = -1, len(a)-1
			bounds = [2]int{high, low}
		}
		for i, written := range [2]*int{start, end} {
			if written != nil && *written < 0 {
				bounds[i] = max(*written+len(a), low)
			} else if written != nil {
				bounds[i] = min(*written, high)
			}
		}
		for i := bounds[0]; step > 0 && i < bounds[1] || step < 0 && i > bounds[1]; i += step {
			if !r.spend(1) || !yield(a[i]) {
				return false
			}
		}
		return true
	}}
}

// everything is "*".
func everything() selector { return selector{find: (*run).children} }

func filter(cond logical) selector {
	return selector{find: func(r *run, node any, yield func(any) bool) bool {
		return r.children(node, func(v any) bool { return r.spend(1) && (!cond(r, v) || yield(v)) })
	}}
}

// Package jsonpath finds values in a decoded JSON document by a path as RFC 9535 defines it: the whole
// of it, with filters and its five functions, and nothing beside it.
//
// It refuses to do unbounded work: a path may come from a suite, but the document comes from the server
// under test, and a gate that a response can hang is no gate. A path that asks for more than a fixed
// number of steps ends in an error, never in a part of the answer. No stack grows with the document.
package jsonpath

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxLength is the longest path, in bytes. Nobody writes one; it bounds the recursion over segments.
	maxLength = 16 << 10
	// maxNesting is how deep filters, parentheses and functions may nest in a path.
	maxNesting = 100
	// maxSteps is the work of one Select: values looked at and values found. A body of 1 MiB, the
	// default cap, holds about half a million values; one pass takes a twentieth of a second. Without
	// the bound "$..*..*" over it would find some 10^9 values.
	maxSteps = 8_000_000
)

// Path is a parsed JSONPath. It is immutable and may be used by several goroutines.
type Path struct {
	expr  string
	query *query
}

// SyntaxError says where and why a path does not parse.
type SyntaxError struct {
	// Col is the column of the fault, 1-based, in characters of the path.
	Col int
	// Text says what was expected there.
	Text string
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

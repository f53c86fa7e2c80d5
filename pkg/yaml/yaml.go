// Package yaml reads the YAML of configuration: one document, as a tree whose every node knows its place. It is
// a strict part of YAML 1.2, and reads what it accepts as go.yaml.in/yaml/v3 does, which a fuzz target holds it to.
//
// It refuses what people do not write and readers understand in different ways: keys with "? ", keys over several
// lines, a second document, %TAG, tabs in the indentation, a ? or a tight colon within [ ] and { }. It refuses to
// know types: whether a text is a number is its caller's business.
//
// It is our own because of what a build waits for: the library initialises itself for a quarter of a millisecond,
// a tenth of a render, in every program that links it, and its errors have no column.
package yaml

import (
	"fmt"

	"github.com/greenlight-ecs/greenlight/pkg/gather"
)

// Kind is what a node is.
type Kind uint8

// The kinds.
const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias
)

// MaxDepth is the deepest nesting that is read.
const MaxDepth = 1000

// Node is one value.
type Node struct {
	Kind Kind
	// Plain marks a scalar without quotes that is no block (| or >): its text says its type.
	Plain bool
	// At is the byte at which the node begins, with its anchor or tag where it has one.
	At int
	// TextAt is the byte at which a scalar's text begins: behind its properties, its quote, and the line of its | or >.
	TextAt int
	// Tag is as it was written: "!!str", "!Ref"; "" where there is none.
	Tag string
	// Text is a scalar's value, or the name of an alias.
	Text string
	// Content is a sequence's items, or the keys and values of a mapping in turn.
	Content []*Node
	// Target is what an alias stands for. It may be a node that holds the alias.
	Target *Node
}

// Error is the first place where a text is no YAML that is read here.
type Error struct {
	// At is a byte offset in the text.
	At int
	// Text says what is wrong, Help what to write instead, or nothing.
	Text, Help string
}

func (e *Error) Error() string { return e.Text }

// Parse reads a text, which is UTF-8. A text without a document gives no node and no error.
func Parse(text string) (*Node, *Error) {
	r := reader{text: text}
	r.characters()
	root := r.stream()
	if r.err != nil {
		return nil, r.err
	}
	return root, nil
}

// reader is a cursor in the text. After an error it stands at the end, so that every loop ends.
type reader struct {
	text string
	pos  int
	// line is where the cursor's line begins.
	line  int
	depth int
	err   *Error

	anchors map[string]*Node
	nodes   gather.Values[Node]
	lists   gather.Lists[*Node]
	// buffer is where a text that is not as it was written is put together.
	buffer []byte
}

func (r *reader) fail(at int, text, help string) {
	if r.err == nil {
		r.err = &Error{at, text, help}
	}
	r.pos = len(r.text)
}

func (r *reader) node(k Kind, at int) *Node {
	n := r.nodes.New()
	n.Kind, n.At = k, at
	return n
}

// enter counts a level of nesting, and reports whether it may be entered.
func (r *reader) enter() bool {
	if r.depth++; r.depth > MaxDepth {
		r.fail(r.pos, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
	}
	return r.err == nil
}

// column is where the cursor is in its line, counted from 0.
func (r *reader) column() int { return r.pos - r.line }

// at returns the byte that is so far from the cursor, or 0 behind the end.
func (r *reader) at(distance int) byte {
	if r.pos+distance < len(r.text) {
		return r.text[r.pos+distance]
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isBreak(c byte) bool { return c == '\n' || c == '\r' }

// isEnd reports whether nothing of a token can stand here: white space, or the end of the text.
func isEnd(c byte) bool { return isBlank(c) || isBreak(c) || c == 0 }

// newLine moves behind the line break under the cursor.
func (r *reader) newLine() {
	if r.at(0) == '\r' && r.at(1) == '\n' {
		r.pos++
	}
	r.pos++
	r.line = r.pos
}

// marker reports whether the line is --- or ..., at its beginning.
func (r *reader) marker() bool {
	c := r.at(0)
	return r.column() == 0 && (c == '-' || c == '.') && r.at(1) == c && r.at(2) == c && isEnd(r.at(3))
}

// gap moves over white space, comments and line breaks, and reports whether it came to another line. Tabs may
// stand within a line where tabs says so; in the indentation of a block never, in a flow always.
func (r *reader) gap(flow, tabs bool) (crossed bool) {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == ' ', c == '\t' && (flow || tabs):
			r.pos++
		case c == '\t':
			r.fail(r.pos, "a tab in the indentation", "indent with spaces")
		case c == '#' && (r.column() == 0 || isBlank(r.text[r.pos-1])):
			for r.pos < len(r.text) && !isBreak(r.text[r.pos]) {
				r.pos++
			}
		case isBreak(c):
			r.newLine()
			crossed, tabs = true, false
			if flow && r.marker() {
				r.fail(r.pos, "the document ends within [ ] or { }", "close them")
			}
		default:
			return crossed
		}
	}
	return crossed
}

// characters refuses what no YAML holds: control characters.
func (r *reader) characters() {
	for i := range len(r.text) {
		switch c := r.text[i]; {
		case c >= 0x20 && c < 0x7F, c > 0xC2 && c != 0xEF, c == '\n', c == '\t', c == '\r', c >= 0x80 && c < 0xC2:
		case c == 0xC2 && (r.text[i+1] >= 0xA0 || r.text[i+1] == 0x85):
		case c == 0xEF && (i == 0 || r.text[i+1:i+3] != "\xBB\xBF") && (r.text[i+1] != 0xBF || r.text[i+2] < 0xBE):
		default:
			r.fail(i, "a control character", `a text with it stands in double quotes, as \u…`)
			return
		}
	}
}

package yaml

import "strings"

// bom is the byte order mark that some editors put first.
const bom = "\uFEFF"

// stream reads the one document of the text with what stands around it; nil when there is none.
func (r *reader) stream() *Node {
	if strings.HasPrefix(r.text, bom) {
		r.pos, r.line = len(bom), len(bom)
	}
	r.gap(false, false)
	marked := r.marker() && r.at(0) == '-'
	switch {
	case r.at(0) == '%' && r.column() == 0:
		r.fail(r.pos, "a directive, which is not read here", "remove it")
	case marked:
		r.pos += len("---")
	case r.pos == len(r.text):
		return nil
	case r.marker():
		r.fail(r.pos, "the end of a document that has not begun", "remove it")
	}
	root := r.block(-1, !marked, false)
	r.end()
	return root
}

// end reads what may stand behind the document: ..., comments and nothing.
func (r *reader) end() {
	r.gap(false, true)
	ended := false
	for r.marker() && r.at(0) == '.' {
		ended = true
		r.pos += len("...")
		if line := r.line; !r.gap(false, true) && r.pos < len(r.text) && r.line == line {
			r.fail(r.pos, "text behind the ... that ends the document", "remove it")
		}
	}
	switch {
	case r.pos == len(r.text):
	case ended || r.marker():
		r.fail(r.pos, "a second document in the file", "one file holds one document; remove what follows ---")
	default:
		r.fail(r.pos, "text behind the end of the document", "is its indentation that of the lines above?")
	}
}

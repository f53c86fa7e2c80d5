package suite

import (
	"bytes"
	"unicode/utf8"
)

// maxSought bounds how much of the file is looked at for the places of variables, in bytes: a tenth of a
// second. Behind it a variable is told at the place of its text.
const maxSought = 64 << 20

// places returns the function that finds, call by call, each "${" of the text that stands at p. They are
// looked for in the file: quotes, escapes and folded lines make the text another one.
func (r *reader) places(p Pos) func() Pos {
	if r.lines == nil {
		r.lines = bytes.SplitAfter(r.source, []byte("\n"))
	}
	line, from, col := int(p.line)-1, 0, p.col
	for i := int32(1); i < p.col && line < len(r.lines) && r.sought < maxSought; i++ {
		_, size := utf8.DecodeRune(r.lines[line][from:])
		from, r.sought = from+size, r.sought+size
	}
	return func() Pos {
		for ; line < len(r.lines) && r.sought < maxSought; line, from, col = line+1, 0, 1 {
			rest := r.lines[line][from:]
			before, _, found := bytes.Cut(rest, []byte("${"))
			r.sought += len(before)
			if !found {
				continue
			}
			here := Pos{int32(line) + 1, col + int32(utf8.RuneCount(before))}
			from, col = from+len(before)+len("${"), here.col+int32(len("${"))
			return here
		}
		return p
	}
}

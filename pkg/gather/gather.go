// Package gather is the memory of a parser: it collects lists that lie within one another, and hands out each
// exactly as long as it is, many of them from one block. A process that lives for two milliseconds pays more
// for the pages that it touches first than for what it computes, and append touches three times what it keeps.
//
// It refuses to give anything back: one value that is kept keeps its block.
package gather

// block is how many values are allocated at once. What is not used of a new block is not touched.
const block = 128

// Lists collects lists of T. The zero value is ready for use.
type Lists[T any] struct{ open, left []T }

// Begin returns the mark of a list that begins here, within those that have begun and not ended.
func (l *Lists[T]) Begin() int { return len(l.open) }

// Add adds a value to the list that began last.
func (l *Lists[T]) Add(v T) {
	if l.open == nil {
		l.open = make([]T, 0, block) // not by doubling from one
	}
	l.open = append(l.open, v)
}

// Since returns what the list that began at mark holds so far. It is valid until the next Add or End.
func (l *Lists[T]) Since(mark int) []T { return l.open[mark:] }

// End ends the list that began at mark and returns it; nil when it is empty. Its capacity is its length, so
// that appending to it leaves the others of its block alone.
func (l *Lists[T]) End(mark int) []T {
	n := len(l.open) - mark
	if n == 0 {
		return nil
	}
	if n > len(l.left) {
		if n > block/2 { // the rest of the block is for shorter ones
			list := append(make([]T, 0, n), l.open[mark:]...)
			l.open = l.open[:mark]
			return list
		}
		l.left = make([]T, block)
	}
	list := l.left[:n:n]
	l.left = l.left[n:]
	copy(list, l.open[mark:])
	l.open = l.open[:mark]
	return list
}

// Values hands out zero values of T. The zero value is ready for use.
type Values[T any] struct{ left []T }

// New returns a pointer to a zero value.
func (v *Values[T]) New() *T {
	if len(v.left) == 0 {
		v.left = make([]T, block)
	}
	n := &v.left[0]
	v.left = v.left[1:]
	return n
}

package yaml

import "fmt"

// block reads the value at the cursor, in the lines that are indented by more than parent. Where fresh, a mapping
// or sequence may begin on this line; where level, a sequence may stand on the next ones no deeper than parent.
func (r *reader) block(parent int, fresh, level bool) *Node {
	defer func() { r.depth-- }()
	if !r.enter() {
		return r.node(Scalar, r.pos)
	}
	missing := r.pos // the place of a value that is not there
	// What stands on the lines before belongs to the whole value, what stands on its own line to its first key,
	// where it is a mapping.
	var outer, own properties
	for tabs := !fresh; ; tabs = true {
		if r.gap(false, tabs) {
			fresh = true
			r.merge(&outer, own)
			own = properties{}
		}
		if r.over(parent, fresh && level && own.none()) {
			r.merge(&outer, own)
			return r.dress(r.nothing(missing), outer)
		}
		if c := r.text[r.pos]; c != '&' && c != '!' {
			break
		}
		r.property(&own, false)
	}
	at, column, c := r.pos, r.column(), r.at(0)
	if !own.none() {
		at, column = own.at, own.at-r.line
	}
	// What stands within may be an alias of the value itself, which is therefore known before it is read.
	var value *Node
	if !outer.none() || c == '-' || c == '|' || c == '>' {
		value = r.dress(r.node(Scalar, at), outer)
	}
	switch {
	case c == '-' && isEnd(r.at(1)):
		if !fresh || !own.none() {
			r.fail(r.pos, "a list begins on a line of its own", "")
		}
		value.Kind = Sequence
		return r.sequence(value, column, level && column == parent)
	case (c == '?' || c == ':') && isEnd(r.at(1)):
		r.explicit()
		return r.nothing(at)
	case c == '|' || c == '>':
		r.merge(&outer, own)
		return r.blockScalar(r.dress(value, own), parent)
	}
	n := r.inline(own, parent)
	if r.key(at) {
		if !fresh {
			r.fail(r.pos, "a second : on this line", "a text that ends with a colon, or has one before a space, stands in quotes")
		}
		if value == nil {
			value = r.node(Mapping, at)
		}
		value.Kind = Mapping
		return r.mapping(value, column, n)
	}
	r.endOfLine()
	if outer.none() {
		return n
	}
	r.merge(&outer, own) // or they are too many for one value
	*value = *n
	return r.dress(value, outer)
}

// over reports whether the lines that belong to a value are over. Where level, an item of a sequence still does
// that is indented as parent is.
func (r *reader) over(parent int, level bool) bool {
	if r.pos == len(r.text) || r.marker() {
		return true
	}
	item := level && r.column() == parent && r.text[r.pos] == '-' && isEnd(r.at(1))
	return r.column() <= parent && !item
}

// nothing is a value that is not there: a null.
func (r *reader) nothing(at int) *Node {
	n := r.node(Scalar, at)
	n.Plain = true
	return n
}

// sequence reads the items that begin in the column; level says that it is also the column of the keys around.
func (r *reader) sequence(n *Node, column int, level bool) *Node {
	mark := r.lists.Begin()
	for r.err == nil {
		r.pos++
		r.lists.Add(r.block(column, true, false))
		r.gap(false, true)
		if r.over(column-1, false) {
			break
		}
		if r.column() != column {
			r.misplaced(column, "the next item")
			break
		}
		if r.text[r.pos] != '-' || !isEnd(r.at(1)) {
			if !level {
				r.fail(r.pos, "the next item of the list should stand here", "it begins with - and a space")
			}
			break
		}
	}
	n.Content = r.lists.End(mark)
	return n
}

// mapping reads the keys that begin in the column, the first of which has been read up to its colon.
func (r *reader) mapping(n *Node, column int, key *Node) *Node {
	mark := r.lists.Begin()
	for r.err == nil {
		r.lists.Add(key)
		r.pos++
		r.lists.Add(r.block(column, false, true))
		r.gap(false, true)
		if r.over(column-1, false) {
			break
		}
		if r.column() != column {
			r.misplaced(column, "the next key")
			break
		}
		key = r.nextKey()
	}
	n.Content = r.lists.End(mark)
	return n
}

// nextKey reads a key that is not the first one of its mapping, up to its colon.
func (r *reader) nextKey() *Node {
	at := r.pos
	var own properties
	for c := r.at(0); c == '&' || c == '!'; c = r.at(0) {
		r.property(&own, false)
		for isBlank(r.at(0)) {
			r.pos++
		}
	}
	c := r.at(0)
	switch {
	case c == '-' && isEnd(r.at(1)):
		r.fail(r.pos, "a list item among the keys of a mapping", "indent it below its key")
	case (c == '?' || c == ':') && isEnd(r.at(1)):
		r.explicit()
	case isEnd(c), c == '|', c == '>':
		r.fail(at, "a key should stand here", "write KEY: VALUE")
	default:
		n := r.inline(own, oneLine)
		if r.key(at) || r.err != nil {
			return n
		}
		r.fail(at, "a : is missing behind this key", "write KEY: VALUE; a line that goes on is indented by more than its key")
	}
	return nil
}

// key reports whether what has been read, which began at a place, is a key: a : stands behind it on its line. It
// moves to that.
func (r *reader) key(at int) bool {
	i := r.pos
	for i < len(r.text) && isBlank(r.text[i]) {
		i++
	}
	if i == len(r.text) || r.text[i] != ':' || i+1 < len(r.text) && !isEnd(r.text[i+1]) {
		return false
	}
	switch {
	case at < r.line:
		r.fail(i, "a : behind a text of several lines", "does this line go on with the one above? then its colon stands in quotes; else it is indented too far")
		return false
	case i-at > maxKey:
		r.fail(at, fmt.Sprintf("a key of more than %d characters", maxKey), "")
		return false
	}
	r.pos = i
	return true
}

// maxKey is how long a key may be, as YAML has it.
const maxKey = 1024

// endOfLine refuses what stands behind a value.
func (r *reader) endOfLine() {
	at := r.pos
	for isBlank(r.at(0)) {
		r.pos++
	}
	if c := r.at(0); c == 0 || isBreak(c) || c == '#' && r.pos > at {
		return
	}
	r.fail(r.pos, "text behind a value", "a text with quotes, brackets or a # in it stands in quotes as a whole")
}

// explicit refuses "? " and a colon without a key.
func (r *reader) explicit() {
	r.fail(r.pos, "a "+string(r.at(0))+" where a value or a key should stand", "write KEY: VALUE; a text that begins with it stands in quotes")
}

func (r *reader) misplaced(column int, what string) {
	r.fail(r.pos, fmt.Sprintf("indented by %d; %s stands at %d", r.column(), what, column), "")
}

// oneLine is an indentation that no line has more of: a text that belongs into it does not go on.
const oneLine = 1 << 30

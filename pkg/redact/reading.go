package redact

import "unicode/utf8"

// place is a position in a text, and how much of the character there has been read: bytes of a character, bits of a
// digit.
type place struct{ at, part int }

// reading is one way to read a text, a byte at a time.
type reading struct {
	// byte returns what is read at a place, the next place, and the position behind all that the byte was
	// read from: 0 where nothing can be read.
	byte func(place) (b byte, next place, end int)
	// last is the highest bit of a digit at which a secret can begin; it can begin at every second one.
	last int
	// least is the length of the shortest secret that is looked for: almost any text can be read as base64, so short
	// ones would turn up by chance.
	least int
	// end is where the text ends for one that was cut off, perhaps within an escape or a code.
	end int
}

// readings returns the ways to read s: as it stands, without escapes, as hexadecimal and as base64; codes
// may begin anywhere and stand within any other text.
func readings(s string) []reading {
	f := fold(s)
	raw := func(p place) (byte, place, int) { return s[p.at], place{at: p.at + 1}, p.at + 1 }
	hexadecimal := func(p place) (byte, place, int) { return f.coded(p, 4) }
	base64 := func(p place) (byte, place, int) { return f.coded(p, 6) }
	return []reading{
		{raw, 0, 1, len(s)},
		{f.plain, 0, 1, f.open},
		{hexadecimal, 0, minCoded, min(f.open, len(s)-1)},
		{base64, 4, minCoded, min(f.open, len(s)-1)},
	}
}

func (f *folded) plain(p place) (byte, place, int) {
	t := f.tokens[p.at]
	if t.label < utf8.RuneSelf {
		return byte(t.label), place{at: t.end}, t.end
	}
	encoded := string(t.label)
	if p.part+1 < len(encoded) {
		return encoded[p.part], place{p.at, p.part + 1}, t.end
	}
	return encoded[p.part], place{at: t.end}, t.end
}

// coded reads a byte out of two digits of so many bits: 4 are hexadecimal, 6 are base64.
func (f *folded) coded(p place, bits int) (byte, place, int) {
	first := f.tokens[p.at]
	second := f.at(first.end)
	high, low := digit(first.label, bits), digit(second.label, bits)
	if high < 0 || low < 0 {
		return 0, p, 0
	}
	used := p.part + 8
	next := place{at: second.end}
	if used < 2*bits {
		next = place{first.end, used - bits}
	}
	return byte((high<<bits | low) >> (2*bits - used)), next, second.end
}

// find returns where the longest pattern ends that begins at p, or 0. A text that was cut off may end
// within a pattern.
func (r reading) find(t *trie, s string, p place, cut bool) (end int) {
	state, length := int32(0), 0
	for p.at < len(s) {
		b, next, behind := r.byte(p)
		to := t.child(state, b)
		if to == 0 || behind == 0 {
			break
		}
		state, p = to, next
		if length++; length >= r.least && t.nodes[state].whole {
			end = behind
		}
	}
	if cut && p.at >= r.end && length >= r.least && t.nodes[state].part {
		return len(s)
	}
	return end
}

const (
	// minPart is the shortest part of a secret that is hidden on its own, in bytes: a line of a private key,
	// the beginning of a secret that was cut off. Shorter parts turn up by chance in ordinary text.
	minPart = 8
	// maxPart is the longest part that is looked for as one: it bounds the work at each position of a text,
	// whatever that repeats. A longer secret is looked for in parts.
	maxPart = 64
	// minCoded is the shortest secret that is looked for in base64 and hexadecimal, in bytes.
	minCoded = 3
)

// node is one state of a trie: the beginning of one or more patterns that has been read so far.
type node struct {
	label byte
	// whole says that a pattern ends here. part says that a text that was cut off must not end with this much of a
	// pattern.
	whole, part bool
	// child is the first of the states that are one byte further, sibling the next state after the same bytes; 0 is
	// none.
	child, sibling int32
}

// trie holds the patterns that are looked for. It takes at most 12 bytes for each byte of theirs.
type trie struct {
	nodes []node
	first [256]int32
}

func (t *trie) add(s string) {
	if len(s) > maxPart {
		// The parts overlap, so that what is left of a part that was cut off is long enough to be found.
		t.add(s[maxPart-minPart:])
		s = s[:maxPart]
	}
	state := int32(0)
	for i := range len(s) {
		to := t.child(state, s[i])
		if to == 0 {
			to = int32(len(t.nodes))
			t.nodes = append(t.nodes, node{label: s[i], sibling: t.nodes[state].child})
			t.nodes[state].child = to
			if state == 0 {
				t.first[s[i]] = to
			}
		}
		state = to
		t.nodes[state].part = t.nodes[state].part || i+1 >= min(minPart, len(s)-1)
	}
	t.nodes[state].whole = true
}

func (t *trie) child(state int32, b byte) int32 {
	if state == 0 {
		return t.first[b]
	}
	to := t.nodes[state].child
	for to != 0 && t.nodes[to].label != b {
		to = t.nodes[to].sibling
	}
	return to
}

package redact

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

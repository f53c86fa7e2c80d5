package yaml

// inline reads a value that is no block: quoted or plain, an alias, or a flow. A plain one goes on in lines that
// are indented by more than parent.
func (r *reader) inline(own properties, parent int) *Node {
	switch c := r.text[r.pos]; c {
	case '[', '{':
		return r.flow(own)
	case '*':
		return r.dress(r.alias(), own)
	default:
		n := r.dress(r.node(Scalar, r.pos), own)
		if c == '"' || c == '\'' {
			r.quoted(n, c)
		} else {
			r.plain(n, parent, false)
		}
		return n
	}
}

// flow reads [ ] or { }.
func (r *reader) flow(own properties) *Node {
	defer func() { r.depth-- }()
	kind, closing := Sequence, byte(']')
	if r.text[r.pos] == '{' {
		kind, closing = Mapping, '}'
	}
	at := r.pos
	n := r.dress(r.node(kind, at), own)
	if !r.enter() {
		return n
	}
	r.pos++
	mark := r.lists.Begin()
	for r.err == nil {
		r.gap(true, true)
		if r.at(0) == closing {
			r.pos++
			break
		}
		r.entry(kind)
		r.gap(true, true)
		switch r.at(0) {
		case ',':
			r.pos++
		case closing:
		case 0:
			r.fail(at, "not closed: "+string(r.text[at]), "its "+string(closing)+" is missing")
		default:
			r.fail(r.pos, "a , or "+string(closing)+" should stand here", "a text with , : [ ] { } in it stands in quotes")
		}
	}
	n.Content = r.lists.End(mark)
	return n
}

// entry reads one entry of a flow. A : behind the one of a sequence makes it a mapping of its own.
func (r *reader) entry(kind Kind) {
	at, line := r.pos, r.line
	item := r.flowNode()
	for isBlank(r.at(0)) {
		r.pos++
	}
	colon := r.at(0) == ':'
	if colon && (r.line != line || r.pos-at > maxKey) {
		r.fail(r.pos, "a : behind a text of several lines", "a key stands on one line; or is a ] or } missing above?")
	}
	var value *Node
	if colon {
		r.pos++
		value = r.nothing(r.pos)
		if r.gap(true, true); !r.endsEntry() {
			value = r.flowNode()
		}
	}
	switch {
	case kind == Sequence && colon:
		pair := r.node(Mapping, at)
		mark := r.lists.Begin()
		r.lists.Add(item)
		r.lists.Add(value)
		pair.Content = r.lists.End(mark)
		r.lists.Add(pair)
	case kind == Sequence:
		r.lists.Add(item)
	default:
		if value == nil {
			value = r.nothing(r.pos)
		}
		r.lists.Add(item)
		r.lists.Add(value)
	}
}

// endsEntry reports whether an entry ends at the cursor.
func (r *reader) endsEntry() bool {
	c := r.at(0)
	return c == ',' || c == ']' || c == '}' || c == 0
}

// flowNode reads a value within [ ] or { }.
func (r *reader) flowNode() *Node {
	var own properties
	at := r.pos
	for c := r.at(0); c == '&' || c == '!'; c = r.at(0) {
		r.property(&own, true)
		r.gap(true, true)
	}
	if r.endsEntry() || r.at(0) == ':' {
		if own.none() {
			r.fail(r.pos, "a value or key is missing here", "an empty text is \"\"")
		}
		return r.dress(r.nothing(at), own)
	}
	switch c := r.at(0); c {
	case '[', '{':
		return r.flow(own)
	case '*':
		return r.dress(r.alias(), own)
	case '"', '\'':
		n := r.dress(r.node(Scalar, r.pos), own)
		r.quoted(n, c)
		return n
	default:
		n := r.dress(r.node(Scalar, r.pos), own)
		r.plain(n, 0, true)
		return n
	}
}

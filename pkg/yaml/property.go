package yaml

import "strings"

// properties are the anchor and the tag before a value.
type properties struct {
	anchor, tag string
	// at is where the first of them begins.
	at int
}

func (p properties) none() bool { return p.anchor == "" && p.tag == "" }

// property reads the anchor or tag under the cursor.
func (r *reader) property(p *properties, flow bool) {
	at := r.pos
	if p.none() {
		p.at = at
	}
	switch anchor := r.text[at] == '&'; {
	case anchor && p.anchor != "", !anchor && p.tag != "":
		r.fail(at, "a second anchor or tag for one value", "")
	case anchor:
		p.anchor = r.name()
	default:
		p.tag = r.tag()
	}
	if c := r.at(0); !isEnd(c) && (!flow || c != ',' && c != ']' && c != '}') {
		r.fail(r.pos, "a space should stand behind an anchor or tag", "")
	}
}

// name reads the name of an anchor or alias.
func (r *reader) name() string {
	at := r.pos
	r.pos++
	for isName(r.at(0)) {
		r.pos++
	}
	name := r.text[min(at+1, r.pos):r.pos]
	if name == "" {
		r.fail(at, "an anchor or alias without a name", "a text that begins with & or * stands in quotes")
	}
	return name
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// tag reads a tag: !name, !!name, or one of YAML's own types written out, which is the same as its short form.
func (r *reader) tag() string {
	at := r.pos
	for !isEnd(r.at(0)) {
		r.pos++
	}
	tag := r.text[at:r.pos]
	name := strings.TrimPrefix(tag[1:], "!")
	if own, ok := strings.CutPrefix(tag, "!<tag:yaml.org,2002:"); ok && strings.HasSuffix(own, ">") {
		name = strings.TrimSuffix(own, ">")
		tag = "!!" + name
	}
	plain := name != ""
	for i := range len(name) {
		plain = plain && (isName(name[i]) || name[i] == '.' || name[i] == ':' || name[i] == '/')
	}
	if !plain {
		r.fail(at, "a tag of a form that is not read here", "a space stands behind a tag; a text that begins with ! stands in quotes")
	}
	return tag
}

// merge adds properties to those of the lines before.
func (r *reader) merge(to *properties, p properties) {
	switch {
	case p.none():
	case to.none():
		*to = p
	case to.anchor != "" && p.anchor != "", to.tag != "" && p.tag != "":
		r.fail(p.at, "a second anchor or tag for one value", "")
	default:
		to.anchor, to.tag = to.anchor+p.anchor, to.tag+p.tag
	}
}

// dress gives a node its properties.
func (r *reader) dress(n *Node, p properties) *Node {
	switch {
	case p.none():
		return n
	case n.Kind == Alias:
		r.fail(p.at, "an anchor or tag before an alias", "remove it")
	case p.tag != "" && n.Tag != "":
		r.fail(p.at, "a second anchor or tag for one value", "")
	case p.tag != "":
		n.Tag = p.tag
	}
	n.At = min(n.At, p.at)
	if p.anchor != "" {
		if r.anchors == nil {
			r.anchors = map[string]*Node{}
		}
		r.anchors[p.anchor] = n
	}
	return n
}

// alias reads *name.
func (r *reader) alias() *Node {
	n := r.node(Alias, r.pos)
	n.Text = r.name()
	if n.Target = r.anchors[n.Text]; n.Target == nil && r.err == nil {
		r.fail(n.At, "unknown anchor \""+n.Text+"\"", "a text that begins with * stands in quotes")
	}
	return n
}

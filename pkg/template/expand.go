package template

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

// Expander puts values into the nodes of a document. Each node is expanded once, when it is first asked for.
type Expander struct {
	Doc    *Document
	Lookup Lookup
	// Near returns the name of a set variable that is spelt nearly like one that is not set; it may be nil.
	Near func(name string) (string, bool)
	// Problems are those met so far.
	Problems diagnostic.List
}

// All expands the nodes of a tree.
func (e *Expander) All(n *Node) { n.Walk(func(n *Node) { e.Node(n) }) }

// Node expands one node, and nothing below it, and returns it. It takes nil, and a nil Expander expands nothing.
func (e *Expander) Node(n *Node) *Node {
	if e != nil && n != nil && n.Origin != nil && !n.Origin.Expanded {
		n.Origin.Expanded = true
		e.expand(n, n.Origin)
	}
	return n
}

func (e *Expander) expand(n *Node, o *Origin) {
	whole := o.WholeJSON()
	for _, p := range o.phrase.references() {
		if p.ref.json && !whole {
			e.report(n, p.at, "${json:"+p.ref.name+"} stands within other text", "it must be the whole value")
		}
	}
	var lacking []missing
	n.Text, lacking = o.phrase.expand(e.Lookup)
	e.missing(n, lacking)
	switch {
	case len(lacking) > 0:
		n.unknown()
	case whole:
		e.json(n)
	case !utf8.ValidString(n.Text) || strings.IndexByte(n.Text, 0) >= 0:
		e.report(n, 0, "the value of "+names(o)+" is not UTF-8 text", "give binary data in base64")
		n.unknown()
	case o.bare:
		e.bare(n)
	}
}

// bare gives the value of a placeholder outside a string its JSON type.
func (e *Expander) bare(n *Node) {
	text := strings.TrimSpace(n.Text)
	switch {
	case text == "null":
		n.Kind, n.Text = Null, ""
	case text == "true" || text == "false":
		n.Kind, n.Text = Bool, text
	case IsNumber(text):
		n.Kind, n.Text = Number, text
	default:
		e.report(n, 0, "the value of "+names(n.Origin)+" is not a JSON number, true, false or null",
			fmt.Sprintf(`outside quotes nothing else fits: write "%s" for a text, ${json:%s} for any JSON`,
				Shown(n), n.Origin.phrase[0].ref.name))
		n.unknown()
	}
}

// json replaces the node by the value of ${json:A}, which is read strictly and not expanded again.
func (e *Expander) json(n *Node) {
	value, problems := Reader{}.Value(n.Text)
	if len(problems) > 0 {
		// The parser's own message is left out, since it would quote the value.
		name := n.Origin.phrase[0].ref.name
		e.report(n, 0, "the value of "+name+" is not JSON", "${json:"+name+"} takes one whole JSON value")
		n.unknown()
		return
	}
	value.From(n.At, n.Origin)
	*n = *value
}

// Value reads a JSON value that is not a file: a flag's or a variable's. Positions in the problems mean nothing.
func (r Reader) Value(text string) (*Node, diagnostic.List) {
	r.Literal = true
	d, problems := r.Read("value.json", text)
	return d.Root, problems
}

// missing reports the references that have no value.
func (e *Expander) missing(n *Node, lacking []missing) {
	for _, m := range lacking {
		name, is := m.ref.name, "is not set"
		if m.empty {
			is = "is empty"
		}
		p := syntaxProblem(e.Doc.Place(e.Doc.offsetIn(n, m.at)), "variable "+name+" "+is,
			fmt.Sprintf("set it, pass --var %s=… or --env-file FILE, or give a default: ${%s:-…}", name, name))
		p.Cause = diagnostic.Unset
		if n.Origin.Shell {
			p.Help += fmt.Sprintf("; $$%s leaves it to the container, --only makes other $ text", name)
		}
		if e.Near != nil && !m.empty {
			if near, ok := e.Near(name); ok {
				p.Help = fmt.Sprintf("did you mean %s, which is set?", near)
			}
		}
		if m.ref.source != "" {
			p.Text += ": " + capped(strings.Join(strings.Fields(m.ref.source), " "))
		}
		e.Problems = noted(e.Problems, p)
	}
}

func (e *Expander) report(n *Node, at int, text, help string) {
	e.Problems = noted(e.Problems, syntaxProblem(e.Doc.Place(e.Doc.offsetIn(n, at)), text, help))
}

// Shown is a node's template as it was written, for a help text.
func Shown(n *Node) string { return capped(n.Origin.Source) }

func names(o *Origin) string { return strings.Join(o.Names(), ", ") }

// Names are the variables of a value.
func (o *Origin) Names() (all []string) {
	for _, p := range o.phrase.references() {
		all = append(all, p.ref.name)
	}
	return all
}

// As gives a plain YAML scalar with a placeholder the type that its field wants, when its text can be read as one.
func (n *Node) As(want Kind) {
	if n.Plain && (want == Number && IsNumber(n.Text) || want == Bool && (n.Text == "true" || n.Text == "false")) {
		n.Kind = want
	}
}

// Settle gives a plain YAML scalar with a placeholder YAML's own type of its text, where no field decides it.
func (n *Node) Settle() {
	n.As(Number)
	n.As(Bool)
	if n.Plain && (n.Text == "null" || n.Text == "") {
		n.Kind, n.Text = Null, ""
	}
}

// Use is one mention of a variable in a document.
type Use struct {
	Name string `json:"name"`
	diagnostic.Place
	// Default is the word of ${A-word} or ${A:-word} as it was written; nil where there is none.
	Default *string `json:"default"`
	// Required says that the variable must be set: it has no default, and does more than to choose an alternative.
	Required bool `json:"required"`
}

// Uses lists the variables of the document in its order.
func (d *Document) Uses() []Use {
	uses := []Use{}
	d.Root.Walk(func(n *Node) {
		if n.Origin == nil {
			return
		}
		for _, p := range n.Origin.phrase.references() {
			u := Use{Name: p.ref.name, Place: d.Place(d.offsetIn(n, p.at))}
			switch p.ref.op {
			case '-':
				u.Default = &p.ref.source
			case '+':
			default:
				u.Required = true
			}
			uses = append(uses, u)
		}
	})
	return uses
}

// HasPlaceholders reports whether a value of the tree holds, or held, any.
func (n *Node) HasPlaceholders() bool {
	has := false
	n.Walk(func(n *Node) { has = has || n.Origin != nil })
	return has
}

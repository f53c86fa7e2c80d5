package document

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
)

// Expander puts values into the nodes of a document. Each node is expanded once, when it is first asked for.
type Expander struct {
	Doc    *Document
	Lookup placeholder.Lookup
	// Near returns the name of a variable that is set and close to one that is not; may be nil.
	Near func(name string) (string, bool)
	// Problems are those met so far.
	Problems diagnostic.List
}

// All expands the nodes of a tree.
func (e *Expander) All(n *Node) {
	e.Node(n)
	for i := range n.Members {
		e.All(n.Members[i].Value)
	}
	for _, item := range n.Items {
		e.All(item)
	}
}

// Node expands one node, and nothing below it.
func (e *Expander) Node(n *Node) {
	t := n.Template
	if t == nil || t.Expanded {
		return
	}
	t.Expanded = true
	if ref := wholeJSON(t.Parts); ref != nil {
		e.json(n, ref)
		return
	}
	e.noJSONWithin(n, t.Parts)
	text, missing := t.Parts.Expand(e.Lookup)
	e.missing(n, missing)
	if n.Text = text; len(missing) > 0 {
		n.unknown()
		return
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		e.report(n, 0, "the value of "+names(t.Parts)+" is not UTF-8 text", "give binary data in base64")
		n.unknown()
		return
	}
	if t.form == bare {
		e.bare(n)
	}
}

// bare makes the value of a placeholder outside a string what JSON says it is.
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
		e.report(n, 0, "the value of "+names(n.Template.Parts)+" is no JSON number, true, false or null",
			fmt.Sprintf(`outside quotes nothing else fits: write "%s" for a text, ${json:%s} for any JSON`, Shown(n), firstName(n.Template.Parts)))
		n.unknown()
	}
}

// json replaces the node by the value of ${json:A}, which is read strictly and not expanded again.
func (e *Expander) json(n *Node, ref *placeholder.Ref) {
	single := *ref
	single.JSON = false
	text, missing := placeholder.Text{{Ref: &single, At: n.Template.Parts[0].At}}.Expand(e.Lookup)
	if e.missing(n, missing); len(missing) > 0 {
		n.unknown()
		return
	}
	value, problems := Reader{Literal: true}.Value(text)
	if len(problems) > 0 {
		// What is wrong is not said: the parser would quote the value.
		e.report(n, 0, "the value of "+ref.Name+" is not JSON", "${json:"+ref.Name+"} takes one whole JSON value")
		n.unknown()
		return
	}
	*n = *e.foreign(value, n.At, n.Template)
}

// foreign gives every node of a value the place and the template that it came from.
func (e *Expander) foreign(n *Node, at int, t *Template) *Node {
	n.At, n.Template = at, t
	for i := range n.Members {
		n.Members[i].KeyAt = at
		e.foreign(n.Members[i].Value, at, t)
	}
	for _, item := range n.Items {
		e.foreign(item, at, t)
	}
	return n
}

// Value reads a JSON value that is not a file: a flag's or a variable's. Positions in the problems mean nothing.
func (r Reader) Value(text string) (*Node, diagnostic.List) {
	r.Literal = true
	d, problems := r.Read("value.json", text)
	return d.Root, problems
}

func (e *Expander) noJSONWithin(n *Node, parts placeholder.Text) {
	for _, p := range parts {
		if p.Ref == nil {
			continue
		}
		if p.Ref.JSON {
			e.report(n, p.At, "${json:"+p.Ref.Name+"} stands within other text", "it must be the whole value")
		}
		e.noJSONWithin(n, p.Ref.Word)
	}
}

func (e *Expander) missing(n *Node, missing []placeholder.Missing) {
	for _, m := range missing {
		if len(e.Problems) > MaxProblems {
			return
		}
		p := diagnostic.Problem{
			Place: e.Doc.Place(e.Doc.offsetIn(n, m.At)), Severity: diagnostic.Error, Cause: diagnostic.Unset,
			Text: fmt.Sprintf("variable %s is not set", m.Name),
			Help: fmt.Sprintf("set it, pass --var %s=… or --env-file FILE, or give a default: ${%s:-…}", m.Name, m.Name),
		}
		if m.Empty {
			p.Text = fmt.Sprintf("variable %s is empty", m.Name)
		}
		if e.Near != nil && !m.Empty {
			if near, ok := e.Near(m.Name); ok {
				p.Help = fmt.Sprintf("did you mean %s, which is set?", near)
			}
		}
		if m.Message != "" {
			p.Text += ": " + capped(strings.Join(strings.Fields(m.Message), " "))
		}
		if len(e.Problems) == MaxProblems {
			p.Text, p.Help = "more problems with variables than are listed", ""
		}
		e.Problems = append(e.Problems, p)
	}
}

func (e *Expander) report(n *Node, at int, text, help string) {
	if len(e.Problems) > MaxProblems {
		return
	}
	e.Problems = append(e.Problems, diagnostic.Problem{
		Place: e.Doc.Place(e.Doc.offsetIn(n, at)), Severity: diagnostic.Error, Cause: diagnostic.Syntax, Text: text, Help: help,
	})
}

// wholeJSON returns the reference of a text that is one ${json:A} and nothing else.
func wholeJSON(parts placeholder.Text) *placeholder.Ref {
	if len(parts) == 1 && parts[0].Ref != nil && parts[0].Ref.JSON {
		return parts[0].Ref
	}
	return nil
}

// Shown is a node's template as it was written, for a help text.
func Shown(n *Node) string { return capped(n.Template.Source) }

func names(parts placeholder.Text) string {
	var all []string
	for _, u := range parts.Uses() {
		all = append(all, u.Name)
	}
	return strings.Join(all, ", ")
}

func firstName(parts placeholder.Text) string {
	for _, u := range parts.Uses() {
		return u.Name
	}
	return ""
}

// As makes a plain YAML scalar with a placeholder what its field wants, where its text allows.
func (n *Node) As(want Kind) {
	if !n.Plain || n.Kind != String {
		return
	}
	switch {
	case want == Number && IsNumber(n.Text), want == Bool && (n.Text == "true" || n.Text == "false"):
		n.Kind, n.Plain = want, false
	case want == String:
		n.Plain = false
	}
}

// Settle makes a plain YAML scalar with a placeholder, for which no field says the type, what YAML makes of such a text.
func (n *Node) Settle() {
	if !n.Plain || n.Kind != String {
		return
	}
	n.Plain = false
	switch {
	case IsNumber(n.Text):
		n.Kind = Number
	case n.Text == "true" || n.Text == "false":
		n.Kind = Bool
	case n.Text == "null" || n.Text == "":
		n.Kind, n.Text = Null, ""
	}
}

// Use is one mention of a variable in a document.
type Use struct {
	placeholder.Use
	Place diagnostic.Place
}

// Uses lists the variables of a tree in its order.
func (d *Document) Uses(n *Node) []Use {
	var uses []Use
	if n.Template != nil {
		for _, u := range n.Template.Parts.Uses() {
			uses = append(uses, Use{u, d.Place(d.offsetIn(n, u.At))})
		}
	}
	for i := range n.Members {
		uses = append(uses, d.Uses(n.Members[i].Value)...)
	}
	for _, item := range n.Items {
		uses = append(uses, d.Uses(item)...)
	}
	return uses
}

package document

import (
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
)

// templates reads the placeholders in the texts of one document.
type templates struct {
	doc    *Document
	parser placeholder.Parser
}

// read makes a node whose text has placeholders, and begins at textAt in the source, a template. A text that has
// none after all, only $$ and lone $, is a plain one with them undone.
func (t *templates) read(n *Node, f form, textAt int) diagnostic.List {
	parts, errs := t.parser.Parse(n.Text)
	if len(errs) == 0 && !parts.HasRef() {
		n.Text, _ = parts.Expand(nil)
		return nil
	}
	n.Template = &Template{Parts: parts, Source: n.Text, form: f, textAt: textAt}
	var problems diagnostic.List
	for i, e := range errs {
		if i >= MaxProblems {
			break
		}
		problems = append(problems, diagnostic.Problem{
			Place: t.doc.Place(t.doc.offsetIn(n, e.At)), Severity: diagnostic.Error, Cause: diagnostic.Syntax, Text: e.Text, Help: e.Help,
		})
	}
	return problems
}

// HasPlaceholders reports whether a value of the tree holds, or held, any.
func (n *Node) HasPlaceholders() bool {
	if n.Template != nil {
		return true
	}
	for i := range n.Members {
		if n.Members[i].Value.HasPlaceholders() {
			return true
		}
	}
	for _, item := range n.Items {
		if item.HasPlaceholders() {
			return true
		}
	}
	return false
}

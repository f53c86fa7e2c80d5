package taskdef

import (
	_ "embed" // the model
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// modelText has a line for each shape: its name, its kind, and what it holds; "!" marks a field that is required.
// The tests write it.
//
//go:embed model.txt
var modelText string

// shapes are the types of RegisterTaskDefinition; the first is its input. outputOnly are the fields that
// DescribeTaskDefinition prints and RegisterTaskDefinition does not take.
var shapes, outputOnly = readModel(modelText) //nolint:gochecknoglobals // a table

func readModel(text string) (shapes []shape, outputOnly []string) {
	kinds := []string{"text", "integer", "decimal", "boolean", "list", "mapping", "structure"} // in the constants' order
	lines := strings.Split(strings.TrimSpace(text), "\n")[1:]
	last := len(lines) - 1
	shapes, named := make([]shape, last), map[string]*shape{}
	for i, line := range lines[:last] {
		name, _, _ := strings.Cut(line, " ")
		named[name] = &shapes[i]
	}
	for _, line := range lines[:last] {
		words := strings.Fields(line)
		s := named[words[0]]
		s.name, s.kind = words[0], kind(slices.Index(kinds, words[1]))
		switch words = words[2:]; s.kind {
		case structure:
			for _, word := range words {
				name, target, _ := strings.Cut(word, ":")
				target, required := strings.CutSuffix(target, "!")
				s.fields = append(s.fields, field{name, named[target], required})
			}
		case list, mapping:
			s.elem = named[words[0]]
		default:
			s.enum = words
		}
	}
	return shapes, strings.Fields(lines[last])[1:]
}

// kind is what RegisterTaskDefinition wants in a place.
type kind uint8

const (
	text kind = iota
	integer
	decimal
	boolean
	list
	mapping
	structure
)

func (k kind) String() string {
	return [...]string{"a string", "an integer", "a number", "true or false", "a list", "an object", "an object"}[k]
}

// wanted is the kind that a value in such a place has.
func (k kind) wanted() template.Kind {
	return [...]template.Kind{
		template.String, template.Number, template.Number, template.Bool, template.Array, template.Object, template.Object,
	}[k]
}

// shape is one type of the model.
type shape struct {
	name string
	kind kind
	// elem is a list's or a mapping's element type.
	elem *shape
	// fields are a structure's, by name.
	fields []field
	// enum holds the values that a text may have; empty for any.
	enum []string
}

type field struct {
	name     string
	shape    *shape
	required bool
}

func (s *shape) field(name string) (field, bool) {
	if i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name }); i >= 0 {
		return s.fields[i], true
	}
	return field{}, false
}

// inner returns the shape of a key's value, or of any element of a list; nil where the model knows none.
func (s *shape) inner(key string) *shape {
	switch {
	case s == nil:
		return nil
	case s.elem != nil:
		return s.elem
	}
	f, _ := s.field(key)
	return f.shape
}

// walk visits a node and, where visit says so, everything below it, each with its shape; inner says which that is.
func (s *shape) walk(n *template.Node, inner func(*shape, string) *shape, visit func(*template.Node, *shape) bool) {
	if !visit(n, s) {
		return
	}
	for _, m := range n.Members {
		inner(s, m.Key).walk(m.Value, inner, visit)
	}
	for _, item := range n.Items {
		inner(s, "").walk(item, inner, visit)
	}
}

// names lists the fields of a structure.
func (s *shape) names() (all []string) {
	for _, f := range s.fields {
		all = append(all, f.name)
	}
	return all
}

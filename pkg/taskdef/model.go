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
	var rows [][]string
	index := map[string]int{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); words[0] != "#" {
			index[words[0]] = len(rows)
			rows = append(rows, words)
		}
	}
	last := len(rows) - 1
	for _, words := range rows[:last] {
		s := shape{name: words[0], kind: kind(slices.Index(kinds, words[1]))}
		switch words = words[2:]; s.kind {
		case structure:
			for _, word := range words {
				name, target, _ := strings.Cut(word, ":")
				target, required := strings.CutSuffix(target, "!")
				s.fields = append(s.fields, field{name, index[target], required})
			}
		case list, mapping:
			s.elem = index[words[0]]
		default:
			s.enum = words
		}
		shapes = append(shapes, s)
	}
	return shapes, rows[last][1:]
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
	// elem is the number of a list's or a mapping's element type.
	elem int
	// fields are a structure's, by name.
	fields []field
	// enum holds the values that a text may have; empty for any.
	enum []string
}

type field struct {
	name     string
	shape    int
	required bool
}

func (s *shape) field(name string) (field, bool) {
	i, ok := slices.BinarySearchFunc(s.fields, name,
		func(f field, name string) int { return strings.Compare(f.name, name) })
	if !ok {
		return field{}, false
	}
	return s.fields[i], true
}

// inner returns the shape of a key's value, or of any element of a list; nil where the model knows none.
func (s *shape) inner(key string) *shape {
	switch {
	case s == nil:
	case s.kind == list, s.kind == mapping:
		return &shapes[s.elem]
	default:
		if f, ok := s.field(key); ok {
			return &shapes[f.shape]
		}
	}
	return nil
}

// names lists the fields of a structure.
func (s *shape) names() []string {
	all := make([]string, len(s.fields))
	for i, f := range s.fields {
		all[i] = f.name
	}
	return all
}

package infra_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// stacks are the files of this folder, by name.
type stacks map[string]template

// template is one file: its text, its nodes, and its content in CloudFormation's JSON form, in which
// !Ref A is {"Ref": "A"}.
type template struct {
	name, text string
	node       *yaml.Node
	content    map[string]any
}

// resource is one resource of a template.
type resource struct {
	id, kind   string
	properties map[string]any
	all        map[string]any
}

func files() []string { return []string{"gate.yml", "bluegreen.yml"} }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func load(t *testing.T) stacks {
	t.Helper()
	all := stacks{}
	for _, name := range files() {
		all[name] = parse(t, name, read(t, name))
	}
	for _, name := range []string{"stack-policy.json", "buildspec.yml"} {
		all[name] = parse(t, name, read(t, name))
	}
	return all
}

func parse(t *testing.T, name, text string) template {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	content, ok := plain(node.Content[0]).(map[string]any)
	if !ok {
		t.Fatalf("%s is no mapping", name)
	}
	return template{name: name, text: text, node: &node, content: content}
}

// mutate returns the stacks with one edit.
func (s stacks) mutate(t *testing.T, m mutation) stacks {
	t.Helper()
	text := s[m.file].text
	if !strings.Contains(text, m.before) {
		t.Fatalf("the mutation of %s does not apply: there is no %q", m.file, m.before)
	}
	other := maps.Clone(s)
	other[m.file] = parse(t, m.file, strings.Replace(text, m.before, m.after, 1))
	return other
}

// plain turns a node into CloudFormation's JSON form, with all scalars as text.
func plain(n *yaml.Node) any { return shaped(n, func(n *yaml.Node) any { return n.Value }) }

// typed is plain with numbers as numbers and truth values as such.
func typed(n *yaml.Node) any {
	return shaped(n, func(n *yaml.Node) any {
		var v any
		if n.Tag == "!!int" || n.Tag == "!!bool" {
			if n.Decode(&v) == nil {
				return v
			}
		}
		return n.Value
	})
}

func shaped(n *yaml.Node, scalar func(*yaml.Node) any) any {
	value := untagged(n, scalar)
	name, ok := strings.CutPrefix(n.Tag, "!")
	switch {
	case !ok || strings.HasPrefix(name, "!"):
		return value
	case name == "Ref" || name == "Condition":
		return map[string]any{name: value}
	case name == "GetAtt" && n.Kind == yaml.ScalarNode:
		id, attribute, _ := strings.Cut(n.Value, ".")
		return map[string]any{"Fn::GetAtt": []any{id, attribute}}
	}
	return map[string]any{"Fn::" + name: value}
}

func untagged(n *yaml.Node, scalar func(*yaml.Node) any) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = shaped(n.Content[i+1], scalar)
		}
		return m
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = shaped(c, scalar)
		}
		return l
	default:
		return scalar(n)
	}
}

func (t template) section(name string) map[string]any {
	m, _ := t.content[name].(map[string]any)
	return m
}

// resources returns those of the given types, or all, in the order of their ids.
func (t template) resources(kinds ...string) []resource {
	var found []resource
	section := t.section("Resources")
	for _, id := range slices.Sorted(maps.Keys(section)) {
		all, _ := section[id].(map[string]any)
		kind, _ := all["Type"].(string)
		properties, _ := all["Properties"].(map[string]any)
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			found = append(found, resource{id, kind, properties, all})
		}
	}
	return found
}

// resource returns the one with the id; its fields are empty when there is none.
func (t template) resource(id string) resource {
	for _, r := range t.resources() {
		if r.id == id {
			return r
		}
	}
	return resource{id: id}
}

// parameter returns a parameter's attribute as text.
func (t template) parameter(name, attribute string) string {
	return str(at(t.section("Parameters"), name, attribute))
}

// at goes down by keys and indices; nil when there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

// str returns a scalar's text; for a !Sub its text with the variables in it.
func str(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case map[string]any:
		if s, ok := x["Fn::Sub"].(string); ok {
			return s
		}
		if s := at(x, "Fn::Sub", 0); s != nil {
			return str(s)
		}
		if r, ok := x["Ref"].(string); ok {
			return "${" + r + "}"
		}
		if l, ok := x["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("${%s.%s}", l[0], l[1])
		}
	}
	return ""
}

// list returns the elements of a list, or the one value that stands in the place of a list.
func list(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	default:
		return []any{x}
	}
}

// texts are those of a list, and of both choices of an !If in it.
func texts(v any) []string {
	var all []string
	for _, e := range list(v) {
		if choice, ok := at(e, "Fn::If").([]any); ok {
			all = append(append(all, texts(choice[1])...), texts(choice[2])...)
		} else if ref, _ := at(e, "Ref").(string); ref != "AWS::NoValue" {
			all = append(all, str(e))
		}
	}
	return all
}

// walk visits every mapping.
func walk(v any, visit func(map[string]any)) {
	switch x := v.(type) {
	case map[string]any:
		visit(x)
		for _, key := range slices.Sorted(maps.Keys(x)) {
			walk(x[key], visit)
		}
	case []any:
		for _, e := range x {
			walk(e, visit)
		}
	}
}

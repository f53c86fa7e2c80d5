// The taskdef-model command writes pkg/taskdef/model_gen.go: the fields, types and enumerations of
// RegisterTaskDefinition as the AWS SDK for Go knows them. Names and types come from the SDK's schemas,
// required members and enumeration values from its source text. `go generate ./pkg/taskdef` runs it.
//
// It is no part of the product: the renderers link what it wrote, never the SDK.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/schemas"
	smithy "github.com/aws/smithy-go"
)

const module = "github.com/aws/aws-sdk-go-v2/service/ecs"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: taskdef-model OUTPUT.go")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "taskdef-model:", err)
		os.Exit(1)
	}
}

func run(output string) error {
	s, err := readSource()
	if err != nil {
		return err
	}
	m := model{source: s, index: map[string]int{}}
	m.shape(schemas.RegisterTaskDefinitionRequest)
	var outputOnly []string
	for name := range schemas.TaskDefinition.Members() {
		if schemas.RegisterTaskDefinitionRequest.Member(name) == nil {
			outputOnly = append(outputOnly, name)
		}
	}
	slices.Sort(outputOnly)
	text, err := format.Source(m.write(outputOnly))
	if err != nil {
		return fmt.Errorf("format the model: %w", err)
	}
	return os.WriteFile(output, text, 0o644)
}

// source is what the schemas leave out: which members are required, and the values of enumerations.
type source struct {
	required map[string][]string // Go type name -> Go field names
	enums    map[string][]string // enumeration -> values
}

func readSource() (source, error) {
	s := source{map[string][]string{}, map[string][]string{}}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:noctx // a generator, run by hand
	if err != nil {
		return s, fmt.Errorf("find the SDK: %w", err)
	}
	for _, name := range []string{"types/types.go", "types/enums.go", "api_op_RegisterTaskDefinition.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), name), nil, parser.ParseComments)
		if err != nil {
			return s, fmt.Errorf("read the SDK: %w", err)
		}
		ast.Inspect(file, s.node)
	}
	return s, nil
}

func (s source) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.TypeSpec:
		structure, ok := n.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range structure.Fields.List {
			if len(field.Names) == 1 && strings.Contains(field.Doc.Text(), "This member is required.") {
				s.required[n.Name.Name] = append(s.required[n.Name.Name], field.Names[0].Name)
			}
		}
	case *ast.FuncDecl:
		if n.Name.Name == "Values" && n.Recv != nil {
			enum := n.Recv.List[0].Type.(*ast.Ident).Name
			ast.Inspect(n.Body, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					value, _ := strconv.Unquote(lit.Value)
					s.enums[enum] = append(s.enums[enum], value)
				}
				return true
			})
		}
	}
	return true
}

type model struct {
	source source
	index  map[string]int
	shapes []shape
}

type shape struct {
	name, kind string
	elem       int
	fields     []field
	enum       []string
}

type field struct {
	name     string
	shape    int
	required bool
}

// shape notes a schema's target and everything below it, and returns its number.
func (m *model) shape(s *smithy.Schema) int {
	name := s.ID().Name
	if s.MemberName() != "" {
		name = s.TargetID().Name
	}
	if i, ok := m.index[name]; ok {
		return i
	}
	i := len(m.shapes)
	m.index[name] = i
	m.shapes = append(m.shapes, shape{name: name})
	out := shape{name: name}
	switch s.Type() {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		out.kind = "structure"
		out.fields = m.fields(s, name)
	case smithy.ShapeTypeList, smithy.ShapeTypeSet:
		out.kind, out.elem = "list", m.shape(s.ListMember())
	case smithy.ShapeTypeMap:
		out.kind, out.elem = "mapping", m.shape(s.MapValue())
	case smithy.ShapeTypeEnum:
		out.kind, out.enum = "text", m.source.enums[name]
		if len(out.enum) == 0 {
			panic("no values for the enumeration " + name)
		}
	case smithy.ShapeTypeString:
		out.kind = "text"
	case smithy.ShapeTypeInteger, smithy.ShapeTypeLong:
		out.kind = "integer"
	case smithy.ShapeTypeDouble, smithy.ShapeTypeFloat:
		out.kind = "decimal"
	case smithy.ShapeTypeBoolean:
		out.kind = "boolean"
	default:
		panic(fmt.Sprintf("%s has type %d, which this generator does not know", name, s.Type()))
	}
	m.shapes[i] = out
	return i
}

func (m *model) fields(s *smithy.Schema, shapeName string) []field {
	members := s.Members()
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	goType := strings.Replace(shapeName, "RegisterTaskDefinitionRequest", "RegisterTaskDefinitionInput", 1)
	var fields []field
	for _, name := range names {
		goName := strings.ToUpper(name[:1]) + name[1:]
		fields = append(fields, field{name, m.shape(members[name]), slices.Contains(m.source.required[goType], goName)})
	}
	return fields
}

func (m *model) write(outputOnly []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by buildtools/taskdef-model from %s %s. DO NOT EDIT.\n\npackage taskdef\n\n", module, sdkVersion())
	b.WriteString("// shapes are the types of RegisterTaskDefinition; the first is its input.\nvar shapes = [...]shape{\n")
	for i, s := range m.shapes {
		fmt.Fprintf(&b, "%d: {name: %q, kind: %s", i, s.name, s.kind)
		switch s.kind {
		case "list", "mapping":
			fmt.Fprintf(&b, ", elem: %d", s.elem)
		case "structure":
			b.WriteString(", fields: []field{\n")
			for _, f := range s.fields {
				fmt.Fprintf(&b, "{%q, %d, %v}, // %s\n", f.name, f.shape, f.required, m.shapes[f.shape].name)
			}
			b.WriteString("}")
		}
		if len(s.enum) > 0 {
			fmt.Fprintf(&b, ", enum: %#v", s.enum)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n\n// outputOnly are the fields that DescribeTaskDefinition prints and RegisterTaskDefinition does not take.\n")
	fmt.Fprintf(&b, "var outputOnly = [...]string{%s}\n", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", outputOnly), "[]string{"), "}"))
	return b.Bytes()
}

func sdkVersion() string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output() //nolint:noctx // a generator, run by hand
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

package taskdef

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/schemas"
	smithy "github.com/aws/smithy-go"
)

// The model is what the AWS SDK in go.mod knows of RegisterTaskDefinition, so that nobody edits it by hand, and an SDK
// that was raised is seen; -update writes it. Names and types come from the SDK's schemas, required members and
// enumeration values from its source text.
func TestTheModelIsTheSDKs(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}\n{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	m := model{seen: map[string]bool{}, required: map[string]bool{}, enums: map[string][]string{}}
	for _, name := range []string{"types/types.go", "types/enums.go", "api_op_RegisterTaskDefinition.go"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		m.read(string(text))
	}
	m.shape(schemas.RegisterTaskDefinitionRequest)
	outputOnly := "output-only"
	for _, name := range slices.Sorted(maps.Keys(schemas.TaskDefinition.Members())) {
		if schemas.RegisterTaskDefinitionRequest.Member(name) == nil {
			outputOnly += " " + name
		}
	}
	text := fmt.Sprintf("# Written by go test ./pkg/taskdef -update from %s %s; do not edit.\n", module, version)
	text += strings.Join(append(m.shapes, outputOnly), "\n") + "\n"
	if *update {
		if err := os.WriteFile("model.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != modelText {
		t.Error("model.txt is not what the SDK says: go test ./pkg/taskdef -update")
	}
}

const module = "github.com/aws/aws-sdk-go-v2/service/ecs"

// kinds are the model's words for the SDK's types; any other type ends the test.
var kinds = map[smithy.ShapeType]string{
	smithy.ShapeTypeStructure: "structure", smithy.ShapeTypeUnion: "structure", smithy.ShapeTypeList: "list",
	smithy.ShapeTypeSet: "list", smithy.ShapeTypeMap: "mapping", smithy.ShapeTypeEnum: "text",
	smithy.ShapeTypeString: "text", smithy.ShapeTypeInteger: "integer", smithy.ShapeTypeLong: "integer",
	smithy.ShapeTypeDouble: "decimal", smithy.ShapeTypeFloat: "decimal", smithy.ShapeTypeBoolean: "boolean",
}

// model is what was found out: a line for each shape.
type model struct {
	shapes   []string
	seen     map[string]bool
	required map[string]bool     // "type.Field", as in Go
	enums    map[string][]string // enumeration -> its values
}

// read takes from a file of the SDK what the schemas leave out.
func (m *model) read(text string) {
	for _, part := range strings.Split(text, "\ntype ")[1:] {
		name, _, _ := strings.Cut(part, " ")
		for _, field := range regexp.MustCompile(`// This member is required\.\n\t(\w+)`).FindAllStringSubmatch(part, -1) {
			m.required[name+"."+field[1]] = true
		}
	}
	for _, enum := range regexp.MustCompile(`(?s)\) Values\(\) \[\](\w+) \{(.*?)\n\}`).FindAllStringSubmatch(text, -1) {
		for _, value := range regexp.MustCompile(`"(.*?)"`).FindAllStringSubmatch(enum[2], -1) {
			m.enums[enum[1]] = append(m.enums[enum[1]], value[1])
		}
	}
}

// shape notes a schema's target and everything below it, and returns its name.
func (m *model) shape(s *smithy.Schema) string {
	name := s.ID().Name
	if s.MemberName() != "" {
		name = s.TargetID().Name
	}
	if m.seen[name] {
		return name
	}
	i, kind := len(m.shapes), kinds[s.Type()]
	m.seen[name] = true
	m.shapes = append(m.shapes, "")
	words := []string{name, kind}
	switch {
	case kind == "":
		panic(fmt.Sprintf("%s has type %d, which this test does not know", name, s.Type()))
	case kind == "structure":
		goType := strings.Replace(name, "DefinitionRequest", "DefinitionInput", 1)
		for _, field := range slices.Sorted(maps.Keys(s.Members())) {
			mark := ""
			if m.required[goType+"."+strings.ToUpper(field[:1])+field[1:]] {
				mark = "!"
			}
			words = append(words, field+":"+m.shape(s.Member(field))+mark)
		}
	case kind == "list":
		words = append(words, m.shape(s.ListMember()))
	case kind == "mapping":
		words = append(words, m.shape(s.MapValue()))
	case s.Type() == smithy.ShapeTypeEnum && len(m.enums[name]) == 0:
		panic("no values for the enumeration " + name)
	case s.Type() == smithy.ShapeTypeEnum:
		words = append(words, m.enums[name]...)
	}
	m.shapes[i] = strings.Join(words, " ")
	return name
}

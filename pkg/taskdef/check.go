package taskdef

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// checker applies the rules to a document in normal form.
type checker struct {
	Request
	root       *template.Node
	containers []*template.Node
	fargate    bool
	// newer holds the keys that have been warned of: once is enough.
	newer map[string]bool
	// flooded says that there are too many of them to compare each with the known keys: this is no task definition.
	flooded  bool
	rule     string
	problems diagnostic.List
	// errors and warnings count what was found, listed or not.
	errors, warnings int
}

type rule struct {
	name  string
	check func(*checker)
}

// each turns a check of one container into a rule that checks every container.
func each(check func(c *checker, container *template.Node)) func(*checker) {
	return func(c *checker) {
		for _, container := range c.containers {
			check(c, container)
		}
	}
}

// rules lists by name what AWS would refuse later, or nobody would notice. Facts about ECS are as of November 2026.
func rules() []rule {
	return []rule{
		{"document-size", documentSize},
		{"family", family},
		{"container-name", containerNames},
		{"container-count", containerCount},
		{"essential", essential},
		{"image", each(image)},
		{"fargate-size", fargateSize},
		{"task-size", taskSize},
		{"container-size", containerSizes},
		{"network-mode", networkMode},
		{"ports", each(ports)},
		{"port-conflict", portConflicts},
		{"port-range", portRanges},
		{"fargate-only", fargateOnly},
		{"depends-on", dependsOn},
		{"health-check", each(healthCheck)},
		{"environment-name", each(environmentNames)},
		{"environment-file", each(environmentFiles)},
		{"secret-reference", each(secretReferences)},
		{"secret-name", each(secretNames)},
		{"secret-in-text", secretsInText},
		{"command", each(assignments)},
		{"machine-variable", machineVariables},
		{"windows", windows},
		{"execution-role", executionRole},
		{"arn", roles},
		{"log-options", each(logOptions)},
		{"volumes", volumes},
		{"mount-points", each(mountPoints)},
		{"ulimits", each(ulimits)},
		{"limits", each(containerLimits)},
		{"task-limits", taskLimits},
		{"labels", labels},
		{"tags", tags},
		{"placeholder-left", placeholdersLeft},
	}
}

// run checks types first: a rule reads only what has the type that it expects, and is silent about the rest.
func (c *checker) run() {
	c.rule, c.newer = "type", map[string]bool{}
	if c.root.Unknown() {
		return
	}
	if c.root.Kind != template.Object {
		c.fail(c.root, "a task definition is an object, not "+kindOf(c.root), "")
		return
	}
	shapes[0].walk(c.root, (*shape).inner, c.fits)
	for _, container := range c.root.Get("containerDefinitions").List() {
		if container.Kind == template.Object {
			c.containers = append(c.containers, container)
		}
	}
	for _, item := range c.root.Get("requiresCompatibilities").List() {
		c.fargate = c.fargate || strings.HasPrefix(item.Str(), "FARGATE")
	}
	for _, r := range rules() {
		if len(c.containers) > manyContainers && r.name != "document-size" && r.name != "container-count" {
			continue
		}
		c.rule = r.name
		r.check(c)
	}
}

// manyContainers is where rules stop that take the square of it: ECS takes 10 containers, and 10 MB may hold 100,000.
const manyContainers = 100

func (c *checker) fail(n *template.Node, text, help string) {
	c.report(diagnostic.Error, n, text, help)
}

func (c *checker) warn(n *template.Node, text, help string) {
	c.report(diagnostic.Warning, n, text, help)
}

// report says nothing about a node whose value is unknown: the reason for that has been reported.
func (c *checker) report(s diagnostic.Severity, n *template.Node, text, help string) {
	if n.Unknown() {
		return
	}
	// Errors and warnings are counted apart: no number of warnings may hide an error.
	count := &c.errors
	if s == diagnostic.Warning {
		count = &c.warnings
	}
	switch *count++; {
	case *count > template.MaxProblems+1:
		return
	case *count > template.MaxProblems:
		text, help = "more problems of this kind than are listed", ""
	}
	c.problems = append(c.problems, diagnostic.Problem{
		Place: c.Doc.Place(n.At), Severity: s, Cause: diagnostic.Rule, Rule: c.rule, Text: text, Help: help,
	})
}

// fault reports what is wrong with a text, "" for nothing.
func (c *checker) fault(n *template.Node, what, fault, help string) {
	if n != nil && n.Kind == template.String && fault != "" {
		c.fail(n, what+" "+n.Show()+" "+fault, help)
	}
}

// isName reports a name that ECS does not take.
func (c *checker) isName(n *template.Node, what string) {
	if !IsName(n.Str()) {
		c.fault(n, what, "is not a name that ECS takes", NameHelp)
	}
}

// name shows a container's name for a message.
func name(container *template.Node) string { return container.Get("name").Show() }

func number(n *template.Node) (int, bool) {
	if n == nil || n.Kind != template.Number {
		return 0, false
	}
	i, err := strconv.Atoi(n.Text)
	return i, err == nil
}

// within reports a number outside its range.
func (c *checker) within(parent *template.Node, key string, low, high int) {
	n := parent.Get(key)
	if i, ok := number(n); ok && (i < low || i > high) {
		c.fail(n, fmt.Sprintf("%s is %s, ECS takes %d to %d", key, n.Show(), low, high), "")
	}
}

// atMost reports a list with too many items.
func (c *checker) atMost(parent *template.Node, key string, most int) {
	if n := parent.Get(key); len(n.List()) > most {
		c.fail(n, fmt.Sprintf("%d %s, ECS takes %d", len(n.Items), key, most), "")
	}
}

// at returns what stands under a path, in every element of the lists on the way.
func at(n *template.Node, path string) (found []*template.Node) {
	key, rest, more := strings.Cut(path, ".")
	of := []*template.Node{n}
	if n.Kind == template.Array {
		of = n.Items
	}
	for _, n := range of {
		switch inner := n.Get(key); {
		case inner == nil:
		case more:
			found = append(found, at(inner, rest)...)
		default:
			found = append(found, inner)
		}
	}
	return found
}

func kindOf(n *template.Node) string {
	if n.Origin != nil {
		return n.Kind.A() + " from " + n.Show()
	}
	return n.Kind.A()
}

// fits reports a value of the wrong type or outside its enumeration, and what is wrong with the keys of a structure. What
// is below a value of the wrong type is not looked at.
func (c *checker) fits(n *template.Node, s *shape) bool {
	switch {
	case s == nil || n.Unknown():
		return false
	case n.Kind != s.kind.wanted():
		c.fail(n, fmt.Sprintf("want %s, not %s", s.kind, kindOf(n)), retype(n, s.kind))
		return false
	case s.kind == integer:
		if _, err := strconv.ParseInt(n.Text, 10, 32); err != nil {
			c.fail(n, "want an integer, not "+n.Show(), "")
		}
	case s.kind == structure:
		c.fields(n, s)
	case len(s.enum) > 0 && !slices.Contains(s.enum, n.Text):
		c.notOne(n, s)
	}
	return true
}

// notOne reports a value outside its enumeration: a warning where it may be a new one and is not near a known one.
func (c *checker) notOne(n *template.Node, s *shape) {
	text := n.Show() + " is not one of " + strings.Join(s.enum, ", ")
	near, isNear := diagnostic.NearestKey(n.Text, s.enum)
	if grows(s.name) && strings.Trim(n.Text, digits) != "" { // another number is a newer one, not a slip
		isNear = isNear && withoutDigits(near) != withoutDigits(n.Text)
	}
	switch {
	case s.name == "TransportProtocol" && slices.Contains([]string{"http", "https", "http2", "grpc"}, n.Text):
		c.warn(n, text+": ECS stores tcp", "did you mean appProtocol?")
	case s.name == "Compatibility" && n.Text == "FARGATE_SPOT":
		c.fail(n, "FARGATE_SPOT is a capacity provider and not a compatibility", `want "FARGATE"`)
	case isNear && !n.Secretive():
		c.fail(n, text, "did you mean "+template.Quote(near)+"?")
	case !isNear && n.Text != "" && grows(s.name):
		c.warn(n, text, "kept as it is: it may be newer than this build")
	default:
		c.fail(n, text, "")
	}
}

// grows reports whether AWS adds values to an enumeration of the model: in 2025 and 2026 the compatibility
// MANAGED_INSTANCES and the resource NeuronDevice, and an operating system with each Windows Server. The others
// have been the same for years.
func grows(enumeration string) bool {
	return enumeration == "Compatibility" || enumeration == "ResourceType" || enumeration == "OSFamily"
}

func withoutDigits(s string) string { return strings.Join(strings.FieldsFunc(s, unicode.IsDigit), "") }

// retype shows the value as it should be written, where only the quotes are wrong.
func retype(n *template.Node, k kind) string {
	switch {
	case n.Origin != nil && n.Kind == template.String && (k == integer || k == boolean) && !n.Origin.WholeJSON():
		return "write the placeholder without quotes: " + template.Shown(n)
	case n.At < 0 && n.Kind == template.String && (k == integer || k == boolean):
		return "give the value without quotes: --set '/…=5'"
	case n.Secretive():
		return ""
	case k == text && (n.Kind == template.Number || n.Kind == template.Bool):
		return "write " + template.Quote(n.Text)
	case k == integer && n.Kind == template.String && template.IsNumber(n.Text),
		k == boolean && (n.Text == "true" || n.Text == "false"):
		return "write " + n.Text + " without quotes"
	}
	return ""
}

// fields checks the keys of a structure: nearly known ones are slips, far ones may be newer than this build.
func (c *checker) fields(n *template.Node, s *shape) {
	for _, m := range n.Members {
		if _, ok := s.field(m.Key); ok {
			continue
		}
		key := &template.Node{At: m.KeyAt}
		if len(c.newer) > template.MaxProblems {
			if !c.flooded {
				c.flooded = true
				c.fail(key, fmt.Sprintf("more than %d unknown keys", template.MaxProblems), "is this a task definition?")
			}
			return
		}
		near, isNear := diagnostic.NearestKey(m.Key, s.names())
		where := elsewhere(m.Key)
		switch {
		case isNear:
			c.fail(key, "unknown key "+m.Show(), "did you mean "+template.Quote(near)+"?")
			continue
		case c.newer[m.Key]:
		case where != "":
			c.fail(key, m.Show()+" is in the wrong place", "it belongs in "+where)
		default:
			c.warn(key, "unknown key "+m.Show(), "kept as it is: it may be newer than this build")
		}
		c.newer[m.Key] = true
	}
	for _, f := range s.fields {
		if f.required && n.Get(f.name) == nil {
			c.fail(n, f.name+" is missing", "")
		}
	}
}

// mostPlaces is in how many structures a key may belong: one in more of them may be new in another one tomorrow.
const mostPlaces = 3

// elsewhere names the structures that have a field of this name.
func elsewhere(key string) string {
	var found []string
	for i := range shapes {
		if _, ok := shapes[i].field(key); ok {
			found = append(found, strings.ReplaceAll(shapes[i].name, "RegisterTaskDefinitionRequest", "the task definition itself"))
		}
	}
	if len(found) > mostPlaces {
		return ""
	}
	return strings.Join(found, " or ")
}

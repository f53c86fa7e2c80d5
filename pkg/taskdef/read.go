package taskdef

import (
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Task is what other tools need to know of a rendered task definition.
type Task struct {
	Family string
	// Place is the document's, for problems that concern it as a whole.
	Place diagnostic.Place
	// NetworkMode is "" where the document does not say.
	NetworkMode string
	// Fargate says that requiresCompatibilities includes FARGATE. Instances says that it includes something else, or is
	// empty, so that the tasks may run on the user's own instances.
	Fargate, Instances bool
	Containers         []Container
	// Reached is the index of the one that the load balancer reaches where no AppSpec says it; -1 without containers.
	Reached int
	// Doc is the document, and Root the task definition in it, for whoever looks for more.
	Doc  *template.Document
	Root *template.Node
}

// Container is one container of a task.
type Container struct {
	Name string
	// Shown is the name as a message may show it: a variable's value is not.
	Shown     string
	Place     diagnostic.Place
	Image     string
	Essential bool
	// Ports are the containerPorts that are mapped, each once: 53/udp and 53/tcp are one number.
	Ports []Port
	// Ranges are the containerPortRanges that are mapped, as a message may show them.
	Ranges []string
	// PortsUnclear says that a mapping could not be understood, so that Ports may lack one.
	PortsUnclear bool
	// Labels are the docker labels; the hooks read greenlight.* from them.
	Labels map[string]string
}

// Port is a containerPort that is mapped.
type Port struct {
	Number int
	// Shown is the number as a message may show it.
	Shown string
	Place diagnostic.Place
}

// Container returns the container with the name.
func (t Task) Container(name string) (Container, bool) {
	for _, c := range t.Containers {
		if c.Name == name {
			return c, true
		}
	}
	return Container{}, false
}

// HasPort reports whether the container maps the port.
func (c Container) HasPort(number int) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool { return p.Number == number })
}

// Read reads a rendered task definition, in JSON or YAML, with or without the wrapper of
// DescribeTaskDefinition. A $ in it is text. The problems are those of reading and of the types that Task
// needs; the rules of Render are not applied.
func Read(name, text string) (Task, diagnostic.List) {
	doc, problems := template.Reader{Literal: true}.Read(name, text)
	if len(problems) > 0 {
		return Task{Reached: -1}, problems
	}
	root := unwrap(doc.Root, nil)
	root.DropNull()
	return plain(doc, root)
}

func plain(doc *template.Document, root *template.Node) (Task, diagnostic.List) {
	t := Task{Reached: -1, Place: doc.Place(root.At), Doc: doc, Root: root}
	t.Family, t.NetworkMode = root.Get("family").Str(), root.Get("networkMode").Str()
	compatibilities := root.Get("requiresCompatibilities").List()
	t.Instances = len(compatibilities) == 0
	for _, item := range compatibilities {
		isFargate := item.Str() == "FARGATE"
		t.Fargate, t.Instances = t.Fargate || isFargate, t.Instances || !isFargate
	}
	var problems diagnostic.List
	fail := func(at int, text string) {
		problems = append(problems, diagnostic.Problem{Place: doc.Place(at), Rule: "type", Text: text})
	}
	all := root.Get("containerDefinitions")
	if root.Kind != template.Object || all == nil || all.Kind != template.Array {
		fail(root.At, "not a task definition: containerDefinitions is missing, or is not a list")
		return t, problems
	}
	var nodes []*template.Node
	for _, n := range all.Items {
		name := n.Get("name")
		if n.Kind != template.Object || name == nil || name.Kind != template.String {
			fail(n.At, "not a container: it has no name")
			continue
		}
		nodes = append(nodes, n)
		t.Containers = append(t.Containers, container(doc, n, fail))
	}
	t.Reached = slices.Index(nodes, Reached(nodes, "", nil))
	return t, problems
}

func container(doc *template.Document, n *template.Node, fail func(at int, text string)) Container {
	name := n.Get("name")
	c := Container{Name: name.Text, Shown: name.Show(), Place: doc.Place(name.At)}
	c.Image, c.Essential = n.Get("image").Str(), isEssential(n)
	unclear := func(n *template.Node, text string) {
		c.PortsUnclear = true
		fail(n.At, text)
	}
	mappings := n.Get("portMappings")
	if mappings != nil && mappings.Kind != template.Array {
		unclear(mappings, "portMappings is "+mappings.Kind.A()+", want a list")
	}
	mapped := map[int]bool{}
	const want = ", want a whole number from 1 to 65535"
	for _, p := range mappings.List() {
		if several := p.Get("containerPortRange"); several.Str() != "" {
			c.Ranges = append(c.Ranges, several.Label())
		}
		inside := p.Get("containerPort")
		switch number, isNumber := number(inside); {
		case p.Kind != template.Object:
			unclear(p, "a port mapping is "+p.Kind.A()+", want an object")
		case inside == nil:
		case inside.Kind != template.Number:
			unclear(inside, "containerPort is "+inside.Kind.A()+want)
		case !isNumber:
			unclear(inside, "containerPort is "+inside.Show()+want)
		case !mapped[number]:
			mapped[number] = true
			c.Ports = append(c.Ports, Port{number, inside.Label(), doc.Place(inside.At)})
		}
	}
	if labels := n.Get("dockerLabels"); labels != nil {
		c.Labels = make(map[string]string, len(labels.Members))
		for _, m := range labels.Members {
			c.Labels[m.Key] = m.Value.Str()
		}
	}
	return c
}

// Package release reads what a rehearsal needs from the release's files: the task definition, the
// AppSpec and the smoke suite, each with the place where it stands.
//
// It refuses a release that CodeDeploy would refuse later because its files do not fit together; every
// other rule is the renderers'.
package release

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/document"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// label is the docker label with which render-taskdef stamps the release's id.
const label = "greenlight.release"

// Release is what the task definition and the AppSpec say, as far as a rehearsal needs it.
type Release struct {
	// Family is the task definition's, Container and Port what the load balancer reaches.
	Family, Container string
	Port              int
	// ID is the version: the docker label greenlight.release of the container, else its image's tag.
	ID string
	// AppSpec is the AppSpec's text; Functions are the hooks that it names, by event.
	AppSpec   string
	Functions map[deployment.EventName]Function
}

// Function is a Lambda function that the AppSpec names for an event.
type Function struct {
	Name  string
	Place diagnostic.Place
}

// reader collects problems while it reads one file.
type reader struct {
	doc      *document.Document
	problems *diagnostic.List
}

func (r reader) problem(n *document.Node, help, format string, args ...any) {
	p := diagnostic.Problem{
		Place: diagnostic.Place{File: r.doc.Source.Name}, Severity: diagnostic.Error, Cause: diagnostic.Rule,
		Text: fmt.Sprintf(format, args...), Help: help,
	}
	if n != nil {
		p.Place = r.doc.Source.Place(n.At)
	}
	*r.problems = append(*r.problems, p)
}

// Read reads both files. The release is of use only when no problem is fatal.
func Read(taskDefinition, appSpec string) (Release, diagnostic.List) {
	var problems diagnostic.List
	r := Release{Functions: map[deployment.EventName]Function{}}
	spec := open(appSpec, &problems)
	definition := open(taskDefinition, &problems)
	if spec.doc == nil || definition.doc == nil {
		return r, problems.Sorted()
	}
	r.AppSpec = spec.doc.Source.Text
	container, port := spec.appSpec(&r)
	definition.taskDefinition(&r, spec, container, port)
	return r, problems.Sorted()
}

func open(name string, problems *diagnostic.List) reader {
	text, err := os.ReadFile(name)
	if err != nil {
		*problems = append(*problems, diagnostic.Problem{
			Place: diagnostic.Place{File: name}, Severity: diagnostic.Error, Cause: diagnostic.File, Text: "read: " + cause(err),
		})
		return reader{}
	}
	doc, found := document.Reader{Literal: true}.Read(name, string(text))
	*problems = append(*problems, found...)
	if len(found.Errors(false)) > 0 {
		return reader{}
	}
	return reader{doc, problems}
}

// cause is an error without the file's name, which the place says already.
func cause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// appSpec reads the AppSpec's hooks, and the nodes that name the container and its port. Keys are
// compared without regard to case, as CodeDeploy does.
func (r reader) appSpec(out *Release) (container, port *document.Node) {
	for _, resource := range get(r.doc.Root, "Resources").List() {
		target := get(resource, "TargetService")
		balancer := get(get(target, "Properties"), "LoadBalancerInfo")
		container, port = get(balancer, "ContainerName"), get(balancer, "ContainerPort")
	}
	if container == nil || port == nil {
		r.problem(nil, "render-appspec --taskdef FILE writes one that fits", "no Resources[0].TargetService.Properties.LoadBalancerInfo with ContainerName and ContainerPort")
	}
	for _, hook := range get(r.doc.Root, "Hooks").List() {
		for _, m := range hook.Members {
			r.hook(out, m)
		}
	}
	return container, port
}

func (r reader) hook(out *Release, m document.Member) {
	at := &document.Node{At: m.KeyAt}
	event := deployment.EventName(m.Key)
	if !event.TakesHook() {
		var known []string
		for _, e := range deployment.HookEvents() {
			known = append(known, string(e))
		}
		help := "the events that take a hook are " + strings.Join(known, ", ")
		if near, ok := diagnostic.Nearest(m.Key, known); ok {
			help = "did you mean " + near + "?"
		}
		r.problem(at, help, "%.80q is no lifecycle event that takes a hook", m.Key)
		return
	}
	name := m.Value.Str()
	if name == "" {
		r.problem(at, "write "+m.Key+": FUNCTION", "hook %s names no function", m.Key)
		return
	}
	if _, twice := out.Functions[event]; twice {
		r.problem(at, "one function can run several checks", "hook %s stands here twice; CodeDeploy runs one function an event", m.Key)
		return
	}
	// A function's ARN ends with its name.
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndexByte(name, ':')+1:]
	}
	out.Functions[event] = Function{Name: name, Place: r.doc.Source.Place(m.KeyAt)}
}

// taskDefinition finds the container that the AppSpec names.
func (r reader) taskDefinition(out *Release, spec reader, name, port *document.Node) {
	root := r.doc.Root
	if inner := root.Get("taskDefinition"); inner != nil {
		root = inner
	}
	out.Family = root.Get("family").Str()
	if name == nil || port == nil {
		return
	}
	var names []string
	for _, c := range root.Get("containerDefinitions").List() {
		names = append(names, c.Get("name").Str())
		if c.Get("name").Str() != name.Str() {
			continue
		}
		out.Container = name.Str()
		out.Port, _ = strconv.Atoi(port.Text)
		var ports []string
		for _, m := range c.Get("portMappings").List() {
			if mapped := m.Get("containerPort"); mapped != nil {
				ports = append(ports, mapped.Text)
			}
		}
		if !contains(ports, port.Text) {
			spec.problem(port, "", "container %.80q of %s has no port %.20s; it has %s", name.Str(), r.doc.Source.Name, port.Text, list(ports))
		}
		r.id(out, c)
		return
	}
	help := ""
	if near, ok := diagnostic.Nearest(name.Str(), names); ok {
		help = "did you mean " + near + "?"
	}
	spec.problem(name, help, "container %.80q is not in %s; it has %s", name.Str(), r.doc.Source.Name, list(names))
}

// id finds the release's version.
func (r reader) id(out *Release, container *document.Node) {
	if out.ID = container.Get("dockerLabels").Get(label).Str(); out.ID != "" {
		return
	}
	image := container.Get("image")
	if _, tag, ok := strings.Cut(image.Str()[strings.LastIndexByte(image.Str(), '/')+1:], ":"); ok {
		out.ID, _, _ = strings.Cut(tag, "@")
	}
	if out.ID == "" {
		r.problem(image, "render-taskdef --release ID stamps the docker label "+label, "the release has no name: no docker label %s, and the image %.200q has no tag", label, image.Str())
	}
}

// get is Node.Get without regard to case.
func get(n *document.Node, key string) *document.Node {
	if n == nil {
		return nil
	}
	for _, m := range n.Members {
		if strings.EqualFold(m.Key, key) {
			return m.Value
		}
	}
	return nil
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

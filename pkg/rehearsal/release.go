package rehearsal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Release is what the task definition and the AppSpec say, as far as a rehearsal needs it.
type Release struct {
	// Family is the task definition's, Container what the load balancer reaches.
	Family, Container string
	Port              int
	// ID is the version: the docker label greenlight.release, else the tag of the container's image.
	ID string
	// SuiteReference is the docker label greenlight.suite, or empty.
	SuiteReference string
	// Place is where the task definition has the container that the load balancer reaches.
	Place diagnostic.Place
	// TaskDefinition is the task definition as JSON.
	TaskDefinition []byte
	// AppSpec is the AppSpec's text; Functions are the hooks that it names, by event.
	AppSpec   string
	Functions map[lifecycle.Name]Function
}

// Function is a Lambda function that the AppSpec names for an event.
type Function struct {
	Name string
	// Binary, when set, is the binary's name where it is not that of the event.
	Binary string
	Place  diagnostic.Place
}

// ReadRelease reads both files. Without an AppSpec, which Amazon ECS's own deployments do not have, the load balancer
// reaches the task definition's only container with a port. The release is of use only when no problem is fatal.
func ReadRelease(taskDefinition, appSpec string) (Release, diagnostic.List) {
	r := Release{Functions: map[lifecycle.Name]Function{}}
	var specText string
	var problems diagnostic.List
	if appSpec != "" {
		specText, problems = readFile(appSpec)
	}
	taskText, missing := readFile(taskDefinition)
	problems = append(problems, missing...)
	if len(problems) > 0 {
		return r, problems
	}
	task, wrong := taskdef.Read(taskDefinition, taskText)
	problems = append(problems, wrong...)
	checked := &task
	if len(wrong.Errors(false)) > 0 {
		checked = nil
	}
	var spec appspec.Spec
	if appSpec == "" {
		problems = append(problems, r.reached(checked)...)
	} else {
		spec, wrong = appspec.Read(appSpec, specText)
		problems = append(problems, wrong...)
		problems = append(problems, spec.Check(checked)...)
		r.Container = spec.Container.Text
		r.Port, _ = strconv.Atoi(spec.Port.Text) // Check has refused what is not a number
	}
	r.AppSpec, r.Family = specText, task.Family
	c, _ := task.Container(r.Container)
	r.Place = c.Place
	for _, hook := range spec.Hooks {
		event := lifecycle.Name(hook.Event.Text)
		if event.TakesHook() {
			r.Functions[event] = Function{Name: appspec.FunctionName(hook.Function.Text), Place: hook.Event.Place}
		}
	}
	if len(problems.Errors(false)) > 0 {
		return r, problems.Sorted()
	}
	doc, _ := template.Reader{Literal: true}.Read(taskDefinition, taskText) // read before, without problems
	root := doc.Root
	if inner := root.Get("taskDefinition"); inner != nil && root.Get("containerDefinitions") == nil {
		root = inner
	}
	r.TaskDefinition, r.SuiteReference = root.Compact(), c.Labels[taskdef.SuiteLabel]
	var problem *diagnostic.Problem
	if r.ID, problem = id(c); problem != nil {
		problems = append(problems, *problem)
	}
	return r, problems.Sorted()
}

// reached finds the container that the load balancer reaches without an AppSpec.
func (r *Release) reached(task *taskdef.Task) diagnostic.List {
	if task == nil || task.Reached < 0 {
		return nil
	}
	c := task.Containers[task.Reached]
	if r.Container = c.Name; len(c.Ports) > 0 {
		r.Port = c.Ports[0].Number
		return nil
	}
	return diagnostic.List{{
		Place: c.Place, Severity: diagnostic.Error, Cause: diagnostic.Rule,
		Text: fmt.Sprintf("container %.80q maps no port, so no load balancer reaches it", c.Name),
		Help: `give it "portMappings": [{"containerPort": 8080}]`,
	}}
}

// readFile reads a file, and one byte more than the longest at most: whoever reads the text refuses that.
func readFile(name string) (string, diagnostic.List) {
	var text []byte
	f, err := os.Open(name)
	if err == nil {
		defer f.Close() //nolint:errcheck // only read
		text, err = io.ReadAll(io.LimitReader(f, template.MaxSize+1))
	}
	if err != nil {
		return "", unreadable(name, err)
	}
	return string(text), nil
}

// unreadable leaves the file's name out of the error: the place says it already.
func unreadable(name string, err error) diagnostic.List {
	why := strings.Split(err.Error(), ": ")
	at := diagnostic.Place{File: name}
	return diagnostic.List{{Place: at, Cause: diagnostic.File, Text: "read: " + why[len(why)-1]}}
}

// id finds the release's version.
func id(c taskdef.Container) (string, *diagnostic.Problem) {
	if stamped := c.Labels[taskdef.ReleaseLabel]; stamped != "" {
		return stamped, nil
	}
	image, _, _ := strings.Cut(c.Image, "@")
	if _, tag, ok := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":"); ok && tag != "" {
		return tag, nil
	}
	return "", &diagnostic.Problem{
		Place: c.Place,
		Text: fmt.Sprintf("the release has no name: no docker label %s, and the image of container %.80q has no tag",
			taskdef.ReleaseLabel, c.Name),
		Help: "render-taskdef --release ID stamps the label",
	}
}

// ReadSuite reads and checks a suite with the files that it names, and returns its text too. The suite is
// nil when a problem is fatal.
func ReadSuite(path string) (*suite.Suite, []byte, diagnostic.List) {
	source, err := suite.Load(path, nil)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	suite, problems := suite.Read(source)
	return suite, source.Text, problems
}

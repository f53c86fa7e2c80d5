package rehearsal

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
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
	// Image is that container's.
	Image string
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
	r.Place, r.Image = c.Place, c.Image
	for _, hook := range spec.Hooks {
		event := lifecycle.Name(hook.Event.Text)
		if event.TakesHook() {
			r.Functions[event] = Function{Name: appspec.FunctionName(hook.Function.Text), Place: hook.Event.Place}
		}
	}
	if len(problems.Errors(false)) > 0 {
		return r, problems.Sorted()
	}
	r.TaskDefinition, r.SuiteReference = task.Root.Compact(), c.Labels[taskdef.SuiteLabel]
	r.ID, wrong = id(c)
	return r, append(problems, wrong...).Sorted()
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

func readFile(name string) (string, diagnostic.List) {
	text, err := suite.ReadLimited(os.Open, name, template.MaxSize)
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

func id(c taskdef.Container) (string, diagnostic.List) {
	if stamped := c.Labels[taskdef.ReleaseLabel]; stamped != "" {
		return stamped, nil
	}
	image, _, _ := strings.Cut(c.Image, "@")
	if _, tag, ok := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":"); ok && tag != "" {
		return tag, nil
	}
	return "", diagnostic.List{{
		Place: c.Place,
		Text: fmt.Sprintf("the release has no name: no docker label %s, and the image of container %.80q has no tag",
			taskdef.ReleaseLabel, c.Name),
		Help: "render-taskdef --release ID stamps the label",
	}}
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

// HookArg is the first argument of a program that carries hooks, when it is to be the one that the second names.
const HookArg = "__hook"

// Programs says where the hooks' programs are.
type Programs struct {
	// Dir holds the binaries, named as the events: "after-allow-test-traffic". Without it Self stands for those that it
	// carries, and the others are beside it.
	Dir, Self string
	Carried   []string
	// Commands replace the binary of an event by a shell command, which gets Path as its PATH.
	Commands map[lifecycle.Name]string
	Path     string
}

// Find returns the program of each function that the AppSpec names, or a stage has. One that is missing is a problem.
func (p Programs) Find(functions map[lifecycle.Name]Function) (map[lifecycle.Name]Hook, diagnostic.List) {
	var problems diagnostic.List
	hooks := map[lifecycle.Name]Hook{}
	for _, event := range slices.Concat(lifecycle.Hookable(), lifecycle.HookStages()) {
		function, named := functions[event]
		command, replaced := p.Commands[event]
		hook, wrong := p.binary(event, function)
		switch {
		case !named && replaced:
			problems = append(problems, diagnostic.Problem{
				Place: diagnostic.Place{Flag: "--hook"}, Severity: diagnostic.Warning,
				Text: fmt.Sprintf("%s has no function in the AppSpec, so CodeDeploy would not run it, and the rehearsal does not",
					event),
				Help: fmt.Sprintf("add it to the AppSpec: render-appspec --hook %s=FUNCTION", event),
			})
			continue
		case !named:
			continue
		case replaced && (function.Binary == "" || wrong != nil):
			dir, _ := os.Getwd()
			hook = Hook{Function: function.Name, Argv: task.Shell(command), Dir: cmp.Or(dir, "/"), Path: p.Path}
			wrong = p.missing(event, command)
		}
		hooks[event] = hook
		problems = append(problems, wrong...)
	}
	return hooks, problems
}

// StageFunctions are the functions of the stages of one of Amazon ECS's own deployments that have a hook: those of the
// commands, of which each may also be the name of a binary, and without any Greenlight's, the third where it watches.
func StageFunctions(commands map[lifecycle.Name]string, watches bool) map[lifecycle.Name]Function {
	if len(commands) == 0 {
		commands = map[lifecycle.Name]string{
			lifecycle.PostTestTrafficShift:      Kebab(string(lifecycle.AfterAllowTestTraffic)),
			lifecycle.PreProductionTrafficShift: Kebab(string(lifecycle.BeforeAllowTraffic)),
		}
		if watches {
			commands[lifecycle.PostProductionTrafficShift] = Kebab(string(lifecycle.AfterAllowTraffic))
		}
	}
	functions := map[lifecycle.Name]Function{}
	for stage, command := range commands {
		functions[stage] = Function{
			Name: strings.ToLower(string(stage)), Binary: command, Place: diagnostic.Place{Flag: "--hooks"},
		}
	}
	return functions
}

// binary is a hook that a binary in Dir stands for.
func (p Programs) binary(event lifecycle.Name, function Function) (Hook, diagnostic.List) {
	name := cmp.Or(function.Binary, Kebab(string(event)))
	if p.Dir == "" && slices.Contains(p.Carried, name) {
		return Hook{Function: function.Name, Argv: []string{p.Self, HookArg, name}, Dir: filepath.Dir(p.Self)}, nil
	}
	path := filepath.Join(cmp.Or(p.Dir, filepath.Dir(p.Self)), name)
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	hook := Hook{Function: function.Name, Argv: []string{path}, Dir: filepath.Dir(path)}
	why := "does not exist"
	if info, err := os.Stat(path); err == nil {
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return hook, nil
		}
		why = "is not executable"
	}
	return hook, diagnostic.List{{
		Place: function.Place, Cause: diagnostic.File,
		Text: fmt.Sprintf("the hook of %s would be run by %s, which %s", event, path, why),
		Help: fmt.Sprintf("make build builds Greenlight's hooks into bin (--hooks bin); any other: --hook %s=COMMAND", event),
	}}
}

// missing says why a command cannot be run, as far as that can be known before it is started: its first word is a path
// or a name, and there is no such program. What a shell knows by itself, a shell is asked.
func (p Programs) missing(event lifecycle.Name, command string) diagnostic.List {
	why, program := "it is empty", ""
	if fields := strings.Fields(command); len(fields) > 0 {
		why, program = "", fields[0]
	}
	switch {
	case program == "" || strings.ContainsAny(program, "$`\"'\\(){}<>|&;*?[]~#=!"):
	case strings.Contains(program, "/"):
		if info, err := os.Stat(program); err != nil || info.IsDir() {
			why = fmt.Sprintf("there is no program %.200q", program)
		}
	default:
		shell := exec.Command("/bin/sh", "-c", `command -v "$1"`, "sh", program) //nolint:noctx // ends at once
		shell.Env = []string{"PATH=" + p.Path}
		if shell.Run() != nil {
			why = fmt.Sprintf("there is no program %.200q on the PATH", program)
		}
	}
	if why == "" {
		return nil
	}
	return diagnostic.List{{
		Place: diagnostic.Place{Flag: "--hook"}, Severity: diagnostic.Error, Cause: diagnostic.File,
		Text: fmt.Sprintf("the command for %s cannot be run: %s", event, why),
	}}
}

// Kebab writes an event's name as its binary is called: "after-allow-test-traffic".
func Kebab(name string) string {
	return strings.ToLower(regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(name, "-$0"))
}

// The render-appspec command writes the AppSpec of an ECS blue/green deployment, or checks one. It talks to nobody.
package main

import (
	"cmp"
	"embed"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

type options struct {
	out, check, taskdef                                      string
	container, port, taskDefinition                          string
	hooks, providers                                         []string
	subnets, securityGroups, assignPublicIP, platformVersion string
}

// help has the command's help text.
//
//go:embed help
var help embed.FS

// command is the command line, whose flags go to o.
func command(o *options) *cli.Command {
	o.out, o.taskDefinition = "appspec.yaml", appspec.Placeholder
	return cli.Described(help, "render-appspec", cli.Flags{
		"output": &o.out, "check": &o.check, "taskdef": &o.taskdef, "container": &o.container, "port": &o.port,
		"task-definition": &o.taskDefinition, "hook": &o.hooks, "capacity-provider": &o.providers, "subnets": &o.subnets,
		"security-groups": &o.securityGroups, "assign-public-ip": &o.assignPublicIP, "platform-version": &o.platformVersion,
	})
}

func main() {
	a := appspecRun{Run: &cli.Run{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}}
	a.flags = command(&a.options)
	os.Exit(a.Execute(a.flags, os.Args[1:], func(args []string) {
		if len(args) != 0 {
			help := cmp.Or(a.flags.Near(args[0]), "render-appspec -h shows the flags and an example")
			a.Usage("arguments", fmt.Sprintf("none are taken beside flags, got %d", len(args)), help)
			return
		}
		a.NotEmpty("taskdef", "container", "port", "task-definition", "subnets", "security-groups", "assign-public-ip",
			"platform-version", "output", "check", "hook", "capacity-provider")
		var task *taskdef.Task // nil where there is none, or none that can be read
		if read, ok := cli.Parse(a.Run, a.taskdef, taskdef.Read); ok {
			task = &read
		}
		if a.check != "" {
			a.checkOnly(task)
		} else {
			a.build(task)
		}
	}))
}

type appspecRun struct {
	*cli.Run
	options
	flags *cli.Command
}

// checkOnly checks an AppSpec that exists. Flags that would build one make no sense beside it.
func (a *appspecRun) checkOnly(task *taskdef.Task) {
	const building = "hook capacity-provider subnets security-groups assign-public-ip platform-version " +
		"task-definition output"
	for name := range strings.FieldsSeq(building) {
		if a.flags.Given(name) {
			a.Usage("--"+name, "makes no sense beside --check, which writes nothing", "")
		}
	}
	port := a.portFlag()
	text, ok := a.Read(a.check)
	if !ok {
		return
	}
	s, problems := appspec.Read(cli.Name(a.check), text)
	a.Add(problems...)
	a.Add(s.Check(task)...)
	if len(s.Hooks) == 0 && !a.Failed() {
		a.unjudged(diagnostic.Place{File: cli.Name(a.check)})
	}
	a.compare(a.value("container", a.container), s.Container, "ContainerName")
	a.compare(port, s.Port, "ContainerPort")
}

// unjudged warns of an AppSpec without hooks.
func (a *appspecRun) unjudged(at diagnostic.Place) {
	a.Add(diagnostic.Problem{
		Place: at, Severity: diagnostic.Warning, Rule: "hooks",
		Text: "there are no hooks: nobody judges the new release before it serves production",
		Help: "--hook AfterAllowTestTraffic=CodeDeployHook_NAME_AfterAllowTestTraffic",
	})
}

// compare reports a flag that contradicts what the AppSpec has. What is missing there has been reported.
func (a *appspecRun) compare(flag, has appspec.Value, key string) {
	if flag.Text != "" && !flag.Wrong && has.Text != "" && !has.Wrong && flag.Text != has.Text {
		a.rule(flag.Place, "is not the "+key+" of the AppSpec", "it is "+template.Quote(has.Text))
	}
}

// build makes an AppSpec of the flags, checks it like one that was read, and writes it.
func (a *appspecRun) build(task *taskdef.Task) {
	if a.out != "-" && cli.SameFile(a.out, a.taskdef) {
		a.Usage("--output", "would overwrite the task definition", "write to another file: -o FILE")
	}
	s := a.spec(task)
	a.Add(s.Check(task)...)
	if len(a.hooks) == 0 && !a.Failed() {
		a.unjudged(diagnostic.Place{Flag: "--hook"})
	}
	if a.Failed() {
		return
	}
	data := s.YAML()
	if strings.HasSuffix(strings.ToLower(a.out), ".json") {
		data = s.JSON()
	}
	a.Write(cli.Output{Name: a.out, Data: data})
}

// value is a flag's value with the flag as place. One that is empty has been reported.
func (a *appspecRun) value(flag, text string) appspec.Value {
	if text == "" && !a.flags.Given(flag) {
		return appspec.Value{}
	}
	return appspec.Value{Text: text, Place: diagnostic.Place{Flag: "--" + flag}, Wrong: text == ""}
}

// spec makes an AppSpec of the flags.
func (a *appspecRun) spec(task *taskdef.Task) appspec.Spec {
	s := appspec.Spec{
		Place:           diagnostic.Place{Flag: "--capacity-provider"}, // the one thing that may be missing
		TaskDefinition:  a.value("task-definition", a.taskDefinition),
		PlatformVersion: a.value("platform-version", a.platformVersion),
		Network:         a.network(),
	}
	s.Container, s.Port = a.target(task)
	for _, p := range a.providers {
		s.Providers = append(s.Providers, a.provider(p))
	}
	if len(s.Providers) == 1 && s.Providers[0].Weight == (appspec.Value{}) {
		// ECS's own default is 0, with which it places no task beyond the base.
		s.Providers[0].Weight.Text = "1"
	}
	for _, h := range a.hooks {
		event, function, ok := strings.Cut(h, "=")
		switch at := (diagnostic.Place{Flag: "--hook"}); {
		case h == "": // has been reported
		case !ok:
			a.Usage("--hook", "want EVENT=FUNCTION", "--hook AfterAllowTestTraffic=CodeDeployHook_NAME_AfterAllowTestTraffic")
		default:
			s.Hooks = append(s.Hooks, appspec.Hook{
				Event: appspec.Value{Text: event, Place: at}, Function: appspec.Value{Text: function, Place: at},
			})
		}
	}
	return s
}

// target is the container and port: from the flags, and where they are silent from the task definition,
// when it leaves no choice. What is not known has been asked for, and is Wrong.
func (a *appspecRun) target(task *taskdef.Task) (container, port appspec.Value) {
	container, port = a.value("container", a.container), a.portFlag()
	missing := func(v appspec.Value) bool { return v.Text == "" && !v.Wrong }
	if task != nil && missing(container) && !port.Wrong { // a port would have told which one
		container = a.onlyContainer(task, port.Text)
	}
	if task != nil && missing(port) {
		port = a.onlyPort(task, container.Text)
	}
	for _, f := range []struct {
		flag  string
		value *appspec.Value
	}{{"--container", &container}, {"--port", &port}} {
		if !missing(*f.value) {
			continue
		}
		if f.value.Wrong = true; a.taskdef == "" && !a.flags.Given("taskdef") {
			a.Usage(f.flag, "is not given, and there is no --taskdef to take it from", "render-appspec --taskdef taskdef.json")
		}
	}
	return container, port
}

// portFlag is the value of --port.
func (a *appspecRun) portFlag() appspec.Value {
	port := a.value("port", a.port)
	if _, ok := appspec.Port(a.port); !ok && a.port != "" {
		a.Usage("--port", "want a whole number from 1 to 65535", "")
		port.Wrong = true
	}
	return port
}

// onlyPort returns the one port of a container.
func (a *appspecRun) onlyPort(task *taskdef.Task, name string) (port appspec.Value) {
	c, ok := task.Container(name)
	switch {
	case !ok: // has been asked for, or is what is wrong
	case len(c.Ports) == 0:
		a.rule(c.Place, "container "+template.Quote(c.Name)+" has no port for the load balancer", appspec.PortHelp(c))
	case len(c.Ports) > 1:
		a.Usage("--port", fmt.Sprintf("which port? container %s has %d", template.Quote(c.Name), len(c.Ports)),
			appspec.PortHelp(c))
	default:
		port = appspec.Value{Text: strconv.Itoa(c.Ports[0].Number), Place: c.Ports[0].Place}
	}
	return port
}

// rule reports that two things that are right for themselves do not fit together.
func (a *appspecRun) rule(at diagnostic.Place, text, help string) {
	a.Add(diagnostic.Problem{Place: at, Rule: "load-balancer", Text: text, Help: help})
}

// onlyContainer returns the one container with a port, or with the port asked for.
func (a *appspecRun) onlyContainer(task *taskdef.Task, port string) (found appspec.Value) {
	var names, others []string
	ranges := ""
	number, _ := strconv.Atoi(port)
	for _, c := range task.Containers {
		has := "container " + template.Quote(c.Name) + ": " + appspec.PortHelp(c)
		if others = append(others, has); len(c.Ranges) > 0 {
			ranges = cmp.Or(ranges, has)
		}
		if len(c.Ports) > 0 && (port == "" || c.HasPort(number)) {
			found = appspec.Value{Text: c.Name, Place: c.Place}
			names = append(names, template.Unquoted(c.Name))
		}
	}
	switch {
	case len(names) == 1:
		return found
	case len(names) == 0 && port != "":
		a.rule(diagnostic.Place{Flag: "--port"}, "no container of the task definition maps it",
			strings.Join(others[:min(len(others), 10)], "; "))
	case len(names) == 0:
		a.rule(task.Place, "no container has a port for the load balancer", cmp.Or(ranges, "give it portMappings"))
	default:
		a.Usage("--container", "which container? these have a port: "+strings.Join(names, ", "), "")
	}
	return appspec.Value{}
}

func (a *appspecRun) network() *appspec.Network {
	if a.subnets == "" && a.securityGroups == "" && a.assignPublicIP == "" {
		return nil
	}
	return &appspec.Network{
		Place: diagnostic.Place{Flag: "--subnets"}, AssignPublicIP: a.value("assign-public-ip", a.assignPublicIP),
		Subnets: a.listed("subnets", a.subnets), SecurityGroups: a.listed("security-groups", a.securityGroups),
	}
}

func (a *appspecRun) listed(flag, text string) []appspec.Value {
	all := a.value(flag, text)
	if all == (appspec.Value{}) {
		return nil
	}
	var values []appspec.Value
	for item := range strings.SplitSeq(text, ",") {
		values = append(values, appspec.Value{Text: strings.TrimSpace(item), Place: all.Place, Wrong: all.Wrong})
	}
	return values
}

// provider reads NAME[:weight=N][,base=N]; both separators are understood before both keys.
func (a *appspecRun) provider(text string) appspec.Provider {
	const flag = "--capacity-provider"
	at := diagnostic.Place{Flag: flag}
	wrong := appspec.Value{Wrong: true}
	p := appspec.Provider{Name: wrong, Weight: wrong, Base: wrong}
	parts := strings.Split(strings.ReplaceAll(text, ":", ","), ",")
	switch {
	case text == "": // has been reported
		return p
	case parts[0] == "" || strings.Contains(parts[0], "="):
		a.Usage(flag, "want NAME[:weight=N][,base=N]", "")
		return p
	}
	p = appspec.Provider{Name: appspec.Value{Text: parts[0], Place: at}}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		number := &p.Base
		if key == "weight" {
			number = &p.Weight
		}
		switch n, err := strconv.Atoi(value); {
		case err != nil || strings.Trim(value, "0123456789") != "" || key != "weight" && key != "base":
			a.Usage(flag, template.Quote(part)+" is not weight=N or base=N", "")
			p.Weight, p.Base = wrong, wrong
		case *number != (appspec.Value{}) && !number.Wrong:
			a.Usage(flag, template.Quote(part)+" is a second "+key, "")
			*number = wrong
		case !number.Wrong:
			*number = appspec.Value{Text: strconv.Itoa(n), Place: at}
		}
	}
	return p
}

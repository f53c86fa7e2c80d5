package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/command"
	"github.com/greenlight-ecs/greenlight/pkg/renderer"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// options are the flags.
type options struct {
	out, check, taskdef                                      string
	container, port, taskDefinition                          string
	hooks, providers                                         []string
	subnets, securityGroups, assignPublicIP, platformVersion string
}

func spec() command.Spec {
	return command.Spec{
		Name:      "render-appspec",
		Arguments: "[flags]",
		About: `Writes the AppSpec of an Amazon ECS blue/green deployment, checked against the rendered task definition,
or checks an existing one (--check). It talks to nobody, and writes nothing when something is wrong.

Name the service's capacity provider: a deployment whose AppSpec does not name it takes it away from the service.`,
		Example: `render-appspec --taskdef taskdef.json --hook AfterAllowTestTraffic=CodeDeployHook_trip_AfterAllowTestTraffic \
    --hook BeforeAllowTraffic=CodeDeployHook_trip_BeforeAllowTraffic --capacity-provider trip-asg:weight=1
render-appspec --check appspec.yaml --taskdef taskdef.json`,
		Exit: renderer.ExitHelp,
	}
}

func (o *options) flags(flags *command.Flags) {
	flags.String(&o.taskdef, "taskdef", "", "take container and port from this rendered task definition `FILE`, and check against it")
	flags.String(&o.container, "container", "", "the container `NAME` that the load balancer reaches")
	flags.String(&o.port, "port", "", "its containerPort `N`")
	flags.String(&o.taskDefinition, "task-definition", appspec.Placeholder, "the `ARN`; the default is what CodePipeline replaces")
	flags.List(&o.hooks, "hook", "run a Lambda function: `EVENT=FUNCTION` (name or ARN); repeatable")
	flags.List(&o.providers, "capacity-provider", "`NAME[:weight=N][,base=N]`; repeatable")
	flags.String(&o.subnets, "subnets", "", "`A,B`: with --security-groups and --assign-public-ip, or none of the three")
	flags.String(&o.securityGroups, "security-groups", "", "`A,B`")
	flags.String(&o.assignPublicIP, "assign-public-ip", "", "`ENABLED|DISABLED`")
	flags.String(&o.platformVersion, "platform-version", "", "Fargate's `VERSION`, or LATEST")
	flags.String(&o.out, "output", "appspec.yaml", "write to `FILE`: YAML, or JSON when it ends in .json; - is stdout")
	flags.Short("o", "output")
	flags.String(&o.check, "check", "", "check this AppSpec `FILE` and write nothing")
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := spec()
	flags := s.Flags()
	var o options
	o.flags(flags)
	r := &renderer.Run{Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if !r.Parse(s, flags, args) {
		return r.End()
	}
	if len(flags.Args()) != 0 {
		r.Usage("arguments", fmt.Sprintf("none are taken beside flags, got %d", len(flags.Args())), "render-appspec -h shows the flags and an example")
		return r.End()
	}
	a := appspecRun{Run: r, options: o, flags: flags}
	a.NotEmpty(flags, "taskdef", "container", "port", "task-definition", "subnets", "security-groups", "assign-public-ip",
		"platform-version", "output", "check", "hook", "capacity-provider")
	task := a.readTask()
	if o.check != "" {
		a.checkOnly(task)
	} else {
		a.build(task)
	}
	return r.End()
}

type appspecRun struct {
	*renderer.Run
	options
	flags *command.Flags
}

// readTask reads the task definition; nil when there is none, or none that can be read.
func (a *appspecRun) readTask() *taskdef.Task {
	if a.taskdef == "" {
		return nil
	}
	text, ok := a.Read(a.taskdef)
	if !ok {
		return nil
	}
	task, problems := taskdef.Read(renderer.Name(a.taskdef), text)
	a.Add(problems...)
	if len(problems) > 0 {
		return nil
	}
	return &task
}

// checkOnly checks an AppSpec that exists. Flags that would build one make no sense beside it.
func (a *appspecRun) checkOnly(task *taskdef.Task) {
	for _, name := range []string{"hook", "capacity-provider", "subnets", "security-groups", "assign-public-ip", "platform-version", "task-definition", "output"} {
		if a.flags.Given(name) {
			a.Usage("--"+name, "makes no sense beside --check, which writes nothing", "")
		}
	}
	port := a.portFlag()
	text, ok := a.Read(a.check)
	if !ok {
		return
	}
	s, problems := appspec.Read(renderer.Name(a.check), text)
	a.Add(problems...)
	a.Add(s.Check(task)...)
	a.compare(a.value("container", a.container), s.Container, "ContainerName")
	a.compare(port, s.Port, "ContainerPort")
}

// compare reports a flag that contradicts what the AppSpec has. What is missing there has been reported.
func (a *appspecRun) compare(flag, has appspec.Value, key string) {
	if flag.Text != "" && !flag.Wrong && has.Text != "" && !has.Wrong && flag.Text != has.Text {
		a.rule(flag.Place, "is not the "+key+" of the AppSpec", "it is "+template.Quote(has.Text))
	}
}

// build makes an AppSpec of the flags, checks it like one that was read, and writes it.
func (a *appspecRun) build(task *taskdef.Task) {
	if a.out != "-" && renderer.SameFile(a.out, a.taskdef) {
		a.Usage("--output", "would overwrite the task definition", "write to another file: -o FILE")
	}
	s := a.spec(task)
	a.Add(s.Check(task)...)
	if a.Failed() {
		return
	}
	data := s.YAML()
	if strings.HasSuffix(strings.ToLower(a.out), ".json") {
		data = s.JSON()
	}
	a.Write(renderer.Output{Name: a.out, Data: data})
}

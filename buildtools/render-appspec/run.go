package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
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

// command is the command line, whose flags go to o.
func command(o *options) *cli.Command {
	c := &cli.Command{
		Name:      "render-appspec",
		Arguments: "[flags]",
		About: `Writes the AppSpec of an Amazon ECS blue/green deployment: checks it against the
rendered task definition, or an existing one with --check. It talks to nobody,
and writes nothing when something is wrong.

Name the service's capacity provider: a deployment whose AppSpec does not name
it takes it away from the service.`,
		Example: `render-appspec --taskdef taskdef.json --capacity-provider trip-asg:weight=1 \
    --hook AfterAllowTestTraffic=CodeDeployHook_trip_AfterAllowTestTraffic \
    --hook BeforeAllowTraffic=CodeDeployHook_trip_BeforeAllowTraffic
render-appspec --check appspec.yaml --taskdef taskdef.json`,
		Exit: cli.RendererExit,
	}
	f := c.Group("output")
	f.StringVarP(&o.out, "output", "o", "appspec.yaml",
		"`FILE`: where the result goes, as JSON when it ends in .json; - is stdout")
	f.StringVar(&o.check, "check", "", "`FILE`: check this AppSpec, and write nothing")
	f = c.Group("what is deployed")
	f.StringVar(&o.taskdef, "taskdef", "",
		"`FILE`: a rendered task definition, from which container and port come, or against which they are checked")
	f.StringVar(&o.container, "container", "", "`NAME`: the container that the load balancer reaches")
	f.StringVar(&o.port, "port", "", "`N`: its containerPort")
	f.StringVar(&o.taskDefinition, "task-definition", appspec.Placeholder,
		"`ARN`: the default, <TASK_DEFINITION>, is what CodePipeline replaces")
	f.StringArrayVar(&o.hooks, "hook", nil,
		"`EVENT=FUNCTION`: run a Lambda function (name or ARN) at a lifecycle event")
	f = c.Group("where it runs")
	f.StringArrayVar(&o.providers, "capacity-provider", nil,
		"`NAME[:weight=N][,base=N]`: the service's, or what replaces it")
	f.StringVar(&o.subnets, "subnets", "", "`A,B`: of tasks with a network of their own, together with the next two")
	f.StringVar(&o.securityGroups, "security-groups", "", "`A,B`: of those tasks")
	f.StringVar(&o.assignPublicIP, "assign-public-ip", "", "`ENABLED|DISABLED`: whether they get a public address")
	f.StringVar(&o.platformVersion, "platform-version", "", "`VERSION`: Fargate's, or LATEST")
	return c
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := appspecRun{Run: &cli.Run{Stdin: stdin, Stdout: stdout, Stderr: stderr}}
	a.flags = command(&a.options)
	return a.Execute(a.flags, args, func(args []string) {
		if len(args) != 0 {
			help := cmp.Or(a.flags.Near(args[0]), "render-appspec -h shows the flags and an example")
			a.Usage("arguments", fmt.Sprintf("none are taken beside flags, got %d", len(args)), help)
			return
		}
		a.NotEmpty("taskdef", "container", "port", "task-definition", "subnets", "security-groups", "assign-public-ip",
			"platform-version", "output", "check", "hook", "capacity-provider")
		task := a.readTask()
		if a.check != "" {
			a.checkOnly(task)
		} else {
			a.build(task)
		}
	})
}

type appspecRun struct {
	*cli.Run
	options
	flags *cli.Command
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
	task, problems := taskdef.Read(cli.Name(a.taskdef), text)
	a.Add(problems...)
	if len(problems) > 0 {
		return nil
	}
	return &task
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

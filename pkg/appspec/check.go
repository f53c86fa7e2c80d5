package appspec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Check returns what CodeDeploy or ECS would refuse, or silently do otherwise, also against the task, which may be nil.
func (s Spec) Check(task *taskdef.Task) diagnostic.List {
	c := checker{spec: s, task: task}
	for _, check := range []func(){c.taskDefinition, c.loadBalancer, c.platform, c.network, c.providers, c.hooks} {
		check()
	}
	return c.problems
}

// CheckTarget checks only the container and port: what a renderer of the task definition can answer for.
func (s Spec) CheckTarget(task taskdef.Task) diagnostic.List {
	c := checker{spec: s, task: &task}
	c.loadBalancer()
	return c.problems
}

type checker struct {
	spec     Spec
	task     *taskdef.Task
	rule     string // the one that is being checked
	problems diagnostic.List
}

func (c *checker) fail(v Value, text, help string) { c.report(diagnostic.Error, v, text, help) }

func (c *checker) warn(v Value, text, help string) { c.report(diagnostic.Warning, v, text, help) }

// report says nothing more about what could not be understood.
func (c *checker) report(severity diagnostic.Severity, v Value, text, help string) {
	if place := cmp.Or(v.Place, c.spec.Place); !v.Wrong {
		c.problems = append(c.problems,
			diagnostic.Problem{Place: place, Severity: severity, Rule: c.rule, Text: text, Help: help})
	}
}

// quoted shows the text in a message.
func (v Value) quoted() string { return template.Quote(v.Text) }

func (c *checker) taskDefinition() {
	c.rule = "task-definition"
	v := c.spec.TaskDefinition
	const help = Placeholder + " in a pipeline, or arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION"
	family, fault := taskDefinitionFault(v.Text)
	switch {
	case v.Text == Placeholder:
	case v.Text == "":
		c.fail(v, "TaskDefinition is missing", help)
	case strings.Contains(v.Text, "<"):
		c.fail(v, "TaskDefinition is "+v.quoted()+"; CodePipeline replaces exactly "+Placeholder, "")
	case fault != "":
		c.fail(v, "TaskDefinition "+v.quoted()+" "+fault, help)
	default:
		if strings.HasSuffix(v.Text, "/"+family) {
			c.warn(v, "TaskDefinition "+v.quoted()+" has no revision",
				"ECS takes the newest one at that moment, which may be another release's: "+help)
		}
		if c.task != nil && c.task.Family != "" && c.task.Family != family {
			c.warn(v, "TaskDefinition is of family "+template.Quote(family)+", the task definition given of another one", "")
		}
	}
}

// taskDefinitionFault checks the ARN of a task definition and returns its family.
func taskDefinitionFault(s string) (family, fault string) {
	a, fault := taskdef.ParseARN(s)
	resource, ok := strings.CutPrefix(a.Resource, "task-definition/")
	family, revision, hasRevision := strings.Cut(resource, ":")
	switch {
	case fault != "":
		return "", fault
	case a.Service != "ecs" || !ok || family == "":
		return "", "is not the ARN of a task definition"
	case a.Located() != "":
		return "", a.Located()
	case !taskdef.IsName(family):
		return "", "has a family that is not " + taskdef.NameHelp
	case hasRevision && (!isWhole(revision) || revision == "0"):
		return "", "has a revision that is not a whole number from 1 on"
	}
	return family, ""
}

// letters are what names in ECS and in Lambda consist of.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// isWhole reports whether s is a whole number as every reader of YAML and JSON writes it: 080 is octal for some.
func isWhole(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

// Port returns the number that s writes, if it is that of a port.
func Port(s string) (number int, ok bool) {
	number, err := strconv.Atoi(s)
	return number, err == nil && isWhole(s) && number >= 1 && number <= 65535
}

func (c *checker) loadBalancer() {
	c.rule = "load-balancer"
	name, port := c.spec.Container, c.spec.Port
	number, isPort := Port(port.Text)
	switch {
	case isPort:
	case port.Text == "":
		c.fail(port, "ContainerPort is missing", "")
	default:
		c.fail(port, "ContainerPort is "+port.quoted()+", want "+wantPort, "")
	}
	container, ok := c.container()
	if ok && isPort && !container.HasPort(number) && !container.PortsUnclear {
		c.fail(port, fmt.Sprintf("container %s has no containerPort %d", name.quoted(), number), PortHelp(container))
	}
}

// container checks the container's name, and returns what the task definition has under it.
func (c *checker) container() (found taskdef.Container, ok bool) {
	name := c.spec.Container
	if name.Text == "" {
		c.fail(name, "ContainerName is missing", "the container that the load balancer reaches")
		return found, false
	}
	task := c.task
	var known, shown []string
	if task != nil {
		for _, k := range task.Containers {
			known, shown = append(known, k.Name), append(shown, k.Shown)
		}
		found, ok = task.Container(name.Text)
	}
	near, isNear := diagnostic.Nearest(name.Text, known)
	text, help := "", ""
	switch {
	case !taskdef.IsName(name.Text):
		text, help = "is not a name that ECS takes", taskdef.NameHelp
	case task != nil && !ok:
		text, help = "is not a container of the task definition", "its containers are "+strings.Join(shown, ", ")
	default:
		return found, ok
	}
	if isNear {
		help = "did you mean " + shown[slices.Index(known, near)] + "?"
	}
	c.fail(name, "ContainerName "+name.quoted()+" "+text, help)
	return found, ok
}

// PortHelp says what a container has in place of the containerPort that is looked for.
func PortHelp(container taskdef.Container) string {
	var has []string
	for _, p := range container.Ports {
		has = append(has, p.Shown)
	}
	switch {
	case len(has) > 0:
		return "it has " + strings.Join(has, ", ")
	case len(container.Ranges) > 0:
		ranges := template.Unquoted(strings.Join(container.Ranges, ", "))
		return "it has the containerPortRange " + ranges + ": a load balancer needs a containerPort"
	}
	return "it has no portMappings"
}

func (c *checker) platform() {
	c.rule = "platform-version"
	v := c.spec.PlatformVersion
	if v == (Value{}) {
		return
	}
	if parts := strings.Split(v.Text, "."); v.Text != "LATEST" &&
		(len(parts) != 3 || strings.Trim(v.Text, "0123456789.") != "" || slices.Contains(parts, "")) {
		c.fail(v, "PlatformVersion "+v.quoted()+" is neither LATEST nor like 1.4.0", "")
	}
	if why := c.notFargate(); why != "" {
		c.fail(v, "PlatformVersion is for Fargate only, and "+why, "")
	}
}

// notFargate says why the tasks do not run on Fargate, or returns "".
func (c *checker) notFargate() string {
	if c.task != nil && !c.task.Fargate {
		return "the task definition is not"
	}
	own := Value{}
	for _, p := range c.spec.Providers {
		switch {
		case isFargate(p.Name.Text):
			return "" // the two do not mix, which has its own rule
		case own.Text == "" && providerFault(p.Name) == "":
			own = p.Name
		}
	}
	if own.Text != "" {
		return "capacity provider " + own.quoted() + " is not"
	}
	return ""
}

func (c *checker) network() {
	c.rule = "network"
	n := c.spec.Network
	if n == nil {
		return
	}
	at := Value{Place: n.Place}
	const missing = " is missing: the network is all three of Subnets, SecurityGroups and AssignPublicIp, or none"
	for _, l := range []struct {
		key, prefix string
		values      []Value
		most        int
	}{{"Subnets", "subnet-", n.Subnets, 16}, {"SecurityGroups", "sg-", n.SecurityGroups, 5}} {
		switch {
		case len(l.values) == 0:
			c.fail(at, l.key+missing, "")
		case len(l.values) > l.most:
			c.fail(at, fmt.Sprintf("%d %s, ECS takes %d", len(l.values), l.key, l.most), "")
		}
		for _, v := range l.values {
			if id, ok := strings.CutPrefix(v.Text, l.prefix); !ok || id == "" || strings.Trim(id, "0123456789abcdef") != "" {
				c.fail(v, v.quoted()+" does not belong in "+l.key, "ids begin with "+l.prefix+" and are hexadecimal")
			}
		}
	}
	switch ip := n.AssignPublicIP; {
	case ip.Wrong:
	case ip.Text == "":
		c.fail(at, "AssignPublicIp"+missing, "")
	case ip.Text == "ENABLED" && c.notFargate() != "":
		c.fail(ip, "AssignPublicIp ENABLED is for Fargate only, and "+c.notFargate(), "DISABLED")
	case ip.Text != "ENABLED" && ip.Text != "DISABLED":
		c.fail(ip, "AssignPublicIp is "+ip.quoted()+", want ENABLED or DISABLED", "")
	}
	if c.task != nil && c.task.NetworkMode != "awsvpc" {
		c.fail(at, "a network configuration needs a task definition with networkMode awsvpc", "")
	}
}

func (c *checker) providers() {
	c.rule = "capacity-provider"
	all := c.spec.Providers
	if len(all) == 0 {
		if c.task != nil && c.task.Instances {
			c.warn(Value{}, "no capacity provider: a service that has one loses it with this deployment",
				"name the service's own: --capacity-provider NAME; nothing to do where it has only a launch type")
		}
		return
	}
	seen := map[string]bool{}
	fargate, others := false, false
	for _, p := range all {
		switch fault := providerFault(p.Name); {
		case p.Name.Text == "":
			c.fail(p.Name, "CapacityProvider is missing", "")
		case fault != "":
			c.fail(p.Name, "capacity provider "+p.Name.quoted()+" "+fault, taskdef.NameHelp+"; or FARGATE, FARGATE_SPOT")
		case seen[p.Name.Text]:
			c.fail(p.Name, "capacity provider "+p.Name.quoted()+" is named twice", "")
		default:
			seen[p.Name.Text] = true
			fargate, others = fargate || isFargate(p.Name.Text), others || !isFargate(p.Name.Text)
		}
	}
	c.weights()
	switch {
	case fargate && others:
		c.fail(all[0].Name, "Fargate's capacity providers and an Auto Scaling group's do not mix", "")
	case fargate && c.task != nil && !c.task.Fargate:
		c.fail(all[0].Name, "capacity provider "+all[0].Name.quoted()+", but the task definition is not for Fargate",
			`"requiresCompatibilities": ["FARGATE"]`)
	}
	if len(all) > 20 {
		c.fail(all[20].Name, fmt.Sprintf("%d capacity providers, ECS takes 20", len(all)), "")
	}
}

func isFargate(provider string) bool { return provider == "FARGATE" || provider == "FARGATE_SPOT" }

// providerFault says why ECS has no capacity provider of the name: the end of a sentence, or "" for a good one.
func providerFault(name Value) string {
	lower := strings.ToLower(name.Text)
	switch {
	case isFargate(name.Text):
		return ""
	case name.Wrong || !taskdef.IsName(name.Text):
		return "is not a name that ECS takes"
	case strings.HasPrefix(lower, "fargate"), strings.HasPrefix(lower, "aws"), strings.HasPrefix(lower, "ecs"):
		return "begins with aws, ecs or fargate, which is AWS's own"
	}
	return ""
}

// weights checks how the tasks are shared among the capacity providers.
func (c *checker) weights() {
	all := c.spec.Providers
	bases, weights, clear := 0, 0, true
	for _, p := range all {
		weight, ok := c.within(p.Weight, "Weight", 1000, wantWeight)
		base, known := c.within(p.Base, "Base", 100_000, wantBase)
		weights, clear = weights+weight, clear && ok && known
		if base > 0 {
			if bases++; bases > 1 {
				c.fail(p.Base, "a second capacity provider with a Base: only one may have it", "")
			}
		}
	}
	switch first := all[0]; {
	case !clear || weights > 0 || first.Name.Text == "":
	case len(all) > 1:
		c.fail(first.Name, "no capacity provider has a Weight above 0: no task could be placed", "NAME:weight=1")
	case bases == 0:
		c.warn(first.Name, "capacity provider "+first.Name.quoted()+
			" has neither a Weight nor a Base above 0: ECS places no task", "NAME:weight=1")
	}
}

// within returns a number, and reports it when it is none or above the limit.
func (c *checker) within(v Value, key string, most int, want string) (number int, ok bool) {
	if v.Wrong || v.Text == "" {
		return 0, !v.Wrong
	}
	number, err := strconv.Atoi(v.Text)
	if err != nil || !isWhole(v.Text) || number > most {
		c.fail(v, fmt.Sprintf("%s is %s, want %s", key, v.quoted(), want), "")
		return 0, false
	}
	return number, true
}

func (c *checker) hooks() {
	c.rule = "hooks"
	seen := map[string]bool{}
	for _, h := range c.spec.Hooks {
		event := h.Event.Text
		switch {
		case !slices.Contains(Events(), event):
			c.fail(h.Event, template.Quote(event)+" is not a lifecycle event that takes a hook", eventHelp(event))
		case seen[event]:
			c.fail(h.Event, "a second hook for "+event, "an event has one function")
		}
		seen[event] = true
		switch fault := functionFault(h.Function.Text); {
		case h.Function.Text == "":
			c.fail(h.Function, "the hook for "+template.Unquoted(event)+" has no function", "")
		case fault != "":
			c.fail(h.Function, "function "+h.Function.quoted()+" of "+template.Unquoted(event)+" "+fault,
				"a Lambda function's name or ARN")
		}
	}
}

func eventHelp(event string) string {
	if near, ok := diagnostic.Nearest(event, Events()); ok {
		return "did you mean " + near + "?"
	}
	switch event {
	case "Install", "AllowTestTraffic", "AllowTraffic", "Start", "End", "TestTraffic":
		return "CodeDeploy does that step itself; hooks are " + strings.Join(Events(), ", ")
	}
	return "hooks are " + strings.Join(Events(), ", ")
}

// functionFault checks a function's name, with or without a qualifier, or its ARN.
func functionFault(s string) string {
	if strings.HasPrefix(s, "arn:") {
		a, fault := taskdef.ParseARN(s)
		function, ok := strings.CutPrefix(a.Resource, "function:")
		switch {
		case fault != "":
			return fault
		case a.Service != "lambda" || !ok:
			return "is not the ARN of a Lambda function"
		case a.Located() != "":
			return a.Located()
		}
		s = function
	}
	base, qualifier, qualified := strings.Cut(s, ":")
	switch {
	case base == "" || strings.Trim(base, letters) != "" ||
		qualified && (qualifier == "" || strings.Trim(qualifier, letters+"$") != ""):
		return "is not a name that Lambda takes"
	case len(base) > 64:
		return "is longer than 64 characters"
	}
	return ""
}

package appspec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/arn"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/document"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// Check returns what CodeDeploy or ECS would refuse, or silently do otherwise. With a task definition the
// two are checked against one another; task may be nil.
func (s Spec) Check(task *taskdef.Task) diagnostic.List {
	c := checker{spec: s}
	c.taskDefinition(task)
	c.loadBalancer(task)
	c.platform(task)
	c.network(task)
	c.providers(task)
	c.hooks()
	return c.problems
}

type checker struct {
	spec     Spec
	problems diagnostic.List
}

func (c *checker) fail(v Value, rule, text, help string) {
	c.report(diagnostic.Error, v, rule, text, help)
}

func (c *checker) report(severity diagnostic.Severity, v Value, rule, text, help string) {
	place := v.Place
	if place == (diagnostic.Place{}) {
		place = c.spec.Place
	}
	c.problems = append(c.problems, diagnostic.Problem{
		Place: place, Severity: severity, Cause: diagnostic.Rule, Rule: rule, Text: text, Help: help,
	})
}

func (c *checker) taskDefinition(task *taskdef.Task) {
	v := c.spec.TaskDefinition
	const rule, help = "task-definition", Placeholder + " in a pipeline, or arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION"
	switch {
	case v.Text == Placeholder:
		return
	case v.Text == "":
		c.fail(v, rule, "TaskDefinition is missing", help)
		return
	case strings.Contains(v.Text, "<"):
		c.fail(v, rule, "TaskDefinition is "+document.Quote(v.Text)+"; CodePipeline replaces exactly "+Placeholder, "")
		return
	}
	family, fault := taskDefinitionFault(v.Text)
	if fault != "" {
		c.fail(v, rule, "TaskDefinition "+document.Quote(v.Text)+" "+fault, help)
		return
	}
	if task != nil && task.Family != "" && task.Family != family {
		c.report(diagnostic.Warning, v, rule, fmt.Sprintf("TaskDefinition is of family %s, the task definition given of another one", document.Quote(family)), "")
	}
}

// taskDefinitionFault checks the ARN of a task definition and returns its family.
func taskDefinitionFault(s string) (family, fault string) {
	a, fault := arn.Parse(s)
	if fault != "" {
		return "", fault
	}
	resource, ok := strings.CutPrefix(a.Resource, "task-definition/")
	family, revision, hasRevision := strings.Cut(resource, ":")
	switch {
	case a.Service != "ecs" || !ok || family == "":
		return "", "is not the ARN of a task definition"
	case a.Located() != "":
		return "", a.Located()
	case !hasRevision || strings.Trim(revision, "0123456789") != "" || revision == "":
		return "", "has no revision"
	}
	return family, ""
}

// The rules that a tool may have to leave out: TargetRule wants the container and the port, which are the task
// definition's; ProviderRule is about the capacity providers.
const (
	TargetRule   = "load-balancer"
	ProviderRule = "capacity-provider"
)

func (c *checker) loadBalancer(task *taskdef.Task) {
	name, port := c.spec.Container, c.spec.Port
	const rule = TargetRule
	if name.Text == "" {
		c.fail(name, rule, "ContainerName is missing", "the container that the load balancer reaches")
	}
	number, err := strconv.Atoi(port.Text)
	switch {
	case port.Text == "" && port.Place == (diagnostic.Place{}):
		c.fail(port, rule, "ContainerPort is missing", "")
	case port.Text == "": // reported as a wrong type
	case err != nil || number < 1 || number > 65535:
		c.fail(port, rule, "ContainerPort is "+document.Quote(port.Text)+", want 1 to 65535", "")
		err = strconv.ErrRange
	}
	if task == nil || name.Text == "" {
		return
	}
	container, ok := task.Container(name.Text)
	if !ok {
		var known []string
		for _, k := range task.Containers {
			known = append(known, k.Name)
		}
		help := "its containers are " + strings.Join(known, ", ")
		if near, ok := diagnostic.Nearest(name.Text, known); ok {
			help = "did you mean " + document.Quote(near) + "?"
		}
		c.fail(name, rule, "ContainerName "+document.Quote(name.Text)+" is no container of the task definition", help)
		return
	}
	if err == nil && !container.HasPort(number) {
		c.fail(port, rule, fmt.Sprintf("container %s has no containerPort %d", document.Quote(name.Text), number), portHelp(container))
	}
}

func portHelp(container taskdef.Container) string {
	if len(container.Ports) == 0 {
		return "it has no portMappings"
	}
	var ports []string
	for _, p := range container.Ports {
		ports = append(ports, strconv.Itoa(p.Number))
	}
	return "it has " + strings.Join(ports, ", ")
}

func (c *checker) platform(task *taskdef.Task) {
	v := c.spec.PlatformVersion
	if v.Text == "" {
		return
	}
	if parts := strings.Split(v.Text, "."); v.Text != "LATEST" && (len(parts) != 3 || strings.Trim(v.Text, "0123456789.") != "" || slices.Contains(parts, "")) {
		c.fail(v, "platform-version", "PlatformVersion "+document.Quote(v.Text)+" is neither LATEST nor like 1.4.0", "")
	}
	if task != nil && !task.Fargate {
		c.fail(v, "platform-version", "PlatformVersion is for Fargate only, and the task definition is not", "")
	}
}

func (c *checker) network(task *taskdef.Task) {
	n := c.spec.Network
	if n == nil {
		return
	}
	const rule = "network"
	at := Value{Place: n.Place}
	for _, l := range []struct {
		key, prefix string
		values      []Value
		most        int
	}{{"Subnets", "subnet-", n.Subnets, 16}, {"SecurityGroups", "sg-", n.SecurityGroups, 5}} {
		switch {
		case len(l.values) == 0:
			c.fail(at, rule, l.key+" is missing: the network is all three of Subnets, SecurityGroups and AssignPublicIp, or none", "")
		case len(l.values) > l.most:
			c.fail(at, rule, fmt.Sprintf("%d %s, ECS takes %d", len(l.values), l.key, l.most), "")
		}
		for _, v := range l.values {
			if id, ok := strings.CutPrefix(v.Text, l.prefix); !ok || id == "" || strings.Trim(id, "0123456789abcdef") != "" {
				c.fail(v, rule, document.Quote(v.Text)+" does not belong into "+l.key, "ids begin with "+l.prefix+" and are hexadecimal")
			}
		}
	}
	switch ip := n.AssignPublicIP; {
	case ip.Text == "":
		c.fail(at, rule, "AssignPublicIp is missing: the network is all three of Subnets, SecurityGroups and AssignPublicIp, or none", "")
	case ip.Text == "ENABLED" && task != nil && !task.Fargate:
		c.fail(ip, rule, "AssignPublicIp ENABLED is for Fargate only, and the task definition is not", "DISABLED")
	case ip.Text != "ENABLED" && ip.Text != "DISABLED":
		c.fail(ip, rule, "AssignPublicIp is "+document.Quote(ip.Text)+", want ENABLED or DISABLED", "")
	}
	if task != nil && task.NetworkMode != "awsvpc" {
		c.fail(at, rule, "a network configuration needs a task definition with networkMode awsvpc", "")
	}
}

func (c *checker) providers(task *taskdef.Task) {
	const rule = ProviderRule
	all := c.spec.Providers
	if len(all) == 0 {
		if task != nil && !task.Fargate {
			c.report(diagnostic.Warning, Value{}, rule, "no capacity provider: a service that has one loses it with this deployment",
				"name the service's own: --capacity-provider NAME; nothing to do where it has only a launch type")
		}
		return
	}
	seen := map[string]bool{}
	var bases, weights int
	fargate, others := false, false
	for _, p := range all {
		switch {
		case p.Name.Text == "":
			c.fail(p.Name, rule, "CapacityProvider is missing", "")
		case seen[p.Name.Text]:
			c.fail(p.Name, rule, "capacity provider "+document.Quote(p.Name.Text)+" is named twice", "")
		}
		seen[p.Name.Text] = true
		weights += c.within(p.Weight, "Weight", 1000)
		if c.within(p.Base, "Base", 100_000) > 0 {
			if bases++; bases > 1 {
				c.fail(p.Base, rule, "a second capacity provider with a Base: only one may have it", "")
			}
		}
		isFargate := p.Name.Text == "FARGATE" || p.Name.Text == "FARGATE_SPOT"
		fargate, others = fargate || isFargate, others || !isFargate
	}
	if len(all) > 1 && weights == 0 {
		c.fail(all[0].Name, rule, "no capacity provider has a Weight above 0: no task could be placed", "NAME:weight=1")
	}
	switch {
	case fargate && others:
		c.fail(all[0].Name, rule, "Fargate's capacity providers and an Auto Scaling group's do not mix", "")
	case fargate && task != nil && !task.Fargate:
		c.fail(all[0].Name, rule, "capacity provider "+document.Quote(all[0].Name.Text)+", but the task definition is not for Fargate", `"requiresCompatibilities": ["FARGATE"]`)
	}
	if len(all) > 20 {
		c.fail(all[20].Name, rule, fmt.Sprintf("%d capacity providers, ECS takes 20", len(all)), "")
	}
}

// within returns a number, and reports it when it is none or above the limit.
func (c *checker) within(v Value, key string, most int) int {
	if v.Text == "" {
		return 0
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < 0 || n > most {
		c.fail(v, ProviderRule, fmt.Sprintf("%s is %s, want 0 to %d", key, document.Quote(v.Text), most), "")
		return 0
	}
	return n
}

func (c *checker) hooks() {
	const rule = "hooks"
	seen := map[string]bool{}
	for _, h := range c.spec.Hooks {
		event := h.Event.Text
		switch {
		case !slices.Contains(Events(), event):
			c.fail(h.Event, rule, document.Quote(event)+" is no lifecycle event that takes a hook", eventHelp(event))
		case seen[event]:
			c.fail(h.Event, rule, "a second hook for "+event, "an event has one function")
		}
		seen[event] = true
		if fault := functionFault(h.Function.Text); fault != "" && h.Function.Text != "" {
			c.fail(h.Function, rule, "function "+document.Quote(h.Function.Text)+" of "+document.Unquoted(event)+" "+fault, "a Lambda function's name or ARN")
		} else if h.Function.Text == "" {
			c.fail(h.Function, rule, "the hook for "+document.Unquoted(event)+" has no function", "")
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
	name := s
	if arn.Is(s) {
		a, fault := arn.Parse(s)
		function, ok := strings.CutPrefix(a.Resource, "function:")
		switch {
		case fault != "":
			return fault
		case a.Service != "lambda" || !ok:
			return "is not the ARN of a Lambda function"
		case a.Located() != "":
			return a.Located()
		}
		name = function
	}
	base, qualifier, qualified := strings.Cut(name, ":")
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	switch {
	case base == "" || strings.Trim(base, letters) != "" || qualified && (qualifier == "" || strings.Trim(qualifier, letters+"$") != ""):
		return "is not a name that Lambda takes"
	case len(base) > 64:
		return "is longer than 64 characters"
	}
	return ""
}

// CheckTarget checks only that the container and port are the task's: what a renderer of the task
// definition can answer for.
func (s Spec) CheckTarget(task taskdef.Task) diagnostic.List {
	c := checker{spec: s}
	c.loadBalancer(&task)
	return c.problems
}

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/document"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// flagValue is a value with its flag as place.
func flagValue(flag, text string) appspec.Value {
	if text == "" {
		return appspec.Value{}
	}
	return appspec.Value{Text: text, Place: diagnostic.Place{Flag: flag}}
}

func (a *appspecRun) spec(task *taskdef.Task) appspec.Spec {
	s := appspec.Spec{
		Place:           diagnostic.Place{Flag: "--container"},
		TaskDefinition:  flagValue("--task-definition", a.taskDefinition),
		PlatformVersion: flagValue("--platform-version", a.platformVersion),
		Network:         a.network(),
	}
	if len(a.providers) == 0 {
		s.Place.Flag = "--capacity-provider"
	}
	s.Container, s.Port = a.target(task)
	for _, p := range a.providers {
		s.Providers = append(s.Providers, a.provider(p))
	}
	if len(s.Providers) == 1 && s.Providers[0].Weight.Text == "" {
		// ECS's own default is 0, with which it places no task beyond the base.
		s.Providers[0].Weight.Text = "1"
	}
	for _, h := range a.hooks {
		event, function, ok := strings.Cut(h, "=")
		if !ok {
			a.Usage("--hook", "want EVENT=FUNCTION", "--hook AfterAllowTestTraffic=CodeDeployHook_NAME_AfterAllowTestTraffic")
			continue
		}
		at := diagnostic.Place{Flag: "--hook"}
		s.Hooks = append(s.Hooks, appspec.Hook{Event: appspec.Value{Text: event, Place: at}, Function: appspec.Value{Text: function, Place: at}})
	}
	return s
}

// target is the container and port: from the flags, and where they are silent from the task definition,
// when it leaves no choice.
func (a *appspecRun) target(task *taskdef.Task) (container, port appspec.Value) {
	container, port = flagValue("--container", a.container), flagValue("--port", a.port)
	if n, err := strconv.Atoi(a.port); a.port != "" && (err != nil || strconv.Itoa(n) != a.port) {
		a.Usage("--port", "want a number from 1 to 65535", "")
	}
	if task == nil {
		for flag, v := range map[string]appspec.Value{"--container": container, "--port": port} {
			if v.Text == "" && a.taskdef == "" {
				a.Usage(flag, "is not given, and there is no --taskdef to take it from", "render-appspec --taskdef taskdef.json")
			}
		}
		return container, port
	}
	if container.Text == "" {
		c, ok := a.onlyContainer(task, port.Text)
		if !ok {
			return container, port
		}
		container = appspec.Value{Text: c.Name, Place: c.Place}
	}
	if c, ok := task.Container(container.Text); ok && port.Text == "" {
		if len(c.Ports) != 1 {
			a.Usage("--port", fmt.Sprintf("which port? container %s has %d", document.Quote(c.Name), len(c.Ports)), "")
			return container, port
		}
		port = appspec.Value{Text: strconv.Itoa(c.Ports[0].Number), Place: c.Ports[0].Place}
	}
	return container, port
}

// onlyContainer returns the one container with a port, or with the port asked for.
func (a *appspecRun) onlyContainer(task *taskdef.Task, port string) (taskdef.Container, bool) {
	var found []taskdef.Container
	var names []string
	number, _ := strconv.Atoi(port)
	for _, c := range task.Containers {
		if len(c.Ports) > 0 && (port == "" || c.HasPort(number)) {
			found = append(found, c)
			names = append(names, c.Name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], true
	case len(found) == 0 && port != "":
		a.Usage("--port", "no container of the task definition maps it", "")
	case len(found) == 0:
		a.Usage("--taskdef", "no container has a port for the load balancer", "give it portMappings")
	default:
		a.Usage("--container", "which container? these have a port: "+strings.Join(names, ", "), "")
	}
	return taskdef.Container{}, false
}

func (a *appspecRun) network() *appspec.Network {
	if a.subnets == "" && a.securityGroups == "" && a.assignPublicIP == "" {
		return nil
	}
	n := &appspec.Network{Place: diagnostic.Place{Flag: "--subnets"}, AssignPublicIP: flagValue("--assign-public-ip", a.assignPublicIP)}
	n.Subnets, n.SecurityGroups = listed("--subnets", a.subnets), listed("--security-groups", a.securityGroups)
	return n
}

func listed(flag, text string) []appspec.Value {
	if text == "" {
		return nil
	}
	var values []appspec.Value
	for _, item := range strings.Split(text, ",") {
		values = append(values, appspec.Value{Text: strings.TrimSpace(item), Place: diagnostic.Place{Flag: flag}})
	}
	return values
}

// provider reads NAME[:weight=N][,base=N]; both separators are understood before both keys.
func (a *appspecRun) provider(text string) appspec.Provider {
	const flag = "--capacity-provider"
	at := diagnostic.Place{Flag: flag}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ',' })
	if len(parts) == 0 || strings.Contains(parts[0], "=") {
		a.Usage(flag, "want NAME[:weight=N][,base=N]", "")
		return appspec.Provider{}
	}
	p := appspec.Provider{Name: appspec.Value{Text: parts[0], Place: at}}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || n < 0:
			a.Usage(flag, document.Quote(part)+" is not weight=N or base=N", "")
		case key == "weight":
			p.Weight = appspec.Value{Text: strconv.Itoa(n), Place: at}
		case key == "base":
			p.Base = appspec.Value{Text: strconv.Itoa(n), Place: at}
		default:
			a.Usage(flag, document.Quote(part)+" is not weight=N or base=N", "")
		}
	}
	return p
}

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

// spec makes an AppSpec of the flags. Unclear are the rules that have nothing to say, because the flags that
// they are about are wrong themselves.
func (a *appspecRun) spec(task *taskdef.Task) (s appspec.Spec, unclear []string) {
	s = appspec.Spec{
		Place:           diagnostic.Place{Flag: "--container"},
		TaskDefinition:  flagValue("--task-definition", a.taskDefinition),
		PlatformVersion: flagValue("--platform-version", a.platformVersion),
		Network:         a.network(),
	}
	if len(a.providers) == 0 {
		s.Place.Flag = "--capacity-provider"
	}
	known := false
	if s.Container, s.Port, known = a.target(task); !known {
		unclear = append(unclear, appspec.TargetRule)
	}
	for _, p := range a.providers {
		provider, ok := a.provider(p)
		if !ok {
			unclear = append(unclear, appspec.ProviderRule)
		}
		s.Providers = append(s.Providers, provider)
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
	return s, unclear
}

// target is the container and port: from the flags, and where they are silent from the task definition,
// when it leaves no choice. What is not known has been asked for.
func (a *appspecRun) target(task *taskdef.Task) (container, port appspec.Value, known bool) {
	container, port = flagValue("--container", a.container), flagValue("--port", a.port)
	if n, err := strconv.Atoi(a.port); a.port != "" && (err != nil || strconv.Itoa(n) != a.port) {
		a.Usage("--port", "want a number from 1 to 65535", "")
		return container, port, false
	}
	if task == nil {
		return container, port, a.bothGiven()
	}
	if container.Text == "" {
		c, ok := a.onlyContainer(task, port.Text)
		if !ok {
			return container, port, false
		}
		container = appspec.Value{Text: c.Name, Place: c.Place}
	}
	if c, ok := task.Container(container.Text); ok && port.Text == "" {
		if len(c.Ports) != 1 {
			a.Usage("--port", fmt.Sprintf("which port? container %s has %d", document.Quote(c.Name), len(c.Ports)), "")
			return container, port, false
		}
		port = appspec.Value{Text: strconv.Itoa(c.Ports[0].Number), Place: c.Ports[0].Place}
	}
	return container, port, true
}

// bothGiven reports whether container and port are known without a task definition, and asks for what is not.
func (a *appspecRun) bothGiven() bool {
	if a.taskdef == "" {
		for _, f := range []struct{ flag, value string }{{"--container", a.container}, {"--port", a.port}} {
			if f.value == "" {
				a.Usage(f.flag, "is not given, and there is no --taskdef to take it from", "render-appspec --taskdef taskdef.json")
			}
		}
	}
	return a.container != "" && a.port != ""
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
func (a *appspecRun) provider(text string) (p appspec.Provider, ok bool) {
	const flag = "--capacity-provider"
	at := diagnostic.Place{Flag: flag}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ',' })
	if len(parts) == 0 || strings.Contains(parts[0], "=") {
		a.Usage(flag, "want NAME[:weight=N][,base=N]", "")
		return p, false
	}
	p.Name, ok = appspec.Value{Text: parts[0], Place: at}, true
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || n < 0 || key != "weight" && key != "base":
			a.Usage(flag, document.Quote(part)+" is not weight=N or base=N", "")
			ok = false
		case key == "weight":
			p.Weight = appspec.Value{Text: strconv.Itoa(n), Place: at}
		default:
			p.Base = appspec.Value{Text: strconv.Itoa(n), Place: at}
		}
	}
	return p, ok
}

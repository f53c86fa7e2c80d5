package taskdef

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func (c *checker) mode() string { return c.root.Get("networkMode").Str() }

func networkMode(c *checker) {
	mode := c.root.Get("networkMode")
	if c.fargate && (mode == nil || mode.Kind == template.String && mode.Text != "awsvpc") {
		c.fail(cmp.Or(mode, c.root), "Fargate needs networkMode awsvpc", `"networkMode": "awsvpc"`)
	}
	for _, item := range c.root.Get("requiresCompatibilities").List() {
		if item.Str() == "EXTERNAL" && c.mode() == "awsvpc" {
			c.fail(mode, "external instances have no networkMode awsvpc", "bridge, host or none")
		}
	}
	for _, container := range c.containers {
		if ports := container.Get("portMappings"); c.mode() == "none" && len(ports.List()) > 0 {
			c.fail(ports, "networkMode none has no portMappings", "")
		}
		if c.mode() != "awsvpc" {
			if links := container.Get("links"); len(links.List()) > 0 && c.mode() != "bridge" && c.mode() != "" {
				c.fail(links, "links need networkMode bridge", "")
			}
			continue
		}
		for _, key := range []string{"links", "hostname", "extraHosts"} {
			if n := container.Get(key); n != nil && (len(n.Items) > 0 || n.Str() != "") {
				c.fail(n, "networkMode awsvpc has no "+key, "containers of a task reach one another on localhost")
			}
		}
	}
}

// The highest port, and the first of those from which a container instance assigns dynamic host ports.
const (
	maxPort        = 65535
	firstEphemeral = 32768
)

func ports(c *checker, container *template.Node) {
	for _, p := range container.Get("portMappings").List() {
		inside, host, portRange := p.Get("containerPort"), p.Get("hostPort"), p.Get("containerPortRange")
		switch {
		case p.Kind != template.Object:
			continue
		case inside == nil && portRange == nil:
			c.fail(p, "a port mapping without containerPort", "")
		case inside != nil && portRange != nil:
			c.fail(portRange, "a port mapping with containerPort and containerPortRange", "use one of them")
		}
		c.within(p, "containerPort", 1, maxPort)
		c.within(p, "hostPort", 0, maxPort)
		c.hostPort(container, inside, host)
		c.portRange(portRange, host)
		c.portName(p.Get("name"))
	}
}

// hostPort checks the port on the host: the same in awsvpc and host mode, free to choose in bridge mode.
func (c *checker) hostPort(container, inside, host *template.Node) {
	outer, ok := number(host)
	inner, known := number(inside)
	if !ok {
		return
	}
	switch c.mode() {
	case "awsvpc", "host":
		if known && outer != inner {
			c.fail(host, fmt.Sprintf("hostPort of container %s must be its containerPort (%s) in networkMode %s",
				name(container), inside.Show(), c.mode()), "leave hostPort out")
		}
	default:
		if outer == 22 || outer == 2375 || outer == 2376 || outer >= 51678 && outer <= 51680 {
			c.warn(host, "hostPort "+host.Show()+" is taken on every container instance (SSH, Docker, the ECS agent): "+
				"ECS registers it, and finds no place for a task", "0 lets Docker choose a port")
		} else if outer >= firstEphemeral && outer <= maxPort {
			c.warn(host, "hostPort "+host.Show()+" is among those that Docker gives to others",
				"take one below 32768, or 0 to let Docker choose")
		}
	}
}

func (c *checker) portName(n *template.Node) {
	if n == nil || n.Kind != template.String || n.Text == "" {
		return
	}
	if len(n.Text) > 64 || n.Text[0] == '-' || !consists(n.Text, lowerCase+digits+"-_") {
		c.fail(n, "port name "+n.Show()+" is not a name that ECS takes",
			"1 to 64 lower-case letters, digits, - and _, not first a -")
	}
}

// portConflicts finds two containers that want the same port of the address that they share.
func portConflicts(c *checker) {
	shared := "hostPort"
	if m := c.mode(); m == "awsvpc" || m == "host" {
		shared = "containerPort"
	}
	seen, names := map[string]*template.Node{}, map[string]bool{}
	for _, container := range c.containers {
		for _, p := range container.Get("portMappings").List() {
			if n := p.Get("name"); again(names, n) {
				c.fail(n, "a second port called "+n.Show(), "")
			}
			port, ok := number(p.Get(shared))
			if !ok || port == 0 {
				continue
			}
			key := strconv.Itoa(port) + "/" + protocol(p)
			if first, twice := seen[key]; twice {
				c.fail(p.Get(shared), fmt.Sprintf("%s %s/%s is already mapped by container %s",
					shared, p.Get(shared).Show(), protocol(p), name(first)), "")
				continue
			}
			seen[key] = container
		}
	}
}

// fargateOnly names what Fargate does not have.
func fargateOnly(c *checker) {
	if !c.fargate {
		return
	}
	no := func(n *template.Node, what string) {
		if n != nil {
			c.fail(n, "Fargate has no "+what, "")
		}
	}
	no(c.root.Get("ipcMode"), "ipcMode")
	if n := c.root.Get("pidMode"); n.Str() == "host" {
		no(n, "pidMode host")
	}
	if n := c.root.Get("placementConstraints"); len(n.List()) > 0 {
		no(n, "placementConstraints")
	}
	for _, v := range c.root.Get("volumes").List() {
		no(v.Get("dockerVolumeConfiguration"), "Docker volumes")
		no(v.Get("fsxWindowsFileServerVolumeConfiguration"), "FSx volumes")
		if path := v.Get("host").Get("sourcePath"); path.Str() != "" {
			no(path, "host paths")
		}
	}
	for _, container := range c.containers {
		if n := container.Get("privileged"); n != nil && n.Text == "true" {
			no(n, "privileged containers")
		}
		if n := container.Get("dockerSecurityOptions"); len(n.List()) > 0 {
			no(n, "dockerSecurityOptions")
		}
		linux := container.Get("linuxParameters")
		if n := linux.Get("devices"); len(n.List()) > 0 {
			no(n, "devices")
		}
		for _, n := range linux.Get("capabilities").Get("add").List() {
			if n.Kind == template.String && n.Text != "SYS_PTRACE" {
				c.fail(n, "Fargate adds no kernel capability but SYS_PTRACE, not "+n.Show(), "")
			}
		}
		for _, r := range container.Get("resourceRequirements").List() {
			if n := r.Get("type"); n.Str() == "GPU" {
				no(n, "GPUs")
			}
		}
		for _, key := range []string{"sharedMemorySize", "maxSwap", "swappiness"} {
			no(linux.Get(key), key)
		}
		c.within(container, "startTimeout", 2, 120)
		c.within(container, "stopTimeout", 2, 120)
		driver := container.Get("logConfiguration").Get("logDriver")
		switch driver.Str() {
		case "", "awslogs", "splunk", "awsfirelens":
		default:
			c.fail(driver, "Fargate has no log driver "+driver.Show(), "awslogs, splunk or awsfirelens")
		}
	}
}

// windows warns of what RegisterTaskDefinition's reference calls "not supported for Windows containers". Whether ECS
// refuses or ignores it, the reference does not say.
func windows(c *checker) {
	if !strings.HasPrefix(c.root.Get("runtimePlatform").Get("operatingSystemFamily").Str(), "WINDOWS") {
		return
	}
	for _, n := range append([]*template.Node{c.root}, c.containers...) {
		for _, key := range strings.Fields("pidMode ipcMode linuxParameters links user disableNetworking privileged " +
			"readonlyRootFilesystem dnsServers dnsSearchDomains extraHosts ulimits") {
			value := n.Get(key)
			if value != nil && (len(value.Items)+len(value.Members) > 0 || value.Text != "" && value.Text != "false") {
				c.warn(value, "Windows containers have no "+key, "")
			}
		}
	}
}

package taskdef

import (
	"cmp"
	"fmt"
	"slices"
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
		if n := p.Get("name"); n.Str() != "" && (len(n.Text) > 64 || n.Text[0] == '-' || !consists(n.Text, lowerCase+digits+"-_")) {
			c.fault(n, "port name", "is not a name that ECS takes", "1 to 64 lower-case letters, digits, - and _, not first a -")
		}
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
	for _, no := range []struct{ path, value, what string }{
		{"ipcMode", "", "ipcMode"},
		{"pidMode", "host", "pidMode host"},
		{"placementConstraints", "", "placementConstraints"},
		{"volumes.dockerVolumeConfiguration", "", "Docker volumes"},
		{"volumes.fsxWindowsFileServerVolumeConfiguration", "", "FSx volumes"},
		{"volumes.host.sourcePath", "", "host paths"},
		{"containerDefinitions.privileged", "true", "privileged containers"},
		{"containerDefinitions.dockerSecurityOptions", "", "dockerSecurityOptions"},
		{"containerDefinitions.linuxParameters.devices", "", "devices"},
		{"containerDefinitions.linuxParameters.sharedMemorySize", "", "sharedMemorySize"},
		{"containerDefinitions.linuxParameters.maxSwap", "", "maxSwap"},
		{"containerDefinitions.linuxParameters.swappiness", "", "swappiness"},
		{"containerDefinitions.resourceRequirements.type", "GPU", "GPUs"},
	} {
		for _, n := range at(c.root, no.path) {
			empty := n.Kind == template.Array && len(n.Items) == 0 || n.Kind == template.String && n.Text == ""
			if !empty && (no.value == "" || n.Text == no.value) {
				c.fail(n, "Fargate has no "+no.what, "")
			}
		}
	}
	for _, n := range at(c.root, "containerDefinitions.linuxParameters.capabilities.add") {
		for _, capability := range n.List() {
			if capability.Kind == template.String && capability.Text != "SYS_PTRACE" {
				c.fail(capability, "Fargate adds no kernel capability but SYS_PTRACE, not "+capability.Show(), "")
			}
		}
	}
	for _, driver := range at(c.root, "containerDefinitions.logConfiguration.logDriver") {
		if !slices.Contains([]string{"", "awslogs", "splunk", "awsfirelens"}, driver.Str()) {
			c.fail(driver, "Fargate has no log driver "+driver.Show(), "awslogs, splunk or awsfirelens")
		}
	}
	for _, container := range c.containers {
		c.within(container, "startTimeout", 2, 120)
		c.within(container, "stopTimeout", 2, 120)
	}
}

// windows warns of what the reference calls "not supported for Windows containers": refused or ignored, it does not say.
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

// maxRanges is how many containerPortRanges one container may have.
const maxRanges = 100

// span is what one port mapping takes of a container's ports.
type span struct {
	first, last int
	protocol    string
	container   *template.Node
}

// rangeOf reads a containerPortRange: "8000-8010".
func rangeOf(n *template.Node) (first, last int, ok bool) {
	low, high, ok := strings.Cut(n.Str(), "-")
	first, err1 := strconv.Atoi(low)
	last, err2 := strconv.Atoi(high)
	return first, last, ok && err1 == nil && err2 == nil && first >= 1 && last <= maxPort && first <= last
}

// protocol is a port mapping's, with ECS's default.
func protocol(mapping *template.Node) string { return cmp.Or(mapping.Get("protocol").Str(), "tcp") }

func (c *checker) portRange(portRange, host *template.Node) {
	if portRange == nil || portRange.Kind != template.String || portRange.Unknown() {
		return
	}
	switch _, _, ok := rangeOf(portRange); {
	case !ok:
		c.fault(portRange, "containerPortRange", "is not a range", `"8000-8010"`)
	case host != nil:
		c.fail(host, "hostPort makes no sense beside containerPortRange", "leave hostPort out")
	case c.mode() != "awsvpc" && c.mode() != "bridge" && c.mode() != "":
		c.fail(portRange, "containerPortRange needs networkMode awsvpc or bridge", "")
	}
}

// portRanges finds ranges that overlap with one another or with a port: in one container, and in awsvpc mode,
// where all share one address, in any two. Two single ports are left to portConflicts.
func portRanges(c *checker) {
	if len(c.containers) > maxContainers {
		return // refused already; a hostile file must not cost the square of its length
	}
	var singles, ranges []span
	for _, container := range c.containers {
		count := 0
		for _, mapping := range container.Get("portMappings").List() {
			s := span{protocol: protocol(mapping), container: container}
			if port, ok := number(mapping.Get("containerPort")); ok {
				s.first, s.last = port, port
				c.overlap(mapping.Get("containerPort"), s, ranges)
				singles = append(singles, s)
				continue
			}
			n := mapping.Get("containerPortRange")
			first, last, ok := rangeOf(n)
			if !ok || n.Unknown() {
				continue
			}
			if count++; count > maxRanges {
				c.fail(n, fmt.Sprintf("container %s has more than %d port ranges", name(container), maxRanges), "")
				break
			}
			s.first, s.last = first, last
			if !c.overlap(n, s, ranges) {
				c.overlap(n, s, singles)
			}
			ranges = append(ranges, s)
		}
	}
}

// overlap reports the first of the earlier spans that s overlaps.
func (c *checker) overlap(at *template.Node, s span, seen []span) bool {
	for _, other := range seen {
		shared := other.container == s.container || c.mode() == "awsvpc"
		if shared && other.protocol == s.protocol && s.first <= other.last && other.first <= s.last {
			c.fail(at, at.Show()+" overlaps with ports that container "+name(other.container)+" maps already", "")
			return true
		}
	}
	return false
}

package taskdef

import (
	"fmt"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// maxBytes is what a registered task definition may have, white space not counted.
const maxBytes = 64 * 1024

// maxContainers is what one task definition may have.
const maxContainers = 10

func documentSize(c *checker) {
	if n := len(c.root.Compact()); n > maxBytes {
		c.fail(c.root, fmt.Sprintf("the task definition has %d bytes, ECS takes %d", n, maxBytes), "")
	}
}

func family(c *checker) {
	n := c.root.Get("family")
	if n != nil && n.Kind == template.String && !IsName(n.Text) {
		c.fail(n, "family "+n.Show()+" is not a name that ECS takes", NameHelp)
	}
}

// NameHelp says which names IsName takes.
const NameHelp = "1 to 255 letters, digits, - and _"

// IsName reports whether ECS takes s as the name of a family, a container, a volume or a capacity provider.
func IsName(s string) bool { return s != "" && len(s) <= 255 && consists(s, alphanumeric+"-_") }

const (
	lowerCase    = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
	alphanumeric = lowerCase + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
)

// consists reports whether s has only characters that stand in of.
func consists(s, of string) bool { return strings.Trim(s, of) == "" }

func containerNames(c *checker) {
	seen := map[string]int{}
	for _, container := range c.containers {
		n := container.Get("name")
		switch {
		case n == nil:
			c.fail(container, "a container without a name", "")
			continue
		case n.Kind != template.String || n.Unknown():
			continue
		case !IsName(n.Text):
			c.fail(n, "container name "+n.Show()+" is not a name that ECS takes", NameHelp)
		}
		if first, twice := seen[n.Text]; twice {
			c.fail(n, "a second container called "+n.Show(), fmt.Sprintf("the first is at %s", c.doc.Place(first)))
			continue
		}
		seen[n.Text] = n.At
	}
}

func containerCount(c *checker) {
	all := c.root.Get("containerDefinitions")
	if all == nil || all.Kind != template.Array {
		return
	}
	switch n := len(all.Items); {
	case n == 0:
		c.fail(all, "there are no containers", "")
	case n > maxContainers:
		c.fail(all, fmt.Sprintf("%d containers, ECS takes %d", n, maxContainers), "")
	}
}

func essential(c *checker) {
	if len(c.containers) > 0 && !slices.ContainsFunc(c.containers, isEssential) {
		c.fail(c.root.Get("containerDefinitions"), "no container is essential",
			`one at least must be, or the task never counts as failed: remove "essential": false`)
	}
}

// isEssential is ECS's rule: a container is essential unless it says otherwise.
func isEssential(container *template.Node) bool {
	n := container.Get("essential")
	return n == nil || n.Text != "false"
}

// dependency is one edge of the order in which containers start.
type dependency struct {
	from, to string
	at       *template.Node
}

func dependsOn(c *checker) {
	var edges []dependency
	for _, container := range c.containers {
		from := container.Get("name").Str()
		for _, d := range container.Get("dependsOn").List() {
			on := d.Get("containerName")
			if on == nil || on.Kind != template.String || on.Unknown() {
				continue
			}
			target := c.named(on.Text)
			switch {
			case target == nil && c.unnamed(): // it may be the one whose name has no value
			case target == nil:
				c.fail(on, "dependsOn names "+on.Show()+", which is not a container of the task", c.containersHelp())
			case on.Text == from:
				c.fail(on, "container "+name(container)+" depends on itself", "")
			default:
				c.condition(d.Get("condition"), target)
				edges = append(edges, dependency{from, on.Text, on})
			}
		}
	}
	c.cycles(edges)
}

// condition checks that a dependency's condition can ever be met.
func (c *checker) condition(condition, target *template.Node) {
	switch condition.Str() {
	case "HEALTHY":
		check := target.Get("healthCheck")
		if words := check.Get("command").List(); check == nil || len(words) == 1 && words[0].Str() == "NONE" {
			c.fail(condition, "waits for "+name(target)+" to be HEALTHY, which has no healthCheck",
				"give it a healthCheck, or wait for START")
		}
	case "COMPLETE", "SUCCESS":
		if isEssential(target) {
			c.fail(condition, fmt.Sprintf("waits for %s to end (%s), which is essential: its end would end the task",
				name(target), condition.Show()),
				`give that container "essential": false`)
		}
	}
}

// cycles reports each cycle of dependencies once, with the containers on it.
func (c *checker) cycles(edges []dependency) {
	next := map[string][]dependency{}
	var path []*template.Node
	for _, e := range edges {
		next[e.from] = append(next[e.from], e)
	}
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(string)
	visit = func(from string) {
		if c.errors > template.MaxProblems {
			return // enough problems have been reported
		}
		state[from] = open
		path = append(path, c.named(from))
		for _, e := range next[from] {
			switch state[e.to] {
			case open:
				to := c.named(e.to)
				round := append(names(path[slices.Index(path, to):]), name(to))
				c.fail(e.at, "containers wait for one another: "+strings.Join(round, " → "), "")
			case 0:
				visit(e.to)
			}
		}
		path = path[:len(path)-1]
		state[from] = done
	}
	for _, e := range edges {
		if state[e.from] == 0 {
			visit(e.from)
		}
	}
}

func (c *checker) containersHelp() string { return "containers are " + listed(names(c.containers)) }

// names shows containers' names as messages may show them.
func names(containers []*template.Node) (all []string) {
	for _, container := range containers {
		all = append(all, name(container))
	}
	return all
}

// named returns the container with the name, or nil.
func (c *checker) named(name string) *template.Node { return named(c.containers, name) }

// named returns the node of a list that has the name, or nil. A name whose value is unknown never matches.
func named(nodes []*template.Node, name string) *template.Node {
	for _, node := range nodes {
		if n := node.Get("name"); n.Str() == name && !n.Unknown() {
			return node
		}
	}
	return nil
}

// unnamed reports whether a container's name has no value.
func (c *checker) unnamed() bool {
	return slices.ContainsFunc(c.containers,
		func(container *template.Node) bool { return container.Get("name").Unknown() })
}

// mostShown is how many names a message lists.
const mostShown = 10

// listed joins names, the first mostShown of them.
func listed(names []string) string {
	if len(names) > mostShown {
		return strings.Join(names[:mostShown], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// isAbsolute reports whether a path needs no shell to be found, on Linux or on Windows.
func isAbsolute(path string) bool {
	return strings.HasPrefix(path, "/") || len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/')
}

func healthCheck(c *checker, container *template.Node) {
	h := container.Get("healthCheck")
	if h == nil || h.Kind != template.Object {
		return
	}
	command := h.Get("command")
	switch words := command.List(); {
	case command == nil || command.Kind != template.Array:
	case len(words) == 0:
		c.fail(command, "the health check has no command", `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`)
	case words[0].Unknown():
	case words[0].Str() == "NONE":
	case isAbsolute(words[0].Str()): // what AWS's own collector asks for, whose image has no shell
	case words[0].Str() != "CMD" && words[0].Str() != "CMD-SHELL":
		c.warn(words[0], "a health check's command begins with CMD or CMD-SHELL, not "+words[0].Show(),
			`ECS registers it, and what it then runs is not documented: ["CMD-SHELL", "…"] runs it in a shell`)
	case len(words) == 1:
		c.fail(command, "the health check runs nothing", "")
	case words[0].Str() == "CMD-SHELL" && len(words) > 2:
		c.warn(words[2], "the shell of CMD-SHELL runs "+words[1].Show()+" only: what follows are its arguments",
			"join them to one text, or begin with CMD")
	}
	c.within(h, "interval", 5, 300)
	c.within(h, "timeout", 2, 60)
	c.within(h, "retries", 1, 10)
	c.within(h, "startPeriod", 0, 300)
}

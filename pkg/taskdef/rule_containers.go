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

func family(c *checker) { c.isName(c.root.Get("family"), "family") }

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
		}
		c.isName(n, "container name")
		if first, twice := seen[n.Text]; twice {
			c.fail(n, "a second container called "+n.Show(), fmt.Sprintf("the first is at %s", c.Doc.Place(first)))
			continue
		}
		seen[n.Text] = n.At
	}
}

func containerCount(c *checker) {
	all := c.root.Get("containerDefinitions")
	switch n := len(all.List()); {
	case n == 0 && all != nil && all.Kind == template.Array:
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

func dependsOn(c *checker) {
	waits := map[string][]*template.Node{} // which names stand in a container's dependsOn
	for _, container := range c.containers {
		from := container.Get("name").Str()
		for _, d := range container.Get("dependsOn").List() {
			on := d.Get("containerName")
			if on == nil || on.Kind != template.String || on.Unknown() {
				continue
			}
			target := named(c.containers, on.Text)
			switch {
			case target == nil && c.unnamed(): // it may be the one whose name has no value
			case target == nil:
				c.fail(on, "dependsOn names "+on.Show()+", which is not a container of the task", c.containersHelp())
			case on.Text == from:
				c.fail(on, "container "+name(container)+" depends on itself", "")
			default:
				c.condition(d.Get("condition"), target)
				waits[from] = append(waits[from], on)
			}
		}
	}
	c.cycles(waits)
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
func (c *checker) cycles(waits map[string][]*template.Node) {
	var path []string
	done := map[string]bool{}
	var visit func(string)
	visit = func(from string) {
		if done[from] || c.errors > template.MaxProblems { // enough problems have been reported
			return
		}
		path = append(path, from)
		for _, on := range waits[from] {
			i := slices.Index(path, on.Text)
			if i < 0 {
				visit(on.Text)
				continue
			}
			var round []string
			for _, waiting := range append(path[i:len(path):len(path)], on.Text) {
				round = append(round, name(named(c.containers, waiting)))
			}
			c.fail(on, "containers wait for one another: "+strings.Join(round, " → "), "")
		}
		path = path[:len(path)-1]
		done[from] = true
	}
	for _, container := range c.containers {
		visit(container.Get("name").Str())
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

func image(c *checker, container *template.Node) {
	n := container.Get("image")
	switch {
	case n == nil:
		c.fail(container, "container "+name(container)+" has no image",
			"give it one, or --image "+container.Get("name").Label()+"=URI")
		return
	case slices.Contains(strings.Fields("<IMAGE1_NAME> <IMAGE2_NAME> <IMAGE3_NAME> <IMAGE4_NAME>"), n.Str()):
		if c.Doc.Place(n.At).Flag != placeholderFlag { // no flag asked for this placeholder
			c.fail(n, "the image is the placeholder "+n.Show(),
				"give --image, or --image-placeholder N=CONTAINER when CodePipeline puts it in")
		}
		return
	}
	fault, help := imageFault(n.Str())
	if n.At < 0 && n.Kind == template.String && fault != "" {
		c.fail(n, "the image given for container "+name(container)+" "+fault, help)
	} else {
		c.fault(n, "image", fault, help)
	}
}

// imageFault says what is wrong with an image reference, without showing it: it may be a variable's value.
// ECS takes NAME[:TAG] up to 255 characters, or NAME@sha256:DIGEST.
func imageFault(s string) (fault, help string) {
	repository, digest, digested := strings.Cut(s, "@")
	digest, sha256 := strings.CutPrefix(digest, "sha256:")
	base, tag, tagged := strings.Cut(repository[strings.LastIndexByte(repository, '/')+1:], ":")
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty", "the variable behind it is empty, or the build pushed nothing"
	case isForeign(s):
		return "still holds a placeholder", foreignHelp(s)
	case strings.ContainsAny(s, " \t\r\n"):
		return "has white space in it", ""
	case strings.Contains(s, "$"):
		return "still holds a $", "a variable was not put in; check --only and the single quotes of the shell"
	case strings.ContainsAny(s, "<>"):
		return "still holds a placeholder in < >", ""
	case strings.Contains(s, "://"):
		return "has a scheme", "an image is REGISTRY/NAME:TAG, without https://"
	case digested && repository == "":
		return "has a digest, but no name", "the repository's variable is empty"
	case digested && (!sha256 || len(digest) != 64 || !consists(digest, digits+"abcdef")):
		return "has a digest that is not sha256: and 64 hexadecimal digits", ""
	case len(repository) > 255:
		return "is longer than 255 characters", ""
	case !consists(repository, alphanumeric+"-_:./#"):
		return "has a character that an image may not have", "letters, digits and - _ : . / # are allowed"
	case base == "" && tagged:
		return "has a tag, but no name", "the repository's variable is empty"
	case tagged && tag == "":
		return "ends with a colon: the tag is empty", "the tag's variable is empty"
	case base == "":
		return "has no name after the last /", "the repository's variable is empty"
	case strings.Contains(tag, ":"):
		return "has two tags", "one of them came with a variable"
	case strings.HasPrefix(repository, "/"), strings.HasPrefix(repository, ":"), strings.Contains(repository, "//"):
		return "has an empty part", "the registry's variable is empty"
	}
	return "", ""
}

// labels warns of a release or a suite that the hooks would not see.
func labels(c *checker) {
	reached := Reached(c.containers, c.Edits.Container, nil)
	help := "the hooks read the labels of the container behind the load balancer only, which is " + name(reached) + ": "
	for _, key := range []string{ReleaseLabel, SuiteLabel} {
		read := reached.Get("dockerLabels").Get(key)
		for _, container := range c.containers {
			unread := container.Get("dockerLabels").Get(key)
			switch {
			case unread == nil || read.Unknown():
			case read == nil:
				c.warn(unread, "container "+name(container)+" has the label "+key+", and "+name(reached)+" has not",
					help+"move it there")
			case read.Text != unread.Text:
				c.warn(unread, "container "+name(container)+" has another "+key+" than "+name(reached), help+"remove this one")
			}
		}
	}
}

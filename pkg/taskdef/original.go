package taskdef

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Original is a template that was made of a task definition which runs.
type Original struct {
	Root *template.Node
	// Image is the container's, as it runs.
	Image string
	// Hidden says what looked like a secret, by the variables that stand in its place.
	Hidden map[string]string
}

// Template makes a template of what DescribeTaskDefinition prints: without what only it prints, or stamped one release.
// A placeholder stands for the container's image, and for what differs between accounts, with the value as its default.
// What looks like a secret, by its name or to the function, does not stay: in an environment it becomes a reference.
func Template(name, source, container string, secret func(value string) bool) (Original, diagnostic.List) {
	doc, problems := template.Reader{Literal: true}.Read(name, source)
	if len(problems) > 0 {
		return Original{}, problems
	}
	t := Original{Root: unwrap(doc.Root, nil), Hidden: map[string]string{}}
	stamped := regexp.MustCompile(`^(greenlight\.|aws:)`).MatchString
	if tags := t.Root.Get("tags"); tags != nil {
		tags.Items = slices.DeleteFunc(tags.Items, func(tag *template.Node) bool { return stamped(tag.Get("key").Str()) })
	}
	normalise(t.Root)
	containers := t.Root.Get("containerDefinitions").List()
	references := make([][]*template.Node, len(containers))
	for i, c := range containers {
		if labels := c.Get("dockerLabels"); labels != nil {
			labels.Members = slices.DeleteFunc(labels.Members, func(m template.Member) bool { return stamped(m.Key) })
		}
		references[i] = t.references(c, secret)
	}
	t.literal("", t.Root)
	for i, c := range containers {
		if all := append(c.Get("secrets").List(), references[i]...); len(all) > 0 {
			c.Set("secrets", &template.Node{Kind: template.Array, Items: all})
			if t.Root.Get("executionRoleArn") == nil {
				t.Root.Set("executionRoleArn", textNode("${TASK_EXECUTION_ROLE_ARN}"))
			}
		}
		if image := c.Get("image"); image != nil && c.Get("name").Str() == container {
			t.Image, image.Text = image.Text, "${ECR_LATEST_IMAGE_URL}"
			variable(c.Get("logConfiguration").Get("options").Get("awslogs-group"), "LOG_GROUP")
		}
	}
	variable(t.Root.Get("executionRoleArn"), "TASK_EXECUTION_ROLE_ARN")
	return t, nil
}

func textNode(s string) *template.Node { return &template.Node{Kind: template.String, Text: s} }

// variable puts a placeholder with the value as its default where a value stands that has none yet.
func variable(n *template.Node, name string) {
	if n != nil && n.Kind == template.String && !strings.ContainsAny(n.Text, "${}") {
		n.Text = "${" + name + ":-" + n.Text + "}"
	}
}

// references takes the secrets out of a container's environment, and returns what stands for them.
func (t *Original) references(container *template.Node, secret func(value string) bool) (all []*template.Node) {
	environment := container.Get("environment")
	if environment == nil {
		return nil
	}
	known := regexp.MustCompile(`(?i)(sha\d*|digest|hash|commit|revision|version|release)$`) // long, and no secret
	environment.Items = slices.DeleteFunc(environment.Items, func(e *template.Node) bool {
		name, value := e.Get("name").Str(), e.Get("value").Str()
		looks := !known.MatchString(name) && !strings.HasPrefix(value, "arn:") && secret(value)
		if looks = looks || (leaf{text: value}).shown("environment["+name) == Hidden; looks {
			variable := t.hide(name+"_ARN", container.Get("name").Str()+"'s environment "+name)
			all = append(all, pair(0, "name", name, "valueFrom", variable))
		}
		return looks
	})
	return all
}

// literal takes each text for itself, its $ too, and hides it where it looks like a secret.
func (t *Original) literal(path string, n *template.Node) {
	for _, m := range n.Members {
		t.literal(strings.TrimPrefix(path+"."+m.Key, "."), m.Value)
	}
	behind := false // the item before says that this one is a secret
	for i, item := range n.Items {
		at, hidden := fmt.Sprintf("%s[%d]", path, i), behind
		own, next := secretWord(item.Str(), append(n.Items[i+1:], textNode(""))[0].Str())
		if behind = next; hidden || own {
			item.Text = t.hide(at, at)
		} else {
			t.literal(at, item)
		}
	}
	switch {
	case n.Kind != template.String:
	case (leaf{text: n.Text}).shown(path) == Hidden:
		n.Text = t.hide(path, path)
	default:
		n.Text = strings.ReplaceAll(n.Text, "$", "$$")
	}
}

// hide notes what is hidden, and returns its placeholder.
func (t *Original) hide(name, what string) string {
	name = strings.Trim(regexp.MustCompile(`[^A-Z0-9]+`).ReplaceAllString(strings.ToUpper(name), "_"), "_")
	for name[0] <= '9' || t.Hidden[name] != "" {
		name = "A_" + name
	}
	t.Hidden[name] = what
	return "${" + name + "}"
}

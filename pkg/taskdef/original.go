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
	// Hidden are the values that looked like secrets, by the variables that stand in their place.
	Hidden map[string]string

	secret func(value string) bool
}

// Template makes a template of what DescribeTaskDefinition prints: without what only it prints, and without what
// stamped one release. A placeholder stands for the image of the container, and for what differs between accounts, with
// the value as its default. What looks like a secret, by its name or to the function, does not stay: in an environment
// it becomes a reference to one.
func Template(name, source, container string, secret func(value string) bool) (Original, diagnostic.List) {
	doc, problems := template.Reader{Literal: true}.Read(name, source)
	if len(problems) > 0 {
		return Original{}, problems
	}
	t := Original{Root: unwrap(doc.Root, nil), Hidden: map[string]string{}, secret: secret}
	normalise(t.Root)
	if tags := t.Root.Get("tags"); tags != nil {
		tags.Items = slices.DeleteFunc(tags.Items, func(tag *template.Node) bool {
			return stamped(tag.Get("key").Str()) || strings.HasPrefix(tag.Get("key").Str(), "aws:")
		})
	}
	normalise(t.Root) // no tags are left
	for _, m := range t.Root.Members {
		if m.Key != "containerDefinitions" {
			t.literal(m.Key, m.Value)
		}
	}
	for _, c := range t.Root.Get("containerDefinitions").List() {
		if labels := c.Get("dockerLabels"); labels != nil {
			labels.Members = slices.DeleteFunc(labels.Members, func(m template.Member) bool { return stamped(m.Key) })
		}
		references := t.references(c)
		t.literal(c.Get("name").Str(), c)
		if len(references) > 0 {
			c.Set("secrets", 0, &template.Node{Kind: template.Array, Items: append(c.Get("secrets").List(), references...)})
			if t.Root.Get("executionRoleArn") == nil {
				t.Root.Set("executionRoleArn", 0, textNode("${TASK_EXECUTION_ROLE_ARN}"))
			}
		}
		if c.Get("name").Str() == container && c.Get("image") != nil {
			t.Image, c.Get("image").Text = c.Get("image").Text, "${ECR_LATEST_IMAGE_URL}"
			variable(c.Get("logConfiguration").Get("options").Get("awslogs-group"), "LOG_GROUP")
		}
	}
	variable(t.Root.Get("executionRoleArn"), "TASK_EXECUTION_ROLE_ARN")
	variable(t.Root.Get("taskRoleArn"), "TASK_ROLE_ARN")
	return t, nil
}

// stamped reports whether the renderer or a gate wrote a label or a tag.
func stamped(key string) bool { return strings.HasPrefix(key, "greenlight.") }

// variable puts a placeholder with the value as its default where a value stands that has none yet.
func variable(n *template.Node, name string) {
	if n != nil && n.Kind == template.String && !strings.ContainsAny(n.Text, "${}") {
		n.Text = "${" + name + ":-" + n.Text + "}"
	}
}

func textNode(s string) *template.Node { return &template.Node{Kind: template.String, Text: s} }

// references takes the secrets out of a container's environment, and returns what stands for them.
func (t *Original) references(container *template.Node) (all []*template.Node) {
	environment := container.Get("environment")
	if environment == nil {
		return nil
	}
	environment.Items = slices.DeleteFunc(environment.Items, func(e *template.Node) bool {
		name, value := e.Get("name").Str(), e.Get("value").Str()
		path := "environment[" + name
		known := regexp.MustCompile(`(?i)(sha\d*|digest|hash|commit|revision|version|release)$`).MatchString(name) // no secrets
		if (leaf{text: value}).shown(path) != Hidden && (known || strings.HasPrefix(value, "arn:") || !t.secret(value)) {
			return false
		}
		reference := &template.Node{Kind: template.Object}
		reference.Set("name", 0, textNode(name))
		reference.Set("valueFrom", 0, textNode("${"+t.hide(name+"_ARN", container.Get("name").Str()+"'s environment "+name)+"}"))
		all = append(all, reference)
		return true
	})
	return all
}

// literal takes each text for itself, its $ too, and hides it where it looks like a secret.
func (t *Original) literal(path string, n *template.Node) {
	for _, m := range n.Members {
		t.literal(path+"."+m.Key, m.Value)
	}
	behind := false
	for i, item := range n.Items {
		at, own, next := fmt.Sprintf("%s[%d]", path, i), behind, ""
		if i+1 < len(n.Items) {
			next = n.Items[i+1].Str()
		}
		var word bool
		if word, behind = secretWord(item.Str(), next); (own || word) && item.Kind == template.String {
			item.Text = "${" + t.hide(at, at) + "}"
		} else {
			t.literal(at, item)
		}
	}
	switch {
	case n.Kind != template.String:
	case (leaf{text: n.Text}).shown(path) == Hidden:
		n.Text = "${" + t.hide(path, path) + "}"
	default:
		n.Text = strings.ReplaceAll(n.Text, "$", "$$")
	}
}

// hide notes what is hidden, and returns its variable.
func (t *Original) hide(name, what string) string {
	name = strings.Trim(regexp.MustCompile(`[^A-Z0-9]+`).ReplaceAllString(strings.ToUpper(name), "_"), "_")
	for name[0] <= '9' || t.Hidden[name] != "" {
		name = "A_" + name
	}
	t.Hidden[name] = what
	return name
}

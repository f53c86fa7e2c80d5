// Package taskdef makes what RegisterTaskDefinition takes out of a template: edits, values, normal form,
// then every rule that ECS or CodeDeploy would apply later and that can be checked without AWS.
//
// It refuses to guess: a key that is nearly a known one is an error, a far one is kept with a warning. It
// never talks to AWS, and no message of it holds a variable's or a flag's value.
package taskdef

import (
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Request is a template, by the Expander that gives its placeholders values, with everything that is to be done to it.
type Request struct {
	template.Expander
	// OfMachine reports whether a variable's value comes from the environment of this process; it may be nil.
	OfMachine func(name string) bool
	Edits     Edits
}

// Rendered is the result.
type Rendered struct {
	Task
	// ImageURI is what imageDetail.json holds; empty where no image could be chosen.
	ImageURI string
}

// Render returns the document and all that is wrong with it. It is of use only when no problem is fatal.
func (r Request) Render() (Rendered, diagnostic.List) {
	root := unwrap(r.Doc.Root, &r.Expander)
	ed := editor{Request: &r, root: root}
	uri := ed.apply()
	inContainer(root, func(n *template.Node) {
		if n.Origin != nil {
			n.Origin.Shell = true
		}
	})
	r.All(root)
	normalise(root)
	typed(root)
	c := checker{Request: r, root: root}
	c.run()
	root.DropNull() // what typed made null; the rules had to see its keys first
	task, _ := plain(r.Doc, root)
	return Rendered{task, uri}, slices.Concat(ed.wrong, r.Problems, c.problems)
}

// inContainer visits the texts that a shell, or a log router, of a container reads. Those of awslogs nobody expands.
func inContainer(root *template.Node, visit func(*template.Node)) {
	for _, container := range root.Get("containerDefinitions").List() {
		texts := []*template.Node{container.Get("command"), container.Get("entryPoint"), container.Get("healthCheck").Get("command")}
		if logs := container.Get("logConfiguration"); logs.Get("logDriver").Str() != "awslogs" {
			texts = append(texts, logs.Get("options"))
		}
		for _, n := range texts {
			if n != nil {
				n.Walk(visit)
			}
		}
	}
}

// unwrap takes the task definition out of what DescribeTaskDefinition prints, with the tags beside it.
func unwrap(root *template.Node, exp *template.Expander) *template.Node {
	inner := exp.Node(root).Get("taskDefinition")
	if inner == nil || root.Get("containerDefinitions") != nil {
		return root
	}
	if exp.Node(inner).Kind != template.Object {
		return root
	}
	if tags := root.Member("tags"); tags != nil && inner.Get("tags") == nil {
		inner.Members = append(inner.Members, *tags)
	}
	return inner
}

// typed gives YAML's plain texts with a placeholder, such as cpu: ${CPU}, the type that the model says, where it knows
// one. It comes before the rules, which only read.
func typed(root *template.Node) {
	shapes[0].walk(root, (*shape).inner, func(n *template.Node, s *shape) bool {
		if s == nil {
			n.Settle()
		} else {
			n.As(s.kind.wanted())
		}
		return true
	})
}

// normalise brings the document into the form that RegisterTaskDefinition takes: without nulls and without
// what only DescribeTaskDefinition prints, task-level sizes as strings. What a person wrote as "", 0 or
// false stays: it means something to ECS.
func normalise(root *template.Node) {
	root.DropNull()
	for _, name := range outputOnly {
		root.Delete(name)
	}
	if tags := root.Get("tags"); tags != nil && tags.Kind == template.Array && len(tags.Items) == 0 {
		root.Delete("tags") // DescribeTaskDefinition prints an empty list of tags, which RegisterTaskDefinition refuses
	}
	for _, name := range []string{"cpu", "memory"} {
		if size := root.Get(name); size != nil && size.Kind == template.Number {
			size.Kind = template.String
		}
	}
}

// ARN is what stands between the colons of an Amazon Resource Name
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). Region and account may be empty.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN takes s apart. The fault is "" or the end of a sentence that begins with what s is: "has an account that is
// not 12 digits". It does not show s, which may be the value of a variable.
func ParseARN(s string) (a ARN, fault string) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return a, "is not an ARN: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"
	}
	a = ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
	switch {
	// As of November 2026; those of the isolated regions have a common beginning.
	case !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso"}, a.Partition) &&
		!strings.HasPrefix(a.Partition, "aws-iso-"):
		return a, "has an unknown partition; known are aws, aws-cn, aws-us-gov, aws-eusc and the isolated ones"
	case a.Account != "" && (len(a.Account) != 12 || !consists(a.Account, digits)):
		return a, "has an account that is not 12 digits"
	case a.Region != "" && !isRegion(a.Region) && !strings.ContainsAny(a.Region, "<$"): // those have their own message
		return a, noRegion
	case a.Resource == "":
		return a, "has no resource after the last colon"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F }):
		return a, "has white space in it"
	}
	return a, ""
}

// noRegion is the fault of a region that AWS cannot have.
const noRegion = "has a region that is not written like eu-west-1"

// Located returns, as a fault, what the ARN of a regional resource lacks (the region or the account), or "".
func (a ARN) Located() string {
	switch {
	case a.Region == "":
		return "has no region"
	case !isRegion(a.Region):
		return noRegion
	case a.Account == "":
		return "has an account that is not 12 digits"
	}
	return ""
}

// isRegion knows what regions look like, since AWS adds some every year: eu-west-1, us-gov-east-1, eusc-de-east-1.
func isRegion(s string) bool {
	return regexp.MustCompile(`^([a-z]+-){2,}[0-9]+$`).MatchString(s)
}

package appspec

import (
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/document"
)

// serviceType is the only type of target that an ECS deployment has.
const serviceType = "AWS::ECS::Service"

// Read reads an AppSpec in YAML or JSON. Keys are compared without regard to case, as CodeDeploy does;
// unknown ones that are nearly known are errors, others warnings. Check does the rest.
func Read(name, text string) (Spec, diagnostic.List) {
	doc, problems := document.Reader{Literal: true}.Read(name, text)
	if len(problems) > 0 {
		return Spec{}, problems
	}
	r := reader{doc: doc}
	return r.spec(doc.Root), r.problems
}

type reader struct {
	doc      *document.Document
	problems diagnostic.List
}

func (r *reader) spec(root *document.Node) Spec {
	var s Spec
	if !r.is(root, document.Object, "an AppSpec") {
		return s
	}
	r.keys(root, "version", "Resources", "Hooks")
	r.version(root)
	resources := r.get(root, "Resources")
	switch {
	case resources == nil:
		r.fail(root.At, "resources", "Resources is missing", "")
	case !r.is(resources, document.Array, "Resources"):
	case len(resources.Items) != 1:
		r.fail(resources.At, "resources", fmt.Sprintf("Resources has %d entries, an ECS deployment has one TargetService", len(resources.Items)), "")
	case r.is(resources.Items[0], document.Object, "an entry of Resources"):
		r.keys(resources.Items[0], "TargetService")
		if target := r.get(resources.Items[0], "TargetService"); target == nil {
			r.fail(resources.Items[0].At, "resources", "TargetService is missing", "")
		} else if r.is(target, document.Object, "TargetService") {
			r.target(target, &s)
		}
	}
	if hooks := r.get(root, "Hooks"); hooks != nil {
		r.hooks(hooks, &s)
	}
	return s
}

func (r *reader) version(root *document.Node) {
	n := r.get(root, "version")
	switch {
	case n == nil:
		r.fail(root.At, "version", "version is missing", "version: 0.0")
	case n.Text != "0.0":
		r.fail(n.At, "version", "version is "+n.Show()+", the only one is 0.0", "version: 0.0")
	}
}

func (r *reader) target(target *document.Node, s *Spec) {
	r.keys(target, "Type", "Properties")
	switch kind := r.get(target, "Type"); {
	case kind == nil:
		r.fail(target.At, "type", "Type is missing", "Type: "+serviceType)
	case kind.Str() != serviceType:
		r.fail(kind.At, "type", "Type is "+kind.Show()+", an ECS deployment has "+serviceType, "")
	}
	p := r.get(target, "Properties")
	if p == nil {
		r.fail(target.At, "properties", "Properties is missing", "")
		return
	}
	if !r.is(p, document.Object, "Properties") {
		return
	}
	s.Place = r.doc.Place(p.At)
	r.keys(p, "TaskDefinition", "LoadBalancerInfo", "PlatformVersion", "NetworkConfiguration", "CapacityProviderStrategy")
	s.TaskDefinition = r.text(p, "TaskDefinition")
	s.PlatformVersion = r.text(p, "PlatformVersion")
	if lb := r.get(p, "LoadBalancerInfo"); lb != nil && r.is(lb, document.Object, "LoadBalancerInfo") {
		r.keys(lb, "ContainerName", "ContainerPort")
		s.Container = r.text(lb, "ContainerName")
		s.Port = r.number(lb, "ContainerPort")
	}
	if network := r.get(p, "NetworkConfiguration"); network != nil && r.is(network, document.Object, "NetworkConfiguration") {
		r.network(network, s)
	}
	if strategy := r.get(p, "CapacityProviderStrategy"); strategy != nil && r.is(strategy, document.Array, "CapacityProviderStrategy") {
		for _, item := range strategy.Items {
			if r.is(item, document.Object, "an entry of CapacityProviderStrategy") {
				r.keys(item, "CapacityProvider", "Weight", "Base")
				name := r.text(item, "CapacityProvider")
				if name.Place == (diagnostic.Place{}) {
					name.Place = r.doc.Place(item.At)
				}
				s.Providers = append(s.Providers, Provider{name, r.number(item, "Weight"), r.number(item, "Base")})
			}
		}
	}
}

func (r *reader) network(n *document.Node, s *Spec) {
	r.keys(n, "AwsvpcConfiguration")
	vpc := r.get(n, "AwsvpcConfiguration")
	if vpc == nil {
		r.fail(n.At, "network", "AwsvpcConfiguration is missing", "")
		return
	}
	if !r.is(vpc, document.Object, "AwsvpcConfiguration") {
		return
	}
	r.keys(vpc, "Subnets", "SecurityGroups", "AssignPublicIp")
	s.Network = &Network{
		Place: r.doc.Place(vpc.At), Subnets: r.texts(vpc, "Subnets"), SecurityGroups: r.texts(vpc, "SecurityGroups"),
		AssignPublicIP: r.text(vpc, "AssignPublicIp"),
	}
}

func (r *reader) hooks(hooks *document.Node, s *Spec) {
	if !r.is(hooks, document.Array, "Hooks") {
		return
	}
	for _, item := range hooks.Items {
		if !r.is(item, document.Object, "an entry of Hooks") {
			continue
		}
		if len(item.Members) != 1 {
			r.fail(item.At, "hooks", fmt.Sprintf("an entry of Hooks has %d keys, want one", len(item.Members)), "each event is an entry of its own: - AfterAllowTestTraffic: FUNCTION")
		}
		for i := range item.Members {
			m := &item.Members[i]
			h := Hook{Event: Value{m.Key, r.doc.Place(m.KeyAt)}, Function: Value{m.Value.Str(), r.doc.Place(m.Value.At)}}
			if m.Value.Kind != document.String {
				r.fail(m.Value.At, "hooks", "the function of "+document.Quote(m.Key)+" is "+m.Value.Kind.A()+", want a name or an ARN", "")
			}
			for _, event := range Events() {
				if strings.EqualFold(event, m.Key) {
					h.Event.Text = event
				}
			}
			s.Hooks = append(s.Hooks, h)
		}
	}
}

// get finds a key without regard to case. A null is nothing: "Hooks:" with all below it commented out.
func (r *reader) get(n *document.Node, key string) *document.Node {
	for i := range n.Members {
		if m := &n.Members[i]; m.Value.Kind != document.Null && strings.EqualFold(m.Key, key) {
			return n.Members[i].Value
		}
	}
	return nil
}

// keys reports keys that are not known, and known ones that stand twice in different case.
func (r *reader) keys(n *document.Node, known ...string) {
	seen := map[string]bool{}
	for i := range n.Members {
		m := &n.Members[i]
		found := false
		for _, k := range known {
			found = found || strings.EqualFold(k, m.Key)
		}
		lower := strings.ToLower(m.Key)
		if found && seen[lower] {
			r.fail(m.KeyAt, "key", "the key "+document.Quote(m.Key)+" stands here twice", "CodeDeploy does not tell capitals from small letters")
		}
		seen[lower] = true
		if found {
			continue
		}
		p := diagnostic.Problem{
			Place: r.doc.Place(m.KeyAt), Severity: diagnostic.Warning, Cause: diagnostic.Rule, Rule: "key",
			Text: "unknown key " + document.Quote(m.Key), Help: "known here are " + strings.Join(known, ", "),
		}
		if near, ok := diagnostic.NearestKey(m.Key, known); ok {
			p.Severity, p.Help = diagnostic.Error, "did you mean "+document.Quote(near)+"?"
		}
		r.problems = append(r.problems, p)
	}
}

func (r *reader) is(n *document.Node, k document.Kind, what string) bool {
	if n.Kind == k {
		return true
	}
	r.fail(n.At, "type", fmt.Sprintf("%s is %s, want %s", what, n.Kind.A(), k.A()), "")
	return false
}

func (r *reader) text(n *document.Node, key string) Value {
	v := r.get(n, key)
	if v == nil {
		return Value{}
	}
	if v.Kind != document.String {
		r.fail(v.At, "type", fmt.Sprintf("%s is %s, want a string", key, v.Kind.A()), "")
		return Value{Place: r.doc.Place(v.At)}
	}
	return Value{v.Text, r.doc.Place(v.At)}
}

func (r *reader) number(n *document.Node, key string) Value {
	v := r.get(n, key)
	if v == nil {
		return Value{}
	}
	if v.Kind != document.Number {
		help := ""
		if document.IsNumber(v.Str()) {
			help = "write " + v.Text + " without quotes"
		}
		r.fail(v.At, "type", fmt.Sprintf("%s is %s, want a number", key, v.Kind.A()), help)
		return Value{Place: r.doc.Place(v.At)}
	}
	return Value{v.Text, r.doc.Place(v.At)}
}

func (r *reader) texts(n *document.Node, key string) []Value {
	v := r.get(n, key)
	if v == nil || !r.is(v, document.Array, key) {
		return nil
	}
	values := []Value{}
	for _, item := range v.Items {
		if r.is(item, document.String, "an entry of "+key) {
			values = append(values, Value{item.Text, r.doc.Place(item.At)})
		}
	}
	return values
}

func (r *reader) fail(at int, rule, text, help string) {
	r.problems = append(r.problems, diagnostic.Problem{
		Place: r.doc.Place(at), Severity: diagnostic.Error, Cause: diagnostic.Rule, Rule: rule, Text: text, Help: help,
	})
}

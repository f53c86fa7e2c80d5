package appspec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// serviceType is the only type of target that an ECS deployment has.
const serviceType = "AWS::ECS::Service"

// Read reads an AppSpec in YAML or plain JSON. Keys are compared without regard to case, as CodeDeploy does;
// unknown ones that are nearly known are errors, others warnings. Check does the rest, also where something of
// the AppSpec could not be read.
func Read(name, text string) (Spec, diagnostic.List) {
	doc, problems := template.Reader{Literal: true, Plain: true, AnyNumber: true}.Read(name, text)
	if len(problems) > 0 {
		return unread(), problems
	}
	r := reader{doc: doc}
	return r.spec(doc.Root), r.problems
}

type reader struct {
	doc      *template.Document
	problems diagnostic.List
}

func (r *reader) spec(root *template.Node) Spec {
	s := unread()
	if !r.is(root, template.Object, "an AppSpec") {
		return s
	}
	r.keys(root, "the AppSpec itself")
	r.version(root)
	if resources := root.Get("Resources"); resources == nil {
		r.fail(root.At, "resources", "Resources is missing", "")
	} else {
		r.resources(resources, &s)
	}
	if hooks := root.Get("Hooks"); hooks != nil {
		r.hooks(hooks, &s)
	}
	return s
}

// resources reads the first TargetService of the list, or of an object that should be the list.
func (r *reader) resources(n *template.Node, s *Spec) {
	entries := n.Items
	isTarget := func(m template.Member) bool {
		return strings.EqualFold(m.Key, "TargetService") && m.Value.Kind != template.Null
	}
	switch {
	case !r.is(n, template.Array, "Resources"):
		if slices.ContainsFunc(n.Members, isTarget) {
			entries = []*template.Node{n}
		}
	case len(entries) == 0:
		r.fail(n.At, "resources", "Resources has 0 entries, an ECS deployment has one TargetService", "")
	}
	found := false
	for _, item := range entries {
		if !r.is(item, template.Object, "an entry of Resources") {
			continue
		}
		r.keys(item, "the list of Resources")
		switch target := item.Member("TargetService"); {
		case target == nil:
			r.fail(item.At, "resources", "TargetService is missing", "")
		case found:
			r.fail(target.KeyAt, "resources", "a second TargetService: an ECS deployment has one", "")
		default:
			found = true
			if r.object(target.Value, "TargetService") {
				r.target(target.Value, s)
			}
		}
	}
}

func (r *reader) version(root *template.Node) {
	n := root.Get("version")
	if n == nil {
		r.fail(root.At, "version", "version is missing", "version: 0.0")
		return
	}
	number, err := strconv.ParseFloat(n.Text, 64)
	switch {
	case err == nil && number == 0: // 0 is how AWS's own deploy action and jq write 0.0
	case err == nil && number == 1 && n.Kind == template.Number:
		r.warn(n.At, "version", "version is "+n.Show()+", which CodeDeploy was seen to take; the documented one is 0.0",
			"version: 0.0")
	default:
		r.fail(n.At, "version", "version is "+n.Show()+", the only one is 0.0", "version: 0.0")
	}
}

func (r *reader) target(target *template.Node, s *Spec) {
	switch kind := target.Get("Type"); {
	case kind == nil:
		r.fail(target.At, "type", "Type is missing", "Type: "+serviceType)
	case kind.Str() != serviceType:
		r.fail(kind.At, "type", "Type is "+kind.Show()+", an ECS deployment has "+serviceType, "")
	}
	p := r.required(target, "Properties", "properties", "")
	if p == nil {
		return
	}
	s.Place = r.doc.Place(p.At)
	s.TaskDefinition = r.text(p, "TaskDefinition")
	s.PlatformVersion = r.text(p, "PlatformVersion")
	const help = "the ContainerName and the ContainerPort that the load balancer reaches"
	if lb := r.required(p, "LoadBalancerInfo", "load-balancer", help); lb != nil {
		s.Container = r.text(lb, "ContainerName")
		s.Port = r.number(lb, "ContainerPort", wantPort)
	}
	if network := p.Get("NetworkConfiguration"); network != nil && r.object(network, "NetworkConfiguration") {
		if vpc := r.required(network, "AwsvpcConfiguration", "network", ""); vpc != nil {
			s.Network = &Network{
				r.doc.Place(vpc.At), r.texts(vpc, "Subnets"), r.texts(vpc, "SecurityGroups"), r.text(vpc, "AssignPublicIp"),
			}
		}
	}
	strategy := p.Get("CapacityProviderStrategy")
	if strategy == nil || r.is(strategy, template.Array, "CapacityProviderStrategy") {
		s.Providers = nil
		for _, item := range strategy.List() {
			s.Providers = append(s.Providers, r.provider(item))
		}
	}
}

func (r *reader) provider(item *template.Node) Provider {
	if !r.object(item, "an entry of CapacityProviderStrategy") {
		return unread().Providers[0]
	}
	name := r.text(item, "CapacityProvider")
	if name == (Value{}) {
		name.Place = r.doc.Place(item.At)
	}
	return Provider{name, r.number(item, "Weight", wantWeight), r.number(item, "Base", wantBase)}
}

func (r *reader) hooks(hooks *template.Node, s *Spec) {
	if !r.is(hooks, template.Array, "Hooks") && hooks.Kind == template.Object {
		r.events(hooks, s)
	}
	for _, item := range hooks.Items { // none where it is no list
		if !r.is(item, template.Object, "an entry of Hooks") {
			continue
		}
		if len(item.Members) != 1 {
			r.fail(item.At, "hooks", fmt.Sprintf("an entry of Hooks has %d keys, want one", len(item.Members)),
				"each event is an entry of its own: - AfterAllowTestTraffic: FUNCTION")
		}
		r.events(item, s)
	}
}

// events reads the keys of an object as lifecycle events, and their values as functions.
func (r *reader) events(n *template.Node, s *Spec) {
	for i := range n.Members {
		m := &n.Members[i]
		h := Hook{Value{Text: m.Key, Place: r.doc.Place(m.KeyAt)}, Value{Text: m.Value.Str(), Place: r.doc.Place(m.Value.At)}}
		if k := m.Value.Kind; k != template.String && k != template.Null {
			r.fail(m.Value.At, "hooks", "the function of "+template.Quote(m.Key)+" is "+k.A()+", want a name or an ARN", "")
			h.Function.Wrong = true
		}
		for _, event := range Events() {
			if strings.EqualFold(event, m.Key) {
				h.Event.Text = event
			}
		}
		s.Hooks = append(s.Hooks, h)
	}
}

// keys reports keys that are not known in what n is, and known ones that stand twice in different case. It leaves those
// that have a value (Hooks: with all below it commented out has none), spelt as they are known: the right ones, and behind
// them the slips, which are read as if they were right.
func (r *reader) keys(n *template.Node, in string) {
	seen := map[string]bool{}
	var right, slips []template.Member
	for _, m := range n.Members {
		same := func(k string) bool { return strings.EqualFold(k, m.Key) }
		lower := strings.ToLower(m.Key)
		twice := seen[lower]
		seen[lower] = true
		key, elsewhere := template.Quote(m.Key), ""
		if i := slices.IndexFunc(known()[in], same); i >= 0 {
			if twice {
				r.fail(m.KeyAt, "key", "the key "+key+" stands here twice", "CodeDeploy ignores case")
			}
			m.Key = known()[in][i]
			right = append(right, m)
			continue
		}
		for where, keys := range known() {
			if slices.ContainsFunc(keys, same) {
				elsewhere = where
			}
		}
		switch near, ok := diagnostic.NearestKey(m.Key, known()[in]); {
		case ok:
			r.fail(m.KeyAt, "key", "unknown key "+key, "did you mean "+template.Quote(near)+"?")
			m.Key = near
			slips = append(slips, m)
		case elsewhere != "":
			r.fail(m.KeyAt, "key", key+" is in the wrong place", "it belongs in "+elsewhere)
		default:
			r.warn(m.KeyAt, "key", "unknown key "+key, "known here are "+strings.Join(known()[in], ", "))
		}
	}
	slices.Reverse(slips) // the last one counts
	n.Members = slices.DeleteFunc(append(right, slips...), func(m template.Member) bool { return m.Value.Kind == template.Null })
}

// known are the keys of an AppSpec, by what they stand in.
func known() map[string][]string {
	return map[string][]string{
		"the AppSpec itself":    {"version", "Resources", "Hooks"},
		"the list of Resources": {"TargetService"},
		"TargetService":         {"Type", "Properties"},
		"Properties": {
			"TaskDefinition", "LoadBalancerInfo", "PlatformVersion", "NetworkConfiguration", "CapacityProviderStrategy",
		},
		"LoadBalancerInfo":                     {"ContainerName", "ContainerPort"},
		"NetworkConfiguration":                 {"AwsvpcConfiguration"},
		"AwsvpcConfiguration":                  {"Subnets", "SecurityGroups", "AssignPublicIp"},
		"an entry of CapacityProviderStrategy": {"CapacityProvider", "Weight", "Base"},
	}
}

// required returns the object under a key that must be there, or nil.
func (r *reader) required(n *template.Node, key, rule, help string) *template.Node {
	switch o := n.Get(key); {
	case o == nil:
		r.fail(n.At, rule, key+" is missing", help)
	case r.object(o, key):
		return o
	}
	return nil
}

// object reports what is no object, or has other keys than what is known under that name.
func (r *reader) object(n *template.Node, what string) bool {
	if !r.is(n, template.Object, what) {
		return false
	}
	r.keys(n, what)
	return true
}

func (r *reader) is(n *template.Node, k template.Kind, what string) bool {
	if n.Kind == k {
		return true
	}
	r.fail(n.At, "type", fmt.Sprintf("%s is %s, want %s", what, n.Kind.A(), k.A()), "")
	return false
}

func (r *reader) text(n *template.Node, key string) Value {
	v := n.Get(key)
	if v == nil {
		return Value{}
	}
	return Value{v.Str(), r.doc.Place(v.At), !r.is(v, template.String, key)}
}

// What the numbers of an AppSpec may be.
const (
	wantPort   = "a whole number from 1 to 65535"
	wantWeight = "a whole number from 0 to 1000"
	wantBase   = "a whole number from 0 to 100000"
)

func (r *reader) number(n *template.Node, key, want string) Value {
	v := n.Get(key)
	if v == nil {
		return Value{}
	}
	if isWhole(v.Str()) { // whether CodeDeploy takes it is not documented
		r.warn(v.At, "type", fmt.Sprintf("%s is a string, want %s", key, want), "write "+v.Text+" without quotes")
	} else if v.Kind != template.Number {
		r.fail(v.At, "type", fmt.Sprintf("%s is %s, want %s", key, v.Kind.A(), want), "")
		return Value{Place: r.doc.Place(v.At), Wrong: true}
	}
	return Value{Text: v.Text, Place: r.doc.Place(v.At)}
}

func (r *reader) texts(n *template.Node, key string) []Value {
	v := n.Get(key)
	switch {
	case v == nil:
		return nil
	case !r.is(v, template.Array, key):
		return []Value{{Wrong: true}}
	}
	values := []Value{}
	for _, item := range v.Items {
		values = append(values, Value{item.Str(), r.doc.Place(item.At), !r.is(item, template.String, "an entry of "+key)})
	}
	return values
}

func (r *reader) fail(at int, rule, text, help string) {
	r.problems = append(r.problems, diagnostic.Problem{Place: r.doc.Place(at), Rule: rule, Text: text, Help: help})
}

func (r *reader) warn(at int, rule, text, help string) {
	r.fail(at, rule, text, help)
	r.problems[len(r.problems)-1].Severity = diagnostic.Warning
}

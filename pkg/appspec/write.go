package appspec

import (
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// YAML returns the AppSpec as AWS's documentation writes it.
func (s Spec) YAML() []byte {
	return append([]byte("version: 0.0\n"), appendYAML(nil, s.tree(), 0, false)...)
}

// JSON returns the same as JSON. The version is the literal 0.0: CodeDeploy compares the text.
func (s Spec) JSON() []byte {
	root := s.tree()
	root.Members = append(object(pair{"version", number(Value{Text: "0.0"})}).Members, root.Members...)
	return root.JSON()
}

func (s Spec) tree() *template.Node {
	properties := object(
		pair{"TaskDefinition", scalar(s.TaskDefinition)},
		pair{"LoadBalancerInfo", object(pair{"ContainerName", scalar(s.Container)}, pair{"ContainerPort", number(s.Port)})},
	)
	if s.PlatformVersion.Text != "" {
		properties.Set("PlatformVersion", 0, scalar(s.PlatformVersion))
	}
	if n := s.Network; n != nil {
		properties.Set("NetworkConfiguration", 0, object(pair{"AwsvpcConfiguration", object(
			pair{"Subnets", texts(n.Subnets)}, pair{"SecurityGroups", texts(n.SecurityGroups)},
			pair{"AssignPublicIp", scalar(n.AssignPublicIP)},
		)}))
	}
	if len(s.Providers) > 0 {
		strategy := &template.Node{Kind: template.Array}
		for _, p := range s.Providers {
			one := object(pair{"CapacityProvider", scalar(p.Name)})
			if p.Weight.Text != "" {
				one.Set("Weight", 0, number(p.Weight))
			}
			if p.Base.Text != "" {
				one.Set("Base", 0, number(p.Base))
			}
			strategy.Items = append(strategy.Items, one)
		}
		properties.Set("CapacityProviderStrategy", 0, strategy)
	}
	service := object(pair{"TargetService", object(pair{"Type", text(serviceType)}, pair{"Properties", properties})})
	root := object(pair{"Resources", &template.Node{Kind: template.Array, Items: []*template.Node{service}}})
	if len(s.Hooks) > 0 {
		hooks := &template.Node{Kind: template.Array}
		for _, h := range s.Hooks {
			hooks.Items = append(hooks.Items, object(pair{h.Event.Text, scalar(h.Function)}))
		}
		root.Set("Hooks", 0, hooks)
	}
	return root
}

// pair is a key with its value.
type pair struct {
	key   string
	value *template.Node
}

func object(pairs ...pair) *template.Node {
	n := &template.Node{Kind: template.Object}
	for _, p := range pairs {
		n.Members = append(n.Members, template.Member{Key: p.key, Value: p.value})
	}
	return n
}

func text(s string) *template.Node  { return &template.Node{Kind: template.String, Text: s} }
func scalar(v Value) *template.Node { return text(v.Text) }
func number(v Value) *template.Node { return &template.Node{Kind: template.Number, Text: v.Text} }
func texts(values []Value) *template.Node {
	n := &template.Node{Kind: template.Array}
	for _, v := range values {
		n.Items = append(n.Items, scalar(v))
	}
	return n
}

// appendYAML writes a tree as block YAML. inList says that the cursor stands behind "- ", where the first
// key goes on the same line.
func appendYAML(dst []byte, n *template.Node, level int, inList bool) []byte {
	indent := strings.Repeat("  ", level)
	switch n.Kind {
	case template.Object:
		for i := range n.Members {
			m := &n.Members[i]
			if !inList || i > 0 {
				dst = append(dst, indent...)
			}
			dst = append(append(dst, m.Key...), ':')
			if isBlock(m.Value) {
				dst = appendYAML(append(dst, '\n'), m.Value, level+1, false)
			} else {
				dst = appendYAML(append(dst, ' '), m.Value, level+1, false)
			}
		}
		return dst
	case template.Array:
		for _, item := range n.Items {
			dst = append(append(dst, indent...), "- "...)
			dst = appendYAML(dst, item, level+1, true)
		}
		return dst
	case template.String:
		return append(appendText(dst, n.Text), '\n')
	default:
		return append(append(dst, n.Text...), '\n')
	}
}

func isBlock(n *template.Node) bool { return n.Kind == template.Object || n.Kind == template.Array }

// appendText writes a string without quotes where every YAML reader takes it for a string, else in double
// quotes with nothing but ASCII in them.
func appendText(dst []byte, s string) []byte {
	if s == Placeholder || isPlain(s) {
		return append(dst, s...)
	}
	return strconv.AppendQuoteToASCII(dst, s) // Go's escapes are YAML's too
}

func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("_-/.:", c) < 0) {
			return false
		}
	}
	if strings.HasSuffix(s, ":") {
		return false
	}
	switch strings.ToLower(s) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

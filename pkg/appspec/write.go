package appspec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// YAML returns the AppSpec as AWS's documentation writes it.
func (s Spec) YAML() []byte {
	b := fmt.Appendf(nil, `version: 0.0
Resources:
  - TargetService:
      Type: %s
      Properties:
        TaskDefinition: %s
        LoadBalancerInfo:
          ContainerName: %s
          ContainerPort: %s
`, serviceType, s.TaskDefinition.yaml(), s.Container.yaml(), s.Port.Text)
	line := func(key, value string) {
		if value != "" {
			b = fmt.Appendf(b, "%s: %s\n", key, value)
		}
	}
	texts := func(key string, values []Value) {
		b = fmt.Appendf(b, "            %s:\n", key)
		for _, v := range values {
			b = fmt.Appendf(b, "              - %s\n", v.yaml())
		}
	}
	if s.PlatformVersion.Text != "" {
		line("        PlatformVersion", s.PlatformVersion.yaml())
	}
	if n := s.Network; n != nil {
		b = append(b, "        NetworkConfiguration:\n          AwsvpcConfiguration:\n"...)
		texts("Subnets", n.Subnets)
		texts("SecurityGroups", n.SecurityGroups)
		line("            AssignPublicIp", n.AssignPublicIP.yaml())
	}
	if len(s.Providers) > 0 {
		b = append(b, "        CapacityProviderStrategy:\n"...)
	}
	for _, p := range s.Providers {
		line("          - CapacityProvider", p.Name.yaml())
		line("            Weight", p.Weight.Text)
		line("            Base", p.Base.Text)
	}
	if len(s.Hooks) > 0 {
		b = append(b, "Hooks:\n"...)
	}
	for _, h := range s.Hooks {
		line("  - "+h.Event.Text, h.Function.yaml())
	}
	return b
}

// JSON returns the same as JSON. The version is the literal 0.0: CodeDeploy compares the text.
func (s Spec) JSON() []byte {
	doc, _ := template.Reader{Literal: true}.Read("appspec.yaml", string(s.YAML())) // it is ours: nothing is wrong with it
	return doc.Root.JSON()
}

// yaml is a text without quotes where every YAML reader takes it for one, else in double quotes with nothing but
// ASCII in them.
func (v Value) yaml() string {
	if v.Text == Placeholder || isPlain(v.Text) {
		return v.Text
	}
	return strconv.QuoteToASCII(v.Text) // Go's escapes are YAML's too
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

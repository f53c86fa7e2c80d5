// Package appspec builds, reads and checks the AppSpec of an Amazon ECS blue/green deployment, alone and
// against the task definition that it deploys.
//
// It refuses to know Lambda's and EC2's AppSpecs, and it never talks to AWS: whether a function, a subnet
// or a capacity provider exists is not known here.
package appspec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Placeholder is what CodePipeline replaces by the ARN of the revision that it has just registered.
const Placeholder = "<TASK_DEFINITION>"

// Value is a text with the place where it was written.
type Value struct {
	Text  string
	Place diagnostic.Place
	// Wrong says that it was not understood, and that this was reported: nothing more is to be said about it.
	Wrong bool
}

// Spec is an AppSpec, as plain values.
type Spec struct {
	// Place is where the properties begin, for what is missing among them.
	Place diagnostic.Place
	// TaskDefinition is an ARN or Placeholder.
	TaskDefinition Value
	// Container and Port are what the load balancer reaches.
	Container, Port Value
	// PlatformVersion is for Fargate only; its Text is "" where it is not given.
	PlatformVersion Value
	// Network is nil where the service's own is kept.
	Network *Network
	// Providers is the capacity provider strategy. CodeDeploy takes the service's away when it is empty.
	Providers []Provider
	Hooks     []Hook
}

// unread is a Spec of which nothing is known yet: Check says nothing about it.
func unread() Spec {
	wrong := Value{Wrong: true}
	return Spec{TaskDefinition: wrong, Container: wrong, Port: wrong, Providers: []Provider{{wrong, wrong, wrong}}}
}

// Network is the task set's network. ECS wants all three of its members.
type Network struct {
	Place                   diagnostic.Place
	Subnets, SecurityGroups []Value
	AssignPublicIP          Value
}

// Provider is one capacity provider. Weight and Base are "" where they are not given.
type Provider struct{ Name, Weight, Base Value }

// Hook is a lifecycle event with the Lambda function (name or ARN) that validates it.
type Hook struct{ Event, Function Value }

// Events lists the lifecycle events of an ECS deployment that take a hook, in their order.
func Events() []string {
	var names []string
	for _, n := range lifecycle.Hookable() {
		names = append(names, string(n))
	}
	return names
}

// FunctionName returns the name in a function's ARN or qualified name.
func FunctionName(function string) string {
	if a, fault := taskdef.ParseARN(function); fault == "" {
		function = strings.TrimPrefix(a.Resource, "function:")
	}
	name, _, _ := strings.Cut(function, ":")
	return name
}

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

// yaml is a text without quotes where every YAML reader takes it for one, else in double quotes and ASCII.
func (v Value) yaml() string {
	plain := regexp.MustCompile(`^[A-Za-z]([\w/.:-]*[\w/.-])?$`).MatchString(v.Text) &&
		!slices.Contains(strings.Fields("y n yes no on off true false null"), strings.ToLower(v.Text))
	if v.Text == Placeholder || plain {
		return v.Text
	}
	return strconv.QuoteToASCII(v.Text) // Go's escapes are YAML's too
}

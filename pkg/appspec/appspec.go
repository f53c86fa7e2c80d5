// Package appspec builds, reads and checks the AppSpec of an Amazon ECS blue/green deployment, alone and
// against the task definition that it deploys.
//
// It refuses to know Lambda's and EC2's AppSpecs, and it never talks to AWS: whether a function, a subnet
// or a capacity provider exists is not known here.
package appspec

import (
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// Placeholder is what CodePipeline replaces by the ARN of the revision that it has just registered.
const Placeholder = "<TASK_DEFINITION>"

// Value is a text with the place where it was written.
type Value struct {
	Text  string
	Place diagnostic.Place
	// Wrong says that what stands there could not be understood, and that this has been reported: it is not missing,
	// and nothing more is to be said about it.
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

// Package lifecycle is the words that CodeDeploy, Amazon ECS and their hooks exchange: the lifecycle events of a
// blue/green deployment, the stages of one of ECS's own, and the status that a hook may give back.
//
// It refuses to read anything: what invokes a hook is read by lifecycle/payload.
package lifecycle

import "slices"

// Name is a lifecycle event of a deployment, "AfterAllowTestTraffic", or a stage of one of Amazon ECS's own.
type Name string

// The lifecycle events of an ECS blue/green deployment
// (https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html).
const (
	BeforeInstall         Name = "BeforeInstall"
	Install               Name = "Install"
	AfterInstall          Name = "AfterInstall"
	AllowTestTraffic      Name = "AllowTestTraffic"
	AfterAllowTestTraffic Name = "AfterAllowTestTraffic"
	BeforeAllowTraffic    Name = "BeforeAllowTraffic"
	AllowTraffic          Name = "AllowTraffic"
	AfterAllowTraffic     Name = "AfterAllowTraffic"
)

// All returns the lifecycle events in CodeDeploy's order.
func All() []Name {
	return []Name{
		BeforeInstall, Install, AfterInstall, AllowTestTraffic, AfterAllowTestTraffic,
		BeforeAllowTraffic, AllowTraffic, AfterAllowTraffic,
	}
}

// Hookable returns the five lifecycle events that take a hook, in order.
func Hookable() []Name {
	return []Name{BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic, AfterAllowTraffic}
}

// TakesHook reports whether CodeDeploy runs a hook in this lifecycle event.
func (n Name) TakesHook() bool { return slices.Contains(Hookable(), n) }

// Status is what a hook tells CodeDeploy. The zero value is no status and must never be sent.
type Status string

// The only two statuses that CodeDeploy takes from a hook; the SDK's enumeration has more, which
// PutLifecycleEventHookExecutionStatus refuses.
const (
	Succeeded Status = "Succeeded"
	Failed    Status = "Failed"
)

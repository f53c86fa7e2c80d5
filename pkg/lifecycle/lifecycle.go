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

// The lifecycle stages of Amazon ECS's own deployments, which is another API with other words, in order
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html). Those around the shift
// of production traffic come once for each of its steps.
const (
	ReconcileService           Name = "RECONCILE_SERVICE"
	PreScaleUp                 Name = "PRE_SCALE_UP"
	ScaleUp                    Name = "SCALE_UP"
	PostScaleUp                Name = "POST_SCALE_UP"
	TestTrafficShift           Name = "TEST_TRAFFIC_SHIFT"
	PostTestTrafficShift       Name = "POST_TEST_TRAFFIC_SHIFT"
	PreProductionTrafficShift  Name = "PRE_PRODUCTION_TRAFFIC_SHIFT"
	ProductionTrafficShift     Name = "PRODUCTION_TRAFFIC_SHIFT"
	PostProductionTrafficShift Name = "POST_PRODUCTION_TRAFFIC_SHIFT"
	BakeTime                   Name = "BAKE_TIME"
	CleanUp                    Name = "CLEAN_UP"
)

// Stages returns the stages in order.
func Stages() []Name {
	return []Name{
		ReconcileService, PreScaleUp, ScaleUp, PostScaleUp, TestTrafficShift, PostTestTrafficShift,
		PreProductionTrafficShift, ProductionTrafficShift, PostProductionTrafficShift, BakeTime, CleanUp,
	}
}

// HookStages returns the stages that take a Lambda function.
func HookStages() []Name {
	return slices.DeleteFunc(Stages(), func(n Name) bool { return n == ScaleUp || n == BakeTime || n == CleanUp })
}

// PauseStages returns the stages that take a PAUSE hook: not those that come again in a rollback.
func PauseStages() []Name {
	return slices.DeleteFunc(HookStages(), func(n Name) bool { return n == TestTrafficShift || n == ProductionTrafficShift })
}

// Event returns CodeDeploy's lifecycle event in which the same is known and the same can be stopped as in the stage, or
// false for a stage in which there is nothing to judge yet, or nothing to stop any more.
func (n Name) Event() (Name, bool) {
	event, ok := map[Name]Name{
		ReconcileService: BeforeInstall, PreScaleUp: BeforeInstall,
		TestTrafficShift: AfterAllowTestTraffic, PostTestTrafficShift: AfterAllowTestTraffic,
		PreProductionTrafficShift: BeforeAllowTraffic, ProductionTrafficShift: BeforeAllowTraffic,
		PostProductionTrafficShift: AfterAllowTraffic,
	}[n]
	return event, ok
}

package lifecycle

import "slices"

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
	switch n {
	case ReconcileService, PreScaleUp:
		return BeforeInstall, true
	case TestTrafficShift, PostTestTrafficShift:
		return AfterAllowTestTraffic, true
	case PreProductionTrafficShift, ProductionTrafficShift:
		return BeforeAllowTraffic, true
	default:
		return "", false
	}
}

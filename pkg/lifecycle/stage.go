package lifecycle

// Stage is a lifecycle stage of an Amazon ECS native blue/green deployment, which is another API with
// other words: "POST_TEST_TRAFFIC_SHIFT"
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html).
type Stage string

// The stages in which a gate can judge, or look ahead.
const (
	ReconcileService           Stage = "RECONCILE_SERVICE"
	PreScaleUp                 Stage = "PRE_SCALE_UP"
	TestTrafficShift           Stage = "TEST_TRAFFIC_SHIFT"
	PostTestTrafficShift       Stage = "POST_TEST_TRAFFIC_SHIFT"
	PreProductionTrafficShift  Stage = "PRE_PRODUCTION_TRAFFIC_SHIFT"
	ProductionTrafficShift     Stage = "PRODUCTION_TRAFFIC_SHIFT"
	PostProductionTrafficShift Stage = "POST_PRODUCTION_TRAFFIC_SHIFT"
)

// Name returns CodeDeploy's lifecycle event in which the same is known and the same can be stopped, or
// false for a stage in which there is nothing to judge yet, or nothing to stop any more.
func (s Stage) Name() (Name, bool) {
	switch s {
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

package lifecycle

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Stage is a lifecycle stage of an Amazon ECS native blue/green deployment, which is another API with
// other words: "POST_TEST_TRAFFIC_SHIFT"
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html).
type Stage string

// The stages in which a gate can judge.
const (
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
	case TestTrafficShift, PostTestTrafficShift:
		return AfterAllowTestTraffic, true
	case PreProductionTrafficShift, ProductionTrafficShift:
		return BeforeAllowTraffic, true
	default:
		return "", false
	}
}

// StageEvent is what invokes a hook of a native deployment. It waits for the answer, a HookAnswer.
type StageEvent struct {
	ExecutionID string
	Stage       Stage
	// Deployment is the ARN of the service deployment, Service that of the service.
	Deployment, Service string
	// TargetRevision is the ARN of the service revision that is deployed.
	TargetRevision string
	// Rollback says that traffic is moving away from the target revision: ECS invokes the hooks of the
	// two shift stages again when it takes a release back, and tells so by the weights only.
	Rollback bool
}

// HookAnswer is what a hook of a native deployment returns. ECS rolls back on anything else.
type HookAnswer struct {
	HookStatus string `json:"hookStatus"`
}

// Answer returns the status as a native hook says it.
func (s Status) Answer() HookAnswer {
	if s == Succeeded {
		return HookAnswer{"SUCCEEDED"}
	}
	return HookAnswer{"FAILED"}
}

// IsStage reports whether the payload is one of a native hook, well formed or not: CodeDeploy's has
// none of its members.
func IsStage(payload []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil {
		return false
	}
	_, ours := members["DeploymentId"]
	_, stage := members["lifecycleStage"]
	return stage && !ours
}

type weights map[string]float64

// leaves reports whether all traffic goes to other revisions than target.
func (w weights) leaves(target string) bool {
	others := 0.0
	for arn, weight := range w {
		if arn != target {
			others += weight
		}
	}
	return target != "" && w[target] == 0 && others > 0
}

// ParseStage reads the payload of a native hook. The members about the execution stand under
// executionDetails; in 2025's first months they stood beside it.
func ParseStage(payload []byte) (StageEvent, error) {
	type details struct {
		Service    string  `json:"serviceArn"`
		Target     string  `json:"targetServiceRevisionArn"`
		Test       weights `json:"testTrafficWeights"`
		Production weights `json:"productionTrafficWeights"`
	}
	var in struct {
		ExecutionID string  `json:"executionId"`
		Stage       Stage   `json:"lifecycleStage"`
		Resource    string  `json:"resourceArn"`
		Details     details `json:"executionDetails"`
		details
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return StageEvent{}, fmt.Errorf("read hook event: %w", err)
	}
	d := in.Details
	if d.Service == "" && d.Target == "" {
		d = in.details
	}
	if strings.TrimSpace(string(in.Stage)) == "" {
		return StageEvent{}, fmt.Errorf("read hook event: lifecycleStage is empty")
	}
	ev := StageEvent{ExecutionID: in.ExecutionID, Stage: in.Stage, Deployment: in.Resource, Service: d.Service, TargetRevision: d.Target}
	switch in.Stage {
	case TestTrafficShift:
		ev.Rollback = d.Test.leaves(d.Target)
	case ProductionTrafficShift:
		ev.Rollback = d.Production.leaves(d.Target)
	case PostTestTrafficShift, PreProductionTrafficShift, PostProductionTrafficShift:
	}
	return ev, nil
}

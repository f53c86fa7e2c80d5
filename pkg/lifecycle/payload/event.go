// Package payload is what invokes a hook and what the hook answers, from CodeDeploy and from Amazon ECS's own
// deployments.
//
// It refuses a payload that could not be answered: what Parse accepts, a status can be stored for.
package payload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// maxID bounds the ids of a payload. A deployment id has 11 characters and an execution id some 200;
// neither length is documented, so the bound only keeps a hostile payload out of the logs.
const maxID = 4096

// Event is what invokes a hook: CodeDeploy sends these two members and nothing else, not even the
// name of the lifecycle event. (events.CodeDeployEvent of aws-lambda-go is something else: the
// EventBridge event of a state change.)
type Event struct {
	// DeploymentID is "d-XXXXXXXXX".
	DeploymentID string
	// HookExecutionID is opaque, and passed back as it came.
	HookExecutionID string
	// Call counts the calls in which the hook invoked itself to go on; CodeDeploy's own is 0.
	Call int
}

// Next is the payload with which a hook invokes itself.
func (ev Event) Next() []byte {
	text, _ := json.Marshal(map[string]any{ // strings and a number
		"DeploymentId": ev.DeploymentID, "LifecycleEventHookExecutionId": ev.HookExecutionID, ownCall: ev.Call + 1,
	})
	return text
}

// ownCall is our member of CodeDeploy's payload.
const ownCall = "GreenlightCall"

// Parse reads CodeDeploy's payload. Members are matched by their exact names, so that a payload in
// which one of them stands twice in different cases cannot be read in two ways; others are ignored.
func Parse(payload []byte) (Event, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return Event{}, fmt.Errorf("read hook event: not a JSON object: %w", err)
	}
	deployment, err1 := id(members, "DeploymentId")
	execution, err2 := id(members, "LifecycleEventHookExecutionId")
	ev := Event{DeploymentID: deployment, HookExecutionID: execution}
	var err3 error
	if raw, ok := members[ownCall]; ok && (json.Unmarshal(raw, &ev.Call) != nil || ev.Call < 1) {
		err3 = fmt.Errorf("read hook event: %s is not a number of calls", ownCall)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return Event{}, err
	}
	return ev, nil
}

func id(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", fmt.Errorf("read hook event: %s is missing", name)
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil || string(raw) == "null" {
		return "", fmt.Errorf("read hook event: %s is not a string", name)
	}
	switch {
	case strings.TrimSpace(value) == "":
		return "", fmt.Errorf("read hook event: %s is empty", name)
	case len(value) > maxID:
		return "", fmt.Errorf("read hook event: %s has %d bytes, at most %d make sense", name, len(value), maxID)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		return "", fmt.Errorf("read hook event: %s holds control characters", name)
	}
	return value, nil
}

// StageEvent is what invokes a hook of a native deployment. It waits for the answer, a HookAnswer.
type StageEvent struct {
	Stage lifecycle.Name
	// Deployment is the ARN of the service deployment, Service that of the service.
	Deployment, Service string
	// TargetRevision is the ARN of the service revision that is deployed.
	TargetRevision string
	// Rollback says that traffic is moving away from the target revision: ECS invokes the hooks of the
	// two shift stages again when it takes a release back, and tells so by the weights only.
	Rollback bool
	// ProductionShare is how much of production's traffic the target revision gets, in per cent, where ShareKnown:
	// not where the event does not say it, or the shift is going on. Weighted says that somebody gets some.
	ProductionShare      float64
	ShareKnown, Weighted bool
	// Before is what an earlier call of the hook answered with GoOn, or what somebody says it did.
	Before string
}

// HookAnswer is what a hook of a native deployment returns. ECS rolls back on anything else.
type HookAnswer struct {
	HookStatus string `json:"hookStatus"`
	// CallBackDelay is after how many seconds ECS calls again, with HookDetails, where the status is IN_PROGRESS.
	CallBackDelay int               `json:"callBackDelay,omitempty"`
	HookDetails   map[string]string `json:"hookDetails,omitempty"`
}

// ownDetails is the member of hookDetails that is ours.
const ownDetails = "greenlight"

// GoOn has ECS call the hook again after so many seconds, with a text that the event then holds as Before.
func GoOn(text string, seconds int) HookAnswer {
	return HookAnswer{"IN_PROGRESS", seconds, map[string]string{ownDetails: text}}
}

// Answer returns the status as a native hook says it.
func Answer(s lifecycle.Status) HookAnswer {
	if s == lifecycle.Succeeded {
		return HookAnswer{HookStatus: "SUCCEEDED"}
	}
	return HookAnswer{HookStatus: "FAILED"}
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

func (w weights) total() (sum float64) {
	for _, weight := range w {
		sum += weight
	}
	return sum
}

// flaw says why the weights are none, or nothing: they are whole per cents, which may miss 100 by a rounding.
func (w weights) flaw() error {
	total, least := w.total(), 0.0
	for _, weight := range w {
		least = min(least, weight)
	}
	if least < 0 || total != 0 && math.Abs(total-100) > 1 {
		return fmt.Errorf("read hook event: the traffic weights do not add up: %g %% in all, the least %g", total, least)
	}
	return nil
}

// leaves reports whether all traffic goes to other revisions than target.
func (w weights) leaves(target string) bool {
	own, listed := w[target]
	return listed && own == 0 && w.total() > 0
}

// share is the target's part of production's traffic at a stage. Production is not touched before the test
// traffic's stages are over; while it is being shifted, and where the weights of a later stage are missing,
// nobody knows.
func (w weights) share(target string, at lifecycle.Name) (percent float64, known bool) {
	percent = w[target]
	untouched := at == lifecycle.TestTrafficShift || at == lifecycle.PostTestTrafficShift
	told := at == lifecycle.PreProductionTrafficShift && target != "" && w.total() > 0
	return percent, percent != 0 || untouched || told
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
		Stage    lifecycle.Name  `json:"lifecycleStage"`
		Resource string          `json:"resourceArn"`
		Details  details         `json:"executionDetails"`
		Own      json.RawMessage `json:"hookDetails"`
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
	ev := StageEvent{Stage: in.Stage, Deployment: in.Resource, Service: d.Service, TargetRevision: d.Target}
	ev.ProductionShare, ev.ShareKnown = d.Production.share(d.Target, in.Stage)
	var own map[string]any
	if json.Unmarshal(in.Own, &own) == nil { // it is whoever set up the service who writes it
		ev.Before, _ = own[ownDetails].(string)
	}
	ev.Weighted = d.Production.total() > 0
	ev.Rollback = in.Stage == lifecycle.TestTrafficShift && d.Test.leaves(d.Target) ||
		in.Stage == lifecycle.ProductionTrafficShift && d.Production.leaves(d.Target)
	return ev, cmp.Or(d.Production.flaw(), d.Test.flaw())
}

// Package codedeploy answers the part of CodeDeploy's API that hooks, pipelines and operators use on a
// running ECS deployment, from the state in a deployment.Book, with AWS's names and shapes.
//
// It refuses to run anything: a stop, a go-on, a hook's answer are noted in the Book, and whoever
// runs the deployment acts on them.
package codedeploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// Target is the prefix of CodeDeploy's operations in X-Amz-Target.
const Target = "CodeDeploy_20141006"

// API answers CodeDeploy's calls.
type API struct {
	Book *deployment.Book
	// Region and Account are put into the ARNs.
	Region, Account string
}

// Service returns the operations.
func (a API) Service() awsjson.Service {
	return awsjson.Service{Target: Target, Operations: map[string]awsjson.Operation{
		"GetDeployment":                        awsjson.Typed(a.getDeployment),
		"ListDeployments":                      awsjson.Typed(a.listDeployments),
		"GetDeploymentTarget":                  awsjson.Typed(a.getDeploymentTarget),
		"ListDeploymentTargets":                awsjson.Typed(a.listDeploymentTargets),
		"GetApplicationRevision":               awsjson.Typed(a.getApplicationRevision),
		"PutLifecycleEventHookExecutionStatus": awsjson.Typed(a.putStatus),
		"StopDeployment":                       awsjson.Typed(a.stopDeployment),
		"ContinueDeployment":                   awsjson.Typed(a.continueDeployment),
		"GetDeploymentGroup":                   awsjson.Typed(a.getDeploymentGroup),
	}}
}

func (a API) find(id string) (deployment.Deployment, error) {
	switch {
	case id == "":
		return deployment.Deployment{}, &awsjson.Fault{Type: "DeploymentIdRequiredException", Message: "At least one deployment ID must be specified."}
	case !deploymentID(id):
		return deployment.Deployment{}, &awsjson.Fault{Type: "InvalidDeploymentIdException", Message: fmt.Sprintf("Invalid deployment ID: %.80s", id)}
	}
	d, ok := a.Book.Get(id)
	if !ok {
		return deployment.Deployment{}, unknown(id)
	}
	return d, nil
}

func unknown(id string) error {
	return &awsjson.Fault{Type: "DeploymentDoesNotExistException", Message: fmt.Sprintf("The deployment %.80s could not be found", id)}
}

func deploymentID(id string) bool {
	ok, err := regexp.MatchString(`^d-[A-Z0-9]{9}$`, id)
	return err == nil && ok
}

type putInput struct {
	DeploymentID string                 `json:"deploymentId"`
	ExecutionID  string                 `json:"lifecycleEventHookExecutionId"`
	Status       deployment.EventStatus `json:"status"`
}

type putOutput struct {
	ExecutionID string `json:"lifecycleEventHookExecutionId"`
}

func (a API) putStatus(_ context.Context, in putInput) (putOutput, error) {
	if _, err := a.find(in.DeploymentID); err != nil {
		return putOutput{}, err
	}
	err := a.Book.Answer(in.DeploymentID, in.ExecutionID, in.Status)
	switch {
	case err == nil:
		return putOutput{in.ExecutionID}, nil
	case errors.Is(err, deployment.ErrExecution):
		return putOutput{}, &awsjson.Fault{
			Type:    "InvalidLifecycleEventHookExecutionIdException",
			Message: "A lifecycle event hook is invalid. Review the hooks section in your AppSpec file to ensure the lifecycle events and hooks functions are valid.",
		}
	case errors.Is(err, deployment.ErrStatus):
		return putOutput{}, &awsjson.Fault{
			Type:    "InvalidLifecycleEventHookExecutionStatusException",
			Message: "The result of a Lambda validation function that verifies a lifecycle event is invalid. It should return Succeeded or Failed.",
		}
	case errors.Is(err, deployment.ErrAnswered):
		return putOutput{}, &awsjson.Fault{
			Type:    "LifecycleEventAlreadyCompletedException",
			Message: "An attempt to return the status of an already completed lifecycle event occurred.",
		}
	}
	return putOutput{}, err
}

type stopInput struct {
	DeploymentID string `json:"deploymentId"`
	Rollback     bool   `json:"autoRollbackEnabled"`
}

type stopOutput struct {
	Status  string `json:"status"`
	Message string `json:"statusMessage"`
}

func (a API) stopDeployment(_ context.Context, in stopInput) (stopOutput, error) {
	if _, err := a.find(in.DeploymentID); err != nil {
		return stopOutput{}, err
	}
	if err := a.Book.Stop(in.DeploymentID, deployment.Stop{Rollback: in.Rollback}); err != nil {
		return stopOutput{}, ended(err)
	}
	return stopOutput{Status: "Pending", Message: "Stop is in progress."}, nil
}

type continueInput struct {
	DeploymentID string          `json:"deploymentId"`
	Wait         deployment.Wait `json:"deploymentWaitType"`
}

func (a API) continueDeployment(_ context.Context, in continueInput) (struct{}, error) {
	if _, err := a.find(in.DeploymentID); err != nil {
		return struct{}{}, err
	}
	switch in.Wait {
	case "", deployment.ReadyWait, deployment.TerminationWait:
	default:
		return struct{}{}, &awsjson.Fault{Type: "InvalidDeploymentWaitTypeException", Message: fmt.Sprintf("The wait type is invalid: %.80s", in.Wait)}
	}
	return struct{}{}, ended(a.Book.Continue(in.DeploymentID, in.Wait))
}

func ended(err error) error {
	switch {
	case errors.Is(err, deployment.ErrEnded):
		return &awsjson.Fault{Type: "DeploymentAlreadyCompletedException", Message: "The deployment is already complete."}
	case errors.Is(err, deployment.ErrNotReady):
		return &awsjson.Fault{Type: "DeploymentIsNotInReadyStateException", Message: "The deployment does not have a status of Ready and can't continue yet."}
	}
	return err
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

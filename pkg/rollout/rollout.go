// Package rollout is one deployment of an Amazon ECS service seen from outside, by whoever started it or has to decide on
// it: CodeDeploy's and Amazon ECS's own look the same from here. It begins one, looks at it, follows it to its end, and
// continues or ends one that waits.
//
// It refuses to take a controller's "succeeded" for the answer: a release is live only where the revision that serves
// is seen to be its own. It never begins a deployment twice, and what cannot be seen is an error, not an end.
package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Phase is how far a deployment is, and how it ended. The zero value is not known, and is no end.
type Phase string

// The phases. Live is the only good end: all of the production traffic is the new revision's.
const (
	UnderWay    Phase = "under way"
	Waits       Phase = "waits for approval"
	RollingBack Phase = "rolling back"
	Live        Phase = "live"
	RolledBack  Phase = "rolled back"
	// Ended is an end without a rollback in which the new revision does not serve, or not alone.
	Ended Phase = "ended"
)

// Over reports whether nothing more will happen.
func (p Phase) Over() bool { return p == Live || p == RolledBack || p == Ended }

// Stage is a lifecycle event of CodeDeploy's or a stage of Amazon ECS's own.
type Stage struct{ Name, Status string }

// Wait is what a deployment waits for.
type Wait struct {
	// Hook is the id of a PAUSE hook; empty is CodeDeploy's READY_WAIT.
	Hook string
	// Until is when the wait ends by itself, where that is told, and Then what happens.
	Until time.Time
	Then  string
}

// State is what is seen of a deployment.
type State struct {
	// ID is CodeDeploy's "d-…", or the ARN of a service deployment.
	ID    string
	Phase Phase
	// Status is the controller's own word, Reason its text.
	Status, Reason string
	// Stages are those that are known: CodeDeploy tells all of them, Amazon ECS the one under way.
	Stages []Stage
	Wait   *Wait
	// Of names the service or the deployment group, Link its page of the console.
	Of, Link string
	// Definition is the task definition of the new revision, by ARN.
	Definition string
	// Share is the new revision's share of production traffic in percent; below zero it is not known.
	Share float64
	// Rollback is the deployment that rolls this one back.
	Rollback string
	// Functions are the hooks, by name.
	Functions []string
	Began     time.Time
}

// Order is what is to be deployed.
type Order struct {
	// Definition is the ARN of the task definition, AppSpec the AppSpec that names it.
	Definition, AppSpec string
	// Description is kept with the deployment, where there is a place for it.
	Description string
}

// Controller is what deploys a service.
type Controller interface {
	// Stages are the names of what a deployment goes through, in order.
	Stages() []string
	// Begin begins a deployment and returns its id.
	Begin(ctx context.Context, o Order) (id string, err error)
	// Latest returns the newest deployment's id.
	Latest(ctx context.Context) (id string, err error)
	// Look looks at a deployment.
	Look(ctx context.Context, id string) (State, error)
	// Continue ends the wait in which a deployment was seen.
	Continue(ctx context.Context, s State) error
	// Back ends a deployment and brings the old revision back.
	Back(ctx context.Context, s State) error
}

// AWS is AWS's side: the clients that a rollout needs.
type AWS struct {
	CodeDeploy *codedeploy.Client
	ECS        *ecs.Client
	Logs       *cloudwatchlogs.Client
	STS        *sts.Client
	Region     string

	// These begin deployments and decide on them: a call that was not answered is not repeated, since it may have been
	// carried out.
	onceCodeDeploy *codedeploy.Client
	onceECS        *ecs.Client
}

// NewAWS returns the clients of a bounded configuration (see pkg/awsclient). It calls nobody.
func NewAWS(cfg aws.Config) AWS {
	once := awsclient.Once(cfg)
	// An answer that says "later" did nothing.
	once.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
		})
	}
	return AWS{
		CodeDeploy: codedeploy.NewFromConfig(cfg), ECS: ecs.NewFromConfig(cfg), Logs: cloudwatchlogs.NewFromConfig(cfg),
		STS: sts.NewFromConfig(cfg), Region: cfg.Region,
		onceCodeDeploy: codedeploy.NewFromConfig(once), onceECS: ecs.NewFromConfig(once),
	}
}

// onceTimeout is how long a call may take that is not repeated.
const onceTimeout = 15 * time.Second

// IsServiceDeployment reports whether an id is that of one of Amazon ECS's own deployments.
func IsServiceDeployment(id string) bool { return strings.Contains(id, ":service-deployment/") }

// Of returns the controller of a deployment that is known by its id.
func (a AWS) Of(id string) (Controller, error) {
	if parts := strings.Split(id, "/"); IsServiceDeployment(id) && len(parts) == 4 { // …:service-deployment/CLUSTER/SERVICE/ID
		return Native{AWS: a, Cluster: parts[1], Service: parts[2]}, nil
	}
	if strings.HasPrefix(id, "d-") {
		return CodeDeploy{AWS: a}, nil
	}
	return nil, fmt.Errorf("%.100q is not the id of a deployment: d-… or the ARN of a service deployment", id)
}

// console is a page of AWS's console.
func (a AWS) console(format string, args ...any) string {
	host := "console.aws.amazon.com"
	switch {
	case strings.HasPrefix(a.Region, "cn-"):
		host = "console.amazonaws.cn"
	case strings.HasPrefix(a.Region, "us-gov-"):
		host = "console.amazonaws-us-gov.com"
	}
	return "https://" + host + fmt.Sprintf(format, args...) + "?region=" + a.Region
}

// Passed reports whether a stage is over and went well. Amazon ECS tells the stage under way only: those before it are.
func (s State) Passed(c Controller, stage string) bool {
	if s.Phase != UnderWay && s.Phase != Waits {
		return s.Phase == Live // in a rollback stages come again
	}
	order := c.Stages()
	wanted := slices.Index(order, stage)
	for _, seen := range s.Stages {
		at := slices.Index(order, seen.Name)
		if at > wanted && seen.Status != pending || seen.Name == stage && (seen.Status == succeeded || seen.Status == skipped) {
			return true
		}
	}
	return false
}

// The statuses of a stage that are asked for; CodeDeploy's words.
const (
	pending    = "Pending"
	inProgress = "InProgress"
	succeeded  = "Succeeded"
	skipped    = "Skipped"
)

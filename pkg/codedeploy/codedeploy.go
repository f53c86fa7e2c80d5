// Package codedeploy is a hook's side of the CodeDeploy API: it stores the status of a hook execution,
// and reads what a deployment says about itself.
//
// It decides nothing about a release. Storing a status is worth every second that is left, so Report
// has its own clock and its own idea of which errors pass; reading facts is ordinary.
package codedeploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle/payload"
)

// readTimeout bounds one attempt to read: one that hangs is given up in time for another.
const readTimeout = 2 * time.Second

// Client calls CodeDeploy through the SDK's own client.
type Client struct {
	// Note is told when storing a status takes long, at every attempt after the first burst; nil is nobody.
	Note func(text string)
	// report makes one attempt a call, on a connection of its own: Report counts and times the attempts itself, since
	// the SDK's three give up under four throttles, and one hanging attempt eats the whole time.
	report *api.Client
	// read retries as the SDK does.
	read *api.Client
}

// New returns a client with a bounded configuration (see pkg/awsclient). It calls nobody.
func New(cfg aws.Config) *Client {
	report, read := api.NewFromConfig(awsclient.Once(cfg)), api.NewFromConfig(awsclient.Within(cfg, readTimeout))
	return &Client{report: report, read: read}
}

// Deployment is what GetDeployment tells, as far as a hook needs it.
type Deployment struct {
	Application, Group string
	// Rollback says that CodeDeploy itself created this deployment to take another one back.
	Rollback bool
	// RollsBack says that CodeDeploy takes this one back when it fails.
	RollsBack bool
	// TestListeners and ProductionListeners are listener ARNs; CodeDeploy takes one of each. A deployment group without a
	// test listener has none, and CodeDeploy then skips AfterAllowTestTraffic without a word.
	TestListeners, ProductionListeners []string
}

// Info reads the deployment as CodeDeploy has it. An answer about another one is an error.
func (c *Client) Info(ctx context.Context, id string) (*types.DeploymentInfo, error) {
	out, err := c.read.GetDeployment(ctx, &api.GetDeploymentInput{DeploymentId: &id})
	if err != nil {
		return nil, awsclient.Error(err)
	}
	if out.DeploymentInfo == nil || aws.ToString(out.DeploymentInfo.DeploymentId) != id {
		return nil, errors.New("the answer is not about this deployment")
	}
	return out.DeploymentInfo, nil
}

// Deployment reads the deployment.
func (c *Client) Deployment(ctx context.Context, id string) (Deployment, error) {
	info, err := c.Info(ctx, id)
	if err != nil {
		return Deployment{}, fmt.Errorf("read deployment: %w", err)
	}
	auto := awsclient.Of(info.AutoRollbackConfiguration)
	d := Deployment{
		Application: aws.ToString(info.ApplicationName), Group: aws.ToString(info.DeploymentGroupName),
		Rollback:  info.Creator == types.DeploymentCreatorCodeDeployRollback,
		RollsBack: auto.Enabled && slices.Contains(auto.Events, types.AutoRollbackEventDeploymentFailure),
	}
	for _, pair := range awsclient.Of(info.LoadBalancerInfo).TargetGroupPairInfoList {
		d.TestListeners = append(d.TestListeners, awsclient.Of(pair.TestTrafficRoute).ListenerArns...)
		d.ProductionListeners = append(d.ProductionListeners, awsclient.Of(pair.ProdTrafficRoute).ListenerArns...)
	}
	return d, nil
}

// Target is the ECS service that is deployed to, and how far the deployment is.
type Target struct {
	// ID is "cluster:service".
	ID       string
	Events   []types.LifecycleEvent
	TaskSets []TaskSet
}

// TaskSet is one of the deployment's task sets as CodeDeploy sees it. It is Blue where it served production when the
// deployment began, Green where it is the replacement.
type TaskSet = types.ECSTaskSet

// Original returns the task set that served production when the deployment began, or nil where CodeDeploy
// does not list exactly one.
func (t *Target) Original() *TaskSet { return t.labelled(types.TargetLabelBlue) }

// Replacement returns the task set that the deployment brings, or nil where CodeDeploy does not list exactly one.
func (t *Target) Replacement() *TaskSet { return t.labelled(types.TargetLabelGreen) }

func (t *Target) labelled(label types.TargetLabel) *TaskSet {
	is := func(s TaskSet) bool { return s.TaskSetLabel == label }
	i := slices.IndexFunc(t.TaskSets, is)
	if i < 0 || slices.ContainsFunc(t.TaskSets[i+1:], is) {
		return nil
	}
	return &t.TaskSets[i]
}

// Target reads the one target of an ECS deployment. An answer about another deployment is an error.
func (c *Client) Target(ctx context.Context, deploymentID string) (Target, error) {
	list, err := c.read.ListDeploymentTargets(ctx, &api.ListDeploymentTargetsInput{DeploymentId: &deploymentID})
	if err != nil {
		return Target{}, fmt.Errorf("list deployment targets: %w", awsclient.Error(err))
	}
	if len(list.TargetIds) == 0 {
		return Target{}, errors.New("list deployment targets: there is none")
	}
	out, err := c.read.GetDeploymentTarget(ctx, &api.GetDeploymentTargetInput{
		DeploymentId: &deploymentID, TargetId: &list.TargetIds[0],
	})
	if err != nil {
		return Target{}, fmt.Errorf("read deployment target: %w", awsclient.Error(err))
	}
	if out.DeploymentTarget == nil || out.DeploymentTarget.EcsTarget == nil {
		return Target{}, errors.New("read deployment target: it is not an Amazon ECS service")
	}
	ecs := out.DeploymentTarget.EcsTarget
	if aws.ToString(ecs.DeploymentId) != deploymentID || aws.ToString(ecs.TargetId) != list.TargetIds[0] {
		return Target{}, errors.New("read deployment target: the answer is not about this deployment")
	}
	return Target{ID: list.TargetIds[0], Events: ecs.LifecycleEvents, TaskSets: ecs.TaskSetsInfo}, nil
}

// Shifted is when production's traffic had been shifted, or zero.
func (t Target) Shifted() (at time.Time) {
	for _, e := range t.Events {
		switch name := lifecycle.Name(aws.ToString(e.LifecycleEventName)); {
		case name == lifecycle.AllowTraffic && e.EndTime != nil:
			return *e.EndTime
		case name == lifecycle.AfterAllowTraffic:
			at = aws.ToTime(e.StartTime)
		}
	}
	return at
}

// InProgress returns the lifecycle event that is running: the last one, since CodeDeploy may still list the one before.
func (t Target) InProgress() (lifecycle.Name, bool) {
	for _, e := range slices.Backward(t.Events) {
		if e.Status == types.LifecycleEventStatusInProgress {
			return lifecycle.Name(aws.ToString(e.LifecycleEventName)), true
		}
	}
	return "", false
}

// Outcome is what became of a status.
type Outcome string

// The outcomes. The zero value is none of them.
const (
	// Stored means that CodeDeploy has the status.
	Stored Outcome = "stored"
	// AlreadyCompleted means that CodeDeploy has a status for this hook execution from an earlier
	// attempt or invocation, or has given the execution up (time-out, stop). The first one counts.
	AlreadyCompleted Outcome = "already-completed"
	// NotStored means that CodeDeploy has no status: the deployment waits, up to an hour.
	NotStored Outcome = "failed"
)

// Reported tells how storing a status went. Err is nil unless the outcome is NotStored.
type Reported struct {
	Outcome  Outcome
	Attempts int
	Err      error
}

// Report stores the status of the event's hook execution with PutLifecycleEventHookExecutionStatus, which is the only
// thing of a hook that CodeDeploy looks at. It tries until a second before deadline, which is when Lambda kills the
// function: giving up sooner would only make Lambda run the whole suite again, writes included. A zero deadline counts
// as 14 minutes away. ctx's values are used, but neither its cancellation nor its own deadline: a run that was cut
// short is reported all the same. Only an answer that no repetition can change ends it before.
func (c *Client) Report(ctx context.Context, ev payload.Event, status lifecycle.Status, deadline time.Time) Reported {
	ctx = context.WithoutCancel(ctx)
	until := end(time.Now(), deadline)
	for n := 1; ; n++ {
		err := c.put(ctx, ev, status, timeout(time.Until(until)))
		k := kindOf(err)
		if outcome, ok := map[kind]Outcome{done: Stored, completed: AlreadyCompleted}[k]; ok {
			return Reported{Outcome: outcome, Attempts: n}
		}
		left := time.Until(until)
		wait, slow := pause(n, k, left, rand.Float64()) //nolint:gosec // jitter, no secret
		if k == fatal || left-wait < least {
			err = fmt.Errorf("store status %s for deployment %s: %w", status, ev.DeploymentID, err)
			return Reported{Outcome: NotStored, Attempts: n, Err: err}
		}
		if slow && c.Note != nil {
			c.Note(fmt.Sprintf("the status %s is not stored yet (attempt %d: %v): trying on until %s",
				status, n, err, until.UTC().Format(time.RFC3339)))
		}
		<-time.After(wait)
	}
}

func (c *Client) put(ctx context.Context, ev payload.Event, status lifecycle.Status, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := c.report.PutLifecycleEventHookExecutionStatus(ctx, &api.PutLifecycleEventHookExecutionStatusInput{
		DeploymentId:                  aws.String(ev.DeploymentID),
		LifecycleEventHookExecutionId: aws.String(ev.HookExecutionID),
		Status:                        types.LifecycleEventStatus(status),
	})
	return awsclient.Error(err)
}

// kind is what an error of an attempt means for the next one.
type kind int

const (
	fatal     kind = iota // asking again cannot help; what is unknown to us but said by AWS is fatal
	done                  // no error
	completed             // somebody was here before
	refused               // credentials: a new role's permissions take their time to be known everywhere
	passing               // throttling, 5xx, a broken or hanging connection, a garbled answer
)

func kindOf(err error) kind {
	if err == nil {
		return done
	}
	if _, ok := errors.AsType[*types.LifecycleEventAlreadyCompletedException](err); ok {
		return completed
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		// Nothing that AWS said: no connection, no answer, or one that cannot be read.
		if _, ok := errors.AsType[*smithy.SerializationError](err); ok {
			return fatal
		}
		return passing
	}
	code, status := answer.ErrorCode(), 0
	if http, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = http.HTTPStatusCode()
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled, status >= 500, status == 429, status == 408, status > 0 && status < 400:
		return passing
	case code == "UnknownError": // an answer without AWS's error is not AWS's: a proxy's, an endpoint's
		return passing
	case slices.ContainsFunc([]string{
		"AccessDenied", "ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature",
		"SignatureDoesNotMatch", "IncompleteSignature",
		"RequestExpired", "RequestTimeTooSkewed", "MissingAuthenticationToken", "NotAuthorized",
	}, func(start string) bool { return strings.HasPrefix(code, start) }):
		return refused
	}
	return fatal
}

const (
	// attemptTimeout is when a hung attempt is given up.
	attemptTimeout = 3 * time.Second
	// least is what an attempt gets, whatever the clock says.
	least = 500 * time.Millisecond
	// keepBack is what is left between the last attempt and Lambda's deadline: a killed function neither logs nor returns.
	keepBack = time.Second
	// noDeadline is taken for the time that is left where nobody said.
	noDeadline = 14 * time.Minute
	// share is the part of the time that is left which one attempt, or one pause, may take at most: as the
	// time runs out attempts come closer together, and no hang costs the last one.
	share = 3
)

// end is when the last attempt has to be over: a second before the deadline, or a quarter of what is left
// where a second would cost the only attempt.
func end(now, deadline time.Time) time.Time {
	if deadline.IsZero() {
		deadline = now.Add(noDeadline)
	}
	return deadline.Add(-min(keepBack, deadline.Sub(now)/4))
}

// timeout is what the next attempt gets of the time that is left.
func timeout(left time.Duration) time.Duration { return max(min(attemptTimeout, left/share), least) }

// pause is how long to wait after the n-th failed attempt (from 1), and whether the burst is over. Half of it is
// jitter, so that the hooks of many deployments do not come back to a throttled API together. A refused call has no
// burst: permissions take seconds to reach every server of AWS, and each refusal is a line in somebody's audit log.
func pause(n int, k kind, left time.Duration, random float64) (wait time.Duration, slow bool) {
	// A burst of eight in 4 s outlasts throttling and a restart of CodeDeploy's front; for what outlasts the burst, the
	// last one is used until the end.
	all := []float64{0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1, 10} // seconds
	if slow = n >= len(all) || k == refused; slow {
		n = len(all)
	}
	return min(time.Duration(all[n-1]*(0.5+0.5*random)*float64(time.Second)), left/share), slow
}

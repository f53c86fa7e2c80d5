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

// Report stores the status of the event's hook execution with
// PutLifecycleEventHookExecutionStatus, which is the only thing of a hook that CodeDeploy looks at. It tries
// until a second before deadline, which is when Lambda kills the function: giving up sooner would only make
// Lambda run the whole suite again, writes included. A zero deadline counts as 14 minutes away. ctx's values
// are used, but neither its cancellation nor its own deadline: a run that was cut short is reported all the
// same. Only an answer that no repetition can change ends it before.
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

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

// Package prober runs a suite in another place than the one that decides: the hooks send a job to the
// prober, a function inside the VPC, and get its report back. Both ends are here, so that they cannot
// come to differ.
//
// It refuses to log the job, which carries resolved secrets, and to take anything for a report that is
// not one of this very suite.
package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

const (
	// MaxRun is how long a Lambda function may work at most: a suite that takes longer cannot be run by
	// the prober.
	MaxRun = 900 * time.Second
	// answerTime is kept for the report's way back; of a short time a quarter.
	answerTime = 3 * time.Second
	// wakeTime bounds the wait for a function that is Pending or Inactive, which takes a minute or two
	// after weeks without an invocation; asking is every wakePause.
	wakeTime  = 5 * time.Minute
	wakePause = 2 * time.Second
)

// Serve is the prober's end: it runs the job until the caller wants the report, or until Lambda would
// end the function, whichever is sooner.
func Serve(ctx context.Context, job smoke.Job) (finding.Report, error) {
	var own awsclient.Environment
	own.SecretAccessKey, _ = envconfig.OsLookuper().Lookup("AWS_SECRET_ACCESS_KEY")
	own.SessionToken, _ = envconfig.OsLookuper().Lookup("AWS_SESSION_TOKEN")
	job.Hidden = own.Secrets()
	for _, end := range []time.Time{answered(ctx), job.Deadline} {
		if !end.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end)
			defer cancel()
		}
	}
	return smoke.ReadAndRun(ctx, job, nil), nil
}

// answered is when the report has to be on its way, or zero where nobody says it.
func answered(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return deadline
	}
	return deadline.Add(-min(answerTime, time.Until(deadline)/4))
}

// Client is the hook's end: it invokes the function with the job and waits for the report.
type Client struct {
	AWS aws.Config
	// Function is the prober function's name or ARN.
	Function string
	// Note tells what is waited for; it may be nil.
	Note func(text string)
}

// Run sends the job of the suite and returns the report. An error says why there is none; then nothing is known of
// the release.
func (c Client) Run(ctx context.Context, suite *suite.Suite, job smoke.Job) (r finding.Report, err error) {
	defer func() {
		if err != nil {
			r, err = finding.Report{}, fmt.Errorf("ask the prober %s: %w", c.Function, err)
		}
	}()
	job.Deadline = answered(ctx)
	payload, err := json.Marshal(job)
	if err != nil {
		return r, err
	}
	answer, err := c.invoke(ctx, payload)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: it did not answer in the time that this function has for the suite", err)
	}
	switch {
	case awsclient.IsCode(err, "ResourceNotFoundException", "AccessDeniedException", "InvalidRequestContentException",
		"RequestTooLargeException", "UnrecognizedClientException", "KMSAccessDeniedException"):
		return r, fmt.Errorf("%w (%w)", err, ErrUnusable)
	case err != nil:
		return r, err
	case aws.ToString(answer.FunctionError) != "":
		return r, functionError(answer.Payload)
	}
	if err := json.Unmarshal(answer.Payload, &r); err != nil {
		return r, fmt.Errorf("its answer is no report: %w", err)
	}
	if r.SuiteSHA256 != suite.SHA256 {
		return r, errors.New("its report is about another suite")
	}
	return r, nil
}

// invoke waits until the function can be invoked, and invokes it once: a job that writes must not run
// twice because an answer was lost.
func (c Client) invoke(ctx context.Context, payload []byte) (*lambda.InvokeOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, MaxRun+wakeTime)
	defer cancel()
	until := time.Now().Add(wakeTime)
	api := lambda.NewFromConfig(awsclient.Once(c.AWS))
	for {
		answer, err := api.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String(c.Function), InvocationType: types.InvocationTypeRequestResponse, Payload: payload,
		})
		err = awsclient.Error(err)
		// It is Inactive or Pending, its network interfaces having been taken away while it was idle, or too many run already.
		notYet := awsclient.IsCode(err, "ResourceNotReadyException", "ResourceConflictException", "TooManyRequestsException",
			"ENINotReadyException")
		if !notYet || time.Now().After(until) {
			return answer, err
		}
		if state := c.state(ctx); state != "" && c.Note != nil {
			c.Note("waiting for the prober, which is " + state)
		}
		if !smoke.Pause(ctx, wakePause) {
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// state is the function's state in Lambda's words: "Inactive", "Pending"; "" where it is not known.
func (c Client) state(ctx context.Context) string {
	out, err := lambda.NewFromConfig(c.AWS).GetFunction(ctx,
		&lambda.GetFunctionInput{FunctionName: aws.String(c.Function)})
	if err != nil || out.Configuration == nil {
		return ""
	}
	return string(out.Configuration.State)
}

// ErrOutlasted says that Lambda ended the prober before the suite had ended.
var ErrOutlasted = errors.New("the suite outlasted the function: shorten the suite, or give the prober up to 900 s")

// ErrUnusable says that Lambda refuses to invoke the prober at all, and will go on refusing.
var ErrUnusable = errors.New("correct PROBER_FUNCTION, or the role's permission to invoke it")

// functionError is the error's type and nothing else: its message may quote the payload.
func functionError(body []byte) error {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	_ = json.Unmarshal(body, &e) // without a type it is an error all the same
	if e.Type == "Sandbox.Timedout" || strings.Contains(e.Message, "Task timed out after") {
		return ErrOutlasted
	}
	return fmt.Errorf("the function ended with an error of type %.100q", e.Type)
}

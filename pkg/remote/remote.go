// Package remote runs a suite in another place than the one that decides: the hooks send a job to the
// prober, a function inside the VPC, and get its report back. Both ends are here, so that they cannot
// come to differ.
//
// It refuses to log the job, which carries resolved secrets, and to take anything for a report that is
// not one of this very suite.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
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
	// leastCredential is the length under which a credential is not one of AWS's: its few letters would be hidden
	// everywhere.
	leastCredential = 16
)

// Serve is the prober's end: it runs the job until the caller wants the report, or until Lambda would
// end the function, whichever is sooner.
func Serve(ctx context.Context, job smoke.Job) (finding.Report, error) {
	for _, own := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if value, ok := envconfig.OsLookuper().Lookup(own); ok && len(value) >= leastCredential {
			job.Hidden = append(job.Hidden, value)
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(answerTime, time.Until(deadline)/4)))
		defer cancel()
	}
	if !job.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, job.Deadline)
		defer cancel()
	}
	return smoke.ReadAndRun(ctx, job, nil), nil
}

// Prober is the hook's end: it invokes the function with the job and waits for the report.
type Prober struct {
	AWS *signed.Client
	// Function is the prober function's name or ARN.
	Function string
	// Note tells what is waited for; it may be nil.
	Note func(text string)
}

// Run sends the job of the suite and returns the report. An error says why there is none; then nothing is known of
// the release.
func (p Prober) Run(ctx context.Context, suite *suite.Suite, job smoke.Job) (finding.Report, error) {
	if deadline, ok := ctx.Deadline(); ok {
		job.Deadline = deadline.Add(-min(answerTime, time.Until(deadline)/4))
	}
	payload, err := json.Marshal(job)
	if err != nil {
		return finding.Report{}, fmt.Errorf("ask the prober: %w", err)
	}
	answer, err := p.invoke(ctx, payload)
	if err != nil {
		err = fmt.Errorf("ask the prober %s: %w", p.Function, err)
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: it did not answer in the time that this function has for the suite", err)
		}
		if signed.IsCode(err, "ResourceNotFoundException", "AccessDeniedException", "InvalidRequestContentException", "RequestTooLargeException", "UnrecognizedClientException", "KMSAccessDeniedException") {
			err = fmt.Errorf("%w (%w)", err, ErrUnusable)
		}
		return finding.Report{}, err
	}
	if answer.Header.Get("X-Amz-Function-Error") != "" {
		return finding.Report{}, fmt.Errorf("ask the prober %s: %w", p.Function, functionError(answer.Body))
	}
	var r finding.Report
	if err := json.Unmarshal(answer.Body, &r); err != nil {
		return finding.Report{}, fmt.Errorf("ask the prober %s: its answer is no report: %w", p.Function, err)
	}
	if r.SuiteSHA256 != suite.SHA256() {
		return finding.Report{}, fmt.Errorf("ask the prober %s: its report is about another suite", p.Function)
	}
	return r, nil
}

// invoke waits until the function can be invoked, and invokes it once: a job that writes must not run
// twice because an answer was lost.
func (p Prober) invoke(ctx context.Context, payload []byte) (signed.Answer, error) {
	until := time.Now().Add(wakeTime)
	for {
		timeout := MaxRun
		if deadline, ok := ctx.Deadline(); ok {
			timeout = time.Until(deadline)
		}
		answer, err := p.AWS.Do(ctx, signed.Request{
			Service: signed.Lambda, Operation: "Invoke", Method: http.MethodPost,
			Path:   "/2015-03-31/functions/" + url.PathEscape(p.Function) + "/invocations",
			Header: http.Header{"Content-Type": {"application/json"}, "X-Amz-Invocation-Type": {"RequestResponse"}},
			Body:   payload, Timeout: timeout, Once: true,
		})
		if !notYet(err) || time.Now().After(until) {
			return answer, err
		}
		state, stateErr := p.state(ctx)
		if stateErr == nil {
			p.note("waiting for the prober, which is " + state)
		}
		select {
		case <-ctx.Done():
			return signed.Answer{}, errors.Join(err, ctx.Err())
		case <-time.After(wakePause):
		}
	}
}

// notYet reports whether Lambda did not run the function but may soon: it is Inactive or Pending
// (its network interfaces were taken away while it was idle), or too many run already.
func notYet(err error) bool {
	return signed.IsCode(err, "ResourceNotReadyException", "ResourceConflictException", "TooManyRequestsException", "ENINotReadyException")
}

// state is the function's state in Lambda's words: "Inactive", "Pending".
func (p Prober) state(ctx context.Context) (string, error) {
	answer, err := p.AWS.Do(ctx, signed.Request{
		Service: signed.Lambda, Operation: "GetFunction", Method: http.MethodGet,
		Path: "/2015-03-31/functions/" + url.PathEscape(p.Function), Once: true,
	})
	if err != nil {
		return "", err
	}
	var out struct {
		Configuration struct{ State string }
	}
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		return "", err
	}
	return out.Configuration.State, nil
}

func (p Prober) note(text string) {
	if p.Note != nil {
		p.Note(text)
	}
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

// Package rollout is one deployment of an Amazon ECS service seen from outside, by whoever started it or has to decide
// on it: CodeDeploy's and Amazon ECS's own look the same from here.
//
// It refuses to take a controller's "succeeded" for the answer: a release is live only where the revision that serves
// is seen to be its own. It never begins a deployment or decides on one twice, and what cannot be seen is an error, not
// an end.
package rollout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/greenlight-ecs/greenlight/pkg/approval"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	facts "github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
)

// Phase is how far a deployment is, and how it ended. The zero value is no end.
type Phase string

// The phases. Live is the only good end: the new revision serves all of the production traffic. Ended is an end without
// a rollback in which it does not, or not alone.
const (
	UnderWay    Phase = "under way"
	Waits       Phase = "waits for approval"
	RollingBack Phase = "rolling back"
	Live        Phase = "live"
	RolledBack  Phase = "rolled back"
	Ended       Phase = "ended"
)

// Over reports whether nothing more will happen.
func (p Phase) Over() bool { return p == Live || p == RolledBack || p == Ended }

// Stage is a lifecycle event of CodeDeploy's or a stage of Amazon ECS's own, with CodeDeploy's word for its status.
type Stage struct{ Name, Status string }

// The statuses of a stage that are asked for.
const (
	Pending    = "Pending"
	InProgress = "InProgress"
)

// Wait is what a deployment waits for: a gate that asks a Question, a PAUSE hook, or without one CodeDeploy's READY_WAIT.
// Ends says when and how it ends by itself, where that is known.
type Wait struct{ Hook, Question, Ends string }

// State is what is seen of a deployment.
type State struct {
	// ID is CodeDeploy's "d-…", or the ARN of a service deployment. Of names the deployment group or the service.
	ID, Of string
	Phase  Phase
	// Status is the controller's own word, Reason its text, Link its page of the console.
	Status, Reason, Link string
	// Stages are those that are known: CodeDeploy tells all of them, Amazon ECS the one under way.
	Stages []Stage
	Wait   *Wait
	// Definition is the task definition of the new revision, by ARN, Functions are the names of its hooks.
	Definition string
	Functions  []string
	// Share is the new revision's share of production traffic in percent; below zero it is not known.
	Share float64
	Began time.Time
	// Unread is why it is not known whether a gate asks; nil where it is.
	Unread error
}

// Controller is what deploys a service.
type Controller interface {
	// Stages are the names of what a deployment goes through, in order.
	Stages() []string
	// Begin begins a deployment of a task definition, which the AppSpec names where there is one.
	Begin(ctx context.Context, definition, appSpec, description string) (id string, err error)
	// Latest returns the newest deployment's id.
	Latest(ctx context.Context) (id string, err error)
	// Look looks at a deployment.
	Look(ctx context.Context, id string) (State, error)
	// Previous returns the task definition of what a deployment replaces; "" where there is none.
	Previous(ctx context.Context, s State) (definition string, err error)
	// Decide ends the wait in which a deployment was seen; without goOn it is stopped and rolled back, waiting or not.
	Decide(ctx context.Context, s State, goOn bool) error
}

// ErrNever says that there is no deployment yet.
var ErrNever = errors.New("it was never deployed by this controller")

// ErrUnclear says that a deployment may have begun, or not.
var ErrUnclear = errors.New("it is not known whether a deployment has begun")

// onceTimeout is how long a call may take that is not repeated.
const onceTimeout = 15 * time.Second

// AWS is the clients that a rollout needs.
type AWS struct {
	CodeDeploy *codedeploy.Client
	ECS        *ecs.Client
	Logs       *cloudwatchlogs.Client
	STS        *sts.Client
	Region     string

	facts *facts.Client
	// These begin deployments and decide on them: a call that was not answered is not repeated, since it may have been
	// carried out.
	onceCodeDeploy *codedeploy.Client
	onceECS        *ecs.Client
}

// NewAWS returns the clients of a bounded configuration (see pkg/awsclient). It calls nobody.
func NewAWS(cfg aws.Config) AWS {
	once := awsclient.Once(cfg)
	once.Retryer = func() aws.Retryer { // an answer that says "later" did nothing
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
		})
	}
	return AWS{
		CodeDeploy: codedeploy.NewFromConfig(cfg), ECS: ecs.NewFromConfig(cfg), Logs: cloudwatchlogs.NewFromConfig(cfg),
		STS: sts.NewFromConfig(cfg), Region: cfg.Region, facts: facts.New(cfg),
		onceCodeDeploy: codedeploy.NewFromConfig(once), onceECS: ecs.NewFromConfig(once),
	}
}

// Of returns the controller of a deployment that is known by its id.
func (a *AWS) Of(id string) (Controller, error) {
	// arn:…:service-deployment/CLUSTER/SERVICE/ID
	if parts := strings.Split(id, "/"); len(parts) == 4 && strings.HasSuffix(parts[0], ":service-deployment") {
		return Native{AWS: a, Cluster: parts[1], Service: parts[2]}, nil
	}
	if strings.HasPrefix(id, "d-") {
		return CodeDeploy{AWS: a}, nil
	}
	return nil, errors.New("not the id of a deployment: d-… or the ARN of a service deployment")
}

// begun words how beginning a deployment ended.
func begun(err error) error {
	if err != nil && awsclient.Unclear(err) {
		return fmt.Errorf("%w: %w", ErrUnclear, awsclient.Error(err))
	}
	return awsclient.Error(err)
}

// Verdicts reads what the gate said of a deployment, out of its hooks' logs, the newest last. A log group that is not
// there says nothing: the function never ran, or is not ours.
func (a AWS) Verdicts(ctx context.Context, s State) ([]notify.Line, error) {
	all, err := a.said(ctx, s)
	return slices.DeleteFunc(all, func(l notify.Line) bool { return l.Text("event") != "verdict" }), err
}

// asked notes the question of a gate that nobody has answered.
func (a AWS) asked(ctx context.Context, s *State) {
	all, err := a.said(ctx, *s)
	s.Unread = err
	for _, l := range all {
		until, _ := time.Parse(time.RFC3339, l.Text("until"))
		switch {
		case l.Text("event") == "verdict":
			s.Phase, s.Wait = UnderWay, nil
		case l.Text("question") != "" && time.Until(until) > 0:
			s.Phase, s.Wait = Waits, &Wait{Question: l.Text("question"), Ends: fmt.Sprintf(
				": the gate is inconclusive: %s; until %s, then it has failed", l.Text("reason"), until.Format(time.RFC3339))}
		}
	}
}

// said reads the verdicts and the questions.
func (a AWS) said(ctx context.Context, s State) (all []notify.Line, err error) {
	pattern := `{ ($.event = "verdict" || $.event = "ask") && $.deployment_id = "` + s.ID + `" }`
	functions := slices.Compact(slices.Sorted(slices.Values(s.Functions)))
	for i := 0; i < len(functions) && err == nil; i++ {
		err = a.Lines(ctx, "/aws/lambda/"+functions[i], s.Began, pattern, func(l notify.Line) bool {
			if event := l.Text("event"); l.Text("deployment_id") == s.ID && (event == "verdict" || event == "ask") {
				all = append(all, l)
			}
			return true
		})
	}
	slices.SortStableFunc(all, notify.Line.Compare)
	return all, err
}

// Lines hands on the lines of a log group that match, until goOn says no; a group that does not exist has none.
func (a AWS) Lines(ctx context.Context, group string, since time.Time, pattern string, goOn func(notify.Line) bool) error {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.Logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(since.UnixMilli()), FilterPattern: &pattern,
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if awsclient.IsCode(err, "ResourceNotFoundException") {
			return nil
		}
		if err != nil {
			return awsclient.Error(err)
		}
		for _, e := range out.Events {
			if !goOn(notify.Read(aws.ToString(e.Message))) {
				return nil
			}
		}
	}
	return nil
}

// Who returns the ARN of whoever calls.
func (a AWS) Who(ctx context.Context) (string, error) {
	out, err := a.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return aws.ToString(awsclient.Of(out).Arn), awsclient.Error(err)
}

// Keep stores who decided what and when, and why, with the revision that is deployed. Where a gate asks, this is the
// answer.
func (a AWS) Keep(ctx context.Context, s State, decision, why string) error {
	tags := map[string]string{approval.Decision: decision, approval.Why: why}
	if s.Wait != nil && s.Wait.Question != "" {
		verb, _, _ := strings.Cut(decision, " ")
		tags[approval.Answer] = verb + " " + s.Wait.Question
	}
	in := &ecs.TagResourceInput{ResourceArn: &s.Definition}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(approval.Text(value))})
	}
	_, err := a.ECS.TagResource(ctx, in)
	return awsclient.Error(err)
}

// Kept returns the decision that is stored, or nothing, and whether it answers what the gate asks now.
func (a AWS) Kept(ctx context.Context, s State) (text string, answers bool, err error) {
	kept, err := approval.Tags(ctx, a.ECS, s.Definition)
	if s.Wait != nil {
		verb, _ := approval.Answered(kept, s.Wait.Question)
		answers = verb != ""
	}
	return strings.TrimPrefix(kept[approval.Decision]+": "+kept[approval.Why], ": "), answers, err
}

// Definition returns a task definition as DescribeTaskDefinition prints it, by its ARN or as the newest one of a family;
// "" where there is none. It is AWS's own text: what this build's SDK does not know is in it.
func (a AWS) Definition(ctx context.Context, name string) (string, error) {
	var text []byte
	keep := middleware.DeserializeMiddlewareFunc("KeepText", func(ctx context.Context, in middleware.DeserializeInput,
		next middleware.DeserializeHandler,
	) (out middleware.DeserializeOutput, _ middleware.Metadata, err error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
			text, err = io.ReadAll(resp.Body) // which pkg/awsclient has bounded
			resp.Body = io.NopCloser(bytes.NewReader(text))
		}
		return out, metadata, err
	})
	_, err := a.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: &name, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags},
	}, func(o *ecs.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Deserialize.Add(keep, middleware.After) })
	})
	if awsclient.IsCode(err, "ClientException") && strings.Contains(err.Error(), "Unable to describe task definition") {
		return "", nil
	}
	if err != nil {
		text = nil // it is an error's
	}
	return string(text), awsclient.Error(err)
}

// Package discovery finds out what a deployment releases: which task definition, under which name, with
// which suite, and behind which listeners.
//
// Every fact stands for itself. What cannot be read is an error in the words of AWS, and so is an answer about
// something else than was asked for: an empty one is never taken for a fact. Whether a fact was needed is
// the gate's to say. It judges nothing and writes nothing to AWS.
package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
)

// Fact is one thing that a deployment says of itself, or why it is not known. The zero value was not asked for.
type Fact[T any] struct {
	value T
	known bool
	err   error
}

// Of is what was read, or what was said instead.
func Of[T any](value T, err error) Fact[T] {
	if err != nil {
		return Fact[T]{err: err}
	}
	return Fact[T]{value: value, known: true}
}

// Get returns the value and whether it is known. The value of a fact that is not is zero.
func (f Fact[T]) Get() (T, bool) { return f.value, f.known }

// Value is what is known, or zero.
func (f Fact[T]) Value() T { return f.value }

// Err is why a fact is not known; nil where it is known, or was not asked for.
func (f Fact[T]) Err() error { return f.err }

// Facts is what AWS says of a deployment.
type Facts struct {
	// Deployment and Target are CodeDeploy's; a native deployment has neither.
	Deployment Fact[codedeploy.Deployment]
	Target     Fact[codedeploy.Target]
	// Original and Replacement are what the two releases run.
	Original, Replacement Fact[TaskDefinition]
	// Test and Production are the ways to the two releases.
	Test, Production Side
	// GreenGroup and BlueGroup are the names of the two releases' target groups.
	GreenGroup, BlueGroup Fact[string]
	// Rollout is what a native deployment says of itself.
	Rollout Fact[Rollout]
	// TestListeners is how many ways there are for test traffic.
	TestListeners int
	// Share is how much of production's traffic the new release gets, in per cent.
	Share Fact[float64]
	// Warnings say what could not be read, in AWS's words.
	Warnings []string
}

// Side is the way to one release.
type Side struct {
	// ARN is that of the listener, or of the rule, that leads there; empty where the deployment names none.
	ARN string
	// URL is the listener's base URL.
	URL Fact[string]
	// Addresses are what to dial from inside the VPC, with the port.
	Addresses Fact[[]string]
	// Way is what leads there, and what it asks for.
	Way Fact[Way]
}

// Wanted says what else is to be read of a deployment.
type Wanted struct {
	// Definitions are those of the task sets.
	Definitions bool
	// TestURL and ProductionURL are the listeners' base URLs, Addresses what to dial for both, Ways what they do. A
	// listener rule's is always read.
	TestURL, ProductionURL, Addresses, Ways bool
}

// Deployment reads what CodeDeploy says of a deployment.
func (f Finder) Deployment(ctx context.Context, id string) Facts {
	var found Facts
	parallel.Do(
		func() { found.Deployment = Of(f.CodeDeploy.Deployment(ctx, id)) },
		func() { found.Target = Of(f.CodeDeploy.Target(ctx, id)) },
	)
	if d, ok := found.Deployment.Get(); ok {
		found.Test.ARN, found.Production.ARN = cmp.Or(d.TestListeners...), cmp.Or(d.ProductionListeners...)
		found.TestListeners = len(d.TestListeners)
	}
	t := found.Target.Value()
	if green := t.Replacement(); green != nil {
		found.Share, found.GreenGroup = Of(green.TrafficWeight, nil), named(aws.ToString(awsclient.Of(green.TargetGroup).Name))
	}
	if blue := t.Original(); blue != nil {
		found.BlueGroup = named(aws.ToString(awsclient.Of(blue.TargetGroup).Name))
	}
	return found.warned(found.Deployment.Err(), found.Target.Err())
}

// Complete returns what Deployment found with what is wanted beside it. Its warnings are only the new ones.
func (f Finder) Complete(ctx context.Context, found Facts, w Wanted) Facts {
	target, known := found.Target.Get()
	parallel.Do(
		func() {
			if w.Definitions && known {
				found.Original, found.Replacement = f.TaskDefinitions(ctx, target)
			}
		},
		func() { found.Test = f.side(ctx, found.Test.ARN, w.TestURL, w) },
		func() { found.Production = f.side(ctx, found.Production.ARN, w.ProductionURL, w) },
	)
	found.Warnings = nil
	found = found.warned(found.Replacement.Err(), found.Original.Err(), found.Test.err(), found.Production.err())
	if w.Definitions && !known {
		found.Replacement = Of(TaskDefinition{}, errors.New("read task sets: the deployment's target is not known"))
	}
	return found
}

// Native reads what a native deployment says of itself, and of the service revisions that it moves between.
func (f Finder) Native(ctx context.Context, deployment, service, revision string, w Wanted) Facts {
	if revision == "" {
		found := Facts{Replacement: Of(TaskDefinition{}, errors.New("read service revision: the event names none"))}
		return found.warned(found.Replacement.Err())
	}
	found := Facts{Rollout: Of(f.Rollout(ctx, deployment, service, revision))}
	asked := []string{revision}
	if sources := found.Rollout.Value().Sources; len(sources) == 1 {
		asked = append(asked, sources...)
	}
	all, err := f.Revisions(ctx, asked...)
	if err != nil {
		found.Replacement = Of(TaskDefinition{}, err)
		return found.warned(found.Rollout.Err(), err)
	}
	// A revision whose task definition cannot be read may still say where its listeners are.
	found.Replacement, found.GreenGroup = all[0].TaskDefinition, named(targetGroupName(all[0].TargetGroup))
	found.TestListeners = all[0].TestRules
	if len(all) > 1 {
		found.Original, found.BlueGroup = all[1].TaskDefinition, named(targetGroupName(all[1].TargetGroup))
	}
	parallel.Do(
		func() { found.Test = f.side(ctx, all[0].TestRule, w.TestURL, w) },
		func() { found.Production = f.side(ctx, all[0].ProductionRule, w.ProductionURL, w) },
	)
	return found.warned(found.Rollout.Err(), found.Replacement.Err(), found.Original.Err(), found.Test.err(),
		found.Production.err(), found.Production.Way.Err())
}

// side reads the listener behind an ARN, what leads there, and what to dial to get to it.
func (f Finder) side(ctx context.Context, arn string, wantURL bool, w Wanted) Side {
	s := Side{ARN: arn}
	if arn != "" && (w.Ways || ListenerOf(arn) != arn) {
		s.Way = Of(f.Way(ctx, arn))
	}
	if arn == "" || !wantURL && !w.Addresses {
		return s
	}
	l, err := f.Listener(ctx, ListenerOf(arn))
	s.URL = Of(l.URL, err)
	if err != nil || !w.Addresses {
		return s
	}
	hosts, err := f.Addresses(ctx, l.LoadBalancer)
	u, urlErr := url.Parse(l.URL)
	if err = errors.Join(err, urlErr); err == nil {
		for i, host := range hosts {
			hosts[i] = net.JoinHostPort(host, u.Port())
		}
	}
	s.Addresses = Of(hosts, err)
	return s
}

// err is the first thing that could not be read of a side, its way left out.
func (s Side) err() error { return cmp.Or(s.URL.Err(), s.Addresses.Err()) }

// warned returns the facts with a warning for each error, once.
func (found Facts) warned(errs ...error) Facts {
	for _, err := range errs {
		if err != nil && !slices.Contains(found.Warnings, err.Error()) {
			found.Warnings = append(found.Warnings, err.Error())
		}
	}
	return found
}

// named is a name that is known when it is not empty.
func named(name string) Fact[string] { return Fact[string]{value: name, known: name != ""} }

// The docker labels by which a task definition speaks to the gate. render-taskdef stamps the first two;
// infra/bluegreen.yml the third, on the placeholder that serves before the first release. They count on the
// container behind the load balancer, whose answers are judged, and on no other.
const (
	LabelRelease   = "greenlight.release"
	LabelSuite     = "greenlight.suite"
	LabelBootstrap = "greenlight.bootstrap"
)

// Finder reads facts from AWS.
type Finder struct {
	AWS aws.Config
	// CodeDeploy is asked for a deployment of its own; a native deployment needs none.
	CodeDeploy *codedeploy.Client
}

// TaskDefinition is what a task set runs, as far as a gate cares.
type TaskDefinition struct {
	ARN string
	// Container is the one behind the load balancer, Digest that of its image where a service revision says it.
	Container, Digest string
	// TargetGroup is the ARN of the target group that its task set is registered in, or empty.
	TargetGroup string
	// Release is the label greenlight.release, else the tag of the image behind the load balancer.
	Release string
	// Suite is the label greenlight.suite.
	Suite string
	// Bootstrap says that this is the placeholder of a new stack, not a release.
	Bootstrap bool
	// Logs is where its containers log to, as far as that is CloudWatch.
	Logs []Log
}

// Log is where a container logs to: the stream of a task is "prefix/container/task".
type Log struct{ Container, Group, Prefix string }

// TaskDefinitions reads the task definitions of both task sets of a deployment.
func (f Finder) TaskDefinitions(
	ctx context.Context, target codedeploy.Target,
) (original, replacement Fact[TaskDefinition]) {
	cluster, service, ok := strings.Cut(target.ID, ":")
	if !ok {
		err := fmt.Errorf("read task sets: the deployment's target %.100q is not cluster:service", target.ID)
		return Of(TaskDefinition{}, err), Of(TaskDefinition{}, err)
	}
	in := &ecs.DescribeTaskSetsInput{Cluster: &cluster, Service: &service}
	out, err := ecs.NewFromConfig(f.AWS).DescribeTaskSets(ctx, in)
	if err != nil {
		err = fmt.Errorf("read task sets: %w", awsclient.Error(err))
		return Of(TaskDefinition{}, err), Of(TaskDefinition{}, err)
	}
	replacement = f.ofTaskSet(ctx, target.Replacement(), out.TaskSets)
	switch _, known := replacement.Get(); {
	case known:
		original = f.ofTaskSet(ctx, target.Original(), out.TaskSets)
	case replacement.Err() == nil:
		replacement = Of(TaskDefinition{}, errors.New("read task sets: the deployment has no replacement task set"))
	}
	return original, replacement
}

// ofTaskSet reads what a task set runs; it is not known, without an error, where ECS does not list the task set.
func (f Finder) ofTaskSet(ctx context.Context, wanted *codedeploy.TaskSet, sets []types.TaskSet) Fact[TaskDefinition] {
	for _, set := range sets {
		if wanted != nil && aws.ToString(set.Id) == aws.ToString(wanted.Identifer) {
			return Of(f.taskDefinition(ctx, aws.ToString(set.TaskDefinition), first(set.LoadBalancers)))
		}
	}
	return Fact[TaskDefinition]{}
}

// first is the first one, or none.
func first(all []types.LoadBalancer) (l types.LoadBalancer) {
	if len(all) > 0 {
		l = all[0]
	}
	return l
}

// taskDefinition reads a task definition. behind says which of its containers is behind which target group.
func (f Finder) taskDefinition(ctx context.Context, arn string, behind types.LoadBalancer) (TaskDefinition, error) {
	in := &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(arn)}
	out, err := ecs.NewFromConfig(f.AWS).DescribeTaskDefinition(ctx, in)
	if err != nil {
		return TaskDefinition{}, fmt.Errorf("read task definition: %w", awsclient.Error(err))
	}
	answer := awsclient.Of(out.TaskDefinition)
	if got := aws.ToString(answer.TaskDefinitionArn); arn == "" || got != arn {
		return TaskDefinition{}, fmt.Errorf("read task definition: asked for %.200q, the answer is about %.200q", arn, got)
	}
	c, err := reached(answer.ContainerDefinitions, aws.ToString(behind.ContainerName))
	if err != nil {
		return TaskDefinition{}, fmt.Errorf("read task definition %s: %w", arn, err)
	}
	var logs []Log
	for _, d := range answer.ContainerDefinitions {
		if l := awsclient.Of(d.LogConfiguration); l.LogDriver == types.LogDriverAwslogs {
			logs = append(logs, Log{aws.ToString(d.Name), l.Options["awslogs-group"], l.Options["awslogs-stream-prefix"]})
		}
	}
	return TaskDefinition{
		ARN: arn, Container: aws.ToString(c.Name), TargetGroup: aws.ToString(behind.TargetGroupArn),
		Release:   cmp.Or(c.DockerLabels[LabelRelease], imageTag(aws.ToString(c.Image))),
		Suite:     c.DockerLabels[LabelSuite],
		Bootstrap: c.DockerLabels[LabelBootstrap] == "true", Logs: logs,
	}, nil
}

// reached returns the container that the load balancer reaches: the one that is named; where no load balancer
// is, the only one, or the only one with a port.
func reached(all []types.ContainerDefinition, name string) (types.ContainerDefinition, error) {
	var fits []types.ContainerDefinition
	for _, c := range all {
		if aws.ToString(c.Name) == name && name != "" || name == "" && (len(all) == 1 || len(c.PortMappings) > 0) {
			fits = append(fits, c)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(all) == 0:
		return types.ContainerDefinition{}, errors.New("it has no containers")
	case name == "":
		return types.ContainerDefinition{}, fmt.Errorf("no load balancer says which of its %d containers is behind it",
			len(all))
	}
	return types.ContainerDefinition{}, fmt.Errorf("the container %.100q, which the load balancer reaches, is not in it",
		name)
}

// imageTag returns the tag of an image reference: "1.2" of "registry:5000/app:1.2@sha256:…". An image
// by digest alone has none.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, _ := strings.Cut(name, ":")
	return tag
}

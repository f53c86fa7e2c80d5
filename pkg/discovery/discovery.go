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
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
)

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
}

// TaskDefinitions reads the task definitions of both task sets of a deployment.
func (f Finder) TaskDefinitions(
	ctx context.Context, target codedeploy.Target,
) (original, replacement Fact[TaskDefinition]) {
	sets, err := f.taskSets(ctx, target.ID)
	if err != nil {
		err = fmt.Errorf("read task sets: %w", err)
		return Of(TaskDefinition{}, err), Of(TaskDefinition{}, err)
	}
	replacement = f.ofTaskSet(ctx, target.Replacement(), sets)
	if _, ok := replacement.Get(); !ok && replacement.Err() == nil {
		replacement = Of(TaskDefinition{}, errors.New("read task sets: the deployment has no replacement task set"))
	}
	if replacement.Err() != nil {
		return original, replacement
	}
	return f.ofTaskSet(ctx, target.Original(), sets), replacement
}

func (f Finder) taskSets(ctx context.Context, target string) ([]types.TaskSet, error) {
	cluster, service, ok := strings.Cut(target, ":")
	if !ok {
		return nil, fmt.Errorf("the deployment's target %.100q is not cluster:service", target)
	}
	in := &ecs.DescribeTaskSetsInput{Cluster: aws.String(cluster), Service: aws.String(service)}
	out, err := ecs.NewFromConfig(f.AWS).DescribeTaskSets(ctx, in)
	if err != nil {
		return nil, awsclient.Error(err)
	}
	return out.TaskSets, nil
}

// ofTaskSet reads what a task set runs; it is not known, without an error, where ECS does not list the task set.
func (f Finder) ofTaskSet(ctx context.Context, wanted *codedeploy.TaskSet, sets []types.TaskSet) Fact[TaskDefinition] {
	for _, set := range sets {
		if wanted == nil || aws.ToString(set.Id) != wanted.ID {
			continue
		}
		var behind types.LoadBalancer
		if len(set.LoadBalancers) > 0 {
			behind = set.LoadBalancers[0]
		}
		return Of(f.taskDefinition(ctx, aws.ToString(set.TaskDefinition), behind))
	}
	return Fact[TaskDefinition]{}
}

// taskDefinition reads a task definition. behind says which of its containers is behind which target group.
func (f Finder) taskDefinition(ctx context.Context, arn string, behind types.LoadBalancer) (TaskDefinition, error) {
	in := &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(arn)}
	out, err := ecs.NewFromConfig(f.AWS).DescribeTaskDefinition(ctx, in)
	if err != nil {
		return TaskDefinition{}, fmt.Errorf("read task definition: %w", awsclient.Error(err))
	}
	var answer types.TaskDefinition
	if out.TaskDefinition != nil {
		answer = *out.TaskDefinition
	}
	if got := aws.ToString(answer.TaskDefinitionArn); arn == "" || got != arn {
		return TaskDefinition{}, fmt.Errorf("read task definition: asked for %.200q, the answer is about %.200q", arn, got)
	}
	c, err := reached(answer.ContainerDefinitions, aws.ToString(behind.ContainerName))
	if err != nil {
		return TaskDefinition{}, fmt.Errorf("read task definition %s: %w", arn, err)
	}
	return TaskDefinition{
		ARN: arn, Container: aws.ToString(c.Name), TargetGroup: aws.ToString(behind.TargetGroupArn),
		Release:   cmp.Or(c.DockerLabels[LabelRelease], imageTag(aws.ToString(c.Image))),
		Suite:     c.DockerLabels[LabelSuite],
		Bootstrap: c.DockerLabels[LabelBootstrap] == "true",
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
	if len(fits) == 1 {
		return fits[0], nil
	}
	switch {
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

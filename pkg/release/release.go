// Package release finds out what a deployment releases: which task definition, under which name, with
// which suite, and behind which listeners.
//
// Every fact stands for itself. What cannot be read is an error in the words of AWS, and so is an answer about
// something else than was asked for: an empty one is never taken for a fact. Whether a fact was needed is
// the gate's to say. It judges nothing and writes nothing to AWS.
package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
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
	AWS *signed.Client
}

// TaskDefinition is what a task set runs, as far as a gate cares.
type TaskDefinition struct {
	ARN string
	// TargetGroup is the ARN of the target group that its task set is registered in, or empty.
	TargetGroup string
	// Release is the label greenlight.release, else the tag of the image behind the load balancer.
	Release string
	// Suite is the label greenlight.suite.
	Suite string
	// Bootstrap says that this is the placeholder of a new stack, not a release.
	Bootstrap bool
}

// TaskDefinitions are those of the two task sets of a deployment. A nil one could not be read.
type TaskDefinitions struct {
	Original, Replacement *TaskDefinition
}

// TaskDefinitions reads the task definitions of both task sets. The error says why the replacement's could
// not be read; a missing original is none.
func (f Finder) TaskDefinitions(ctx context.Context, target *codedeploy.Target) (TaskDefinitions, error) {
	cluster, service, ok := strings.Cut(target.ID, ":")
	if !ok {
		return TaskDefinitions{}, fmt.Errorf("read task sets: the deployment's target %.100q is not cluster:service", target.ID)
	}
	var sets struct {
		TaskSets []taskSet `json:"taskSets"`
	}
	in := map[string]any{"cluster": cluster, "service": service}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeTaskSets", in, &sets); err != nil {
		return TaskDefinitions{}, fmt.Errorf("read task sets: %w", err)
	}
	var found TaskDefinitions
	var err error
	if found.Replacement, err = f.ofTaskSet(ctx, target.Replacement(), sets.TaskSets); err == nil && found.Replacement == nil {
		err = errors.New("read task sets: the deployment has no replacement task set")
	}
	if err != nil {
		return found, err
	}
	found.Original, err = f.ofTaskSet(ctx, target.Original(), sets.TaskSets)
	return found, err
}

type taskSet struct {
	ID             string         `json:"id"`
	TaskDefinition string         `json:"taskDefinition"`
	LoadBalancers  []loadBalancer `json:"loadBalancers"`
}

// loadBalancer says which container of a task is behind which target group.
type loadBalancer struct {
	Container   string `json:"containerName"`
	TargetGroup string `json:"targetGroupArn"`
}

// ofTaskSet reads what a task set runs; nil where ECS does not list the task set.
func (f Finder) ofTaskSet(ctx context.Context, wanted *codedeploy.TaskSet, sets []taskSet) (*TaskDefinition, error) {
	for _, set := range sets {
		if wanted == nil || set.ID != wanted.ID {
			continue
		}
		var behind loadBalancer
		if len(set.LoadBalancers) > 0 {
			behind = set.LoadBalancers[0]
		}
		return f.taskDefinition(ctx, set.TaskDefinition, behind)
	}
	return nil, nil //nolint:nilnil // not listed is no error here
}

type container struct {
	Name         string            `json:"name"`
	Image        string            `json:"image"`
	DockerLabels map[string]string `json:"dockerLabels"`
	Ports        []struct{}        `json:"portMappings"`
}

func (f Finder) taskDefinition(ctx context.Context, arn string, behind loadBalancer) (*TaskDefinition, error) {
	var out struct {
		TaskDefinition struct {
			ARN        string      `json:"taskDefinitionArn"`
			Containers []container `json:"containerDefinitions"`
		} `json:"taskDefinition"`
	}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeTaskDefinition", map[string]string{"taskDefinition": arn}, &out); err != nil {
		return nil, fmt.Errorf("read task definition: %w", err)
	}
	if arn == "" || out.TaskDefinition.ARN != arn {
		return nil, fmt.Errorf("read task definition: asked for %.200q, the answer is about %.200q", arn, out.TaskDefinition.ARN)
	}
	c, err := reached(out.TaskDefinition.Containers, behind.Container)
	if err != nil {
		return nil, fmt.Errorf("read task definition %s: %w", arn, err)
	}
	return &TaskDefinition{
		ARN: arn, TargetGroup: behind.TargetGroup,
		Release:   first(c.DockerLabels[LabelRelease], imageTag(c.Image)),
		Suite:     c.DockerLabels[LabelSuite],
		Bootstrap: c.DockerLabels[LabelBootstrap] == "true",
	}, nil
}

// reached returns the container that the load balancer reaches: the one that is named; where no load balancer
// is, the only one, or the only one with a port.
func reached(all []container, name string) (container, error) {
	var fits []container
	for _, c := range all {
		if c.Name == name && name != "" || name == "" && (len(all) == 1 || len(c.Ports) > 0) {
			fits = append(fits, c)
		}
	}
	if len(fits) == 1 {
		return fits[0], nil
	}
	switch {
	case len(all) == 0:
		return container{}, errors.New("it has no containers")
	case name == "":
		return container{}, fmt.Errorf("no load balancer says which of its %d containers is behind it", len(all))
	}
	return container{}, fmt.Errorf("the container %.100q, which the load balancer reaches, is not in it", name)
}

// imageTag returns the tag of an image reference: "1.2" of "registry:5000/app:1.2@sha256:…". An image
// by digest alone has none.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, _ := strings.Cut(name, ":")
	return tag
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

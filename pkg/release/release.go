// Package release finds out what a deployment releases: which task definition, under which name, with
// which suite, and behind which listeners.
//
// Every fact stands for itself. What cannot be read is a warning in the words of AWS, and the fact stays
// empty; whether it was needed is the gate's to say. It judges nothing and writes nothing to AWS.
package release

import (
	"context"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// The docker labels by which a task definition speaks to the gate. render-taskdef stamps the first two;
// infra/bluegreen.yml the third, on the placeholder that serves before the first release.
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

// TaskDefinitions reads the task definitions of both task sets.
func (f Finder) TaskDefinitions(ctx context.Context, target codedeploy.Target) (TaskDefinitions, error) {
	cluster, service, ok := strings.Cut(target.ID, ":")
	if !ok {
		return TaskDefinitions{}, fmt.Errorf("read task sets: the deployment's target %.100q is not cluster:service", target.ID)
	}
	var sets struct {
		TaskSets []struct {
			ID             string `json:"id"`
			TaskDefinition string `json:"taskDefinition"`
			LoadBalancers  []struct {
				ContainerName  string `json:"containerName"`
				TargetGroupARN string `json:"targetGroupArn"`
			} `json:"loadBalancers"`
		} `json:"taskSets"`
	}
	in := map[string]any{"cluster": cluster, "service": service}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeTaskSets", in, &sets); err != nil {
		return TaskDefinitions{}, fmt.Errorf("read task sets: %w", err)
	}
	var found TaskDefinitions
	for _, side := range target.TaskSets {
		for _, set := range sets.TaskSets {
			if set.ID != side.ID {
				continue
			}
			container, group := "", ""
			if len(set.LoadBalancers) > 0 {
				container, group = set.LoadBalancers[0].ContainerName, set.LoadBalancers[0].TargetGroupARN
			}
			td, err := f.taskDefinition(ctx, set.TaskDefinition, container)
			if err != nil {
				return found, err
			}
			td.TargetGroup = group
			if side.Original {
				found.Original = td
			} else {
				found.Replacement = td
			}
		}
	}
	return found, nil
}

func (f Finder) taskDefinition(ctx context.Context, arn, container string) (*TaskDefinition, error) {
	var out struct {
		TaskDefinition struct {
			ContainerDefinitions []struct {
				Name         string            `json:"name"`
				Image        string            `json:"image"`
				DockerLabels map[string]string `json:"dockerLabels"`
			} `json:"containerDefinitions"`
		} `json:"taskDefinition"`
	}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeTaskDefinition", map[string]string{"taskDefinition": arn}, &out); err != nil {
		return nil, fmt.Errorf("read task definition: %w", err)
	}
	td := &TaskDefinition{ARN: arn}
	tag := ""
	for i, c := range out.TaskDefinition.ContainerDefinitions {
		td.Release = first(td.Release, c.DockerLabels[LabelRelease])
		td.Suite = first(td.Suite, c.DockerLabels[LabelSuite])
		td.Bootstrap = td.Bootstrap || c.DockerLabels[LabelBootstrap] == "true"
		if c.Name == container || container == "" && i == 0 {
			tag = imageTag(c.Image)
		}
	}
	td.Release = first(td.Release, tag)
	return td, nil
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

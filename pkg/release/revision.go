package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// Revision is the service revision that a native Amazon ECS deployment brings: what takes the place of
// CodeDeploy's replacement task set.
type Revision struct {
	TaskDefinition TaskDefinition
	// TestListener and ProductionListener are listener ARNs, or empty where the service has none.
	TestListener, ProductionListener string
}

// Revision reads a service revision by its ARN.
func (f Finder) Revision(ctx context.Context, arn string) (Revision, error) {
	var out struct {
		Revisions []struct {
			TaskDefinition string `json:"taskDefinition"`
			LoadBalancers  []struct {
				ContainerName  string `json:"containerName"`
				TargetGroupARN string `json:"targetGroupArn"`
				Advanced       struct {
					Production string `json:"productionListenerRule"`
					Test       string `json:"testListenerRule"`
				} `json:"advancedConfiguration"`
			} `json:"loadBalancers"`
		} `json:"serviceRevisions"`
	}
	if err := f.AWS.JSON(ctx, signed.ECS, "DescribeServiceRevisions", map[string]any{"serviceRevisionArns": []string{arn}}, &out); err != nil {
		return Revision{}, fmt.Errorf("read service revision: %w", err)
	}
	if len(out.Revisions) == 0 {
		return Revision{}, errors.New("read service revision: there is none")
	}
	var found Revision
	container := ""
	if all := out.Revisions[0].LoadBalancers; len(all) > 0 {
		container = all[0].ContainerName
		found.TestListener, found.ProductionListener = listenerOf(all[0].Advanced.Test), listenerOf(all[0].Advanced.Production)
	}
	td, err := f.taskDefinition(ctx, out.Revisions[0].TaskDefinition, container)
	if err != nil {
		return found, err
	}
	found.TaskDefinition = *td
	return found, nil
}

// listenerOf returns the listener of a rule: native deployments name rules of an Application Load
// Balancer, "…:listener-rule/app/name/id/listener/rule", and listeners of a Network Load Balancer.
func listenerOf(arn string) string {
	head, rest, ok := strings.Cut(arn, ":listener-rule/")
	if !ok {
		return arn
	}
	return head + ":listener/" + rest[:max(0, strings.LastIndexByte(rest, '/'))]
}

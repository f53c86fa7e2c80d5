package aws

import (
	"maps"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// deploys is the name of a rehearsal's application and of its deployment group.
const deploys = "rehearsal"

// tag adds tags; the caller holds the lock.
func (s *Server) tag(arn string, tags []any) {
	key := func(t any) any { m, _ := t.(map[string]any); return m["key"] }
	for _, t := range tags {
		kept := slices.DeleteFunc(s.tags[arn], func(old any) bool { return key(old) == key(t) })
		put(&s.tags, arn, append(kept, t))
	}
}

func (s *Server) tagResource(in ecsInput) (any, error) {
	if arn, _ := s.taskDefinition(in.Resource); arn != in.Resource || arn == "" {
		return nil, fault("InvalidParameterException", "The specified resource is not a task definition of the rehearsal.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tag(in.Resource, in.Tags)
	return object{}, nil
}

// createDeployment begins the deployment that the rehearsal waits for.
func (s *Server) createDeployment(in deploymentInput) (any, error) {
	content := in.Revision.AppSpec.Content
	named := func(arn string) bool { return strings.Contains(content, arn) }
	switch {
	case in.Application != deploys:
		return nil, fault("ApplicationDoesNotExistException", "No application found for name: %.80s", in.Application)
	case in.Group != deploys:
		return nil, fault("DeploymentGroupDoesNotExistException", "No Deployment Group found for name: %.80s", in.Group)
	case !slices.ContainsFunc(slices.Collect(maps.Keys(s.definitions())), named):
		return nil, fault("InvalidRevisionException", "The AppSpec names no task definition that exists.")
	}
	if s.Book.Ask(content) != nil {
		return nil, fault("DeploymentLimitExceededException", "The Deployment Group '%s' already has an active Deployment: "+
			"the rehearsal holds one deployment, which has begun.", in.Group)
	}
	id := s.Book.All()[0].ID
	s.Book.Update(id, func(d *deployment.Deployment) { d.Description = in.Description })
	return object{"deploymentId": id}, nil
}

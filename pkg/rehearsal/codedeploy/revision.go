package codedeploy

import (
	"context"
	"fmt"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
)

type revisionInput struct {
	Application string   `json:"applicationName"`
	Revision    revision `json:"revision"`
}

type revisionOutput struct {
	Application string   `json:"applicationName"`
	Revision    revision `json:"revision"`
}

// getApplicationRevision is where the AppSpec's text can be read; GetDeployment never returns it.
func (a API) getApplicationRevision(_ context.Context, in revisionInput) (revisionOutput, error) {
	if in.Application == "" {
		return revisionOutput{}, &awsjson.Fault{Type: "ApplicationNameRequiredException", Message: "An application name must be specified"}
	}
	if in.Revision.AppSpecContent == nil {
		return revisionOutput{}, &awsjson.Fault{Type: "InvalidRevisionException", Message: "The revision was specified in an invalid format."}
	}
	known := false
	for _, d := range a.Book.All() {
		if d.Application != in.Application {
			continue
		}
		known = true
		if sum := sha(d.AppSpec); sum == in.Revision.AppSpecContent.SHA256 {
			return revisionOutput{d.Application, revision{Type: "AppSpecContent", AppSpecContent: &appSpecContent{&d.AppSpec, sum}}}, nil
		}
	}
	if !known {
		return revisionOutput{}, &awsjson.Fault{Type: "ApplicationDoesNotExistException", Message: fmt.Sprintf("No application found for name: %.80s", in.Application)}
	}
	return revisionOutput{}, &awsjson.Fault{Type: "RevisionDoesNotExistException", Message: "The named revision does not exist with the user or AWS account."}
}

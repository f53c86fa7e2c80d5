package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// evidence says why there is none that AfterAllowTestTraffic judged this deployment, or nil when there
// is: the event Succeeded, and the AppSpec names a hook for it. The status alone proves nothing, since
// what AWS lists for an event without a hook is not documented.
func (g *Gate) evidence(ctx context.Context, f facts) error {
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	if f.target == nil || f.deployment == nil {
		return errors.New("the deployment cannot be read")
	}
	if s := f.target.Status(lifecycle.AfterAllowTestTraffic); s != "Succeeded" {
		return fmt.Errorf("AfterAllowTestTraffic is %s", orDefault(s, "not listed"))
	}
	spec, err := g.appSpec(ctx, *f.deployment)
	if err != nil {
		return err
	}
	if spec.Function(string(lifecycle.AfterAllowTestTraffic)) == "" {
		return errors.New("the AppSpec names no hook for AfterAllowTestTraffic")
	}
	return nil
}

// appSpec reads the deployment's AppSpec. CodeDeploy has accepted it, so what our reader finds odd in
// it is of no interest here.
func (g *Gate) appSpec(ctx context.Context, d codedeploy.Deployment) (appspec.Spec, error) {
	text, err := g.CodeDeploy.AppSpec(ctx, d)
	if object, ok := errors.AsType[*codedeploy.ErrInS3](err); ok {
		text, err = g.AWS.GetObject(ctx, object.Bucket, object.Key)
	}
	if err != nil {
		return appspec.Spec{}, err
	}
	spec, _ := appspec.Read("appspec", string(text))
	return spec, nil
}

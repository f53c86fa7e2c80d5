package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cd "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// native is the controller of Amazon ECS's own deployments, which AWS may leave out.
const native = types.DeploymentControllerTypeEcs

// deployment looks up what deploys the release, and what judges it.
func (v *verifier) deployment(ctx context.Context) {
	for _, h := range v.Hooks {
		v.hook(ctx, h.Function)
	}
	if v.Group.Text != "" {
		v.group(ctx, v.Group)
	}
	if v.Service.Text != "" {
		v.service(ctx, v.Service, native)
	}
}

// hook looks up a function, and the suite that it reads.
func (v *verifier) hook(ctx context.Context, n appspec.Value) {
	v.look(ctx, "function", n, func(within context.Context) error {
		arn, _ := taskdef.ParseARN(n.Text)
		out, err := lambda.NewFromConfig(v.in(arn.Region)).GetFunctionConfiguration(within,
			&lambda.GetFunctionConfigurationInput{FunctionName: &n.Text})
		if err != nil {
			return err
		}
		if ref := awsclient.Of(out.Environment).Variables["SUITE"]; ref != "" {
			v.suite(ctx, appspec.Value{Text: ref, Place: n.Place})
		}
		switch out.State {
		case "", lambdatypes.StateActive:
			return nil
		case lambdatypes.StateFailed:
			return wrong("is Failed: "+aws.ToString(out.StateReason), "deploy the function again")
		default:
			return doubt("is "+string(out.State), "it was idle or is being made, and its first call may fail")
		}
	})
}

// suite looks up an object that a gate reads its suite from, and compares it with the checksum and with the file.
func (v *verifier) suite(ctx context.Context, n appspec.Value) {
	v.suites.Add(1)
	location, published, _ := strings.Cut(n.Text, "#sha256=")
	object, isObject := strings.CutPrefix(location, "s3://")
	if !isObject {
		v.tell("suite", n, doubt("was not looked up: it is not in S3", ""))
		return
	}
	v.look(ctx, "suite", n, func(ctx context.Context) error {
		bucket, key, _ := strings.Cut(object, "/")
		out, err := v.s3().GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		text, err := io.ReadAll(out.Body)
		is, file := fmt.Sprintf("%x", sha256.Sum256(text)), fmt.Sprintf("%x", sha256.Sum256([]byte(v.Suite)))
		if published != "" && !strings.EqualFold(published, is) {
			return wrong("has another checksum: sha256="+is, "publish the suite that the task definition was rendered with")
		}
		if v.SuiteFile.Text != "" && file != is {
			return wrong(fmt.Sprintf("is not %s: its sha256 is %s, the file's %s", v.SuiteFile.Text, is, file), "publish it first")
		}
		return err
	})
}

func (v *verifier) object(ctx context.Context, n appspec.Value) {
	arn, _ := taskdef.ParseARN(n.Text)
	bucket, key, _ := strings.Cut(arn.Resource, "/")
	v.look(ctx, "object", n, func(ctx context.Context) error {
		_, err := v.s3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		return err
	})
}

// s3 returns the client for S3: a configured endpoint is one host, so the bucket stands in the path.
func (v *verifier) s3() *s3.Client {
	return s3.NewFromConfig(v.AWS, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

// group looks up a deployment group: that green can be asked before production, and that a failure is rolled back.
func (v *verifier) group(ctx context.Context, n appspec.Value) {
	v.look(ctx, "deployment group", n, func(within context.Context) error {
		application, name, _ := strings.Cut(n.Text, "/")
		out, err := codedeploy.NewFromConfig(v.AWS).GetDeploymentGroup(within,
			&codedeploy.GetDeploymentGroupInput{ApplicationName: &application, DeploymentGroupName: &name})
		if err != nil {
			return err
		}
		g, listeners := awsclient.Of(out.DeploymentGroupInfo), []string{}
		for _, s := range g.EcsServices {
			name := aws.ToString(s.ClusterName) + "/" + aws.ToString(s.ServiceName)
			v.service(ctx, appspec.Value{Text: name, Place: n.Place}, types.DeploymentControllerTypeCodeDeploy)
		}
		for _, pair := range awsclient.Of(g.LoadBalancerInfo).TargetGroupPairInfoList {
			listeners = append(listeners, awsclient.Of(pair.TestTrafficRoute).ListenerArns...)
		}
		for _, arn := range listeners {
			v.look(ctx, "test listener", appspec.Value{Text: arn, Place: n.Place}, func(ctx context.Context) error {
				_, err := elb.NewFromConfig(v.AWS).DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{arn}})
				return err
			})
		}
		back := awsclient.Of(g.AutoRollbackConfiguration)
		if !back.Enabled || !slices.Contains(back.Events, cd.AutoRollbackEventDeploymentFailure) {
			v.tell("deployment group", n, wrong("rolls nothing back", "autoRollbackConfiguration with DEPLOYMENT_FAILURE"))
		}
		if awsclient.Of(g.DeploymentStyle).DeploymentType != cd.DeploymentTypeBlueGreen {
			return wrong("is not blue/green", "deploymentStyle: BLUE_GREEN, WITH_TRAFFIC_CONTROL")
		}
		if len(listeners) == 0 {
			return wrong("has no test listener", "without one nobody can ask green before production does")
		}
		return nil
	})
}

// service looks up a service, and that the controller deploys it; of Amazon ECS's own deployments also the hooks.
func (v *verifier) service(ctx context.Context, n appspec.Value, by types.DeploymentControllerType) {
	v.look(ctx, "service", n, func(within context.Context) error {
		cluster, name, _ := strings.Cut(n.Text, "/")
		out, err := ecs.NewFromConfig(v.AWS).DescribeServices(within,
			&ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
		if err != nil {
			return err
		}
		s := append(out.Services, types.Service{Status: aws.String("INACTIVE")})[0] // which one stays for a while
		controller, c := cmp.Or(awsclient.Of(s.DeploymentController).Type, native), awsclient.Of(s.DeploymentConfiguration)
		switch {
		case aws.ToString(s.Status) == "INACTIVE":
			return wrong("does not exist", "")
		case controller != by:
			return wrong(fmt.Sprintf("is deployed by the controller %s, not by %s", controller, by), "")
		case by != native:
			return nil
		case c.Strategy == "" || c.Strategy == types.DeploymentStrategyRolling:
			return wrong("is updated in place: no hook judges it", "its strategy must be BLUE_GREEN, LINEAR or CANARY")
		}
		for _, h := range c.LifecycleHooks {
			if h.TargetType != types.DeploymentLifecycleHookTargetTypePause {
				v.hook(ctx, appspec.Value{Text: aws.ToString(h.HookTargetArn), Place: n.Place})
				v.role("ecs.amazonaws.com")(ctx, appspec.Value{Text: aws.ToString(h.RoleArn), Place: n.Place})
			}
		}
		if !awsclient.Of(c.DeploymentCircuitBreaker).Rollback && !awsclient.Of(c.Alarms).Rollback {
			return doubt("rolls back for its hooks only", "deploymentCircuitBreaker with rollback, for tasks that do not start")
		}
		return nil
	})
}

// Package verify asks AWS whether everything exists that a release names: images for the task's platform, roles that
// trust Amazon ECS, secrets and parameters, log groups, objects in S3, hooks with their suite, and what deploys it.
//
// It refuses to be silent about what it does not know: what could not be looked up is a warning. It changes nothing,
// and no message holds a secret's value, nor a parameter's name, which may be a secret that stands in the wrong place.
package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// most bounds a look-up with all of its calls; atOnce is how many are under way, which AWS does not throttle.
const (
	most   = 15 * time.Second
	slow   = 2 * time.Second
	atOnce = 32
)

// Release is what is to be deployed, and where to.
type Release struct {
	// Task is what taskdef.Read has read; Hooks are the AppSpec's.
	Task  taskdef.Task
	Hooks []appspec.Hook
	// Suite is the text of the suite that is to judge, and SuiteFile its name; "" where no file is given.
	Suite     string
	SuiteFile appspec.Value
	// SecretKeys says that secrets may be read, to see whether a key is in them.
	SecretKeys bool
	// Group is CodeDeploy's, as APPLICATION/GROUP; Service is one that Amazon ECS deploys itself, as CLUSTER/SERVICE.
	Group, Service appspec.Value
	// AWS is a bounded configuration (see pkg/awsclient). Waiting is told what takes longer than two seconds, also several
	// things at once.
	AWS     aws.Config
	Waiting func(thing string)
}

type verifier struct {
	Release
	all    sync.WaitGroup
	slots  chan struct{}
	suites atomic.Int32 // how many the hooks read

	mu       sync.Mutex
	problems diagnostic.List
}

// Problems looks everything up, side by side.
func (r Release) Problems(ctx context.Context) diagnostic.List {
	v := &verifier{Release: r, slots: make(chan struct{}, atOnce)}
	v.task(ctx)
	v.deployment(ctx)
	v.all.Wait()
	if r.SuiteFile.Text != "" && v.suites.Load() == 0 {
		const help = "--appspec or --service names the hooks"
		v.tell("suite", r.SuiteFile, doubt("was compared with none: no hook that was looked up reads one", help))
	}
	// They came in any order, and those of one place stay in this one.
	slices.SortFunc(v.problems, func(a, b diagnostic.Problem) int { return cmp.Compare(a.Text, b.Text) })
	return v.problems
}

// problem is the end of a sentence that begins with a thing, and what to do.
type problem diagnostic.Problem

func (p problem) Error() string { return p.Text }

func wrong(text, help string) error { return problem{Text: text, Help: help} }

func doubt(text, help string) error {
	return problem{Severity: diagnostic.Warning, Text: text, Help: help}
}

// look looks a thing up beside all others. An error of ask's that is no problem says why that could not be done.
func (v *verifier) look(ctx context.Context, kind string, n appspec.Value, ask func(context.Context) error) {
	v.all.Go(func() {
		v.slots <- struct{}{}
		defer func() { <-v.slots }()
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		defer time.AfterFunc(slow, func() { v.Waiting(kind + " " + template.Quote(n.Text)) }).Stop()
		if err := ask(ctx); err != nil {
			v.tell(kind, n, err)
		}
	})
}

// tell notes a problem, or that a thing could not be looked up.
func (v *verifier) tell(kind string, n appspec.Value, err error) {
	p, is := errors.AsType[problem](err)
	switch {
	case is:
	case awsclient.IsCode(err, "RepositoryNotFoundException", "NoSuchEntity", "ResourceNotFoundException", "NoSuchBucket",
		"NoSuchKey", "NotFound", "ParameterNotFound", "ParameterVersionNotFound", "ListenerNotFound",
		"ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException", "ClusterNotFoundException"):
		p.Text = "does not exist"
	default:
		p.Severity, p.Text = diagnostic.Warning, unclear(err)
	}
	p.Place, p.Text = n.Place, kind+" "+template.Quote(n.Text)+" "+p.Text
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, diagnostic.Problem(p))
}

// unclear is the end of a sentence on what could not be looked up.
func unclear(err error) string {
	if err = awsclient.Error(err); errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("timed out, AWS does not answer")
	}
	return "could not be looked up: " + err.Error()
}

// in returns the configuration for a region; "" is our own.
func (v *verifier) in(region string) aws.Config {
	cfg := v.AWS
	cfg.Region = cmp.Or(region, cfg.Region)
	return cfg
}

// task looks up what the task definition names.
func (v *verifier) task(ctx context.Context) {
	each := func(n *template.Node, do func(context.Context, appspec.Value)) {
		if n.Str() != "" {
			do(ctx, appspec.Value{Text: n.Text, Place: v.Task.Doc.Place(n.At)})
		}
	}
	each(v.Task.Root.Get("taskRoleArn"), v.role("ecs-tasks.amazonaws.com"))
	each(v.Task.Root.Get("executionRoleArn"), v.role("ecs-tasks.amazonaws.com"))
	for _, c := range v.Task.Root.Get("containerDefinitions").List() {
		logs, fire := c.Get("logConfiguration"), c.Get("firelensConfiguration").Get("options")
		each(c.Get("image"), v.image)
		each(c.Get("dockerLabels").Get("greenlight.suite"), v.suite)
		each(c.Get("repositoryCredentials").Get("credentialsParameter"), v.secret)
		for _, s := range slices.Concat(c.Get("secrets").List(), logs.Get("secretOptions").List()) {
			each(s.Get("valueFrom"), v.reference)
		}
		for _, f := range c.Get("environmentFiles").List() {
			each(f.Get("value"), v.object)
		}
		if fire.Get("config-file-type").Str() == "s3" {
			each(fire.Get("config-file-value"), v.object)
		}
		if options := logs.Get("options"); logs.Get("logDriver").Str() == "awslogs" {
			each(options.Get("awslogs-group"), func(ctx context.Context, n appspec.Value) {
				v.logGroup(ctx, n, options)
			})
		}
	}
}

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

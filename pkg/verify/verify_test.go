package verify_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cd "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/verify"
)

// value is what the secrets of this account hold, and what nobody may see.
const value = "hunter2-of-the-database"

const taskDefinition = `{
  "family": "trips",
  "requiresCompatibilities": ["FARGATE"],
  "runtimePlatform": {"cpuArchitecture": "ARM64"},
  "taskRoleArn": "arn:aws:iam::123456789012:role/task",
  "executionRoleArn": "execution",
  "containerDefinitions": [{
    "name": "web",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1",
    "portMappings": [{"containerPort": 8080}],
    "repositoryCredentials": {"credentialsParameter": "registry"},
    "secrets": [
      {"name": "PASSWORD", "valueFrom": "DATABASE:password::"},
      {"name": "OTHER", "valueFrom": "DATABASE"},
      {"name": "URL", "valueFrom": "/trips/url"},
      {"name": "TOKEN", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/trips/token"}
    ],
    "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::files/web.env"}],
    "dockerLabels": {"greenlight.suite": "s3://files/smoke.yaml#sha256=SUM"},
    "logConfiguration": {"logDriver": "awslogs", "options": {
      "awslogs-group": "/trips/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}}
  }, {
    "name": "router",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web@DIGEST",
    "firelensConfiguration": {"type": "fluentbit", "options": {
      "config-file-type": "s3", "config-file-value": "arn:aws:s3:::files/fluent.conf"}}
  }]
}`

const appSpec = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}
Hooks:
  - AfterAllowTestTraffic: CodeDeployHook_gate
  - BeforeAllowTraffic: arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_plain
`

const smoke = "version: 1\n"

// account is an account of moto's, which has all that the files name.
type account struct {
	endpoint string
	// names are what the account itself has named.
	names *strings.Replacer
}

// index is the manifest of an image for several platforms.
func index(platforms ...string) string {
	var all []string
	for _, p := range platforms {
		system, architecture, _ := strings.Cut(p, "/")
		all = append(all, fmt.Sprintf(`{"digest": "sha256:%064d", "platform": {"os": %q, "architecture": %q}}`, len(all), system, architecture))
	}
	return `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [` + strings.Join(all, ",") + `]}`
}

func start(t *testing.T) account {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	_ = l.Close()
	server := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", port)
	server.WaitDelay = 5 * time.Second
	if err := server.Start(); err != nil {
		t.Skipf("moto_server does not start: %v", err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for deadline := time.Now().Add(3 * time.Minute); ; {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("moto_server does not answer")
		}
		<-time.After(50 * time.Millisecond)
	}
	a := account{endpoint: "http://" + at}
	a.fill(t)
	return a
}

// ok fails the test where a call to moto does.
func ok[T any](t *testing.T) func(T, error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func trust(statement string) *string {
	return aws.String(`{"Version": "2012-10-17", "Statement": ` + statement + `}`)
}

// fill makes all that the files name.
func (a *account) fill(t *testing.T) {
	t.Helper()
	ctx, cfg := t.Context(), awsclient.Within(config(a.endpoint), 3*time.Minute) // moto loads each service when it is first called
	images := ecr.NewFromConfig(cfg)
	ok[*ecr.CreateRepositoryOutput](t)(images.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/web")}))
	put := ok[*ecr.PutImageOutput](t)
	digest := ""
	for tag, manifest := range map[string]string{
		"1": index("linux/amd64", "linux/arm64", "unknown/unknown"), "intel": index("linux/amd64", "unknown/unknown"),
		"single": `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"digest": "sha256:` + strings.Repeat("c", 64) + `"}}`,
	} {
		out := put(images.PutImage(ctx, &ecr.PutImageInput{RepositoryName: aws.String("team/web"), ImageTag: &tag, ImageManifest: &manifest}))
		if tag == "1" {
			digest = *out.Image.ImageId.ImageDigest
		}
	}
	roles := iam.NewFromConfig(cfg)
	for name, statement := range map[string]string{
		"task":      `{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {}}`,
		"execution": `[{"Effect": "Allow", "Principal": {"AWS": "123456789012", "Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, "Action": ["sts:TagSession", "sts:AssumeRole"]}]`,
		"lambda":    `[{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]`,
		"denied":    `[{"Effect": "Deny", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]`,
		"tagged":    `[{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:TagSession"}]`,
	} {
		ok[*iam.CreateRoleOutput](t)(roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: trust(statement)}))
	}
	secrets := secretsmanager.NewFromConfig(cfg)
	create := ok[*secretsmanager.CreateSecretOutput](t)
	database := create(secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("database"), SecretString: aws.String(`{"password": "` + value + `"}`)}))
	plain := create(secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("plain"), SecretString: aws.String(value)}))
	create(secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("registry"), SecretString: aws.String(value)}))
	gone := create(secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("gone"), SecretString: aws.String(value)}))
	ok[*secretsmanager.DeleteSecretOutput](t)(secrets.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: gone.ARN}))
	for region, name := range map[string]string{"eu-west-1": "/trips/url", "us-east-1": "/trips/token"} {
		there := cfg
		there.Region = region
		ok[*ssm.PutParameterOutput](t)(ssm.NewFromConfig(there).PutParameter(ctx,
			&ssm.PutParameterInput{Name: &name, Value: aws.String(value), Type: ssmtypes.ParameterTypeSecureString}))
	}
	ok[*cloudwatchlogs.CreateLogGroupOutput](t)(cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx,
		&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/trips/web")}))
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	ok[*s3.CreateBucketOutput](t)(objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    aws.String("files"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}))
	for _, key := range []string{"web.env", "fluent.conf", "smoke.yaml"} {
		ok[*s3.PutObjectOutput](t)(objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("files"), Key: &key, Body: strings.NewReader(smoke)}))
	}
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	ok[io.Writer](t)(archive.Create("bootstrap"))
	_ = archive.Close()
	for name, suite := range map[string]string{
		"CodeDeployHook_gate": "s3://files/smoke.yaml", "CodeDeployHook_plain": "",
		"CodeDeployHook_other": "s3://files/web.yaml", "CodeDeployHook_file": "smoke.yaml",
	} {
		ok[*lambda.CreateFunctionOutput](t)(lambda.NewFromConfig(cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: &name, Role: aws.String("arn:aws:iam::123456789012:role/lambda"), Runtime: lambdatypes.RuntimeProvidedal2023,
			Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
			Environment: &lambdatypes.Environment{Variables: map[string]string{"SUITE": suite, "PASSWORD": value}},
		}))
	}
	a.deploys(t)
	a.names = strings.NewReplacer("DATABASE", *database.ARN, "DIGEST", digest, "PLAIN", *plain.ARN, "GONE", *gone.ARN,
		"SUM", fmt.Sprintf("%x", sha256.Sum256([]byte(smoke))))
}

// deploys makes the deployment groups and the services: the good one, and those that lack something.
func (a *account) deploys(t *testing.T) {
	t.Helper()
	ctx, cfg := t.Context(), awsclient.Within(config(a.endpoint), 3*time.Minute)
	nets := ok[*ec2.DescribeSubnetsOutput](t)(ec2.NewFromConfig(cfg).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{}))
	balancers := elb.NewFromConfig(cfg)
	balancer := ok[*elb.CreateLoadBalancerOutput](t)(balancers.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name: aws.String("trips"), Subnets: []string{*nets.Subnets[0].SubnetId, *nets.Subnets[1].SubnetId},
	}))
	listener := ok[*elb.CreateListenerOutput](t)(balancers.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(8443), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{
			Type: elbtypes.ActionTypeEnumFixedResponse, FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("404")},
		}},
	}))
	containers := ecs.NewFromConfig(cfg)
	ok[*ecs.CreateClusterOutput](t)(containers.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")}))
	ok[*ecs.RegisterTaskDefinitionOutput](t)(containers.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("trips"), ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(64)}},
	}))
	for name, by := range map[string]ecstypes.DeploymentControllerType{"web": "CODE_DEPLOY", "native": "ECS"} {
		ok[*ecs.CreateServiceOutput](t)(containers.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: aws.String("c"), ServiceName: &name, TaskDefinition: aws.String("trips"), DesiredCount: aws.Int32(0),
			DeploymentController: &ecstypes.DeploymentController{Type: by},
		}))
	}
	deploys := codedeploy.NewFromConfig(cfg)
	ok[*codedeploy.CreateApplicationOutput](t)(deploys.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("trips"), ComputePlatform: cd.ComputePlatformEcs}))
	group := func(name, listener, service string, style cd.DeploymentType, back ...cd.AutoRollbackEvent) {
		in := &codedeploy.CreateDeploymentGroupInput{
			ApplicationName: aws.String("trips"), DeploymentGroupName: &name, ServiceRoleArn: aws.String("arn:aws:iam::123456789012:role/task"),
			DeploymentStyle:           &cd.DeploymentStyle{DeploymentType: style, DeploymentOption: cd.DeploymentOptionWithTrafficControl},
			AutoRollbackConfiguration: &cd.AutoRollbackConfiguration{Enabled: len(back) > 0, Events: back},
			EcsServices:               []cd.ECSService{{ClusterName: aws.String("c"), ServiceName: &service}},
			LoadBalancerInfo:          &cd.LoadBalancerInfo{TargetGroupPairInfoList: []cd.TargetGroupPairInfo{{}}},
		}
		if listener != "" {
			in.LoadBalancerInfo.TargetGroupPairInfoList[0].TestTrafficRoute = &cd.TrafficRoute{ListenerArns: []string{listener}}
		}
		ok[*codedeploy.CreateDeploymentGroupOutput](t)(deploys.CreateDeploymentGroup(ctx, in))
	}
	arn := *listener.Listeners[0].ListenerArn
	failure := cd.AutoRollbackEventDeploymentFailure
	group("good", arn, "web", cd.DeploymentTypeBlueGreen, failure)
	group("in-place", arn, "web", cd.DeploymentTypeInPlace, failure)
	group("no-test", "", "web", cd.DeploymentTypeBlueGreen, failure)
	group("lost-test", strings.TrimRight(arn, "0123456789abcdef")+"0000", "web", cd.DeploymentTypeBlueGreen, failure)
	group("no-way-back", arn, "web", cd.DeploymentTypeBlueGreen, cd.AutoRollbackEventDeploymentStopOnAlarm)
	group("no-service", arn, "nobody", cd.DeploymentTypeBlueGreen, failure)
	group("wrong-service", arn, "native", cd.DeploymentTypeBlueGreen, failure)
}

func config(endpoint string) aws.Config {
	return awsclient.Bounded(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("ann", "secret", ""),
	})
}

// wish is a release of the account's, changed as a row of a test says.
type wish struct {
	task, spec, suite, group, service string
	keys                              bool
	waiting                           func(string)
}

// good is the release of which everything exists.
func good() wish {
	return wish{task: taskDefinition, spec: appSpec, suite: smoke, group: "good", keys: true, waiting: func(string) {}}
}

// problems are what verify says of the release, as people read it.
func (a account) problems(t *testing.T, cfg aws.Config, w wish) string {
	t.Helper()
	task, wrong := taskdef.Read("taskdef.json", a.names.Replace(w.task))
	spec, bad := appspec.Read("appspec.yaml", w.spec)
	if len(wrong)+len(bad) > 0 {
		t.Fatal(wrong, bad)
	}
	r := verify.Release{Task: task, Hooks: spec.Hooks, SecretKeys: w.keys, AWS: cfg, Waiting: w.waiting}
	r.Service = appspec.Value{Text: w.service, Place: diagnostic.Place{Flag: "--service"}}
	if r.Suite = w.suite; w.suite != "" {
		r.SuiteFile = appspec.Value{Text: "smoke.yaml", Place: diagnostic.Place{Flag: "--suite"}}
	}
	if w.group != "" && !strings.Contains(w.group, "/") {
		w.group = "trips/" + w.group
	}
	r.Group = appspec.Value{Text: w.group, Place: diagnostic.Place{Flag: "--group"}}
	var out bytes.Buffer
	if err := r.Problems(t.Context()).Write(&out, diagnostic.Text, "verify"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), value) {
		t.Errorf("a secret's value is told:\n%s", &out)
	}
	return out.String()
}

// bent is AWS with somebody in front of it, who answers what he likes and hands on the rest.
func bent(t *testing.T, endpoint string, answers func(w http.ResponseWriter, r *http.Request, operation string) bool) aws.Config {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		operation := r.Header.Get("X-Amz-Target")
		operation = operation[strings.LastIndex(operation, ".")+1:]
		switch {
		case operation != "":
		case form.Get("Action") != "":
			operation = form.Get("Action")
		case strings.Contains(r.URL.Path, "/functions/"):
			operation = "GetFunctionConfiguration"
		default:
			operation = r.Method + "Object"
		}
		if !answers(w, r, operation) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return config(server.URL)
}

// refuse answers with an error of AWS's, in the form of the operation.
func refuse(w http.ResponseWriter, r *http.Request, code string) {
	switch {
	case r.Header.Get("X-Amz-Target") != "" || strings.Contains(r.URL.Path, "/functions/"):
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type": %q, "message": "bent"}`, code)
	default:
		w.WriteHeader(http.StatusForbidden)
		switch r.Method {
		case http.MethodPost:
			_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>bent</Message></Error></ErrorResponse>`, code)
		case http.MethodGet:
			_, _ = fmt.Fprintf(w, `<Error><Code>%s</Code><Message>bent</Message></Error>`, code)
		}
	}
}

// describes answers with the JSON.
func describes(w http.ResponseWriter, text string) bool {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = io.WriteString(w, text)
	return true
}

func TestVerify(t *testing.T) {
	a := start(t)
	t.Run("missing", func(t *testing.T) { missing(t, a) })
	t.Run("platform", func(t *testing.T) { platforms(t, a) })
	t.Run("native", func(t *testing.T) { native(t, a) })
	t.Run("created", func(t *testing.T) { created(t, a) })
	t.Run("states", func(t *testing.T) { states(t, a) })
	t.Run("refused", func(t *testing.T) { refused(t, a) })
	t.Run("throttled", func(t *testing.T) { throttled(t, a) })
	t.Run("hanging", func(t *testing.T) { hanging(t, a) })
}

// missing takes one thing away after another: each is told at its place, and nothing else is.
func missing(t *testing.T, a account) {
	in := func(old, changed string) wish {
		w := good()
		if w.task, w.spec = strings.Replace(w.task, old, changed, 1), strings.Replace(w.spec, old, changed, 1); w.task == taskDefinition && w.spec == appSpec {
			t.Fatalf("nothing is changed by %q", old)
		}
		return w
	}
	in2 := func(change func(*wish)) wish {
		w := good()
		change(&w)
		return w
	}
	for name, row := range map[string]struct {
		wish
		want string
	}{
		"nothing":         {good(), ""},
		"repository":      {in("team/web:1", "team/none:1"), `taskdef.json:9:14: error: image "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/none:1" does not exist`},
		"tag":             {in("team/web:1", "team/web:2"), `taskdef.json:9:14: error: image ".*web:2" does not exist: the repository has no such tag or digest`},
		"latest":          {in("team/web:1", "team/web"), `taskdef.json:9:14: error: image ".*/web" does not exist: `},
		"digest":          {in("DIGEST", "sha256:"+strings.Repeat("a", 64)), `taskdef.json:24:14: error: image "[^"]*" does not exist: `},
		"digest with tag": {in("web@DIGEST", "web:none@DIGEST"), ``},
		"platform":        {in("team/web:1", "team/web:intel"), `taskdef.json:9:14: error: image ".*" is for linux/amd64, and the task runs on linux/arm64`},
		"Windows":         {in(`"ARM64"`, `"X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"`), `(taskdef.json:\d+:14: error: image ".*" is for linux/amd64, linux/arm64, and the task runs on windows/amd64\n.*\n){2}`},
		"no platform":     {in(`"cpuArchitecture": "ARM64"`, ``), ``},
		"default platform": {in2(func(w *wish) {
			w.task = strings.NewReplacer(`"cpuArchitecture": "ARM64"`, ``, "web:1", "web:intel").Replace(w.task)
		}), ``},
		"another registry":    {in("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1", "public.ecr.aws/nginx:1"), `taskdef.json:9:14: warning: image "public.ecr.aws/nginx:1" was not looked up: `},
		"task role":           {in("role/task", "role/none"), `taskdef.json:5:18: error: role ".*/none" does not exist`},
		"execution role":      {in(`"execution"`, `"none"`), `taskdef.json:6:23: error: role "none" does not exist`},
		"role of a path":      {in("role/task", "role/path/task"), `taskdef.json:5:18: error: role ".*/path/task" does not exist: the role of that name is arn:aws:iam::123456789012:role/task`},
		"trust":               {in("role/task", "role/lambda"), `taskdef.json:5:18: error: role ".*" does not trust ecs-tasks.amazonaws.com`},
		"trust denied":        {in("role/task", "role/denied"), `taskdef.json:5:18: error: role ".*" does not trust ecs-tasks`},
		"trust for tags":      {in("role/task", "role/tagged"), `taskdef.json:5:18: error: role ".*" does not trust ecs-tasks`},
		"registry secret":     {in(`"registry"`, `"none"`), `taskdef.json:11:55: error: secret "none" does not exist`},
		"secret":              {in(`"DATABASE"`, `"arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-AbCdEf"`), `taskdef.json:14:38: error: secret ".*none-AbCdEf" does not exist`},
		"secret elsewhere":    {in(`"DATABASE"`, `"arn:aws:secretsmanager:us-east-1:123456789012:secret:database"`), `taskdef.json:14:38: error: secret ".*" does not exist`},
		"deleted secret":      {in("DATABASE:password::", "GONE:password::"), `taskdef.json:13:41: error: secret ".*" is scheduled for deletion`},
		"key":                 {in("DATABASE:password::", "DATABASE:none::"), `taskdef.json:13:41: error: secret ".*" has no key "none"`},
		"key of a text":       {in("DATABASE:password::", "PLAIN:password::"), `taskdef.json:13:41: error: secret ".*" has no key "password"`},
		"version":             {in("DATABASE:password::", "DATABASE:password:NONE:"), `taskdef.json:13:41: error: secret ".*" has no such version`},
		"version stage":       {in("DATABASE:password::", "DATABASE:password:AWSCURRENT:"), ``},
		"no opt-in":           {in2(func(w *wish) { w.keys = false }), `taskdef.json:13:41: warning: secret ".*" was not searched for the key or version that is named`},
		"parameter":           {in("/trips/url", "none"), `taskdef.json:15:36: error: parameter "…" does not exist`},
		"parameter's region":  {in("us-east-1:123456789012:parameter", "eu-west-1:123456789012:parameter"), `taskdef.json:16:38: error: parameter "…" does not exist`},
		"environment file":    {in("web.env", "none.env"), `taskdef.json:18:50: error: object "arn:aws:s3:::files/none.env" does not exist`},
		"bucket":              {in("files/web.env", "none/web.env"), `taskdef.json:18:50: error: object "arn:aws:s3:::none/web.env" does not exist`},
		"FireLens":            {in("fluent.conf", "none.conf"), `taskdef.json:26:54: error: object "arn:aws:s3:::files/none.conf" does not exist`},
		"label's suite":       {in("files/smoke.yaml", "files/none.yaml"), `taskdef.json:19:42: error: suite ".*none.yaml#.*" does not exist`},
		"label's checksum":    {in("=SUM", "="+strings.Repeat("a", 64)), `taskdef.json:19:42: error: suite ".*" has another checksum: sha256=`},
		"label not in S3":     {in("s3://files/smoke.yaml#sha256=SUM", "ssm:/suite"), `taskdef.json:19:42: warning: suite "ssm:/suite" was not looked up: it is not in S3`},
		"log group":           {in("/trips/web", "/trips/w"), `taskdef.json:21:24: error: log group "/trips/w" does not exist`},
		"log group's region":  {in(`"awslogs-region": "eu-west-1"`, `"awslogs-region": "us-east-1"`), `taskdef.json:21:24: error: log group "/trips/web" does not exist`},
		"hook":                {in("CodeDeployHook_gate", "CodeDeployHook_none"), `appspec.yaml:9:28: error: function "CodeDeployHook_none" does not exist`},
		"hook by ARN":         {in("function:CodeDeployHook_plain", "function:none"), `appspec.yaml:10:25: error: function ".*:none" does not exist`},
		"hook's suite":        {in("CodeDeployHook_gate", "CodeDeployHook_other"), `appspec.yaml:9:28: error: suite "s3://files/web.yaml" does not exist`},
		"hook's own suite":    {in("CodeDeployHook_gate", "CodeDeployHook_file"), `appspec.yaml:9:28: warning: suite "smoke.yaml" was not looked up: it is not in S3`},
		"suite":               {in2(func(w *wish) { w.suite = "version: 2\n" }), `appspec.yaml:9:28: error: suite "s3://files/smoke.yaml" is not smoke.yaml: its sha256 is .*\n.*\ntaskdef.json:19:42: error: suite ".*" is not smoke.yaml`},
		"application":         {in2(func(w *wish) { w.group = "none/good" }), `verify: --group: error: deployment group "none/good" does not exist`},
		"group":               {in2(func(w *wish) { w.group = "none" }), `verify: --group: error: deployment group "trips/none" does not exist`},
		"blue/green":          {in2(func(w *wish) { w.group = "in-place" }), `verify: --group: error: deployment group "trips/in-place" is not blue/green`},
		"test listener":       {in2(func(w *wish) { w.group = "no-test" }), `verify: --group: error: deployment group "trips/no-test" has no test listener`},
		"lost test listener":  {in2(func(w *wish) { w.group = "lost-test" }), `verify: --group: error: test listener "arn:.*" does not exist`},
		"rollback":            {in2(func(w *wish) { w.group = "no-way-back" }), `verify: --group: error: deployment group "trips/no-way-back" rolls nothing back`},
		"group's service":     {in2(func(w *wish) { w.group = "no-service" }), `verify: --group: error: service "c/nobody" does not exist`},
		"service's deployer":  {in2(func(w *wish) { w.group = "wrong-service" }), `verify: --group: error: service "c/native" is deployed by the controller ECS, not by CODE_DEPLOY`},
		"service":             {in2(func(w *wish) { w.service = "c/none" }), `verify: --service: error: service "c/none" does not exist`},
		"cluster":             {in2(func(w *wish) { w.service = "none/none" }), `verify: --service: error: service "none/none" does not exist`},
		"service in place":    {in2(func(w *wish) { w.service = "c/native" }), `verify: --service: error: service "c/native" is updated in place`},
		"CodeDeploy's":        {in2(func(w *wish) { w.service = "c/web" }), `verify: --service: error: service "c/web" is deployed by the controller CODE_DEPLOY, not by ECS`},
		"nothing but a suite": {wish{task: `{"containerDefinitions": []}`, spec: strings.Split(appSpec, "Hooks")[0], suite: smoke}, `verify: --suite: warning: suite "smoke.yaml" was compared with none: `},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.problems(t, config(a.endpoint), row.wish)
			want := regexp.MustCompile(`^` + row.want + `([^\n]*(\n  help: .*)?\n)?$`)
			if row.want == "" && got != "" || row.want != "" && !want.MatchString(got) {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// platforms has images for one platform, whose configuration says which: moto does not hand it out.
func platforms(t *testing.T, a account) {
	w := good()
	w.task = strings.Replace(w.task, "team/web:1", "team/web:single", 1)
	for configuration, want := range map[string]string{
		`{"os": "linux", "architecture": "arm64", "variant": "v8"}`: "",
		`{"os": "linux", "architecture": "amd64"}`:                  `taskdef.json:9:14: error: image ".*" is for linux/amd64, and the task runs on linux/arm64`,
		`nonsense`: `taskdef.json:9:14: warning: image ".*" exists, and its configuration, which has its platform, could not be read`,
		`refused`:  `taskdef.json:9:14: warning: image ".*" exists, and its platform could not be looked up: ecr GetDownloadUrlForLayer: AccessDeniedException: bent`,
	} {
		cfg := bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
			switch {
			case operation == "GetDownloadUrlForLayer" && configuration == "refused":
				refuse(w, r, "AccessDeniedException")
				return true
			case operation == "GetDownloadUrlForLayer":
				return describes(w, `{"downloadUrl": "http://`+r.Host+`/configuration?X-Amz-Signature=s3cr3t"}`)
			case r.URL.Path == "/configuration":
				return describes(w, configuration)
			}
			return false
		})
		got := a.problems(t, cfg, w)
		if !regexp.MustCompile(`^`+want).MatchString(got) || want == "" && got != "" || strings.Contains(got, "s3cr3t") {
			t.Errorf("%s: got %q, want %q", configuration, got, want)
		}
	}
}

// native has a service that Amazon ECS deploys itself; moto keeps nothing of how.
func native(t *testing.T, a account) {
	w := good()
	w.group, w.service, w.spec = "", "c/native", strings.Split(appSpec, "Hooks")[0]
	const service = `{"services": [{"status": "ACTIVE", "deploymentConfiguration": {"strategy": "CANARY",
		"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "lifecycleHooks": [
		{"targetType": "PAUSE"},
		{"hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:CodeDeployHook_gate", "roleArn": "arn:aws:iam::123456789012:role/hooks"}]}}]}`
	roles := iam.NewFromConfig(awsclient.Within(config(a.endpoint), 3*time.Minute))
	ok[*iam.CreateRoleOutput](t)(roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("hooks"), AssumeRolePolicyDocument: trust(
		`[{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:*"}]`)}))
	for change, want := range map[string]string{
		"=": "", "CANARY=ROLLING": `--service: error: service "c/native" is updated in place`,
		"Hook_gate=Hook_none":              `--service: error: function ".*Hook_none" does not exist`,
		"role/hooks=role/task":             `--service: error: role ".*" does not trust ecs.amazonaws.com`,
		"Hook_gate=Hook_other":             `--service: error: suite "s3://files/web.yaml" does not exist`,
		`"rollback": true="rollback": 0`:   ``,
		`"rollback": true="x": true`:       `--service: warning: service "c/native" rolls back for its hooks only`,
		`"status": "ACTIVE"="status": "x"`: ``, `"status": "ACTIVE"="status": "INACTIVE"`: `--service: error: service "c/native" does not exist`,
	} {
		old, changed, _ := strings.Cut(change, "=")
		if strings.HasSuffix(change, ": 0") {
			continue
		}
		cfg := bent(t, a.endpoint, func(w http.ResponseWriter, _ *http.Request, operation string) bool {
			return operation == "DescribeServices" && describes(w, strings.Replace(service, old, changed, 1))
		})
		if got := a.problems(t, cfg, w); !regexp.MustCompile(`^(verify: `+want+`[^\n]*\n(  help: .*\n)?)?$`).MatchString(got) || (want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", change, got, want)
		}
	}
}

// created has a log group that the task creates: what IAM says of that right counts, and moto does not say.
func created(t *testing.T, a account) {
	w := good()
	w.task = strings.NewReplacer(`"awslogs-group": "/trips/web"`, `"awslogs-group": "/new", "awslogs-create-group": "true"`,
		`"execution"`, `"arn:aws:iam::123456789012:role/execution"`).Replace(w.task)
	for decision, want := range map[string]string{
		"allowed":      "",
		"implicitDeny": `taskdef.json:21:24: error: log group "/new" does not exist, and the execution role may not create it`,
		"refused":      `taskdef.json:21:24: warning: log group "/new" does not exist, and the right to create it could not be looked up: iam SimulatePrincipalPolicy: AccessDenied: bent`,
	} {
		asked := ""
		cfg := bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
			if operation != "SimulatePrincipalPolicy" {
				return false
			}
			if decision == "refused" {
				refuse(w, r, "AccessDenied")
				return true
			}
			_ = r.ParseForm()
			asked = r.PostForm.Get("ResourceArns.member.1")
			return describes(w, `<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>
				<EvalActionName>logs:CreateLogGroup</EvalActionName><EvalDecision>`+decision+`</EvalDecision></member></EvaluationResults>
				</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`)
		})
		got := a.problems(t, cfg, w)
		if !regexp.MustCompile(`^`+want).MatchString(got) || (want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", decision, got, want)
		}
		if asked != "" && asked != "arn:aws:logs:eu-west-1:123456789012:log-group:/new" {
			t.Errorf("asked for %s", asked)
		}
	}
}

// states has a hook that cannot be called.
func states(t *testing.T, a account) {
	for state, want := range map[string]string{
		`"Active"`: "", `"Inactive"`: `appspec.yaml:9:28: warning: function "CodeDeployHook_gate" is Inactive`,
		`"Failed", "StateReason": "no subnet"`: `appspec.yaml:9:28: error: function "CodeDeployHook_gate" is Failed: no subnet`,
	} {
		w := good()
		cfg := bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
			return operation == "GetFunctionConfiguration" && strings.Contains(r.URL.Path, "gate") && describes(w, `{"State": `+state+`}`)
		})
		if got := a.problems(t, cfg, w); !regexp.MustCompile(`^`+want).MatchString(got) || (want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", state, got, want)
		}
	}
}

// refused may look up nothing: everything is a warning, and nothing is silent.
func refused(t *testing.T, a account) {
	var mu sync.Mutex
	seen := map[string]bool{}
	cfg := bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[operation] = true
		code := "AccessDeniedException"
		if r.Header.Get("X-Amz-Target") == "" {
			code = "AccessDenied"
		}
		refuse(w, r, code)
		return true
	})
	w := good()
	w.service = "c/native"
	got := a.problems(t, cfg, w)
	// Two images, two roles, three secrets, two parameters, two objects, a log group, two functions, the label's suite,
	// a group and a service; no hook could be asked for its suite.
	if n := strings.Count(got, " warning: "); n != 17 || strings.Contains(got, "error: ") {
		t.Errorf("%d warnings:\n%s", n, got)
	}
	if strings.Count(got, "could not be looked up: ") != 17 {
		t.Errorf("some are not told as not looked up:\n%s", got)
	}
	want := []string{
		"BatchGetImage", "DescribeLogStreams", "DescribeSecret", "DescribeServices", "GETObject", "GetDeploymentGroup", "GetFunctionConfiguration",
		"GetParameter", "GetRole", "HEADObject",
	}
	for _, operation := range want {
		if !seen[operation] {
			t.Errorf("%s was never asked for: %v", operation, seen)
		}
	}
	// The name of a parameter may be the secret, and AWS repeats it.
	cfg = bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if operation != "GetParameter" || !strings.Contains(string(body), value) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return describes(w, `{"__type": "AccessDeniedException", "message": "may not read arn:…:parameter/`+value+`"}`)
	})
	w.service = ""
	w.task = strings.Replace(w.task, "/trips/url", value, 1)
	if got := a.problems(t, cfg, w); !strings.Contains(got, "15:36: warning: ") {
		t.Error(got)
	}
}

// throttled is answered at the third time, or never.
func throttled(t *testing.T, a account) {
	for _, times := range []int{2, 1000} {
		var mu sync.Mutex
		left := map[string]int{}
		cfg := bent(t, a.endpoint, func(w http.ResponseWriter, r *http.Request, operation string) bool {
			if operation != "DescribeSecret" {
				return false
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			mu.Lock()
			defer mu.Unlock()
			if left[string(body)]++; left[string(body)] > times*strings.Count(taskDefinition, "DATABASE") {
				return false
			}
			refuse(w, r, "ThrottlingException")
			return true
		})
		w := good()
		w.task = strings.Replace(w.task, `"DATABASE"`, `"/trips/url"`, 1)
		got := a.problems(t, cfg, w)
		if times == 2 {
			if strings.Contains(got, "error: ") {
				t.Errorf("throttled twice:\n%s", got)
			}
			continue
		}
		if strings.Count(got, "could not be looked up: secretsmanager DescribeSecret: ThrottlingException: bent") != 2 || strings.Contains(got, "error: ") {
			t.Errorf("always throttled:\n%s", got)
		}
	}
}

// hanging has one service that does not answer: everything else is told, and whoever waits is told for what.
func hanging(t *testing.T, a account) {
	cfg := bent(t, a.endpoint, func(_ http.ResponseWriter, r *http.Request, operation string) bool {
		if operation == "DescribeSecret" {
			<-r.Context().Done()
			return true
		}
		return false
	})
	w := good()
	w.task = strings.Replace(w.task, "team/web:1", "team/web:2", 1)
	var mu sync.Mutex
	var waits []string
	w.waiting = func(thing string) {
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, thing)
	}
	began := time.Now()
	got := a.problems(t, cfg, w)
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("it took %s", took)
	}
	if strings.Count(got, "could not be looked up: timed out") != 3 || strings.Count(got, " error: ") != 1 {
		t.Error(got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(waits) < 3 || !slices.Contains(waits, `secret "registry"`) {
		t.Errorf("waits for %q", waits)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began = time.Now()
	verify.Release{Task: read(t, a.names.Replace(taskDefinition)), AWS: cfg, Waiting: func(string) {}}.Problems(ctx)
	if took := time.Since(began); took > time.Second {
		t.Errorf("interrupted, it took %s", took)
	}
}

func read(t *testing.T, text string) taskdef.Task {
	t.Helper()
	task, wrong := taskdef.Read("taskdef.json", text)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return task
}

package infra_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// moto is a running moto_server, and what commands need to talk to it instead of AWS.
type moto struct {
	url string
	env []string
	// dist is where packages go.
	dist string
}

// startMoto runs moto_server on loopback until the test ends.
func startMoto(t *testing.T) moto {
	t.Helper()
	server := have(t, "moto_server")
	have(t, "aws")
	have(t, "make")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, server, "-H", "127.0.0.1", "-p", port)
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	// By this name moto finds the bucket in the path of a nested template.
	m := moto{url: "http://localhost:" + port, dist: t.TempDir()}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "MAKE") {
			m.env = append(m.env, v)
		}
	}
	m.env = append(m.env, "AWS_ENDPOINT_URL="+m.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "DIST="+m.dist, "ARCH=amd64", "PROCESSORS=amd64", // one processor: compiling for another takes a minute
		"GO="+remembering(t))
	waitFor(t, m.url)
	return m
}

// remembering returns a go that takes the programs that tests have, links each other one once, and packs them once: the
// same sources make the same bytes, and to make and to compress all of them takes ten seconds of a processor for each of
// three packages. The prober is linked, as make package does it.
func remembering(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "go")
	script := `#!/bin/sh
set -e
kept=` + dir + `/$(echo "$GOARCH $*" | cksum | tr ' ' -)
if [ "$1 $2" = 'run ./buildtools/package' ]; then
	# By what is packed, too.
	kept=$kept-$(cd "$3/bin" && find . -type f -exec cksum {} + | sort | cksum | tr ' ' -)
	if [ -d "$kept" ]; then
		cp "$kept"/*.zip "$kept"/*.tar.gz "$3"
		cat "$kept/said"
	else
		mkdir "$kept"
		rm -f "$3"/*.zip "$3"/*.tar.gz
		go "$@" >"$kept/said"
		cp "$3"/*.zip "$3"/*.tar.gz "$kept"
		cat "$kept/said"
	fi
	exit
fi
[ "$1" = build ] || exec go "$@"
before='' out=''
for word; do
	[ "$before" != -o ] || out=$word
	before=$word
done
have=` + built + `/${word##*/}
[ "${word##*/}" = prober ] || [ ! -f "$have" ] || kept=$have
if [ -f "$kept" ]; then
	mkdir -p "$(dirname "$out")"
	cp "$kept" "$out"
else
	go "$@"
	cp "$out" "$kept"
fi
`
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// waitFor asks the URL until it answers.
func waitFor(t *testing.T, url string) {
	t.Helper()
	ctx := within(t, time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/moto-api/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("moto_server does not answer")
		}
	}
}

// run runs a command of the project against moto and returns what it wrote.
func (m moto) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(within(t, 10*time.Minute), name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = "..", m.env, 5*time.Second
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (m moto) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := m.run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// ask returns what moto answers a service's client. It is asked here and not by the AWS command line, of which each start
// takes half a second of a processor.
func (m moto) ask(t *testing.T, service, request string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t, time.Minute), http.MethodGet, m.url+request, nil)
	if err != nil {
		t.Fatal(err)
	}
	// moto reads of it whose request this is.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %v, status %d\n%s", service, request, err, answer.StatusCode, body)
	}
	return string(body)
}

// stack returns what CloudFormation says by this name of a stack.
func (m moto) stack(t *testing.T, action, stack, name string) []string {
	t.Helper()
	return elements(name, m.ask(t, "cloudformation", "/?Version=2010-05-15&Action="+action+"&StackName="+stack))
}

// elements returns the texts of an XML answer's elements of that name.
func elements(name, answer string) []string {
	var texts []string
	for _, m := range regexp.MustCompile("<"+name+">([^<]*)</").FindAllStringSubmatch(answer, -1) {
		texts = append(texts, m[1])
	}
	return texts
}

// madeByMoto are the types of ours that moto makes in a stack; it fails on others.
func madeByMoto() []string {
	return []string{
		"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::AutoScalingGroup",
		"AWS::ECS::Cluster", "AWS::ECS::TaskDefinition", "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::LoadBalancer",
		"AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule",
		"AWS::RDS::DBSubnetGroup", "AWS::ECR::Repository",
		"AWS::Logs::LogGroup", "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::InstanceProfile", "AWS::S3::Bucket", "AWS::SNS::Topic",
		"AWS::SQS::Queue", "AWS::SSM::Parameter", "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::CloudWatch::Dashboard", "AWS::CloudFormation::Stack",
	}
}

// notOfMoto tells the attributes that moto's resources lack.
func notOfMoto(attribute string) bool {
	return attribute == "LoadBalancerFullName" || strings.HasPrefix(attribute, "TargetGroup") || strings.HasPrefix(attribute, "Outputs.")
}

// prune leaves of a template what moto makes: resources of other types go, and what refers to them becomes
// a word.
func prune(t *testing.T, text string) []byte {
	t.Helper()
	content, _ := typed(parse(t, "template", text).node.Content[0]).(map[string]any)
	resources, _ := content["Resources"].(map[string]any)
	gone := map[string]bool{}
	for id, r := range resources {
		if !slices.Contains(madeByMoto(), str(at(r, "Type"))) {
			gone[id] = true
			delete(resources, id)
		}
	}
	for _, r := range resources {
		// moto knows no weights.
		for _, action := range append(list(at(r, "Properties", "DefaultActions")), list(at(r, "Properties", "Actions"))...) {
			if first := at(action, "ForwardConfig", "TargetGroups", 0, "TargetGroupArn"); first != nil {
				action.(map[string]any)["TargetGroupArn"] = first
			}
		}
		m, _ := r.(map[string]any)
		if kept := slices.DeleteFunc(list(m["DependsOn"]), func(id any) bool { return gone[str(id)] }); len(kept) > 0 {
			m["DependsOn"] = kept
		} else {
			delete(m, "DependsOn")
		}
	}
	delete(content, "Rules")
	if image, ok := at(content, "Parameters", "ImageId").(map[string]any); ok {
		image["Type"], image["Default"] = "String", "ami-12c6146b"
	}
	var pruned bytes.Buffer
	e := yaml.NewEncoder(&pruned)
	e.SetIndent(2) // as ours
	if err := e.Encode(without(content, gone)); err != nil {
		t.Fatal(err)
	}
	return pruned.Bytes()
}

// without replaces references to resources that are gone.
func without(v any, gone map[string]bool) any {
	switch x := v.(type) {
	case map[string]any:
		if ref, _ := x["Ref"].(string); gone[ref] {
			return "gone"
		}
		if id := str(at(x, "Fn::GetAtt", 0)); gone[id] || notOfMoto(str(at(x, "Fn::GetAtt", 1))) {
			return "gone"
		}
		if text, ok := at(x, "Fn::Sub", 0).(string); ok { // with values of its own
			plain, _ := without(map[string]any{"Fn::Sub": text}, gone).(map[string]any)
			return map[string]any{"Fn::Sub": []any{plain["Fn::Sub"], without(at(x, "Fn::Sub", 1), gone)}}
		}
		if text, ok := x["Fn::Sub"].(string); ok {
			return map[string]any{"Fn::Sub": regexp.MustCompile(`\$\{(\w+)(\.[\w.]+)?\}`).ReplaceAllStringFunc(text, func(ref string) string {
				if id, attribute, _ := strings.Cut(strings.Trim(ref, "${}"), "."); gone[id] || notOfMoto(attribute) {
					return "gone"
				}
				return ref
			})}
		}
		for key, value := range x {
			x[key] = without(value, gone)
		}
	case []any:
		for i, value := range x {
			x[i] = without(value, gone)
		}
	}
	return v
}

// TestAStackIsMadeOfThePackages goes the way of make package, make dry-run and make deploy against moto, with
// the templates as far as moto knows their types.
func TestAStackIsMadeOfThePackages(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	m := startMoto(t)
	m.must(t, "aws", "s3", "mb", "s3://greenlight-packages")
	network := m.ask(t, "ec2", "/?Version=2016-11-15&Action=DescribeSubnets")
	subnets, vpc := elements("subnetId", network), elements("vpcId", network)[0]
	parameters := filepath.Join(t.TempDir(), "parameters")
	lines := fmt.Sprintf("VpcId=%s\nPublicSubnet1Id=%s\nPublicSubnet2Id=%s\nPublicCidr=0.0.0.0/0\nTestCidr=203.0.113.7/32\nRepositoryId=group/tripmgmt\nSuiteEnvironment={\"USER\": \"a,b=c\"}\nWatch=true\n", vpc, subnets[0], subnets[1])
	if err := os.WriteFile(parameters, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}

	// Up to the change set with the whole template, of which nothing is made.
	out := m.must(t, "make", "dry-run", "STACK=bluegreen", "BUCKET=greenlight-packages", "PARAMETERS="+parameters)
	for _, r := range load(t)["bluegreen.yml"].resources() {
		if !strings.Contains(out, r.id) {
			t.Errorf("the dry run does not name %s", r.id)
		}
	}
	if got := m.stack(t, "DescribeStacks", "greenlight-bluegreen", "StackStatus"); !slices.Equal(got, []string{"REVIEW_IN_PROGRESS"}) {
		t.Errorf("after a dry run the stack is %s", got)
	}
	m.wantPackages(t)

	pruned := t.TempDir()
	for _, name := range files() {
		if err := os.WriteFile(filepath.Join(pruned, name), prune(t, read(t, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(m.env, "TEMPLATES="+pruned)
	out = m.must(t, "make", "deploy", "STACK=bluegreen", "BUCKET=greenlight-packages", "PARAMETERS="+parameters, "NAME=pipeline")
	// Outputs are printed, too; moto has none for a stack that was made by a change set.
	for _, want := range []string{"making pipeline", "the stack policy is set"} {
		if !strings.Contains(out, want) {
			t.Errorf("make deploy does not say %q:\n%s", want, out)
		}
	}
	if status := m.stack(t, "DescribeStacks", "pipeline", "StackStatus"); !slices.Equal(status, []string{"CREATE_COMPLETE"}) {
		t.Errorf("the stack is %s", status)
	}
	if policy := m.stack(t, "GetStackPolicy", "pipeline", "StackPolicyBody"); !strings.Contains(strings.Join(policy, ""), "LogicalResourceId/Service") {
		t.Errorf("the stack policy is %s", policy)
	}
	m.wantMade(t)

	m.wantNative(t)

	// A gate for Amazon ECS's own deployments, beside it.
	if err := os.WriteFile(parameters, []byte("NamePrefix=native\nController=ecs\nSuiteBucket=suites\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out = m.must(t, "make", "deploy", "STACK=gate", "BUCKET=greenlight-packages", "PARAMETERS="+parameters); !strings.Contains(out, "making greenlight-gate-native") || strings.Contains(out, "database") {
		t.Errorf("make deploy says:\n%s", out)
	}
	made := m.stack(t, "DescribeStackResources", "greenlight-gate-native", "LogicalResourceId")
	for id, want := range map[string]bool{"InvokeRole": true, "NativePolicy": true, "HookRole": true, "WatchRole": false, "AfterAllowTraffic": false, "CodeDeployPolicy": false, "LostInvocations": false} {
		if slices.Contains(made, id) != want {
			t.Errorf("of Amazon ECS's gate, %s is made: %t; made are %v", id, !want, made)
		}
	}
}

// wantNative makes the pipeline with Amazon ECS's own deployments on Fargate, beside the first one and of its package.
func (m moto) wantNative(t *testing.T) {
	t.Helper()
	parameters := filepath.Join(m.dist, "parameters.json")
	more := ""
	for name, value := range map[string]string{"NamePrefix": "canary", "Controller": "ecs", "Strategy": "CANARY", "LaunchType": "FARGATE"} {
		more += fmt.Sprintf(`, {"ParameterKey": %q, "ParameterValue": %q}`, name, value)
	}
	if err := os.WriteFile(parameters, []byte(strings.Replace(read(t, parameters), "\n]", more+"\n]", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.must(t, "aws", "cloudformation", "create-stack", "--stack-name", "canary", "--template-body", "file://"+filepath.Join(m.dist, "bluegreen.yml"),
		"--capabilities", "CAPABILITY_IAM", "--parameters", "file://"+parameters)
	made := m.stack(t, "DescribeStackResources", "canary", "LogicalResourceId")
	for id, want := range map[string]bool{"ProductionRule": true, "TestRule": true, "LoadBalancerRole": true, "DeployRole": true, "Service": true, "Gate": true, "CodeDeployRole": false, "Instances": false, "LaunchTemplate": false} {
		if slices.Contains(made, id) != want {
			t.Errorf("of the pipeline with Amazon ECS, %s is made: %t; made are %v", id, !want, made)
		}
	}
}

// wantPackages looks whether what make package wrote for the console names what it uploaded, and is else what
// was written.
func (m moto) wantPackages(t *testing.T) {
	t.Helper()
	uploaded := func(key, file string) {
		if got := m.ask(t, "s3", "/greenlight-packages/"+key); got == "" || got != read(t, filepath.Join(m.dist, file)) {
			t.Errorf("%s is not %s", key, file)
		}
	}
	set := func(of map[string]any, key string, value any) {
		if of[key] == value {
			t.Errorf("%s is still %v", key, value)
		}
		of[key] = value
	}
	original := load(t)
	gate := parse(t, "gate.yml", read(t, filepath.Join(m.dist, "gate.yml")))
	for _, r := range original["gate.yml"].resources("AWS::Lambda::Function") {
		code := at(gate.resource(r.id).properties, "Code")
		if got := str(at(code, "S3Bucket")); got != "greenlight-packages" {
			t.Errorf("%s is in the bucket %q", r.id, got)
		}
		uploaded(str(at(code, "S3Key")), filepath.Base(str(r.properties["Code"])))
		set(r.properties, "Code", code)
	}
	set(at(original["gate.yml"].content, "Parameters", "Architecture").(map[string]any), "Default", "x86_64")

	bluegreen := parse(t, "bluegreen.yml", read(t, filepath.Join(m.dist, "bluegreen.yml")))
	archive := "buildtools-linux-amd64.tar.gz"
	uri := bluegreen.parameter("ToolsUri", "Default")
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, filepath.Join(m.dist, archive)))))
	if uri != "s3://greenlight-packages/greenlight/"+sum+"/"+archive {
		t.Errorf("the build tools are at %s", uri)
	}
	uploaded(strings.TrimPrefix(uri, "s3://greenlight-packages/"), archive)
	parameters := original["bluegreen.yml"].section("Parameters")
	set(parameters["ToolsUri"].(map[string]any), "Default", uri)
	set(parameters["ToolsSha256"].(map[string]any), "Default", sum)
	version := str(at(gate.section("Mappings"), "Greenlight", "Build", "Version"))
	if !strings.HasPrefix(version, "devel") {
		t.Errorf("the version is %q", version)
	}
	for name, build := range map[string]map[string]any{"gate.yml": {"Version": version, "ToolsUri": uri, "ToolsSha256": sum}, "bluegreen.yml": {"Version": version}} {
		for key, value := range build {
			set(at(original[name].content, "Mappings", "Greenlight", "Build").(map[string]any), key, value)
		}
	}
	for _, r := range original["bluegreen.yml"].resources("AWS::CloudFormation::Stack") {
		url := str(bluegreen.resource(r.id).properties["TemplateURL"])
		key := url[strings.Index(url, "greenlight-packages/")+len("greenlight-packages/"):]
		if diff := cmp.Diff(gate.content, parse(t, "gate.yml", m.ask(t, "s3", "/greenlight-packages/"+key)).content); diff != "" {
			t.Errorf("the nested stack is not gate.yml:\n%s", diff)
		}
		set(r.properties, "TemplateURL", url)
	}
	for name, got := range map[string]template{"gate.yml": gate, "bluegreen.yml": bluegreen} {
		if diff := cmp.Diff(original[name].content, got.content); diff != "" {
			t.Errorf("%s is not what was written:\n%s", name, diff)
		}
	}
}

// wantMade looks at what the stacks really made.
func (m moto) wantMade(t *testing.T) {
	t.Helper()
	for _, event := range hooks() {
		f := m.ask(t, "lambda", "/2015-03-31/functions/CodeDeployHook_tripmgmt_"+event+"/configuration")
		for _, want := range []string{`"Runtime": "provided.al2023"`, `"Timeout": 840`, `"METRICS_NAMESPACE": "Greenlight/tripmgmt"`, `"PROBER_FUNCTION": "greenlight-tripmgmt-prober"`, `"EVIDENCE_PARAMETER": "/greenlight/tripmgmt/` + map[string]string{"AfterAllowTraffic": "watch"}[event], `a,b=c`} {
			if !strings.Contains(f, want) {
				t.Errorf("%s does not hold %s:\n%s", event, want, f)
			}
		}
	}
	kinds := m.stack(t, "DescribeStackResources", "pipeline", "ResourceType")
	if len(kinds) < 20 || !slices.Contains(kinds, "AWS::ECS::Service") {
		t.Errorf("made only %v", kinds)
	}
	groups := m.must(t, "aws", "ec2", "describe-security-groups", "--filters", "Name=ip-permission.to-port,Values=8080", "--query", "SecurityGroups[].IpPermissions[?ToPort==`8080`][].IpRanges[].CidrIp", "--output", "text")
	if strings.Contains(groups, "0.0.0.0/0") || !strings.Contains(groups, "203.0.113.7/32") {
		t.Errorf("port 8080 is open to %s", groups)
	}
}

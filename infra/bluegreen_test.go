package infra_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// madeOnce is what CloudFormation must not touch after creation: deployments change it, or it refuses the change, or
// the database would not get the password.
func madeOnce() []string {
	return []string{"DatabaseSecret", "BootstrapTask", "ProductionListener", "ProductionRule", "Service", "TestListener", "TestRule"}
}

// creationOnly are the parameters that a resource made once may hang on.
func creationOnly() []string {
	return []string{
		"ContainerName", "ContainerPort", "HealthCheckPath", "NamePrefix", "PublicSubnet1Id", "PublicSubnet2Id", "CertificateArn", "DatabaseUsername",
		"Controller", "LaunchType", "Strategy", "StepPercent", "StepMinutes", "BakeMinutes", "Watch",
	}
}

func theStackPolicy(all stacks) []string {
	var problems, denied []string
	stack := all["bluegreen.yml"]
	allowed := false
	for _, s := range list(all["stack-policy.json"].content["Statement"]) {
		ids := texts(at(s, "Resource"))
		for _, id := range ids {
			name, ok := strings.CutPrefix(id, "LogicalResourceId/")
			if id != "*" && (!ok || stack.resource(name).kind == "") {
				problems = append(problems, id+" is no resource of the stack")
			}
			if str(at(s, "Effect")) == "Deny" && slices.Contains(texts(at(s, "Action")), "Update:*") {
				denied = append(denied, name)
			}
		}
		// Without it a stack policy denies everything.
		allowed = allowed || str(at(s, "Effect")) == "Allow" && slices.Contains(ids, "*")
	}
	if !allowed {
		problems = append(problems, "nothing may be updated")
	}
	if m := missing(madeOnce(), denied); len(m) > 0 {
		problems = append(problems, fmt.Sprintf("%v may be updated", m))
	}
	return problems
}

// constants wants nothing that one may want to change in what is made once.
func constants(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	for _, id := range madeOnce() {
		names := named(stack.resource(id).properties)
		walk(stack.resource(id).all, func(m map[string]any) {
			names = append(names, stack.decides(str(m["Condition"]))...)
			if choice, ok := at(m, "Fn::If", 0).(string); ok {
				names = append(names, stack.decides(choice)...)
			}
		})
		for _, name := range names {
			if stack.section("Parameters")[name] != nil && !slices.Contains(creationOnly(), name) {
				problems = append(problems, id+" hangs on the parameter "+name)
			}
		}
	}
	service := stack.as(codeDeploy).resource("Service").properties
	if str(at(service, "DeploymentController", "Type")) != "CODE_DEPLOY" || service["DeploymentConfiguration"] != nil || at(service, "LoadBalancers", 0, "AdvancedConfiguration") != nil ||
		service["LaunchType"] != nil || str(at(service, "CapacityProviderStrategy", 0, "CapacityProvider")) != "${CapacityProvider}" {
		problems = append(problems, "the service is not CodeDeploy's, or without its capacity provider")
	}
	if got := texts(stack.resource("Service").all["DependsOn"]); len(missing([]string{"ProductionListener", "TestListener", "CapacityProviders"}, got)) > 0 {
		problems = append(problems, fmt.Sprintf("the service waits for %v only", got))
	}
	return problems
}

// decides returns what a condition hangs on.
func (t template) decides(condition string) []string {
	names := named(t.section("Conditions")[condition])
	walk(t.section("Conditions")[condition], func(m map[string]any) {
		if other, ok := m["Condition"].(string); ok {
			names = append(names, t.decides(other)...)
		}
	})
	return names
}

// saidToBeMadeOnce wants whoever sets a parameter that counts at creation only to read so.
func saidToBeMadeOnce(all stacks) []string {
	var problems []string
	for _, name := range creationOnly() {
		if d := all["bluegreen.yml"].parameter(name, "Description"); !strings.HasSuffix(d, "Counts at creation only.") {
			problems = append(problems, name+" does not say that it counts at creation only: "+d)
		}
	}
	return problems
}

// leavesNothing wants a stack that could not be made to leave nothing that is in the way of the next try, and one that
// is removed to leave what a person made or may still want.
func leavesNothing(all stacks) []string {
	var kept, problems []string
	for _, file := range files() {
		for _, r := range all[file].resources() {
			switch str(r.all["DeletionPolicy"]) {
			case "Retain":
				problems = append(problems, file+": "+r.id+" stays when the stack could not be made")
			case "RetainExceptOnCreate":
				kept = append(kept, r.id)
			}
		}
	}
	if want := []string{"ArtifactBucket", "Connection", "SuiteBucket"}; !slices.Equal(kept, want) {
		problems = append(problems, fmt.Sprintf("of a stack that is removed stays %v, want %v", kept, want))
	}
	return problems
}

// weighted wants both listeners as CodeDeploy leaves them, and both rules as Amazon ECS wants them.
func weighted(all stacks) []string {
	var problems []string
	for _, id := range []string{"ProductionListener", "TestListener", "ProductionRule", "TestRule"} {
		p := all["bluegreen.yml"].resource(id).properties
		var got []string
		for _, g := range append(list(at(p, "DefaultActions", 0, "ForwardConfig", "TargetGroups")), list(at(p, "Actions", 0, "ForwardConfig", "TargetGroups"))...) {
			got = append(got, str(at(g, "TargetGroupArn"))+" "+str(at(g, "Weight")))
		}
		if want := []string{"${TargetGroup1} 100", "${TargetGroup2} 0"}; !slices.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("%s forwards to %v, want %v", id, got, want))
		}
	}
	return problems
}

// instances wants IMDSv2, Amazon Linux 2023, and tasks that cannot become their instance.
func instances(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	data := at(stack.resource("LaunchTemplate").properties, "LaunchTemplateData")
	if str(at(data, "MetadataOptions", "HttpTokens")) != "required" || str(at(data, "MetadataOptions", "HttpPutResponseHopLimit")) != "1" {
		problems = append(problems, "the instances answer IMDSv1, or their tasks")
	}
	if user := str(at(data, "UserData", "Fn::Base64")); !strings.Contains(user, "ECS_AWSVPC_BLOCK_IMDS=true") || !strings.Contains(user, "ECS_CLUSTER=${Cluster}") {
		problems = append(problems, "user data: "+user)
	}
	if str(at(data, "ImageId")) != "${ImageId}" || !strings.Contains(stack.parameter("ImageId", "Default"), "/amazon-linux-2023/recommended/") {
		problems = append(problems, "the image is not the current Amazon Linux 2023")
	}
	if stack.parameter("KeyPairName", "Default") != "" {
		problems = append(problems, "there is a key pair nobody asked for")
	}
	p := stack.resource("CapacityProvider").properties
	if str(at(p, "AutoScalingGroupProvider", "ManagedTerminationProtection")) != "DISABLED" || str(at(p, "AutoScalingGroupProvider", "ManagedDraining")) != "ENABLED" {
		problems = append(problems, "the capacity provider keeps the stack from being removed, or does not drain")
	}
	if got := texts(stack.as(codeDeploy).resource("CapacityProviders").properties["CapacityProviders"]); !slices.Equal(got, []string{"${CapacityProvider}", "FARGATE"}) {
		problems = append(problems, fmt.Sprintf("capacity providers %v", got))
	}
	return problems
}

// versions wants defaults that exist in late 2026.
func versions(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	// AWS commits itself to three years for these, and names one for each major version.
	if v := stack.parameter("DatabaseEngineVersion", "Default"); !slices.Contains([]string{"16.8", "17.7"}, v) {
		problems = append(problems, "Aurora PostgreSQL "+v+" has no long-term support")
	}
	if d := stack.parameter("DatabaseEngineVersion", "Description"); !strings.Contains(d, "must exist in the region") {
		problems = append(problems, "nobody says that the version must exist in the region")
	}
	for _, image := range append(texts(at(stack.section("Parameters"), "BuildImage", "AllowedValues")), stack.parameter("BuildImage", "Default")) {
		if !slices.Contains([]string{"aws/codebuild/standard:8.0", "aws/codebuild/amazonlinux-x86_64-standard:6.0"}, image) {
			problems = append(problems, image+" is not maintained")
		}
	}
	for _, c := range list(stack.resource("BootstrapTask").properties["ContainerDefinitions"]) {
		image, labels := str(at(c, "Image")), at(c, "DockerLabels")
		if !regexp.MustCompile(`^public\.ecr\.aws/[a-z/]+:[0-9.]+$`).MatchString(image) || str(at(labels, "greenlight.bootstrap")) != "true" {
			problems = append(problems, fmt.Sprintf("the placeholder is %s with %v", image, labels))
		}
	}
	return problems
}

// tasksFit wants MaxTasks and MinInstances to be at most MaxInstances, whatever is chosen.
func tasksFit(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	parameters := stack.section("Parameters")
	rules := map[string]map[string][]string{}
	for _, r := range stack.section("Rules") {
		condition := at(r, "RuleCondition", "Fn::And", 0, "Fn::Equals")
		if str(at(condition, 0)) != "${MaxInstances}" {
			continue
		}
		allowed := map[string][]string{}
		for _, a := range list(at(r, "Assertions")) {
			allowed[strings.Trim(str(at(a, "Assert", "Fn::Contains", 1)), "${}")] = texts(at(a, "Assert", "Fn::Contains", 0))
		}
		rules[str(at(condition, 1))] = allowed
	}
	for _, most := range texts(at(parameters, "MaxInstances", "AllowedValues")) {
		for _, name := range []string{"MaxTasks", "MinInstances"} {
			can := texts(at(parameters, name, "AllowedValues"))
			if r, ok := rules[most]; ok {
				can = r[name]
			}
			for _, v := range can {
				if v > most || len(can) == 0 {
					problems = append(problems, fmt.Sprintf("%s may be %s with MaxInstances %s", name, v, most))
				}
			}
			if len(can) == 0 {
				problems = append(problems, "no "+name+" is right with MaxInstances "+most)
			}
		}
	}
	if stack.parameter("MaxTasks", "Default") > stack.parameter("MaxInstances", "Default") {
		problems = append(problems, "by default the tasks of a deployment do not fit the instances")
	}
	return problems
}

func theDeploymentGroup(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	g := stack.resource("DeploymentGroup").properties
	if got := texts(at(g, "AutoRollbackConfiguration", "Events")); len(missing([]string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}, got)) > 0 || str(at(g, "AutoRollbackConfiguration", "Enabled")) != "true" {
		problems = append(problems, fmt.Sprintf("rolls back on %v only", got))
	}
	var alarms []string
	for _, a := range list(at(g, "AlarmConfiguration", "Alarms")) {
		alarms = append(alarms, str(at(a, "Name")))
	}
	problems = append(problems, stack.trafficAlarms(alarms)...)
	if len(alarms) == 0 || str(at(g, "AlarmConfiguration", "Enabled")) != "true" {
		problems = append(problems, "no alarm stops a deployment")
	}
	pair := at(g, "LoadBalancerInfo", "TargetGroupPairInfoList", 0)
	if str(at(pair, "TestTrafficRoute", "ListenerArns", 0)) != "${TestListener}" || str(at(pair, "ProdTrafficRoute", "ListenerArns", 0)) != "${ProductionListener}" {
		problems = append(problems, "without its test listener, AfterAllowTestTraffic is skipped in silence")
	}
	if stack.parameter("ApprovalWaitMinutes", "Default") != "0" || stack.parameter("BlueTerminationWaitMinutes", "Default") != "15" {
		problems = append(problems, "waits by default")
	}
	return problems
}

// trafficAlarms wants the alarms to be of traffic only.
func (t template) trafficAlarms(names []string) []string {
	var problems []string
	for _, name := range names {
		alarm := t.resource(strings.Trim(name, "${}"))
		metrics := alarmMetrics(alarm)
		if len(metrics) == 0 || slices.ContainsFunc(metrics, func(m metric) bool { return m.namespace != "AWS/ApplicationELB" }) {
			problems = append(problems, alarm.id+" is no traffic alarm: ringing, it would keep the next deployment from starting")
		}
	}
	return problems
}

// theGateFits wants the nested stack to be given parameters that it has, all that it needs, and CodeDeploy to
// be allowed to invoke its functions by their names.
func theGateFits(all stacks) []string {
	var problems []string
	stack, gate := all["bluegreen.yml"].as(codeDeploy), all["gate.yml"]
	given, _ := stack.resource("Gate").properties["Parameters"].(map[string]any)
	for name := range given {
		if gate.section("Parameters")[name] == nil {
			problems = append(problems, "the gate has no parameter "+name)
		}
	}
	for name, p := range gate.section("Parameters") {
		if at(p, "Default") == nil && given[name] == nil {
			problems = append(problems, "the gate needs "+name)
		}
	}
	if str(given["DeploymentGroupName"]) != str(stack.resource("DeploymentGroup").properties["DeploymentGroupName"]) {
		problems = append(problems, "the gate is of another deployment group")
	}
	invoked := ""
	for _, s := range stack.statements("CodeDeployRole") {
		if slices.Contains(s.actions, "lambda:InvokeFunction") {
			invoked = strings.Join(s.resources, " ") + " "
		}
	}
	for _, event := range hooks() {
		if name := str(gate.resource(event).properties["FunctionName"]); !strings.Contains(invoked, ":function:"+name+" ") {
			problems = append(problems, "CodeDeploy may not invoke "+name)
		}
	}
	return problems
}

func buckets(all stacks) []string {
	var problems []string
	stack := all["bluegreen.yml"]
	for _, b := range stack.resources("AWS::S3::Bucket") {
		tls := false
		for _, p := range stack.resources("AWS::S3::BucketPolicy") {
			s := at(p.properties, "PolicyDocument", "Statement", 0)
			tls = tls || str(p.properties["Bucket"]) == "${"+b.id+"}" && str(at(s, "Effect")) == "Deny" && str(at(s, "Condition", "Bool", "aws:SecureTransport")) == "false"
		}
		expiry := at(b.properties, "LifecycleConfiguration", "Rules", 0)
		if !tls || str(at(expiry, "Status")) != "Enabled" || str(at(expiry, "ExpirationInDays")) == "" {
			problems = append(problems, b.id+" takes plain http, or grows for ever")
		}
	}
	return problems
}

// thePipeline wants what was built to be deployed, and nothing larger than the action takes.
func thePipeline(all stacks) []string {
	var problems []string
	p := all["bluegreen.yml"].as(codeDeploy).resource("Pipeline").properties
	deploy := at(p, "Stages", 2, "Actions", 0)
	for _, key := range []string{"TaskDefinitionTemplateArtifact", "AppSpecTemplateArtifact"} {
		if str(at(deploy, "Configuration", key)) != "BuildArtifact" {
			problems = append(problems, key+" is not what was built")
		}
	}
	got := texts(at(all["buildspec.yml"].content, "artifacts", "files"))
	want := []string{str(at(deploy, "Configuration", "TaskDefinitionTemplatePath")), str(at(deploy, "Configuration", "AppSpecTemplatePath"))}
	if !slices.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("the build leaves %v, the deployment takes %v", got, want))
	}
	if str(p["PipelineType"]) != "V2" || str(at(p, "Stages", 0, "Actions", 0, "ActionTypeId", "Provider")) != "CodeStarSourceConnection" {
		problems = append(problems, "is no V2 pipeline from a connection")
	}
	return problems
}

// nobodyByDefault wants PublicCidr to be said, and the new release to be nobody's but who is named, and never the
// world's.
func nobodyByDefault(all stacks) []string {
	stack := all["bluegreen.yml"]
	public, _ := stack.section("Parameters")["PublicCidr"].(map[string]any)
	test, _ := stack.section("Parameters")["TestCidr"].(map[string]any)
	var problems []string
	if public["Default"] != nil || str(test["Default"]) != "" {
		problems = append(problems, "somebody may come in whom nobody has named")
	}
	for cidr, want := range map[string]string{
		"203.0.113.7/32": "public test", "10.0.0.0/8": "public test", "0.0.0.0/0": "public", "128.0.0.0/1": "public",
		"1.2.3.4": "", "1.2.3.256/32": "", "1.2.3.4/33": "", "": "test",
	} {
		for name, p := range map[string]map[string]any{"public": public, "test": test} {
			pattern, err := regexp.Compile("^(?:" + str(p["AllowedPattern"]) + ")$")
			if err != nil {
				return []string{err.Error()}
			}
			if pattern.MatchString(cidr) != strings.Contains(want, name) {
				problems = append(problems, fmt.Sprintf("%s: %q is taken: %t", name, cidr, !strings.Contains(want, name)))
			}
		}
	}
	for id, want := range map[string]string{"HttpFromPublic": "80 ${PublicCidr}", "HttpsFromPublic": "443 ${PublicCidr}", "TestFromTestCidr": "8080 ${TestCidr}"} {
		p := stack.resource(id).properties
		if got := str(p["FromPort"]) + " " + str(p["CidrIp"]); got != want {
			problems = append(problems, id+" opens "+got)
		}
	}
	return problems
}

// refusedFirst wants what hangs on the container's port or the health check's path, of network and load balancer, to
// be denied by the stack policy: another port is refused there, and not after half of it was changed.
func refusedFirst(all stacks) []string {
	stack := all["bluegreen.yml"]
	denied := texts(at(all["stack-policy.json"].content, "Statement", 0, "Resource"))
	var problems []string
	seen := 0
	for _, r := range stack.resources() {
		if !strings.HasPrefix(r.kind, "AWS::EC2::") && !strings.HasPrefix(r.kind, "AWS::ElasticLoadBalancingV2::") {
			continue
		}
		hangs := false
		walk(r.properties, func(m map[string]any) {
			hangs = hangs || slices.Contains([]any{"ContainerPort", "HealthCheckPath", "ContainerName"}, m["Ref"])
		})
		if hangs {
			seen++
			if !slices.Contains(denied, "LogicalResourceId/"+r.id) {
				problems = append(problems, r.id+" would be changed before another port is refused")
			}
		}
	}
	if seen < 4 {
		problems = append(problems, fmt.Sprintf("only %d resources hang on the port", seen))
	}
	return problems
}

// changeable wants who may come in to be changed by parameters, which the stack policy must then allow.
func changeable(all stacks) []string {
	var problems []string
	for _, id := range texts(at(all["stack-policy.json"].content, "Statement", 0, "Resource")) {
		walk(all["bluegreen.yml"].resource(strings.TrimPrefix(id, "LogicalResourceId/")).properties, func(m map[string]any) {
			if ref, _ := m["Ref"].(string); ref == "PublicCidr" || ref == "TestCidr" {
				problems = append(problems, ref+" cannot be changed: "+id+" is denied")
			}
		})
	}
	return problems
}

// replacedOneByOne wants the instances of an old image to go, one by one, and a new one to come first where there is
// room.
func replacedOneByOne(all stacks) []string {
	stack := all["bluegreen.yml"]
	group := stack.resource("Instances")
	u := at(group.all, "UpdatePolicy", "AutoScalingRollingUpdate")
	room := at(u, "MinInstancesInService", "Fn::If")
	var problems []string
	if str(at(u, "MaxBatchSize")) != "1" || str(at(room, 0)) != "InstancesAreFixed" || str(at(room, 1)) != "1" || str(at(room, 2)) != "${MinInstances}" ||
		!strings.HasPrefix(str(at(u, "PauseTime")), "PT") {
		problems = append(problems, fmt.Sprintf("instances are replaced by %v", u))
	}
	// Managed scaling works by alarms: suspended, no instance would come for a task that finds no room.
	if got := texts(at(u, "SuspendProcesses")); slices.Contains(got, "AlarmNotification") || slices.Contains(got, "Launch") || slices.Contains(got, "Terminate") {
		problems = append(problems, fmt.Sprintf("meanwhile, %v stand still", got))
	}
	if str(at(group.properties, "LaunchTemplate", "Version")) != "${LaunchTemplate.LatestVersionNumber}" {
		problems = append(problems, "a new image is not taken")
	}
	return problems
}

// whatRunsStays wants no image to be deleted that a build has named: one of the oldest may be the one that runs.
func whatRunsStays(all stacks) []string {
	var policy struct {
		Rules []struct {
			Selection struct{ TagStatus, CountType string }
			Action    struct{ Type string }
		}
	}
	text := str(at(all["bluegreen.yml"].resource("Repository").properties, "LifecyclePolicy", "LifecyclePolicyText"))
	if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Rules) == 0 {
		return []string{fmt.Sprintf("the rules are %q: %v", text, err)}
	}
	var problems []string
	for _, r := range policy.Rules {
		if r.Action.Type == "expire" && r.Selection.TagStatus != "untagged" {
			problems = append(problems, "an image that a build has named expires by "+r.Selection.CountType)
		}
	}
	return problems
}

// rolesAreHandedOn wants whoever registers a task definition or makes tasks of it to be allowed to hand on both roles
// that it may name.
func rolesAreHandedOn(all stacks) []string {
	var problems []string
	for _, role := range []string{"CodeDeployRole", "RegisterPolicy"} {
		found := false
		for _, s := range all["bluegreen.yml"].statements(role) {
			if !slices.Contains(s.actions, "iam:PassRole") {
				continue
			}
			found = true
			if choice := at(s.all, "Resource", "Fn::If", 0); choice != "HasTaskRole" || !slices.Contains(s.resources, "${TaskRoleArn}") || !slices.Contains(s.resources, "${TaskExecutionRole.Arn}") {
				problems = append(problems, fmt.Sprintf("%s may hand on %v", role, s.resources))
			}
		}
		if !found {
			problems = append(problems, role+" may hand on no role")
		}
	}
	return problems
}

func TestBlueGreen(t *testing.T) {
	t.Parallel()
	const f = "bluegreen.yml"
	hold(t, map[string]invariant{
		"stack policy": {theStackPolicy, []mutation{
			{"stack-policy.json", `"LogicalResourceId/TestListener"`, `"LogicalResourceId/Listener8080"`},
			{"stack-policy.json", `"Effect": "Allow"`, `"Effect": "Deny"`},
			{"stack-policy.json", `"LogicalResourceId/ProductionRule"`, `"LogicalResourceId/CountTestRequests"`},
			{"stack-policy.json", `"LogicalResourceId/TestRule"`, `"LogicalResourceId/CountTestRequests"`},
			{"stack-policy.json", `"LogicalResourceId/Service"`, `"LogicalResourceId/CountTestRequests"`},
			{f, "  BootstrapTask:\n", "  FirstTask:\n"},
		}},
		"what is made once hangs on nothing": {constants, []mutation{
			{f, "      DesiredCount: 2\n", "      DesiredCount: !Ref MinTasks\n"},
			{f, "      CapacityProviderStrategy: [{CapacityProvider: !If [OnEC2, !Ref CapacityProvider, FARGATE], Weight: 1}]\n", "      LaunchType: EC2\n"},
			{f, "BakeTimeInMinutes: !Ref BakeMinutes", "BakeTimeInMinutes: !Ref BlueTerminationWaitMinutes"},
			{f, "DeploymentController: {Type: !If [ByECS, ECS, CODE_DEPLOY]}", "DeploymentController: {Type: !If [HasApproval, ECS, CODE_DEPLOY]}"},
			{f, "DeploymentController: {Type: !If [ByECS, ECS, CODE_DEPLOY]}", "DeploymentController: {Type: ECS}"},
			{f, "DependsOn: [ProductionListener, TestListener, CapacityProviders]", "DependsOn: [ProductionListener, CapacityProviders]"},
		}},
		"what is made once says so": {saidToBeMadeOnce, []mutation{
			{f, "make another one when that is too much. Counts at creation only.", "make another one when that is too much."},
			{f, "With Controller=ecs. Counts at creation only.", "With Controller=ecs."},
		}},
		"a failed try leaves nothing behind": {leavesNothing, []mutation{
			{f, "DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n    Properties:\n      ConnectionName", "DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    Properties:\n      ConnectionName"},
			{f, "  ArtifactBucket:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: RetainExceptOnCreate", "  ArtifactBucket:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Delete"},
			{"gate.yml", "    DeletionPolicy: Delete\n", "    DeletionPolicy: Retain\n"},
		}},
		"weighted listeners": {weighted, []mutation{
			{f, "- {TargetGroupArn: !Ref TargetGroup2, Weight: 0}", "- {TargetGroupArn: !Ref TargetGroup2, Weight: 100}"},
			{f, "PathPatternConfig: {Values: [\"/*\"]}}]\n      Actions:\n        - Type: forward\n          ForwardConfig:\n            TargetGroups:\n              - {TargetGroupArn: !Ref TargetGroup1, Weight: 100}", "PathPatternConfig: {Values: [\"/*\"]}}]\n      Actions:\n        - Type: forward\n          ForwardConfig:\n            TargetGroups:\n              - {TargetGroupArn: !Ref TargetGroup1, Weight: 0}"},
		}},
		"instances": {instances, []mutation{
			{f, "HttpTokens: required", "HttpTokens: optional"},
			{f, "HttpPutResponseHopLimit: 1", "HttpPutResponseHopLimit: 2"},
			{f, "amazon-linux-2023/recommended", "amazon-linux-2/recommended"},
			{f, "ManagedTerminationProtection: DISABLED", "ManagedTerminationProtection: ENABLED"},
			{f, "CapacityProviders: !If [OnEC2, [!Ref CapacityProvider, FARGATE], [FARGATE]]", "CapacityProviders: [FARGATE]"},
		}},
		"versions": {versions, []mutation{
			{f, `Default: "17.7"`, `Default: "16.99"`},
			{f, "Default: aws/codebuild/standard:8.0", "Default: aws/codebuild/standard:5.0"},
			{f, "public.ecr.aws/docker/library/busybox:1.37", "busybox:latest"},
			{f, `DockerLabels: {greenlight.bootstrap: "true"}`, "DockerLabels: {}"},
		}},
		"tasks fit": {tasksFit, []mutation{
			{f, `"Fn::Contains": [["2", "3"], !Ref MaxTasks]`, `"Fn::Contains": [["2", "3", "4"], !Ref MaxTasks]`},
			{f, `!Equals [!Ref MaxInstances, "5"]`, `!Equals [!Ref MaxInstances, "9"]`},
			{f, "  MaxTasks:\n    Type: Number\n    Default: 4", "  MaxTasks:\n    Type: Number\n    Default: 6"},
		}},
		"deployment group": {theDeploymentGroup, []mutation{
			{f, "DEPLOYMENT_STOP_ON_ALARM, ", ""},
			{f, "Alarms: [{Name: !Ref ServerErrors}]", "Alarms: []"},
			{f, "TestTrafficRoute: {ListenerArns: [!Ref TestListener]}", "TestTrafficRoute: {ListenerArns: []}"},
			{f, "Namespace: AWS/ApplicationELB\n              MetricName: HTTPCode_Target_5XX", "Namespace: Greenlight\n              MetricName: HTTPCode_Target_5XX"},
		}},
		"the gate fits": {theGateFits, []mutation{
			{f, "        SuiteBucket: !Ref SuiteBucket\n", ""},
			{f, "        TestPort: 8080\n", "        TestListenerPort: 8080\n"},
			{f, "function:CodeDeployHook_${NamePrefix}_BeforeAllowTraffic", "function:CodeDeployHook_${NamePrefix}_Before"},
			{"gate.yml", "FunctionName: !Sub CodeDeployHook_${NamePrefix}_BeforeAllowTraffic", "FunctionName: !Sub CodeDeployHook_${NamePrefix}_Before"},
		}},
		"buckets": {buckets, []mutation{
			{f, `Condition: {Bool: {"aws:SecureTransport": "false"}}`, `Condition: {Bool: {"aws:SecureTransport": "true"}}`},
			{f, "          - {Id: artifacts, Status: Enabled", "          - {Id: artifacts, Status: Disabled"},
		}},
		"pipeline": {thePipeline, []mutation{
			{f, "AppSpecTemplateArtifact: BuildArtifact", "AppSpecTemplateArtifact: SourceArtifact"},
			{"buildspec.yml", "    - appspec.yaml\n", "    - '**/*'\n"},
		}},
		"nobody by default": {nobodyByDefault, []mutation{
			{f, "/([89]|[12][0-9]|3[0-2])", "/([0-9]|[12][0-9]|3[0-2])"},
			{f, "  PublicCidr:\n    Type: String\n", "  PublicCidr:\n    Type: String\n    Default: 0.0.0.0/0\n"},
			{f, "      CidrIp: !Ref TestCidr\n", "      CidrIp: !Ref PublicCidr\n"},
			{f, "  TestCidr:\n    Type: String\n    Default: \"\"\n", "  TestCidr:\n    Type: String\n    Default: 10.0.0.0/8\n"},
		}},
		"another port is refused first": {refusedFirst, []mutation{
			{"stack-policy.json", `"LogicalResourceId/LoadBalancerSecurityGroup"`, `"LogicalResourceId/InstanceSecurityGroup"`},
			{"stack-policy.json", `"LogicalResourceId/TargetGroup2"`, `"LogicalResourceId/InstanceSecurityGroup"`},
		}},
		"who may come in can be changed": {changeable, []mutation{
			{"stack-policy.json", `"LogicalResourceId/TargetGroup2"`, `"LogicalResourceId/HttpFromPublic"`},
		}},
		"instances are replaced one by one": {replacedOneByOne, []mutation{
			{f, "MaxBatchSize: 1", "MaxBatchSize: 2"},
			{f, "!If [InstancesAreFixed, 1, !Ref MinInstances]", "0"},
			{f, "SuspendProcesses: [HealthCheck,", "SuspendProcesses: [AlarmNotification,"},
			{f, "Version: !GetAtt LaunchTemplate.LatestVersionNumber", "Version: \"1\""},
		}},
		"the image that runs stays": {whatRunsStays, []mutation{
			{f, `"tagStatus": "untagged"`, `"tagStatus": "any"`},
		}},
		"roles are handed on": {rolesAreHandedOn, []mutation{
			{f, "!If [HasTaskRole, [!GetAtt TaskExecutionRole.Arn, !Ref TaskRoleArn], !GetAtt TaskExecutionRole.Arn]", "!GetAtt TaskExecutionRole.Arn"},
		}},
		"nobody from everywhere": {noWorld, []mutation{
			{f, "      CidrIp: !Ref TestCidr\n", "      CidrIp: 0.0.0.0/0\n"},
			{f, "      CidrIp: !Ref TestCidr\n", "      CidrIp: !Ref PublicCidr\n"},
			{f, "FromPort: 5432, ToPort: 5432, SourceSecurityGroupId: !GetAtt TaskSecurityGroup.GroupId", "FromPort: 5432, ToPort: 5432"},
		}},
		"encrypted": {encrypted, []mutation{
			{f, "StorageEncrypted: true", "StorageEncrypted: false"},
			{f, "Encrypted: true, DeleteOnTermination", "DeleteOnTermination"},
			{f, "BlockPublicPolicy: true", "BlockPublicPolicy: false"},
			{f, "EncryptionType: KMS", "EncryptionType: AES256"},
		}},
		"no secrets": {noSecrets, []mutation{
			{f, "{{resolve:secretsmanager:${DatabaseSecret}:SecretString:password}}", "SuperSecret"},
		}},
		"no anchors": {noAnchors, []mutation{
			{f, "Scheme: internet-facing", "Scheme: &scheme internet-facing"},
		}},
	})
}

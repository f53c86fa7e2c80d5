package infra_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
)

// nativeService wants Amazon ECS to deploy as the parameters say, to ask the gate as the gate's output says, and to take
// back what fails.
func nativeService(all stacks) []string {
	var problems []string
	for strategy, want := range map[string]string{
		"BLUE_GREEN": "<nil> <nil>",
		"CANARY":     "${StepPercent} ${StepMinutes} <nil>",
		"LINEAR":     "<nil> ${StepPercent} ${StepMinutes}",
	} {
		stack := all["bluegreen.yml"].as(map[string]string{"Controller": "ecs", "Strategy": strategy})
		service := stack.resource("Service").properties
		c := service["DeploymentConfiguration"]
		steps := func(kind, percent, minutes string) string {
			if at(c, kind) == nil {
				return "<nil>"
			}
			return str(at(c, kind, percent)) + " " + str(at(c, kind, minutes))
		}
		got := steps("CanaryConfiguration", "CanaryPercent", "CanaryBakeTimeInMinutes") + " " + steps("LinearConfiguration", "StepPercent", "StepBakeTimeInMinutes")
		if got != want || str(at(c, "Strategy")) != "${Strategy}" || str(at(c, "BakeTimeInMinutes")) != "${BakeMinutes}" || str(at(service, "DeploymentController", "Type")) != "ECS" {
			problems = append(problems, fmt.Sprintf("%s: %s, want %s: %v", strategy, got, want, c))
		}
		for _, part := range []string{"DeploymentCircuitBreaker", "Alarms"} {
			if str(at(c, part, "Enable")) != "true" || str(at(c, part, "Rollback")) != "true" {
				problems = append(problems, part+" takes nothing back")
			}
		}
		alarms := texts(at(c, "Alarms", "AlarmNames"))
		problems = append(problems, stack.trafficAlarms(alarms)...)
		if len(alarms) == 0 {
			problems = append(problems, "no alarm takes a release back")
		}
	}
	return problems
}

// nativeHooks wants the service's hooks to be what the gate's output ServiceHooks tells people to write.
func nativeHooks(all stacks) []string {
	gate := all["gate.yml"]
	for _, watch := range []string{"true", "false"} {
		values := map[string]string{"Controller": "ecs", "Watch": watch}
		if problems := gate.sameHooks(all["bluegreen.yml"].as(values), values); len(problems) > 0 {
			return problems
		}
	}
	return nil
}

func (t template) sameHooks(pipeline template, values map[string]string) []string {
	service, functions := pipeline.resource("Service").properties, 2
	if values["Watch"] == "true" {
		functions = len(hooks())
	}
	var lines any
	text := strings.NewReplacer(
		"${AfterAllowTestTraffic.Arn}", "function:${Gate.Outputs.AfterAllowTestTrafficFunction}", "${BeforeAllowTraffic.Arn}", "function:${Gate.Outputs.BeforeAllowTrafficFunction}",
		"${AfterAllowTraffic.Arn}", "function:${Gate.Outputs.AfterAllowTrafficFunction}",
		"${InvokeRole.Arn}", "${Gate.Outputs.InvokeRoleArn}",
	).Replace(t.substituted(at(t.section("Outputs"), "ServiceHooks", "Value"), values))
	if err := yaml.Unmarshal([]byte(text), &lines); err != nil {
		return []string{err.Error()}
	}
	said := func(hooks any) string {
		all := ""
		for _, h := range list(hooks) {
			_, function, _ := strings.Cut(str(at(h, "HookTargetArn")), "function:")
			all += fmt.Sprintln(function, str(at(h, "RoleArn")), texts(at(h, "LifecycleStages")), fmt.Sprint(at(h, "TimeoutConfiguration")))
		}
		return all
	}
	got, want := said(at(service, "DeploymentConfiguration", "LifecycleHooks")), said(at(lines, "LifecycleHooks"))
	if got != want || strings.Count(want, "\n") != functions || str(at(t.section("Outputs"), "InvokeRoleArn", "Value")) != "${InvokeRole.Arn}" {
		return []string{fmt.Sprintf("the service's hooks are\n%s, the gate's output says\n%s", got, want)}
	}
	return nil
}

// nativeTraffic wants Amazon ECS to move the two rules, and no other, between the two groups.
func nativeTraffic(all stacks) []string {
	stack := all["bluegreen.yml"].as(native)
	var problems []string
	b := at(stack.resource("Service").properties, "LoadBalancers", 0)
	got := fmt.Sprint(str(at(b, "TargetGroupArn")), " ", str(at(b, "AdvancedConfiguration", "AlternateTargetGroupArn")), " ", str(at(b, "AdvancedConfiguration", "ProductionListenerRule")), " ",
		str(at(b, "AdvancedConfiguration", "TestListenerRule")), " ", str(at(b, "AdvancedConfiguration", "RoleArn")))
	if want := "${TargetGroup1} ${TargetGroup2} ${ProductionRule} ${TestRule} ${LoadBalancerRole.Arn}"; got != want {
		problems = append(problems, "the service has "+got)
	}
	for id, listener := range map[string]string{"ProductionRule": "${ProductionListener}", "TestRule": "${TestListener}"} {
		if got := str(stack.resource(id).properties["ListenerArn"]); got != listener {
			problems = append(problems, id+" is of "+got)
		}
	}
	may := map[string]string{}
	for _, s := range stack.statements("LoadBalancerRole") {
		for _, a := range s.actions {
			may[strings.TrimPrefix(a, "elasticloadbalancing:")] = fmt.Sprint(s.resources)
		}
	}
	for action, want := range map[string]string{
		"ModifyRule": "[${ProductionRule} ${TestRule}]", "ModifyListener": "[${ProductionListener} ${TestListener}]",
		"RegisterTargets": "[${TargetGroup1} ${TargetGroup2}]", "DeregisterTargets": "[${TargetGroup1} ${TargetGroup2}]",
		"DescribeListeners": "[*]", "DescribeRules": "[*]", "DescribeTargetGroups": "[*]", "DescribeTargetHealth": "[*]",
	} {
		if may[action] != want {
			problems = append(problems, fmt.Sprintf("Amazon ECS may %s on %s, want %s", action, may[action], want))
		}
	}
	if len(may) != 8 {
		problems = append(problems, fmt.Sprintf("Amazon ECS may %v", may))
	}
	return problems
}

// gateReadsRules wants what finds the releases in a gate to take the two rules for ones that every request meets, and no
// rule before the test traffic's for one that may take its requests: else the listener would prove no release.
func gateReadsRules(all stacks) []string {
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/alb/1/"
	stack := all["bluegreen.yml"].as(native)
	member := func(name string, values ...string) string {
		return "<" + name + "><member>" + strings.Join(values, "</member><member>") + "</member></" + name + ">"
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.FormValue("RuleArns.member.1") + r.FormValue("ListenerArn")
		var rules []string
		for _, rule := range stack.resources("AWS::ElasticLoadBalancingV2::ListenerRule") {
			own := strings.Trim(str(rule.properties["ListenerArn"]), "${}") + "/" + rule.id
			if !strings.HasSuffix(asked, own) && !strings.HasSuffix(asked, "/"+strings.Split(own, "/")[0]) {
				continue
			}
			conditions, action := []string{}, at(rule.properties, "Actions", 0)
			for _, c := range list(rule.properties["Conditions"]) {
				for _, config := range []string{"HostHeaderConfig", "PathPatternConfig"} {
					if values := texts(at(c, config, "Values")); len(values) > 0 {
						conditions = append(conditions, "<Field>"+str(at(c, "Field"))+"</Field><"+config+">"+member("Values", values...)+"</"+config+">")
					}
				}
			}
			// The second group is the new release's, as a deployment leaves a rule that it has moved.
			groups := []string{"<TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/1</TargetGroupArn><Weight>100</Weight>"}
			if at(action, "ForwardConfig") == nil {
				groups = []string{"<TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/one/1</TargetGroupArn>"}
			}
			rules = append(rules, "<RuleArn>"+arn+own+"</RuleArn><Priority>"+str(rule.properties["Priority"])+"</Priority>"+member("Conditions", conditions...)+
				member("Actions", "<Type>"+str(at(action, "Type"))+"</Type><ForwardConfig>"+member("TargetGroups", groups...)+"</ForwardConfig>"))
		}
		_, _ = io.WriteString(w, "<R><DescribeRulesResult>"+member("Rules", rules...)+"</DescribeRulesResult></R>")
	}))
	defer server.Close()
	finder := discovery.Finder{AWS: awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: server.URL}.Config()}
	var problems []string
	for _, rule := range []string{"ProductionListener/ProductionRule", "TestListener/TestRule"} {
		way, err := finder.Way(context.Background(), arn+rule)
		if err != nil || way.Cannot != "" || len(way.Hosts)+len(way.Paths)+len(way.Headers)+len(way.Query) > 0 || !way.LeadsOnlyTo("two") {
			problems = append(problems, fmt.Sprintf("%s: %v, %+v", rule, err, way))
		}
		if earlier, err := finder.Earlier(context.Background(), way, "two"); err != nil || earlier != "" {
			problems = append(problems, fmt.Sprintf("%s: %v, %q may take its requests", rule, err, earlier))
		}
	}
	return problems
}

// whatMovesIsLeftAlone wants all that a deployment may change, by the rights of whoever deploys, to be denied to
// CloudFormation by the stack policy, with either controller.
func whatMovesIsLeftAlone(all stacks) []string {
	denied := texts(at(all["stack-policy.json"].content, "Statement", 0, "Resource"))
	var problems []string
	for controller, want := range map[string]int{"codedeploy": 3, "ecs": 5} {
		stack := all["bluegreen.yml"].as(map[string]string{"Controller": controller})
		moved := map[string]bool{}
		for _, s := range stack.statements() {
			for _, a := range s.actions {
				if strings.HasPrefix(a, "elasticloadbalancing:Modify") || a == "ecs:UpdateService" || a == "ecs:UpdateServicePrimaryTaskSet" {
					for _, r := range s.resources {
						if id := strings.Trim(r, "${}"); stack.resource(id).kind != "" {
							moved[id] = true
						}
					}
				}
			}
		}
		for id := range moved {
			if !slices.Contains(denied, "LogicalResourceId/"+id) {
				problems = append(problems, controller+": CloudFormation may write back "+id)
			}
		}
		if len(moved) != want {
			problems = append(problems, fmt.Sprintf("%s: deployments move %v", controller, moved))
		}
	}
	return problems
}

// nativePipeline wants what was built to be deployed by the project, which has time to take it back itself.
func nativePipeline(all stacks) []string {
	stack := all["bluegreen.yml"].as(native)
	var problems []string
	deploy := at(stack.resource("Pipeline").properties, "Stages", 2, "Actions", 0)
	if str(at(deploy, "ActionTypeId", "Provider")) != "CodeBuild" || str(at(deploy, "Configuration", "ProjectName")) != "${Deploy}" || str(at(deploy, "InputArtifacts", 0, "Name")) != "BuildArtifact" {
		problems = append(problems, fmt.Sprintf("the pipeline deploys by %v", deploy))
	}
	if files := texts(at(all["buildspec.yml"].content, "artifacts", "files")); !slices.Contains(files, "taskdef.json") {
		problems = append(problems, "the build leaves no taskdef.json")
	}
	if at(stack.resource("Deploy").properties, "Environment", "PrivilegedMode") != nil {
		problems = append(problems, "what deploys has Docker")
	}
	var most, limit int
	if _, err := fmt.Sscan(stack.parameter("DeployTimeoutMinutes", "MaxValue")+" "+str(stack.resource("Deploy").properties["TimeoutInMinutes"]), &most, &limit); err != nil || most+30 > limit || limit > 480 {
		problems = append(problems, fmt.Sprintf("a deployment may take %d minutes, its project %d (%v)", most, limit, err))
	}
	return problems
}

// rightsOf are the allowed actions of a role, with those of the policies that are attached to it.
func (t template) rightsOf(role string) (actions []string) {
	for _, s := range t.statements() {
		if attached := s.in == role || slices.Contains(texts(t.resource(s.in).properties["Roles"]), "${"+role+"}"); attached && s.effect == "Allow" {
			actions = append(actions, s.actions...)
		}
	}
	return actions
}

// theDeployersRights wants what deploys to have what greenlight's reference says, but for what decides.
func theDeployersRights(all stacks) []string {
	text, err := os.ReadFile("../buildtools/greenlight/README.md")
	if err != nil {
		return []string{err.Error()}
	}
	_, table, _ := strings.Cut(string(text), "\n## Rights\n")
	table, _, _ = strings.Cut(table, "\n## ")
	may := all["bluegreen.yml"].as(native).rightsOf("DeployRole")
	var wanted, problems []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (.+) \|$`).FindAllStringSubmatch(table, -1) {
		if !regexp.MustCompile("^`(deploy|diff|--timeout|status)`|Amazon ECS").MatchString(row[1]) {
			continue
		}
		for _, a := range regexp.MustCompile("`([a-z]+:[A-Za-z]+)`").FindAllStringSubmatch(row[2], -1) {
			if !strings.HasPrefix(a[1], "codedeploy:") && a[1] != "ecs:ContinueServiceDeployment" {
				wanted = append(wanted, a[1])
			}
		}
	}
	for _, a := range missing(wanted, may) {
		problems = append(problems, "what deploys may not "+a)
	}
	if len(wanted) < 10 || !slices.Contains(wanted, "ecs:StopServiceDeployment") {
		problems = append(problems, fmt.Sprintf("the reference names only %v", wanted))
	}
	return problems
}

// nobodyApprovesHisOwn wants no role of the pipeline to be able to approve what it deploys, or to write who did.
func nobodyApprovesHisOwn(all stacks) []string {
	var problems []string
	for controller, registers := range map[string]string{"codedeploy": "PipelineRole", "ecs": "DeployRole"} {
		stack := all["bluegreen.yml"].as(map[string]string{"Controller": controller})
		for _, role := range []string{"PipelineRole", "BuildRole", "DeployRole"} {
			for _, a := range stack.rightsOf(role) {
				if slices.Contains([]string{"ecs:ContinueServiceDeployment", "codedeploy:ContinueDeployment", "ssm:PutParameter", "codedeploy:PutLifecycleEventHookExecutionStatus", "lambda:InvokeFunction"}, a) {
					problems = append(problems, controller+": "+role+" may "+a)
				}
			}
		}
		denied := false
		for _, s := range stack.statements("RegisterPolicy") {
			if !slices.Contains(s.actions, "ecs:TagResource") {
				continue
			}
			keys := texts(at(s.conditions, "ForAnyValue:StringEquals", "aws:TagKeys"))
			denied = denied || s.effect == "Deny" && s.resources[0] == "*" && len(missing([]string{"greenlight.decision", "greenlight.why", "greenlight.answer"}, keys)) == 0
			if s.effect == "Allow" && str(at(s.conditions, "StringEquals", "ecs:CreateAction")) != "RegisterTaskDefinition" {
				problems = append(problems, "what is there already may be tagged")
			}
		}
		if roles := texts(stack.resource("RegisterPolicy").properties["Roles"]); !denied || !slices.Equal(roles, []string{"${" + registers + "}"}) {
			problems = append(problems, fmt.Sprintf("%s: who approved may be written by %v", controller, roles))
		}
	}
	return problems
}

// toldOfFailures wants people to be told of what fails, by whoever deploys.
func toldOfFailures(all stacks) []string {
	var problems []string
	for controller, want := range map[string]string{"codedeploy": "[aws.codedeploy] [] [FAILURE STOP STOPPED] codedeploy/deployments/", "ecs": "[aws.ecs] [${Service}] [SERVICE_DEPLOYMENT_FAILED] ecs/v2/clusters/"} {
		rule := all["bluegreen.yml"].as(map[string]string{"Controller": controller}).resource("DeploymentFailed").properties
		got := fmt.Sprint(texts(at(rule, "EventPattern", "source")), " ", texts(at(rule, "EventPattern", "resources")), " ",
			append(texts(at(rule, "EventPattern", "detail", "state")), texts(at(rule, "EventPattern", "detail", "eventName"))...))
		_, link, _ := strings.Cut(want, "] ")
		link = link[strings.LastIndex(link, " ")+1:]
		if !strings.HasPrefix(want, got+" ") || !strings.Contains(str(at(rule, "Targets", 0, "InputTransformer", "InputTemplate")), link) {
			problems = append(problems, controller+": "+got)
		}
	}
	return problems
}

func TestNative(t *testing.T) {
	t.Parallel()
	const f = "bluegreen.yml"
	hold(t, map[string]invariant{
		"service": {nativeService, []mutation{
			{f, "CanaryConfiguration: !If [IsCanary,", "CanaryConfiguration: !If [ByECS,"},
			{f, "StepBakeTimeInMinutes: !Ref StepMinutes", "StepBakeTimeInMinutes: !Ref BakeMinutes"},
			{f, "DeploymentCircuitBreaker: {Enable: true, Rollback: true}", "DeploymentCircuitBreaker: {Enable: true, Rollback: false}"},
			{f, "AlarmNames: [!Ref ServerErrors]", "AlarmNames: []"},
			{f, "AlarmNames: [!Ref ServerErrors]", "AlarmNames: [!GetAtt Gate.Outputs.GateFailed]"},
			{f, "BakeTimeInMinutes: !Ref BakeMinutes", "BakeTimeInMinutes: 0"},
		}},
		"hooks": {nativeHooks, []mutation{
			{f, "LifecycleStages: [PRE_SCALE_UP, POST_TEST_TRAFFIC_SHIFT]", "LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]"},
			{f, "{TimeoutInMinutes: 60, Action: ROLLBACK}", "{TimeoutInMinutes: 60, Action: CONTINUE}"},
			{"gate.yml", "          LifecycleStages: [PRE_PRODUCTION_TRAFFIC_SHIFT]", "          LifecycleStages: [PRODUCTION_TRAFFIC_SHIFT]"},
			{f, "RoleArn: !GetAtt Gate.Outputs.InvokeRoleArn", "RoleArn: !GetAtt LoadBalancerRole.Arn"},
			{"gate.yml", "Value: !GetAtt InvokeRole.Arn", "Value: !GetAtt HookRole.Arn"},
			{f, "LifecycleStages: [PRE_SCALE_UP, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT]", "LifecycleStages: [POST_PRODUCTION_TRAFFIC_SHIFT]"},
			{f, "            - !If\n              - HasWatch\n              - HookTargetArn", "            - !If\n              - ByECS\n              - HookTargetArn"},
		}},
		"traffic": {nativeTraffic, []mutation{
			{f, "ProductionListenerRule: !Ref ProductionRule", "ProductionListenerRule: !Ref ProductionListener"},
			{f, "AlternateTargetGroupArn: !Ref TargetGroup2", "AlternateTargetGroupArn: !Ref TargetGroup1"},
			{f, "ListenerArn: !Ref ProductionListener\n      Priority: 1", "ListenerArn: !Ref TestListener\n      Priority: 1"},
			{f, `Action: "elasticloadbalancing:ModifyRule", Resource: [!Ref ProductionRule, !Ref TestRule]`, `Action: "elasticloadbalancing:ModifyRule", Resource: "*"`},
			{f, `["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]`, `["elasticloadbalancing:RegisterTargets"]`},
		}},
		"a gate reads the rules": {gateReadsRules, []mutation{
			{f, "Values: [greenlight.invalid]", "Values: [greenlight.example]"},
			{f, `PathPatternConfig: {Values: ["/*"]}`, `PathPatternConfig: {Values: ["/api/*"]}`},
		}},
		"what moves is left alone": {whatMovesIsLeftAlone, []mutation{
			{"stack-policy.json", `"LogicalResourceId/ProductionRule"`, `"LogicalResourceId/CountTestRequests"`},
			{"stack-policy.json", `"LogicalResourceId/TestRule"`, `"LogicalResourceId/CountTestRequests"`},
			{"stack-policy.json", `"LogicalResourceId/TestListener"`, `"LogicalResourceId/CountTestRequests"`},
			{"stack-policy.json", `"LogicalResourceId/Service"`, `"LogicalResourceId/CountTestRequests"`},
		}},
		"pipeline": {nativePipeline, []mutation{
			{f, "                Configuration: {ProjectName: !Ref Deploy}\n                InputArtifacts: [{Name: BuildArtifact}]", "                Configuration: {ProjectName: !Ref Deploy}\n                InputArtifacts: [{Name: SourceArtifact}]"},
			{f, "    MaxValue: 450\n", "    MaxValue: 600\n"},
			{f, "Configuration: {ProjectName: !Ref Deploy}", "Configuration: {ProjectName: !Ref Build}"},
		}},
		"the deployer's rights": {theDeployersRights, []mutation{
			{f, `"ecs:UpdateService", `, ""},
			{f, `Action: "logs:FilterLogEvents"`, `Action: "logs:GetLogEvents"`},
			{f, `, "ecs:StopServiceDeployment"]`, "]"},
			{f, "Roles: [!If [ByECS, !Ref DeployRole, !Ref PipelineRole]]", "Roles: [!Ref PipelineRole]"},
		}},
		"nobody approves his own": {nobodyApprovesHisOwn, []mutation{
			{f, `, "ecs:StopServiceDeployment"]`, `, "ecs:StopServiceDeployment", "ecs:ContinueServiceDeployment"]`},
			{f, "greenlight.decision, greenlight.why, ", "greenlight.why, "},
			{f, "          - Effect: Deny\n            Action: \"ecs:TagResource\"", "          - Effect: Allow\n            Action: \"ecs:TagResource\""},
			{f, `            Condition: {StringEquals: {"ecs:CreateAction": RegisterTaskDefinition}}` + "\n", ""},
			{f, "Roles: [!If [ByECS, !Ref DeployRole, !Ref PipelineRole]]", "Roles: [!Ref PipelineRole]"},
		}},
		"told of failures": {toldOfFailures, []mutation{
			{f, "eventName: [SERVICE_DEPLOYMENT_FAILED]", "eventName: [SERVICE_DEPLOYMENT_COMPLETED]"},
			{f, "resources: [!Ref Service]", "resources: [!Ref Cluster]"},
			{f, "state: [FAILURE, STOP, STOPPED]", "state: [STOP, STOPPED]"},
		}},
	})
}

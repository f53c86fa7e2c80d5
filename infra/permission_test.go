package infra_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
)

// statement is one statement of a policy, with the resource that it stands in.
type statement struct {
	file, in   string
	effect     string
	actions    []string
	resources  []string
	conditions any
	all        map[string]any
}

// statements returns all statements of identity policies.
func (t template) statements(ids ...string) []statement {
	var all []statement
	for _, r := range t.resources("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") {
		if len(ids) > 0 && !slices.Contains(ids, r.id) {
			continue
		}
		documents := []any{r.properties["PolicyDocument"]}
		for _, p := range list(r.properties["Policies"]) {
			documents = append(documents, at(p, "PolicyDocument"))
		}
		for _, d := range documents {
			for _, s := range list(at(d, "Statement")) {
				m, _ := s.(map[string]any)
				all = append(all, statement{t.name, r.id, str(m["Effect"]), texts(m["Action"]), texts(m["Resource"]), m["Condition"], m})
			}
		}
	}
	return all
}

// unscoped says why a right may stand on all resources. AWS's service authorization reference has no
// resource type for the first ones.
var unscoped = map[string]string{
	"cloudwatch:DescribeAlarms":                  "CodeDeploy asks with a list of names, which is allowed on all alarms or not at all",
	"cloudwatch:GetMetricData":                   "no resource type",
	"codedeploy:GetDeploymentTarget":             "no resource type",
	"codedeploy:ListDeploymentTargets":           "no resource type",
	"ec2:AssignPrivateIpAddresses":               "Lambda's documentation, for functions in a VPC",
	"ec2:CreateNetworkInterface":                 "Lambda's documentation, for functions in a VPC",
	"ec2:DeleteNetworkInterface":                 "Lambda's documentation, for functions in a VPC",
	"ec2:DescribeNetworkInterfaces":              "no resource type",
	"ec2:DescribeSubnets":                        "no resource type",
	"ec2:UnassignPrivateIpAddresses":             "Lambda's documentation, for functions in a VPC",
	"ecr:GetAuthorizationToken":                  "no resource type",
	"ecs:RegisterTaskDefinition":                 "CodePipeline's documentation, for CodeDeployToECS",
	"ecs:DescribeTaskDefinition":                 "no resource type",
	"ecs:ListTasks":                              "a container instance, which Fargate has not: held to the cluster by a condition",
	"elasticloadbalancing:DescribeListeners":     "no resource type",
	"elasticloadbalancing:DescribeLoadBalancers": "no resource type",
	"elasticloadbalancing:DescribeRules":         "no resource type",
	"elasticloadbalancing:DescribeTargetGroups":  "no resource type",
	"elasticloadbalancing:DescribeTargetHealth":  "no resource type",
}

func wildcards(all stacks) []string {
	var problems []string
	seen := 0
	for _, file := range slices.Sorted(maps.Keys(all)) {
		for _, s := range all[file].statements() {
			seen++
			problems = append(problems, s.wildcards()...)
		}
	}
	if seen == 0 {
		problems = append(problems, "no statement was found")
	}
	return problems
}

func (s statement) wildcards() []string {
	if s.effect == "Deny" {
		return nil
	}
	var problems []string
	say := func(format string, args ...any) {
		problems = append(problems, s.file+": "+s.in+": "+fmt.Sprintf(format, args...))
	}
	if s.all["NotAction"] != nil || s.all["NotResource"] != nil || s.effect != "Allow" || len(s.actions) == 0 || len(s.resources) == 0 {
		say("the statement says what is not allowed, or nothing: %v", s.all)
	}
	for _, a := range s.actions {
		if strings.Contains(a, "*") {
			say("the action %s is not one action", a)
		}
		for _, r := range s.resources {
			if r == "" {
				say("the resource of %s cannot be read", a)
			}
			if (r == "*" || strings.HasSuffix(r, ":*") && !strings.Contains(a, "logs:")) && unscoped[a] == "" {
				say("%s is allowed on %s", a, r)
			}
			if a == "ecs:ListTasks" && !strings.HasSuffix(str(at(s.conditions, "ArnLike", "ecs:cluster")), ":cluster/${ClusterName}") {
				say("%s is allowed in every cluster", a)
			}
			if strings.Contains(r, "${AWS::AccountId}:key/*") && (s.conditions == nil || !strings.Contains(fmt.Sprint(s.conditions), "kms:EncryptionContext:")) {
				say("%s is allowed on every key, for everything", a)
			}
		}
	}
	return problems
}

// hookRights are what the hooks call, and what Lambda needs on the role's behalf.
func hookRights() []string {
	return []string{
		"codedeploy:PutLifecycleEventHookExecutionStatus", "codedeploy:GetDeployment", "codedeploy:GetDeploymentTarget",
		"codedeploy:ListDeploymentTargets",
		"ecs:DescribeServices", "ecs:DescribeTaskSets", "ecs:DescribeTaskDefinition",
		"ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions",
		"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules",
		"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetHealth",
		"ec2:DescribeNetworkInterfaces", "lambda:InvokeFunction", "lambda:GetFunction", "s3:GetObject", "s3:PutObject",
		"ssm:GetParameter", "ssm:PutParameter", "secretsmanager:GetSecretValue", "kms:Decrypt",
		"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage",
	}
}

// watchRights are what the third hook calls beside that.
func watchRights() []string {
	return []string{"cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms", "logs:FilterLogEvents", "ecs:ListTasks", "ecs:DescribeTasks"}
}

func theHooksRights(all stacks) []string {
	var problems []string
	for role, want := range map[string][]string{"HookRole": hookRights(), "WatchRole": append(hookRights(), watchRights()...)} {
		got := all["gate.yml"].rightsOf(role)
		for _, a := range missing(want, got) {
			problems = append(problems, role+" may not "+a)
		}
		for _, a := range missing(got, want) {
			problems = append(problems, role+" may "+a+", which nobody asked for")
		}
	}
	return problems
}

// whatWatches wants the rights of the third hook to be on what can be named, and what it invokes to be itself.
func whatWatches(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	want := map[string]string{
		"logs:FilterLogEvents": "${WatchLogGroupArns}", "ecs:DescribeTasks": ":task/${ClusterName}/*", "ssm:PutParameter": ":parameter${WatchState}",
		"lambda:InvokeFunction": ":function:" + str(gate.resource("AfterAllowTraffic").properties["FunctionName"]), "logs:PutLogEvents": "${AfterAllowTrafficLogs.Arn}",
	}
	found := 0
	for _, s := range gate.statements("WatchRole", "WatchOnPolicy", "WatchLogsPolicy") {
		for _, a := range s.actions {
			if end, ok := want[a]; ok {
				found++
				if len(s.resources) != 1 || !strings.HasSuffix(s.resources[0], end) {
					problems = append(problems, fmt.Sprintf("%s: %s on %v, want %s", s.in, a, s.resources, end))
				}
			}
		}
	}
	for _, id := range []string{"WatchOnPolicy", "WatchLogsPolicy"} {
		if to := texts(gate.resource(id).properties["Roles"]); !slices.Equal(to, []string{"${WatchRole}"}) {
			problems = append(problems, fmt.Sprintf("%s is %v's", id, to))
		}
	}
	if found != len(want) {
		problems = append(problems, fmt.Sprintf("%d rights were found", found))
	}
	return problems
}

// theVerdictIsTheHooks wants the right to keep the first gate's verdict on that one parameter, for the hooks alone: it
// is the right to approve a deployment.
func theVerdictIsTheHooks(all stacks) []string {
	var problems []string
	found := 0
	for file, stack := range all {
		for _, s := range stack.statements() {
			if !slices.Contains(s.actions, "ssm:PutParameter") {
				continue
			}
			found++
			if s.in == "WatchRole" && len(s.resources) == 1 && strings.HasSuffix(s.resources[0], ":parameter${WatchState}") {
				continue // its own
			}
			if file != "gate.yml" || s.in != "HookRole" || len(s.resources) != 1 || !strings.HasSuffix(s.resources[0], ":parameter${Evidence}") {
				problems = append(problems, fmt.Sprintf("%s: %s may write %v", file, s.in, s.resources))
			}
		}
	}
	gate := all["gate.yml"]
	name := str(gate.resource("Evidence").properties["Name"])
	if found != 2 || !strings.HasPrefix(name, "/greenlight/${NamePrefix}/") || str(gate.resource("Evidence").properties["Value"]) != "none" {
		problems = append(problems, fmt.Sprintf("the verdict is kept in %q, by %d statements", name, found))
	}
	for _, event := range hooks() {
		if got := str(at(gate.resource(event).properties, "Environment", "Variables", "EVIDENCE_PARAMETER")); got != ownOf(event).Replace("${Evidence}") {
			problems = append(problems, event+" keeps its verdict in "+got)
		}
	}
	return problems
}

// everyTrustIsOurs wants every service that may take a role to come on behalf of this account; those that are not
// documented to say so are named here.
func everyTrustIsOurs(all stacks) []string {
	silent := []string{"ecs.amazonaws.com", "ec2.amazonaws.com", "codedeploy.amazonaws.com", "lambda.amazonaws.com"}
	var problems []string
	seen := 0
	for file, stack := range all {
		for _, r := range stack.resources("AWS::IAM::Role") {
			for _, s := range list(at(r.properties, "AssumeRolePolicyDocument", "Statement")) {
				seen++
				operator := "StringEquals"
				if slices.Contains(silent, str(at(s, "Principal", "Service"))) {
					operator = "StringEqualsIfExists"
				}
				if str(at(s, "Condition", operator, "aws:SourceAccount")) != "${AWS::AccountId}" {
					problems = append(problems, file+": "+r.id+" may be taken on behalf of another account")
				}
			}
		}
	}
	if seen < 7 {
		problems = append(problems, fmt.Sprintf("only %d trusts were found", seen))
	}
	return problems
}

// whoPublishes wants the topic to be for alarms of this account and for the rules that lead to it.
func whoPublishes(all stacks) []string {
	var problems, rules []string
	stack := all["bluegreen.yml"]
	for _, r := range stack.resources("AWS::Events::Rule") {
		if str(at(r.properties, "Targets", 0, "Arn")) == "${NotificationTopic}" {
			rules = append(rules, "${"+r.id+".Arn}")
		}
	}
	want := map[string]string{
		"cloudwatch.amazonaws.com": fmt.Sprint("${AWS::AccountId}", []string(nil)),
		"events.amazonaws.com":     fmt.Sprint("", rules),
	}
	statements := list(at(stack.resource("NotificationTopicPolicy").properties, "PolicyDocument", "Statement"))
	for _, s := range statements {
		service := str(at(s, "Principal", "Service"))
		got := fmt.Sprint(str(at(s, "Condition", "StringEquals", "aws:SourceAccount")), texts(at(s, "Condition", "ArnEqualsIfExists", "aws:SourceArn")))
		if got != want[service] || str(at(s, "Action")) != "sns:Publish" || str(at(s, "Effect")) != "Allow" {
			problems = append(problems, fmt.Sprintf("%s may publish as %s, want %s", service, got, want[service]))
		}
	}
	if len(statements) != len(want) || len(rules) != 2 {
		problems = append(problems, fmt.Sprintf("%d statements for %v", len(statements), rules))
	}
	return problems
}

// deploymentGroupOnly wants the rights that change something on the deployment group alone.
func deploymentGroupOnly(all stacks) []string {
	var problems []string
	found := false
	for _, s := range all["gate.yml"].statements("HookRole", "CodeDeployPolicy") {
		if !slices.Contains(s.actions, "codedeploy:PutLifecycleEventHookExecutionStatus") {
			continue
		}
		found = true
		if len(s.resources) != 1 || !strings.HasSuffix(s.resources[0], ":deploymentgroup:${ApplicationName}/${DeploymentGroupName}") {
			problems = append(problems, fmt.Sprintf("a status may be stored for %v", s.resources))
		}
	}
	if !found {
		problems = append(problems, "no status may be stored")
	}
	return problems
}

// theProberMayNothing wants a Deny for the prober's own code on all that its role has for Lambda's sake.
func theProberMayNothing(all stacks) []string {
	gate := all["gate.yml"]
	denied := ""
	var problems []string
	for _, s := range gate.statements() {
		if s.in != "ProberRole" && !slices.Contains(texts(gate.resource(s.in).properties["Roles"]), "${ProberRole}") {
			continue
		}
		if s.effect == "Deny" && slices.Contains(s.actions, "ec2:*") && slices.Contains(s.resources, "*") {
			denied = str(at(s.conditions, "ArnEquals", "lambda:SourceFunctionArn"))
		}
		for _, a := range s.actions {
			if s.effect == "Allow" && !strings.HasPrefix(a, "ec2:") && !slices.Contains([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, a) {
				problems = append(problems, "the prober may "+a)
			}
		}
	}
	if name := str(gate.resource("Prober").properties["FunctionName"]); denied == "" || !strings.HasSuffix(denied, ":function:"+name) {
		problems = append(problems, fmt.Sprintf("the network's rights are denied to the code of %q, not to %q", denied, name))
	}
	return problems
}

// theNotifier wants it to have what it needs and no more, to be invoked by the hooks' logs alone, and by all of them.
func theNotifier(all stacks) []string {
	gate := all["gate.yml"]
	var problems []string
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	want := []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:FilterLogEvents", "events:PutEvents", "sns:Publish", "ssm:GetParameter", "secretsmanager:GetSecretValue", "kms:Decrypt"}
	got := gate.rightsOf("NotifierRole")
	if less, more := missing(want, got), missing(got, want); len(less)+len(more) > 0 {
		say("its rights lack %v, and have %v", less, more)
	}
	var groups []string
	for _, event := range hooks() {
		groups = append(groups, "${"+event+"Logs.Arn}")
		s := gate.resource(event + "Subscription").properties
		if str(s["LogGroupName"]) != "${"+event+"Logs}" || str(s["DestinationArn"]) != "${Notifier.Arn}" || str(s["FilterPattern"]) != `{ $.event = "ask" || $.type = "platform.report" }` {
			say("%s is subscribed by %v", event, s)
		}
	}
	if n := len(gate.resources("AWS::Logs::SubscriptionFilter")); n != len(groups) {
		say("there are %d subscriptions", n)
	}
	for _, s := range gate.statements("NotifierRole", "NotifyTopicPolicy", "NotifyWebhookPolicy") {
		for _, a := range s.actions {
			on := map[string][]string{
				"logs:FilterLogEvents": groups, "sns:Publish": {"${NotificationTopicArn}"}, "ssm:GetParameter": {"${WebhookArn}"}, "secretsmanager:GetSecretValue": {"${WebhookArn}"},
				"events:PutEvents": {"arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"}, "logs:PutLogEvents": {"${NotifierLogs.Arn}"},
			}[a]
			if on != nil && !slices.Equal(s.resources, on) {
				say("%s on %v, want %v", a, s.resources, on)
			}
			if a == "events:PutEvents" && (str(at(s.conditions, "ForAllValues:StringEquals", "events:source")) != notify.Source || str(at(s.conditions, "Null", "events:source")) != "false") {
				say("it may send anybody's events: %v", s.conditions)
			}
		}
	}
	variables, _ := at(gate.resource("Notifier").properties, "Environment", "Variables").(map[string]any)
	if names := slices.Sorted(maps.Keys(variables)); !slices.Equal(names, []string{"LOG_GROUPS", "METRICS_NAMESPACE", "NOTIFICATION_TOPIC_ARN", "NOTIFY", "WEBHOOK"}) {
		say("it is told %v", names)
	}
	p := gate.resource("NotifierPermission").properties
	if str(p["Principal"]) != "logs.amazonaws.com" || str(p["SourceAccount"]) != "${AWS::AccountId}" || !strings.HasSuffix(str(p["SourceArn"]), ":log-group:/aws/lambda/CodeDeployHook_${NamePrefix}_*:*") {
		say("it may be invoked by %v", p)
	}
	for _, policy := range []string{"NotifyTopicPolicy", "NotifyWebhookPolicy"} {
		if to := texts(gate.resource(policy).properties["Roles"]); !slices.Equal(to, []string{"${NotifierRole}"}) {
			say("%s is %v's", policy, to)
		}
	}
	return problems
}

// trusted wants each role to be for one AWS service.
func trusted(all stacks) []string {
	var problems []string
	for _, file := range files() {
		for _, r := range all[file].resources("AWS::IAM::Role") {
			for _, s := range list(at(r.properties, "AssumeRolePolicyDocument", "Statement")) {
				service := str(at(s, "Principal", "Service"))
				if !strings.HasSuffix(service, ".amazonaws.com") || strings.Contains(service, "*") || str(at(s, "Action")) != "sts:AssumeRole" {
					problems = append(problems, fmt.Sprintf("%s: %s is trusted by %v", file, r.id, at(s, "Principal")))
				}
			}
		}
	}
	return problems
}

func TestRights(t *testing.T) {
	t.Parallel()
	hold(t, map[string]invariant{
		"no wildcards": {wildcards, []mutation{
			{"gate.yml", `Action: "s3:GetObject"`, `Action: "s3:*"`},
			{"gate.yml", `Resource: !Sub arn:${AWS::Partition}:s3:::${SuiteBucket}/${SuitePrefix}*`, `Resource: "*"`},
			{"gate.yml", `Resource: !GetAtt Prober.Arn}`, `Resource: "*"}`},
			{"gate.yml", `Resource: !Ref SecretArns}`, `NotResource: !Ref SecretArns}`},
			{"bluegreen.yml", `Resource: !Sub "${SuiteBucket.Arn}/suites/*"}`, `Resource: "*"}`},
			{"gate.yml", `cluster/${ClusterName}"}}`, `cluster/*"}}`},
			{"bluegreen.yml", "Resource: !GetAtt Repository.Arn", `Resource: "*"`},
			{"bluegreen.yml", `Action: "elasticloadbalancing:ModifyListener"`, `Action: "elasticloadbalancing:*"`},
			{"bluegreen.yml", "[!GetAtt TaskExecutionRole.Arn, !Ref TaskRoleArn]", "[!GetAtt TaskExecutionRole.Arn, \"*\"]"},
			{"gate.yml", `StringLike: {"kms:ViaService": !Sub "secretsmanager.*.${AWS::URLSuffix}", "kms:EncryptionContext:SecretARN": !Ref SecretArns}`, `StringLike: {"kms:ViaService": "*"}`},
		}},
		"the hooks have these rights and no other": {theHooksRights, []mutation{
			{"gate.yml", "- elasticloadbalancing:DescribeRules\n", "- elasticloadbalancing:ModifyRule\n"},
			{"gate.yml", `, "codedeploy:GetDeployment"]`, `]`},
			{"gate.yml", `Roles: !If [HasWatch, [!Ref HookRole, !Ref WatchRole], [!Ref HookRole]]`, `Roles: [!Ref WatchRole]`},
			{"gate.yml", `Roles: !If [HasWatch, [!Ref HookRole, !Ref WatchRole], [!Ref HookRole]]`, `Roles: [!Ref HookRole]`},
			{"gate.yml", `"cloudwatch:GetMetricData", `, `"cloudwatch:GetMetricData", "cloudwatch:PutMetricData", `},
		}},
		"what watches has the least": {whatWatches, []mutation{
			{"gate.yml", "Resource: !Ref WatchLogGroupArns}", `Resource: !Sub "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"}`},
			{"gate.yml", "function:CodeDeployHook_${NamePrefix}_AfterAllowTraffic\n\n", "function:CodeDeployHook_${NamePrefix}_*\n\n"},
			{"gate.yml", "task/${ClusterName}/*", "task/*"},
			{"gate.yml", "Roles: [!Ref WatchRole]", "Roles: [!Ref WatchRole, !Ref HookRole]"},
			{"gate.yml", "parameter${WatchState}", "parameter${Evidence}"},
		}},
		"a status is stored for the named group only": {deploymentGroupOnly, []mutation{
			{"gate.yml", "deploymentgroup:${ApplicationName}/${DeploymentGroupName}", "deploymentgroup:${ApplicationName}/*"},
			{"gate.yml", "codedeploy:PutLifecycleEventHookExecutionStatus", "codedeploy:GetApplication"},
		}},
		"the verdict is the hooks'": {theVerdictIsTheHooks, []mutation{
			{"gate.yml", "parameter${Evidence}", "parameter/*"},
			{"gate.yml", "EVIDENCE_PARAMETER: !Ref Evidence", "EVIDENCE_PARAMETER: /other"},
			{"gate.yml", "Value: none", "Value: '{}'"},
			{"bluegreen.yml", `Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]`, `Action: ["ssm:PutParameter"]`},
		}},
		"every trust is ours": {everyTrustIsOurs, []mutation{
			{"gate.yml", `{"aws:SourceAccount": !Ref "AWS::AccountId"}`, `{"aws:SourceAccount": "*"}`},
			{"gate.yml", "{StringEqualsIfExists:", "{StringEquals:"},
			{"bluegreen.yml", `Condition: {StringEquals: {"aws:SourceAccount": !Ref "AWS::AccountId"}}`, `Condition: {StringEqualsIfExists: {"aws:SourceAccount": !Ref "AWS::AccountId"}}`},
			{"bluegreen.yml", `Condition: {StringEqualsIfExists: {"aws:SourceAccount": !Ref "AWS::AccountId"}}`, `Condition: {}`},
		}},
		"who publishes": {whoPublishes, []mutation{
			{"bluegreen.yml", "            Condition: {StringEquals: {\"aws:SourceAccount\": !Ref \"AWS::AccountId\"}}\n          # EventBridge", "          # EventBridge"},
			{"bluegreen.yml", "            Condition: {ArnEqualsIfExists: {\"aws:SourceArn\": [!GetAtt DeploymentFailed.Arn, !GetAtt PipelineFailed.Arn]}}\n", ""},
			{"bluegreen.yml", "[!GetAtt DeploymentFailed.Arn, !GetAtt PipelineFailed.Arn]", "[!GetAtt DeploymentFailed.Arn]"},
			{"bluegreen.yml", "Principal: {Service: events.amazonaws.com}", `Principal: "*"`},
		}},
		"the prober's code has no rights": {theProberMayNothing, []mutation{
			{"gate.yml", "- Effect: Deny\n", "- Effect: Allow\n"},
			{"gate.yml", "function:greenlight-${NamePrefix}-prober", "function:greenlight-prober"},
			{"gate.yml", "- ec2:UnassignPrivateIpAddresses", "- s3:GetObject"},
		}},
		"the notifier has the least, and hears of all": {theNotifier, []mutation{
			{"gate.yml", `{"events:source": greenlight}`, `{"events:source": other}`},
			{"gate.yml", `"ForAllValues:StringEquals": {"events:source"`, `"StringEquals": {"events:source"`},
			{"gate.yml", `, "Null": {"events:source": "false"}`, ``},
			{"gate.yml", "          NOTIFY: !Ref Notify\n", ""},
			{"gate.yml", "Principal: logs.amazonaws.com", "Principal: events.amazonaws.com"},
			{"gate.yml", "      SourceAccount: !Ref \"AWS::AccountId\"\n", ""},
			{"gate.yml", `$.type = "platform.report" }`, `$.event = "reported" }`},
			{"gate.yml", "LogGroupName: !Ref BeforeAllowTrafficLogs", "LogGroupName: !Ref NotifierLogs"},
			{"gate.yml", `Action: "sns:Publish", Resource: !Ref NotificationTopicArn`, `Action: "sns:Publish", Resource: "arn:aws:sns:*"`},
			{"gate.yml", `"secretsmanager:GetSecretValue"], Resource: !Ref WebhookArn`, `"secretsmanager:GetSecretValue"], Resource: !Ref SecretArns`},
			{"gate.yml", `Action: "events:PutEvents"`, `Action: ["events:PutEvents", "events:PutRule"]`},
			{"gate.yml", "Roles: [!Ref NotifierRole]", "Roles: [!Ref HookRole]"},
			{"gate.yml", "Resource: !GetAtt NotifierLogs.Arn", "Resource: !GetAtt ProberLogs.Arn"},
		}},
		"a role is for one service": {trusted, []mutation{
			{"gate.yml", "Principal: {Service: lambda.amazonaws.com}", `Principal: {AWS: "*"}`},
			{"bluegreen.yml", "Principal: {Service: codebuild.amazonaws.com}", `Principal: {Service: "*"}`},
		}},
	})
}

// TestWhatTheHooksCallIsAllowed reads the operations out of the code.
func TestWhatTheHooksCallIsAllowed(t *testing.T) {
	t.Parallel()
	service := map[string]string{"cloudwatchlogs": "logs", "api": "codedeploy", "elb": "elasticloadbalancing", "elasticloadbalancingv2": "elasticloadbalancing"}
	operation := regexp.MustCompile(`\b(\w+)\.([A-Z]\w+)Input\b`)
	called := map[string]string{}
	for _, room := range []string{"gate", "discovery", "prober", "secret", "codedeploy", "watch"} {
		sources, err := filepath.Glob("../pkg/" + room + "/*.go")
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s: no sources: %v", room, err)
		}
		for _, source := range sources {
			if strings.HasSuffix(source, "_test.go") {
				continue
			}
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range operation.FindAllStringSubmatch(string(text), -1) {
				called[cmp.Or(service[m[1]], m[1])+":"+m[2]] = source
			}
		}
	}
	if len(called) < 16 {
		t.Errorf("found only %v", called)
	}
	for action, source := range called {
		action = strings.Replace(action, "lambda:Invoke", "lambda:InvokeFunction", 1) // IAM's name for it
		if !slices.Contains(append(hookRights(), watchRights()...), action) {
			t.Errorf("%s calls %s, which the hooks' role does not allow", source, action)
		}
	}
}

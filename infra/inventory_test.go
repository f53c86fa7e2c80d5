package infra_test

import (
	"strings"
	"testing"
)

// inventory is the workshop's architecture, row by row: what it is here, by logical ids of the pipeline's
// stack or "gate:" ids of the gate's, or the sentence of the README that says why it is not.
func inventory() map[string][]string {
	return map[string][]string{
		"IAM: task execution role":             {"TaskExecutionRole"},
		"IAM: task role":                       {"says: read at a task's start"},
		"IAM: container instance role":         {"InstanceRole", "InstanceProfile"},
		"IAM: CodeDeploy role":                 {"CodeDeployRole"},
		"IAM: CodeBuild role":                  {"BuildRole"},
		"IAM: CodePipeline role":               {"PipelineRole"},
		"IAM: hook role":                       {"gate:HookRole", "gate:WatchRole"},
		"IAM: notifier role":                   {"gate:NotifierRole"},
		"IAM: prober role":                     {"gate:ProberRole", "gate:ProberLeavesNetworkAlone"},
		"network: default VPC, two subnets":    {"says: PublicSubnet1Id="},
		"network: load balancer's group":       {"LoadBalancerSecurityGroup", "HttpFromPublic", "HttpsFromPublic", "TestFromTestCidr"},
		"network: tasks' group":                {"TaskSecurityGroup", "TasksFromLoadBalancer"},
		"network: database's group":            {"DatabaseSecurityGroup"},
		"network: instances' group":            {"InstanceSecurityGroup"},
		"network: prober's group":              {"gate:ProberSecurityGroup", "gate:ProductionFromProber", "gate:TestFromProber"},
		"load balancer":                        {"LoadBalancer"},
		"target groups":                        {"TargetGroup1", "TargetGroup2"},
		"listeners 80 and 8080, 443":           {"ProductionListener", "TestListener", "RedirectListener"},
		"database: cluster, writer, reader":    {"Database", "DatabaseWriter", "DatabaseReader", "DatabaseSubnets"},
		"database: password":                   {"DatabaseSecret", "DatabaseSecretAttachment"},
		"database: the application's own user": {"says: The application connects as the database's master user"},
		"image repository":                     {"Repository"},
		"cluster and capacity providers":       {"Cluster", "CapacityProvider", "CapacityProviders"},
		"instances":                            {"Instances", "LaunchTemplate"},
		"logs: tasks, builds":                  {"TaskLogs", "BuildLogs"},
		"first task definition":                {"BootstrapTask"},
		"service":                              {"Service"},
		"more containers in a spike":           {"ScalableTarget", "ScalingPolicy"},
		"GitLab connection":                    {"Connection"},
		"CodeBuild project":                    {"Build", "TestReports"},
		"CodeBuild badge":                      {"says: | build badge | none |"},
		"CodeDeploy application and group":     {"Application", "DeploymentGroup"},
		"pipeline":                             {"Pipeline"},
		"artifact bucket":                      {"ArtifactBucket", "ArtifactBucketPolicy"},
		"suites":                               {"SuiteBucket", "SuiteBucketPolicy"},
		"notifications":                        {"NotificationTopic", "NotificationTopicPolicy", "NotificationSubscription", "DeploymentFailed", "PipelineFailed", "gate:Notifier", "gate:NotifierFailed"},
		"Amazon ECS's own deployments":         {"ProductionRule", "TestRule", "LoadBalancerRole", "Deploy", "DeployRole"},
		"IAM: what several of them may":        {"ProjectPolicy", "RegisterPolicy", "CodeDeployActionPolicy"},
		"alarms on traffic":                    {"ServerErrors", "CountTestRequests", "UnhealthyTasks"},
		"approve by looking":                   {"Gate", "says: aws deploy continue-deployment"},
		"the hooks":                            {"gate:AfterAllowTestTraffic", "gate:BeforeAllowTraffic", "gate:AfterAllowTraffic", "gate:Prober"},
		"key pair":                             {"says: key pair and SSH"},
		"SourceArtifact in the deploy stage":   {"says: deploys the `SourceArtifact`"},
		"blue is terminated at once":           {"says: blue is terminated after 0 minutes"},
		"Amazon Linux 2":                       {"says: Amazon Linux 2 ended"},
		"physical names":                       {"says: names that CloudFormation makes"},
		"dashboards":                           {"Dashboard", "gate:Dashboard"},
	}
}

func TestEachRowOfTheInventoryIsAResourceOrASentence(t *testing.T) {
	t.Parallel()
	all := load(t)
	readme := strings.Join(strings.Fields(read(t, "README.md")), " ")
	named := map[string]bool{}
	for row, places := range inventory() {
		for _, place := range places {
			sentence, isSentence := strings.CutPrefix(place, "says: ")
			id, ofGate := strings.CutPrefix(place, "gate:")
			switch {
			case isSentence:
				if !strings.Contains(readme, strings.Join(strings.Fields(sentence), " ")) {
					t.Errorf("%s: the README does not say %q", row, sentence)
				}
			case ofGate && all["gate.yml"].resource(id).kind == "", !ofGate && all["bluegreen.yml"].resource(place).kind == "":
				t.Errorf("%s: there is no %s", row, place)
			}
			named[place] = true
		}
	}
	for _, r := range all["bluegreen.yml"].resources() {
		if !named[r.id] {
			t.Errorf("%s is in no row", r.id)
		}
	}
}

// TestTheREADMENamesWhatTheStacksMake compares names in the section for operators with the templates.
func TestTheREADMENamesWhatTheStacksMake(t *testing.T) {
	t.Parallel()
	all := load(t)
	readme := read(t, "README.md")
	for _, file := range files() {
		for _, r := range all[file].resources("AWS::CloudWatch::Alarm", "AWS::Logs::QueryDefinition") {
			name := str(r.properties["AlarmName"]) + str(r.properties["Name"])
			if want := "`" + strings.ReplaceAll(name, "${NamePrefix}", "tripmgmt") + "`"; !strings.Contains(readme, want) {
				t.Errorf("the README does not tell operators of %s", want)
			}
		}
		for name, p := range all[file].section("Parameters") {
			if at(p, "Default") == nil && !strings.HasPrefix(name, "Tools") && !strings.Contains(readme, "\n"+name+"=") {
				t.Errorf("the README does not tell how to set %s of %s", name, file)
			}
		}
	}
	for _, want := range []string{"never run on AWS", "aws deploy continue-deployment", "make destroy STACK=bluegreen", "last snapshot", "20 minutes", "PENDING", "270 $"} {
		if !strings.Contains(strings.Join(strings.Fields(readme), " "), want) {
			t.Errorf("the README does not say %q", want)
		}
	}
}

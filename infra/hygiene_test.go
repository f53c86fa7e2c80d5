package infra_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// noAnchors wants no YAML anchors, aliases or merges: CloudFormation knows none, and no linter says so.
func noAnchors(all stacks) []string {
	var problems []string
	var visit func(file string, n *yaml.Node)
	visit = func(file string, n *yaml.Node) {
		if n.Anchor != "" || n.Kind == yaml.AliasNode || n.Value == "<<" {
			problems = append(problems, fmt.Sprintf("%s:%d: an anchor, an alias or a merge", file, n.Line))
			return
		}
		for _, c := range n.Content {
			visit(file, c)
		}
	}
	for _, file := range files() {
		visit(file, all[file].node)
	}
	return problems
}

// noWorld wants no way in from everywhere.
func noWorld(all stacks) []string {
	var problems []string
	seen := 0
	for _, file := range files() {
		for _, r := range all[file].resources("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress") {
			seen++
			rules := list(r.properties["SecurityGroupIngress"])
			if r.kind == "AWS::EC2::SecurityGroupIngress" {
				rules = []any{r.properties}
			}
			for _, rule := range rules {
				from, group := str(at(rule, "CidrIp"))+str(at(rule, "CidrIpv6"))+str(at(rule, "SourcePrefixListId")), str(at(rule, "SourceSecurityGroupId"))
				public := from == "${PublicCidr}" && slices.Contains([]string{"80", "443"}, str(at(rule, "FromPort")))
				if !public && from != "${TestCidr}" && (from != "" || group == "") {
					problems = append(problems, fmt.Sprintf("%s: %s lets %q%q in", file, r.id, from, group))
				}
				if str(at(rule, "IpProtocol")) != "tcp" || str(at(rule, "FromPort")) != str(at(rule, "ToPort")) || str(at(rule, "FromPort")) == "" {
					problems = append(problems, fmt.Sprintf("%s: %s opens more than one port: %v", file, r.id, rule))
				}
			}
		}
	}
	if seen < 3 {
		problems = append(problems, "there are no security groups to look at")
	}
	return problems
}

// bothWays wants the prober and the load balancer open to each other, on both ports, and to nothing else.
func bothWays(all stacks) []string {
	var problems []string
	gate := all["gate.yml"]
	var out, in []string
	for _, rule := range list(gate.resource("ProberSecurityGroup").properties["SecurityGroupEgress"]) {
		out = append(out, str(at(rule, "DestinationSecurityGroupId"))+" "+str(at(rule, "FromPort"))+" "+str(at(rule, "ToPort")))
	}
	for _, r := range gate.resources("AWS::EC2::SecurityGroupIngress") {
		if str(r.properties["SourceSecurityGroupId"]) == "${ProberSecurityGroup}" {
			in = append(in, str(r.properties["GroupId"])+" "+str(r.properties["FromPort"])+" "+str(r.properties["ToPort"]))
		}
	}
	want := []string{"${LoadBalancerSecurityGroupId} ${ProductionPort} ${ProductionPort}", "${LoadBalancerSecurityGroupId} ${TestPort} ${TestPort}"}
	for name, got := range map[string][]string{"from the prober": out, "to the load balancer": in} {
		slices.Sort(got)
		if !slices.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("%s: %v, want %v", name, got, want))
		}
	}
	if list(gate.resource("ProberSecurityGroup").properties["SecurityGroupIngress"]) != nil {
		problems = append(problems, "somebody may call the prober")
	}
	return problems
}

// encrypted wants everything that keeps data to encrypt it.
func encrypted(all stacks) []string {
	var problems []string
	seen := map[string]int{}
	for _, file := range files() {
		for _, r := range all[file].resources() {
			seen[r.kind]++
			if !isEncrypted(r) {
				problems = append(problems, fmt.Sprintf("%s: %s keeps data in the clear", file, r.id))
			}
		}
	}
	for _, kind := range keepers() {
		if seen[kind] == 0 && slices.Contains(files(), "bluegreen.yml") {
			problems = append(problems, "there is no "+kind)
		}
	}
	return problems
}

func keepers() []string {
	return []string{"AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::SQS::Queue", "AWS::ECR::Repository", "AWS::EC2::LaunchTemplate"}
}

func isEncrypted(r resource) bool {
	switch r.kind {
	case "AWS::S3::Bucket":
		public, _ := r.properties["PublicAccessBlockConfiguration"].(map[string]any)
		for _, key := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if str(public[key]) != "true" {
				return false
			}
		}
		return str(at(r.properties, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm")) != ""
	case "AWS::RDS::DBCluster":
		return str(r.properties["StorageEncrypted"]) == "true"
	case "AWS::SQS::Queue":
		return str(r.properties["SqsManagedSseEnabled"]) == "true"
	case "AWS::ECR::Repository":
		return str(at(r.properties, "EncryptionConfiguration", "EncryptionType")) == "KMS"
	case "AWS::EC2::LaunchTemplate":
		disks := list(at(r.properties, "LaunchTemplateData", "BlockDeviceMappings"))
		return len(disks) > 0 && !slices.ContainsFunc(disks, func(d any) bool { return str(at(d, "Ebs", "Encrypted")) != "true" })
	}
	return true
}

// noSecrets wants no secret's text in a template, and none in a parameter that anybody can read.
func noSecrets(all stacks) []string {
	var problems []string
	for _, file := range files() {
		for name := range all[file].section("Parameters") {
			for _, part := range []string{"Password", "Token", "ApiKey"} {
				if strings.Contains(name, part) {
					problems = append(problems, file+": the parameter "+name+" takes a secret")
				}
			}
		}
		walk(all[file].section("Resources"), func(m map[string]any) {
			for _, key := range []string{"MasterUserPassword", "SecretString", "Password"} {
				if text, ok := m[key]; ok && !strings.HasPrefix(str(text), "{{resolve:secretsmanager:") {
					problems = append(problems, fmt.Sprintf("%s: %s stands in the template", file, key))
				}
			}
		})
	}
	return problems
}

// descriptions wants texts of security groups in the characters that EC2 takes; it refuses an apostrophe.
func descriptions(all stacks) []string {
	var problems []string
	taken := regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)
	for _, file := range files() {
		for _, r := range all[file].resources("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress") {
			walk(r.properties, func(m map[string]any) {
				for _, key := range []string{"Description", "GroupDescription"} {
					if text, ok := m[key]; ok && !taken.MatchString(str(text)) {
						problems = append(problems, fmt.Sprintf("%s: %s: EC2 refuses %q", file, r.id, str(text)))
					}
				}
			})
		}
	}
	return problems
}

// everyPartition wants links, hosts and ARNs by what the partition calls them.
func everyPartition(all stacks) []string {
	var problems []string
	for _, file := range files() {
		for partition, host := range map[string]string{"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"} {
			if got := str(at(all[file].section("Mappings"), "Console", partition, "Host")); got != host {
				problems = append(problems, fmt.Sprintf("%s: the console of %s is %q", file, partition, got))
			}
		}
		links := 0
		for _, part := range []string{"Resources", "Outputs"} {
			walk(all[file].section(part), func(m map[string]any) {
				text := str(m)
				for _, v := range m {
					if s, ok := v.(string); ok {
						text += " " + s
					}
				}
				links += strings.Count(text, "https://${Console}/")
				for _, fixed := range []string{"arn:aws:", "https://console.", ".*.amazonaws.com"} {
					if strings.Contains(text, fixed) {
						problems = append(problems, file+": holds in one partition only: "+text)
					}
				}
			})
		}
		if links == 0 {
			problems = append(problems, file+": no link leads to the console")
		}
	}
	// The other partitions have no connections to GitLab, so the pipeline is not offered there; the gate is.
	for _, r := range all["gate.yml"].resources() {
		if strings.HasPrefix(r.kind, "AWS::Code") {
			problems = append(problems, "gate.yml: not every partition has "+r.kind)
		}
	}
	return problems
}

func gateHygiene() map[string]invariant {
	return map[string]invariant{
		"no anchors": {noAnchors, []mutation{
			{"gate.yml", "Type: AWS::SQS::Queue", "Type: &a AWS::SQS::Queue"},
		}},
		"nobody from everywhere": {noWorld, []mutation{
			{"gate.yml", "      SourceSecurityGroupId: !Ref ProberSecurityGroup\n", "      CidrIp: 0.0.0.0/0\n"},
			{"gate.yml", "      ToPort: !Ref TestPort\n", "      ToPort: 65535\n"},
		}},
		"prober and load balancer, both ways, both ports": {bothWays, []mutation{
			{"gate.yml", "      FromPort: !Ref TestPort\n      ToPort: !Ref TestPort\n", "      FromPort: !Ref ProductionPort\n      ToPort: !Ref ProductionPort\n"},
			{"gate.yml", "{Description: test listener, IpProtocol: tcp, FromPort: !Ref TestPort", "{Description: test listener, IpProtocol: tcp, FromPort: 0"},
		}},
		"descriptions": {descriptions, []mutation{
			{"gate.yml", "Description: test listener, from the Greenlight prober", "Description: test listener, from Greenlight's prober"},
		}},
		"every partition": {everyPartition, []mutation{
			{"gate.yml", "https://${Console}/cloudwatch", "https://console.aws.amazon.com/cloudwatch"},
			{"gate.yml", "ssm.*.${AWS::URLSuffix}", "ssm.*.amazonaws.com"},
			{"gate.yml", "console.amazonaws.cn", "console.amazonaws.com"},
			{"gate.yml", "arn:${AWS::Partition}:s3", "arn:aws:s3"},
			{"bluegreen.yml", "https://${Console}/codesuite/codedeploy", "https://console.aws.amazon.com/codesuite/codedeploy"},
		}},
		"no secrets": {noSecrets, []mutation{
			{"gate.yml", "  Suite:\n    Type: String", "  SuitePassword:\n    Type: String"},
		}},
		"encrypted": {encrypted, []mutation{
			{"gate.yml", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false"},
		}},
	}
}

func TestGateHygiene(t *testing.T) {
	t.Parallel()
	hold(t, gateHygiene())
}

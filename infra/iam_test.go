package infra_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write functions/iam-policy.json")

// policyFile is the policy of the hooks' role, for those who deploy the functions without the stack.
const policyFile = "../functions/iam-policy.json"

// policyStatement is a statement of an IAM policy, in the order in which people read one.
type policyStatement struct {
	Sid       string
	Effect    string
	Action    any
	Resource  any
	Condition any `json:",omitempty"`
}

// sids name the statements that have none in the template, by the resource that they stand in and their first action.
var sids = map[string]string{
	"ReportPolicy s3:PutObject":                  "Reports",
	"SkipPolicy ssm:GetParameter":                "Skip",
	"ParameterPolicy ssm:GetParameter":           "Parameters",
	"SecretPolicy secretsmanager:GetSecretValue": "Secrets",
	"ProbePolicy lambda:InvokeFunction":          "AskTheProber",
}

// ownNames puts words where the stack has its own names.
var ownNames = strings.NewReplacer(
	"${AWS::Partition}", "aws", "${AWS::Region}", "REGION", "${AWS::AccountId}", "ACCOUNT_ID", "${AWS::URLSuffix}", "amazonaws.com",
	"${ApplicationName}", "APPLICATION", "${DeploymentGroupName}", "DEPLOYMENT_GROUP", "${ClusterName}", "CLUSTER",
	"${SuiteBucket}", "SUITE_BUCKET", "${SuitePrefix}", "", "${ReportBucket}", "REPORT_BUCKET",
	"${Evidence}", "/EVIDENCE_PARAMETER", "${SkipParameter}", "/SKIP_PARAMETER",
	"${ParameterArns}", "arn:aws:ssm:REGION:ACCOUNT_ID:parameter/SUITE_PARAMETER",
	"${SecretArns}", "arn:aws:secretsmanager:REGION:ACCOUNT_ID:secret:SUITE_SECRET",
	"${AfterAllowTestTrafficLogs.Arn}", "arn:aws:logs:REGION:ACCOUNT_ID:log-group:/aws/lambda/FIRST_FUNCTION:*",
	"${BeforeAllowTrafficLogs.Arn}", "arn:aws:logs:REGION:ACCOUNT_ID:log-group:/aws/lambda/LAST_FUNCTION:*",
	"${AfterAllowTrafficLogs.Arn}", "arn:aws:logs:REGION:ACCOUNT_ID:log-group:/aws/lambda/WATCH_FUNCTION:*",
	"CodeDeployHook_${NamePrefix}_AfterAllowTraffic", "WATCH_FUNCTION", "${WatchState}", "/WATCH_PARAMETER",
	"${WatchLogGroupArns}", "arn:aws:logs:REGION:ACCOUNT_ID:log-group:WATCHED_LOG_GROUP:*",
	"${LostInvocations.Arn}", "arn:aws:sqs:REGION:ACCOUNT_ID:LOST_INVOCATIONS_QUEUE",
	"${Prober.Arn}", "arn:aws:lambda:REGION:ACCOUNT_ID:function:PROBER_FUNCTION",
)

// TestTheIAMPolicyIsTheStacks writes the policy out of the stack's statements for the hooks' roles, and holds the
// file, and the README's list of its statements, against it.
func TestTheIAMPolicyIsTheStacks(t *testing.T) {
	gate := load(t)["gate.yml"]
	attached := []string{"HookRole"}
	for _, r := range gate.resources("AWS::IAM::Policy") {
		if slices.Contains(texts(r.properties["Roles"]), "${HookRole}") {
			attached = append(attached, r.id)
		}
	}
	attached = append(attached, "WatchRole", "WatchOnPolicy", "WatchLogsPolicy")
	seen := map[string]bool{}
	var policy struct {
		Version   string
		Statement []policyStatement
	}
	policy.Version = "2012-10-17"
	for _, id := range attached {
		for _, s := range gate.statements(id) {
			if text := fmt.Sprint(s.all); id == "WatchRole" && seen[text] {
				continue // both have it
			} else {
				seen[text] = true
			}
			policy.Statement = append(policy.Statement, policyStatement{
				sidOf(t, s), s.effect, plainly(s.actions), plainly(s.resources), inWords(s.conditions),
			})
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(policy); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "${") {
		t.Errorf("a name of the stack's is left in the policy:\n%s", &b)
	}
	if *update {
		if err := os.WriteFile(policyFile, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, policyFile); got != b.String() {
		t.Errorf("%s is not what gate.yml says; go test ./infra -run %s -update writes it:\n%s", policyFile, t.Name(), &b)
	}
	explained(t, policy.Statement)
}

// explained wants each statement, and no other, in the README's list.
func explained(t *testing.T, statements []policyStatement) {
	t.Helper()
	_, list, _ := strings.Cut(read(t, "../functions/README.md"), "| statement | is for |")
	list, _, _ = strings.Cut(list, "\n\n")
	var listed, has []string
	for _, row := range strings.Split(list, "\n| ") {
		first, _, _ := strings.Cut(row, "|")
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(first, -1) {
			listed = append(listed, m[1])
		}
	}
	for _, s := range statements {
		has = append(has, s.Sid)
	}
	slices.Sort(listed)
	slices.Sort(has)
	if !slices.Equal(listed, has) || len(slices.Compact(has)) != len(statements) {
		t.Errorf("functions/README.md explains the statements\n%v, the policy has\n%v", listed, has)
	}
}

func sidOf(t *testing.T, s statement) string {
	t.Helper()
	sid := str(s.all["Sid"])
	if sid == "" {
		sid = sids[s.in+" "+s.actions[0]]
	}
	if sid == "" {
		t.Errorf("%s: the statement for %v has no name: give it a Sid", s.in, s.actions)
	}
	return sid
}

// plainly is one text, or several as a list.
func plainly(all []string) any {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = ownNames.Replace(s)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// inWords is a condition with words in the place of the stack's names.
func inWords(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for key, value := range m {
		if text := str(value); text != "" {
			out[key] = ownNames.Replace(text)
		} else {
			out[key] = inWords(value)
		}
	}
	return out
}

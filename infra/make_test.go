package infra_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatMakeRefuses(t *testing.T) {
	t.Parallel()
	have(t, "make")
	have(t, "aws")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no stack":      {[]string{"deploy"}, "STACK is ''"},
		"unknown stack": {[]string{"dry-run", "STACK=blue"}, "STACK is 'blue'"},
		"no parameters": {[]string{"deploy", "STACK=gate", "BUCKET=b", "PARAMETERS=/nowhere/p"}, "cannot be read"},
		"no bucket":     {[]string{"deploy", "STACK=gate"}, "BUCKET is not set"},
		"architecture":  {[]string{"package", "ARCH=riscv64"}, "no processor of Lambda"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(within(t, time.Minute), "make", tc.args...)
			cmd.Dir = ".."
			out, err := cmd.CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || !strings.Contains(string(out), tc.want) {
				t.Errorf("got %v\n%s", err, out)
			}
		})
	}
}

// account is an AWS command line whose account holds one stack, or none, with the given status.
const account = `#!/bin/sh
echo "aws $*" >>"$CALLS"
case "$*" in
*describe-stacks*StackStatus*)
	[ -n "$STACK_STATUS" ] || { echo "An error occurred (ValidationError): Stack with id x does not exist" >&2; exit 255; }
	[ "$STACK_STATUS" != denied ] || { echo "An error occurred (AccessDenied)" >&2; exit 255; }
	echo "$STACK_STATUS" ;;
*"describe-stacks"*"Parameters[]"*) printf 'NamePrefix\t%s\nContainerPort\t8080\nCertificateArn\t\nController\tcodedeploy\nWatch\tfalse\n' "${WAS:-tripmgmt}" ;;
*list-stack-resources*) echo "AWS::RDS::DBCluster	Database" ;;
*ArtifactBucketName*) echo artifacts ;;
*SuiteBucketName*) echo "${SUITE_BUCKET:-suites}" ;;
*ConnectionArn*) echo arn:connection ;;
*"wait stack-delete-complete"*) [ -z "${STUCK:-}" ] ;;
*describe-stack-events*) echo "Prober	the network interface is in use" ;;
esac
`

// parameterFiles are what people write.
var parameterFiles = map[string]string{
	"gate.parameters":      "NamePrefix=trips\nApplicationName=a\nDeploymentGroupName=g\nSuiteBucket=suites\n",
	"nameless.parameters":  "Controller=both\nSuiteBucket=suites\n",
	"named.parameters":     "Controller=ecs\nApplicationName=a\nSuiteBucket=suites\n",
	"wrong.parameters":     "NamePrefix=-trips\nApplicationName=a\nDeploymentGroupName=g\nSuiteBucket=suites\n",
	"canary.parameters":    "VpcId=v\nPublicSubnet1Id=a\nPublicSubnet2Id=b\nPublicCidr=0.0.0.0/0\nRepositoryId=a/b\nStrategy=CANARY\n",
	"approval.parameters":  "VpcId=v\nPublicSubnet1Id=a\nPublicSubnet2Id=b\nPublicCidr=0.0.0.0/0\nRepositoryId=a/b\nController=ecs\nApprovalWaitMinutes=5\n",
	"native.parameters":    "VpcId=v\nPublicSubnet1Id=a\nPublicSubnet2Id=b\nPublicCidr=0.0.0.0/0\nRepositoryId=a/b\nController=ecs\nStrategy=LINEAR\nWatch=true\n",
	"bluegreen.parameters": "VpcId=v\nPublicSubnet1Id=a\nPublicSubnet2Id=b\nPublicCidr=0.0.0.0/0\nRepositoryId=a/b\nContainerPort=9000\nWatch=true\n",
}

// inAnAccount is a call of make with a stack in an account.
type inAnAccount struct {
	env, args []string
	code      int
	says      []string
	// calls and never are what the AWS command line is asked for, and what not.
	calls, never []string
}

// failed is a stack in a state in which nothing may be changed, and what is said then. What serves is never to be
// removed.
func failed(status string, says ...string) inAnAccount {
	return inAnAccount{
		[]string{"STACK_STATUS=" + status},
		[]string{"deploy", "STACK=gate", "BUCKET=b", "PARAMETERS=infra/gate.parameters"},
		2,
		says,
		nil,
		[]string{"create-change-set", "cloudformation package", "s3 cp"},
	}
}

// TestMakeInAnAccount says what make destroy and make deploy do in an account, and what they say.
func TestMakeInAnAccount(t *testing.T) {
	t.Parallel()
	have(t, "make")
	for name, tc := range map[string]inAnAccount{
		"bluegreen": {
			[]string{"STACK_STATUS=CREATE_COMPLETE"},
			[]string{"destroy", "STACK=bluegreen", "CONFIRM=greenlight-bluegreen"},
			0,
			[]string{"  AWS::RDS::DBCluster\tDatabase", "The application stops", "removed the bucket artifacts", "removed the bucket suites", "What stays", "last snapshot", "arn:connection"},
			[]string{"delete-stack --stack-name greenlight-bluegreen", "s3 rb --force s3://artifacts", "s3 rb --force s3://suites"},
			nil,
		},
		"gate, by name": {
			[]string{"STACK_STATUS=UPDATE_COMPLETE"},
			[]string{"destroy", "STACK=gate", "NAME=mine", "CONFIRM=mine"},
			0,
			[]string{"mine is removed", "will fail"},
			[]string{"delete-stack --stack-name mine"},
			[]string{"s3 rb"},
		},
		"bucket not known": {
			[]string{"STACK_STATUS=CREATE_FAILED", "SUITE_BUCKET=None"},
			[]string{"destroy", "STACK=bluegreen", "CONFIRM=greenlight-bluegreen"},
			0,
			[]string{"removed the bucket artifacts", "does not say what its bucket was called"},
			nil,
			[]string{"s3://None"},
		},
		"none":        {[]string{"STACK_STATUS="}, []string{"destroy", "STACK=gate"}, 2, []string{"there is no stack greenlight-gate-tripmgmt here"}, nil, []string{"delete-stack"}},
		"not allowed": {[]string{"STACK_STATUS=denied"}, []string{"destroy", "STACK=gate"}, 2, []string{"AccessDenied"}, nil, []string{"delete-stack"}},
		"not confirmed": {
			[]string{"STACK_STATUS=CREATE_COMPLETE"},
			[]string{"destroy", "STACK=bluegreen"},
			2,
			[]string{"AWS::RDS::DBCluster", "nothing was removed", "CONFIRM=greenlight-bluegreen"},
			nil,
			[]string{"delete-stack", "s3 rb"},
		},
		"another name confirmed": {
			[]string{"STACK_STATUS=CREATE_COMPLETE"},
			[]string{"destroy", "STACK=gate", "PARAMETERS=infra/gate.parameters", "CONFIRM=greenlight-gate"},
			2,
			[]string{"greenlight-gate-trips (CREATE_COMPLETE) goes", "nothing was removed"},
			[]string{"--stack-name greenlight-gate-trips"},
			[]string{"delete-stack"},
		},
		"deploy over a failure":   failed("ROLLBACK_COMPLETE", "greenlight-gate-trips is ROLLBACK_COMPLETE", "make destroy"),
		"deploy over a removal":   failed("DELETE_FAILED", "make destroy"),
		"a change failed":         failed("UPDATE_FAILED", "Do not remove it", "rollback-stack", "continue-update-rollback"),
		"taking it back failed":   failed("UPDATE_ROLLBACK_FAILED", "Do not remove it", "continue-update-rollback"),
		"an import failed":        failed("IMPORT_ROLLBACK_FAILED", "its events say why"),
		"deploy while it changes": failed("UPDATE_IN_PROGRESS", "wait until it is done"),
		"another prefix": {
			[]string{"STACK_STATUS=UPDATE_COMPLETE", "WAS=other"},
			[]string{"deploy", "STACK=gate", "BUCKET=b", "PARAMETERS=infra/gate.parameters", "NAME=mine"},
			2,
			[]string{"mine was made with other values", "NamePrefix is 'other', and would be 'trips'"},
			nil,
			[]string{"create-change-set", "cloudformation package", "s3 cp"},
		},
		"another port": {
			[]string{"STACK_STATUS=UPDATE_COMPLETE"},
			[]string{"deploy", "STACK=bluegreen", "BUCKET=b", "PARAMETERS=infra/bluegreen.parameters"},
			2,
			[]string{"ContainerPort is '8080', and would be '9000'\nmake"}, // and nothing of Watch
			nil,
			[]string{"create-change-set", "cloudformation package", "s3 cp"},
		},
		"no names of CodeDeploy": {
			[]string{"STACK_STATUS="},
			[]string{"deploy", "STACK=gate", "BUCKET=b", "PARAMETERS=infra/nameless.parameters"},
			2,
			[]string{"ApplicationName and DeploymentGroupName are needed, unless Controller=ecs"},
			nil,
			[]string{"cloudformation", "s3 cp"},
		},
		"names of CodeDeploy with Amazon ECS": {
			[]string{"STACK_STATUS="},
			[]string{"dry-run", "STACK=gate", "BUCKET=b", "PARAMETERS=infra/named.parameters"},
			2,
			[]string{"with Controller=ecs there is no ApplicationName"},
			nil,
			[]string{"cloudformation", "s3 cp"},
		},
		"a strategy of Amazon ECS with CodeDeploy": {
			[]string{"STACK_STATUS="},
			[]string{"deploy", "STACK=bluegreen", "BUCKET=b", "PARAMETERS=infra/canary.parameters"},
			2,
			[]string{"Strategy is for Controller=ecs"},
			nil,
			[]string{"cloudformation", "s3 cp"},
		},
		"an approval that would stop the stack": {
			[]string{"STACK_STATUS="},
			[]string{"dry-run", "STACK=bluegreen", "BUCKET=b", "PARAMETERS=infra/approval.parameters"},
			2,
			[]string{"with Controller=ecs ApprovalWaitMinutes stays 0"},
			nil,
			[]string{"cloudformation", "s3 cp"},
		},
		"another controller than before": {
			[]string{"STACK_STATUS=UPDATE_COMPLETE"},
			[]string{"deploy", "STACK=bluegreen", "BUCKET=b", "PARAMETERS=infra/native.parameters"},
			2,
			[]string{"Controller is 'codedeploy', and would be 'ecs'", "Watch is 'false', and would be 'true'"},
			nil,
			[]string{"create-change-set", "cloudformation package", "s3 cp"},
		},
		"a value that is refused": {
			[]string{"STACK_STATUS="},
			[]string{"deploy", "STACK=gate", "BUCKET=b", "PARAMETERS=infra/wrong.parameters"},
			2,
			[]string{"NamePrefix: CloudFormation would refuse", "[A-Za-z][A-Za-z0-9-]{0,23}"},
			nil,
			[]string{"cloudformation", "s3 cp"},
		},
		"stuck": {
			[]string{"STACK_STATUS=CREATE_COMPLETE", "STUCK=1"},
			[]string{"destroy", "STACK=bluegreen", "CONFIRM=greenlight-bluegreen"},
			2,
			[]string{"the network interface is in use"},
			nil,
			[]string{"s3 rb"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(account), 0o700); err != nil {
				t.Fatal(err)
			}
			for i, arg := range tc.args { // files of parameters are made here
				if file, ok := strings.CutPrefix(arg, "PARAMETERS=infra/"); ok {
					path := filepath.Join(dir, file)
					if err := os.WriteFile(path, []byte(parameterFiles[file]), 0o600); err != nil {
						t.Fatal(err)
					}
					tc.args = append(append(append([]string{}, tc.args[:i]...), "PARAMETERS="+path), tc.args[i+1:]...)
				}
			}
			cmd := exec.CommandContext(within(t, time.Minute), "make", tc.args...)
			cmd.Dir = ".."
			cmd.Env = append(os.Environ(), append(tc.env, "DIST="+filepath.Join(dir, "dist"), "CALLS="+filepath.Join(dir, "calls"), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != tc.code {
				t.Errorf("exit %v, want %d\n%s", err, tc.code, out)
			}
			asked, _ := os.ReadFile(filepath.Join(dir, "calls")) // none, when nothing was asked
			called := string(asked)
			for _, want := range tc.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("does not say %q:\n%s", want, out)
				}
			}
			for _, want := range tc.calls {
				if !strings.Contains(called, want) {
					t.Errorf("does not call %q:\n%s", want, called)
				}
			}
			if serves := strings.Contains(string(out), "UPDATE_"); serves && strings.Contains(string(out), "make destroy") {
				t.Errorf("advises to remove what serves:\n%s", out)
			}
			for _, never := range tc.never {
				if strings.Contains(called, never) {
					t.Errorf("calls %q:\n%s", never, called)
				}
			}
		})
	}
}

// TestParameters says what is made of a file of parameters before anything is packed.
func TestParameters(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), "x.yml")
	text := "Parameters:\n  VpcId:\n    Type: String\n    MaxLength: 50\n  Mode:\n    Type: String\n    Default: enforce\n    AllowedValues: [enforce, observe]\n  Kind: {Type: String, Default: a}\n" +
		"  Port:\n    Type: Number\n    Default: 80\n    MaxValue: 65535\n  ToolsUri:\n    Type: String\nResources:\n  Default:\n    Type: x\n"
	if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file string
		want map[string]string // what CloudFormation gets
		err  string
	}{
		"lines":       {"# mine\nVpcId = vpc-1\n\nKind= a b,c \n", map[string]string{"VpcId": "vpc-1", "Kind": "a b,c"}, ""},
		"json inside": {`VpcId={"a": "b=c, \d	\"é\""}`, map[string]string{"VpcId": `{"a": "b=c, \d	\"é\""}`}, ""},
		"of Windows":  {"VpcId=vpc-1\r\n", map[string]string{"VpcId": "vpc-1"}, ""},
		"empty value": {"VpcId=\nKind=", map[string]string{"VpcId": "", "Kind": ""}, ""},
		"no value":    {"VpcId\n", nil, ":1: want NAME=VALUE"},
		"slip":        {"VpcID=s3cret\n", nil, `no parameter "VpcID"; it has VpcId, Mode, Kind, Port, ToolsUri`},
		"a resource":  {"VpcId=a\nDefault=b\n", nil, `:2: `},
		"missing":     {"Mode=observe\n", nil, "VpcId is not set"},
		"none":        {"", nil, "VpcId is not set"},
		"twice":       {"VpcId=a\nVpcId=b\n", nil, ":2: VpcId stands there twice"},
		"not allowed": {"VpcId=a\nMode=s3cret\n", nil, "Mode: want one of [enforce, observe]"},
		"too large":   {"VpcId=a\nPort=70000\n", nil, "Port: is more than 65535"},
		"no number":   {"VpcId=a\nPort=http\n", nil, "Port: is not a number"},
		"JSON": {
			`[{"ParameterValue": "{\"a\": \"}\"}", "ParameterKey": "VpcId"}, {"ParameterKey":"Port","ParameterValue":"9"}]`,
			map[string]string{"VpcId": `{"a": "}"}`, "Port": "9"},
			"",
		},
		"JSON with a slip": {`[{"ParameterKey": "VpcID", "ParameterValue": "s3cret"}]`, nil, `no parameter "VpcID"`},
		"too long":         {"VpcId=" + strings.Repeat("s3cret", 9) + "\n", nil, "VpcId: is longer than 50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "p"+strings.Repeat(".json", min(1, strings.Count(name, "JSON"))))
			if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(within(t, time.Minute), "awk", "-v", "json=1", "-f", "../buildtools/parameters.awk", template, file)
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.Output()
			if tc.want == nil {
				if err == nil || !strings.Contains(said.String(), tc.err) || strings.Contains(said.String(), "s3cret") {
					t.Errorf("got %v, want %q in\n%s", err, tc.err, &said)
				}
				return
			}
			var list []struct{ ParameterKey, ParameterValue string }
			if err := errors.Join(err, json.Unmarshal(out, &list)); err != nil {
				t.Fatalf("%v: %s%s", err, out, &said)
			}
			got := map[string]string{}
			for _, p := range list {
				got[p.ParameterKey] = p.ParameterValue
			}
			if !maps.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestADryRunMarksWhatIsLost runs make dry-run with a package that is made of nothing, in two of AWS's partitions.
func TestADryRunMarksWhatIsLost(t *testing.T) {
	t.Parallel()
	for region, url := range map[string]string{
		"eu-west-1":      "https://b.s3.eu-west-1.amazonaws.com/greenlight/",
		"cn-northwest-1": "https://b.s3.cn-northwest-1.amazonaws.com.cn/greenlight/",
		"us-gov-west-1":  "https://b.s3.us-gov-west-1.amazonaws.com/greenlight/",
	} {
		dir := t.TempDir()
		changes := "case \"$*\" in\n*describe-change-set*) printf 'Modify\\tFalse\\tAWS::IAM::Role\\tHookRole\\nModify\\tTrue\\tAWS::RDS::DBCluster\\tDatabase\\n" +
			"Remove\\tNone\\tAWS::SQS::Queue\\tOld\\nAdd\\tNone\\tAWS::SNS::Topic\\tNew\\n' ;;\n*'Outputs[].['*) printf 'AppSpecHooks\\tHooks:\\n  - A: B\\tLines\\nUrl\\thttp://x\\tNone\\n' ;;\n*create-change-set*) echo arn:change ;;\n*'cloudformation package'*)" +
			" while [ \"$1\" != --output-template-file ]; do shift; done; echo packed >\"$2\" ;;\nesac\n"
		for name, text := range map[string]string{
			"aws":             account + changes,
			"go":              "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -o) mkdir -p \"$(dirname \"$2\")\" && : >\"$2\" ;; esac; shift; done\n",
			"gate.parameters": parameterFiles["gate.parameters"],
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(within(t, time.Minute), "sh", "buildtools/stack.sh", "dry-run")
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "CALLS="+filepath.Join(dir, "calls"), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"),
			"DIST="+filepath.Join(dir, "dist"), "STACK_STATUS=UPDATE_COMPLETE", "WAS=trips", "AWS_REGION="+region, "GO=go",
			"STACK=gate", "BUCKET=b", "PARAMETERS="+filepath.Join(dir, "gate.parameters"))
		out, err := cmd.CombinedOutput()
		for _, want := range []string{
			"building 1 of 13: after-allow-test-traffic for arm64",
			"! Modify  Replacement=True AWS::RDS::DBCluster Database\n", "! Remove  -            AWS::SQS::Queue Old\n",
			"  Add     -            AWS::SNS::Topic New\n", "  Modify  Replacement=False AWS::IAM::Role HookRole\n",
		} {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%v: does not say %q:\n%s", err, want, out)
			}
		}
		if strings.Contains(string(out), "database") {
			t.Errorf("the gate has no database:\n%s", out)
		}
		env := cmd.Env
		cmd = exec.CommandContext(within(t, time.Minute), "sh", "buildtools/stack.sh", "deploy")
		cmd.Dir, cmd.Env = "..", env
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "AppSpecHooks\n  Hooks:\n    - A: B\n  Lines\nUrl\n  http://x\n  None\n") {
			t.Errorf("%v: does not show the outputs whole:\n%s", err, out)
		}
		if calls := read(t, filepath.Join(dir, "calls")); !strings.Contains(calls, "--template-url "+url) {
			t.Errorf("%s: the template is not at %s…:\n%s", region, url, calls)
		}
	}
}

// TestAPersonConfirms types the stack's name, and something else, at a terminal.
func TestAPersonConfirms(t *testing.T) {
	t.Parallel()
	script := have(t, "script")
	for typed, removed := range map[string]bool{"greenlight-gate-tripmgmt\n": true, "yes\n": false, "\n": false} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(account), 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(within(t, time.Minute), script, "-qec", "sh buildtools/stack.sh destroy", os.DevNull)
		cmd.Dir, cmd.Stdin = "..", strings.NewReader(typed)
		cmd.Env = append(os.Environ(), "CALLS="+filepath.Join(dir, "calls"), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"),
			"STACK_STATUS=CREATE_COMPLETE", "STACK=gate")
		out, err := cmd.CombinedOutput()
		calls := read(t, filepath.Join(dir, "calls"))
		if strings.Contains(calls, "delete-stack") != removed || (err == nil) != removed || !strings.Contains(string(out), "Type the name") {
			t.Errorf("typed %q: %v\n%s\n%s", typed, err, out, calls)
		}
	}
}

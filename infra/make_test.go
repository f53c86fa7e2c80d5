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
*ArtifactBucketName*) echo artifacts ;;
*SuiteBucketName*) echo "${SUITE_BUCKET:-suites}" ;;
*ConnectionArn*) echo arn:connection ;;
*"wait stack-delete-complete"*) [ -z "${STUCK:-}" ] ;;
*describe-stack-events*) echo "Prober	the network interface is in use" ;;
esac
`

// TestMakeInAnAccount says what make destroy and make deploy do in an account, and what they say.
func TestMakeInAnAccount(t *testing.T) {
	t.Parallel()
	have(t, "make")
	for name, tc := range map[string]struct {
		env, args []string
		code      int
		says      []string
		// calls and never are what the AWS command line is asked for, and what not.
		calls, never []string
	}{
		"bluegreen": {
			[]string{"STACK_STATUS=CREATE_COMPLETE"},
			[]string{"destroy", "STACK=bluegreen"},
			0,
			[]string{"removed the bucket artifacts", "removed the bucket suites", "What stays", "last snapshot", "arn:connection"},
			[]string{"delete-stack --stack-name greenlight-bluegreen", "s3 rb --force s3://artifacts", "s3 rb --force s3://suites"},
			nil,
		},
		"gate, by name": {
			[]string{"STACK_STATUS=UPDATE_COMPLETE"},
			[]string{"destroy", "STACK=gate", "NAME=mine"},
			0,
			[]string{"mine is removed"},
			[]string{"delete-stack --stack-name mine"},
			[]string{"s3 rb"},
		},
		"bucket not known": {
			[]string{"STACK_STATUS=CREATE_FAILED", "SUITE_BUCKET=None"},
			[]string{"destroy", "STACK=bluegreen"},
			0,
			[]string{"removed the bucket artifacts", "does not say what its bucket was called"},
			nil,
			[]string{"s3://None"},
		},
		"none":        {[]string{"STACK_STATUS="}, []string{"destroy", "STACK=gate"}, 2, []string{"there is no stack greenlight-gate here"}, nil, []string{"delete-stack"}},
		"not allowed": {[]string{"STACK_STATUS=denied"}, []string{"destroy", "STACK=gate"}, 2, []string{"AccessDenied"}, nil, []string{"delete-stack"}},
		"deploy over a failure": {
			[]string{"STACK_STATUS=ROLLBACK_COMPLETE"},
			[]string{"deploy", "STACK=gate", "BUCKET=b"},
			2,
			[]string{"greenlight-gate is ROLLBACK_COMPLETE: make destroy"},
			nil,
			[]string{"create-change-set", "cloudformation package"},
		},
		"deploy while it changes": {
			[]string{"STACK_STATUS=UPDATE_IN_PROGRESS"},
			[]string{"deploy", "STACK=gate", "BUCKET=b"},
			2,
			[]string{"wait until it is done"},
			nil,
			[]string{"create-change-set", "cloudformation package"},
		},
		"stuck": {
			[]string{"STACK_STATUS=CREATE_COMPLETE", "STUCK=1"},
			[]string{"destroy", "STACK=bluegreen"},
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
			cmd := exec.CommandContext(within(t, time.Minute), "make", tc.args...)
			cmd.Dir = ".."
			cmd.Env = append(os.Environ(), append(tc.env, "CALLS="+filepath.Join(dir, "calls"), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != tc.code {
				t.Errorf("exit %v, want %d\n%s", err, tc.code, out)
			}
			called := read(t, filepath.Join(dir, "calls"))
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
	text := "Parameters:\n  VpcId:\n    Type: String\n  Mode:\n    Type: String\n    Default: enforce\n  Kind: {Type: String, Default: a}\n" +
		"  ToolsUri:\n    Type: String\nResources:\n  Default:\n    Type: x\n"
	if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file string
		want map[string]string // what CloudFormation gets
		err  string
	}{
		"lines":       {"# mine\nVpcId = vpc-1\n\nMode= a b,c \n", map[string]string{"VpcId": "vpc-1", "Mode": "a b,c"}, ""},
		"json inside": {`VpcId={"a": "b=c, \d	\"é\""}`, map[string]string{"VpcId": `{"a": "b=c, \d	\"é\""}`}, ""},
		"of Windows":  {"VpcId=vpc-1\r\n", map[string]string{"VpcId": "vpc-1"}, ""},
		"empty value": {"VpcId=\nKind=", map[string]string{"VpcId": "", "Kind": ""}, ""},
		"no value":    {"VpcId\n", nil, ":1: want NAME=VALUE"},
		"slip":        {"VpcID=s3cret\n", nil, `no parameter "VpcID"; it has VpcId, Mode, Kind, ToolsUri`},
		"a resource":  {"VpcId=a\nDefault=b\n", nil, `:2: `},
		"missing":     {"Mode=observe\n", nil, "VpcId is not set"},
		"none":        {"", nil, "VpcId is not set"},
		"twice":       {"VpcId=a\nVpcId=b\n", nil, ":2: VpcId stands there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "p")
			if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(within(t, time.Minute), "awk", "-f", "../buildtools/parameters.awk", template, file)
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

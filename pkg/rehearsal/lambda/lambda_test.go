package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case process.KeeperArg:
			os.Exit(process.Keep(os.Args[2:], os.Stdin))
		case "function":
			function(os.Args[2])
		}
	}
	os.Exit(m.Run())
}

// function is a Lambda function on AWS's own runtime; mode says how it behaves.
func function(mode string) {
	if mode == "init" {
		fmt.Fprintln(os.Stderr, "read settings: SUITE is missing")
		os.Exit(1) //nolint:revive // this is a program
	}
	calls := 0
	runtime.Start(func(ctx context.Context, event map[string]string) (string, error) {
		calls++
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		_, _ = fmt.Fprintf(os.Stdout, "call %d of %s, event %s, left %d, arn %s\n", calls, lc.AwsRequestID, event["DeploymentId"], int(time.Until(deadline).Round(time.Second).Seconds()), lc.InvokedFunctionArn)
		switch {
		case mode == "error" || mode == "error once" && calls == 1:
			return "", errors.New("no database")
		case mode == "panic":
			panic("nil map")
		case mode == "exit":
			os.Exit(3) //nolint:revive // this is a program
		case mode == "hang":
			<-context.WithoutCancel(ctx).Done()
		case mode == "env":
			for _, v := range os.Environ() {
				_, _ = fmt.Fprintln(os.Stdout, v)
			}
		}
		return "ignored", nil
	})
}

type run struct {
	outcomes []lambda.Outcome
	pauses   []time.Duration
	log      string
}

func deliver(t *testing.T, mode string, timeout time.Duration) run {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var r run
	f := &lambda.Function{
		Name: "hook", Region: "eu-west-1", Account: "123456789012", Keeper: self, Dir: t.TempDir(),
		Argv: []string{self, "function", mode}, Timeout: timeout, MemoryMB: 256,
		Variables: map[string]string{"SUITE": "/suite.yaml", "AWS_REGION": "eu-west-1"},
		Lines: func(l process.Line) {
			mu.Lock()
			defer mu.Unlock()
			r.log += l.Text + "\n"
		},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	f.Deliver(ctx, []byte(`{"DeploymentId":"d-1"}`), func(_ context.Context, d time.Duration) error {
		r.pauses = append(r.pauses, d)
		return nil
	}, func(o lambda.Outcome) { r.outcomes = append(r.outcomes, o) })
	f.Stop()
	mu.Lock()
	defer mu.Unlock()
	return r
}

func TestAnInvocationHasItsDeadlineAndItsNames(t *testing.T) {
	r := deliver(t, "fine", 30*time.Second)
	if len(r.outcomes) != 1 || r.outcomes[0].Kind != lambda.Returned || len(r.pauses) != 0 {
		t.Fatalf("outcomes %+v", r.outcomes)
	}
	want := "call 1 of " + r.outcomes[0].RequestID + ", event d-1, left 30, arn arn:aws:lambda:eu-west-1:123456789012:function:hook\n"
	if r.log != want {
		t.Errorf("log %q, want %q", r.log, want)
	}
}

func TestAFailedInvocationIsRepeatedTwice(t *testing.T) {
	for mode, want := range map[string]struct {
		kind    lambda.Kind
		message string
	}{
		"error": {lambda.Errored, "no database"},
		"panic": {lambda.Errored, "nil map"},
		"exit":  {lambda.Crashed, "exit status 3"},
		"init":  {lambda.InitFailed, "exit status 1"},
		"hang":  {lambda.TimedOut, "Task timed out after 0.30 seconds"},
	} {
		t.Run(mode, func(t *testing.T) {
			timeout := time.Minute
			if mode == "hang" {
				timeout = 300 * time.Millisecond
			}
			r := deliver(t, mode, timeout)
			if len(r.outcomes) != 3 {
				t.Fatalf("%d attempts, want 3: %+v", len(r.outcomes), r.outcomes)
			}
			for i, o := range r.outcomes {
				if o.Kind != want.kind || !strings.Contains(o.Message, want.message) || o.Attempt != i+1 || o.RequestID != r.outcomes[0].RequestID {
					t.Errorf("attempt %d: %+v", i+1, o)
				}
			}
			if len(r.pauses) != 2 || r.pauses[0] != time.Minute || r.pauses[1] != 2*time.Minute {
				t.Errorf("pauses %v, want 1m and 2m", r.pauses)
			}
		})
	}
}

func TestAnExecutionEnvironmentIsUsedAgainAfterAnError(t *testing.T) {
	r := deliver(t, "error once", time.Minute)
	if len(r.outcomes) != 2 || r.outcomes[1].Kind != lambda.Returned || !strings.Contains(r.log, "call 2 of") {
		t.Errorf("outcomes %+v\n%s", r.outcomes, r.log)
	}
}

func TestTheEnvironmentIsLambdasAndNoMore(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("GITHUB_TOKEN", "leaked")
	r := deliver(t, "env", time.Minute)
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=hook", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_REGION=eu-west-1", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=", "SUITE=/suite.yaml", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:",
	} {
		if !strings.Contains(r.log, "\n"+want) {
			t.Errorf("no %s in the environment:\n%s", want, r.log)
		}
	}
	if strings.Contains(r.log, "leaked") || strings.Contains(r.log, "/home/somebody") {
		t.Errorf("this machine's environment reached the function:\n%s", r.log)
	}
}

func TestAFunctionMayInvokeItself(t *testing.T) {
	f := &lambda.Function{Name: "hook"}
	server := httptest.NewServer(f)
	defer server.Close()
	client := sdk.New(sdk.Options{Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1})
	invoke := func(name, payload string, kind types.InvocationType) string {
		t.Helper()
		out, err := client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String(name), Payload: []byte(payload), InvocationType: kind})
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			return api.ErrorCode()
		}
		if err != nil || out.StatusCode != http.StatusAccepted {
			t.Errorf("%+v, %v", out, err)
		}
		return ""
	}
	if _, ok := f.Next(); ok {
		t.Error("an event that nobody sent")
	}
	for _, name := range []string{"hook", "arn:aws:lambda:eu-west-1:123456789012:function:hook"} {
		if got := invoke(name, `{"GreenlightCall":2}`, types.InvocationTypeEvent); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	for range 2 {
		if payload, ok := f.Next(); !ok || string(payload) != `{"GreenlightCall":2}` {
			t.Errorf("%s, %v", payload, ok)
		}
	}
	for want, got := range map[string]string{
		"ResourceNotFoundException":      invoke("other", "{}", types.InvocationTypeEvent),
		"InvalidParameterValueException": invoke("hook", "{}", types.InvocationTypeRequestResponse),
	} {
		if got != want {
			t.Errorf("%q, want %s", got, want)
		}
	}
	for range 14 {
		if got := invoke("hook", "{}", types.InvocationTypeEvent); got != "" {
			t.Fatal(got)
		}
	}
	if got := invoke("hook", "{}", types.InvocationTypeEvent); got != "RecursiveInvocationException" {
		t.Errorf("the 17th: %q", got)
	}
}

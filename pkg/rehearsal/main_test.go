package rehearsal_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/programs"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal"
)

// keeper is the real rehearse, which keeps the tasks and is the built-in releases. It is built without the race
// detector, with which each of some hundred starts takes ten times as long.
var keeper string

// TestMain makes hooks of the test binary, and builds the keeper.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "hook" {
		hook(types.LifecycleEventStatus(os.Args[2]))
	}
	if len(os.Args) > 1 && os.Args[1] == "native" {
		nativeHook(os.Args[2])
	}
	if err := flag.Set("test.parallel", rehearsalsAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code, err := withKeeper(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withKeeper(m *testing.M) (int, error) {
	dir, remove, err := programs.Build("buildtools/rehearse")
	if err != nil {
		return 1, err
	}
	defer remove()
	keeper = filepath.Join(dir, "rehearse")
	return m.Run(), nil
}

// hookProgram is the test binary, which is a hook with these arguments.
func hookProgram(t *testing.T, args ...string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{self}, args...)
}

// rehearsalsAtOnce is how many are held side by side: nearly all that they do is wait.
const rehearsalsAtOnce = "6"

// hook is a Lambda function that says what it sees and reports the status.
func hook(status types.LifecycleEventStatus) {
	lambda.Start(func(ctx context.Context, event struct {
		DeploymentID string `json:"DeploymentId"`
		ExecutionID  string `json:"LifecycleEventHookExecutionId"`
		Call         int    `json:"GreenlightCall,omitempty"`
	},
	) error {
		client := clientAt(os.Getenv("AWS_ENDPOINT_URL_CODEDEPLOY"))
		target, err := client.GetDeploymentTarget(ctx, &sdk.GetDeploymentTargetInput{DeploymentId: &event.DeploymentID, TargetId: aws.String("rehearsal:app")})
		if err != nil {
			return err
		}
		sets := []string{}
		for _, s := range target.DeploymentTarget.EcsTarget.TaskSetsInfo {
			sets = append(sets, fmt.Sprintf("%s %s %g%%", s.TaskSetLabel, aws.ToString(s.Status), s.TrafficWeight))
		}
		_, _ = fmt.Fprintf(os.Stdout, "sees %s; production %s, test %s\n", strings.Join(sets, ", "), versionAt(ctx, os.Getenv("PRODUCTION_URL"), ""), versionAt(ctx, os.Getenv("TEST_URL"), ""))
		if status == "Again" && event.Call < 2 {
			event.Call++
			payload, _ := json.Marshal(event)
			api := lambdasdk.New(lambdasdk.Options{Region: rehearsal.Region, BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")), Credentials: aws.AnonymousCredentials{}})
			_, err := api.Invoke(ctx, &lambdasdk.InvokeInput{FunctionName: aws.String(os.Getenv("AWS_LAMBDA_FUNCTION_NAME")), InvocationType: "Event", Payload: payload})
			return err
		}
		if status == "Again" {
			_, _ = fmt.Fprintf(os.Stdout, "call %d, a minute is %s\n", event.Call, os.Getenv("WATCH_MINUTE"))
			status = "Succeeded"
		}
		if status == "Sleep" { // longer than a hook may do nothing, unless it watches
			<-time.After(7 * time.Second)
			status = "Succeeded"
		}
		if status == "Hang" {
			<-context.WithoutCancel(ctx).Done()
		}
		_, err = client.PutLifecycleEventHookExecutionStatus(ctx, &sdk.PutLifecycleEventHookExecutionStatusInput{
			DeploymentId: &event.DeploymentID, LifecycleEventHookExecutionId: &event.ExecutionID, Status: status,
		})
		return err
	})
}

// versionAt is the version that answers at a listener, asked with headers (a JSON object, or nothing), once one does.
func versionAt(ctx context.Context, base, with string) string {
	if base == "" {
		return "none"
	}
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/version", http.NoBody)
		if err != nil {
			return err.Error()
		}
		headers := map[string]string{}
		_ = json.Unmarshal([]byte(with), &headers) // nothing for a listener
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err.Error()
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if version := response.Header.Get("X-App-Version"); version != "" {
			return version
		}
		<-time.After(5 * time.Millisecond)
	}
	return "nobody"
}

func clientAt(endpoint string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: rehearsal.Region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""),
	})
}

// plan is a good release of two tasks, in a hurry, without hooks.
func plan(t *testing.T, change func(*rehearsal.Plan)) rehearsal.Plan {
	t.Helper()
	p := rehearsal.Plan{
		Release: rehearsal.Release{Family: "task-app", Container: "app", Port: 8080, ID: "1.1.0", TaskDefinition: []byte(`{"family":"task-app"}`), AppSpec: "version: 0.0"},
		Blue:    rehearsal.Command{Text: "builtin:good", Builtin: "good"}, BlueRelease: "1.0.0",
		Green: rehearsal.Command{Text: "builtin:good", Builtin: "good"},
		Tasks: 2, Speed: 1000, Traffic: 100, Routes: []string{"/version", "/api/trips"},
		FunctionTimeout: time.Minute, StartTimeout: time.Minute,
		Machine: rehearsal.Machine{Self: keeper, Path: os.Getenv("PATH"), Home: t.TempDir()},
	}
	if change != nil {
		change(&p)
	}
	return p
}

// hookAt makes the test binary the hook of the events.
func hookAt(t *testing.T, p *rehearsal.Plan, status string, events ...lifecycle.Name) {
	t.Helper()
	p.Hooks = map[lifecycle.Name]rehearsal.Hook{}
	for _, e := range events {
		p.Hooks[e] = rehearsal.Hook{Function: "hook-" + string(e), Argv: hookProgram(t, "hook", status), Dir: t.TempDir()}
	}
}

// held is a rehearsal that is under way.
type held struct {
	t      *testing.T
	events chan rehearsal.Event
	done   chan struct{}
	result rehearsal.Result
	err    error
	stop   context.CancelFunc
	client *sdk.Client
	// endpoint is where AWS is, id the deployment's.
	endpoint, id string
}

// hold begins a rehearsal; its events have to be taken until it ends.
func hold(t *testing.T, p rehearsal.Plan) *held {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	h := &held{t: t, events: make(chan rehearsal.Event, 10_000), done: make(chan struct{}), stop: stop}
	t.Cleanup(stop)
	go func() {
		defer close(h.done)
		h.result, h.err = p.Run(ctx, func(e rehearsal.Event) { h.events <- e })
	}()
	return h
}

// until takes events until one fits, and learns on the way where AWS is and how the deployment is called.
func (h *held) until(what string, fits func(rehearsal.Event) bool) {
	h.t.Helper()
	for {
		select {
		case e := <-h.events:
			if e.Endpoint != "" {
				h.client, h.endpoint = clientAt(e.Endpoint), e.Endpoint
			}
			if id, _, ok := strings.Cut(strings.TrimPrefix(e.Text, "deployment "), " begins"); ok {
				h.id = id
			}
			if fits(e) {
				return
			}
		case <-h.done:
			h.t.Fatalf("the rehearsal ended before %s: %v, %+v", what, h.err, h.result.Why)
		}
	}
}

func notes(text string) func(rehearsal.Event) bool {
	return func(e rehearsal.Event) bool { return strings.Contains(e.Text, text) }
}

// end waits for the end and wants this outcome.
func (h *held) end(want rehearsal.Outcome) rehearsal.Result {
	h.t.Helper()
	<-h.done
	if h.err != nil || h.result.Outcome != want {
		h.t.Fatalf("outcome %q (%s), error %v, want %s", h.result.Outcome, h.result.Why, h.err, want)
	}
	return h.result
}

// unharmed wants production traffic, and that no request of it failed.
func unharmed(t *testing.T, r rehearsal.Result) {
	t.Helper()
	if r.Traffic.Sent == 0 || r.Traffic.Failed != 0 || r.Traffic.NotSent != 0 {
		t.Errorf("traffic %+v, want some sent and none failed", r.Traffic)
	}
}

//go:build !windows

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

// storiesAtOnce is how many stories run side by side: nearly all that they do is wait.
const storiesAtOnce = "8"

// TestMain makes small hooks and servers of the test binary; the other programs are the real ones.
func TestMain(m *testing.M) {
	testscript.Main(stories{m}, map[string]func(){
		"testhook":    testhook,
		"headerfirst": headerfirst,
		"turning":     turning,
		"chatty":      chatty,
	})
}

// stories are the tests, in as many at once.
type stories struct{ *testing.M }

// Run runs them; a program that the test binary is does not come here.
func (m stories) Run() int {
	if err := flag.Set("test.parallel", storiesAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return m.M.Run()
}

// TestScripts tells its stories with the real programs. They, and the small ones of this test, are built without the race
// detector, with which each of some hundred starts takes ten times as long, and three of a hook that crashes need not
// fit into the time that a story leaves; the rooms of pkg/rehearsal are tested with it.
func TestScripts(t *testing.T) {
	dir := programs.In(t, "buildtools/rehearse", "functions/after-allow-test-traffic", "functions/before-allow-traffic", "functions/after-allow-traffic")
	small := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-o", small+"/testhook", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the small programs: %v\n%s", err, out)
	}
	for _, name := range []string{"headerfirst", "turning", "chatty"} {
		if err := os.Symlink("testhook", small+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(4 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", small+string(os.PathListSeparator)+dir+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOOKS", dir)
			e.Setenv("LARGE", strings.Repeat("hunter2", 10_000))
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each program waits a second before it ends
			for _, name := range []string{"taskdef.json", "appspec.yaml", "smoke.yaml"} {
				data, err := os.ReadFile("testdata/release/" + name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(e.WorkDir+"/"+name, data, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: commands(),
	})
}

// testhook is a hook of the smallest kind, on the real Lambda runtime and the real CodeDeploy client. Its
// argument says how it behaves.
func testhook() {
	mode := os.Args[1]
	switch mode {
	case "crash":
		fmt.Fprintln(os.Stderr, "panic: the hook met a nil map")
		os.Exit(2) //nolint:revive // this is a program
	case "turn":
		turn()
	case "asks": // a hook of Amazon ECS's own deployments that asks one route once
		lambda.Start(func(ctx context.Context) (map[string]string, error) {
			if ask(ctx, os.Getenv("TEST_URL")+"/api/trips") == http.StatusOK {
				return map[string]string{"hookStatus": "SUCCEEDED"}, nil
			}
			return map[string]string{"hookStatus": "FAILED"}, nil
		})
	case "deaf": // asks for no invocation; an empty select is a deadlock to a runtime without cgo
		<-time.After(time.Hour)
	}
	lambda.Start(func(ctx context.Context, event struct {
		DeploymentID string `json:"DeploymentId"`
		ExecutionID  string `json:"LifecycleEventHookExecutionId"`
	},
	) error {
		switch mode {
		case "silent": // returns without a report
			return nil
		case "error":
			return errors.New("cannot read the suite")
		case "hang":
			<-context.WithoutCancel(ctx).Done()
		case "told": // says which facts it was given
			for _, name := range []string{"SUITE", "TEST_URL", "PRODUCTION_URL", "RELEASE"} {
				_, given := os.LookupEnv(name)
				_, _ = fmt.Fprintf(os.Stdout, "%s %t\n", name, given)
			}
			return store(ctx, event.DeploymentID, event.ExecutionID, types.LifecycleEventStatusSucceeded)
		}
		return judge(ctx, event.DeploymentID, event.ExecutionID)
	})
}

// turning is a release that is good until a file says that it is not.
func turning() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App-Version", os.Getenv("RELEASE"))
		if _, err := os.Stat("bad"); err == nil && r.URL.Path == "/api/trips" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// chatty STATUS is an application that logs each request, health checks among them, and answers GET /api/trips so.
func chatty() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if r.URL.Path == "/api/trips" {
			status, _ = strconv.Atoi(os.Args[1])
		}
		w.WriteHeader(status)
		fmt.Println(r.Method, r.URL.Path, status, "after a while") //nolint:forbidigo // this is a program
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// turn is a hook of Amazon ECS's own deployments that turns the release bad once half of the production traffic is its.
func turn() {
	lambda.Start(func(e struct {
		Details struct {
			Target     string             `json:"targetServiceRevisionArn"`
			Production map[string]float64 `json:"productionTrafficWeights"`
		} `json:"executionDetails"`
	},
	) (map[string]string, error) {
		if e.Details.Production[e.Details.Target] == 50 {
			return map[string]string{"hookStatus": "SUCCEEDED"}, os.WriteFile("bad", nil, 0o600)
		}
		return map[string]string{"hookStatus": "SUCCEEDED"}, nil
	})
}

// judge asks one route, logs as a hook of ours does, and reports.
func judge(ctx context.Context, deploymentID, executionID string) error {
	verdict, status, reason := "PASS", types.LifecycleEventStatusSucceeded, ""
	if got := ask(ctx, os.Getenv("TEST_URL")+"/api/trips"); got != http.StatusOK {
		verdict, status, reason = "FAIL", types.LifecycleEventStatusFailed, fmt.Sprintf("list trips: GET /api/trips: status %d, want 200", got)
	}
	line := json.NewEncoder(os.Stdout)
	_ = line.Encode(map[string]any{"event": "check", "check": "list trips", "verdict": verdict, "attempts": 5, "failures": 0, "duration_ms": 1.5, "reason": reason})
	_ = line.Encode(map[string]any{"event": "verdict", "verdict": verdict, "status": status, "blame": "release", "reason": reason, "release": os.Getenv("RELEASE")})
	err := store(ctx, deploymentID, executionID, status)
	_ = line.Encode(map[string]any{"event": "reported", "status": status, "outcome": "stored"})
	return err
}

// store reports the status.
func store(ctx context.Context, deploymentID, executionID string, status types.LifecycleEventStatus) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	_, err = codedeploy.NewFromConfig(cfg).PutLifecycleEventHookExecutionStatus(ctx, &codedeploy.PutLifecycleEventHookExecutionStatusInput{
		DeploymentId: aws.String(deploymentID), LifecycleEventHookExecutionId: aws.String(executionID), Status: status,
	})
	return err
}

// ask waits until the listener has a target that takes requests, as a suite's readiness would.
func ask(ctx context.Context, url string) int {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return 0
		}
		headers := map[string]string{}
		_ = json.Unmarshal([]byte(os.Getenv("TEST_HEADERS")), &headers) // nothing where a listener leads to the release
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "no target") {
			return response.StatusCode
		}
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestTheHelpNamesTheBuiltInReleases(t *testing.T) {
	for _, name := range []string{"rehearse", "faults"} {
		text, err := help.ReadFile("help/" + name + ".txt")
		if words := strings.Join(strings.Fields(string(text)), " "); err != nil || !strings.Contains(words, "builtin:NAME: "+builtinNames()+" ") {
			t.Errorf("%s.txt does not name %s (%v)", name, builtinNames(), err)
		}
	}
}

package codedeploy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
)

// answering is a CodeDeploy with one answer for each operation.
func answering(t *testing.T, answers map[string]string) *codedeploy.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		_, _ = io.WriteString(w, answers[operation])
	}))
	t.Cleanup(server.Close)
	return codedeploy.New(awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: server.URL}.Config())
}

// An answer that says of another deployment that it is a rollback would open the gate.
func TestAnotherDeploymentsAnswerIsAnError(t *testing.T) {
	for _, answer := range []string{
		`{}`, `{"deploymentInfo":{}}`, `{"deploymentInfo":{"creator":"codeDeployRollback"}}`,
		`{"deploymentInfo":{"deploymentId":"d-2","creator":"codeDeployRollback"}}`, `{"deploymentInfo":[]}`, `null`, ``,
	} {
		if got, err := answering(t, map[string]string{"GetDeployment": answer}).Deployment(t.Context(), "d-1"); err == nil {
			t.Errorf("%s: %+v", answer, got)
		}
	}
	for _, answer := range []string{
		`{}`, `{"deploymentTarget":{"ecsTarget":{}}}`, `{"deploymentTarget":{"ecsTarget":{"deploymentId":"d-2","targetId":"c:s"}}}`,
		`{"deploymentTarget":{"ecsTarget":{"deploymentId":"d-1","targetId":"c:other"}}}`,
	} {
		c := answering(t, map[string]string{"ListDeploymentTargets": `{"targetIds":["c:s"]}`, "GetDeploymentTarget": answer})
		if got, err := c.Target(t.Context(), "d-1"); err == nil {
			t.Errorf("%s: %+v", answer, got)
		}
	}
}

func TestWhenTrafficWasShifted(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		events []types.LifecycleEvent
		want   time.Time
	}{
		"it has ended":        {[]types.LifecycleEvent{{LifecycleEventName: aws.String("AllowTraffic"), StartTime: aws.Time(at.Add(-time.Hour)), EndTime: aws.Time(at)}, {LifecycleEventName: aws.String("AfterAllowTraffic"), StartTime: aws.Time(at.Add(time.Second))}}, at},
		"it is said late":     {[]types.LifecycleEvent{{LifecycleEventName: aws.String("AllowTraffic"), StartTime: aws.Time(at.Add(-time.Hour))}, {LifecycleEventName: aws.String("AfterAllowTraffic"), StartTime: aws.Time(at)}}, at},
		"it is still shifted": {[]types.LifecycleEvent{{LifecycleEventName: aws.String("BeforeAllowTraffic"), EndTime: aws.Time(at)}, {LifecycleEventName: aws.String("AllowTraffic"), StartTime: aws.Time(at)}, {LifecycleEventName: aws.String("AfterAllowTraffic")}}, time.Time{}},
		"nobody knows":        {nil, time.Time{}},
	} {
		target := codedeploy.Target{Events: tc.events}
		if got := target.Shifted(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// What serves production and what is released must be told apart, or neither is known.
func TestWhichTaskSetIsWhich(t *testing.T) {
	blue, green := codedeploy.TaskSet{Identifer: aws.String("1"), TaskSetLabel: types.TargetLabelBlue}, codedeploy.TaskSet{Identifer: aws.String("2"), TaskSetLabel: types.TargetLabelGreen}
	for name, tc := range map[string]struct {
		sets                  []codedeploy.TaskSet
		original, replacement string
	}{
		"one of each":    {[]codedeploy.TaskSet{blue, green}, "1", "2"},
		"no replacement": {[]codedeploy.TaskSet{blue}, "1", ""},
		"no label":       {[]codedeploy.TaskSet{blue, {Identifer: aws.String("2")}}, "1", ""},
		"two of a kind":  {[]codedeploy.TaskSet{blue, green, {Identifer: aws.String("3"), TaskSetLabel: types.TargetLabelGreen}}, "1", ""},
		"none":           {nil, "", ""},
	} {
		target := codedeploy.Target{TaskSets: tc.sets}
		id := func(s *codedeploy.TaskSet) string {
			if s == nil {
				return ""
			}
			return *s.Identifer
		}
		if got := [2]string{id(target.Original()), id(target.Replacement())}; got != [2]string{tc.original, tc.replacement} {
			t.Errorf("%s: %q, want %q and %q", name, got, tc.original, tc.replacement)
		}
	}
}

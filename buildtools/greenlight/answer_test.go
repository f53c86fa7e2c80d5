package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const (
	asksID       = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/app/1"
	asksRevision = "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:2"
	logTime      = "2006-01-02T15:04:05.000Z"
)

// TestWhatBecomesOfAnAnswer: whoever answers is told what the gate made of it, and not that an answer was stored.
func TestWhatBecomesOfAnAnswer(t *testing.T) {
	question := "1/BeforeAllowTraffic/" + time.Now().UTC().Format(logTime)
	deny := func(operation string) func(*fake.Server, fake.Call) bool {
		return func(_ *fake.Server, c fake.Call) bool { return c.Operation == operation }
	}
	verdict := func(s *fake.Server, reason string) {
		s.Log("/aws/lambda/gate", "s", `{"event":"verdict","deployment_id":"`+asksID+`","lifecycle_event":"BeforeAllowTraffic","verdict":"INCONCLUSIVE","timestamp":"`+
			time.Now().Add(time.Second).UTC().Format(logTime)+`","reason":"`+reason+`; it was INCONCLUSIVE: blue is ill"}`)
	}
	for name, tc := range map[string]struct {
		// bend sees each call first, and returns true to deny it.
		bend   func(*fake.Server, fake.Call) bool
		before string
		code   int
		says   string
		stored bool
	}{
		"the gate takes it": {func(s *fake.Server, c fake.Call) bool {
			var in struct{ Tags []struct{ Key, Value string } }
			for _ = json.Unmarshal(c.Input, &in); c.Operation == "TagResource" && len(in.Tags) > 0; in.Tags = in.Tags[1:] {
				if in.Tags[0].Key == "greenlight.decision" {
					verdict(s, in.Tags[0].Value+": fine")
				}
			}
			return false
		}, "", 0, "gate        INCONCLUSIVE at BeforeAllowTraffic: approved by arn:aws:iam::123456789012:user/ann", true},
		"the gate took another one": {func(s *fake.Server, c fake.Call) bool {
			if c.Operation == "TagResource" {
				verdict(s, "rejected by eve")
			}
			return false
		}, "", exitNotLive, "too late, or somebody was faster: the gate says rejected by eve; it was", true},
		"the time was over": {func(s *fake.Server, c fake.Call) bool {
			if c.Operation == "TagResource" {
				verdict(s, "nobody approved by noon")
			}
			return false
		}, "", exitNotLive, "the gate says nobody approved by noon", true},
		"somebody has answered": {nil, "rejected " + question, exitNotLive, "somebody was faster: rejected by eve: no", false},
		"an older answer":       {deny("TagResource"), "rejected 1/BeforeAllowTraffic/2020", exitRefused, "AccessDenied", false},
		"it may not answer":     {deny("TagResource"), "", exitRefused, "AccessDenied", false},
		"it may not see whether somebody did": {
			deny("DescribeTaskDefinition"), "", exitUnknown,
			"nothing was decided: whether somebody else did cannot be read", false,
		},
		"it has no name": {deny("GetCallerIdentity"), "", exitUnknown, "nobody approves without a name", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := deployment.New(deployment.Deployment{
				ID: asksID, Cluster: "c", Service: "app",
				TaskSets: []deployment.TaskSet{{ID: "arn:green", Label: deployment.Green, Status: "PRIMARY", Running: 1, TaskDefinition: asksRevision}},
				Native:   &deployment.Native{Target: deployment.Green, Hooks: []deployment.Hook{{Function: "arn:aws:lambda:eu-west-1:123456789012:function:gate"}}},
			}, time.Now(), deployment.Event{Name: "PRE_SCALE_UP"})
			d.Begin(d.Events[0].Name, time.Now())
			book := deployment.NewBook()
			book.Add(d)
			s := &fake.Server{Region: "eu-west-1", Account: "123456789012", Book: book, Definitions: func() map[string]json.RawMessage {
				return map[string]json.RawMessage{asksRevision: json.RawMessage(`{"taskDefinitionArn":"` + asksRevision + `"}`)}
			}}
			s.Log("/aws/lambda/gate", "s", `{"event":"ask","deployment_id":"`+asksID+`","lifecycle_event":"BeforeAllowTraffic","timestamp":"`+time.Now().UTC().Format(logTime)+
				`","reason":"blue is ill","question":"`+question+`","until":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
			stored := false
			s.Bend = func(w http.ResponseWriter, _ *http.Request, c fake.Call) bool {
				if tc.before != "" && c.Operation == "DescribeTaskDefinition" {
					tags, _ := json.Marshal([]map[string]string{{"key": "greenlight.decision", "value": "rejected by eve"}, {"key": "greenlight.why", "value": "no"}, {"key": "greenlight.answer", "value": tc.before}})
					_, _ = w.Write([]byte(`{"taskDefinition":{"taskDefinitionArn":"` + asksRevision + `"},"tags":` + string(tags) + `}`))
					return true
				}
				if tc.bend != nil && tc.bend(s, c) {
					fake.Refuse(w, c, &fake.Fault{Code: "AccessDeniedException"})
					return true
				}
				stored = stored || c.Operation == "TagResource"
				return false
			}
			server := httptest.NewServer(s)
			defer server.Close()
			for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_EC2_METADATA_DISABLED": "true"} {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			at := surroundings{stdin: strings.NewReader(""), stdout: &out, stderr: &out, interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }}
			code := command(at).Execute(t.Context(), []string{"approve", "--deployment", asksID, "--why", "fine"}, &out, &out)
			if code != tc.code || !strings.Contains(out.String(), tc.says) || stored != tc.stored {
				t.Errorf("exit code %d, stored %v, want %d, %v, …%s…:\n%s", code, stored, tc.code, tc.stored, tc.says, &out)
			}
		})
	}
}

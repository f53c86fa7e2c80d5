package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// serve serves a server and returns what an SDK client needs to reach it.
func serve(t *testing.T, s *fake.Server) aws.Config {
	t.Helper()
	s.Region, s.Account = "eu-west-1", "123456789012"
	if s.Book == nil {
		s.Book = deployment.NewBook()
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: s.Region, BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""),
		RetryMaxAttempts: 1,
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// code is the name of AWS's error, or "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("no API error: %v", err)
	}
	return api.ErrorCode()
}

// commandLine is the aws command line with that AWS; without one the test is skipped.
func commandLine(t *testing.T, cfg aws.Config) func(args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("aws is not on PATH, and CI must have it")
		}
		t.Skip("SKIPPED: aws is not on PATH; the command line was not tried against the rehearsal")
	}
	return func(args ...string) (string, error) {
		cmd := exec.CommandContext(bounded(t), path, args...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_PAGER=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// A test that needs an answer of its own gets it, the caller sees an error of AWS's in whatever protocol it called, and
// everything else is answered as ever and told.
func TestAnAnswerCanBeBent(t *testing.T) {
	var done []string
	s := &fake.Server{
		Book: deployment.NewBook(),
		Bend: func(w http.ResponseWriter, _ *http.Request, c fake.Call) bool {
			if c.Operation == "GetDeployment" || c.Operation == "GetObject" || c.Operation == "DescribeRules" || c.Operation == "GetFunction" {
				fake.Refuse(w, c, &fake.Fault{Code: "Throttled", Message: "Rate exceeded", Status: http.StatusServiceUnavailable})
				return true
			}
			return false
		},
		Done: func(c fake.Call) { done = append(done, c.Operation+" "+c.Fault) },
	}
	for name, r := range map[string]struct{ method, path, contentType, target, body, want string }{
		"JSON":   {"POST", "/", "", fake.CodeDeploy + ".GetDeployment", "{}", `"__type":"Throttled"`},
		"S3":     {"GET", "/bucket/key", "", "", "", "<Error><Code>Throttled</Code>"},
		"query":  {"POST", "/", "application/x-www-form-urlencoded", "", "Version=2015-12-01&Action=DescribeRules", "<ErrorResponse><Error><Type>Sender</Type><Code>Throttled</Code>"},
		"Lambda": {"GET", "/2015-03-31/functions/f", "", "", "", `"Message":"Rate exceeded"`},
	} {
		status, body := send(t, s, r.method, r.path, r.contentType, r.target, r.body)
		if status != http.StatusServiceUnavailable || !strings.Contains(body, r.want) {
			t.Errorf("%s: %d %s, want 503 with %s", name, status, body, r.want)
		}
	}
	if status, body := send(t, s, "POST", "/", "", fake.CodeDeploy+".ListDeployments", "{}"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := send(t, s, "POST", "/2015-03-31/functions/f/invocations", "", "", "{}"); status != http.StatusNotFound {
		t.Errorf("a function that does not exist: %d", status)
	}
	if got := strings.Join(done, ", "); got != "ListDeployments , Invoke ResourceNotFoundException" {
		t.Errorf("told of %s", got)
	}
}

// send is a call by hand.
func send(t testing.TB, s *fake.Server, method, path, contentType, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhatIsNotACallIsRefused(t *testing.T) {
	s := &fake.Server{Book: deployment.NewBook()}
	for name, r := range map[string]struct {
		target, body string
		status       int
		want         string
	}{
		"not JSON":     {fake.CodeDeploy + ".GetDeployment", "{", 400, "SerializationException"},
		"wrong type":   {fake.CodeDeploy + ".GetDeployment", `{"deploymentId": 7}`, 400, "SerializationException"},
		"no operation": {fake.CodeDeploy, "{}", 400, "UnknownOperationException"},
		"no service":   {"Kinesis.PutRecord", "{}", 400, "UnknownOperationException"},
		"no target":    {"", "", 403, "MissingAuthenticationTokenException"},
		"too large":    {fake.CodeDeploy + ".GetDeployment", strings.Repeat(" ", 1<<20+1), 413, "SerializationException"},
	} {
		status, body := send(t, s, "POST", "/", "", r.target, r.body)
		var fault struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal([]byte(body), &fault); err != nil || status != r.status || fault.Type != r.want {
			t.Errorf("%s: %d %.200s, %v, want %d %s", name, status, body, err, r.status, r.want)
		}
	}
}

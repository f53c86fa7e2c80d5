package signed_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

func client(t *testing.T, h http.HandlerFunc) *signed.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &signed.Client{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "token"),
		Endpoint:    func(string) string { return server.URL + "/" },
	}
}

func TestJSONSendsWhatTheProtocolWants(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got := r.Header.Get("X-Amz-Target"); got != "AmazonSSM.GetParameter" {
			t.Errorf("target %q", got)
		}
		if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(got, "/eu-west-1/ssm/aws4_request") {
			t.Errorf("authorization %q", got)
		}
		if got := r.Header.Get("X-Amz-Security-Token"); got != "token" {
			t.Errorf("session token %q", got)
		}
		if string(body) != `{"Name":"/p"}` {
			t.Errorf("body %s", body)
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	var out struct{ Parameter struct{ Value string } }
	if err := c.JSON(t.Context(), signed.SSM, "GetParameter", map[string]string{"Name": "/p"}, &out); err != nil || out.Parameter.Value != "v" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestQueryDecodesXML(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "DescribeListeners" || r.FormValue("Version") != "2015-12-01" || r.FormValue("ListenerArns.member.1") != "arn" {
			t.Errorf("form %v", r.Form)
		}
		_, _ = io.WriteString(w, `<DescribeListenersResponse><DescribeListenersResult><Listeners><member><Port>8080</Port></member></Listeners></DescribeListenersResult></DescribeListenersResponse>`)
	})
	var out struct {
		Listeners []struct{ Port int } `xml:"DescribeListenersResult>Listeners>member"`
	}
	err := c.Query(t.Context(), signed.LoadBalancing, "DescribeListeners", url.Values{"ListenerArns.member.1": {"arn"}}, &out)
	if err != nil || len(out.Listeners) != 1 || out.Listeners[0].Port != 8080 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestObjectKeysKeepTheirSlashesOnly(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.EscapedPath(), "/bucket/a%20b/c%2Bd%3A%C3%A9.yaml"; got != want {
			t.Errorf("path %s, want %s", got, want)
		}
		_, _ = io.WriteString(w, "x")
	})
	if got, err := c.GetObject(t.Context(), "bucket", "a b/c+d:é.yaml"); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestErrorsOfEveryProtocol(t *testing.T) {
	for body, want := range map[string]string{
		`{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"no"}`:                                              "ParameterNotFound",
		`{"__type":"AccessDeniedException:http://internal.amazon.com/","Message":"no"}`:                                "AccessDeniedException",
		`<Error><Code>NoSuchKey</Code><Message>no</Message></Error>`:                                                   "NoSuchKey",
		`<ErrorResponse><Error><Type>Sender</Type><Code>ListenerNotFound</Code></Error></ErrorResponse>`:               "ListenerNotFound",
		`<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`: "UnauthorizedOperation",
		`<html>`: "HTTP400",
		``:       "HTTP400",
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		})
		if err := c.JSON(t.Context(), signed.ECS, "Op", nil, nil); !signed.IsCode(err, want) {
			t.Errorf("%s: %v, want code %s", body, err, want)
		}
	}
}

func TestOnlyWhatMayPassIsAskedAgain(t *testing.T) {
	for answer, want := range map[string]int32{
		`500 {}`:                                 3,
		`400 {"__type":"ThrottlingException"}`:   3,
		`400 {"__type":"AccessDeniedException"}`: 1,
		`301 {}`:                                 1,
	} {
		var calls atomic.Int32
		status, body, _ := strings.Cut(answer, " ")
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(map[string]int{"500": 500, "400": 400, "301": 301}[status])
			_, _ = io.WriteString(w, body)
		})
		if err := c.JSON(t.Context(), signed.ECS, "Op", nil, nil); err == nil {
			t.Errorf("%s: no error", answer)
		}
		if got := calls.Load(); got != want {
			t.Errorf("%s: asked %d times, want %d", answer, got, want)
		}
	}
}

func TestAnEndlessAnswerIsGivenUp(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := c.GetObject(t.Context(), "b", "k"); !signed.IsCode(err, "AnswerTooLarge") {
		t.Errorf("got %v, want AnswerTooLarge", err)
	}
}

func TestTheCallersTimeIsKept(t *testing.T) {
	c := client(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := c.GetObject(ctx, "b", "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

func TestEndpointsOfTheEnvironment(t *testing.T) {
	e := signed.Environment{Endpoint: "http://all", EndpointSSM: "http://ssm"}
	for id, want := range map[string]string{"SSM": "http://ssm", "S3": "http://all", "CODEDEPLOY": "http://all"} {
		if got := e.EndpointOf(id); got != want {
			t.Errorf("EndpointOf(%s) = %s, want %s", id, got, want)
		}
	}
	e.IgnoreEndpoints = "true"
	if got := e.EndpointOf("SSM"); got != "" {
		t.Errorf("an ignored endpoint is used: %s", got)
	}
}

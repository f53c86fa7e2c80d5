package awsclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// config is the configuration of a function whose AWS is the handler.
func config(t *testing.T, h http.HandlerFunc) aws.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until it is read, a handler does not hear that its caller went away
		h(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return awsclient.Environment{
		Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token", Endpoint: server.URL,
	}.Config()
}

// parameter reads a parameter, and returns the error as this room words it.
func parameter(ctx context.Context, cfg aws.Config) (string, error) {
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
	if err != nil {
		return "", awsclient.Error(err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

func TestACallIsSignedWithTheEnvironmentsCredentials(t *testing.T) {
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(got, "/eu-west-1/ssm/aws4_request") {
			t.Errorf("authorization %q", got)
		}
		if got := r.Header.Get("X-Amz-Security-Token"); got != "token" {
			t.Errorf("session token %q", got)
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	if got, err := parameter(t.Context(), cfg); err != nil || got != "v" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := parameter(t.Context(), awsclient.Environment{Region: "eu-west-1", Endpoint: "http://127.0.0.1:1"}.Config()); err == nil || !strings.Contains(err.Error(), "static credentials are empty") {
		t.Errorf("without credentials: %v", err)
	}
}

func TestACallSaysWhichGreenlightMadeIt(t *testing.T) {
	agent := ""
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	if _, _ = parameter(t.Context(), awsclient.Once(cfg)); !strings.Contains(agent, " greenlight/devel") {
		t.Errorf("it says it is %q", agent)
	}
}

func TestOnlyWhatMayPassIsAskedAgain(t *testing.T) {
	for answer, want := range map[string]struct {
		calls int32
		err   string
	}{
		`500 {}`:                                 {3, "ssm GetParameter: HTTP500: no message"},
		`503 <html>`:                             {3, "ssm GetParameter: HTTP503: no message"},
		`429 {}`:                                 {3, "ssm GetParameter: HTTP429: no message"},
		`400 {"__type":"ThrottlingException"}`:   {3, "ssm GetParameter: ThrottlingException: "},
		`400 {"__type":"AccessDeniedException"}`: {1, "ssm GetParameter: AccessDeniedException: "},
		`301 {}`:                                 {1, "ssm GetParameter: HTTP301: no message"},
		`307 {}`:                                 {1, "ssm GetParameter: HTTP307: no message"},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			status, body, _ := strings.Cut(answer, " ")
			cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Errorf("the redirect is followed")
				}
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(map[string]int{"500": 500, "503": 503, "429": 429, "400": 400, "301": 301, "307": 307}[status])
				_, _ = io.WriteString(w, body)
			})
			if _, err := parameter(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(), want.err) {
				t.Errorf("%v, want %s", err, want.err)
			}
			if got := calls.Load(); got != want.calls {
				t.Errorf("asked %d times, want %d", got, want.calls)
			}
			calls.Store(0)
			if _, err := parameter(t.Context(), awsclient.Once(cfg)); err == nil || calls.Load() != 1 {
				t.Errorf("to be asked once: %v after %d times", err, calls.Load())
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsAskedForAgain(t *testing.T) {
	var calls atomic.Int32
	cfg := config(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		if calls.Add(1) < 3 {
			_, _ = io.WriteString(w, "su")
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "suite")
	})
	out, err := s3.NewFromConfig(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "suite" || calls.Load() != 3 {
		t.Errorf("%q, %v after %d calls", body, err, calls.Load())
	}
}

func TestAnAnswerThatHangsIsGivenUpInTimeForAnother(t *testing.T) {
	var calls atomic.Int32
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			_, _ = io.WriteString(w, `{"Parameter":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	if got, err := parameter(t.Context(), awsclient.Within(cfg, 100*time.Millisecond)); err != nil || got != "v" || calls.Load() != 2 {
		t.Errorf("%q, %v after %d calls", got, err, calls.Load())
	}
}

func TestTheCallersTimeIsKept(t *testing.T) {
	cfg := config(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, cfg := range map[string]aws.Config{"bounded": cfg, "once": awsclient.Once(cfg)} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := parameter(ctx, cfg)
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "ssm GetParameter: context deadline exceeded" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEndlessAnswerIsGivenUp(t *testing.T) {
	var calls atomic.Int32
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		for chunk := make([]byte, 1<<20); r.Context().Err() == nil; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := s3.NewFromConfig(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err = awsclient.Error(err); !errors.Is(err, awsclient.ErrTooLarge) || err.Error() != "s3 GetObject: the answer is larger than 8 MiB" || calls.Load() != 1 {
		t.Errorf("got %v after %d calls", err, calls.Load())
	}
}

// A clock that is wrong makes every signature worthless; AWS's answers say what time it is.
func TestAWrongClockIsPutRight(t *testing.T) {
	there := time.Now().Add(-3 * time.Hour).UTC()
	var calls atomic.Int32
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", there.Format(http.TimeFormat))
		signed, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if calls.Add(1); signed.Sub(there).Abs() > 5*time.Minute {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"__type":"InvalidSignatureException","message":"Signature expired"}`)
			return
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	if got, err := parameter(t.Context(), cfg); err != nil || got != "v" || calls.Load() != 2 {
		t.Errorf("%q, %v after %d calls", got, err, calls.Load())
	}
}

func TestConnectionsAreKeptUntilTheFunctionRests(t *testing.T) {
	var from []string
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		from = append(from, r.RemoteAddr)
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"v"}}`)
	})
	for range 2 {
		_, _ = parameter(t.Context(), cfg)
	}
	awsclient.Rest(cfg)
	once := awsclient.Once(cfg)
	for _, c := range []aws.Config{cfg, once, once} {
		_, _ = parameter(t.Context(), c)
	}
	if len(from) != 5 || from[0] != from[1] || from[1] == from[2] || from[3] == from[4] {
		t.Errorf("the calls came from %q", from)
	}
}

func TestWhatAWSSaysIsShort(t *testing.T) {
	cfg := config(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		if r.Header.Get("X-Amz-Target") != "" {
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"`+strings.Repeat("é", 1000)+`"}`)
			return
		}
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ListenerNotFound</Code><Message>no</Message></Error></ErrorResponse>`)
	})
	_, err := parameter(t.Context(), cfg)
	if want := "ssm GetParameter: ParameterNotFound: é"; err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 600 || !awsclient.IsCode(err, "Other", "ParameterNotFound") {
		t.Errorf("got %v, want %s…", err, want)
	}
	_, err = elasticloadbalancingv2.NewFromConfig(cfg).DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{})
	if err = awsclient.Error(err); err == nil || err.Error() != "elasticloadbalancing DescribeListeners: ListenerNotFound: no" || awsclient.IsCode(err, "ParameterNotFound") {
		t.Errorf("got %v", err)
	}
	if plain := errors.New("x"); !errors.Is(awsclient.Error(plain), plain) || awsclient.Error(nil) != nil {
		t.Error("another error is not left as it is")
	}
}

// Package awsclient says how Greenlight calls AWS with the SDK's own clients: to the host that a request was signed
// for and to no other, a few times, each time for a few seconds, and with answers of a size that fits the memory.
//
// It knows no service: a room that needs one makes the SDK's client of the configuration that it is given. It refuses
// redirects, answers above MaxAnswer and every log line of the SDK's.
package awsclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/greenlight-ecs/greenlight/pkg/version"
)

const (
	// MaxAnswer bounds what is read of an answer, in bytes. The largest that a hook asks for is the prober's report,
	// which Lambda itself bounds at 6 MB.
	MaxAnswer = 8 << 20
	// attempts, attemptTime and backoff bound one call to about 11 s: a hook has an answer or a reason long before its
	// own time is up. AWS answers such calls in tenths of a second.
	attempts    = 3
	attemptTime = 3 * time.Second
	// backoff is the longest pause before the second attempt; the one before the third is twice as long.
	backoff = 800 * time.Millisecond
)

// ErrTooLarge says that an answer was larger than MaxAnswer.
var ErrTooLarge = errors.New("the answer is larger than 8 MiB")

// Bounded returns the configuration with the bounds of this room. The transport is the configuration's own where it
// brings one of the SDK's (AWS_CA_BUNDLE), but for HTTP/2: an attempt that times out closes its connection, where
// HTTP/2 would make the next attempt on the same dead one.
func Bounded(cfg aws.Config) aws.Config {
	transport := awshttp.NewBuildableClient().GetTransport()
	if own, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		transport = own.GetTransport()
	}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	cfg.HTTPClient = &client{http: plain(transport), most: attemptTime}
	cfg.RetryMaxAttempts = 0 // AWS_MAX_ATTEMPTS does not count here
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.BaseDelay = attempts, backoff
			large := func(err error) aws.Ternary { // the same answer is not asked for again
				if errors.Is(err, ErrTooLarge) {
					return aws.FalseTernary
				}
				return aws.UnknownTernary
			}
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(large)}, o.Retryables...)
		})
	}
	cfg.Logger, cfg.ClientLogMode = logging.Nop{}, 0
	agent := middleware.AddUserAgentKeyValue("greenlight", version.Number()) // CloudTrail's userAgent says who called
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), agent)
	return cfg
}

// Within returns a bounded configuration whose attempts end after another time.
func Within(cfg aws.Config, most time.Duration) aws.Config {
	if c, ok := cfg.HTTPClient.(*client); ok {
		cfg.HTTPClient = &client{http: c.http, most: most}
	}
	return cfg
}

// Once returns a bounded configuration for calls that must not happen twice, or whose repetition is the caller's: one
// attempt, on a connection of its own, with no other end than the context's.
func Once(cfg aws.Config) aws.Config {
	if c, ok := cfg.HTTPClient.(*client); ok {
		if transport, ok := c.http.Transport.(*http.Transport); ok {
			transport = transport.Clone()
			transport.DisableKeepAlives = true
			cfg.HTTPClient = &client{http: plain(transport)}
		}
	}
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

// Rest closes the connections that a bounded configuration keeps between calls. Lambda freezes a function between two
// invocations, for hours; a connection that the network has forgotten meanwhile would hang and not break.
func Rest(cfg aws.Config) {
	if c, ok := cfg.HTTPClient.(*client); ok {
		c.http.CloseIdleConnections()
	}
}

// client is an SDK's HTTP client whose answers have arrived whole when it returns: what breaks or hangs on the way is
// part of the attempt, also for S3, whose answers the SDK would leave to be read by the caller.
type client struct {
	http *http.Client
	// most bounds one attempt; zero is no bound.
	most time.Duration
}

// plain follows no redirect.
func plain(t *http.Transport) *http.Client {
	home := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: t, CheckRedirect: home}
}

// Do sends the request and reads the answer.
func (c *client) Do(r *http.Request) (*http.Response, error) {
	if c.most > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), c.most)
		defer cancel()
		r = r.WithContext(ctx)
	}
	resp, err := c.http.Do(r) //nolint:gosec // where it goes was decided and signed by the SDK
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up; nothing to learn
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > MaxAnswer {
		return nil, ErrTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// maxMessage bounds what is kept of AWS's error texts, in bytes.
const maxMessage = 500

// Error returns an error of the SDK's clients as one sentence: "ecs DescribeServices: AccessDeniedException: not
// authorized". It wraps the SDK's, and returns any other error as it is.
func Error(err error) error {
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return err
	}
	service := strings.NewReplacer(" v2", "", " ", "").Replace(strings.ToLower(op.Service()))
	return &callError{text: service + " " + op.Operation() + ": " + reason(op.Err), sdk: err}
}

// IsCode reports whether err is AWS's answer with one of the codes.
func IsCode(err error, codes ...string) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, answer.ErrorCode())
}

// Unclear reports whether a call that ended with err may have been carried out all the same: it was sent, and no answer
// says that nothing was done.
func Unclear(err error) bool {
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && resp.HTTPStatusCode() > 0 {
		status := resp.HTTPStatusCode()
		return status < http.StatusBadRequest || status >= http.StatusInternalServerError
	}
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	return sent || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

type callError struct {
	text string
	sdk  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.sdk }

// reason is what went wrong, without the SDK's account of the layers that it went through.
func reason(err error) string {
	answer, said := errors.AsType[smithy.APIError](err)
	if said && answer.ErrorCode() != "UnknownError" {
		return answer.ErrorCode() + ": " + message(answer.ErrorMessage())
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && resp.HTTPStatusCode() >= http.StatusMultipleChoices {
		text := ""
		if said && answer.ErrorMessage() != answer.ErrorCode() {
			text = answer.ErrorMessage()
		}
		return fmt.Sprintf("HTTP%d: %s", resp.HTTPStatusCode(), message(text))
	}
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return sent.Err.Error()
	}
	if answer, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return "read the answer: " + message(answer.Err.Error())
	}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ended) {
			return ended.Error()
		}
	}
	return err.Error()
}

func message(text string) string {
	if text == "" {
		return "no message"
	}
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}

// Environment is what Lambda and the SDK's own variables say about AWS. It is read by envconfig, once, at a function's
// start: Lambda gives a process one set of credentials for life.
//
// It is the source of the clients' configuration in place of the SDK's config package, which would look for files that
// a function does not have, and link single sign-on, roles and instance metadata.
type Environment struct {
	Region          string `env:"AWS_REGION"`
	AccessKeyID     string `env:"AWS_ACCESS_KEY_ID"`
	SecretAccessKey string `env:"AWS_SECRET_ACCESS_KEY"`
	SessionToken    string `env:"AWS_SESSION_TOKEN"`
	// Endpoint is every service's base URL, but for those that have one of their own.
	Endpoint string `env:"AWS_ENDPOINT_URL"`
	// IgnoreEndpoints is the SDK's switch to ignore all endpoint variables.
	IgnoreEndpoints bool `env:"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"`
	FIPS            bool `env:"AWS_USE_FIPS_ENDPOINT"`
	DualStack       bool `env:"AWS_USE_DUALSTACK_ENDPOINT"`
	// Lookup finds a service's own base URL, AWS_ENDPOINT_URL_<service>; nil finds none.
	Lookup func(name string) (string, bool)
}

// leastCredential is the length of the shortest credential that is hidden. A shorter one is not AWS's but that of a
// test's stand-in, and hiding its few letters would spoil ordinary words.
const leastCredential = 16

// Secrets are the function's own credentials, which no output may show.
func (e Environment) Secrets() []string {
	return slices.DeleteFunc([]string{e.SecretAccessKey, e.SessionToken}, func(c string) bool {
		return len(c) < leastCredential
	})
}

// Config returns the bounded configuration of the SDK's clients.
func (e Environment) Config() aws.Config {
	cfg := aws.Config{
		Region:        e.Region,
		Credentials:   credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, e.SessionToken),
		ConfigSources: []any{e},
	}
	if e.Endpoint != "" && !e.IgnoreEndpoints {
		cfg.BaseEndpoint = aws.String(e.Endpoint)
	}
	return Bounded(cfg)
}

// GetServiceBaseEndpoint is asked by the SDK's clients for their own base URL.
func (e Environment) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	if e.Lookup == nil {
		return "", false, nil
	}
	url, ok := e.Lookup("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_")))
	return url, ok && url != "", nil
}

// GetIgnoreConfiguredEndpoints is asked by the SDK's clients.
func (e Environment) GetIgnoreConfiguredEndpoints(context.Context) (value, found bool, err error) {
	return e.IgnoreEndpoints, true, nil
}

// GetUseFIPSEndpoint is asked by the SDK's clients.
func (e Environment) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, e.FIPS, nil
}

// GetUseDualStackEndpoint is asked by the SDK's clients.
func (e Environment) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, e.DualStack, nil
}

// Of is what a pointer leads to; AWS leaves out what is not set.
func Of[T any](p *T) (t T) {
	if p != nil {
		t = *p
	}
	return t
}

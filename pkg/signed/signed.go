// Package signed calls AWS operations over plain HTTP requests that it signs with the SDK's signer,
// for the services whose SDK clients cost a hook more start-up time than the calls take: a function
// that links ecs, ssm, lambda and the rest starts in three times the time of one that does not
// (`make bench` has the figures).
//
// It knows the four protocols and no operation: callers name the operation and give the few members
// they need. It refuses answers above MaxAnswer, follows no redirect and logs nothing.
package signed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// MaxAnswer bounds what is read of an answer, in bytes. The largest that a hook asks for is the
	// prober's report, which Lambda itself bounds at 6 MB.
	MaxAnswer = 8 << 20
	// attempts and attemptTimeout bound one call to about 11 s: a hook has an answer or a reason long
	// before its own time is up. AWS answers such calls in tenths of a second.
	attempts       = 3
	attemptTimeout = 3 * time.Second
)

// Service is an AWS service, by the name it has in signatures and host names.
type Service string

// The services that Greenlight reads from.
const (
	ECS            Service = "ecs"
	SSM            Service = "ssm"
	SecretsManager Service = "secretsmanager"
	LoadBalancing  Service = "elasticloadbalancing"
	EC2            Service = "ec2"
	S3             Service = "s3"
	Lambda         Service = "lambda"
)

// ID returns the service's id as AWS_ENDPOINT_URL_<ID> has it.
func (s Service) ID() string {
	switch s {
	case SecretsManager:
		return "SECRETS_MANAGER"
	case LoadBalancing:
		return "ELASTIC_LOAD_BALANCING_V2"
	default:
		return strings.ToUpper(string(s))
	}
}

// target is what precedes an operation's name in X-Amz-Target (JSON protocol).
func (s Service) target() string {
	switch s {
	case ECS:
		return "AmazonEC2ContainerServiceV20141113"
	case SSM:
		return "AmazonSSM"
	default:
		return string(s)
	}
}

// version is that of the service's API (query protocol).
func (s Service) version() string {
	if s == EC2 {
		return "2016-11-15"
	}
	return "2015-12-01"
}

// Client calls AWS. Its fields are not changed after the first call; it may be used by several
// goroutines at once.
type Client struct {
	Region      string
	Credentials aws.CredentialsProvider
	// Endpoint returns the base URL set for a service (AWS_ENDPOINT_URL_ECS), or "" for AWS's own.
	Endpoint func(serviceID string) string
	// HTTP sends the requests; nil means a client of this package that follows no redirects.
	HTTP *http.Client
}

// Error is what AWS answered instead of a result.
type Error struct {
	Service   Service
	Operation string
	// Code is AWS's error code: "AccessDeniedException".
	Code    string
	Message string
	// Status is the HTTP status.
	Status int
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s: %s", e.Service, e.Operation, e.Code, e.Message)
}

// IsCode reports whether err is AWS's answer with one of the codes.
func IsCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// Request is one call in the terms of HTTP.
type Request struct {
	Service Service
	// Operation is AWS's name of what is done, for messages.
	Operation string
	Method    string
	// Path is escaped as it is to be sent, with the query if there is one.
	Path   string
	Header http.Header
	Body   []byte
	// Timeout bounds one attempt; zero means 3 s. A call that works long (Invoke) gives its own.
	Timeout time.Duration
	// Once sends the request a single time: for calls that must not happen twice.
	Once bool
}

// Answer is what came back with a status below 300.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the request, again after throttling, a 5xx or a broken connection, at most three times in
// all. An answer of 300 and more is an *Error.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	var last error
	for n := range attempts {
		if n > 0 {
			pause := time.Duration(100<<(2*n)) * time.Millisecond // 400 ms, 1.6 s
			select {
			case <-ctx.Done():
				return Answer{}, fmt.Errorf("%w (%w)", last, ctx.Err())
			case <-time.After(pause/2 + rand.N(pause/2)): //nolint:gosec // jitter, no secret
			}
		}
		answer, err := c.once(ctx, r)
		if err == nil || r.Once || !retryable(err) || ctx.Err() != nil {
			return answer, err
		}
		last = err
	}
	return Answer{}, last
}

func (c *Client) once(ctx context.Context, r Request) (Answer, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = attemptTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, c.base(r.Service)+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", r.Service, r.Operation, err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if err := c.sign(ctx, req, r); err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", r.Service, r.Operation, err)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", r.Service, r.Operation, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up; nothing to learn
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("%s %s: read the answer: %w", r.Service, r.Operation, err)
	case len(body) > MaxAnswer:
		return Answer{}, &Error{Service: r.Service, Operation: r.Operation, Code: "AnswerTooLarge", Message: "the answer is larger than 8 MiB", Status: resp.StatusCode}
	case resp.StatusCode >= 300:
		return Answer{}, errorOf(r, resp, body)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// plain follows no redirect: a signed request goes to the host it was signed for and to no other.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} //nolint:gochecknoglobals // shares its connections between calls

// Rest closes the connections that are kept between calls. Lambda freezes a function between two
// invocations, for hours; a connection that the network has forgotten meanwhile would hang.
func (c *Client) Rest() { c.client().CloseIdleConnections() }

func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return plain
}

func (c *Client) sign(ctx context.Context, req *http.Request, r Request) error {
	creds, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("find credentials: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	var options []func(*v4.SignerOptions)
	if r.Service == S3 {
		// S3 signs the path as it is sent, and wants the body's hash as a header.
		req.Header.Set("X-Amz-Content-Sha256", hash)
		options = append(options, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	}
	return v4.NewSigner().SignHTTP(ctx, creds, req, hash, string(r.Service), c.Region, time.Now(), options...)
}

// base returns the service's base URL without a slash at its end. The iso partitions have other
// suffixes; there AWS_ENDPOINT_URL_<service> has to be set.
func (c *Client) base(s Service) string {
	if c.Endpoint != nil {
		if set := c.Endpoint(s.ID()); set != "" {
			return strings.TrimRight(set, "/")
		}
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(c.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	return "https://" + string(s) + "." + c.Region + "." + suffix
}

// retryable reports whether the same request may fare better: AWS said "later" or nothing came.
func retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		_, badURL := errors.AsType[url.EscapeError](err)
		return !badURL
	}
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || strings.Contains(e.Code, "Throttl") ||
		e.Code == "RequestLimitExceeded" || e.Code == "TooManyRequestsException"
}

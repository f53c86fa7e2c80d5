// Package codedeploy is a hook's side of the CodeDeploy API: it stores the status of a hook execution,
// and reads what a deployment says about itself.
//
// It decides nothing about a release. Storing a status is worth every second that is left, so Report
// has its own clock and its own idea of which errors pass; reading facts is ordinary.
package codedeploy

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"
)

// readTimeout bounds one attempt to read: one that hangs is given up in time for another.
const readTimeout = 2 * time.Second

// Client calls CodeDeploy through the SDK's own client.
type Client struct {
	// Note is told when storing a status takes long, at every attempt after the first burst; nil is nobody.
	Note func(text string)
	// report makes one attempt a call: Report counts and times the attempts itself, since the SDK's
	// three give up under four throttles, and one hanging attempt eats the whole time.
	report *api.Client
	// read retries as the SDK does.
	read *api.Client
	// kept is the transport of read, whose connections are used again.
	kept *http.Transport
}

// Config is where and as whom to call.
type Config struct {
	Region      string
	Credentials aws.CredentialsProvider
	// Endpoint is AWS_ENDPOINT_URL_CODEDEPLOY, or empty for AWS's own.
	Endpoint string
}

// New returns a client. It calls nobody, and leaves the SDK's config package out, which costs a cold
// start 0.8 ms and brings only what Lambda does not need (profiles, SSO, assumed roles).
func New(c Config) *Client {
	options := api.Options{Region: c.Region, Credentials: c.Credentials}
	if c.Endpoint != "" {
		options.BaseEndpoint = aws.String(c.Endpoint)
	}
	once := options.Copy()
	once.Retryer = aws.NopRetryer{}
	once.HTTPClient = &http.Client{Transport: transport(false), CheckRedirect: stay}
	kept := transport(true)
	options.HTTPClient = &http.Client{Transport: kept, CheckRedirect: stay, Timeout: readTimeout}
	return &Client{report: api.New(once), read: api.New(options), kept: kept}
}

// Rest closes the connections that are kept. Lambda freezes a function between two invocations, for
// hours; a connection that the network has forgotten meanwhile would hang and not break.
func (c *Client) Rest() { c.kept.CloseIdleConnections() }

// transport speaks HTTP/1.1: an attempt that times out closes its connection, where HTTP/2 would make
// the next attempt on the same dead one. A status is stored on a connection of its own at every attempt.
func transport(keep bool) *http.Transport {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: !keep, MaxIdleConnsPerHost: 4, Protocols: new(http.Protocols),
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// stay follows no redirect: a signed request goes where it was signed for.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

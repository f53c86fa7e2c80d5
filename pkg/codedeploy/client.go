// Package codedeploy is a hook's side of the CodeDeploy API: it stores the status of a hook execution,
// and reads what a deployment says about itself.
//
// It decides nothing about a release. Storing a status is worth every second that is left, so Report
// has its own clock and its own idea of which errors pass; reading facts is ordinary.
package codedeploy

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"
)

// readTimeout bounds one attempt to read: one that hangs is given up in time for another.
const readTimeout = 2 * time.Second

// Client calls CodeDeploy through the SDK's own client.
type Client struct {
	// report makes one attempt a call: Report counts and times the attempts itself, since the SDK's
	// three give up under four throttles, and one hanging attempt eats the whole time.
	report *api.Client
	// read retries as the SDK does.
	read *api.Client
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
	options.HTTPClient = awshttp.NewBuildableClient().WithTimeout(readTimeout)
	return &Client{report: api.New(once), read: api.New(options)}
}

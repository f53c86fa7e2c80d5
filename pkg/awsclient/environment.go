package awsclient

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

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

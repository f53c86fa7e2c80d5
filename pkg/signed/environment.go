package signed

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Environment is what Lambda and the SDK's own variables say about AWS. It is read by envconfig, once,
// at a function's start: Lambda gives a process one set of credentials for life.
type Environment struct {
	Region          string `env:"AWS_REGION"`
	AccessKeyID     string `env:"AWS_ACCESS_KEY_ID"`
	SecretAccessKey string `env:"AWS_SECRET_ACCESS_KEY"`
	SessionToken    string `env:"AWS_SESSION_TOKEN"`

	// IgnoreEndpoints is the SDK's switch: "true" makes it ignore all endpoint variables.
	IgnoreEndpoints        string `env:"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"`
	Endpoint               string `env:"AWS_ENDPOINT_URL"`
	EndpointCodeDeploy     string `env:"AWS_ENDPOINT_URL_CODEDEPLOY"`
	EndpointECS            string `env:"AWS_ENDPOINT_URL_ECS"`
	EndpointLoadBalancing  string `env:"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"`
	EndpointEC2            string `env:"AWS_ENDPOINT_URL_EC2"`
	EndpointS3             string `env:"AWS_ENDPOINT_URL_S3"`
	EndpointSSM            string `env:"AWS_ENDPOINT_URL_SSM"`
	EndpointSecretsManager string `env:"AWS_ENDPOINT_URL_SECRETS_MANAGER"`
	EndpointLambda         string `env:"AWS_ENDPOINT_URL_LAMBDA"`
}

// EndpointOf returns the base URL that is set for the service with this id ("CODEDEPLOY"), or "".
func (e Environment) EndpointOf(serviceID string) string {
	if strings.EqualFold(e.IgnoreEndpoints, "true") {
		return ""
	}
	return first(map[string]string{
		"CODEDEPLOY":        e.EndpointCodeDeploy,
		ECS.ID():            e.EndpointECS,
		LoadBalancing.ID():  e.EndpointLoadBalancing,
		EC2.ID():            e.EndpointEC2,
		S3.ID():             e.EndpointS3,
		SSM.ID():            e.EndpointSSM,
		SecretsManager.ID(): e.EndpointSecretsManager,
		Lambda.ID():         e.EndpointLambda,
	}[serviceID], e.Endpoint)
}

// Client returns a Client with the environment's region, credentials and endpoints.
func (e Environment) Client() *Client {
	return &Client{Region: e.Region, Credentials: e.Provider(), Endpoint: e.EndpointOf}
}

// Provider returns the environment's credentials. Without any, every call says so.
func (e Environment) Provider() aws.CredentialsProvider {
	static := credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, e.SessionToken)
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) { return static.Retrieve(ctx) })
}

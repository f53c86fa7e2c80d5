// Package codedeploy is a hook's side of the CodeDeploy API: it stores the status of a hook execution,
// and reads what a deployment says about itself.
//
// It decides nothing about a release. Storing a status is worth every second that is left, so Report
// has its own clock and its own idea of which errors pass; reading facts is ordinary.
package codedeploy

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/codedeploy"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// readTimeout bounds one attempt to read: one that hangs is given up in time for another.
const readTimeout = 2 * time.Second

// Client calls CodeDeploy through the SDK's own client.
type Client struct {
	// Note is told when storing a status takes long, at every attempt after the first burst; nil is nobody.
	Note func(text string)
	// report makes one attempt a call, on a connection of its own: Report counts and times the attempts itself, since
	// the SDK's three give up under four throttles, and one hanging attempt eats the whole time.
	report *api.Client
	// read retries as the SDK does.
	read *api.Client
}

// New returns a client with a bounded configuration (see pkg/awsclient). It calls nobody.
func New(cfg aws.Config) *Client {
	return &Client{report: api.NewFromConfig(awsclient.Once(cfg)),
		read: api.NewFromConfig(awsclient.Within(cfg, readTimeout))}
}

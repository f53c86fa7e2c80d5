package gate

import (
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// New returns the gate of a lifecycle event with the environment's settings.
func New(ctx context.Context, n lifecycle.Name, env envconfig.Lookuper, out io.Writer) *Gate {
	s, err := ReadSettings(ctx, env)
	cfg := s.AWS.Config()
	return &Gate{
		Settings: s, SettingsError: err, LifecycleEvent: n,
		CodeDeploy: codedeploy.New(cfg), AWS: cfg, Out: out,
	}
}

// Invoke is Handle with the raw payload, as Lambda's runtime calls it. If the runtime parsed the payload, it would
// refuse one that is not JSON by itself, and the log would hold no verdict.
func (g *Gate) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := g.Handle(ctx, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// Start serves the gate's invocations under Lambda, with settings from the process's environment. It
// does not return.
func Start(n lifecycle.Name) {
	lambda.Start(New(context.Background(), n, envconfig.OsLookuper(), os.Stdout))
}

package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// resolve looks up the suite's variables. A --var replaces the suite's own text or source; AWS is asked,
// and its configuration read, only when a variable needs it.
func resolve(
	ctx context.Context, checked *suite.Suite, o options, env func(string) (string, bool),
) (map[string]suite.Value, error) {
	var refs []suite.Reference
	needsAWS := false
	secrets, unused := map[string]bool{}, maps.Clone(o.stored)
	for _, ref := range checked.References() {
		delete(unused, ref.ID)
		secrets[ref.Name] = ref.Secret || ref.Kind != suite.ReferenceEnv
		if _, given := o.values[ref.Name]; given {
			continue
		}
		refs = append(refs, ref)
		_, stored := o.stored[ref.ID]
		needsAWS = needsAWS || !stored && (ref.Kind == suite.ReferenceSSM || ref.Kind == suite.ReferenceSecretsManager)
	}
	for id := range unused {
		return nil, fmt.Errorf("--secret: no variable of the suite comes from %.200q", id)
	}
	sources := secret.Sources{Env: env, Suite: checked, Stored: o.stored, Given: map[string]suite.Value{}}
	for name, text := range o.values {
		sources.Given[name] = suite.Value{Text: text, Secret: secrets[name]}
	}
	if needsAWS {
		// Credentials and region are found as every AWS tool finds them: environment, profiles, single sign-on. The SDK's
		// own warnings would stand among our lines; what matters of them is in its errors.
		cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
		if err != nil {
			return nil, fmt.Errorf("read the AWS configuration: %w", err)
		}
		cfg = awsclient.Bounded(cfg)
		sources.AWS = &cfg
	}
	return sources.Resolve(ctx, refs)
}

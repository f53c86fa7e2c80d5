package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// resolve looks up the suite's variables. A --var replaces the suite's own text or source; AWS is asked,
// and its configuration read, only when a variable needs it.
func resolve(ctx context.Context, checked *suite.Suite, o options, env func(string) (string, bool)) (map[string]suite.Value, error) {
	var refs []suite.Reference
	needsAWS := false
	secrets := map[string]bool{}
	for _, ref := range checked.References() {
		secrets[ref.Name] = ref.Secret || ref.Kind != suite.ReferenceEnv
		if _, given := o.values[ref.Name]; given {
			continue
		}
		refs = append(refs, ref)
		needsAWS = needsAWS || ref.Kind != suite.ReferenceEnv
	}
	sources := secret.Sources{Env: env}
	if needsAWS {
		client, err := awsClient(ctx, env)
		if err != nil {
			return nil, err
		}
		sources.AWS = client
	}
	values, err := sources.Resolve(ctx, refs)
	if err != nil {
		return nil, err
	}
	for name, text := range o.values {
		values[name] = suite.Value{Text: text, Secret: secrets[name]}
	}
	return values, nil
}

// awsClient finds credentials and region as every AWS tool does: environment, profiles, single sign-on.
func awsClient(ctx context.Context, env func(string) (string, bool)) (*signed.Client, error) {
	// The SDK's own warnings would stand among our lines; what matters of them is in its errors.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	get := func(name string) string { v, _ := env(name); return v }
	endpoint := func(service string) string {
		if strings.EqualFold(get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
			return ""
		}
		if v := get("AWS_ENDPOINT_URL_" + service); v != "" {
			return v
		}
		if v := get("AWS_ENDPOINT_URL"); v != "" {
			return v
		}
		return aws.ToString(cfg.BaseEndpoint)
	}
	return &signed.Client{Region: cfg.Region, Credentials: cfg.Credentials, Endpoint: endpoint}, nil
}

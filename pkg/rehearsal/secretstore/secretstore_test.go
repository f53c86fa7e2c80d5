package secretstore_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/secretstore"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// The hooks' own client reads what was given, and gets AWS's error name for everything else.
func TestWhatWasGivenIsAnsweredAndNothingElse(t *testing.T) {
	store := &secretstore.Store{Values: map[string]string{"arn:secret": "s1", "/app/token": "p1", "/empty": ""}}
	server := httptest.NewServer(awsjson.Handler{Services: store.Services()})
	t.Cleanup(server.Close)
	client := &signed.Client{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""), Endpoint: func(string) string { return server.URL }}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var secret struct{ SecretString string }
	if err := client.JSON(ctx, signed.SecretsManager, "GetSecretValue", map[string]string{"SecretId": "arn:secret"}, &secret); err != nil || secret.SecretString != "s1" {
		t.Errorf("secret %q, %v", secret.SecretString, err)
	}
	err := client.JSON(ctx, signed.SecretsManager, "GetSecretValue", map[string]string{"SecretId": "arn:other"}, nil)
	if !signed.IsCode(err, "ResourceNotFoundException") {
		t.Errorf("another secret: %v", err)
	}
	var parameter struct {
		Parameter struct{ Name, Value, Type string }
	}
	if err := client.JSON(ctx, signed.SSM, "GetParameter", map[string]any{"Name": "/app/token", "WithDecryption": true}, &parameter); err != nil || parameter.Parameter.Value != "p1" {
		t.Errorf("parameter %+v, %v", parameter, err)
	}
	if err := client.JSON(ctx, signed.SSM, "GetParameter", map[string]any{"Name": "/empty"}, &parameter); err != nil || parameter.Parameter.Value != "" {
		t.Errorf("a parameter with an empty value: %+v, %v", parameter, err)
	}
	if err := client.JSON(ctx, signed.SSM, "GetParameter", map[string]any{"Name": "/none"}, nil); !signed.IsCode(err, "ParameterNotFound") {
		t.Errorf("another parameter: %v", err)
	}
	var several struct {
		Parameters        []struct{ Name, Value string }
		InvalidParameters []string
	}
	err = client.JSON(ctx, signed.SSM, "GetParameters", map[string]any{"Names": []string{"/app/token", "/none", "/nil"}}, &several)
	if err != nil || len(several.Parameters) != 1 || !slices.Equal(several.InvalidParameters, []string{"/none", "/nil"}) {
		t.Errorf("several: %+v, %v", several, err)
	}
	if got, want := store.Missed(), []string{"/nil", "/none", "arn:other"}; !slices.Equal(got, want) {
		t.Errorf("missed %q, want %q", got, want)
	}
}

package aws_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

// A client reads what was given, and gets AWS's error name for everything else.
func TestWhatWasGivenIsAnsweredAndNothingElse(t *testing.T) {
	s := &fake.Server{}
	for reference, value := range map[string]string{"arn:secret": "s1", "/app/token": "p1", "/empty": ""} {
		s.Values.Put(reference, value)
	}
	cfg := serve(t, s)
	secrets, parameters := secretsmanager.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	secret, err := secrets.GetSecretValue(bounded(t), &secretsmanager.GetSecretValueInput{SecretId: aws.String("arn:secret")})
	if err != nil || aws.ToString(secret.SecretString) != "s1" {
		t.Errorf("secret %+v, %v", secret, err)
	}
	_, err = secrets.GetSecretValue(bounded(t), &secretsmanager.GetSecretValueInput{SecretId: aws.String("arn:other")})
	if got := code(t, err); got != "ResourceNotFoundException" {
		t.Errorf("another secret: %q", got)
	}
	get := func(name string) (string, string) {
		out, err := parameters.GetParameter(bounded(t), &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
		if err != nil {
			return "", code(t, err)
		}
		return aws.ToString(out.Parameter.Value), ""
	}
	put := func(name, value string, overwrite bool) string {
		_, err := parameters.PutParameter(bounded(t), &ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(value), Overwrite: aws.Bool(overwrite), Type: "String"})
		return code(t, err)
	}
	for name, want := range map[string][2]string{"/app/token": {"p1", ""}, "/empty": {"", ""}, "/none": {"", "ParameterNotFound"}, "/nil": {"", "ParameterNotFound"}} {
		if value, fault := get(name); value != want[0] || fault != want[1] {
			t.Errorf("%s: %q, %q, want %q", name, value, fault, want)
		}
	}
	if got, want := s.Values.Missed(), []string{"/nil", "/none", "arn:other"}; !slices.Equal(got, want) {
		t.Errorf("missed %q, want %q", got, want)
	}
	if got := put("/app/token", "p2", false); got != "ParameterAlreadyExists" {
		t.Errorf("a parameter that is there: %q", got)
	}
	if got := put("/app/token", "p2", true) + put("/new", "n1", false); got != "" {
		t.Errorf("put: %q", got)
	}
	for name, want := range map[string]string{"/app/token": "p2", "/new": "n1"} {
		if value, _ := get(name); value != want {
			t.Errorf("%s = %q, want %q", name, value, want)
		}
	}
}

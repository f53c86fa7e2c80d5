// Package secret looks up the values that a suite's variables refer to: in the environment, in SSM
// Parameter Store and in Secrets Manager.
//
// It refuses to guess: a variable without a value is an error that names the variable, its place in
// the suite and what to do. No error ever holds a value.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// timeout bounds all look-ups of a suite together. They run side by side, so the number of variables does not matter.
const timeout = 8 * time.Second

// maxReason bounds what is told of one variable, in characters.
const maxReason = 500

// Sources is where values are looked up.
type Sources struct {
	// Env looks up an environment variable.
	Env func(name string) (string, bool)
	// AWS is asked for parameters and secrets; nil when the suite is not expected to have any.
	AWS *aws.Config
	// Stored is what AWS, or the environment, would answer, by a reference's id; nobody is asked for it then.
	Stored map[string]string
	// Suite fills its variables into what a token is asked for with; nil where no reference is one.
	Suite *suite.Suite
	// Given are values that are known already; they are among what Resolve returns.
	Given map[string]suite.Value
}

// Resolve looks up all references and returns the values by variable. When some cannot be had, the
// error names every one of them, in the order of the references.
func (s Sources) Resolve(ctx context.Context, refs []suite.Reference) (map[string]suite.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	texts, errs := make([]string, len(refs)), make([]error, len(refs))
	lookups := make([]func(), len(refs))
	for i, ref := range refs {
		lookups[i] = func() {
			text, err := s.lookup(ctx, ref)
			if err != nil {
				// What AWS, or who answers in its place, says is foreign text.
				errs[i] = fmt.Errorf("%s: variable %s: %s", ref.Place, ref.Name, redact.Safe(err.Error(), maxReason))
			}
			texts[i] = text
		}
	}
	parallel.Do(lookups...)
	values := make(map[string]suite.Value, len(refs)+len(s.Given))
	maps.Copy(values, s.Given)
	for i, ref := range refs {
		_, stored := s.Stored[ref.ID]
		values[ref.Name] = suite.Value{Text: texts[i], Secret: stored || ref.Secret || ref.Kind != suite.ReferenceEnv}
	}
	secrets := map[string]string{}
	for i, ref := range refs {
		if ref.Kind == suite.ReferenceOAuth2 && errors.Join(errs...) == nil {
			token, err := s.token(ctx, ref, values)
			if err != nil {
				errs[i] = fmt.Errorf("%s: variable %s: %w", ref.Place, ref.Name, err)
			}
			values[ref.Name] = suite.Value{Text: token, Secret: true}
		}
		if values[ref.Name].Secret {
			secrets[fmt.Sprintf("%s: variable %s", ref.Place, ref.Name)] = values[ref.Name].Text
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return values, redact.Check(secrets)
}

// token asks for an access token. What the server says is not quoted: it may repeat the client's secret.
func (s Sources) token(ctx context.Context, ref suite.Reference, values map[string]suite.Value) (string, error) {
	cfg := clientcredentials.Config{TokenURL: ref.ID}
	var errID, errSecret error
	cfg.ClientID, errID = s.Suite.Expand(ref.Client.ID, values)
	cfg.ClientSecret, errSecret = s.Suite.Expand(ref.Client.Secret, values)
	scope, errScope := s.Suite.Expand(ref.Client.Scope, values)
	if err := errors.Join(errID, errSecret, errScope); err != nil {
		return "", err
	}
	cfg.Scopes = strings.Fields(scope)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	token, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		code := refused.Response.StatusCode
		if !regexp.MustCompile(`^(invalid_(request|client|grant|scope)|unauthorized_client|unsupported_grant_type)$`).MatchString(refused.ErrorCode) {
			refused.ErrorCode = "it does not say why"
		}
		return "", fmt.Errorf("%s answers %d %s, and no token: %s", ref.ID, code, http.StatusText(code), refused.ErrorCode)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if err != nil {
		return "", fmt.Errorf("ask %s for a token: %s", ref.ID, redact.Safe(err.Error(), maxReason))
	}
	return token.AccessToken, nil
}

func (s Sources) lookup(ctx context.Context, ref suite.Reference) (string, error) {
	stored, ok := s.Stored[ref.ID]
	switch {
	case ok && stored == "":
		return "", errors.New("the value that was given is empty")
	case ref.Kind == suite.ReferenceOAuth2:
		return "", nil // it is made of the others, and comes after them
	case ok && ref.Kind == suite.ReferenceSecretsManager:
		return field(stored, ref.Key)
	case ok:
		return stored, nil
	case ref.Kind == suite.ReferenceEnv:
		if text, ok := s.Env(ref.ID); ok && text != "" {
			return text, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", ref.ID)
	case ref.Kind == suite.ReferenceSSM:
		return s.Parameter(ctx, ref.ID)
	case ref.Kind == suite.ReferenceSecretsManager:
		return s.secret(ctx, ref.ID, ref.Key)
	}
	return "", fmt.Errorf("kind %q of reference is not known", ref.Kind)
}

// Parameter reads a parameter of SSM's Parameter Store, by its name or ARN. An answer about another one is an error.
func (s Sources) Parameter(ctx context.Context, name string) (string, error) {
	cfg, err := s.config(name)
	if err != nil {
		return "", err
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx,
		&ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", awsclient.Error(err)
	}
	p := awsclient.Of(out.Parameter)
	if got := aws.ToString(p.Name); got != "" && !sameParameter(name, got, aws.ToString(p.Selector)) {
		return "", fmt.Errorf("asked for the parameter %s, the answer is about %.100q", name, got)
	}
	if aws.ToString(p.Value) == "" {
		return "", fmt.Errorf("the parameter %s is empty", name)
	}
	return *p.Value, nil
}

// sameParameter reports whether AWS's answer is the parameter that was asked for. An ARN leaves out the name's first
// slash, and a version or label may follow either: "/name:3".
func sameParameter(asked, name, selector string) bool {
	short := func(text string) string {
		if _, after, ok := strings.Cut(text, ":parameter/"); ok {
			text = after
		}
		return strings.TrimPrefix(text, "/")
	}
	plain, _, _ := strings.Cut(short(asked), ":")
	return short(name)+selector == short(asked) || selector == "" && short(name) == plain
}

func (s Sources) secret(ctx context.Context, id, key string) (string, error) {
	cfg, err := s.config(id)
	if err != nil {
		return "", err
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx,
		&secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
	if err != nil {
		return "", awsclient.Error(err)
	}
	// An ARN may be given without the six characters that Secrets Manager adds to it.
	got, arn, whole := aws.ToString(out.Name), aws.ToString(out.ARN), aws.ToString(out.SecretString)
	if got != "" && got != id && (!strings.HasPrefix(id, "arn:") || !strings.HasPrefix(arn, id)) {
		return "", fmt.Errorf("asked for the secret %s, the answer is about %.100q", id, got)
	}
	return field(whole, key)
}

// field is a secret's text, or what its JSON object holds under a key.
func field(whole, key string) (string, error) {
	if whole == "" {
		return "", errors.New("the secret holds no text")
	}
	if key == "" {
		return whole, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(whole), &fields) != nil {
		return "", fmt.Errorf("the secret is no JSON object, so it has no key %q", key)
	}
	raw, ok := fields[key]
	if !ok {
		return "", fmt.Errorf("the secret has no key %q", key)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw) // a number, as its text
	}
	if text == "" || text == "null" {
		return "", fmt.Errorf("the secret's key %q is empty", key)
	}
	return text, nil
}

// config returns the configuration for the region that an ARN names, which may be another one than ours.
func (s Sources) config(id string) (aws.Config, error) {
	if s.AWS == nil {
		return aws.Config{}, errors.New("AWS is not set up here")
	}
	cfg := *s.AWS
	if part := strings.SplitN(id, ":", 5); len(part) == 5 && part[0] == "arn" && part[3] != "" {
		cfg.Region = part[3]
	}
	return cfg, nil
}

// Package secretstore stands in for AWS Secrets Manager and the SSM Parameter Store: it answers for the
// values that it was given or that were put, and says "not found", as AWS does, for everything else.
//
// It refuses to guess: a secret that nobody gave has no value.
package secretstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
)

// The prefixes of the two services in X-Amz-Target.
const (
	SecretsTarget    = "secretsmanager"
	ParametersTarget = "AmazonSSM"
)

// Store holds values by reference: a secret's ARN or name, a parameter's ARN or name.
type Store struct {
	Values map[string]string

	mu     sync.Mutex
	missed []string
}

// Missed returns the references that were asked for and had no value, each once, sorted.
func (s *Store) Missed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	missed := slices.Clone(s.missed)
	slices.Sort(missed)
	return slices.Compact(missed)
}

// Services returns the stand-ins for both services.
func (s *Store) Services() []awsjson.Service {
	return []awsjson.Service{
		{Target: SecretsTarget, Operations: map[string]awsjson.Operation{"GetSecretValue": awsjson.Typed(s.getSecretValue)}},
		{Target: ParametersTarget, Operations: map[string]awsjson.Operation{
			"GetParameter":  awsjson.Typed(s.getParameter),
			"GetParameters": awsjson.Typed(s.getParameters),
			"PutParameter":  awsjson.Typed(s.putParameter),
		}},
	}
}

func (s *Store) find(reference string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.Values[reference]
	if !ok {
		s.missed = append(s.missed, reference)
	}
	return value, ok
}

type secretInput struct {
	ID string `json:"SecretId"`
}

type secretOutput struct {
	ARN    string   `json:"ARN"`
	Name   string   `json:"Name"`
	Text   string   `json:"SecretString"`
	Stages []string `json:"VersionStages"`
}

func (s *Store) getSecretValue(_ context.Context, in secretInput) (secretOutput, error) {
	value, ok := s.find(in.ID)
	if !ok {
		return secretOutput{}, &awsjson.Fault{Type: "ResourceNotFoundException", Message: "Secrets Manager can't find the specified secret."}
	}
	return secretOutput{ARN: in.ID, Name: in.ID, Text: value, Stages: []string{"AWSCURRENT"}}, nil
}

type parameterInput struct {
	Name string `json:"Name"`
}

type parameter struct {
	Name    string `json:"Name"`
	Type    string `json:"Type"`
	Value   string `json:"Value"`
	Version int    `json:"Version"`
}

type parameterOutput struct {
	Parameter parameter `json:"Parameter"`
}

func (s *Store) getParameter(_ context.Context, in parameterInput) (parameterOutput, error) {
	value, ok := s.find(in.Name)
	if !ok {
		return parameterOutput{}, &awsjson.Fault{Type: "ParameterNotFound", Message: cmp.Or(in.Name, "no name")}
	}
	return parameterOutput{parameter{in.Name, "SecureString", value, 1}}, nil
}

type parametersInput struct {
	Names []string `json:"Names"`
}

type parametersOutput struct {
	Parameters []parameter `json:"Parameters"`
	Invalid    []string    `json:"InvalidParameters"`
}

func (s *Store) getParameters(_ context.Context, in parametersInput) (parametersOutput, error) {
	out := parametersOutput{Parameters: []parameter{}, Invalid: []string{}}
	for _, name := range in.Names {
		if value, ok := s.find(name); ok {
			out.Parameters = append(out.Parameters, parameter{name, "SecureString", value, 1})
		} else {
			out.Invalid = append(out.Invalid, name)
		}
	}
	return out, nil
}

type putInput struct {
	Name      string `json:"Name"`
	Value     string `json:"Value"`
	Overwrite bool   `json:"Overwrite"`
}

type putOutput struct {
	Version int    `json:"Version"`
	Tier    string `json:"Tier"`
}

func (s *Store) putParameter(_ context.Context, in putInput) (putOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.Values[in.Name]; there && !in.Overwrite {
		return putOutput{}, &awsjson.Fault{Type: "ParameterAlreadyExists", Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."}
	}
	s.Values[in.Name] = in.Value
	return putOutput{1, "Standard"}, nil
}

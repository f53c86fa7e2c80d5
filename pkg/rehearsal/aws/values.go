package aws

import (
	"cmp"
	"slices"
	"sync"
)

// The prefixes of the two services in X-Amz-Target.
const (
	SecretsManager = "secretsmanager"
	SSM            = "AmazonSSM"
)

// Values are what Secrets Manager and the SSM Parameter Store answer, by a secret's or a parameter's name or
// ARN. What was neither given nor put is not found, as AWS says it. The zero value is empty and ready.
type Values struct{ values, missed sync.Map }

// Put gives a reference its value.
func (v *Values) Put(reference, value string) { v.values.Store(reference, value) }

// Delete takes a reference's value away.
func (v *Values) Delete(reference string) { v.values.Delete(reference) }

// Get returns a reference's value.
func (v *Values) Get(reference string) (string, bool) {
	value, ok := v.values.Load(reference)
	text, _ := value.(string)
	return text, ok
}

// Missed returns the references that were asked for and had no value, each once, sorted.
func (v *Values) Missed() (missed []string) {
	for reference := range v.missed.Range {
		missed = append(missed, reference.(string)) //nolint:forcetypeassert // find stores nothing else
	}
	slices.Sort(missed)
	return missed
}

// find looks a call's reference up and remembers one that has no value.
func (v *Values) find(reference string) (string, bool) {
	value, ok := v.Get(reference)
	if !ok {
		v.missed.Store(reference, true)
	}
	return value, ok
}

// valueInput is what these operations take in all.
type valueInput struct {
	SecretID, Name, Value string
	Overwrite             bool
}

func (v *Values) getSecret(in valueInput) (any, error) {
	value, ok := v.find(in.SecretID)
	if !ok {
		return nil, fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return object{
		"ARN": in.SecretID, "Name": in.SecretID, "SecretString": value, "VersionStages": []string{"AWSCURRENT"},
	}, nil
}

func (v *Values) getParameter(in valueInput) (any, error) {
	value, ok := v.find(in.Name)
	if !ok {
		return nil, fault("ParameterNotFound", "%s", cmp.Or(in.Name, "no name"))
	}
	return object{"Parameter": object{"Name": in.Name, "Type": "SecureString", "Value": value, "Version": 1}}, nil
}

func (v *Values) putParameter(in valueInput) (any, error) {
	if _, there := v.Get(in.Name); there && !in.Overwrite {
		return nil, fault("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the "+
			"overwrite option in the request to true.")
	}
	v.Put(in.Name, in.Value)
	return object{"Version": 1, "Tier": "Standard"}, nil
}

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
type Values struct {
	mu     sync.Mutex
	values map[string]string
	missed []string
}

// Put gives a reference its value.
func (v *Values) Put(reference, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.values == nil {
		v.values = map[string]string{}
	}
	v.values[reference] = value
}

// Delete takes a reference's value away.
func (v *Values) Delete(reference string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.values, reference)
}

// Get returns a reference's value.
func (v *Values) Get(reference string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.values[reference]
	return value, ok
}

// Missed returns the references that were asked for and had no value, each once, sorted.
func (v *Values) Missed() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	missed := slices.Clone(v.missed)
	slices.Sort(missed)
	return slices.Compact(missed)
}

// find looks a call's reference up and remembers one that has no value.
func (v *Values) find(reference string) (string, bool) {
	value, ok := v.Get(reference)
	if !ok {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.missed = append(v.missed, reference)
	}
	return value, ok
}

func (v *Values) getSecret(in struct {
	ID string `json:"SecretId"`
},
) (any, error) {
	value, ok := v.find(in.ID)
	if !ok {
		return nil, fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return object{"ARN": in.ID, "Name": in.ID, "SecretString": value, "VersionStages": []string{"AWSCURRENT"}}, nil
}

type parameter struct {
	Name, Value string
	Overwrite   bool
}

func (v *Values) getParameter(in parameter) (any, error) {
	value, ok := v.find(in.Name)
	if !ok {
		return nil, fault("ParameterNotFound", "%s", cmp.Or(in.Name, "no name"))
	}
	return object{"Parameter": object{"Name": in.Name, "Type": "SecureString", "Value": value, "Version": 1}}, nil
}

func (v *Values) putParameter(in parameter) (any, error) {
	if _, there := v.Get(in.Name); there && !in.Overwrite {
		return nil, fault("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the "+
			"overwrite option in the request to true.")
	}
	v.Put(in.Name, in.Value)
	return object{"Version": 1, "Tier": "Standard"}, nil
}

// Package payload is what invokes a hook and what the hook answers, from CodeDeploy and from Amazon ECS's own
// deployments.
//
// It refuses a payload that could not be answered: what Parse accepts, a status can be stored for.
package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxID bounds the ids of a payload. A deployment id has 11 characters and an execution id some 200;
// neither length is documented, so the bound only keeps a hostile payload out of the logs.
const maxID = 4096

// Event is what invokes a hook: CodeDeploy sends these two members and nothing else, not even the
// name of the lifecycle event. (events.CodeDeployEvent of aws-lambda-go is something else: the
// EventBridge event of a state change.)
type Event struct {
	// DeploymentID is "d-XXXXXXXXX".
	DeploymentID string
	// HookExecutionID is opaque, and passed back as it came.
	HookExecutionID string
}

// Parse reads CodeDeploy's payload. Members are matched by their exact names, so that a payload in
// which one of them stands twice in different cases cannot be read in two ways; others are ignored.
func Parse(payload []byte) (Event, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return Event{}, fmt.Errorf("read hook event: not a JSON object: %w", err)
	}
	deployment, err1 := id(members, "DeploymentId")
	execution, err2 := id(members, "LifecycleEventHookExecutionId")
	if err := errors.Join(err1, err2); err != nil {
		return Event{}, err
	}
	return Event{DeploymentID: deployment, HookExecutionID: execution}, nil
}

func id(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", fmt.Errorf("read hook event: %s is missing", name)
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil || string(raw) == "null" {
		return "", fmt.Errorf("read hook event: %s is not a string", name)
	}
	switch {
	case strings.TrimSpace(value) == "":
		return "", fmt.Errorf("read hook event: %s is empty", name)
	case len(value) > maxID:
		return "", fmt.Errorf("read hook event: %s has %d bytes, at most %d make sense", name, len(value), maxID)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		return "", fmt.Errorf("read hook event: %s holds control characters", name)
	}
	return value, nil
}

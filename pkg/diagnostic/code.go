package diagnostic

import (
	"fmt"
	"slices"
)

// rules are the names of all rules, of task definitions and AppSpecs. The place of one is its code, which never changes
// its meaning: new ones come at the end, and one that goes leaves "" behind.
func rules() []string {
	return []string{
		"type", "document-size", "family", "container-name", "container-count", "essential", "image", "fargate-size",
		"task-size", "container-size", "network-mode", "ports", "port-conflict", "port-range", "fargate-only", "depends-on",
		"health-check", "environment-name", "environment-file", "secret-reference", "secret-name", "secret-in-text",
		"execution-role", "arn", "log-options", "volumes", "mount-points", "ulimits", "limits", "task-limits", "labels",
		"tags", "placeholder-left", "command", "machine-variable",
		"version", "resources", "properties", "key", "task-definition", "load-balancer", "platform-version", "network",
		"capacity-provider", "hooks", "image-detail", "env-file-twice", "windows",
	}
}

// Code is the code of a rule, GL001 and up; "" for what is not a rule.
func Code(rule string) string {
	if i := slices.Index(rules(), rule); i >= 0 && rule != "" {
		return fmt.Sprintf("GL%03d", i+1)
	}
	return ""
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/outfile"
)

// parameter is one of a stack's, as CloudFormation takes it.
type parameter struct {
	Key   string `json:"ParameterKey"`
	Value string `json:"ParameterValue"`
}

// parameters checks a file with a NAME=VALUE a line (or CloudFormation's own JSON) against a template of dist,
// and writes it as dist/parameters.json. A wrong name costs a second here, and a rolled back stack later.
func parameters(file, template, dist string) error {
	given, err := readParameters(file)
	if err != nil {
		return err
	}
	known, needed, err := declared(filepath.Join(dist, template))
	if err != nil {
		return err
	}
	var problems []error
	seen := map[string]bool{}
	for _, p := range given {
		switch {
		case seen[p.Key]:
			problems = append(problems, fmt.Errorf("%s: %s stands there twice", file, p.Key))
		case !slices.Contains(known, p.Key):
			problems = append(problems, unknown(file, template, p.Key, known))
		}
		seen[p.Key] = true
	}
	for _, name := range needed {
		if !seen[name] {
			problems = append(problems, fmt.Errorf("%s: %s is not set, and %s has no default for it", orNone(file), name, template))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	text, err := json.MarshalIndent(given, "", "  ")
	if err != nil {
		return err
	}
	return outfile.Write(filepath.Join(dist, "parameters.json"), append(text, '\n'))
}

func unknown(file, template, name string, known []string) error {
	if near, ok := diagnostic.Nearest(name, known); ok {
		return fmt.Errorf("%s: %s has no parameter %q; did you mean %s?", file, template, name, near)
	}
	return fmt.Errorf("%s: %s has no parameter %q; it has %s", file, template, name, strings.Join(known, ", "))
}

func orNone(file string) string {
	if file == "" {
		return "PARAMETERS"
	}
	return file
}

func readParameters(file string) ([]parameter, error) {
	given := []parameter{}
	if file == "" {
		return given, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, ".json") {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&given); err != nil {
			return nil, fmt.Errorf(`read %s: want [{"ParameterKey": "...", "ParameterValue": "..."}]: %w`, file, err)
		}
		return given, nil
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("read %s:%d: want NAME=VALUE", file, i+1)
		}
		given = append(given, parameter{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return given, nil
}

// declared returns a template's parameters, and those without a default.
func declared(template string) (known, needed []string, err error) {
	text, err := os.ReadFile(template)
	if err != nil {
		return nil, nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, nil, err
	}
	defaults := map[string]bool{}
	err = each(&root, nil, func(keys []string, _ int, _ *yaml.Node) error {
		if len(keys) < 2 || keys[0] != "Parameters" {
			return nil
		}
		if len(keys) == 2 {
			known = append(known, keys[1])
		}
		if len(keys) == 3 && keys[2] == "Default" {
			defaults[keys[1]] = true
		}
		return nil
	})
	for _, name := range known {
		if !defaults[name] {
			needed = append(needed, name)
		}
	}
	return known, needed, err
}

package main

import (
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/document"
	"github.com/greenlight-ecs/greenlight/pkg/placeholder"
)

// values are the variables: --var wins over the environment, the environment over files, a later file or
// flag over an earlier one.
type values struct {
	vars, files map[string]string
	environ     []string
	// known are their names, listed when the first one is missing.
	known []string
}

func (v *values) lookup(name string) (string, bool) {
	if value, ok := v.vars[name]; ok {
		return value, true
	}
	if value, ok := v.environment(name); ok {
		return value, true
	}
	value, ok := v.files[name]
	return value, ok
}

// environment looks a name up in the process's environment.
func (v *values) environment(name string) (string, bool) {
	for _, e := range v.environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// near suggests a variable that is set.
func (v *values) near(name string) (string, bool) {
	if v.known == nil {
		v.known = v.names()
	}
	return diagnostic.Nearest(name, v.known)
}

// names lists what is set.
func (v *values) names() []string {
	known := []string{}
	for _, values := range []map[string]string{v.vars, v.files} {
		for k := range values {
			known = append(known, k)
		}
	}
	for _, e := range v.environ {
		k, _, _ := strings.Cut(e, "=")
		known = append(known, k)
	}
	slices.Sort(known)
	return known
}

// environment reads --var and --env-file.
func (t *templateRun) environment(environ []string) {
	t.values = values{vars: map[string]string{}, files: map[string]string{}, environ: environ}
	for _, v := range t.vars {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok:
			t.Usage("--var", "want NAME=VALUE", "")
		case !placeholder.IsName(name):
			t.Usage("--var", document.Quote(name)+" is not a variable's name", "letters, digits and _, not first a digit")
		default:
			t.values.vars[name] = value
		}
	}
	for _, f := range t.envFiles {
		if f == "" {
			continue // NotEmpty has said so
		}
		text, ok := t.Read(f)
		if !ok {
			continue
		}
		read, problems := cli.ReadEnv(cli.Name(f), text)
		t.Add(problems...)
		for name, value := range read {
			t.values.files[name] = value
		}
	}
}

// scope makes --only a predicate; nil when every name is a variable.
func (t *templateRun) scope() placeholder.Scope {
	if len(t.only) == 0 {
		return nil
	}
	names := map[string]bool{}
	var prefixes []string
	for _, item := range strings.Split(strings.Join(t.only, ","), ",") {
		item = strings.TrimSpace(item)
		prefix, open := strings.CutSuffix(item, "*")
		switch {
		case item == "":
		case open && (prefix == "" || placeholder.IsName(prefix)):
			prefixes = append(prefixes, prefix)
		case placeholder.IsName(item):
			names[item] = true
		default:
			t.Usage("--only", document.Quote(item)+" is neither a variable's name nor PREFIX_*", "")
		}
	}
	if len(names)+len(prefixes) == 0 && !t.Failed() {
		t.Usage("--only", "names no variable", "without --only every $NAME is one")
	}
	return func(name string) bool {
		if names[name] {
			return true
		}
		for _, p := range prefixes {
			if name != "" && strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	}
}

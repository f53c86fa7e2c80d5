package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// values are the variables: --var wins over the environment, the environment over files, a later file or
// flag over an earlier one.
type values struct {
	vars, environ, files map[string]string
	// known are their names, listed when the first one is missing.
	known []string
}

func (v *values) lookup(name string) (string, bool) {
	for _, from := range []map[string]string{v.vars, v.environ, v.files} {
		if value, ok := from[name]; ok {
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
	for _, from := range []map[string]string{v.vars, v.environ, v.files} {
		known = slices.AppendSeq(known, maps.Keys(from))
	}
	slices.Sort(known)
	return known
}

// environment reads --var and --env-file.
func (t *templateRun) environment(environ []string) {
	t.values = values{vars: map[string]string{}, files: map[string]string{}, environ: map[string]string{}}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if _, twice := t.values.environ[name]; !twice { // as getenv does, the first one counts
			t.values.environ[name] = value
		}
	}
	for _, v := range t.vars {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok:
			t.Usage("--var", "want NAME=VALUE", "")
		case !template.IsName(name):
			t.Usage("--var", template.Quote(name)+" is not a variable's name", "letters, digits and _, not first a digit")
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
func (t *templateRun) scope() template.Scope {
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
		case open && (prefix == "" || template.IsName(prefix)):
			prefixes = append(prefixes, prefix)
		case template.IsName(item):
			names[item] = true
		default:
			t.Usage("--only", template.Quote(item)+" is neither a variable's name nor PREFIX_*", "")
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

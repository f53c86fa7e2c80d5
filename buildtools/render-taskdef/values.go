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
	set, environ map[string]string
	// given are those of --var.
	given map[string]bool
	// known are their names, listed when the first one is missing.
	known []string
}

func (v *values) lookup(name string) (string, bool) {
	value, ok := v.set[name]
	return value, ok
}

// ofMachine reports whether a variable has its value from the environment.
func (v *values) ofMachine(name string) bool {
	_, ok := v.environ[name]
	return ok && !v.given[name]
}

// near suggests a variable that is set.
func (v *values) near(name string) (string, bool) {
	if v.known == nil {
		v.known = slices.Sorted(maps.Keys(v.set))
	}
	return diagnostic.Nearest(name, v.known)
}

// environment reads --var and --env-file.
func (t *templateRun) environment(environ []string) {
	t.values = values{set: map[string]string{}, environ: map[string]string{}, given: map[string]bool{}}
	for _, f := range t.envFiles {
		if f == "" {
			continue // NotEmpty has said so
		}
		if text, ok := t.Read(f); ok {
			read, problems := cli.ReadEnv(cli.Name(f), text)
			t.Add(problems...)
			maps.Copy(t.values.set, read)
		}
	}
	for _, e := range slices.Backward(environ) { // as with getenv, the first one counts
		name, value, _ := strings.Cut(e, "=")
		t.values.environ[name] = value
	}
	maps.Copy(t.values.set, t.values.environ)
	for _, v := range t.vars {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok:
			t.Usage("--var", "want NAME=VALUE", "")
		case !template.IsName(name):
			t.Usage("--var", template.Quote(name)+" is not a variable's name", "letters, digits and _, not first a digit")
		default:
			t.values.set[name], t.values.given[name] = value, true
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
	for item := range strings.SplitSeq(strings.Join(t.only, ","), ",") {
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
		open := func(prefix string) bool { return name != "" && strings.HasPrefix(name, prefix) }
		return names[name] || slices.ContainsFunc(prefixes, open)
	}
}

package taskdef

import (
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Malformed returns what is wrong with the edits whatever the template is, so that it is reported even when the
// template cannot be read.
func (edits Edits) Malformed() diagnostic.List {
	var e editor
	e.each("--unset-env", edits.UnsetEnv, nil)
	e.each("--env", edits.Env, nil)
	e.each("--secret", edits.Secrets, nil)
	e.each("--label", edits.Labels, nil)
	e.each("--tag", edits.Tags, nil)
	e.each("--command", edits.Commands, nil)
	e.each("--set", edits.Sets, nil)
	e.each(placeholderFlag, edits.ImagePlaceholders, nil)
	return e.problems
}

// each calls edit for every well-formed value of a flag.
func (e *editor) each(flag string, args []string, edit func(flag, arg string)) {
	for _, arg := range args {
		if e.wellFormed(flag, arg) && edit != nil {
			edit(flag, arg)
		}
	}
}

// formOf says what the value of a flag looks like.
func formOf(flag string) string {
	switch flag {
	case "--unset-env":
		return "want [CONTAINER:]NAME, without a value"
	case "--env":
		return "want [CONTAINER:]NAME=VALUE"
	case "--secret":
		return "want [CONTAINER:]NAME=REFERENCE"
	case "--label":
		return "want [CONTAINER:]LABEL=VALUE"
	case "--command":
		return "want CONTAINER=WORDS or CONTAINER=[JSON list]"
	case "--set":
		return "want /POINTER=JSON"
	case placeholderFlag:
		return "want N=CONTAINER with N from 1 to 4"
	default:
		return "want KEY=VALUE"
	}
}

// wellFormed reports a value that is not of its flag's form. The value is not shown.
func (e *editor) wellFormed(flag, arg string) bool {
	key, value, assigned := strings.Cut(arg, "=")
	ok, help := assigned && key != "", ""
	switch flag {
	case "--unset-env":
		ok = !assigned && key != ""
	case placeholderFlag:
		ok = ok && len(key) == 1 && key >= "1" && key <= "4"
		help = "CodePipeline replaces up to four images, <IMAGE1_NAME> to <IMAGE4_NAME>"
	case "--env", "--secret", "--label", "--command":
		if !ok && e.root != nil && len(e.containers()) > 1 {
			help = e.nameHelp("")
		}
	case "--set":
		ok = ok && strings.HasPrefix(key, "/")
		help = `for example --set '/cpu="512"' or --set /containerDefinitions/web/stopTimeout=60`
		if _, problems := (template.Reader{}).Value(value); ok && len(problems) > 0 {
			pointer := template.Unquoted(key)
			e.usage(flag, pointer+": the value is not JSON", "a text needs its quotes: --set '"+pointer+`="…"'`)
			return false
		}
	}
	if !ok {
		e.usage(flag, formOf(flag), help)
	}
	return ok
}

// The render-taskdef command reads an ECS task definition template and writes what RegisterTaskDefinition
// takes, or says everything that is wrong with it. It talks to nobody.
package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func main() {
	os.Exit(run(os.Args[1:], &cli.Run{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, os.Environ()))
}

type options struct {
	out, imageDetail, appspec string
	listVars                  bool
	vars, envFiles, only      []string
	request                   taskdef.Request
}

// help has the command's help text.
//
//go:embed help
var help embed.FS

// command is the command line, whose flags go to o.
func command(o *options) *cli.Command {
	o.out = "taskdef.json"
	e := &o.request.Edits
	return cli.Described(help, "render-taskdef", cli.Flags{
		"output": &o.out, "image-detail": &o.imageDetail, "appspec": &o.appspec, "list-vars": &o.listVars,
		"var": &o.vars, "env-file": &o.envFiles, "only": &o.only,
		"image": &e.Images, "image-placeholder": &e.ImagePlaceholders, "env": &e.Env, "unset-env": &e.UnsetEnv,
		"secret": &e.Secrets, "label": &e.Labels, "tag": &e.Tags, "command": &e.Commands, "set": &e.Sets,
		"release": &e.Release, "suite": &e.Suite,
	})
}

func run(args []string, r *cli.Run, environ []string) int {
	t := templateRun{Run: r}
	c := command(&t.options)
	return t.Execute(c, args, func(args []string) {
		if len(args) != 1 {
			t.Usage("TEMPLATE", fmt.Sprintf("want one, got %d", len(args)),
				"render-taskdef -h shows the flags and an example; - is stdin")
			return
		}
		t.name = args[0]
		t.NotEmpty("output", "env-file", "only", "image-detail", "appspec")
		t.environment(environ)
		t.stamps(c)
		t.render()
	})
}

// templateRun renders one template.
type templateRun struct {
	*cli.Run
	options
	name string
}

// render goes on as far as it can, so that one run names everything that is wrong.
func (t *templateRun) render() {
	scope := t.scope()
	text, ok := t.Read(t.name)
	if !ok {
		return
	}
	doc, problems := template.Reader{Scope: scope}.Read(cli.Name(t.name), text)
	t.Add(problems...)
	t.request.Edits.WantImage = t.imageDetail != ""
	if t.listVars {
		if !t.Failed() {
			data := listed(doc)
			if t.JSON() {
				data, _ = json.MarshalIndent(doc.Uses(), "", "  ") // texts and numbers
				data = append(data, '\n')
			}
			t.Write(cli.Output{Name: "-", Data: data})
		}
		return
	}
	t.request.Doc = doc
	if len(problems) > 0 {
		t.request.All(doc.Root) // unset variables of what could be read are reported, too
		t.Add(t.request.Problems...)
		return
	}
	loses := doc.Root.HasPlaceholders() || strings.Contains(text, "$$")
	// The AppSpec that the result shall fit also says which container takes the labels.
	spec, fits := cli.Parse(t.Run, t.appspec, appspec.Read)
	t.request.Edits.Container = spec.Container.Text
	rendered, problems := t.request.Render()
	t.Add(problems...)
	if fits {
		t.Add(spec.CheckTarget(rendered.Task)...)
	}
	t.checkOutputs(loses)
	if t.imageDetail != "" && filepath.Base(t.imageDetail) != "imageDetail.json" {
		t.Add(diagnostic.Problem{
			Place: diagnostic.Place{Flag: "--image-detail"}, Severity: diagnostic.Warning, Rule: "image-detail",
			Text: "the file is not called imageDetail.json, and CodePipeline looks for no other name",
		})
	}
	if t.Failed() {
		return
	}
	outputs := []cli.Output{{Name: t.out, Data: rendered.Root.JSON()}}
	if t.imageDetail != "" {
		detail := fmt.Sprintf(`{"ImageURI": %s}`+"\n", quoted(rendered.ImageURI))
		outputs = append(outputs, cli.Output{Name: t.imageDetail, Data: []byte(detail)})
	}
	t.Write(outputs...)
}

// checkOutputs refuses to write a result over what it was made from, or over the other result. A template that
// loses no more than its comments may be rendered in place.
func (t *templateRun) checkOutputs(loses bool) {
	const help = "write to another file"
	inputs := map[string][]string{"template": {t.name}, "AppSpec": {t.appspec}, "env file": t.envFiles}
	for flag, out := range map[string]string{"--output": t.out, "--image-detail": t.imageDetail} {
		for what, files := range inputs {
			inPlace := what == "template" && flag == "--output" && !loses
			over := func(file string) bool { return out != "-" && !inPlace && cli.SameFile(out, file) }
			if slices.ContainsFunc(files, over) {
				t.Usage(flag, "would overwrite the "+what, help)
			}
		}
	}
	same := filepath.Clean(t.imageDetail) == filepath.Clean(t.out) || cli.SameFile(t.imageDetail, t.out)
	if t.imageDetail != "" && same {
		t.Usage("--image-detail", "is also the file of --output", help)
	}
}

// stamps checks the two labels that the hooks read.
func (t *templateRun) stamps(c *cli.Command) {
	switch release := t.request.Edits.Release; {
	case c.Given("release") && strings.TrimSpace(release) == "":
		t.Usage("--release", "is empty", "the variable behind it is not set")
	case strings.TrimSpace(release) != release || strings.ContainsFunc(release, unicode.IsControl):
		t.Usage("--release", "begins or ends with white space, or has a control character",
			"a release is compared as text with what the application answers")
	}
	if c.Given("suite") && !isSuite(t.request.Edits.Suite) {
		t.Usage("--suite", "is not a reference to a suite",
			"s3://bucket/key#sha256=… with 64 hexadecimal digits, or ssm:/name")
	}
}

// isSuite reports whether ref names a suite as the hooks read it: s3://bucket/key[#sha256=…] or ssm:/name.
func isSuite(ref string) bool {
	return regexp.MustCompile(`(?s)^ssm:.*[^/]|^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^#]+(?:#sha256=[0-9a-f]{64})?$`).MatchString(ref)
}

// listed is the output of --list-vars: a line for each mention, with tabs between name, place and default.
func listed(doc *template.Document) []byte {
	var b strings.Builder
	for _, u := range doc.Uses() {
		what := "optional"
		switch {
		case u.Default != nil:
			what = "default " + quoted(*u.Default)
		case u.Required:
			what = "required"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", u.Name, u.Place, what)
	}
	return []byte(b.String())
}

// quoted is a text as a JSON string.
func quoted(text string) string {
	return string((&template.Node{Kind: template.String, Text: text}).Compact())
}

// environment reads the variables: --var wins over the environment, that over --env-file, a later file or flag over an
// earlier one.
func (t *templateRun) environment(environ []string) {
	set, ofMachine := map[string]string{}, map[string]bool{}
	for _, f := range t.envFiles {
		if f == "" {
			continue // NotEmpty has said so
		}
		if text, ok := t.Read(f); ok {
			read, problems := cli.ReadEnv(cli.Name(f), text)
			t.Add(problems...)
			maps.Copy(set, read)
		}
	}
	for _, e := range slices.Backward(environ) { // as with getenv, the first one counts
		name, value, _ := strings.Cut(e, "=")
		if set[name], ofMachine[name] = value, true; name == "CODEBUILD_RESOLVED_SOURCE_VERSION" {
			t.request.Edits.DefaultRelease = value
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
			set[name], ofMachine[name] = value, false
		}
	}
	known := slices.Sorted(maps.Keys(set))
	t.request.OfMachine = func(name string) bool { return ofMachine[name] }
	t.request.Near = func(name string) (string, bool) { return diagnostic.Nearest(name, known) }
	t.request.Lookup = func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	}
}

// scope makes --only a predicate; nil when every name is a variable.
func (t *templateRun) scope() template.Scope {
	if len(t.only) == 0 {
		return nil
	}
	var names []string // and prefixes with a * behind them
	for item := range strings.SplitSeq(strings.Join(t.only, ","), ",") {
		item = strings.TrimSpace(item)
		switch prefix := strings.TrimSuffix(item, "*"); {
		case item == "":
		case item == "*" || template.IsName(prefix):
			names = append(names, item)
		default:
			t.Usage("--only", template.Quote(item)+" is neither a variable's name nor PREFIX_*", "")
		}
	}
	if len(names) == 0 && !t.Failed() {
		t.Usage("--only", "names no variable", "without --only every $NAME is one")
	}
	return func(name string) bool {
		return slices.ContainsFunc(names, func(known string) bool {
			prefix, open := strings.CutSuffix(known, "*")
			return name == known || open && name != "" && strings.HasPrefix(name, prefix)
		})
	}
}

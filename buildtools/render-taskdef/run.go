package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/command"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/renderer"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// system is what the outside gives a run.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
}

// options are the flags.
type options struct {
	out, imageDetail, appspec, release, suite string
	listVars                                  bool

	vars, envFiles, only                                []string
	images, placeholders                                []string
	env, unsetEnv, secrets, labels, tags, commands, set []string
}

func spec() command.Spec {
	return command.Spec{
		Name:      "render-taskdef",
		Arguments: "[flags] TEMPLATE",
		About: `Reads an ECS task definition template (JSON, JSON with comments or YAML; - is stdin), puts values in the
place of ${NAME}, applies the edits, checks what ECS and CodeDeploy would refuse later, and writes what
RegisterTaskDefinition takes. It talks to nobody, writes nothing when something is wrong, and never prints a value.

Variables: $A ${A} ${A-default} ${A:-default} ${A?message} ${A:?message} ${A:+alternative}; $$ is $.
A bare ${CPU} outside quotes is a number, true, false or null; "${json:A}" takes any JSON. Unset is an error.`,
		Example: `render-taskdef --env-file build.env --image "$REPOSITORY@$DIGEST" --release "$COMMIT" taskdef_src.json
aws ecs register-task-definition --cli-input-json file://taskdef.json`,
		Exit: renderer.ExitHelp,
	}
}

func (o *options) flags(flags *command.Flags) {
	flags.String(&o.out, "output", "taskdef.json", "write to `FILE`; - is stdout")
	flags.Short("o", "output")
	flags.List(&o.vars, "var", "set a variable: `NAME=VALUE`; wins over the environment; repeatable")
	flags.List(&o.envFiles, "env-file", "read variables from `FILE`; the environment wins over it; repeatable")
	flags.List(&o.only, "only", "only these `NAMES` are variables (A,PREFIX_*), any other $ is text; repeatable")
	flags.List(&o.images, "image", "set an image: `[CONTAINER=]URI`, *=URI for all; repeatable")
	flags.List(&o.placeholders, "image-placeholder", "leave <IMAGEN_NAME> for CodePipeline: `N=CONTAINER`; repeatable")
	flags.String(&o.imageDetail, "image-detail", "", "also write imageDetail.json to `FILE`")
	flags.List(&o.env, "env", "set an environment variable of a container: `[C:]K=V`; repeatable")
	flags.List(&o.unsetEnv, "unset-env", "remove one, or a secret: `[C:]K`; repeatable")
	flags.List(&o.secrets, "secret", "set a secret by its ARN or parameter name: `[C:]K=REF`; repeatable")
	flags.List(&o.labels, "label", "set a docker label: `[C:]K=V`; repeatable")
	flags.List(&o.tags, "tag", "set a tag of the task definition: `K=V`; repeatable")
	flags.List(&o.commands, "command", "set a container's command: `C=WORDS` as in a shell, or C=[JSON list]; repeatable")
	flags.List(&o.set, "set", "set anything: `POINTER=JSON`, as in /containerDefinitions/web/stopTimeout=60; repeatable")
	flags.String(&o.release, "release", "", "stamp the label greenlight.release with `ID` (default: $CODEBUILD_RESOLVED_SOURCE_VERSION)")
	flags.String(&o.suite, "suite", "", "stamp the label greenlight.suite with `REF` (s3://bucket/key#sha256=…)")
	flags.String(&o.appspec, "appspec", "", "check that this AppSpec `FILE` names a container and port of the result")
	flags.Switch(&o.listVars, "list-vars", "print the variables of the template, then exit")
}

func run(args []string, sys system) int {
	s := spec()
	flags := s.Flags()
	var o options
	o.flags(flags)
	r := &renderer.Run{Stdin: sys.stdin, Stdout: sys.stdout, Stderr: sys.stderr}
	if !r.Parse(s, flags, args) {
		return r.End()
	}
	if len(flags.Args()) != 1 {
		r.Usage("TEMPLATE", fmt.Sprintf("want one, got %d", len(flags.Args())), "render-taskdef -h shows the flags and an example; - is stdin")
		return r.End()
	}
	t := templateRun{Run: r, options: o, name: flags.Args()[0]}
	t.NotEmpty(flags, "output", "env-file", "only", "image-detail", "appspec")
	t.environment(sys.environ)
	t.stamps(flags)
	t.render()
	return r.End()
}

// templateRun renders one template.
type templateRun struct {
	*renderer.Run
	options
	name   string
	values values
	// defaultRelease is the release where no flag says it.
	defaultRelease string
}

// render goes on as far as it can, so that one run names everything that is wrong.
func (t *templateRun) render() {
	scope := t.scope()
	text, ok := t.Read(t.name)
	if !ok {
		return
	}
	doc, problems := template.Reader{Scope: scope}.Read(renderer.Name(t.name), text)
	t.Add(problems...)
	edits := t.edits()
	if t.listVars || len(problems) > 0 { // the edits are not tried
		t.Add(edits.Malformed()...)
	}
	if t.listVars {
		if !t.Failed() {
			t.Write(renderer.Output{Name: "-", Data: []byte(listed(doc))})
		}
		return
	}
	request := taskdef.Request{Doc: doc, Lookup: t.values.lookup, Near: t.values.near, Edits: edits}
	if len(problems) > 0 {
		t.Add(request.Unset()...)
		return
	}
	loses := doc.Root.HasPlaceholders() || strings.Contains(text, "$$")
	spec := t.readAppspec(&request)
	rendered, problems := request.Render()
	t.Add(problems...)
	if spec != nil {
		task := rendered.Task(doc)
		t.Add(spec.CheckTarget(task)...)
	}
	t.checkOutputs(loses)
	if t.imageDetail != "" && filepath.Base(t.imageDetail) != "imageDetail.json" {
		t.Add(diagnostic.Problem{
			Place: diagnostic.Place{Flag: "--image-detail"}, Severity: diagnostic.Warning, Cause: diagnostic.Rule, Rule: "image-detail",
			Text: "the file is not called imageDetail.json, and CodePipeline looks for no other name",
		})
	}
	if t.Failed() {
		return
	}
	outputs := []renderer.Output{{Name: t.out, Data: rendered.Root.JSON()}}
	if t.imageDetail != "" {
		detail := fmt.Sprintf(`{"ImageURI": %s}`+"\n", quoted(rendered.ImageURI))
		outputs = append(outputs, renderer.Output{Name: t.imageDetail, Data: []byte(detail)})
	}
	t.Write(outputs...)
}

// checkOutputs refuses to write a result over what it was made from, or over the other result. A template that
// loses no more than its comments may be rendered in place.
func (t *templateRun) checkOutputs(loses bool) {
	const help = "write to another file"
	for _, result := range []struct{ flag, file string }{{"--output", t.out}, {"--image-detail", t.imageDetail}} {
		flag, out := result.flag, result.file
		if out == "" || out == "-" {
			continue
		}
		if renderer.SameFile(out, t.name) && (loses || flag != "--output") {
			t.Usage(flag, "would overwrite the template", help)
		}
		if renderer.SameFile(out, t.appspec) {
			t.Usage(flag, "would overwrite the AppSpec", help)
		}
		for _, f := range t.envFiles {
			if renderer.SameFile(out, f) {
				t.Usage(flag, "would overwrite the env file", help)
			}
		}
	}
	if t.imageDetail != "" && (filepath.Clean(t.imageDetail) == filepath.Clean(t.out) || renderer.SameFile(t.imageDetail, t.out)) {
		t.Usage("--image-detail", "is also the file of --output", help)
	}
}

func (t *templateRun) edits() taskdef.Edits {
	return taskdef.Edits{
		Images: t.images, ImagePlaceholders: t.placeholders, WantImage: t.imageDetail != "",
		UnsetEnv: t.unsetEnv, Env: t.env, Secrets: t.secrets, Labels: t.labels, Tags: t.tags,
		Commands: t.commands, Sets: t.set, Release: t.release, DefaultRelease: t.defaultRelease, Suite: t.suite,
	}
}

// readAppspec reads the AppSpec that the result shall fit, which also says which container takes the labels.
func (t *templateRun) readAppspec(request *taskdef.Request) *appspec.Spec {
	if t.appspec == "" {
		return nil
	}
	text, ok := t.Read(t.appspec)
	if !ok {
		return nil
	}
	spec, problems := appspec.Read(renderer.Name(t.appspec), text)
	t.Add(problems...)
	request.Edits.Container = spec.Container.Text
	if len(problems.Errors(false)) > 0 {
		return nil
	}
	return &spec
}

// stamps checks the two labels that the hooks read.
func (t *templateRun) stamps(flags *command.Flags) {
	switch {
	case flags.Given("release") && strings.TrimSpace(t.release) == "":
		t.Usage("--release", "is empty", "the variable behind it is not set")
	case strings.TrimSpace(t.release) != t.release || strings.ContainsFunc(t.release, unicode.IsControl):
		t.Usage("--release", "begins or ends with white space, or has a control character", "a release is compared as text with what the application answers")
	case !flags.Given("release"):
		t.defaultRelease = t.values.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"]
	}
	if flags.Given("suite") && !isSuite(t.suite) {
		t.Usage("--suite", "is not a reference to a suite", "s3://bucket/key#sha256=… with 64 hexadecimal digits, or ssm:/name")
	}
}

// isSuite reports whether ref names a suite as the hooks read it: s3://bucket/key[#sha256=…] or ssm:/name.
func isSuite(ref string) bool {
	if name, ok := strings.CutPrefix(ref, "ssm:"); ok {
		return strings.Trim(name, "/") != ""
	}
	object, hash, hashed := strings.Cut(ref, "#")
	path, s3 := strings.CutPrefix(object, "s3://")
	bucket, key, _ := strings.Cut(path, "/")
	sum, ok := strings.CutPrefix(hash, "sha256=")
	if hashed && (!ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "") {
		return false
	}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	inner := strings.Trim(bucket, letters+".-") == "" && strings.Trim(bucket, ".-") == bucket
	return s3 && key != "" && len(bucket) >= 3 && len(bucket) <= 63 && inner
}

// listed is the output of --list-vars: a line for each mention, with tabs between name, place and default.
func listed(doc *template.Document) string {
	var b strings.Builder
	for _, u := range doc.Uses(doc.Root) {
		what := "required"
		switch {
		case u.HasDefault:
			what = "default " + quoted(u.Default)
		case u.Optional:
			what = "optional"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", u.Name, u.Place, what)
	}
	return b.String()
}

// quoted is a text as a JSON string.
func quoted(text string) string {
	return string((&template.Node{Kind: template.String, Text: text}).Compact())
}

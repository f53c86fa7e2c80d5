package taskdef

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// Edits are the changes that flags ask for. They are made first: a placeholder that one replaces needs no value.
type Edits struct {
	// Images are [CONTAINER=]URI or *=URI.
	Images []string
	// ImagePlaceholders are N=CONTAINER.
	ImagePlaceholders []string
	// WantImage asks for Rendered.ImageURI.
	WantImage bool
	// UnsetEnv are [C:]K; Env, Secrets and Labels [C:]K=V; Tags K=V; Commands C=WORDS; Sets POINTER=JSON.
	UnsetEnv, Env, Secrets, Labels, Tags, Commands, Sets []string
	// Release and Suite are stamped as docker labels where they are not empty; DefaultRelease is stamped when neither
	// Release nor one of the Labels names a release.
	Release, DefaultRelease, Suite string
	// Container is the one that the load balancer reaches, where it is known from elsewhere.
	Container string
}

// The docker labels that the hooks read.
const (
	ReleaseLabel = "greenlight.release"
	SuiteLabel   = "greenlight.suite"
)

type editor struct {
	*Request
	root *template.Node
	// flag is the one whose value is put in, and want what that looks like.
	flag, want string
	// numbers are those of the placeholders for images, held the containers that have them, and replaced what stood there.
	numbers        []string
	held, replaced []*template.Node
	wrong          diagnostic.List // with the flags
}

// apply makes the edits in a fixed order, and returns the image for imageDetail.json.
func (e *editor) apply() string {
	specific := func(image string) bool { return !strings.HasPrefix(image, "*=") }
	images := slices.DeleteFunc(slices.Clone(e.Edits.Images), specific) // first, so that the more specific ones win
	images = append(images, slices.DeleteFunc(slices.Clone(e.Edits.Images), func(s string) bool { return !specific(s) })...)
	stamp := func(label, value string) []string {
		if value == "" {
			return nil
		}
		return []string{label + "=" + value}
	}
	const assigned = `^[^=]+=`
	for _, edit := range []struct {
		flag       string
		args       []string
		form, want string
		do         func(e *editor, arg string)
	}{
		{"--set", e.Edits.Sets, `^/[^=]*=`, "/POINTER=JSON", (*editor).set},
		{"--image", images, "", "", (*editor).image},
		{"--unset-env", e.Edits.UnsetEnv, `^[^=]+$`, "[CONTAINER:]NAME, without a value", (*editor).unsetEnv},
		{"--env", e.Edits.Env, assigned, "[CONTAINER:]NAME=VALUE", (*editor).env},
		{"--secret", e.Edits.Secrets, assigned, "[CONTAINER:]NAME=REFERENCE", (*editor).env},
		{"--command", e.Edits.Commands, assigned, "CONTAINER=WORDS or CONTAINER=[JSON list]", (*editor).command},
		{"--label", e.Edits.Labels, assigned, "[CONTAINER:]LABEL=VALUE", (*editor).label},
		{"--release", stamp(ReleaseLabel, e.Edits.Release), assigned, "", (*editor).label},
		{"--release", stamp(ReleaseLabel, e.Edits.DefaultRelease), assigned, "", (*editor).defaultRelease},
		{"--suite", stamp(SuiteLabel, e.Edits.Suite), assigned, "", (*editor).label},
		{"--tag", e.Edits.Tags, assigned, "KEY=VALUE", (*editor).tag},
		{placeholderFlag, e.Edits.ImagePlaceholders, `^[1-4]=`, "N=CONTAINER with N from 1 to 4", (*editor).placeholder},
	} {
		e.flag, e.want = edit.flag, "want "+edit.want
		form := regexp.MustCompile(edit.form)
		for _, arg := range edit.args {
			if form.MatchString(arg) {
				edit.do(e, arg)
			} else {
				e.usage(e.want, e.formHelp())
			}
		}
	}
	return e.imageDetail()
}

// formHelp is for a value that is not of its flag's form. The value is not shown.
func (e *editor) formHelp() string {
	switch e.flag {
	case placeholderFlag:
		return "CodePipeline replaces up to four images, <IMAGE1_NAME> to <IMAGE4_NAME>"
	case "--set":
		return `for example --set '/cpu="512"' or --set /containerDefinitions/web/stopTimeout=60`
	case "--env", "--secret", "--label", "--command":
		if len(e.containers()) > 1 {
			return e.nameHelp("")
		}
	}
	return ""
}

// containers returns the containers, with their names expanded.
func (e *editor) containers() []*template.Node {
	var objects []*template.Node
	for _, c := range e.Node(e.root.Get("containerDefinitions")).List() {
		if e.Node(c).Kind == template.Object {
			e.Node(c.Get("name"))
			objects = append(objects, c)
		}
	}
	return objects
}

func (e *editor) names() (all []string) {
	for _, c := range e.containers() {
		all = append(all, c.Get("name").Str())
	}
	return all
}

// mustName is like named, and reports a problem of the flag when there is no such container.
func (e *editor) mustName(name string) *template.Node {
	c := named(e.containers(), name)
	switch {
	case c != nil:
	case strings.ContainsAny(strings.TrimSpace(name), " \t\n"): // no name, but perhaps a value with a secret in it
		e.usage("no container is called what stands before the =", e.nameHelp(""))
	default:
		e.usage("no container is called "+template.Quote(name), e.nameHelp(name))
	}
	return c
}

// nameHelp lists the containers, the nearest first.
func (e *editor) nameHelp(name string) string {
	known, shown := e.names(), names(e.containers())
	if len(known) == 0 {
		return "the template has no containers"
	}
	if i := slices.Index(known, strings.TrimSpace(name)); i >= 0 {
		return "did you mean " + shown[i] + ", without the white space?"
	}
	if near, ok := diagnostic.Nearest(strings.TrimSpace(name), known); ok {
		return "did you mean " + shown[slices.Index(known, near)] + "?"
	}
	return "containers are " + listed(shown)
}

// split takes a leading "C:" off where a container is called C, and returns that container or nil. It warns of a name
// that is nearly one: it is taken as a part of the key.
func (e *editor) split(arg string) (*template.Node, string) {
	key, _, _ := strings.Cut(arg, "=")
	name, _, ok := strings.Cut(key, ":")
	if !ok {
		return nil, arg
	}
	if c := named(e.containers(), name); c != nil {
		return c, arg[len(name)+1:]
	}
	if near, ok := diagnostic.Nearest(name, e.names()); ok {
		e.warn("no container is called "+template.Quote(name)+", so that it is part of the key",
			"did you mean "+named(e.containers(), near).Get("name").Label()+":…?")
	}
	return nil, arg
}

// target returns the container that an edit names with "C:", or the only one, and what follows the name.
func (e *editor) target(arg string) (*template.Node, string) {
	c, rest := e.split(arg)
	all := e.containers()
	switch {
	case c != nil:
	case len(all) == 1:
		c = all[0]
	case len(all) == 0:
		e.usage("the template has no containers", "")
	default:
		key, _, ok := strings.Cut(arg, "=")
		if !ok && e.flag != "--unset-env" {
			key = "NAME" // without a = it may be a value, which is not shown
		}
		e.usage("which container?", "write CONTAINER:"+template.Unquoted(key)+"; "+e.nameHelp(""))
	}
	return c, rest
}

// Reached returns the container of a list that the load balancer reaches: the known one, or the only one with a
// port, else the first essential one. exp may be nil for a document whose values are in place.
func Reached(containers []*template.Node, known string, exp *template.Expander) *template.Node {
	if c := named(containers, known); known != "" && c != nil {
		return c
	}
	withoutPort := func(c *template.Node) bool { return len(exp.Node(c.Get("portMappings")).List()) == 0 }
	withPort := slices.DeleteFunc(slices.Clone(containers), withoutPort)
	if len(withPort) == 1 {
		return withPort[0]
	}
	for _, c := range containers {
		if exp.Node(c.Get("essential")); isEssential(c) {
			return c
		}
	}
	return cmp.Or(containers...)
}

// text returns a new string node that a flag made.
func (e *editor) text(s string) *template.Node {
	return &template.Node{Kind: template.String, At: e.Doc.FromFlag(e.flag), Text: s}
}

// usage reports a flag that makes no sense. Names of keys and containers may stand in it, values never.
func (e *editor) usage(text, help string) {
	at := diagnostic.Place{Flag: e.flag}
	e.wrong = append(e.wrong, diagnostic.Problem{Place: at, Cause: diagnostic.Usage, Text: text, Help: help})
}

func (e *editor) warn(text, help string) {
	e.wrong = append(e.wrong, diagnostic.Problem{
		Place: diagnostic.Place{Flag: e.flag}, Severity: diagnostic.Warning, Cause: diagnostic.Rule, Text: text, Help: help,
	})
}

// child returns the object or list under a key, and makes an empty one of the wanted kind when there is none.
func (e *editor) child(parent *template.Node, key string, kind template.Kind) *template.Node {
	n := e.Node(parent.Get(key))
	switch {
	case n == nil || n.Kind == template.Null:
		n = &template.Node{Kind: kind, At: e.Doc.FromFlag(e.flag)}
		parent.Set(key, n)
	case n.Kind != kind:
		e.usage(fmt.Sprintf("%s of the template is %s, not %s", key, n.Kind.A(), kind.A()), "")
		return nil
	}
	return n
}

// set applies POINTER=JSON: a JSON pointer (RFC 6901) in which an element of a list may be named by its
// "name" too, and "-" is the place after the last one. Missing objects on the way are made, and a missing list before a
// "-" too.
func (e *editor) set(arg string) {
	pointer, text, _ := strings.Cut(arg, "=")
	value, problems := template.Reader{}.Value(text)
	if shown := template.Unquoted(pointer); len(problems) > 0 {
		e.usage(shown+": the value is not JSON", "a text needs its quotes: --set '"+shown+`="…"'`)
		return
	}
	value.From(e.Doc.FromFlag(e.flag+" "+template.Unquoted(pointer)), nil)
	keys := strings.Split(pointer[1:], "/")
	for i, key := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
	}
	n := e.root
	for i, key := range keys {
		last, next := i == len(keys)-1, value
		if !last { // where there is nothing yet
			next = &template.Node{Kind: template.Object, At: value.At}
			if keys[i+1] == "-" {
				next.Kind = template.Array
			}
		}
		switch e.Node(n).Kind {
		case template.Object:
			if old := n.Get(key); last || old == nil || old.Kind == template.Null && old.Origin == nil {
				n.Set(key, next)
			} else {
				next = old
			}
		case template.Array:
			at, ok := e.element(n, key, pointer)
			switch {
			case !ok:
				return
			case at == len(n.Items):
				n.Items = append(n.Items, next)
			case last:
				n.Items[at] = next
			default:
				next = n.Items[at]
			}
		default:
			e.usage(template.Unquoted(pointer)+": on the way is "+n.Kind.A()+", with nothing inside", "")
			return
		}
		n = next
	}
}

// element returns the index of a list's element by its name or number; its length for "-".
func (e *editor) element(n *template.Node, key, pointer string) (int, bool) {
	var names []string
	for i, item := range n.Items {
		if name := e.Node(e.Node(item).Get("name")); name != nil {
			if name.Str() == key {
				return i, true
			}
			if !name.Secretive() {
				names = append(names, name.Str())
			}
		}
	}
	if key == "-" {
		return len(n.Items), true
	}
	if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Items) && strconv.Itoa(i) == key {
		return i, true
	}
	help := "the list has " + strconv.Itoa(len(n.Items)) + " elements; - is the place after the last"
	if near, ok := diagnostic.Nearest(key, names); ok {
		help = "did you mean " + template.Quote(near) + "?"
	} else if len(names) > 0 {
		help = "there are " + listed(names)
	}
	e.usage(template.Unquoted(pointer)+": no element "+template.Quote(key), help)
	return 0, false
}

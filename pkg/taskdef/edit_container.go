package taskdef

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// env sets a name in environment or in secrets, and removes it from the other: ECS refuses one that is in both.
func (e *editor) env(arg string) {
	key, value, other := "environment", "value", "secrets"
	if e.flag == "--secret" {
		key, value, other = "secrets", "valueFrom", "environment"
	}
	c, rest := e.target(arg)
	if c == nil {
		return
	}
	name, text, _ := strings.Cut(rest, "=")
	if name == "" {
		e.usage(e.want, "")
		return
	}
	e.removeNamed(c, other, name)
	e.setNamed(c, key, pair(e.Doc.FromFlag(e.flag), "name", name, value, text))
}

func (e *editor) unsetEnv(arg string) {
	c, name := e.target(arg)
	if c == nil {
		return
	}
	environment := e.removeNamed(c, "environment", name)
	if secrets := e.removeNamed(c, "secrets", name); !environment && !secrets {
		e.warn("container "+c.Get("name").Show()+" has no variable "+template.Quote(name), "")
	}
}

// pair is an element of a list of names and values, whatever AWS calls the two.
func pair(at int, nameKey, name, valueKey, value string) *template.Node {
	n := &template.Node{Kind: template.Object, At: at}
	n.Set(nameKey, &template.Node{Kind: template.String, At: at, Text: name})
	n.Set(valueKey, &template.Node{Kind: template.String, At: at, Text: value})
	return n
}

// setNamed puts a pair into a list, or its value into the element that has its name.
func (e *editor) setNamed(parent *template.Node, key string, item *template.Node) {
	all := e.child(parent, key, template.Array)
	if all == nil {
		return
	}
	name, value := item.Members[0], item.Members[1]
	isNamed := func(item *template.Node) bool { return e.isNamed(item, name.Key, name.Value.Text) }
	i := slices.IndexFunc(all.Items, isNamed)
	if i < 0 {
		all.Items = append(all.Items, item)
		return
	}
	old := all.Items[i]
	old.Set(value.Key, value.Value)
	// If the list had the name twice, the element that was not edited could win.
	all.Items = slices.DeleteFunc(all.Items, func(item *template.Node) bool { return item != old && isNamed(item) })
}

// isNamed reports whether the key of a list's element has the name.
func (e *editor) isNamed(item *template.Node, key, name string) bool {
	n := e.Node(e.Node(item).Get(key))
	return n != nil && n.Kind == template.String && n.Text == name
}

// removeNamed removes every element with the name, and the list when it was the only one.
func (e *editor) removeNamed(parent *template.Node, key, name string) (removed bool) {
	isNamed := func(item *template.Node) bool { return e.isNamed(item, "name", name) }
	all := e.Node(parent.Get(key))
	if removed = slices.ContainsFunc(all.List(), isNamed); removed {
		if all.Items = slices.DeleteFunc(all.Items, isNamed); len(all.Items) == 0 {
			parent.Delete(key)
		}
	}
	return removed
}

// label sets a docker label: on the container named, else on the one that the load balancer reaches.
func (e *editor) label(arg string) {
	var c *template.Node
	if e.flag == "--label" {
		c, arg = e.split(arg)
	}
	if c == nil {
		c = Reached(e.containers(), e.Edits.Container, &e.Expander)
	}
	key, value, _ := strings.Cut(arg, "=")
	switch {
	case c == nil:
		e.usage("the template has no containers", "")
		return
	case key == "":
		e.usage(e.want, "")
		return
	}
	if labels := e.child(c, "dockerLabels", template.Object); labels != nil {
		labels.Set(key, e.text(value))
	}
}

// defaultRelease sets the release label where no flag has set that of the container that the load balancer reaches.
func (e *editor) defaultRelease(arg string) {
	stamp := Reached(e.containers(), e.Edits.Container, &e.Expander).Get("dockerLabels").Get(ReleaseLabel)
	if stamp == nil || !slices.Contains([]string{"--label", "--release"}, e.Doc.Place(stamp.At).Flag) {
		e.label(arg)
	}
}

func (e *editor) tag(arg string) {
	key, value, _ := strings.Cut(arg, "=")
	e.setNamed(e.root, "tags", pair(e.Doc.FromFlag(e.flag), "key", key, "value", value))
}

// command replaces a container's command: C=shell words, or C=[a JSON list].
func (e *editor) command(arg string) {
	name, text, _ := strings.Cut(arg, "=")
	c := e.mustName(name)
	if c == nil {
		return
	}
	value, problems := template.Reader{}.Value(text)
	words, err := shellWords(text)
	switch isJSON := strings.HasPrefix(strings.TrimSpace(text), "["); {
	case isJSON && (len(problems) > 0 || value.Kind != template.Array):
		e.usage("what follows CONTAINER= begins like a JSON list, but is not one", `write ["sh","-c","…"], or shell words`)
		return
	case !isJSON && err != nil:
		e.usage(err.Error(), `quote as in a shell, or give a JSON list: ["sh","-c","…"]`)
		return
	case !isJSON:
		value = &template.Node{Kind: template.Array}
		for _, w := range words {
			value.Items = append(value.Items, textNode(w))
		}
	}
	value.From(e.Doc.FromFlag(e.flag), nil)
	c.Set("command", value)
}

// shellWords splits text as a POSIX shell does, with its three ways to quote and without expanding
// anything: no variables, no globs, no operators. The libraries for it either expand, or run commands,
// or take an open quote for closed.
func shellWords(text string) ([]string, error) {
	piece := regexp.MustCompile(`^(?:[ \t\r\n]+|'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\\[\s\S]|[^ \t\r\n'"\\]+)`)
	open := map[byte]string{
		'\'': "a single quote is not closed", '"': "a double quote is not closed", '\\': "a backslash stands at the end",
	}
	var words []string
	for inWord := false; text != ""; {
		part := piece.FindString(text)
		if part == "" {
			return nil, errors.New(open[text[0]])
		}
		text = text[len(part):]
		switch part[0] {
		case ' ', '\t', '\n', '\r':
			inWord = false
			continue
		case '\'':
			part = part[1 : len(part)-1]
		case '"': // within, a backslash quotes only what the shell says
			part = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\$`, "$", "\\`", "`", "\\\n", "").Replace(part[1 : len(part)-1])
		case '\\':
			if part = part[1:]; part == "\n" { // at the end of a line, which it continues
				continue
			}
		}
		if !inWord {
			words, inWord = append(words, ""), true
		}
		words[len(words)-1] += part
	}
	if len(words) == 0 {
		return nil, errors.New("no words")
	}
	return words, nil
}

// image sets the image of a container, of all, or of the one that an --image without a name means.
func (e *editor) image(arg string) {
	// A URI holds no =, so what stands before one is a name.
	name, uri, named := strings.Cut(arg, "=")
	var set []*template.Node
	switch {
	case named && name == "*":
		set = e.containers()
	case named:
		set = append(set, e.mustName(name))
	default:
		set, uri = append(set, e.unnamedImage()), arg
	}
	for _, c := range set {
		if c != nil {
			c.Set("image", e.text(uri))
		}
	}
}

// unnamedImage returns what an --image without a name means: the only container, or image with a placeholder.
func (e *editor) unnamedImage() *template.Node {
	all := e.containers()
	if len(all) == 1 {
		return all[0]
	}
	open := slices.DeleteFunc(all, func(c *template.Node) bool {
		image := c.Get("image")
		return image == nil || image.Origin == nil && !strings.ContainsAny(image.Text, "<$")
	})
	text := fmt.Sprintf("which container? %d of them have an image with a placeholder", len(open))
	switch len(open) {
	case 0:
		text = "which container? none of them has an image with a placeholder"
	case 1:
		return open[0]
	}
	e.usage(text, "write --image CONTAINER=URI, or *=URI for all; "+e.nameHelp(""))
	return nil
}

// placeholderFlag is the flag that leaves an image to CodePipeline.
const placeholderFlag = "--image-placeholder"

// placeholder puts <IMAGEn_NAME> where CodePipeline is to put an image.
func (e *editor) placeholder(arg string) {
	number, name, _ := strings.Cut(arg, "=")
	if slices.Contains(e.numbers, number) {
		e.usage("number "+number+" is given twice", "")
		return
	}
	e.numbers = append(e.numbers, number)
	switch c := e.mustName(name); {
	case c == nil:
	case slices.Contains(e.held, c):
		e.usage("container "+template.Quote(name)+" is given twice", "")
	default:
		e.held, e.replaced = append(e.held, c), append(e.replaced, c.Get("image"))
		c.Set("image", e.text("<IMAGE"+number+"_NAME>"))
	}
}

// imageDetail returns the image for imageDetail.json: what a placeholder has replaced, or the one that was given.
func (e *editor) imageDetail() (uri string) {
	if !e.Edits.WantImage {
		return ""
	}
	e.flag = "--image-detail"
	for _, image := range e.replaced {
		uri = e.Node(image).Str()
		if fault, help := imageFault(uri); image != nil && fault != "" && !image.Unknown() { // the image leaves the document
			e.usage("the image of the placeholder's container "+fault, help)
		}
	}
	switch {
	case len(e.held) > 1:
		e.usage("holds one image, but there are several --image-placeholder", "run once for each image")
	case len(e.held) == 1 && uri == "":
		e.usage("the container of the placeholder has no image", "give it: --image CONTAINER=URI")
	case len(e.Edits.ImagePlaceholders) > 0:
	case len(e.Edits.Images) == 1:
		uri = e.Edits.Images[0][strings.IndexByte(e.Edits.Images[0], '=')+1:]
	default:
		e.usage("which image?", "give one --image URI, or --image-placeholder 1=CONTAINER")
	}
	return uri
}

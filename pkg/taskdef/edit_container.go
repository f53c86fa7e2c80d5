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
func (e *editor) env(flag, arg string) {
	key, value, other := "environment", "value", "secrets"
	if flag == "--secret" {
		key, value, other = "secrets", "valueFrom", "environment"
	}
	c, rest := e.target(flag, arg)
	if c == nil {
		return
	}
	name, text, _ := strings.Cut(rest, "=")
	if name == "" {
		e.usage(flag, formOf(flag), "")
		return
	}
	e.removeNamed(c, other, name)
	e.setNamed(flag, c, key, pair{"name", name, value, text})
}

func (e *editor) unsetEnv(flag, arg string) {
	c, name := e.target(flag, arg)
	if c == nil {
		return
	}
	environment := e.removeNamed(c, "environment", name)
	if secrets := e.removeNamed(c, "secrets", name); !environment && !secrets {
		e.warn(flag, "container "+c.Get("name").Show()+" has no variable "+template.Quote(name), "")
	}
}

// pair is an element of a list of names and values, whatever AWS calls the two.
type pair struct{ nameKey, name, valueKey, value string }

func (e *editor) setNamed(flag string, parent *template.Node, key string, p pair) {
	all := e.child(flag, parent, key, template.Array)
	if all == nil {
		return
	}
	value := e.text(flag, p.value)
	isNamed := func(item *template.Node) bool { return e.isNamed(item, p.nameKey, p.name) }
	if i := slices.IndexFunc(all.Items, isNamed); i >= 0 {
		old := all.Items[i]
		old.Set(p.valueKey, value)
		// If the list had the name twice, the element that was not edited could win.
		all.Items = slices.DeleteFunc(all.Items, func(item *template.Node) bool {
			return item != old && isNamed(item)
		})
		return
	}
	name := e.text(flag, p.name)
	all.Items = append(all.Items, &template.Node{Kind: template.Object, At: name.At, Members: []template.Member{
		{Key: p.nameKey, KeyAt: name.At, Value: name},
		{Key: p.valueKey, KeyAt: value.At, Value: value},
	}})
}

// isNamed reports whether the key of a list's element has the name.
func (e *editor) isNamed(item *template.Node, key, name string) bool {
	n := e.exp.Node(e.exp.Node(item).Get(key))
	return n != nil && n.Kind == template.String && n.Text == name
}

// removeNamed removes every element with the name, and the list when it was the only one.
func (e *editor) removeNamed(parent *template.Node, key, name string) (removed bool) {
	isNamed := func(item *template.Node) bool { return e.isNamed(item, "name", name) }
	all := e.exp.Node(parent.Get(key))
	if removed = slices.ContainsFunc(all.List(), isNamed); removed {
		if all.Items = slices.DeleteFunc(all.Items, isNamed); len(all.Items) == 0 {
			parent.Delete(key)
		}
	}
	return removed
}

// label sets a docker label: on the container named, else on the one that the load balancer reaches.
func (e *editor) label(flag, arg string) {
	var c *template.Node
	if flag == "--label" {
		c, arg = e.split(flag, arg)
	}
	if c == nil {
		c = e.reached(flag)
	}
	key, value, _ := strings.Cut(arg, "=")
	switch {
	case c == nil:
		return
	case key == "":
		e.usage(flag, formOf(flag), "")
		return
	}
	if labels := e.child(flag, c, "dockerLabels", template.Object); labels != nil {
		labels.Set(key, e.text(flag, value))
	}
}

// defaultRelease sets the release label where no flag has set that of the container that the load balancer reaches.
func (e *editor) defaultRelease(flag, arg string) {
	c := e.reached(flag)
	stamp := c.Get("dockerLabels").Get(ReleaseLabel)
	if c == nil {
		return
	}
	if stamp == nil || !slices.Contains([]string{"--label", "--release"}, e.doc.Place(stamp.At).Flag) {
		e.label(flag, arg)
	}
}

func (e *editor) tag(flag, arg string) {
	key, value, _ := strings.Cut(arg, "=")
	e.setNamed(flag, e.root, "tags", pair{"key", key, "value", value})
}

// command replaces a container's command: C=shell words, or C=[a JSON list].
func (e *editor) command(flag, arg string) {
	name, text, _ := strings.Cut(arg, "=")
	c := e.mustName(flag, name)
	if c == nil {
		return
	}
	out := &template.Node{Kind: template.Array}
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		value, problems := template.Reader{}.Value(text)
		if len(problems) > 0 || value.Kind != template.Array {
			e.usage(flag, "what follows CONTAINER= begins like a JSON list, but is not one",
				`write ["sh","-c","…"], or shell words`)
			return
		}
		out = value
	} else {
		words, err := shellWords(text)
		if err != nil {
			e.usage(flag, err.Error(), `quote as in a shell, or give a JSON list: ["sh","-c","…"]`)
			return
		}
		for _, w := range words {
			out.Items = append(out.Items, textNode(w))
		}
	}
	out.From(e.doc.FromFlag(flag), nil)
	c.Set("command", out)
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
func (e *editor) image(flag, arg string) {
	// A URI holds no =, so what stands before one is a name.
	name, uri, named := strings.Cut(arg, "=")
	var set []*template.Node
	switch {
	case named && name == "*":
		set = e.containers()
	case named:
		set = append(set, e.mustName(flag, name))
	default:
		set, uri = append(set, e.unnamedImage()), arg
	}
	for _, c := range set {
		if c != nil {
			c.Set("image", e.text(flag, uri))
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
	e.usage("--image", text, "write --image CONTAINER=URI, or *=URI for all; "+e.nameHelp(""))
	return nil
}

// placeholderFlag is the flag that leaves an image to CodePipeline.
const placeholderFlag = "--image-placeholder"

// placeholders puts <IMAGEn_NAME> where CodePipeline is to put an image, and returns the image for imageDetail.json.
func (e *editor) placeholders(edits Edits) string {
	const flag = placeholderFlag
	uri := ""
	numbers := map[string]bool{}
	var held []*template.Node
	for _, arg := range edits.ImagePlaceholders {
		if !e.wellFormed(flag, arg) {
			continue
		}
		number, name, _ := strings.Cut(arg, "=")
		if numbers[number] {
			e.usage(flag, "number "+number+" is given twice", "")
			continue
		}
		numbers[number] = true
		c := e.mustName(flag, name)
		switch {
		case c == nil:
			continue
		case slices.Contains(held, c):
			e.usage(flag, "container "+template.Quote(name)+" is given twice", "")
			continue
		}
		if image := c.Get("image"); edits.WantImage && image != nil {
			uri = e.exp.Node(image).Str()
			if fault, help := imageFault(uri); fault != "" && !image.Unknown() { // the image leaves the document
				e.usage("--image-detail", "the image of the placeholder's container "+fault, help)
			}
		}
		c.Set("image", e.text(flag, "<IMAGE"+number+"_NAME>"))
		held = append(held, c)
	}
	switch {
	case !edits.WantImage:
	case len(held) > 1:
		e.usage("--image-detail", "holds one image, but there are several --image-placeholder", "run once for each image")
	case len(held) == 1 && uri == "":
		e.usage("--image-detail", "the container of the placeholder has no image", "give it: --image CONTAINER=URI")
	case len(edits.ImagePlaceholders) > 0:
	case len(edits.Images) == 1:
		uri = edits.Images[0][strings.IndexByte(edits.Images[0], '=')+1:]
	default:
		e.usage("--image-detail", "which image?", "give one --image URI, or --image-placeholder 1=CONTAINER")
	}
	return uri
}

package taskdef

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// env sets a variable of a container: its value in environment, or its reference in secrets. A name stands
// in one of the two lists, since ECS refuses it in both.
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
	e.removeNamed(c, other, "name", name)
	e.setNamed(flag, c, key, pair{"name", name, value, text})
}

func (e *editor) unsetEnv(flag, arg string) {
	c, name := e.target(flag, arg)
	if c == nil {
		return
	}
	environment := e.removeNamed(c, "environment", "name", name)
	if secrets := e.removeNamed(c, "secrets", "name", name); !environment && !secrets {
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
		old.Set(p.valueKey, value.At, value)
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
func (e *editor) removeNamed(parent *template.Node, listKey, key, name string) bool {
	all := e.exp.Node(parent.Get(listKey))
	if all == nil {
		return false
	}
	before := len(all.Items)
	all.Items = slices.DeleteFunc(all.Items, func(item *template.Node) bool { return e.isNamed(item, key, name) })
	removed := len(all.Items) < before
	if removed && len(all.Items) == 0 {
		parent.Delete(listKey)
	}
	return removed
}

// label sets a docker label: on the container named, else on the one that the load balancer reaches.
func (e *editor) label(flag, arg string) {
	c, rest := (*template.Node)(nil), arg
	if flag == "--label" {
		c, rest = e.split(flag, arg)
	}
	if c == nil {
		if c = e.reached(flag); c == nil {
			return
		}
	}
	key, value, _ := strings.Cut(rest, "=")
	if key == "" {
		e.usage(flag, formOf(flag), "")
		return
	}
	if labels := e.child(flag, c, "dockerLabels", template.Object); labels != nil {
		n := e.text(flag, value)
		labels.Set(key, n.At, n)
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
	at := e.doc.FromFlag(flag)
	out := &template.Node{Kind: template.Array, At: at}
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		value, problems := template.Reader{}.Value(text)
		if len(problems) > 0 || value.Kind != template.Array {
			e.usage(flag, "what follows CONTAINER= begins like a JSON list, but is not one",
				`write ["sh","-c","…"], or shell words`)
			return
		}
		value.From(at, nil)
		out = value
	} else {
		words, err := shellWords(text)
		if err != nil {
			e.usage(flag, err.Error(), `quote as in a shell, or give a JSON list: ["sh","-c","…"]`)
			return
		}
		for _, w := range words {
			out.Items = append(out.Items, &template.Node{Kind: template.String, At: at, Text: w})
		}
	}
	c.Set("command", at, out)
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

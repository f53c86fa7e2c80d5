package taskdef

import (
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// set applies POINTER=JSON: a JSON pointer (RFC 6901) in which an element of a list may be named by its
// "name" too, and "-" is the place after the last one. Missing objects on the way are made, and a missing list before a
// "-" too.
func (e *editor) set(flag, arg string) {
	pointer, text, _ := strings.Cut(arg, "=")
	value, _ := template.Reader{}.Value(text)
	value.From(e.doc.FromFlag(flag+" "+template.Unquoted(pointer)), nil)
	keys := strings.Split(pointer[1:], "/")
	for i, key := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
	}
	n := e.root
	for i, key := range keys {
		last := i == len(keys)-1
		switch e.exp.Node(n).Kind {
		case template.Object:
			if last {
				n.Set(key, value.At, value)
				return
			}
			next := n.Get(key)
			if next == nil || next.Kind == template.Null && next.Origin == nil {
				next = &template.Node{Kind: template.Object, At: value.At}
				if keys[i+1] == "-" { // behind the last element of a list that is not there yet
					next.Kind = template.Array
				}
				n.Set(key, value.At, next)
			}
			n = next
		case template.Array:
			at, ok := e.element(n, key, pointer)
			switch {
			case !ok:
				return
			case at == len(n.Items):
				if !last {
					value = wrapped(keys[i+1:], value)
				}
				n.Items = append(n.Items, value)
				return
			case last:
				n.Items[at] = value
				return
			}
			n = n.Items[at]
		default:
			e.usage("--set", template.Unquoted(pointer)+": on the way is "+n.Kind.A()+", with nothing inside", "")
			return
		}
	}
}

// wrapped puts a value into new objects.
func wrapped(keys []string, value *template.Node) *template.Node {
	for i := len(keys) - 1; i >= 0; i-- {
		member := template.Member{Key: keys[i], KeyAt: value.At, Value: value}
		value = &template.Node{Kind: template.Object, At: value.At, Members: []template.Member{member}}
	}
	return value
}

// element returns the index of a list's element by its name or number; its length for "-".
func (e *editor) element(n *template.Node, key, pointer string) (int, bool) {
	var names []string
	for i, item := range n.Items {
		if name := e.exp.Node(e.exp.Node(item).Get("name")); name != nil {
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
	e.usage("--set", template.Unquoted(pointer)+": no element "+template.Quote(key), help)
	return 0, false
}

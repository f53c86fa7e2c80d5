package draft

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// openAPIBudget is how many steps are taken in a document, since its references may lead in circles.
const openAPIBudget = 200_000

type openAPI struct {
	*Draft
	root   *template.Node
	budget int
}

// at is a node behind its references, and never nil. One that leads out of the document is not followed.
func (o *openAPI) at(n *template.Node, path ...string) *template.Node {
	for i := 0; i <= len(path) && n != nil; i++ {
		for ref := n.Get("$ref"); ref != nil && o.budget > 0; ref = n.Get("$ref") {
			pointer, here := strings.CutPrefix(ref.Str(), "#/")
			if n = o.root; !here && o.note("not followed, a reference out of the document", ref.Str()) {
				return &template.Node{}
			}
			for part := range strings.SplitSeq(pointer, "/") {
				o.budget--
				n = n.Get(strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}").Replace(part))
			}
		}
		if o.budget--; i < len(path) {
			n = n.Get(path[i])
		}
	}
	if n == nil || o.budget < 0 {
		return &template.Node{}
	}
	return n
}

func (o *openAPI) read() {
	o.Name = cmp.Or(o.Name, o.at(o.root, "info", "title").Text)
	for _, path := range o.at(o.root, "paths").Members {
		item := o.at(path.Value)
		for _, m := range item.Members {
			if slices.Contains([]string{"get", "head", "options", "post", "put", "patch", "delete"}, m.Key) {
				o.operation(path.Key, strings.ToUpper(m.Key), item, o.at(m.Value))
			}
		}
	}
	if o.budget < 0 {
		o.note("not read to its end, since it refers to itself too often", o.Name)
	}
}

func (o *openAPI) operation(path, method string, item, n *template.Node) {
	op := operation{method: method, name: cmp.Or(n.Get("summary").Str(), n.Get("operationId").Str())}
	server := o.at(first(cmp.Or(n.Get("servers"), item.Get("servers"), o.root.Get("servers"))))
	var missing, known []string
	for _, v := range o.at(server, "variables").Members {
		known = append(known, "{"+v.Key+"}", o.at(v.Value, "default").Text)
	}
	for _, raw := range slices.Concat(n.Get("parameters").List(), item.Get("parameters").List()) {
		p := o.at(raw)
		name, in := o.at(p, "name").Text, o.at(p, "in").Text
		value, ok := o.example(p)
		switch {
		case in == "path" && ok:
			known = append(known, "{"+name+"}", url.PathEscape(value))
		case o.at(p, "required").Text != "true" || in == "path":
		case matches(name, secretWord):
			op.put(in, name, "{{"+name+"}}")
		case ok:
			op.put(in, name, value)
		default:
			missing = append(missing, name)
		}
	}
	op.path = strings.NewReplacer(known...).Replace(strings.TrimRight(server.Get("url").Str(), "/")+path) + op.path
	missing = append(missing, re(`\{\w[^{}]*\}`).FindAllString(re(marker).ReplaceAllString(op.path, ""), -1)...)
	for _, scheme := range o.at(first(cmp.Or(n.Get("security"), o.root.Get("security")))).Members {
		s := o.at(o.root, "components", "securitySchemes", scheme.Key)
		switch o.declare(scheme.Key, true); {
		case s.Get("in") != nil:
			op.put(s.Get("in").Str(), s.Get("name").Str(), "{{"+scheme.Key+"}}")
		case strings.EqualFold(s.Get("scheme").Str(), "basic"):
			op.put("header", "Authorization", "Basic {{basic_token}}")
		default:
			op.put("header", "Authorization", "Bearer {{"+scheme.Key+"}}")
		}
	}
	body, ok := o.example(o.json(o.at(n, "requestBody")))
	if op.body = body; !ok && o.at(n, "requestBody", "required").Text == "true" {
		missing = append(missing, "the body")
	}
	for _, r := range o.at(n, "responses").Members {
		if op.status == "" && strings.HasPrefix(r.Key, "2") {
			op.status = strings.ToLower(r.Key)
			op.rules = o.types(o.at(o.json(o.at(r.Value)), "schema"), 0)
		}
	}
	if len(missing) > 0 && (o.Unsafe || method == "GET") {
		o.note("left out, fill in "+strings.Join(missing, ", ")+": no example, default or enum", method+" "+path)
		return
	}
	o.add(op)
}

// example is a value that the document names for a parameter or a body.
func (o *openAPI) example(n *template.Node) (text string, ok bool) {
	named, schema := o.at(n, "examples"), o.at(n, "schema")
	if len(named.Members) > 0 {
		named = o.at(named.Members[0].Value)
	}
	v := cmp.Or(n.Get("example"), named.Get("value"), schema.Get("example"), schema.Get("default"), schema.Get("const"),
		first(schema.Get("examples")), first(schema.Get("enum")))
	if v == nil {
		return "", false
	}
	return when(v.Kind < template.Array, v.Text) + when(v.Kind >= template.Array, string(v.Compact())), true
}

// json is what a body's JSON is like.
func (o *openAPI) json(body *template.Node) *template.Node {
	for _, m := range o.at(body, "content").Members {
		if strings.Contains(m.Key, "json") {
			return o.at(m.Value)
		}
	}
	return o.at(nil)
}

func first(n *template.Node) *template.Node { return append(n.List(), nil)[0] }

// types are what a schema demands of an answer.
func (o *openAPI) types(schema *template.Node, depth int) (rules []rule) {
	for _, part := range schema.Get("allOf").List() {
		if depth < maxRules {
			rules = append(rules, o.types(o.at(part), depth+1)...)
		}
	}
	if o.at(schema, "type").Text == "array" {
		return []rule{{"json", "$", []string{"{type: array}"}}}
	}
	for _, name := range schema.Get("required").List() {
		p := o.at(schema, "properties", name.Text)
		text := "{type: " + p.Get("type").Str() + "}"
		if p.Get("nullable") != nil || !matches(text, ` (string|number|integer|boolean|array|object)}`) {
			text = "{exists: true}"
		}
		if matches(name.Text, keyName) && len(rules) < maxRules && o.budget > 0 {
			rules = append(rules, rule{"json", "$." + name.Text, []string{text}})
		}
	}
	return rules
}

package draft

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

const static = `(?i)\.(m?js|css|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|mp4|webm)$`

// recorded takes the requests of a HAR recording, without what browsers add, or of a Postman collection: both hang them
// under "request".
func (d *Draft) recorded(root *template.Node) {
	d.secretsIn(root)
	for _, v := range root.Get("variable").List() {
		d.give(v.Get("key").Str(), text(v.Get("value")))
	}
	root.Walk(func(e *template.Node) {
		q, answer, recording := e.Get("request"), e.Get("response"), root.Get("log") != nil
		if q == nil {
			return
		}
		address, content := q.Get("url"), answer.Get("content")
		op := operation{
			name: e.Get("name").Str(), method: q.Get("method").Str(), path: cmp.Or(address.Get("raw"), address, q).Str(),
			body:   q.Get("postData").Get("text").Str() + q.Get("body").Get("raw").Str(),
			status: text(cmp.Or(answer.Get("status"), first(answer).Get("code"))),
		}
		for _, v := range address.Get("variable").List() { // /orders/:id
			key := v.Get("key").Str()
			op.path = strings.Replace(op.path, "/:"+key, "/"+cmp.Or(text(v.Get("value")), "{{"+key+"}}"), 1)
		}
		for _, h := range cmp.Or(q.Get("headers"), q.Get("header")).List() {
			name := h.Get("name").Str() + h.Get("key").Str()
			if text(h.Get("disabled")) != "true" && (!recording || matches(name, secretWord) || matches(name, `(?i)^(accept|content-type)$`)) {
				op.put("header", name, h.Get("value").Str())
			}
		}
		auth, said := cmp.Or(q.Get("auth"), root.Get("auth")), map[string]string{}
		for _, v := range auth.Get(auth.Get("type").Str()).List() {
			said[v.Get("key").Str()] = text(v.Get("value"))
		}
		switch auth.Get("type").Str() {
		case "bearer":
			op.put("header", "Authorization", "Bearer "+said["token"])
		case "basic":
			op.put("header", "Authorization", "Basic {{basic_token}}")
		case "apikey":
			d.keep(said["value"])
			op.put(cmp.Or(said["in"], "header"), said["key"], cmp.Or(re(marker).FindString(said["value"]), "{{api_key}}"))
		}
		code, _ := strconv.Atoi(op.status)
		path, _, _ := strings.Cut(op.path, "?")
		switch kind := content.Get("mimeType").Str(); {
		case matches(path, static) || matches(kind, `^(image|font|video|text/css|\w+/javascript)`):
			d.note("left out, a static asset", op.path)
			return
		case recording && (code < 200 || code > 399):
			d.note("left out, it was recorded with status "+op.status, op.path)
			return
		case recording:
			header := http.Header{"Content-Type": {kind}}
			op.answers = []probe.Observation{{Status: code, Header: header, Body: []byte(content.Get("text").Str())}}
		}
		d.add(op)
	})
}

func text(n *template.Node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

const (
	shellWord = `(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;|&])+|[\n;|&]`
	shellPart = `'[^']*'|"(?:\\.|[^"\\])*"|(?:\\.|[^'"\\])+`
	curlFlag  = `^(?:--([\w-]+)|-[sSfLkivgN]*([A-Za-z]?)(.*))$`
)

// curl takes the curl commands out of a shell's lines; a variable of the shell becomes {{NAME}}.
func (d *Draft) curl(script string) {
	script = re(`(?m)\\\r?\n|^\s*#.*`).ReplaceAllString(script, " ")
	var words []string
	for _, word := range append(re(shellWord).FindAllString(script, -1), "\n") {
		if i := slices.Index(words, "curl"); strings.Contains("\n;|&", word) {
			if i >= 0 && i < 2 { // behind a prompt
				d.command(words[i+1:])
			}
			words = nil
			continue
		}
		word = re(shellPart).ReplaceAllStringFunc(word, func(part string) string {
			if part[0] == '\'' {
				return part[1 : len(part)-1]
			}
			part = re(`\\(.)`).ReplaceAllString(strings.Trim(part, `"`), "$1")
			return re(`\$\{?([A-Za-z_]\w*)\}?`).ReplaceAllString(part, "{{$1}}")
		})
		if name, value, ok := strings.Cut(word, "="); ok && len(words) == 0 {
			d.give(name, value)
		}
		words = append(words, word)
	}
}

func (d *Draft) command(words []string) {
	var op operation
	var data []string
	get := false
	for i := 0; i < len(words); i++ {
		m := re(curlFlag).FindStringSubmatch(words[i])
		if m == nil {
			op.path = words[i]
			continue
		}
		value := func() string {
			if m[3] == "" && i+1 < len(words) {
				i++
				return words[i]
			}
			return m[3]
		}
		switch name := cmp.Or(m[1], m[2]); name {
		case "", "silent", "show-error", "fail", "location", "insecure", "include", "verbose", "compressed":
		case "o", "output", "w", "write-out", "m", "max-time", "A", "user-agent", "e", "referer", "connect-timeout", "retry":
			value()
		case "X", "request":
			op.method = value()
		case "I", "head":
			op.method = "HEAD"
		case "G", "get":
			get = true
		case "url":
			op.path = value()
		case "H", "header":
			header, text, _ := strings.Cut(value(), ":")
			op.put("header", header, strings.TrimSpace(text))
		case "b", "cookie":
			op.put("header", "Cookie", value())
		case "u", "user":
			user := value()
			d.keep(user)
			d.keep(user[strings.Index(user, ":")+1:])
			d.keep(base64.StdEncoding.EncodeToString([]byte(user)))
			op.put("header", "Authorization", "Basic {{basic_token}}")
		case "d", "data", "data-raw", "data-binary", "data-ascii", "json":
			data = append(data, value())
		default:
			d.note("not known, a flag of curl", "-"+name)
		}
	}
	switch body := strings.Join(data, "&"); {
	case strings.HasPrefix(body, "@"):
		d.note("left out, its body is in a file", op.path)
		return
	case get:
		op.path += "?" + body
	case body != "":
		op.method, op.body = cmp.Or(op.method, "POST"), body
	}
	d.add(op)
}

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

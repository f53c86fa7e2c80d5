package draft

import (
	"cmp"
	"encoding/base64"
	"net/http"
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

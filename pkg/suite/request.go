package suite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/version"
)

const (
	// maxTimeout bounds what a suite may ask for: a Lambda function lives 15 minutes.
	maxTimeout = 15 * time.Minute
	// maxAttempts bounds attempts and pairs; more is a load test.
	maxAttempts = 10000
)

// body is what a request sends: its texts that may hold variables, and what writes it with their values.
type body struct {
	texts []text
	write func(f *filler) (content []byte, contentType string)
}

// field is a field of a form, or a part of a multipart body: a text, or a file of that name and type.
type field struct {
	name, value    text
	filename, kind string
	file           []byte
}

func formBody(fields []field, asMultipart bool) *body {
	texts := slices.Concat(list(fields, func(f field) []text { return []text{f.name, f.value} })...)
	return &body{texts, func(fill *filler) ([]byte, string) {
		form := url.Values{}
		var parts bytes.Buffer
		w := multipart.NewWriter(&parts)
		for _, f := range fields {
			disposition := map[string]string{"name": fill.text(f.name)}
			v := fill.text(f.value)
			form.Add(disposition["name"], v)
			head := textproto.MIMEHeader{}
			if f.file != nil {
				disposition["filename"] = f.filename
				head.Set("Content-Type", f.kind)
				v = string(f.file)
			}
			head.Set("Content-Disposition", mime.FormatMediaType("form-data", disposition))
			part, _ := w.CreatePart(head) // into memory, where nothing fails
			_, _ = io.WriteString(part, v)
		}
		if !asMultipart {
			return []byte(form.Encode()), "application/x-www-form-urlencoded"
		}
		_ = w.Close()
		return parts.Bytes(), w.FormDataContentType()
	}}
}

func fixedBody(content []byte, contentType string) *body {
	return &body{write: func(*filler) ([]byte, string) { return content, contentType }}
}

// requestKeys are the keys of a step, read into s; checks of a single request have them too.
func (r *reader) requestKeys(s *Step) []row {
	body := func(p pair) {
		if s.body == nil {
			s.body = r.body(p)
		} else {
			r.fail(p.at, "keep one of json, form, multipart and body", "the request has two bodies")
		}
	}
	whole := func(read func(p pair)) func(pair) { // where it is wrong, nothing can be said of the whole step
		return func(p pair) {
			before := len(r.problems)
			read(p)
			s.broken = s.broken || len(r.problems) > before
		}
	}
	return []row{
		{"request", whole(func(p pair) { r.requestLine(p.value, s) })},
		{"headers", func(p pair) { s.headers = append(s.headers, r.headers(p.value)...) }},
		{"host", func(p pair) { s.host = r.host(p) }},
		{"http", func(p pair) { s.http2 = r.oneOf(p.value, "http", "1.1", "2") == "2" }},
		{"json", body},
		{"form", body},
		{"multipart", body},
		{"body", body},
		{"websocket", func(p pair) {
			sent, _ := r.template(p.value, "websocket")
			s.webSocket = &sent
		}},
		{"grpc_health", func(p pair) { r.grpcHealth(p, s) }},
		{"timeout", func(p pair) { s.timeout = r.duration(p.value, "timeout", maxTimeout) }},
		{"max_body", func(p pair) { s.maxBody = r.size(p.value, "max_body") }},
		{"expect", whole(func(p pair) { r.entries(p.value, "expect", r.expectKeys(&s.expect)) })},
		{"eventually", func(p pair) { s.Eventually = r.duration(p.value, "eventually", maxTimeout) }},
	}
}

func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

// requestLine reads "POST /orders" or "/orders".
func (r *reader) requestLine(n *yaml.Node, s *Step) {
	t, ok := r.template(n, "request")
	if !ok {
		return
	}
	if s.grpc {
		r.fail(posOf(n), "leave request out", "grpc_health is a request of its own")
		return
	}
	s.Method, s.path = http.MethodGet, t
	if method, rest, found := strings.Cut(t.first(), " "); found && !strings.HasPrefix(method, "/") {
		s.Method, s.path.raw = method, strings.TrimLeft(strings.TrimPrefix(t.raw, method), " ")
		switch rest = strings.TrimLeft(rest, " "); {
		case t.parts == nil:
		case rest == "":
			s.path.parts = t.parts[1:]
		default:
			t.parts[0].literal = rest
		}
		if !slices.Contains(methods(), method) {
			r.fail(posOf(n), methodHelp(method), "%s is not a method", quote(method))
			return
		}
	}
	r.checkPath(n, s.path)
}

func methodHelp(method string) string {
	if slices.Contains(methods(), strings.ToUpper(method)) {
		return "did you mean " + strings.ToUpper(method) + "?"
	}
	if strings.Contains(method, "://") {
		return "write the path only; --target says where"
	}
	return suggest(method, methods())
}

func (r *reader) checkPath(n *yaml.Node, path text) {
	at, literal, sample := posOf(n), path.first(), path.sample()
	switch {
	case strings.Contains(sample, "://") && !strings.HasPrefix(sample, "/"):
		r.fail(at, "write the path only; --target says where", "a request is a path, not a URL")
	case len(path.parts) == 1: // a link, which was captured
	case path.parts != nil && path.parts[0].name != "":
		r.fail(at, "write GET /${NAME}, or GET ${NAME} alone to follow a link that was captured",
			"a path begins with /, not with a variable")
	case !strings.HasPrefix(literal, "/") && !placeholder.MatchString(sample):
		r.fail(at, "write GET /"+strings.TrimLeft(quoteless(literal), "/"), "a path begins with /, not %s", quote(literal))
	case strings.HasPrefix(sample, "//"):
		r.fail(at, "", "a path begins with one /, %s would be another host", quote(sample))
	case strings.Contains(sample, "<") && placeholder.MatchString(sample):
		r.fail(at, "write what belongs there", "a placeholder is left in the path: %s", placeholder.FindString(sample))
	case strings.ContainsAny(sample, " \t\r\n"):
		r.fail(at, "write %20 for a blank", "the path %s holds a blank", quote(sample))
	case strings.Contains(sample, "#"):
		r.fail(at, "write %23 for a #", "the path %s holds a #, which browsers keep to themselves", quote(sample))
	default:
		if _, err := url.ParseRequestURI(sample); err != nil {
			r.fail(at, "write %25 for a %", "the path %s is not valid", quote(sample))
		}
	}
}

// placeholder finds what a template leaves to be filled in.
var placeholder = regexp.MustCompile(`<[A-Za-z_ -]+>`)

func quoteless(s string) string { return strings.Trim(quote(s), `"`) }

// headers reads a mapping of header names to texts; null takes a default header away.
func (r *reader) headers(n *yaml.Node) []header {
	var out []header
	for _, p := range r.pairs(n, "headers") {
		name := r.headerName(p)
		why := refusedHeader(name)
		switch {
		case name == "Host":
			r.fail(p.at, "write host: at the suite's top", "%s", why)
		case why != "":
			r.fail(p.at, "leave it out", "%s %s", quote(p.key), why)
		case p.value.Kind == yaml.ScalarNode && p.value.ShortTag() == "!!null":
			out = append(out, header{name: name, drop: true})
		default:
			if t, ok := r.template(p.value, "header "+name); ok {
				out = append(out, header{name: name, value: t})
			}
		}
	}
	return out
}

// refusedHeader says why a header of that canonical name cannot be sent by a suite, or "".
func refusedHeader(name string) string {
	switch name {
	case "Host":
		return "the Host header belongs to the whole suite"
	case "Connection", "Content-Length", "Trailer", "Transfer-Encoding":
		return "is set by the connection"
	}
	return ""
}

// headerName returns the key of a header in the one spelling that is compared.
func (r *reader) headerName(p pair) string {
	name, ok := r.literal(p.key, p.at, "a header's name", "write the name itself")
	if ok && !httpguts.ValidHeaderFieldName(name) {
		r.fail(p.at, "", "%s is not a header name", quote(name))
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

func (r *reader) body(p pair) *body {
	n := p.value
	before := len(r.problems)
	switch {
	case p.key == "json":
		if n.Kind == yaml.ScalarNode && n.Style != 0 && strings.IndexAny(n.Value, "{[") == 0 && json.Valid([]byte(n.Value)) {
			r.warn(posOf(n), "write it without the quotes around it", "the JSON is in quotes, and so it is sent as one text")
		}
		v := r.value(n, "json", 0)
		return &body{textsIn(v), func(f *filler) ([]byte, string) { return []byte(f.json(v)), "application/json" }}
	case p.key == "form":
		var fields []field
		for _, f := range r.pairs(n, "form") {
			if t, ok := r.template(f.value, "form field "+quote(f.key)); ok {
				key, _ := r.text(f.key, f.at)
				fields = append(fields, field{name: key, value: t})
			}
		}
		return formBody(fields, false)
	case p.key == "multipart":
		parts := list(r.pairs(n, "multipart"), r.part)
		if len(parts) == 0 && len(r.problems) == before {
			r.fail(p.at, "write multipart: {file: {file: logo.png}}", "a multipart body without a part")
		}
		return formBody(parts, true)
	case n.Kind == yaml.MappingNode:
		f := r.part(p)
		return fixedBody(f.file, f.kind)
	case n.ShortTag() == "!!binary":
		r.warn(posOf(n), "put the bytes into a file beside the suite: body: {file: logo.png}",
			"the body is sent as the text that stands here")
	}
	t, ok := r.template(n, "body")
	if !ok {
		return nil
	}
	return &body{[]text{t}, func(f *filler) ([]byte, string) { return []byte(f.text(t)), "" }}
}

// part reads a part of a multipart body, a text or {file: logo.png, name: other.png, type: image/png}; or a whole body.
func (r *reader) part(p pair) field {
	var f field
	f.name, _ = r.text(p.key, p.at)
	if p.value.Kind != yaml.MappingNode {
		f.value, _ = r.template(p.value, "part "+quote(p.key))
		return f
	}
	if p.key == "body" && !slices.ContainsFunc(p.value.Content, func(n *yaml.Node) bool { return n.Value == "file" }) {
		r.fail(posOf(p.value), "write json: for a body of JSON, form: for a form's, or {file: NAME} for one from a file",
			"body must be a text, not a mapping")
		return f
	}
	before := len(r.problems)
	r.entries(p.value, p.key, []row{
		{"file", func(q pair) {
			name, ok := r.scalar(q.value, q.key)
			if ok && !filepath.IsLocal(name) {
				r.fail(posOf(q.value), "put the file beside the suite", "%s leaves the suite's folder", quote(name))
			} else if ok {
				content, _ := r.content(q.value, name, "")
				f.file = append([]byte{}, content...)
				f.filename = cmp.Or(f.filename, path.Base(filepath.ToSlash(name)))
				f.kind = cmp.Or(f.kind, http.DetectContentType(content))
			}
		}},
		{"name", func(q pair) { f.filename = r.word(q) }},
		{"type", func(q pair) { f.kind = r.word(q) }},
	})
	if f.file == nil && len(r.problems) == before {
		r.fail(posOf(p.value), "write {file: NAME}, beside the suite", "%s names no file", p.key)
	}
	return f
}

// CheckHeader returns the canonical name of a header that is to be sent with every request, or why it cannot be.
func CheckHeader(name, value string) (canonical string, err error) {
	canonical = http.CanonicalHeaderKey(name)
	why := refusedHeader(canonical)
	if !httpguts.ValidHeaderFieldName(name) {
		why = "is not the name of a header"
	}
	if why != "" {
		return "", fmt.Errorf("%s: %s", quote(name), why)
	}
	if _, err := (text{raw: value}).header(Scope{}); err != nil {
		return "", fmt.Errorf("%s: %w", canonical, err)
	}
	return canonical, nil
}

// Link is the name of the capture that is the whole request, or "".
func (s *Step) Link() string {
	if len(s.path.parts) != 1 {
		return ""
	}
	return s.path.parts[0].name
}

// Request builds what is sent. A variable without a value, or with one that makes it another request, is an error.
func (s *Step) Request(sc Scope) (probe.Request, error) {
	f := filler{Scope: sc}
	q := probe.Request{
		Method: s.Method, Timeout: s.timeout, MaxBody: s.maxBody, HTTP2: s.http2,
		Header: http.Header{
			"User-Agent": {"greenlight-smoke/" + version.Number()}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"},
		},
		// A redirect that is an expected answer is not followed.
		KeepRedirect: slices.ContainsFunc(s.expect.status, func(one string) bool { return one[0] == '3' }),
	}
	q.Path, q.Link, f.err = s.path.path(sc)
	if s.webSocket != nil {
		q.WebSocket = new(f.text(*s.webSocket))
	}
	if s.looksAtBody() {
		q.Events = max(1, s.expect.events)
	}
	if s.body != nil {
		var kind string
		if q.Body, kind = s.body.write(&f); kind != "" {
			q.Header["Content-Type"] = []string{kind}
		}
	}
	q.Host = f.header(s.host)
	for _, h := range s.headers {
		q.Header[h.name] = []string{f.header(h.value)}
	}
	return q, f.err
}

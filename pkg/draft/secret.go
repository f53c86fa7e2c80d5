package draft

import (
	"slices"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// minSecret is the fewest characters of what is looked for everywhere: "1" would be found in every text.
const minSecret = 6

const (
	marker     = `\{\{([^{}]*)\}\}` // a variable in a source: {{base-url}}
	longRun    = `[\w+=-]{20,}`
	secretWord = `(?i)passw|secret|token|api[-_]?key|access[-_]?key|authoriz|authentic|cookie|session|` +
		`credential|csrf|xsrf|signature|(^|[-_])(auth|sid|sig|jwt|pwd|pin|otp)$`
)

// SecretValue reports whether a text holds a long run of all kinds of letters and digits, as keys and JWTs do.
func SecretValue(text string) bool {
	return slices.ContainsFunc(re(longRun).FindAllString(text, -1), func(run string) bool {
		return matches(run, `[a-z]`) && matches(run, `[A-Z]`) && matches(run, `\d`) || matches(run, `^[0-9a-f]{32,}$`)
	})
}

// hide returns the value, or a variable in its place where it is a secret.
func (d *Draft) hide(name, value string) string {
	if !matches(name, secretWord) && !SecretValue(value) {
		return value
	}
	if inner := re(marker).FindStringSubmatch(value); inner != nil {
		d.declare(inner[1], true)
		return value
	}
	d.keep(value)
	before := ""
	if scheme, _, ok := strings.Cut(value, " "); ok && matches(scheme, `^[A-Za-z]+$`) { // Bearer, Basic
		name, before = scheme+"_token", scheme+" "
	}
	d.declare(name, true)
	return before + "{{" + name + "}}"
}

// give notes the value that the source has for a variable, unless it is a secret.
func (d *Draft) give(name, value string) {
	if d.hide(name, value) == value {
		d.given[variableName(name)] = value
	}
}

// keep remembers a secret and its parts: a token behind its scheme, a cookie's value.
func (d *Draft) keep(secret string) {
	for _, s := range append(re(`[^;=\s]*\d[^;\s]*`).FindAllString(secret, -1), secret) {
		if len(s) >= minSecret && !slices.Contains(d.secrets, s) {
			d.secrets = append(d.secrets, s)
		}
	}
}

// secretsIn remembers the secrets that a recording or a collection tells anywhere, also in the JSON of a body.
func (d *Draft) secretsIn(root *template.Node) {
	root.Walk(func(n *template.Node) {
		named := n.Get("name").Str() + n.Get("key").Str()
		for _, m := range n.Members {
			text := m.Value.Str()
			if m.Key == "value" && matches(named, secretWord) || named == "" && matches(m.Key, secretWord) {
				d.keep(text)
			} else if strings.HasPrefix(strings.TrimSpace(text), "{") {
				d.secretsIn(readJSON(text))
			}
		}
	})
}

// readJSON is the document that a text is; null where it is none.
func readJSON(text string) *template.Node {
	doc, problems := template.Reader{Literal: true, Plain: true, AnyNumber: true}.Read("body.json", text)
	if len(problems) > 0 {
		return &template.Node{}
	}
	return doc.Root
}

// text puts a source's text into the suite's words.
func (d *Draft) text(s string) string {
	return re(marker).ReplaceAllStringFunc(strings.ReplaceAll(s, "${", "$${"), func(m string) string {
		return "${" + d.declare(m[2:len(m)-2], false) + "}"
	})
}

// pairs puts a query or a form into the suite's words.
func (d *Draft) pairs(s string) string {
	all := strings.Split(s, "&")
	for i, pair := range all {
		if name, value, ok := strings.Cut(pair, "="); ok {
			all[i] = name + "=" + d.hide(name, value)
		}
	}
	return d.text(strings.Join(all, "&"))
}

// variableName makes a name that a suite and an environment take.
func variableName(raw string) string {
	name := re(`[^A-Z0-9]+`).ReplaceAllString(strings.ToUpper(strings.TrimSpace(raw)), "_")
	return when(matches(name, `^(RELEASE|DEPLOYMENT_ID|UUID|NOW|ATTEMPT|SIDE)$|^[^A-Z]|^$`), "VAR_") + name
}

// declare says where the suite finds a variable, and returns its name there.
func (d *Draft) declare(raw string, secret bool) string {
	name := variableName(raw)
	switch given := d.given[name]; {
	case secret || matches(raw, secretWord):
		d.variables[name] = "{env: " + name + ", secret: true}" + when(name == "BASIC_TOKEN", " # the base64 of user:password")
	case d.variables[name] != "":
	case given != "" && !strings.Contains(given, "${"):
		d.variables[name] = strconv.Quote(given)
	default:
		d.variables[name] = "{env: " + name + "}"
	}
	return name
}

// bodyText is a request's body as the suite writes it.
func (d *Draft) bodyText(body string) string {
	if root := readJSON(body); root.Kind >= template.Array {
		d.words(root, "")
		return "json: " + string(root.Compact())
	}
	return when(body != "", "body: "+strconv.Quote(d.pairs(body)))
}

// words puts the texts of a JSON body into the suite's words.
func (d *Draft) words(n *template.Node, key string) {
	if n.Kind == template.String {
		n.Text = d.text(d.hide(key, n.Text))
	}
	for _, item := range n.Items {
		d.words(item, key)
	}
	for _, m := range n.Members {
		d.words(m.Value, m.Key)
	}
}

package suite

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// The variables that every suite has, beside its own.
const (
	varRelease    = "RELEASE"
	varDeployment = "DEPLOYMENT_ID"
	// Those that each attempt has of its own.
	varUUID    = "UUID"
	varNow     = "NOW"
	varAttempt = "ATTEMPT"
	varSide    = "SIDE"
)

// Attempt is what an attempt has of its own: a new ${UUID}, the time ${NOW}, its number ${ATTEMPT} and its ${SIDE}, green
// or blue. Data made of them is no other attempt's, and no other deployment's.
func Attempt(number int, side string) map[string]string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return map[string]string{
		varUUID: fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]),
		varNow:  time.Now().UTC().Format(time.RFC3339), varAttempt: strconv.Itoa(number), varSide: side,
	}
}

// ReferenceKind says where a variable's value is kept.
type ReferenceKind string

// The kinds. Values from SSM and Secrets Manager are always secrets.
const (
	ReferenceEnv            ReferenceKind = "env"
	ReferenceSSM            ReferenceKind = "ssm"
	ReferenceSecretsManager ReferenceKind = "secretsmanager"
	// ReferenceOAuth2 is an access token by the client credentials grant (RFC 6749, 4.4).
	ReferenceOAuth2 ReferenceKind = "oauth2"
)

// Reference is a variable whose value the caller of Run looks up and hands over in Job.Values.
type Reference struct {
	// Name is the variable's.
	Name string        `json:"name"`
	Kind ReferenceKind `json:"kind"`
	// ID is the environment variable's name, the parameter's name or the secret's name or ARN.
	ID string `json:"id"`
	// Key picks one field of a secret that is a JSON object; empty takes the whole secret.
	Key string `json:"key,omitempty"`
	// Client is who asks for a token, at the URL that ID is. Its texts hold variables of the suite: Expand fills them in.
	Client Client           `json:"client,omitzero"`
	Secret bool             `json:"secret,omitempty"`
	Place  diagnostic.Place `json:"place"`
}

// Client is a client of an OAuth2 authorization server.
type Client struct{ ID, Secret, Scope string }

// variable is declared with a text, or with a reference to one.
type variable struct {
	name   string
	text   string
	secret bool
	ref    *Reference
	// uses are the texts in which the value is made of other variables; with basic it is the encoding of user and
	// password, or of one text with a colon between them.
	uses  []text
	basic bool
}

func (r *reader) variables(n *yaml.Node) []variable {
	var out []variable
	for _, p := range r.pairs(n, "variables") {
		v := variable{name: p.key}
		switch {
		case !r.isName(p):
			continue
		case slices.Contains([]string{varRelease, varDeployment, varUUID, varNow, varAttempt, varSide}, p.key):
			r.fail(p.at, "choose another name", "%s is given by Greenlight and cannot be declared", p.key)
			continue
		case p.value.Kind == yaml.MappingNode:
			r.reference(p, &v)
		case p.value.Kind != yaml.ScalarNode:
			r.fail(posOf(p.value), "", "variable %s must be a text, not %s", v.name, describe(p.value))
		case p.value.ShortTag() == "!!null":
			r.fail(p.at, `write "" for an empty text, or {env: `+v.name+`}`, "variable %s has no value", v.name)
		default:
			r.ownValue(p.value, &v)
		}
		out = append(out, v)
	}
	return out
}

// isName says of a key that must be the name of a variable whether it is one.
func (r *reader) isName(p pair) bool {
	if !template.IsName(p.key) {
		r.fail(p.at, "letters, digits and _, not beginning with a digit", "%s is not a variable name", quote(p.key))
	}
	return template.IsName(p.key)
}

// ownValue reads the value that the suite itself gives a variable.
func (r *reader) ownValue(n *yaml.Node, v *variable) {
	if n = r.single(n, "value"); n == nil {
		return
	}
	if v.text = n.Value; strings.Contains(v.text, "${") {
		r.fail(posOf(n), "write it where it is used", "variable %s holds a variable; values are never expanded again", v.name)
	}
}

// reference reads {env: NAME, secret: true}, {ssm: /path}, {secretsmanager: id, key: field} or {value: text}.
func (r *reader) reference(p pair, v *variable) {
	n := p.value
	ref := Reference{Name: v.name, Place: p.at.place(r.file)}
	lookedUp := func(p pair) {
		id, ok := r.scalar(p.value, p.key)
		if ok && strings.TrimSpace(id) == "" {
			r.fail(posOf(p.value), "", "%s of variable %s is empty", p.key, v.name)
		}
		ref.Kind, ref.ID = ReferenceKind(p.key), id
	}
	given := r.entries(n, "variable "+v.name, []row{
		{"env", lookedUp},
		{"ssm", lookedUp},
		{"secretsmanager", lookedUp},
		{"key", func(p pair) { ref.Key = r.word(p) }},
		{"secret", func(p pair) { v.secret = r.boolean(p.value, "secret") }},
		{"value", func(p pair) { r.ownValue(p.value, v) }},
		{"basic", func(p pair) { v.basic, v.uses = true, r.basic(p.value) }},
		{"oauth2", func(p pair) {
			ref.Kind = ReferenceOAuth2
			ref.ID, ref.Client, v.uses = r.oauth2(p.value)
		}},
	})
	switch sources := kept(given, func(k string) bool { return k != "key" && k != "secret" }); {
	case len(sources) == 0:
		r.fail(posOf(n), "write {env: "+v.name+"}, {ssm: /path} or {secretsmanager: id, key: field}",
			"variable %s has no value", v.name)
	case len(sources) > 1:
		r.fail(posOf(n), "keep one of them", "variable %s has more than one source: %s", v.name, strings.Join(sources, ", "))
	case ref.Key != "" && ref.Kind != ReferenceSecretsManager:
		r.fail(posOf(n), "", "key of variable %s picks a field of a secret: it goes with secretsmanager only", v.name)
	case ref.Kind != "":
		v.secret = v.secret || ref.Kind != ReferenceEnv
		ref.Secret = v.secret
		v.ref = &ref
	}
}

// basic reads {user: smoke, password: "${PASSWORD}"}, or "${SECRET}" for both with a colon between them.
func (r *reader) basic(n *yaml.Node) []text {
	before := len(r.problems)
	texts, whole := make([]text, 2), false
	if n.Kind == yaml.ScalarNode {
		texts = texts[:1]
		texts[0], _ = r.template(n, "basic")
		whole = texts[0].parts != nil || strings.Contains(texts[0].raw, ":")
	} else {
		whole = len(r.entries(n, "basic", []row{
			{"user", func(p pair) { texts[0], _ = r.template(p.value, p.key) }},
			{"password", func(p pair) { texts[1], _ = r.template(p.value, p.key) }},
		})) == 2
	}
	if !whole && len(r.problems) == before {
		r.fail(posOf(n), `write {user: NAME, password: "${PASSWORD}"}`, "basic wants a user and a password")
	}
	return texts
}

// oauth2 reads {token_url: https://…, client_id: …, client_secret: "${SECRET}", scope: "a b"}. The host that the secret
// goes to stands in the suite.
func (r *reader) oauth2(n *yaml.Node) (tokenURL string, client Client, uses []text) {
	const help = `write {token_url: "https://login.example/token", client_id: smoke, client_secret: "${SECRET}"}`
	into := func(field *string) func(pair) {
		return func(p pair) {
			t, ok := r.template(p.value, p.key)
			if uses = append(uses, t); ok {
				*field = p.value.Value // as it is written, for Expand
			}
		}
	}
	readURL := into(&tokenURL)
	r.entries(n, "oauth2", []row{
		{"token_url", func(p pair) {
			readURL(p)
			u, err := url.Parse(tokenURL)
			local := err == nil && u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()
			if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !local || uses[len(uses)-1].parts != nil {
				r.fail(posOf(p.value), help, "token_url must be an https URL without variables")
			}
		}},
		{"client_id", into(&client.ID)},
		{"client_secret", into(&client.Secret)},
		{"scope", into(&client.Scope)},
	})
	if tokenURL == "" || client.ID == "" || client.Secret == "" {
		r.fail(posOf(n), help, "oauth2 wants a token_url, a client_id and a client_secret")
	}
	return tokenURL, client, uses
}

// Expand fills the suite's variables into a text of a Reference's Client.
func (s *Suite) Expand(t string, values map[string]Value) (string, error) {
	vars, _ := s.Bind("", "", values)
	parsed, _, wrong := parseText(t, func() Pos { return Pos{} })
	if wrong != "" {
		return "", errors.New(wrong)
	}
	return parsed.expand(Scope{Vars: vars}, nil)
}

// Value is a variable's value, with whether it must be kept out of every output.
type Value struct {
	Text   string `json:"text"`
	Secret bool   `json:"secret,omitempty"`
}

// Bind gives every variable its value, the ones handed over before the suite's own, and names one that has none, or "".
func (s *Suite) Bind(release, deploymentID string, values map[string]Value) (vars map[string]string, missing string) {
	vars = map[string]string{varRelease: release, varDeployment: deploymentID}
	for _, v := range s.variables {
		if _, given := values[v.name]; v.ref == nil {
			vars[v.name] = v.text
		} else if !given {
			missing = cmp.Or(missing, v.name)
		}
	}
	for name, v := range values {
		vars[name] = v.Text
	}
	for _, v := range s.variables {
		if _, given := values[v.name]; !v.basic || given {
			continue
		}
		f := filler{Scope: Scope{Vars: vars}}
		pieces := list(v.uses, f.text)
		if f.err != nil {
			missing = cmp.Or(missing, v.name)
		}
		vars[v.name] = base64.StdEncoding.EncodeToString([]byte(strings.Join(pieces, ":")))
	}
	return vars, missing
}

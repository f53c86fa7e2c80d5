package secret_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// TestToken asks an authorization server for a token, with variables of the suite, once; nothing that it says is quoted.
func TestToken(t *testing.T) {
	asked := 0
	answer := func(w http.ResponseWriter, r *http.Request) {
		id, password, _ := r.BasicAuth()
		if id == "smoke" && password == "hunter2" && r.FormValue("grant_type") == "client_credentials" && r.FormValue("scope") == "a b" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token":"t0ken","token_type":"bearer","expires_in":3600}`))
			return
		}
		http.Error(w, `{"error":"invalid_client","error_description":"not hunter2"}`, http.StatusUnauthorized)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	resolve := func(password string) (map[string]suite.Value, error) { return withToken(t, server.URL, password) }
	values, err := resolve("hunter2")
	if err != nil || values["TOKEN"] != (suite.Value{Text: "t0ken", Secret: true}) || asked != 1 {
		t.Errorf("%v, %v, asked %d times", values, err, asked)
	}
	_, err = resolve("wrong")
	if err == nil || !strings.Contains(err.Error(), "answers 401 Unauthorized") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	// A redirect would carry the secret to another host.
	answer = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://evil.invalid/token", http.StatusTemporaryRedirect)
	}
	asked = 0
	if _, err = resolve("hunter2"); err == nil || asked == 0 || strings.Contains(err.Error(), "evil.invalid") {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

// withToken resolves a suite whose token is asked for at that URL; without a password the variable has no value.
func withToken(t *testing.T, url, password string) (map[string]suite.Value, error) {
	t.Helper()
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(`version: 1
variables:
  TOKEN: {oauth2: {token_url: "` + url + `", client_id: "${USER}", client_secret: "${PASSWORD}", scope: a b}}
  USER: smoke
  PASSWORD: {env: PW, secret: true}
checks: [{name: a, request: GET /, headers: {Authorization: "Bearer ${TOKEN}"}, expect: {status: 200}}]
`)})
	if s == nil {
		t.Fatal(problems)
	}
	lookup := func(string) (string, bool) { return password, password != "" }
	return secret.Sources{Env: lookup, Suite: s}.Resolve(t.Context(), s.References())
}

// TestATokensServerIsNotQuoted: its error code and its status may be the secret that it was sent.
func TestATokensServerIsNotQuoted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 401 not-hunter2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"error\":\"hunter2\"}"))
			_ = conn.Close()
		}
	}))
	t.Cleanup(server.Close)
	_, err := withToken(t, server.URL, "hunter2")
	if err == nil || !strings.Contains(err.Error(), "answers 401 Unauthorized") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// TestNoTokenIsAskedForWithHalfOfWhatItTakes: where the secret has no value, nobody is asked.
func TestNoTokenIsAskedForWithHalfOfWhatItTakes(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	_, err := withToken(t, server.URL, "")
	if err == nil || strings.Contains(err.Error(), "TOKEN") || asked {
		t.Errorf("%v, asked %t", err, asked)
	}
}

func TestBasicIsMadeOfVariables(t *testing.T) {
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(`version: 1
variables:
  PASSWORD: {env: PW, secret: true}
  LOGIN: {basic: {user: smoke, password: "${PASSWORD}"}}
  BOTH: {basic: "${PASSWORD}"}
checks: [{name: a, request: GET /, headers: {Authorization: "Basic ${LOGIN}"}, expect: {status: 200}}]
`)})
	if s == nil {
		t.Fatal(problems)
	}
	values := map[string]suite.Value{"PASSWORD": {Text: "p:w", Secret: true}}
	bound, missing := s.Bind("", "", values)
	want := base64.StdEncoding.EncodeToString([]byte("smoke:p:w"))
	if missing != "" || bound["LOGIN"] != want || bound["BOTH"] != base64.StdEncoding.EncodeToString([]byte("p:w")) {
		t.Errorf("%v, missing %q", bound, missing)
	}
	hidden, err := s.Redactor(values)
	if err != nil || strings.Contains(hidden.Text("sent "+want), want) {
		t.Error(hidden.Text("sent "+want), err)
	}
}

// TestATokenIsAskedForByWhatTheSuiteSays: a variable is filled in wherever it stands, and an escaped one is a text.
func TestATokenIsAskedForByWhatTheSuiteSays(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, password, _ := r.BasicAuth()
		got = []string{id, password, r.FormValue("scope")}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"t0ken","token_type":"bearer"}`))
	}))
	t.Cleanup(server.Close)
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(`version: 1
variables:
  TOKEN: {oauth2: {token_url: "` + server.URL + `", client_id: "$${USER}", client_secret: "a$${b", scope: "read ${USER}"}}
  USER: smoke
checks: [{name: a, request: GET /, headers: {Authorization: "Bearer ${TOKEN}"}, expect: {status: 200}}]
`)})
	if s == nil {
		t.Fatal(problems)
	}
	if _, err := (secret.Sources{Suite: s}).Resolve(t.Context(), s.References()); err != nil {
		t.Fatal(err)
	}
	// RFC 6749 has id and password encoded as in a form.
	if want := []string{"%24%7BUSER%7D", "a%24%7Bb", "read smoke"}; !slices.Equal(got, want) {
		t.Errorf("asks with %q, want %q", got, want)
	}
}

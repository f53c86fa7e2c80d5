package secret_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

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
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(`version: 1
variables:
  TOKEN: {oauth2: {token_url: "` + server.URL + `", client_id: smoke, client_secret: "${PASSWORD}"}}
  PASSWORD: {env: PW, secret: true}
checks: [{name: a, request: GET /, headers: {Authorization: "Bearer ${TOKEN}"}, expect: {status: 200}}]
`)})
	if s == nil {
		t.Fatal(problems)
	}
	lookup := func(string) (string, bool) { return "hunter2", true }
	_, err := secret.Sources{Env: lookup, Suite: s}.Resolve(t.Context(), s.References())
	if err == nil || !strings.Contains(err.Error(), "answers 401 Unauthorized") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// TestNoTokenIsAskedForWithHalfOfWhatItTakes.
func TestNoTokenIsAskedForWithHalfOfWhatItTakes(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	s, problems := suite.Read(suite.Source{Name: "s", Text: []byte(`version: 1
variables:
  TOKEN: {oauth2: {token_url: "` + server.URL + `", client_id: smoke, client_secret: "${PASSWORD}"}}
  PASSWORD: {env: PW, secret: true}
checks: [{name: a, request: GET /, headers: {Authorization: "Bearer ${TOKEN}"}, expect: {status: 200}}]
`)})
	if s == nil {
		t.Fatal(problems)
	}
	nothing := func(string) (string, bool) { return "", false }
	_, err := secret.Sources{Env: nothing, Suite: s}.Resolve(t.Context(), s.References())
	if err == nil || strings.Contains(err.Error(), "TOKEN") || asked {
		t.Errorf("%v, asked %t", err, asked)
	}
}

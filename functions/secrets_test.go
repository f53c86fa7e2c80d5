package functions_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What must never be read in any output: the suite's three secrets, which every request of every row
// carries, and the function's own credentials.
const (
	token     = `tk/7f+3"q&<z>=%41'hunter2`
	key       = `k3y\slash and "quotes", hunter3`
	pin       = `pin~4471-8820!hunter4`
	awsSecret = "wJalrXUtnFEMIhunter5"
	awsToken  = "IQoJb3JpZ2luX2Vjhunter6"
)

func secrets() []string { return []string{token, key, pin, awsSecret, awsToken} }

// forms returns the ways in which a server or a library may hand a secret back.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	twice, _ := json.Marshal(string(quoted))
	plain := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
	return []string{
		secret, string(quoted[1 : len(quoted)-1]), string(twice[3 : len(twice)-3]), plain,
		url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("x" + secret)), base64.StdEncoding.EncodeToString([]byte("smoke:" + secret)),
		hex.EncodeToString([]byte(secret)),
	}
}

// leak is everything secret that a request brought, in every form: what the worst of servers answers.
func leak(r *http.Request) string {
	var all []string
	for _, secret := range []string{strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("X-Api-Key"), r.Header.Get("X-Pin")} {
		if secret != "" {
			all = append(all, forms(secret)...)
		}
	}
	return strings.Join(all, " ")
}

// noSecretIn looks for every secret in every form. Of the forms with a prefix, the middle is looked for:
// the ends of base64 depend on what stands beside it.
func noSecretIn(t testing.TB, what, text string) {
	t.Helper()
	for _, secret := range secrets() {
		for i, form := range forms(secret) {
			if strings.HasPrefix(form, "eHRr") || i == 9 || i == 10 {
				form = form[len(form)/3 : len(form)-4]
			}
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s: a secret stands there (form %d): …%.80q", what, i, text[max(0, at-20):])
			}
		}
	}
}

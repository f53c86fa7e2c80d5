package functions_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
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

// behind answers as it should, with the secrets behind its answer: net/http prints what it did not ask for,
// through the standard logger.
func behind(status, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s%s\n%s", status, len(body), body, leak(r), `{"level":"info","event":"verdict","verdict":"PASS"}`)
		_, _ = io.Copy(io.Discard, conn) // until the function has read it
	}
}

func TestWhatStandsBehindAnAnswerIsPrintedByNobody(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{after, before, "prober"} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.hush("GetApplicationRevision") // no evidence: the second hook runs the checks, too
			bad := application{release: release, routes: map[string]http.HandlerFunc{
				"GET /trips": behind("200 OK", `{"trips":[]}`), "DELETE /orders/{id}": behind("204 No Content", ""),
			}}
			service := &lambdaService{t: t, limit: time.Minute}
			var variables []string
			function := hook
			if hook == "prober" {
				service.prober = start(t, "prober", "http://127.0.0.1:1")
				c.Functions = service
				function, variables = after, []string{"PROBER_FUNCTION=Prober"}
			}
			e := start(t, function, c.url, variables...)
			d, event := c.deploy(function, serve(t, bad), serve(t, old()), suite{attempts: 20}.text())
			judged(t, e.invoke(event, time.Minute), d) // which reads the log
			if log, _ := service.log.Load().(string); log != "" {
				t.Errorf("the prober wrote: %.300s", log)
			}
		})
	}
}

// TestLargeSecretsFitIntoTheFunction gives it all that it may have.
func TestLargeSecretsFitIntoTheFunction(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	text := "version: 1\nname: trips\nvariables:\n"
	steps := ""
	for n := range 4 {
		object := map[string]string{}
		for i := range 430 {
			object[fmt.Sprint("member-", i)] = fmt.Sprintf("hunter2%x%x", sha256.Sum256(fmt.Append(nil, n, i)), sha256.Sum256(fmt.Append(nil, i, n)))[:130]
		}
		data, err := json.Marshal(object)
		if err != nil || len(data) > 64<<10 || len(data) < 60<<10 {
			t.Fatal(len(data), err)
		}
		c.Values.Put(fmt.Sprint("large/", n), string(data))
		text += fmt.Sprintf("  S%d: {secretsmanager: large/%d}\n", n, n)
		steps += fmt.Sprintf("  - {name: c%d, request: POST /orders, attempts: 4, body: '${S%d}', expect: {status: 200}}\n", n, n)
	}
	green := with("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.Copy(w, r.Body)
	})
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, green), serve(t, old()), text+"checks:\n"+steps)
	a := e.invoke(event, time.Minute)
	if v := judged(t, a, d); v.text("verdict") != "FAIL" || v.text("blame") != "release" {
		t.Errorf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
	}
	if strings.Contains(a.log, "hunter2") {
		t.Errorf("a secret stands in the log: %.300s", a.log)
	}
	if got := e.peakMemory(); got >= 96 {
		t.Errorf("%.1f MiB were resident, want less than 96", got)
	}
}

func TestASecretThatIsTooLargeIsNamed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Values.Put("/smoke/key", strings.Repeat("hunter2", 10_000))
	e := start(t, after, c.url)
	d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
	a := e.invoke(event, time.Minute)
	if v := judged(t, a, d); v.text("verdict") != "ERROR" || v.text("blame") != "config" || !strings.Contains(v.text("reason"), "variable KEY: the secret is larger than 64 KiB") {
		t.Errorf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
	}
}

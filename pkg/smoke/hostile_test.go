package smoke_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/greenlight-ecs/greenlight/pkg/finding"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

// hostile answers as applications and their enemies do.
func hostile(silent <-chan struct{}) http.Handler {
	mux := http.NewServeMux()
	var hangs strings.Builder
	for i := range 90 {
		_, _ = fmt.Fprintf(&hangs, "<img src=/hang/%d>", i)
	}
	page := func(path, kind, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		})
	}
	page("/one-event", "text/event-stream", "data: 1\n\n")
	page("/comments", "text/event-stream", ": connected\n\nretry: 3000\n\ndata: 1\n\n: still there\n\nevent: x\ndata: 2\n\n")
	page("/nested", "text/html", strings.Repeat("<div>", 600)+`<p class=error>broken</p>`)
	page("/deep", "text/html", strings.Repeat("<div>", 500)+strings.Repeat("x", 900_000))
	page("/empty", "text/html", "")
	page("/app/deep/route", "text/html", `<base href="/"><script src="other.js"></script><link rel="shortcut icon" href="favicon.ico">`)
	page("/app/fine", "text/html", `<base href="/"><script src="other.js"></script>`)
	page("/large", "text/html", `<img src="large.png">`)
	page("/large.png", "image/png", strings.Repeat("x", 2<<20))
	page("/other.js", "text/javascript", "1")
	page("/several", "application/json", `{"items": [{"id": 1, "n": 2}]}`)
	page("/wide", "text/plain; charset=utf-16le", strings.Join(strings.Split("s3cr3t-w0rd", ""), "\x00")+"\x00")
	page("/a/list", "application/json", `{"next": "more?page=2"}`)
	page("/a/more", "application/json", `{"ok": true}`)
	page("/mail", "text/html", `<a href="mailto:x@y.example">mail</a>`)
	mux.HandleFunc("GET /host", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/several", http.StatusFound)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "sid=s3cr3t-session; Path=/")
	})
	page("/hangs", "text/html", hangs.String())
	mux.HandleFunc("GET /hang/{n}", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /boom", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	mux.HandleFunc("GET /socket", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err == nil {
			_ = c.Write(r.Context(), websocket.MessageText, []byte("hello"))
			<-silent // it never answers a close
		}
	})
	return mux
}

// TestHostileAnswers runs suites against them. Want is the verdict and a piece of its reason, never what no report may say.
func TestHostileAnswers(t *testing.T) {
	for name, c := range map[string]struct{ suite, want, never string }{
		"events that do not come":      {`checks: [{name: a, request: GET /one-event, expect: {status: 200, events: 2}}]`, "FAIL events", ""},
		"a stream that is none":        {`checks: [{name: a, request: GET /several, expect: {events: 1}}]`, "FAIL events", ""},
		"a comment is no event":        {`checks: [{name: a, request: GET /comments, expect: {body: {contains: "data: 1"}}}]`, "PASS", ""},
		"nor is one behind an event":   {`checks: [{name: a, request: GET /comments, expect: {events: 2, body: {contains: "data: 2"}}}]`, "PASS", ""},
		"a message that is too large":  {`checks: [{name: a, request: GET /socket, websocket: "", max_body: 4B, expect: {body: hello}}]`, "FAIL larger than 4 bytes", ""},
		"a page that nobody can parse": {`checks: [{name: a, request: GET /nested, expect: {css: {.error: {exists: false}}}}]`, "FAIL css .error", ""},
		"a page that is empty":         {`checks: [{name: a, request: GET /empty, expect: {css: {.error: {exists: false}}}}]`, "FAIL css .error", ""},
		"a page of text upon text":     {`checks: [{name: a, attempts: 1, request: GET /deep, expect: {css: {div: {contains: y}}}}]`, "FAIL more text in elements", ""},
		"an asset is not read":         {`checks: [{name: a, request: GET /large, expect: {assets: true}}]`, "PASS", ""},
		"assets that hang":             {`checks: [{name: a, attempts: 1, request: GET /hangs, timeout: 300ms, expect: {assets: true}}]`, "FAIL asset /hang/0", ""},
		"a base of links":              {`checks: [{name: a, request: GET /app/fine, expect: {assets: true}}]`, "PASS", ""},
		"an icon":                      {`checks: [{name: a, request: GET /app/deep/route, expect: {assets: true}}]`, "FAIL asset /favicon.ico", ""},
		"an item with these members":   {`checks: [{name: a, request: GET /several, expect: {json: {"$.items[*]": {not: {contains: {id: 1}}}}}}]`, "FAIL", ""},
		"an element is meant whole":    {`checks: [{name: a, request: GET /several, expect: {json: {$.items: {contains: {id: 1}}}}}]`, "FAIL", ""},
		"a list's item with these":     {`checks: [{name: a, request: GET /several, expect: {json: {$.items: {not: {contains: {id: 1}}}}}}]`, "FAIL", ""},
		"a secret in another charset":  {"variables: {S: {value: s3cr3t-w0rd, secret: true}}\n" + `checks: [{name: a, request: GET /wide, headers: {X: "${S}"}, expect: {body: no}}]`, "FAIL", "x00d"},
		"a session's cookie":           {`checks: [{name: a, request: POST /login, expect: {headers: {Set-Cookie: {contains: HttpOnly}}}}]`, "FAIL header Set-Cookie", "s3cr3t"},
		"a captured header of cookies": {`checks: [{name: a, steps: [{request: POST /login, capture: {c: {header: Set-Cookie}}}, {request: "GET /x?${c}", expect: {status: 200}}]}]`, "FAIL", "s3cr3t"},
		"a link of an earlier answer":  {`checks: [{name: a, steps: [{request: GET /a/list, capture: {next: $.next}}, {request: GET /several}, {request: "GET ${next}", expect: {json: {$.ok: true}}}]}]`, "PASS", ""},
		"a link of setup": {`setup: [{request: GET /a/list, capture: {next: $.next}}]
checks: [{name: a, request: "GET ${next}", expect: {json: {$.ok: true}}}]`, "PASS", ""},
		"an at in a selector":         {`checks: [{name: a, request: GET /mail, expect: {css: {'a[href*="x@y"]@href': {contains: mailto}, 'a[href*="x@y"]': mail}}}]`, "PASS", ""},
		"a socket that is not closed": {`checks: [{name: a, attempts: 1, request: GET /socket, websocket: "", expect: {body: hello, latency: 1s}}]`, "PASS", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := judged(t, "version: 1\n"+c.suite, hostile(t.Context().Done()))
			verdict, reason, _ := strings.Cut(c.want, " ")
			if got, _ := json.Marshal(r); string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) ||
				c.never != "" && strings.Contains(string(got), c.never) || time.Since(began) > 20*time.Second {
				t.Errorf("%s: %s, want %s, after %s\n%.2000s", r.Verdict, r.Reason, c.want, time.Since(began), got)
			}
		})
	}
}

func TestARedirectToTheHostOfTheCheck(t *testing.T) {
	u := serverFor(t, hostile(t.Context().Done()))
	_, port, _ := strings.Cut(strings.TrimPrefix(u, "http://"), ":")
	r := smoke.ReadAndRun(t.Context(), jobFor(t, "version: 1\nchecks: [{name: a, request: GET /host, host: 'shop.example:"+port+"', expect: {status: 200}}]", u), nil)
	if r.Verdict != finding.Pass {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

// TestAFaultOfOursInSetupIsNotTheReleases: a certificate that does not verify is the suite's, wherever it is met.
func TestAFaultOfOursInSetupIsNotTheReleases(t *testing.T) {
	s := httptest.NewTLSServer(answer("ok"))
	t.Cleanup(s.Close)
	r := smoke.ReadAndRun(t.Context(), jobFor(t, "version: 1\nsetup: [{request: GET /}]\nchecks: [{name: a, request: GET /, expect: {status: 200}}]", s.URL), nil)
	if r.Verdict != finding.Error || r.Blame != finding.BlameConfig {
		t.Errorf("%s (%s): %s", r.Verdict, r.Blame, r.Reason)
	}
}

// TestADayOfACertificate: 30 days and a half are not 31; and settings that do not fit are not asked for again.
func TestADayOfACertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(30*24*time.Hour + 12*time.Hour), DNSNames: []string{"example.com"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for check, want := range map[string]string{
		"certificate_days: 30}": "PASS", "certificate_days: 31}": "FAIL 30 days left",
		"status: 200}, eventually: 1m": "ERROR asks for a client's certificate",
	} {
		s := httptest.NewUnstartedServer(answer("ok"))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		if strings.HasPrefix(want, "ERROR") {
			s.TLS.ClientAuth = tls.RequireAnyClientCert
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		job := jobFor(t, "version: 1\nchecks: [{name: a, attempts: 1, request: GET /, expect: {"+check+"}]", s.URL)
		job.Suite.Text = append(job.Suite.Text, "\ntls: {ca: ca.pem, server_name: example.com}\n"...)
		job.Suite.Files = map[string][]byte{"ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
		began := time.Now()
		r := smoke.ReadAndRun(t.Context(), job, nil)
		if verdict, reason, _ := strings.Cut(want, " "); string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) || time.Since(began) > 20*time.Second {
			t.Errorf("%s: %s: %s", check, r.Verdict, r.Reason)
		}
	}
}

// TestReleaseInSetup: it needs a release as a check does.
func TestReleaseInSetup(t *testing.T) {
	for _, flow := range []string{"setup", "teardown"} {
		job := jobFor(t, "version: 1\n"+flow+": [{request: PUT /a, body: '${RELEASE}'}]\nchecks: [{name: a, request: GET /, expect: {status: 200}}]", serverFor(t, answer("ok")))
		job.Release = ""
		if r := smoke.ReadAndRun(t.Context(), job, nil); r.Verdict != finding.Error || !strings.Contains(r.Reason, "release is not known") {
			t.Errorf("%s: %s: %s", flow, r.Verdict, r.Reason)
		}
	}
}

// TestASessionIsNoSharedFault: blue has no session, and so what it answers says nothing.
func TestASessionIsNoSharedFault(t *testing.T) {
	job := jobFor(t, "version: 1\nsetup: [{request: POST /login}]\nchecks: [{name: a, request: GET /boom, expect: {status: 200}}]", serverFor(t, hostile(t.Context().Done())))
	job.Baseline = smoke.Side{URL: serverFor(t, hostile(t.Context().Done()))}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if r := smoke.ReadAndRun(ctx, job, nil); r.Verdict != finding.Fail {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

// TestATeardownOfTheOldReleaseIsTold.
func TestATeardownOfTheOldReleaseIsTold(t *testing.T) {
	job := jobFor(t, "version: 1\nchecks: [{name: a, request: GET /, expect: {status: 200}}]\nteardown: [{request: DELETE /}]\ncompare: [{request: GET /, pairs: 20, warmup: 0}]", serverFor(t, answer("ok")))
	job.Baseline = smoke.Side{URL: serverFor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(500)
		}
	}))}
	job.Phases = []finding.Phase{finding.PhaseJudge, finding.PhaseCompare}
	if r := smoke.ReadAndRun(t.Context(), job, nil); !strings.Contains(fmt.Sprint(r.Warnings), "teardown did not hold on the old release") {
		t.Errorf("%s: %s %q", r.Verdict, r.Reason, r.Warnings)
	}
}

// TestAHostOfACheckDoesNotLeadToTheOtherSide: asked for green's name, blue would answer as green.
func TestAHostOfACheckDoesNotLeadToTheOtherSide(t *testing.T) {
	u := serverFor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "green.example" {
			w.WriteHeader(500)
		}
	}))
	job := jobFor(t, "version: 1\nchecks: [{name: a, attempts: 1, request: GET /, host: green.example, expect: {status: 200}}]", u)
	job.Baseline = smoke.Side{URL: u}
	for hosts, want := range map[*[]string]string{&job.Target.Hosts: "FAIL expected 200, got 500", &job.Baseline.Hosts: "ERROR the host green.example leads to the other release"} {
		job.Target.Hosts, job.Baseline.Hosts = nil, nil
		*hosts = []string{"green.example"}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r := smoke.ReadAndRun(ctx, job, nil)
		cancel()
		if verdict, reason, _ := strings.Cut(want, " "); string(r.Verdict) != verdict || !strings.Contains(r.Reason, reason) {
			t.Errorf("%s: %s, want %s", r.Verdict, r.Reason, want)
		}
	} // Production's listener has a rule for the host, and the test listener has none: another address is no other side.
	job.Target.Hosts, job.Baseline = nil, smoke.Side{URL: serverFor(t, answer("old")), Hosts: []string{"shop.example"}}
	job.Suite.Text = []byte(strings.ReplaceAll(string(job.Suite.Text), "green.example", "shop.example"))
	if r := smoke.ReadAndRun(t.Context(), job, nil); r.Verdict != finding.Pass {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}

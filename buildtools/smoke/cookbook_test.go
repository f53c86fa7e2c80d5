package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/greenlight-ecs/greenlight/pkg/programs"
)

// apps serves the applications of the cookbook on $PORT: real state, real cookies, real protocols. BROKEN names one
// thing that is wrong with it.
func apps() {
	a := &application{
		broken: os.Getenv("BROKEN"), release: os.Getenv("RELEASE"), csrf: map[string]string{}, sessions: map[string]string{},
		tokens: map[string]bool{}, notes: map[string]string{}, articles: map[string]*article{}, files: map[string]file{},
	}
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /version": a.version, "GET /{$}": a.home, "GET /assets/{name}": a.asset, "POST /graphql": a.graphql,
		"GET /events": a.events, "GET /socket": a.socket,
		"GET /login": a.loginPage, "POST /login": a.login, "POST /logout": a.logout, "GET /account": a.account,
		"POST /api/login": a.tokenLogin, "POST /api/logout": a.token(a.tokenLogout), "GET /api/session": a.token(a.session),
		"GET /api/notes": a.token(a.listNotes), "POST /api/notes": a.token(a.addNote),
		"GET /api/notes/{id}": a.token(a.note), "DELETE /api/notes/{id}": a.token(a.deleteNote),
		"POST /articles": a.addArticle, "GET /articles": a.listArticles, "GET /articles/{id}": a.getArticle,
		"PATCH /articles/{id}": a.changeArticle, "DELETE /articles/{id}": a.deleteArticle,
		"POST /upload": a.upload, "PUT /files/{id}": a.put, "GET /files/{id}": a.get, "DELETE /files/{id}": a.remove,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/events" && r.URL.Path != "/socket" {
				a.mu.Lock()
				defer a.mu.Unlock()
			}
			w.Header().Set("X-App-Version", a.release)
			h(w, r)
		})
	}
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, ReadHeaderTimeout: time.Minute}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}

type application struct {
	broken, release string

	mu       sync.Mutex
	next     int
	csrf     map[string]string // by session
	sessions map[string]string // user by session
	tokens   map[string]bool
	notes    map[string]string
	articles map[string]*article
	files    map[string]file
}

type article struct {
	title   string
	version int
}

type file struct {
	content []byte
	kind    string
}

func (a *application) id() string {
	a.next++
	return strconv.Itoa(a.next)
}

func answer(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (a *application) version(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]string{"version": a.release})
}

func page(w http.ResponseWriter, status int, head, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html><html><head>%s</head><body>%s</body></html>", head, body)
}

func (a *application) home(w http.ResponseWriter, _ *http.Request) {
	page(w, 200, `<meta name="release" content="`+html.EscapeString(a.release)+`"><link rel="stylesheet" href="assets/app.5f3a.css">
		<script src="/assets/app.9c1e.js" defer></script><script src="https://cdn.invalid/x.js"></script>`,
		`<h1>Trips</h1><nav><a href="/login">Log in</a> <a href="/articles">News</a></nav>
		<img src="/assets/logo.svg"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`)
}

func (a *application) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if a.broken == "asset" && strings.HasSuffix(name, ".js") || !slices.Contains([]string{"app.5f3a.css", "app.9c1e.js", "logo.svg"}, name) {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, "/* "+name+" */")
}

func (a *application) graphql(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Query     string
		Variables map[string]any
	}
	_ = json.NewDecoder(r.Body).Decode(&q)
	if strings.Contains(q.Query, "boom") || q.Variables["id"] != "t-1" {
		answer(w, 200, map[string]any{"data": nil, "errors": []any{map[string]any{"message": "no such field: boom"}}})
		return
	}
	answer(w, 200, map[string]any{"data": map[string]any{"trip": map[string]any{"id": "t-1", "title": "Rome", "days": 3}}})
}

func (a *application) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := 1; ; n++ {
		_, _ = fmt.Fprintf(w, "event: tick\ndata: {\"n\":%d}\n\n", n)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (a *application) socket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	var said struct{ Say string }
	if _, text, err := c.Read(r.Context()); err != nil || json.Unmarshal(text, &said) != nil {
		return
	}
	text, _ := json.Marshal(map[string]string{"said": said.Say})
	_ = c.Write(r.Context(), websocket.MessageText, text)
	_, _, _ = c.Read(r.Context()) // until the client closes
}

func (a *application) cookie(r *http.Request) string {
	c, err := r.Cookie("sid")
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie marks the session Secure, as an application behind a load balancer does.
func (a *application) setCookie(w http.ResponseWriter) string {
	sid := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: sid, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	return sid
}

func (a *application) loginPage(w http.ResponseWriter, _ *http.Request) {
	sid, token := a.setCookie(w), rand.Text()+"=="
	a.csrf[sid] = token
	page(w, 200, "", `<h1>Log in</h1><form method=post><input type=hidden name=_csrf value="`+token+`"><input name=user></form>`)
}

func (a *application) login(w http.ResponseWriter, r *http.Request) {
	sid := a.cookie(r)
	token := r.FormValue("_csrf")
	switch {
	case sid == "" || token == "" || a.csrf[sid] != token:
		page(w, 403, "", "<p class=error>Load the page again</p>")
	case r.FormValue("user") != "smoke" || r.FormValue("password") != os.Getenv("LOGIN_PASSWORD") && a.broken != "password":
		page(w, 401, "", "<p class=error>Wrong name\n or password</p>")
	default:
		fresh := a.setCookie(w)
		a.sessions[fresh], a.csrf[fresh] = "smoke", token
		w.Header().Set("Location", "/account")
		w.WriteHeader(303)
	}
}

func (a *application) logout(w http.ResponseWriter, r *http.Request) {
	if a.broken != "logout" {
		delete(a.sessions, a.cookie(r))
	}
	w.Header().Set("Location", "/login")
	w.WriteHeader(303)
}

func (a *application) account(w http.ResponseWriter, r *http.Request) {
	if user := a.sessions[a.cookie(r)]; user != "" {
		page(w, 200, "", "<h1>Hello "+html.EscapeString(user)+"</h1>")
		return
	}
	w.Header().Set("Location", "/login")
	w.WriteHeader(302)
}

func (a *application) tokenLogin(w http.ResponseWriter, r *http.Request) {
	var q struct{ User, Password string }
	if _ = json.NewDecoder(r.Body).Decode(&q); q.Password != os.Getenv("LOGIN_PASSWORD") {
		answer(w, 401, map[string]string{"error": "unauthorized"})
		return
	}
	token := rand.Text()
	a.tokens[token] = true
	answer(w, 200, map[string]any{"token": token, "expires": 3600})
}

func (a *application) token(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || !a.tokens[token] {
			answer(w, 401, map[string]string{"error": "unauthorized"})
			return
		}
		h(w, r)
	}
}

func (a *application) tokenLogout(w http.ResponseWriter, r *http.Request) {
	delete(a.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	w.WriteHeader(204)
}

func (a *application) session(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]string{"user": "smoke"})
}

func noteOf(id, text string) map[string]any {
	n, _ := strconv.Atoi(id)
	return map[string]any{"id": n, "text": text, "links": map[string]string{"self": "/api/notes/" + id}}
}

func (a *application) addNote(w http.ResponseWriter, r *http.Request) {
	var q struct{ Text string }
	_ = json.NewDecoder(r.Body).Decode(&q)
	id := a.id()
	a.notes[id] = q.Text
	answer(w, 201, noteOf(id, q.Text))
}

func (a *application) note(w http.ResponseWriter, r *http.Request) {
	text, ok := a.notes[r.PathValue("id")]
	if !ok {
		answer(w, 404, map[string]string{"error": "no such note"})
		return
	}
	answer(w, 200, noteOf(r.PathValue("id"), text))
}

func (a *application) listNotes(w http.ResponseWriter, _ *http.Request) {
	all := []any{}
	for _, id := range slices.Sorted(maps.Keys(a.notes)) {
		all = append(all, noteOf(id, a.notes[id]))
	}
	answer(w, 200, map[string]any{"notes": all})
}

func (a *application) deleteNote(w http.ResponseWriter, r *http.Request) {
	if a.broken != "delete" {
		delete(a.notes, r.PathValue("id"))
	}
	w.WriteHeader(204)
}

const vendor = "application/vnd.api+json"

func (a *application) showArticle(w http.ResponseWriter, status int, id string) {
	w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, a.articles[id].version))
	w.Header().Set("Content-Type", vendor)
	answer(w, status, map[string]any{"data": a.resource(id)})
}

func (a *application) resource(id string) any {
	return map[string]any{"type": "articles", "id": id, "attributes": map[string]string{"title": a.articles[id].title}}
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", vendor)
	answer(w, status, map[string]any{"errors": []any{map[string]string{"status": strconv.Itoa(status)}}})
}

func titleIn(r *http.Request) string {
	var q struct {
		Data struct{ Attributes struct{ Title string } }
	}
	_ = json.NewDecoder(r.Body).Decode(&q)
	return q.Data.Attributes.Title
}

func (a *application) addArticle(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != vendor {
		refuse(w, 415)
		return
	}
	id := a.id()
	a.articles[id] = &article{titleIn(r), 1}
	w.Header().Set("Location", "http://"+r.Host+"/articles/"+id)
	a.showArticle(w, 201, id)
}

func (a *application) listArticles(w http.ResponseWriter, r *http.Request) {
	all := []any{}
	for _, id := range slices.Sorted(maps.Keys(a.articles)) {
		all = append(all, a.resource(id))
	}
	n, _ := strconv.Atoi(r.FormValue("page"))
	links := map[string]string{"next": fmt.Sprintf("?page=%d", n+1), "prev": fmt.Sprintf("?page=%d", n-1)}
	w.Header().Set("Content-Type", vendor)
	answer(w, 200, map[string]any{"data": all, "links": links})
}

func (a *application) getArticle(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	switch have := a.articles[id]; {
	case have == nil:
		refuse(w, 404)
	case r.Header.Get("If-None-Match") == fmt.Sprintf(`"v%d"`, have.version):
		w.WriteHeader(304)
	default:
		a.showArticle(w, 200, id)
	}
}

func (a *application) changeArticle(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	have, match := a.articles[id], r.Header.Get("If-Match")
	switch {
	case have == nil:
		refuse(w, 404)
	case match == "":
		refuse(w, 428)
	case match != fmt.Sprintf(`"v%d"`, have.version) && a.broken != "etag":
		refuse(w, 412)
	default:
		have.title = titleIn(r)
		have.version++
		a.showArticle(w, 200, id)
	}
}

func (a *application) deleteArticle(w http.ResponseWriter, r *http.Request) {
	delete(a.articles, r.PathValue("id"))
	w.WriteHeader(204)
}

func (a *application) upload(w http.ResponseWriter, r *http.Request) {
	f, head, err := r.FormFile("file")
	if err != nil {
		answer(w, 415, map[string]string{"error": "multipart/form-data wanted"})
		return
	}
	content, _ := io.ReadAll(f)
	if a.broken == "upload" {
		content = []byte(strings.ToValidUTF8(string(content), "\ufffd")) // what a gateway does that takes it for text
	}
	id := a.id()
	a.files[id] = file{content, head.Header.Get("Content-Type")}
	answer(w, 201, map[string]any{
		"id": id, "name": head.Filename, "type": head.Header.Get("Content-Type"), "size": len(content),
		"title": r.FormValue("title"), "sha256": fmt.Sprintf("%x", sha256.Sum256(content)),
	})
}

func (a *application) put(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	a.files[r.PathValue("id")] = file{content, r.Header.Get("Content-Type")}
	answer(w, 201, map[string]int{"size": len(content)})
}

func (a *application) get(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("id")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("X-Sha256", fmt.Sprintf("%x", sha256.Sum256(f.content)))
	w.Header().Set("Content-Length", strconv.Itoa(len(f.content)))
	_, _ = w.Write(f.content)
}

func (a *application) remove(w http.ResponseWriter, r *http.Request) {
	delete(a.files, r.PathValue("id"))
	w.WriteHeader(204)
}

// TestCookbook runs each suite of the cookbook, with the real command, against the real application; and against one
// that is broken in the way that the suite is there to see.
func TestCookbook(t *testing.T) {
	programs := t.TempDir()
	for _, name := range []string{"smoke", "apps"} {
		if err := os.Symlink(os.Args[0], filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ suite, broken, want string }{
		{"login", "", "PASS login: 5 checks passed"},
		{"login", "logout", `expected 302, got 200`},
		{"login", "password", `expected 401, got 200`},
		{"token", "", "PASS token: 4 checks passed, 1 comparison passed"},
		{"token", "delete", `json $.notes[?@.id == "${id}"]: expected does not exist`},
		{"jsonapi", "", "PASS jsonapi: 3 checks passed"},
		{"jsonapi", "etag", `expected 412, got 200`},
		{"upload", "", "PASS upload: 4 checks passed"},
		{"upload", "upload", `json $.size: expected 69, got `},
		{"pages", "", "PASS pages: 7 checks passed, 1 comparison passed"},
		{"pages", "asset", "asset /assets/app.9c1e.js: expected 2xx, got 404"},
	} {
		t.Run(c.suite+" "+c.broken, func(t *testing.T) {
			t.Parallel()
			green, blue := startApps(t, programs, c.broken), startApps(t, programs, "")
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "smoke"), "--target", green, "--baseline", blue,
				"--release", "1.1.0", "cookbook/"+c.suite+".yaml")
			cmd.Env = append(os.Environ(), "LOGIN_PASSWORD=p w&d=1")
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.broken == "") || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "p w&d=1") {
				t.Errorf("%v, want %s:\n%s", err, c.want, out)
			}
		})
	}
}

// startApps starts the applications and returns their URL.
func startApps(t *testing.T, programs, broken string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "apps"))
	cmd.Env = append(os.Environ(), "PORT="+port, "RELEASE=1.1.0", "BROKEN="+broken, "LOGIN_PASSWORD=p w&d=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return "http://" + addr
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the applications did not open their port")
	return ""
}

var every = flag.Bool("every", false, "score the cookbook with every fault, and not with four kinds")

// TestCookbookScore rehearses each suite of the cookbook with faults, with the real hooks: none lets one through. CI has
// every fault tried.
func TestCookbookScore(t *testing.T) {
	dir := programs.In(t, "buildtools/rehearse", "functions/after-allow-test-traffic", "functions/before-allow-traffic", "functions/after-allow-traffic")
	here := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(here, "apps")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"taskdef.json": `{"family": "apps", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
			"memory": "512", "containerDefinitions": [{"name": "web", "image": "repo/app:1.1.0", "essential": true,
			"portMappings": [{"containerPort": 80}], "dockerLabels": {"greenlight.release": "1.1.0"}}]}`,
		"appspec.yaml": `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "<TASK_DEFINITION>"
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}
Hooks:
  - AfterAllowTestTraffic: CodeDeployHook_greenlight_AfterAllowTestTraffic
  - BeforeAllowTraffic: CodeDeployHook_greenlight_BeforeAllowTraffic
`,
		"pixel.png": readFile(t, "cookbook/pixel.png"), "note.txt": readFile(t, "cookbook/note.txt"),
	} {
		writeFile(t, filepath.Join(here, name), text)
	}
	for _, suite := range []string{"login", "token", "jsonapi", "upload", "pages"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			patient := readFile(t, "cookbook/"+suite+".yaml")
			impatient := strings.Replace(patient, "within: 30s", "within: 10s", 1) // for the faults that are never ready
			if impatient == patient {
				t.Fatal("readiness says no within: 30s")
			}
			writeFile(t, filepath.Join(here, suite+".yaml"), impatient)
			app := "env 'LOGIN_PASSWORD=p w&d=1' ./apps"
			cmd := exec.CommandContext(t.Context(), dir+"/rehearse", "faults", "-q", "--hooks", dir, "--taskdef", "taskdef.json",
				"--appspec", "appspec.yaml", "--suite", suite+".yaml", "--blue", app, "--green", app, "--health-check", "/version",
				"--tasks", "1", "--parallel", "16")
			if !*every {
				cmd.Args = append(cmd.Args, "--fault", "500", "--fault", "error-200", "--fault", "wrong-version", "--fault", "latency")
			}
			cmd.Dir = here
			cmd.Env = append(os.Environ(), "LOGIN_PASSWORD=p w&d=1")
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "SCORE 100 %") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

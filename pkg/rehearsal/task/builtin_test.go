package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/task"
)

// serve runs a built-in release and returns its base URL.
func serve(t *testing.T, name, store string) string {
	t.Helper()
	r, ok := task.FindBuiltin(name)
	if !ok {
		t.Fatalf("no built-in release %q", name)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(socket.Addr().String())
	_ = socket.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, task.BuiltinOptions{Release: "1.1.0", Port: port, Store: store}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = conn.Close()
			return "http://127.0.0.1:" + port
		}
	}
	t.Fatal("the release did not open its port")
	return ""
}

type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, body string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, strings.TrimSpace(string(text))}
}

func newStore(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(&task.Store{})
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheGoodReleaseAnswersEveryRoute(t *testing.T) {
	url := serve(t, "good", newStore(t))
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/", "", 200, "Release 1.1.0"},
		{"GET", "/health", "", 200, `{"status":"ok"}`},
		{"GET", "/version", "", 200, `{"version":"1.1.0"}`},
		{"GET", "/api/trips", "", 200, `{"id":"t-1","title":"Lisbon","days":4,"status":"planned"}`},
		{"GET", "/api/trips/t-2", "", 200, `"Kyoto"`},
		{"GET", "/api/trips/t-99", "", 404, `{"error":"no such trip"}`},
		{"POST", "/api/trips", `{"title":""}`, 400, `"error"`},
		{"POST", "/api/trips", `{`, 400, `"error"`},
		{"DELETE", "/api/trips/t-99", "", 404, `"error"`},
		{"GET", "/api/report", "", 200, `"trips":3`},
		{"GET", "/nowhere", "", 404, ""},
	} {
		got := ask(t, c.method, url+c.path, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, got.status, got.body, c.status, c.want)
		}
	}
	if got := ask(t, "GET", url+"/version", "").header.Get("X-App-Version"); got != "1.1.0" {
		t.Errorf("X-App-Version = %q", got)
	}
}

// Two tasks are behind a load balancer: what one creates, the other must know.
func TestATripLivesInEveryTask(t *testing.T) {
	store := newStore(t)
	one, other := serve(t, "good", store), serve(t, "good", store)
	created := ask(t, "POST", one+"/api/trips", `{"title":"Oslo","days":2}`)
	var trip task.Trip
	if err := json.Unmarshal([]byte(created.body), &trip); err != nil || created.status != 201 {
		t.Fatalf("%d %s, %v", created.status, created.body, err)
	}
	if at := created.header.Get("Location"); at != "/api/trips/"+trip.ID {
		t.Errorf("Location = %q", at)
	}
	if got := ask(t, "GET", other+"/api/trips/"+trip.ID, ""); got.status != 200 || !strings.Contains(got.body, `"Oslo"`) {
		t.Errorf("the other task says %d %s", got.status, got.body)
	}
	if got := ask(t, "DELETE", other+"/api/trips/"+trip.ID, ""); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	if got := ask(t, "GET", one+"/api/trips/"+trip.ID, ""); got.status != 404 {
		t.Errorf("after the deletion the first task says %d", got.status)
	}
}

func TestABrokenReleaseIsBrokenInOneWay(t *testing.T) {
	store := newStore(t)
	for name, broken := range map[string]struct {
		path, body string
		status     int
	}{
		"500":           {"/api/trips", "error", 500},
		"error-body":    {"/api/trips", "error", 200},
		"wrong-version": {"/version", `"1.1.0-stale"`, 200},
	} {
		url := serve(t, name, store)
		for _, path := range []string{"/health", "/version", "/api/trips", "/api/trips/t-1", "/api/report"} {
			got := ask(t, "GET", url+path, "")
			if path == broken.path {
				if got.status != broken.status || !strings.Contains(got.body, broken.body) {
					t.Errorf("%s: GET %s: %d %s", name, path, got.status, got.body)
				}
			} else if got.status != 200 || strings.Contains(got.body, "error") {
				t.Errorf("%s: GET %s: %d %s, but only %s should be broken", name, path, got.status, got.body, broken.path)
			}
		}
	}
	if got := ask(t, "GET", serve(t, "never-ready", store)+"/health", ""); got.status != 503 {
		t.Errorf("never-ready: %d", got.status)
	}
	began := time.Now()
	if ask(t, "GET", serve(t, "slow", store)+"/health", ""); time.Since(began) < 300*time.Millisecond {
		t.Error("slow is fast")
	}
}

func TestCrashSaysWhy(t *testing.T) {
	s := spec(t)
	s.Argv = []string{s.Keeper, task.BuiltinArg, "crash", ""}
	_, err := task.Start(bounded(t), s)
	failed, ok := errors.AsType[*task.StartError](err)
	if !ok || !strings.Contains(failed.Why, "exit status 1") || !strings.Contains(strings.Join(failed.Log, "\n"), "connection refused") {
		t.Errorf("%v, %+v", err, failed)
	}
}

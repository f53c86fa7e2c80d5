package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

// telling is a terminal that ends something as soon as it shows a text.
type telling struct {
	mu    sync.Mutex
	shown strings.Builder
	text  string
	end   func()
}

func (t *telling) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown.Write(p)
	if strings.Contains(t.shown.String(), t.text) {
		t.end()
	}
	return len(p), nil
}

// At a terminal whoever waits for a service is told for what, and may interrupt.
func TestVerifySaysWhatItWaitsFor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "Action=GetCallerIdentity") {
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ann</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>")
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "taskdef.json")
	if err := os.WriteFile(file, []byte(`{"taskRoleArn": "task", "containerDefinitions": [{"name": "a", "image": "b"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &telling{text: `waits for role "task"`, end: cancel}
	at := surroundings{stdout: io.Discard, stderr: stderr, terminal: true}
	at.interruptible = func(context.Context) (context.Context, context.CancelFunc) { return ctx, cancel }
	began := time.Now()
	code := command(at).Execute(t.Context(), []string{"verify", file}, at.stdout, at.stderr)
	if took := time.Since(began); code != cli.ExitInterrupted || took > 10*time.Second || took < 2*time.Second {
		t.Errorf("code %d after %s:\n%s", code, took, &stderr.shown)
	}
	if want := "waits for role \"task\"\ngreenlight: interrupted\n"; stderr.shown.String() != want {
		t.Errorf("got %q", &stderr.shown)
	}
}

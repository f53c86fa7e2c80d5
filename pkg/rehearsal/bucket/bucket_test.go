package bucket_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/bucket"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

func serve(t *testing.T) (*bucket.Store, *signed.Client, context.Context) {
	t.Helper()
	store := &bucket.Store{}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return store, &signed.Client{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("x", "y", ""),
		Endpoint: func(string) string { return server.URL },
	}, ctx
}

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	store, client, ctx := serve(t)
	want := bytes.Repeat([]byte("<report>"), 10_000)
	if err := client.PutObject(ctx, "reports", "greenlight/d-1/a b+c.json", "application/json", want); err != nil {
		t.Fatal(err)
	}
	if got, err := client.GetObject(ctx, "reports", "greenlight/d-1/a b+c.json"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
	}
	if got, ok := store.Get("reports/greenlight/d-1/a b+c.json"); !ok || !bytes.Equal(got, want) {
		t.Errorf("the store has %d bytes, %t", len(got), ok)
	}
}

func TestAMissingObjectHasAWSsErrorName(t *testing.T) {
	_, client, ctx := serve(t)
	if _, err := client.GetObject(ctx, "suites", "none.yaml"); !signed.IsCode(err, "NoSuchKey") {
		t.Errorf("got %v, want NoSuchKey", err)
	}
}

func TestABodyInChunksIsPutTogether(t *testing.T) {
	for name, c := range map[string]struct {
		body, want string
		status     int
	}{
		"two chunks and trailers": {"5;chunk-signature=x\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", "hello world", 200},
		"cut off in a chunk":      {"5\r\nhel", "", 400},
		"no end":                  {"5\r\nhello\r\n", "", 400},
		"no length":               {"hello\r\n", "", 400},
	} {
		store := &bucket.Store{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", strings.NewReader(c.body))
		r.Header.Set("Content-Encoding", "aws-chunked")
		w := httptest.NewRecorder()
		store.ServeHTTP(w, r)
		got, stored := store.Get("b/k")
		if w.Code != c.status || string(got) != c.want || stored != (c.status == 200) {
			out, _ := io.ReadAll(w.Body)
			t.Errorf("%s: %d, stored %q: %s", name, w.Code, got, out)
		}
	}
}

func TestTheStoreDoesNotGrowWithoutEnd(t *testing.T) {
	store := &bucket.Store{}
	body := make([]byte, 16<<20)
	for i := range 8 {
		if !store.Put("b/"+string(rune('a'+i)), "", body) {
			t.Fatalf("object %d was refused", i)
		}
	}
	if store.Put("b/one-more", "", body) {
		t.Error("a ninth object of 16 MiB was taken")
	}
	if !store.Put("b/a", "", body) {
		t.Error("an object may replace itself")
	}
}

// A body that is taken is made of its chunks and nothing else; reading it always ends.
func FuzzChunks(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\n\r\n")
	f.Add("fffffffffffffff\r\n")
	f.Add("-1\r\nx")
	f.Fuzz(func(t *testing.T, body string) {
		store := &bucket.Store{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", strings.NewReader(body))
		r.Header.Set("Content-Encoding", "aws-chunked")
		w := httptest.NewRecorder()
		store.ServeHTTP(w, r)
		got, stored := store.Get("b/k")
		if stored != (w.Code == http.StatusOK) || len(got) > len(body) {
			t.Fatalf("%q: %d, stored %t, %q", body, w.Code, stored, got)
		}
	})
}

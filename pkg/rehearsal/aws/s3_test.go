package aws_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	s := &fake.Server{}
	client := s3.NewFromConfig(serve(t, s))
	want := bytes.Repeat([]byte("<report>"), 10_000)
	const key = "greenlight/d-1/a b+c.json"
	if _, err := client.PutObject(bounded(t), &s3.PutObjectInput{Bucket: aws.String("reports"), Key: aws.String(key), ContentType: aws.String("application/json"), Body: bytes.NewReader(want)}); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(bounded(t), &s3.GetObjectInput{Bucket: aws.String("reports"), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if err != nil || !bytes.Equal(got, want) || aws.ToString(out.ContentType) != "application/json" {
		t.Errorf("%d bytes of %s, %v, want %d", len(got), aws.ToString(out.ContentType), err, len(want))
	}
	if got, ok := s.Objects.Get("reports/" + key); !ok || !bytes.Equal(got, want) {
		t.Errorf("the server has %d bytes, %t", len(got), ok)
	}
}

func TestAMissingObjectHasAWSsErrorName(t *testing.T) {
	s := &fake.Server{}
	s.Objects.Put("suites/none.yaml", "", []byte("x"))
	s.Objects.Delete("suites/none.yaml")
	client := s3.NewFromConfig(serve(t, s))
	_, err := client.GetObject(bounded(t), &s3.GetObjectInput{Bucket: aws.String("suites"), Key: aws.String("none.yaml")})
	if got := code(t, err); got != "NoSuchKey" {
		t.Errorf("got %q, want NoSuchKey", got)
	}
	_, err = client.ListObjectsV2(bounded(t), &s3.ListObjectsV2Input{Bucket: aws.String("suites")})
	if got := code(t, err); got != "NotImplemented" {
		t.Errorf("a list: %q, want NotImplemented", got)
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
		s := &fake.Server{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", strings.NewReader(c.body))
		r.Header.Set("Content-Encoding", "aws-chunked")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		got, stored := s.Objects.Get("b/k")
		if w.Code != c.status || string(got) != c.want || stored != (c.status == 200) {
			out, _ := io.ReadAll(w.Body)
			t.Errorf("%s: %d, stored %q: %s", name, w.Code, got, out)
		}
	}
}

func TestTheObjectsDoNotGrowWithoutEnd(t *testing.T) {
	s := &fake.Server{}
	body := make([]byte, 16<<20)
	for i := range 8 {
		if !s.Objects.Put("b/"+string(rune('a'+i)), "", body) {
			t.Fatalf("object %d was refused", i)
		}
	}
	if s.Objects.Put("b/one-more", "", body) {
		t.Error("a ninth object of 16 MiB was taken")
	}
	if !s.Objects.Put("b/a", "", body) {
		t.Error("an object may replace itself")
	}
}

// A body that is taken is made of its chunks and nothing else; reading it always ends.
func FuzzChunks(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\n\r\n")
	f.Add("fffffffffffffff\r\n")
	f.Add("-1\r\nx")
	f.Fuzz(func(t *testing.T, body string) {
		s := &fake.Server{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", strings.NewReader(body))
		r.Header.Set("Content-Encoding", "aws-chunked")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		got, stored := s.Objects.Get("b/k")
		if stored != (w.Code == http.StatusOK) || len(got) > len(body) {
			t.Fatalf("%q: %d, stored %t, %q", body, w.Code, stored, got)
		}
	})
}

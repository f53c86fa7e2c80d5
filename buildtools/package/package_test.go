package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// built returns a dist folder as the builds leave it, its files as old as told.
func built(t *testing.T, written time.Time) string {
	t.Helper()
	dist := t.TempDir()
	for name, content := range map[string]string{
		"bin/functions/prober/bootstrap": "p", "bin/functions/after-allow-test-traffic/bootstrap": "a", "bin/functions/before-allow-traffic/bootstrap": "b",
		"bin/functions/after-allow-traffic/bootstrap": "c",
		"bin/tools/amd64/smoke":                       "s1", "bin/tools/amd64/render-taskdef": "r1", "bin/tools/arm64/smoke": "s2",
	} {
		path := filepath.Join(dist, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	return dist
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheSameBinariesMakeTheSameBytes(t *testing.T) {
	one, two := built(t, time.Now()), built(t, time.Now().Add(-48*time.Hour))
	var out bytes.Buffer
	for _, dist := range []string{one, two} {
		if err := run(dist, &out); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"prober.zip", "after-allow-test-traffic.zip", "before-allow-traffic.zip", "after-allow-traffic.zip", "buildtools-linux-amd64.tar.gz", "buildtools-linux-arm64.tar.gz"} {
		if a, b := read(t, one, name), read(t, two, name); a != b || a == "" {
			t.Errorf("%s differs, or is empty", name)
		}
	}
	sum := fmt.Sprintf("%x  %s/prober.zip\n", sha256.Sum256([]byte(read(t, one, "prober.zip"))), filepath.ToSlash(one))
	if !strings.Contains(out.String(), sum) {
		t.Errorf("it does not say %s but\n%s", sum, out.String())
	}
}

func TestAZipHoldsAnExecutableBootstrap(t *testing.T) {
	dist := built(t, time.Now())
	if err := run(dist, io.Discard); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(dist, "prober.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close() //nolint:errcheck // only read
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Errorf("it holds %v %v", z.File[0].Name, z.File[0].Mode())
	}
}

func TestTheArchiveHoldsExecutablesAtItsTop(t *testing.T) {
	dist := built(t, time.Now())
	if err := run(dist, io.Discard); err != nil {
		t.Fatal(err)
	}
	g, err := gzip.NewReader(strings.NewReader(read(t, dist, "buildtools-linux-amd64.tar.gz")))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(g); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || h.Mode != 0o755 || h.Uid != 0 {
			t.Fatalf("%+v, %v", h, err)
		}
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); got != "render-taskdef smoke" {
		t.Errorf("it holds %s", got)
	}
}

func TestWhatWasNotBuiltIsNotPacked(t *testing.T) {
	if err := run(t.TempDir(), io.Discard); err == nil || !strings.Contains(err.Error(), "nothing was built") {
		t.Errorf("got %v", err)
	}
}

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/command"
)

// built returns a dist folder as the builds leave it, its files as old as told.
func built(t *testing.T, written time.Time) string {
	t.Helper()
	dist := t.TempDir()
	for name, content := range map[string]string{
		"bin/functions/prober/bootstrap": "p", "bin/functions/after-allow-test-traffic/bootstrap": "a", "bin/functions/before-allow-traffic/bootstrap": "b",
		"bin/tools/amd64/smoke": "s1", "bin/tools/amd64/render-taskdef": "r1", "bin/tools/arm64/smoke": "s2",
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
		if err := run([]string{"--dist", dist}, &out); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"prober.zip", "after-allow-test-traffic.zip", "before-allow-traffic.zip", "buildtools-linux-amd64.tar.gz", "buildtools-linux-arm64.tar.gz"} {
		if a, b := read(t, one, name), read(t, two, name); a != b || a == "" {
			t.Errorf("%s differs, or is empty", name)
		}
	}
	if _, err := os.Stat(filepath.Join(one, "gate.yml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a bucket there is a template, too: %v", err)
	}
}

func TestAZipHoldsAnExecutableBootstrap(t *testing.T) {
	dist := built(t, time.Now())
	if err := run([]string{"--dist", dist}, io.Discard); err != nil {
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
	if err := run([]string{"--dist", dist}, io.Discard); err != nil {
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

func TestTheTemplatesNameTheUploadedFiles(t *testing.T) {
	dist := built(t, time.Now())
	if err := run([]string{"--dist", dist, "--templates", "../../infra", "--bucket", "my-bucket", "--architecture", "x86_64"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	gate, bluegreen := read(t, dist, "gate.yml"), read(t, dist, "bluegreen.yml")
	for _, m := range []struct{ text, prefix, name string }{
		{gate, "{S3Bucket: my-bucket, S3Key: ", "prober.zip"},
		{gate, "{S3Bucket: my-bucket, S3Key: ", "after-allow-test-traffic.zip"},
		{gate, "{S3Bucket: my-bucket, S3Key: ", "before-allow-traffic.zip"},
		{bluegreen, "TemplateURL: !Sub https://my-bucket.s3.${AWS::URLSuffix}/", "gate.yml"},
		{bluegreen, "Default: s3://my-bucket/", "buildtools-linux-amd64.tar.gz"},
	} {
		places, err := filepath.Glob(filepath.Join(dist, "upload", "greenlight", "*", m.name))
		if err != nil || len(places) != 1 {
			t.Fatalf("%s is uploaded to %v", m.name, places)
		}
		key, _ := filepath.Rel(filepath.Join(dist, "upload"), places[0])
		if !strings.Contains(m.text, m.prefix+filepath.ToSlash(key)) {
			t.Errorf("no template says %s%s", m.prefix, key)
		}
	}
	if strings.Contains(gate, "../dist") || !strings.Contains(gate, "Default: x86_64") {
		t.Error("a local path is left, or the architecture is not the packages'")
	}
	// All else is as it was written, comments too.
	original, changed := strings.Split(read(t, "../../infra/gate.yml"), "\n"), strings.Split(gate, "\n")
	differ := 0
	for i := range original {
		if original[i] != changed[i] {
			differ++
		}
	}
	if len(original) != len(changed) || differ != 4 {
		t.Errorf("%d lines of gate.yml differ, want 4", differ)
	}
}

func TestWhatWasNotBuiltIsNotPacked(t *testing.T) {
	if err := run([]string{"--dist", t.TempDir()}, io.Discard); err == nil || !strings.Contains(err.Error(), "nothing was built") {
		t.Errorf("got %v", err)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-h"}, &out); !errors.Is(err, command.ErrHelp) || !strings.Contains(out.String(), "--bucket") {
		t.Errorf("%v: %s", err, &out)
	}
}

func TestParameters(t *testing.T) {
	const template = "Parameters:\n  VpcId:\n    Type: String\n  Mode:\n    Type: String\n    Default: enforce\n"
	for name, tc := range map[string]struct {
		file, text string
		want       string // of the JSON, or of the error
	}{
		"lines":          {"p", "# mine\nVpcId = vpc-1\n\nMode={\"a\":\"b=c\"}\n", `"ParameterValue": "{\"a\":\"b=c\"}"`},
		"json":           {"p.json", `[{"ParameterKey":"VpcId","ParameterValue":"vpc-1"}]`, `"vpc-1"`},
		"json of others": {"p.json", `{"VpcId":"vpc-1"}`, "want [{"},
		"no value":       {"p", "VpcId\n", ":1: want NAME=VALUE"},
		"slip":           {"p", "VpcID=vpc-1\n", "did you mean VpcId?"},
		"unknown":        {"p", "VpcId=vpc-1\nColour=red\n", "it has VpcId, Mode"},
		"missing":        {"p", "Mode=observe\n", "VpcId is not set"},
		"twice":          {"p", "VpcId=a\nVpcId=b\n", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{tc.file: tc.text, "x.yml": template} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := parameters(filepath.Join(dir, tc.file), "x.yml", dir)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = read(t, dir, "parameters.json")
			}
			if !strings.Contains(got, tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

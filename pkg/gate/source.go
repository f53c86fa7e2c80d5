package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

const (
	// maxSuite bounds a suite, in bytes.
	maxSuite = 4 << 20
	// defaultName is how a verdict calls the suite that is run where nobody wrote one.
	defaultName = "default"
)

// defaultSuite is what is judged when the task definition was read and names no suite: the release
// answers at all. The verdict says suite=default, so that nobody takes it for more.
const defaultSuite = `version: 1
name: default
checks:
  - name: home page
    request: GET /
    expect: {status: [2xx, 3xx, 4xx]}
`

// source finds the suite: the setting, else the label of the replacement task definition, else the
// default. An error is a misconfiguration.
func (g *Gate) source(ctx context.Context, f facts) (smoke.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTime)
	defer cancel()
	ref := g.Settings.Suite
	if ref == "" {
		if f.definitions.Replacement == nil {
			return smoke.Source{}, fmt.Errorf("find the suite: SUITE is not set, and the label greenlight.suite cannot be read: %w", f.definitionsError)
		}
		if ref = f.definitions.Replacement.Suite; ref == "" {
			return smoke.Source{Name: defaultName, Text: []byte(defaultSuite)}, nil
		}
	}
	switch scheme, rest, _ := strings.Cut(ref, ":"); scheme {
	case "s3":
		return g.fromS3(ctx, ref)
	case "ssm":
		return g.fromSSM(ctx, ref, rest)
	}
	return g.fromFile(ref)
}

func (g *Gate) fromFile(name string) (smoke.Source, error) {
	path := name
	if !filepath.IsAbs(path) && g.Settings.TaskRoot != "" {
		path = filepath.Join(g.Settings.TaskRoot, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return smoke.Source{}, fmt.Errorf("read the suite: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxSuite+1))
	if err != nil {
		return smoke.Source{}, fmt.Errorf("read the suite: %w", err)
	}
	if err := checkSize(name, text); err != nil {
		return smoke.Source{}, err
	}
	src := smoke.Source{Name: name, Text: text, Files: map[string][]byte{}}
	for _, ca := range smoke.Files(text) {
		// One that cannot be read is left out: the suite's reader names it, with its place.
		if pem, err := os.ReadFile(filepath.Join(filepath.Dir(path), ca)); err == nil {
			src.Files[ca] = pem
		}
	}
	return src, nil
}

// fromS3 reads s3://bucket/key#sha256=hex. A label carries the hash, so that the suite that judges is
// the one that was published with the release.
func (g *Gate) fromS3(ctx context.Context, ref string) (smoke.Source, error) {
	location, want, hashed := strings.Cut(ref, "#sha256=")
	bucket, key, ok := strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	if !ok || bucket == "" || key == "" || !strings.HasPrefix(location, "s3://") {
		return smoke.Source{}, fmt.Errorf("read the suite: %.200q is not s3://bucket/key", ref)
	}
	text, err := g.AWS.GetObject(ctx, bucket, key)
	if err != nil {
		return smoke.Source{}, fmt.Errorf("read the suite %s: %w", location, err)
	}
	if err := checkSize(location, text); err != nil {
		return smoke.Source{}, err
	}
	if sum := sha256.Sum256(text); hashed && !strings.EqualFold(hex.EncodeToString(sum[:]), want) {
		return smoke.Source{}, fmt.Errorf("read the suite %s: its sha256 is %x, the release was published with %.64q", location, sum, want)
	}
	return smoke.Source{Name: location, Text: text}, nil
}

func (g *Gate) fromSSM(ctx context.Context, ref, name string) (smoke.Source, error) {
	var out struct {
		Parameter struct{ Value string }
	}
	in := map[string]any{"Name": name, "WithDecryption": true}
	if err := g.AWS.JSON(ctx, signed.SSM, "GetParameter", in, &out); err != nil {
		return smoke.Source{}, fmt.Errorf("read the suite %s: %w", ref, err)
	}
	return smoke.Source{Name: ref, Text: []byte(out.Parameter.Value)}, nil
}

func checkSize(name string, text []byte) error {
	switch {
	case len(text) > maxSuite:
		return fmt.Errorf("read the suite %s: it is larger than 4 MiB", name)
	case len(text) == 0:
		return errors.New("read the suite " + name + ": it is empty")
	}
	return nil
}

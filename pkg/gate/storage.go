package gate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/report"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// defaultName is the name, in a verdict, of the suite that is run when the release has none.
const defaultName = "default"

// defaultSuite is run when the task definition was read and names no suite. It checks only that the release answers;
// the verdict says suite=default, so that nobody takes it for more.
const defaultSuite = `version: 1
name: default
checks:
  - name: home page
    request: GET /
    expect: {status: [2xx, 3xx, 4xx]}
`

// source finds the suite: the setting, else the label of the replacement task definition, else the
// default. An error is a misconfiguration.
func (g *Gate) source(ctx context.Context, f facts) (suite.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTime)
	defer cancel()
	ref, labelled := g.Settings.Suite, false
	if ref == "" {
		td, ok := f.Replacement.Get()
		if !ok {
			return suite.Source{}, fmt.Errorf("find the suite: SUITE is not set, and the label greenlight.suite cannot be "+
				"read: %w", f.Replacement.Err())
		}
		if ref, labelled = td.Suite, true; ref == "" {
			return suite.Source{Name: defaultName, Text: []byte(defaultSuite)}, nil
		}
	}
	switch scheme, rest, _ := strings.Cut(ref, ":"); {
	case scheme == "s3":
		return g.fromS3(ctx, ref)
	case scheme == "ssm":
		text, err := secret.Sources{AWS: &g.AWS}.Parameter(ctx, rest)
		if err != nil {
			return suite.Source{}, fmt.Errorf("read the suite %s: %w", ref, err)
		}
		return suite.Source{Name: ref, Text: []byte(text)}, nil
	case labelled && !filepath.IsLocal(ref):
		// Whoever may write a label must not be able to read the function's files by it.
		return suite.Source{}, fmt.Errorf("read the suite: the label greenlight.suite is %.200q, which leaves the "+
			"function's package: want s3://bucket/key#sha256=…, ssm:/name or a file in the package", ref)
	case filepath.IsAbs(ref):
		return fromFile(ref, filepath.Dir(ref), filepath.Base(ref))
	}
	return fromFile(ref, cmp.Or(g.Settings.TaskRoot, "."), filepath.Clean(ref))
}

// fromFile reads a suite and the files that it names from below a folder. Links that lead out of it are not followed.
func fromFile(name, folder, path string) (suite.Source, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return suite.Source{}, fmt.Errorf("read the suite %s: %w", name, err)
	}
	defer root.Close() //nolint:errcheck // only read
	text, err := suite.ReadLimited(root.Open, path, suite.MaxSuite)
	if err == nil {
		err = checkSize(name, text)
	}
	if err != nil {
		return suite.Source{}, fmt.Errorf("read the suite: %w", err)
	}
	src := suite.Source{Name: name, Text: text, Files: map[string][]byte{}}
	for _, ca := range suite.Files(text) {
		// A file that cannot be read is left out here; the suite's reader reports it with its place.
		if pem, err := suite.ReadLimited(root.Open, filepath.Join(filepath.Dir(path), ca), suite.MaxSuite); err == nil {
			src.Files[ca] = pem
		}
	}
	return src, nil
}

// fromS3 reads s3://bucket/key#sha256=hex. A label carries the hash, so that the suite that judges is
// the one that was published with the release.
func (g *Gate) fromS3(ctx context.Context, ref string) (suite.Source, error) {
	location, want, hashed := strings.Cut(ref, "#sha256=")
	bucket, key, ok := strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	if !ok || bucket == "" || key == "" || !strings.HasPrefix(location, "s3://") {
		return suite.Source{}, fmt.Errorf("read the suite: %.200q is not s3://bucket/key", ref)
	}
	out, err := g.s3().GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	var text []byte
	if err == nil {
		text, err = io.ReadAll(out.Body)
	}
	if err != nil {
		return suite.Source{}, fmt.Errorf("read the suite %s: %w", location, awsclient.Error(err))
	}
	if err := checkSize(location, text); err != nil {
		return suite.Source{}, fmt.Errorf("read the suite: %w", err)
	}
	if sum := sha256.Sum256(text); hashed && !strings.EqualFold(hex.EncodeToString(sum[:]), want) {
		return suite.Source{}, fmt.Errorf("read the suite %s: its sha256 is %x, the release was published with %.64q",
			location, sum, want)
	}
	return suite.Source{Name: location, Text: text}, nil
}

// s3 returns the client for S3. A configured endpoint is one host, so the bucket stands in the path; AWS's own
// endpoints have one host for each bucket.
func (g *Gate) s3() *s3.Client {
	return s3.NewFromConfig(g.AWS, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

func checkSize(name string, text []byte) error {
	switch {
	case len(text) > suite.MaxSuite:
		return fmt.Errorf("%s is larger than %d bytes", name, suite.MaxSuite)
	case len(text) == 0:
		return errors.New(name + " is empty")
	}
	return nil
}

const (
	// uploadTime bounds writing the report. It is written after the status is stored, from what is left.
	uploadTime = 8 * time.Second
	// answerTime is what the upload must leave of the function's time: a killed function is invoked again by Lambda,
	// and counts as failed in a native deployment.
	answerTime = 2 * time.Second
)

// reportKey is where the report of an invocation goes: the same for every retry of an event, so that the last report is
// the one that stays.
func reportKey(in *invocation, extension string) string {
	id := regexp.MustCompile(`[^-0-9A-Za-z]`).ReplaceAllString(in.event.DeploymentID, "_")
	return fmt.Sprintf("greenlight/%s/%s.%s", id, in.facts.lifecycleEvent, extension)
}

// link is where the report of a decision will be, or empty where there is none.
func (g *Gate) link(in *invocation, d decision.Decision) string {
	if g.Settings.ReportBucket == "" || d.Seen.Run.Report() == nil {
		return ""
	}
	return "s3://" + g.Settings.ReportBucket + "/" + reportKey(in, "html")
}

// upload writes the report as a page for people and as JSON for programs. The status has been stored by then, so a
// failure here is only a warning.
func (g *Gate) upload(ctx context.Context, in *invocation, d decision.Decision, link string) {
	if link == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(uploadTime, time.Until(in.budget.deadline)-answerTime))
	defer cancel()
	for _, kind := range []struct {
		extension, contentType string
		write                  report.Writer
	}{
		{"html", "text/html; charset=utf-8", report.HTML},
		{"json", "application/json", report.JSON},
	} {
		var b bytes.Buffer
		err := kind.write(&b, *d.Seen.Run.Report())
		if err == nil {
			_, err = g.s3().PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(g.Settings.ReportBucket), Key: aws.String(reportKey(in, kind.extension)),
				ContentType: aws.String(kind.contentType), Body: strings.NewReader(in.j.secrets.Text(b.String())),
			})
		}
		if err != nil {
			in.j.warn("write the report: " + awsclient.Error(err).Error())
		}
	}
}

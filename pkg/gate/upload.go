package gate

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/decision"
	"github.com/greenlight-ecs/greenlight/pkg/report"
)

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
	most := uploadTime
	if !in.budget.deadline.IsZero() {
		most = min(most, time.Until(in.budget.deadline)-answerTime)
	}
	ctx, cancel := context.WithTimeout(ctx, most)
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

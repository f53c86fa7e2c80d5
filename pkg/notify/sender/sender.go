// Package sender is the notifier: CloudWatch Logs hands it lines of the hooks' log, by which it reads what a hook said,
// and it sends what pkg/notify makes of that: an event to EventBridge, and messages to a topic and to a webhook.
//
// It keeps nothing: the log is all that is known, also of who was told what. It refuses to stay silent about what it
// could not send: that is a line and a metric. What it is handed, reads and waits for is bounded.
package sender

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/sethvargo/go-envconfig"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/redact"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// Settings is the function's environment, read once when it starts.
type Settings struct {
	// TopicARN is where messages are published. Empty: nowhere.
	TopicARN string `env:"NOTIFICATION_TOPIC_ARN"`
	// Webhook names a secret that holds a URL of Slack's or Teams': an ARN, ssm:/name, secretsmanager:id#key. Empty: none.
	Webhook string `env:"WEBHOOK"`
	// Notify is all where a PASS is told, too.
	Notify string `env:"NOTIFY, default=held-back"`
	// LogGroups are those of the hooks, with commas between them.
	LogGroups        string `env:"LOG_GROUPS"`
	MetricsNamespace string `env:"METRICS_NAMESPACE, default=Greenlight"`
	FunctionName     string `env:"AWS_LAMBDA_FUNCTION_NAME, default=unknown"`

	AWS awsclient.Environment
}

type notifier struct {
	Settings
	cfg aws.Config
	out io.Writer
}

// Start serves invocations under Lambda, with settings from the process's environment. It does not return.
func Start() {
	env := envconfig.OsLookuper()
	n := &notifier{Settings: Settings{AWS: awsclient.Environment{Lookup: env.Lookup}}, out: os.Stdout}
	if err := envconfig.ProcessWith(context.Background(), &envconfig.Config{Target: &n.Settings, Lookuper: env}); err != nil {
		n.say("settings", nil, err)
	}
	n.cfg = n.AWS.Config()
	lambda.Start(n)
}

const (
	// maxPayload bounds what an invocation unpacks to, in bytes, maxPages what is read of the log by one question.
	maxPayload, maxPages = 16 << 20, 20
	// patience is how long lines are looked for that the log does not show yet, or that were long ago.
	patience = 20 * time.Second
	// longest is how long an invocation of a hook may last, in milliseconds, and a bit more.
	longest, day = 16 * 60_000, 24 * 3600_000
)

// entry is an entry of the log, batch what CloudWatch Logs invokes the function with, unpacked.
type (
	entry struct {
		Timestamp int64
		Message   string
	}
	batch struct {
		LogGroup, LogStream string
		LogEvents           []entry
	}
)

// Invoke handles one invocation. An error is for what is no log at all: everything else is told in the log.
func (n *notifier) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer awsclient.Rest(n.cfg)
	b, err := unpack(payload)
	if err != nil {
		return nil, fmt.Errorf("read what CloudWatch Logs sent: %w", err)
	}
	for _, e := range b.LogEvents {
		if l := notify.Read(e.Message); l.Text("type") == "platform.report" || l.Text("event") == "ask" {
			if err := n.tell(ctx, b, e, l); err != nil {
				n.say("nobody", l, err)
			}
		}
	}
	return []byte("null"), nil
}

func unpack(payload []byte) (b batch, err error) {
	var in struct{ AWSLogs struct{ Data []byte } }
	if err := json.Unmarshal(payload, &in); err != nil {
		return b, err
	}
	packed, err := gzip.NewReader(bytes.NewReader(in.AWSLogs.Data))
	if err != nil {
		return b, err
	}
	text, err := io.ReadAll(io.LimitReader(packed, maxPayload)) // what is cut off is no JSON
	return b, cmp.Or(err, json.Unmarshal(text, &b))
}

// tell tells what an invocation came to, by the entry about its end, or its question.
func (n *notifier) tell(ctx context.Context, b batch, e entry, l notify.Line) error {
	wrote, err := n.wrote(ctx, b, e)
	if err != nil {
		return err
	}
	s := notify.Story{Beside: wrote, Region: n.AWS.Region, All: n.Notify == "all"}
	for _, w := range append(wrote, l) {
		if w.Text("event") == "verdict" || w.Text("event") == "ask" && l.Text("event") == "ask" {
			s.Line = w
		}
	}
	if s.Line == nil {
		if l.Text("record", "status") == "success" {
			return nil // it goes on in another call
		}
		s.Line = notify.Crash(l, wrote)
		s.Line["log"] = b.LogGroup + " " + b.LogStream // all there is to look at where it died before its first line
	}
	if s.Earlier, err = n.earlier(ctx, s.Line, l.Text("record", "requestId"), e.Timestamp); err != nil {
		n.say("everybody, perhaps again", s.Line, err)
	}
	m, told := notify.Compose(s)
	if m.Kind != notify.Question {
		n.say("EventBridge", s.Line, n.event(ctx, m))
	}
	if told && n.TopicARN != "" {
		_, err := sns.NewFromConfig(n.cfg).Publish(ctx, &sns.PublishInput{
			TopicArn: &n.TopicARN, Subject: aws.String(m.Subject()), Message: aws.String(string(m.Topic())),
			MessageStructure: aws.String("json"),
		})
		n.say("topic", s.Line, awsclient.Error(err))
	}
	if told && n.Webhook != "" {
		n.say("webhook", s.Line, n.webhook(ctx, m))
	}
	return nil
}

func (n *notifier) event(ctx context.Context, m notify.Message) error {
	one := types.PutEventsRequestEntry{
		Source: aws.String(notify.Source), DetailType: aws.String(notify.DetailType), Detail: aws.String(string(m.Event())),
	}
	in := &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{one}}
	out, err := eventbridge.NewFromConfig(n.cfg).PutEvents(ctx, in)
	if err == nil && out.FailedEntryCount > 0 {
		return fmt.Errorf("eventbridge PutEvents: %s", aws.ToString(append(out.Entries, types.PutEventsResultEntry{})[0].ErrorCode))
	}
	return awsclient.Error(err)
}

// wrote returns the lines of the invocation that an entry belongs to, up to this. An execution environment has a
// stream of its own and takes one invocation at a time, and the log shows a stream's lines in their order.
func (n *notifier) wrote(ctx context.Context, b batch, e entry) ([]notify.Line, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		seen, err := n.filter(ctx, b.LogGroup, []string{b.LogStream}, "", e.Timestamp-longest, e.Timestamp)
		lines, shown := []notify.Line{}, false
		for _, s := range seen {
			l := notify.Read(s.Message)
			if l.Text("type") == "platform.start" {
				if shown {
					break
				}
				lines = nil
			} else if l.Text("event") != "" {
				lines = append(lines, l)
			}
			shown = shown || s.Message == e.Message // what is of the same millisecond may stand behind it
		}
		if shown {
			return lines, nil
		}
		select {
		case <-ctx.Done():
			return nil, cmp.Or(err, errors.New("the log does not show the line that it sent, so what the hook said is not known"))
		case <-time.After(time.Second):
		}
	}
}

// earlier returns what there was before a line: the deployment's and the service's verdicts, of 30 days at most and of
// no more than another deployment is found in, and earlier attempts of the same invocation, of which Lambda makes three.
func (n *notifier) earlier(ctx context.Context, l notify.Line, request string, at int64) (all []notify.Line, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var either []string
	for name, value := range map[string]string{
		"deployment_id": l.Text("deployment_id"), "service": l.Text("service"), "record.requestId": request,
	} {
		if regexp.MustCompile(`^[-\w:/.]+$`).MatchString(value) {
			either = append(either, fmt.Sprintf(`$.%s = "%s"`, name, value))
		}
	}
	pattern := `{ ($.event = "verdict" || $.type = "platform.report") && (` + strings.Join(either, " || ") + ") }"
	until, more := at-1, len(either) > 0
	for days := int64(1); days <= 30 && more; days += 29 {
		from := at - days*day
		for group := range strings.SplitSeq(n.LogGroups, ",") {
			seen, err := n.filter(ctx, group, nil, pattern, from, until)
			if err != nil {
				return all, fmt.Errorf("read what there was before: %w", err)
			}
			for _, s := range seen {
				e := notify.Read(s.Message)
				if e.Text("type") != "" && e.Text("record", "status") != "success" {
					e = notify.Crash(e, []notify.Line{l})
				}
				same := e.Text("deployment_id") == l.Text("deployment_id")
				near := same || e.Text("service") == l.Text("service") && e.Text("cluster") == l.Text("cluster")
				if near && e.Text("timestamp") < l.Text("timestamp") {
					all, more = append(all, e), more && same
				}
			}
		}
		until = from - 1
	}
	return all, nil
}

// filter reads entries of a log group; none where there is no such group or stream.
func (n *notifier) filter(
	ctx context.Context, group string, streams []string, pattern string, from, until int64,
) (all []entry, err error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(n.cfg), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, LogStreamNames: streams, FilterPattern: &pattern, StartTime: &from, EndTime: &until,
	})
	for page := 0; pages.HasMorePages(); {
		if page == maxPages {
			return all, fmt.Errorf("there are more than %d pages of it", maxPages)
		}
		out, err := pages.NextPage(ctx)
		if awsclient.IsCode(err, "ResourceNotFoundException") {
			break
		}
		if err != nil {
			return all, awsclient.Error(err)
		}
		page += min(1, len(out.Events)) // a long log has many empty ones: they are bounded by the time they take
		for _, e := range out.Events {
			all = append(all, entry{aws.ToInt64(e.Timestamp), aws.ToString(e.Message)})
		}
	}
	return all, nil
}

// say writes a line about what was sent, or why not. It is a metric, too, in CloudWatch's embedded format.
func (n *notifier) say(to string, l notify.Line, err error) {
	now, level, outcome, reason, failed := time.Now().UTC(), "info", "sent", "", 0
	if err != nil {
		level, outcome, failed = "error", "failed", 1
		reason = redact.New(n.AWS.Secrets()...).Text(redact.Safe(err.Error(), 1000))
	}
	_ = json.NewEncoder(n.out).Encode(map[string]any{
		"timestamp": now.Format("2006-01-02T15:04:05.000Z"), "level": level, "event": "notify", "to": to,
		"outcome": outcome, "reason": reason, "deployment_id": l.Text("deployment_id"), "NotifyFailed": failed,
		"FunctionName": n.FunctionName,
		"_aws": map[string]any{"Timestamp": now.UnixMilli(), "CloudWatchMetrics": []any{map[string]any{
			"Namespace": n.MetricsNamespace, "Dimensions": [][]string{{"FunctionName"}},
			"Metrics": []any{map[string]string{"Name": "NotifyFailed", "Unit": "Count"}},
		}}},
	})
}

const (
	// attempts and attemptTime bound a webhook that hangs, or is ill; maxAnswer is how much is read of what it says.
	attempts, attemptTime, maxAnswer = 3, 5 * time.Second, 64 << 10
)

// webhook posts a message to the webhook. Its URL is a secret: no error holds it, or what comes of it.
func (n *notifier) webhook(ctx context.Context, m notify.Message) error {
	kind, id, _ := strings.Cut(n.Webhook, ":")
	if kind == "arn" {
		kind, id = strings.Split(n.Webhook+"::", ":")[2], n.Webhook
	}
	ref := suite.Reference{Name: "WEBHOOK", Kind: suite.ReferenceKind(kind), ID: id}
	if ref.Kind == suite.ReferenceSecretsManager {
		ref.ID, ref.Key, _ = strings.Cut(id, "#")
	} else if ref.Kind != suite.ReferenceSSM {
		return errors.New("WEBHOOK is no reference to a secret, want an ARN, ssm:/name or secretsmanager:id#key")
	}
	values, err := secret.Sources{AWS: &n.cfg}.Resolve(ctx, []suite.Reference{ref})
	if err != nil {
		return fmt.Errorf("read the webhook's URL%w", err) // its text begins with a place in a suite, and here is none
	}
	to, slack, err := target(values["WEBHOOK"].Text)
	if err != nil {
		return err
	}
	body := m.Teams()
	if slack {
		body = m.Slack()
	}
	home := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Timeout: attemptTime, CheckRedirect: home, Transport: &http.Transport{DisableKeepAlives: true}}
	for try := 1; ; try++ {
		// An error's text names the URL; and what was sent may have come, so it is not sent again.
		resp, err := client.Post(to, "application/json", bytes.NewReader(body)) //nolint:noctx // it ends by itself
		if err != nil {
			return fmt.Errorf("the webhook cannot be reached, breaks off or does not answer within %s", attemptTime)
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
		busy := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError
		if resp.StatusCode < http.StatusMultipleChoices {
			return nil
		}
		if !busy || try == attempts || ctx.Err() != nil {
			return fmt.Errorf("the webhook answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
}

// target reads a webhook's URL, and whether it is Slack's: by its host, or where that is another one by a prefix.
func target(text string) (to string, slack bool, err error) {
	to, slack = strings.CutPrefix(strings.TrimSpace(text), "slack+")
	to, teams := strings.CutPrefix(to, "teams+")
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return "", false, errors.New("the secret WEBHOOK names holds no URL")
	}
	ends := func(hosts ...string) bool {
		return slices.ContainsFunc(hosts, func(h string) bool { return strings.HasSuffix("."+strings.ToLower(u.Hostname()), "."+h) })
	}
	slack = slack || ends("hooks.slack.com", "hooks.slack-gov.com")
	teams = teams || ends("logic.azure.com", "powerautomate.com", "powerplatform.com", "webhook.office.com")
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback()):
		return "", false, errors.New("the webhook's URL is not https")
	case slack == teams:
		return "", false, errors.New("the webhook's host is neither Slack's nor Teams': begin its URL with slack+https:// or " +
			"teams+https://")
	}
	return to, slack, nil
}

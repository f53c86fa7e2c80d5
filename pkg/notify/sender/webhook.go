package sender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

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

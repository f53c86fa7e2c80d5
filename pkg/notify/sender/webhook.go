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
	ref := suite.Reference{Name: "WEBHOOK", Kind: suite.ReferenceKind(kind), ID: id}
	if ref.Kind == suite.ReferenceSecretsManager {
		ref.ID, ref.Key, _ = strings.Cut(id, "#")
	} else if ref.Kind != suite.ReferenceSSM {
		return errors.New("WEBHOOK is no reference to a secret, want ssm:/name or secretsmanager:id#key")
	}
	values, err := secret.Sources{AWS: &n.cfg}.Resolve(ctx, []suite.Reference{ref})
	if err != nil {
		return fmt.Errorf("read the webhook's URL: %w", err)
	}
	target, slack, err := target(values["WEBHOOK"].Text)
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
		again, err := post(ctx, client, target, body)
		if err == nil || !again || try == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
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

// post posts once, and says whether another attempt may help: what was sent, and not answered, may have come.
func post(ctx context.Context, client *http.Client, target string, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the webhook's URL cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if failed.Timeout() {
			return false, fmt.Errorf("the webhook does not answer within %s", attemptTime)
		}
		return false, errors.New("the webhook cannot be reached, or breaks off") // the cause names its host, or more
	}
	if err != nil {
		return false, errors.New("the webhook cannot be asked")
	}
	defer resp.Body.Close() //nolint:errcheck // read as far as it is looked at
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("the webhook answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests, err
}

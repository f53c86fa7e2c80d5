package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

// linking is what a text becomes a link by.
var linking = regexp.MustCompile(`(?i)(mailto|javascript|www|:/)([:./])`)

// plain is foreign text as one line of at most so many characters with which no form can be made to mention somebody,
// to link or to mark up: what begins a mention, a tag or a link is replaced by what looks like it.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch r {
		case '<', '＜':
			return '‹'
		case '>', '＞':
			return '›'
		case '@':
			return '＠'
		}
		return r
	}, redact.Safe(text, 4*most))
	text = strings.ReplaceAll(linking.ReplaceAllString(text, "$1[$2]"), "s3:/[/]", "s3://") // which nobody can follow
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// encode is JSON in which nothing is escaped that need not be.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings, numbers, maps and slices of them
	return bytes.TrimSpace(b.Bytes())
}

type object = map[string]any

// unmarked is a title in a markdown that knows no escapes, Slack's or Teams'.
func unmarked(text string) string {
	return strings.NewReplacer("*", "∗", "_", "‗", "~", "∼", "`", "'", "[", "(", "]", ")", "&", "+").Replace(text)
}

// Topic is the message for a topic in SNS's form, MessageStructure json: mail gets Mail, a phone the title, all others what Amazon Q
// Developer calls a custom notification (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html). In
// its markdown nothing is markup in a block of code.
func (m Message) Topic() []byte {
	text := "```\n" + strings.NewReplacer("`", "'", "&", "&amp;").Replace(strings.Join(m.lines(), "\n")) + "\n```"
	steps, pages := []string{}, []string{}
	for _, l := range m.links() {
		steps, pages = append(steps, l[0]+": "+l[1]), append(pages, l[1])
	}
	chat := string(encode(object{
		"version": "1.0", "source": "custom",
		"content": object{
			"textType": "client-markdown", "title": m.sign() + " " + unmarked(m.Title()), "description": text, "nextSteps": steps,
			"keywords": []string{"greenlight", string(m.Kind)},
		},
		"metadata": object{
			"threadId": regexp.MustCompile(`[^-0-9A-Za-z]`).ReplaceAllString(plain(m.Line.Text("deployment_id"), maxText), "-"),
			"summary":  unmarked(m.Title()), "eventType": DetailType, "relatedResources": pages,
		},
	}))
	return encode(object{"default": chat, "https": chat, "email": string(m.Mail()), "sms": m.Title()})
}

// sign is what the eye finds first.
func (m Message) sign() string {
	sign := map[Kind]string{Passed: "✅", Recovered: "✅", Question: "❓", WouldHold: "⚠️", Skipped: "⚠️"}[m.Kind]
	return cmp.Or(sign, "⛔")
}

// Subject is the mail's, in ASCII, since SNS takes nothing else.
func (m Message) Subject() string {
	text := strings.NewReplacer("＠", "@", "‹", "<", "›", ">", "…", "...").Replace("Greenlight: " + m.Title())
	text = regexp.MustCompile(`[^ -~]`).ReplaceAllString(text, "?")
	return text[:min(len(text), 99)]
}

// Mail is the mail's text.
func (m Message) Mail() []byte {
	text := m.Title() + "\n\n" + strings.Join(m.lines(), "\n") + "\n"
	for _, l := range m.links() {
		text += "\n" + l[0] + ": " + l[1]
	}
	return []byte(text + "\n")
}

// Slack is the message in Slack's Block Kit: all that is not ours stands in plain text, in which Slack reads no markup.
func (m Message) Slack() []byte {
	text := func(s string) object { return object{"type": "plain_text", "text": s, "emoji": false} }
	blocks := []object{{"type": "header", "text": text(m.sign() + " " + m.Title())}}
	for part := range slices.Chunk(m.lines(), maxFailed) { // a section has room for 3,000 characters
		blocks = append(blocks, object{"type": "section", "text": text(strings.Join(part, "\n"))})
	}
	for _, l := range m.links() {
		page := "<" + strings.ReplaceAll(l[1], "&", "&amp;") + "|" + l[0] + ">"
		blocks = append(blocks, object{"type": "section", "text": object{"type": "mrkdwn", "text": page}})
	}
	// The text beside the blocks is what a phone shows first; it is read as markup.
	return encode(object{"text": unmarked(m.Title()), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

// Teams is the message as an Adaptive Card for a webhook of Teams' Workflows: all that is not ours stands in runs of
// text, which know no markdown.
func (m Message) Teams() []byte {
	body, actions := []object{}, []object{}
	for i, line := range append([]string{m.sign() + " " + m.Title()}, m.lines()...) {
		run := object{"type": "TextRun", "text": line, "weight": map[bool]string{true: "Bolder", false: "Default"}[i == 0]}
		body = append(body, object{"type": "RichTextBlock", "inlines": []object{run}})
	}
	for _, l := range m.links() {
		actions = append(actions, object{"type": "Action.OpenUrl", "title": l[0], "url": l[1]})
	}
	return encode(object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive", "content": object{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
			"fallbackText": unmarked(m.Title()), "body": body, "actions": actions,
		},
	}}})
}

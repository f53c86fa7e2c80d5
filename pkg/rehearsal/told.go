package rehearsal

import (
	"encoding/json"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
)

// Message is what people would have been told on AWS, in each of its forms; account, region and links are a rehearsal's.
type Message struct {
	Kind    notify.Kind `json:"kind"`
	Subject string      `json:"subject"`
	Mail    string      `json:"mail"`
	// AmazonQ is a custom notification of Amazon Q Developer, EventBridge the event.
	Slack       json.RawMessage `json:"slack"`
	Teams       json.RawMessage `json:"teams"`
	AmazonQ     json.RawMessage `json:"amazon_q"`
	EventBridge json.RawMessage `json:"eventbridge"`
}

// wrote keeps a line for the messages, of as many as a Result keeps.
func (w *witness) wrote(text string) {
	l := notify.Read(w.stream.shared.Replace(w.stream.redactor.Text(text)))
	if n := len(w.lines) - 1; n >= 0 && len(w.lines[n]) < maxLogLines && l.Text("event") != "" {
		w.lines[n] = append(w.lines[n], l)
	}
}

// messages are what people would have been told of what a hook wrote. A crash is told where the hook is one of ours.
func (r *run) messages(w *witness, ours bool) (all []Message) {
	judged := false
	tell := func(line notify.Line, beside []notify.Line) {
		m, told := notify.Compose(notify.Story{Line: line, Beside: beside, Earlier: r.told, Region: Region})
		if r.told = append(r.told, line); !told {
			return
		}
		var topic struct{ Default string }
		_ = json.Unmarshal(m.Topic(), &topic) // it is ours
		event, _ := json.Marshal(map[string]any{
			"source": notify.Source, "detail-type": notify.DetailType, "detail": json.RawMessage(m.Event()),
		})
		all = append(all, Message{
			Kind: m.Kind, Subject: m.Subject(), Mail: string(m.Mail()),
			Slack: m.Slack(), Teams: m.Teams(), AmazonQ: json.RawMessage(topic.Default), EventBridge: event,
		})
	}
	var last []notify.Line
	for _, last = range w.lines {
		for _, l := range last {
			if event := l.Text("event"); event == "verdict" || event == "ask" {
				judged = judged || event == "verdict"
				tell(l, last)
			}
		}
	}
	if n := len(w.result.Attempts); !judged && n > 0 && ours {
		status := map[bool]string{true: "timeout", false: "error"}[strings.Contains(w.result.Attempts[n-1], string(lambda.TimedOut))]
		tell(notify.Crash(notify.Line{"record": map[string]any{"status": status}}, last), last)
	}
	return all
}

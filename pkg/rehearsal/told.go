package rehearsal

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/notify"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/lambda"
)

// Message is what people would have been told on AWS; account, region and links are the rehearsal's.
type Message struct {
	Kind    notify.Kind `json:"kind"`
	Subject string      `json:"subject"`
	Mail    string      `json:"mail"`
	// Forms are what Slack, Teams, Amazon Q Developer and EventBridge would have got.
	Forms map[string]json.RawMessage `json:"forms"`
}

// wrote keeps a line for the messages, of as many as a Result keeps.
func (w *witness) wrote(text string) {
	l := notify.Read(w.stream.clean(text))
	if n := len(w.lines) - 1; n >= 0 && len(w.lines[n]) < maxLogLines && l.Text("event") != "" {
		w.lines[n] = append(w.lines[n], l)
	}
}

// tell notes what people would have been told of what a hook wrote; of a crash only where the hook is one of ours.
func (r *run) tell(w *witness, foreign bool) {
	var wrote []notify.Line
	judged := foreign
	for _, wrote = range w.lines {
		for _, l := range wrote {
			if event := l.Text("event"); event == "verdict" || event == "ask" {
				judged = judged || event == "verdict"
				r.compose(l, wrote)
			}
		}
	}
	if n := len(w.result.Attempts); !judged && n > 0 {
		late := strings.Contains(w.result.Attempts[n-1], string(lambda.TimedOut))
		record := map[string]any{"status": map[bool]string{true: "timeout", false: "error"}[late]}
		r.compose(notify.Crash(notify.Line{"record": record}, wrote), wrote)
	}
}

func (r *run) compose(line notify.Line, beside []notify.Line) {
	m, told := notify.Compose(notify.Story{Line: line, Beside: beside, Earlier: r.told, Region: Region})
	if r.told = append(r.told, line); !told {
		return
	}
	var topic struct{ Default string }
	_ = json.Unmarshal(m.Topic(), &topic) // it is ours
	event := `{"source": %q, "detail-type": %q, "detail": %s}`
	forms := map[string]json.RawMessage{
		"Slack": m.Slack(), "Teams": m.Teams(), "Amazon Q Developer": []byte(topic.Default),
		"EventBridge": fmt.Appendf(nil, event, notify.Source, notify.DetailType, m.Event()),
	}
	r.result.Messages = append(r.result.Messages, Message{m.Kind, m.Subject(), string(m.Mail()), forms})
}

package functions_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/notify/sender"
)

// loggedEvent is one kind of line of the log. Every line also has the members that members adds.
type loggedEvent struct {
	event, says string
	// members are always there, sometimes those that a line has when there is something to say.
	members, sometimes string
}

// loggedEvents is what queries, alarms and dashboards are written against.
func loggedEvents() []loggedEvent {
	return []loggedEvent{
		{"check", "one check has ended", "check verdict attempts failures duration_ms observe reason", ""},
		{
			"compare", "one comparison has ended",
			"check verdict pairs green_p50_ms blue_p50_ms green_p95_ms blue_p95_ms green_errors blue_errors reason", "",
		},
		{
			"verdict", "what was decided and why; one line per invocation, none where it goes on in another one",
			"verdict status blame reason release suite suite_sha256 checks_passed checks_failed duration_ms " +
				"mode target proof judged_by baseline cluster service greenlight link", "report step",
		},
		{
			"ask", "nobody can tell, and somebody is asked; then no verdict yet", "question until reason release cluster service approve reject link", "report",
		},
		{
			"reported", "whether CodeDeploy knows: `outcome` is stored, already-completed or failed",
			"status attempts outcome", "reason",
		},
		{"note", "what could not be read, what is waited for; obeys `LOG_LEVEL`", "message", ""},
	}
}

// metric is one metric of an invocation.
type metric struct{ name, unit, says string }

func metrics() []metric {
	return []metric{
		{"GatePassed", "Count", "1 for a PASS, and for an INCONCLUSIVE that the suite allows and that was enforced"},
		{"GateFailed", "Count", "1 whenever the status is Failed"},
		{"GateWouldFail", "Count", "1 for what only observes, or would have stopped a rollback"},
		{"GateSkipped", "Count", "1 for an authorised skip"},
		{"ChecksPassed", "Count", "checks and comparisons that passed"},
		{"ChecksFailed", "Count", "those that did not"},
		{"CheckDuration", "Milliseconds", "one value for each check; none where no check was run"},
		{"GateDuration", "Milliseconds", "the whole invocation, up to the stored status"},
		{"ReportFailed", "Count", "1 when a status could not be stored"},
	}
}

func TestTheREADMEListsTheLog(t *testing.T) {
	var b strings.Builder
	b.WriteString("| `event` | says | members | sometimes |\n| --- | --- | --- | --- |\n")
	for _, e := range loggedEvents() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.event, e.says, code(e.members), code(e.sometimes))
	}
	checkSection(t, "log", b.String())
}

func TestTheREADMEListsTheMetrics(t *testing.T) {
	var b strings.Builder
	b.WriteString("| metric | unit | says |\n| --- | --- | --- |\n")
	for _, m := range metrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.name, m.unit, m.says)
	}
	checkSection(t, "metrics", b.String())
}

// code is words, each as code.
func code(words string) string {
	all := strings.Fields(words)
	for i, w := range all {
		all[i] = "`" + w + "`"
	}
	return strings.Join(all, " ")
}

// TestTheREADMEListsTheSettings holds the tables' names and defaults against what the functions read.
func TestTheREADMEListsTheSettings(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for section, of := range map[string]struct {
		settings reflect.Type
		least    int
	}{"settings": {reflect.TypeFor[gate.Settings](), 10}, "notifier": {reflect.TypeFor[sender.Settings](), 5}} {
		_, table, _ := strings.Cut(string(text), "<!-- "+section+":begin -->")
		table, _, _ = strings.Cut(table, "<!-- "+section+":end -->")
		listed := map[string]string{}
		rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|(?: `([^`]*)`)? \\| ..")
		for _, row := range rows.FindAllStringSubmatch(table, -1) {
			listed[row[1]] = row[2]
		}
		read := settingsOf(of.settings)
		for name, standard := range read {
			if got, ok := listed[name]; !ok || got != standard {
				t.Errorf("the functions read %s, default %q; %s lists it: %v, default %q", name, standard, readme, ok, got)
			}
		}
		for name := range listed {
			if _, ok := read[name]; !ok {
				t.Errorf("%s lists %s, which no function reads", readme, name)
			}
		}
		if len(read) < of.least {
			t.Errorf("only %v were found", read)
		}
	}
}

// settingsOf returns the variables that a struct is read from, with their defaults: all but those that Lambda and the
// SDK define.
func settingsOf(s reflect.Type) map[string]string {
	found := map[string]string{}
	for field := range s.Fields() {
		tag := field.Tag.Get("env")
		if tag == "" && field.Type.Kind() == reflect.Struct {
			for name, standard := range settingsOf(field.Type) {
				found[name] = standard
			}
			continue
		}
		name, options, _ := strings.Cut(tag, ", ")
		if name != "" && !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "LAMBDA_") {
			found[name] = strings.TrimPrefix(options, "default=")
		}
	}
	return found
}

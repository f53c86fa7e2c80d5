package functions_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// units are those that CloudWatch knows (MetricDatum, "Unit").
const units = " Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits Percent Count " +
	"Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None "

// emfProblems holds a line against the embedded metric format's specification
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
// what CloudWatch would drop without a word.
func emfProblems(root map[string]any, size int) []string {
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if size > 1<<20 {
		wrong("the event has %d bytes, at most 1 MiB", size)
	}
	meta, ok := root["_aws"].(map[string]any)
	if !ok {
		return []string{"_aws is no object"}
	}
	at, ok := meta["Timestamp"].(float64)
	if !ok || at != math.Trunc(at) || time.Since(time.UnixMilli(int64(at))).Abs() > 2*time.Hour {
		wrong("Timestamp %v is not now, in milliseconds", meta["Timestamp"])
	}
	directives, _ := meta["CloudWatchMetrics"].([]any)
	if len(directives) == 0 {
		wrong("CloudWatchMetrics is empty")
	}
	for _, d := range directives {
		directive, _ := d.(map[string]any)
		if n := utf8.RuneCountInString(text(directive["Namespace"])); n < 1 || n > 1024 {
			wrong("Namespace has %d characters, 1 to 1024", n)
		}
		for name := range directive {
			if !slices.Contains([]string{"Namespace", "Dimensions", "Metrics"}, name) {
				wrong("the directive has a member %s", name)
			}
		}
		sets, _ := directive["Dimensions"].([]any)
		if len(sets) == 0 {
			wrong("Dimensions is empty")
		}
		for _, s := range sets {
			problems = append(problems, dimensionProblems(root, s)...)
		}
		problems = append(problems, metricProblems(root, directive["Metrics"])...)
	}
	return problems
}

func dimensionProblems(root map[string]any, set any) []string {
	names, ok := set.([]any)
	if !ok || len(names) > 30 {
		return []string{fmt.Sprintf("the dimension set %v is no list of at most 30", set)}
	}
	var problems []string
	for _, n := range names {
		value, isText := root[text(n)].(string)
		switch {
		case utf8.RuneCountInString(text(n)) < 1 || utf8.RuneCountInString(text(n)) > 250 || strings.HasPrefix(text(n), ":"):
			problems = append(problems, fmt.Sprintf("the dimension %v has no name that CloudWatch takes", n))
		case !isText || strings.TrimSpace(value) == "" || utf8.RuneCountInString(value) > 1024:
			problems = append(problems, fmt.Sprintf("the dimension %v points to %v, want a text of 1 to 1024 characters at the root", n, root[text(n)]))
		case strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) }):
			problems = append(problems, fmt.Sprintf("the dimension %v is not ASCII: %q", n, value))
		}
	}
	return problems
}

func metricProblems(root map[string]any, list any) []string {
	definitions, ok := list.([]any)
	if !ok || len(definitions) < 1 || len(definitions) > 100 {
		return []string{fmt.Sprintf("Metrics %v is no list of 1 to 100", list)}
	}
	var problems []string
	for _, d := range definitions {
		definition, _ := d.(map[string]any)
		name, unit := text(definition["Name"]), text(definition["Unit"])
		if n := utf8.RuneCountInString(name); n < 1 || n > 1024 {
			problems = append(problems, fmt.Sprintf("a metric's name has %d characters", n))
		}
		if !strings.Contains(units, " "+unit+" ") {
			problems = append(problems, fmt.Sprintf("%s has the unit %q", name, unit))
		}
		values, isList := root[name].([]any)
		if !isList {
			values = []any{root[name]}
		}
		if len(values) < 1 || len(values) > 100 {
			problems = append(problems, fmt.Sprintf("%s has %d values, 1 to 100", name, len(values)))
		}
		for _, v := range values {
			if f, ok := v.(float64); !ok || math.Abs(f) > math.Pow(2, 360) {
				problems = append(problems, fmt.Sprintf("%s points to %v, want a number at the root", name, v))
			}
		}
	}
	return problems
}

func text(v any) string { s, _ := v.(string); return s }

// checkMetrics holds an invocation's metrics against CloudWatch's specification and the table in README.md.
func checkMetrics(t testing.TB, a answer) {
	t.Helper()
	lines := a.lines(t, "metrics")
	if len(lines) == 0 {
		t.Error("there are no metrics")
	}
	for _, l := range lines {
		for _, problem := range emfProblems(l, len(a.log)) {
			t.Errorf("metrics: %s", problem)
		}
		if got := fmt.Sprint(l["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)["Dimensions"]); got != map[bool]string{
			false: "[[Application DeploymentGroup LifecycleEvent] [LifecycleEvent]]", true: "[[Cluster Service LifecycleEvent] [LifecycleEvent]]",
		}[strings.Contains(a.body, "hookStatus")] {
			t.Errorf("dimensions %s", got)
		}
	}
	told := map[string]string{}
	for _, l := range lines {
		for _, d := range l["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)["Metrics"].([]any) {
			told[text(d.(map[string]any)["Name"])] = text(d.(map[string]any)["Unit"])
		}
	}
	for _, m := range metrics() {
		if unit, ok := told[m.name]; unit != m.unit && (ok || m.name != "CheckDuration") {
			t.Errorf("metric %s has the unit %q, want %q", m.name, unit, m.unit)
		}
		delete(told, m.name)
	}
	if len(told) > 0 {
		t.Errorf("metrics that README.md does not list: %v", told)
	}
}

// TestTheValidatorFindsWhatCloudWatchDrops: a validator that accepts everything proves nothing.
func TestTheValidatorFindsWhatCloudWatchDrops(t *testing.T) {
	t.Parallel()
	fresh := func() map[string]any {
		return map[string]any{
			"_aws": map[string]any{"Timestamp": float64(time.Now().UnixMilli()), "CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Greenlight", "Dimensions": []any{[]any{"LifecycleEvent"}},
				"Metrics": []any{map[string]any{"Name": "GateFailed", "Unit": "Count"}},
			}}},
			"LifecycleEvent": "AfterAllowTestTraffic", "GateFailed": 1.0,
		}
	}
	if p := emfProblems(fresh(), 500); len(p) > 0 {
		t.Fatalf("a good line has problems: %v", p)
	}
	directive := func(root map[string]any) map[string]any {
		return root["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)
	}
	for name, spoil := range map[string]func(map[string]any){
		"no _aws":             func(r map[string]any) { delete(r, "_aws") },
		"seconds":             func(r map[string]any) { r["_aws"].(map[string]any)["Timestamp"] = float64(time.Now().Unix()) },
		"no namespace":        func(r map[string]any) { directive(r)["Namespace"] = "" },
		"a dimension missing": func(r map[string]any) { delete(r, "LifecycleEvent") },
		"a dimension empty":   func(r map[string]any) { r["LifecycleEvent"] = "" },
		"a number as text":    func(r map[string]any) { r["GateFailed"] = "1" },
		"101 values":          func(r map[string]any) { r["GateFailed"] = make([]any, 101) },
		"unit unknown":        func(r map[string]any) { directive(r)["Metrics"].([]any)[0].(map[string]any)["Unit"] = "ms" },
		"nested":              func(r map[string]any) { r["x"] = map[string]any{"GateFailed": 1.0}; delete(r, "GateFailed") },
		"no dimensions":       func(r map[string]any) { directive(r)["Dimensions"] = nil },
	} {
		root := fresh()
		spoil(root)
		if p := emfProblems(root, 500); len(p) == 0 {
			t.Errorf("%s: no problem is found", name)
		}
	}
}

func TestMetricsOfADeploymentThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	e := start(t, after, c.url)
	a := e.invoke(`{"DeploymentId":"d-ZZZZZZZZZ","LifecycleEventHookExecutionId":"x"}`, 20*time.Second)
	checkMetrics(t, a)
	if m := a.lines(t, "metrics"); m[0].text("Application") != "unknown" || m[0]["ReportFailed"] != 1.0 || m[0]["GateFailed"] != 1.0 {
		t.Errorf("metrics %v", m)
	}
}

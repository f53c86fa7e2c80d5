package infra_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// words are what stands in queries beside fields.
const words = `filter fields stats sort limit by as desc asc and or not in like count pct sum avg min max count_distinct bin h`

// queryProblems says which fields of a Logs Insights query no hook writes in the events that the query
// keeps.
func queryProblems(query string, e emitted) []string {
	var problems []string
	var aliases []string
	for _, m := range regexp.MustCompile(`\bas (\w+)`).FindAllStringSubmatch(query, -1) {
		aliases = append(aliases, m[1])
	}
	events := kept(query, e)
	if len(events) == 0 {
		return []string{"no event is kept"}
	}
	used := 0
	bare := regexp.MustCompile(`'[^']*'|/[^/]*/`).ReplaceAllString(query, "")
	for _, word := range regexp.MustCompile(`[A-Za-z_@][\w.@]*`).FindAllString(bare, -1) {
		if slices.Contains(strings.Fields(words), word) || slices.Contains(aliases, word) {
			continue
		}
		used++
		if !slices.ContainsFunc(events, func(event string) bool { return slices.Contains(e.fields[event], word) }) {
			problems = append(problems, fmt.Sprintf("no line of %v has a field %s", events, word))
		}
	}
	if used < 3 {
		problems = append(problems, fmt.Sprintf("names only %d fields", used))
	}
	return problems
}

// kept returns the events that a query's filter lets through.
func kept(query string, e emitted) []string {
	var all []string
	for event := range e.fields {
		all = append(all, event)
	}
	if m := regexp.MustCompile(`event (=|!=) '(\w+)'`).FindStringSubmatch(query); m != nil {
		return slices.DeleteFunc(all, func(event string) bool { return (event == m[2]) != (m[1] == "=") })
	}
	if m := regexp.MustCompile(`event in \[([^\]]*)\]`).FindStringSubmatch(query); m != nil {
		return slices.DeleteFunc(all, func(event string) bool { return !strings.Contains(m[1], "'"+event+"'") })
	}
	return all
}

func queriesNameFields(e emitted) func(stacks) []string {
	return func(all stacks) []string {
		var problems []string
		queries := all["gate.yml"].resources("AWS::Logs::QueryDefinition")
		if len(queries) < 5 {
			problems = append(problems, fmt.Sprintf("only %d queries are saved", len(queries)))
		}
		for _, q := range queries {
			for _, p := range queryProblems(all["gate.yml"].mapped(q.properties["QueryString"]), e) {
				problems = append(problems, q.id+": "+p)
			}
			if !strings.HasPrefix(str(q.properties["Name"]), "${NamePrefix}/") || !slices.Equal(texts(q.properties["LogGroupNames"]), logsOf(q.id)) {
				problems = append(problems, q.id+": is not in the prefix's folder, or not over all hooks")
			}
		}
		return problems
	}
}

// logsOf are the log groups that a query is over.
func logsOf(query string) []string {
	all := []string{"${AfterAllowTestTrafficLogs}", "${BeforeAllowTrafficLogs}", "${AfterAllowTrafficLogs}"}
	if query == "WatchQuery" {
		return all[2:]
	}
	return all
}

// metric is one metric as an alarm or a dashboard names it.
type metric struct {
	namespace, name string
	dimensions      map[string]string
}

// own is the namespace of the hooks' metrics in the template.
const own = "Greenlight/${NamePrefix}"

// problems compares a metric with what is emitted, or with the few of AWS's that are used here.
func (m metric) problems(e emitted) []string {
	if m.namespace != own {
		return m.awsProblems()
	}
	var problems []string
	if m.name == "NotifyFailed" { // no hook's: the functions' own tests hold that the notifier writes it
		if !maps.Equal(m.dimensions, map[string]string{"FunctionName": "${Notifier}"}) {
			problems = append(problems, fmt.Sprintf("%s is not kept by %v", m.name, m.dimensions))
		}
		return problems
	}
	if !slices.Contains(e.metrics, m.name) {
		problems = append(problems, "no hook writes the metric "+m.name)
	}
	var names []string
	for name := range m.dimensions {
		names = append(names, name)
	}
	slices.Sort(names)
	// The functions' own tests hold that this is the set of a deployment of Amazon ECS.
	if set := strings.Join(names, " "); set != "Cluster LifecycleEvent Service" && !slices.Contains(e.dimensions, set) {
		problems = append(problems, fmt.Sprintf("%s is not kept by %v", m.name, names))
	}
	if event := m.dimensions["LifecycleEvent"]; event != "*" && !slices.Contains(e.lifecycleEvents, event) {
		problems = append(problems, fmt.Sprintf("%s of the lifecycle event %q", m.name, m.dimensions["LifecycleEvent"]))
	}
	return problems
}

// awsProblems knows the metrics of AWS's own that the stacks use, with their dimensions, from AWS's documentation.
func (m metric) awsProblems() []string {
	known := map[string]string{
		"AWS/Lambda Errors": "FunctionName", "AWS/Lambda Throttles": "FunctionName", "AWS/SQS ApproximateNumberOfMessagesVisible": "QueueName",
		"AWS/ApplicationELB HTTPCode_Target_5XX_Count": "LoadBalancer", "AWS/ApplicationELB HTTPCode_ELB_5XX_Count": "LoadBalancer",
		"AWS/ApplicationELB RuleEvaluations": "LoadBalancer", "AWS/ApplicationELB RequestCount": "LoadBalancer TargetGroup",
		"AWS/ApplicationELB UnHealthyHostCount": "LoadBalancer TargetGroup", "AWS/ApplicationELB HealthyHostCount": "LoadBalancer TargetGroup",
		"AWS/ApplicationELB TargetResponseTime": "LoadBalancer TargetGroup",
		"AWS/ECS CPUUtilization":                "ClusterName ServiceName", "AWS/ECS MemoryUtilization": "ClusterName ServiceName",
		"AWS/RDS DatabaseConnections": "DBClusterIdentifier", "AWS/RDS CPUUtilization": "DBClusterIdentifier",
	}
	var names []string
	for name, value := range m.dimensions {
		names = append(names, name)
		if value == "" {
			return []string{m.name + " has an empty " + name}
		}
	}
	slices.Sort(names)
	if want, ok := known[m.namespace+" "+m.name]; !ok || want != strings.Join(names, " ") {
		return []string{fmt.Sprintf("%s %s by %v is not known", m.namespace, m.name, names)}
	}
	return nil
}

// alarmMetrics returns the metrics of an alarm.
func alarmMetrics(alarm resource) []metric {
	var all []metric
	one := func(m any) {
		if str(at(m, "MetricName")) == "" {
			return
		}
		x := metric{str(at(m, "Namespace")), str(at(m, "MetricName")), map[string]string{}}
		for _, d := range list(at(m, "Dimensions")) {
			x.dimensions[str(at(d, "Name"))] = str(at(d, "Value"))
		}
		all = append(all, x)
	}
	one(alarm.properties)
	for _, m := range list(alarm.properties["Metrics"]) {
		if choice := at(m, "Fn::If", 1); str(at(m, "Fn::If", 0)) == "HasWatch" {
			m = choice
		}
		one(at(m, "MetricStat", "Metric"))
		if q := regexp.MustCompile(`^SELECT SUM\((\w+)\) FROM SCHEMA\("([^"]+)", ([\w, ]+)\) GROUP BY `).FindStringSubmatch(str(at(m, "Expression"))); q != nil {
			all = append(all, ofAll(q[2], q[1], q[3]))
		}
	}
	return all
}

// ofAll is a metric by all values of its dimensions.
func ofAll(namespace, name, dimensions string) metric {
	m := metric{namespace, name, map[string]string{}}
	for _, d := range strings.Split(dimensions, ",") {
		m.dimensions[strings.TrimSpace(d)] = "*"
	}
	return m
}

func alarmsNameMetrics(e emitted) func(stacks) []string {
	return func(all stacks) []string {
		var problems []string
		watched := map[string]int{}
		for _, file := range files() {
			for _, alarm := range all[file].resources("AWS::CloudWatch::Alarm") {
				metrics := alarmMetrics(alarm)
				if len(metrics) == 0 {
					problems = append(problems, alarm.id+" watches nothing")
				}
				for _, m := range metrics {
					if m.dimensions["LifecycleEvent"] != "*" && m.dimensions["FunctionName"] != "${Notifier}" {
						watched[m.name]++
					}
					for _, p := range m.problems(e) {
						problems = append(problems, alarm.id+": "+p)
					}
				}
				// A gate is silent for days: no data is no alarm.
				if str(alarm.properties["TreatMissingData"]) != "notBreaching" || str(alarm.properties["AlarmDescription"]) == "" || alarm.properties["AlarmActions"] == nil {
					problems = append(problems, alarm.id+": rings without data, without a word, or to nobody")
				}
			}
		}
		for _, name := range []string{"GateFailed", "Errors", "ReportFailed"} {
			if watched[name] != len(hooks()) {
				problems = append(problems, fmt.Sprintf("%s is watched %d times, want each hook", name, watched[name]))
			}
		}
		return problems
	}
}

// widget is one widget of a dashboard.
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, View, Query, Markdown string
		Stat                                 string
		Period                               int
		SetPeriodToTimeRange                 bool
		Metrics                              [][]any
		Alarms                               []string
	}
}

// holds says whether something with this condition is there, with this value of the parameter Controller.
func holds(condition, controller string) bool {
	return condition == "" || controller == "both" || (condition == "ForECS") == (controller == "ecs")
}

func (t template) widgets(id string, values map[string]string) ([]widget, error) {
	var body struct{ Widgets []widget }
	dec := json.NewDecoder(strings.NewReader(t.substituted(t.resource(id).properties["DashboardBody"], values)))
	dec.DisallowUnknownFields()
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil || dec.More() {
		return nil, fmt.Errorf("the body of %s is no JSON: %w", id, err)
	}
	return body.Widgets, json.Unmarshal(raw, &body)
}

// metrics returns the metrics that a widget shows; "." repeats what stands above it.
func (w widget) metrics() []metric {
	var all []metric
	var above []string
	for _, row := range w.Properties.Metrics {
		var names []string
		for i, cell := range row {
			if cell == "." && i < len(above) {
				cell = above[i]
			}
			s, _ := at(cell, "expression").(string)
			if q := regexp.MustCompile(`^SEARCH\('\{"([^"]+)",([\w,]+)\} MetricName="(\w+)"'`).FindStringSubmatch(s); q != nil {
				names = []string{q[1], q[3]}
				for d := range strings.SplitSeq(q[2], ",") {
					names = append(names, d, "*")
				}
			}
			if text, ok := cell.(string); ok {
				names = append(names, text)
			}
		}
		above = names
		m := metric{dimensions: map[string]string{}}
		if len(names) >= 2 {
			m.namespace, m.name = names[0], names[1]
		}
		for i := 2; i+1 < len(names); i += 2 {
			m.dimensions[names[i]] = names[i+1]
		}
		all = append(all, m)
	}
	return all
}

func dashboards(e emitted) func(stacks) []string {
	return func(all stacks) []string {
		var problems []string
		for _, file := range files() {
			boards := all[file].resources("AWS::CloudWatch::Dashboard")
			if len(boards) != 1 {
				problems = append(problems, fmt.Sprintf("%s has %d dashboards", file, len(boards)))
			}
			for _, choice := range []string{"codedeploy false", "ecs false", "both false", "codedeploy true", "ecs true"} {
				controller, watch, _ := strings.Cut(choice, " ")
				values := map[string]string{"Controller": controller, "Watch": watch}
				widgets, err := all[file].widgets(boards[0].id, values)
				if err != nil || len(widgets) == 0 {
					problems = append(problems, fmt.Sprintf("%s: %v", file, err))
				}
				for i, w := range widgets {
					for _, p := range append(w.problems(all[file].as(values), e, watch == "true"), overlaps(w, widgets[:i])...) {
						problems = append(problems, fmt.Sprintf("%s: %s: %s", file, w.Properties.Title, p))
					}
				}
			}
		}
		return problems
	}
}

func overlaps(w widget, before []widget) []string {
	if w.X < 0 || w.Width < 1 || w.Height < 1 || w.X+w.Width > 24 {
		return []string{"does not fit the 24 columns"}
	}
	for _, b := range before {
		if w.X < b.X+b.Width && b.X < w.X+w.Width && w.Y < b.Y+b.Height && b.Y < w.Y+w.Height {
			return []string{"lies over " + b.Properties.Title}
		}
	}
	return nil
}

func (w widget) problems(t template, e emitted, watch bool) []string {
	var problems []string
	switch w.Type {
	case "metric":
		if len(w.Properties.Metrics) == 0 || w.Properties.Region != "${AWS::Region}" || w.Properties.View == "" {
			problems = append(problems, "shows nothing")
		}
		for _, m := range w.metrics() {
			problems = append(problems, m.problems(e)...)
			if of := m.dimensions["LifecycleEvent"] + m.dimensions["FunctionName"]; !watch && strings.Trim(of, "${}") == "AfterAllowTraffic" {
				problems = append(problems, "shows a watch, and there is none")
			}
		}
	case "log":
		over := logsOf("")
		if strings.Contains(w.Properties.Title, "watched") {
			over = logsOf("WatchQuery")
		} else if !watch {
			over = over[:2]
		}
		query, ok := strings.CutPrefix(w.Properties.Query, "SOURCE '"+strings.Join(over, "' | SOURCE '")+"' | ")
		if !ok || strings.Contains(query, "SOURCE") {
			problems = append(problems, "is not over the hooks' logs: "+w.Properties.Query)
		}
		if !slices.ContainsFunc(t.resources("AWS::Logs::QueryDefinition"), func(q resource) bool { return t.mapped(q.properties["QueryString"]) == query }) {
			problems = append(problems, "no saved query says "+query)
		}
	case "alarm":
		there := t.resources("AWS::CloudWatch::Alarm")
		for _, a := range w.Properties.Alarms {
			if t.resource(strings.TrimSuffix(strings.Trim(a, "${}"), ".Arn")).kind != "AWS::CloudWatch::Alarm" {
				problems = append(problems, a+" is no alarm")
			}
		}
		if len(w.Properties.Alarms) != len(there) {
			problems = append(problems, "does not show all alarms")
		}
	case "text":
		if w.Properties.Markdown == "" {
			problems = append(problems, "says nothing")
		}
	default:
		problems = append(problems, "is of type "+w.Type)
	}
	return problems
}

// counted wants what is counted to be seen one by one: Sum adds up whatever period CloudWatch takes for a long time, where
// an average would hide one failure of many, and without a zoom no period is longer than a minute. One widget has the
// numbers of all that is shown.
func counted(all stacks) []string {
	var problems []string
	for _, choice := range []map[string]string{native, codeDeploy, watching} {
		widgets, err := all["gate.yml"].widgets("Dashboard", choice)
		if err != nil {
			return []string{err.Error()}
		}
		numbers, shown := map[string]bool{}, map[string]bool{}
		for _, w := range widgets {
			for _, m := range w.metrics() {
				if !strings.HasPrefix(m.name, "Gate") && !strings.HasPrefix(m.name, "Checks") || m.name == "GateDuration" {
					continue
				}
				if w.Properties.Stat != "Sum" || w.Properties.Period != 60 {
					problems = append(problems, fmt.Sprintf("%s: %s of %d s", w.Properties.Title, w.Properties.Stat, w.Properties.Period))
				}
				key := m.name + " " + m.dimensions["LifecycleEvent"]
				shown[key] = true
				if w.Properties.View == "singleValue" && w.Properties.SetPeriodToTimeRange {
					numbers[key] = true
				}
			}
		}
		for _, name := range []string{"GatePassed", "GateFailed", "GateWouldFail", "GateSkipped"} {
			for _, event := range hooks() {
				if there := event != "AfterAllowTraffic" || choice["Watch"] == "true"; numbers[name+" "+event] != there {
					problems = append(problems, fmt.Sprintf("the numbers have %s of %s: %v", name, event, !there))
				}
			}
			if !shown[name+" *"] {
				problems = append(problems, name+" is not told by deployment group or service")
			}
		}
	}
	return problems
}

// oneSource wants each query to stand once, in the mapping: what is saved and what the dashboard shows is the same. In
// the dashboard it stands within JSON.
func oneSource(all stacks) []string {
	gate := all["gate.yml"]
	var problems []string
	queries, _ := at(gate.section("Mappings"), "Queries", "Text").(map[string]any)
	for name, query := range queries {
		if strings.ContainsAny(str(query), "\"\\\n") {
			problems = append(problems, "the query "+name+" cannot stand in JSON")
		}
		head, _, _ := strings.Cut(str(query), " | ")
		for other, text := range queries {
			if other != name && text == query {
				problems = append(problems, name+" is "+other)
			}
		}
		if n := strings.Count(gate.text, "FindInMap [Queries, Text, "+name+"]"); n < 1 || n > 2 {
			problems = append(problems, fmt.Sprintf("the query %s, %s, is used %d times", name, head, n))
		}
	}
	for _, q := range gate.resources("AWS::Logs::QueryDefinition") {
		if gate.mapped(q.properties["QueryString"]) == str(q.properties["QueryString"]) {
			problems = append(problems, q.id+" has a text of its own")
		}
	}
	for word := range strings.FieldsSeq("filter fields stats sort limit") {
		if text := fmt.Sprint(gate.resource("Dashboard").properties); strings.Contains(text, "| "+word+" ") {
			problems = append(problems, "the dashboard has the text of a query: "+word)
		}
	}
	return problems
}

// sameNamespace wants the alarms to look where the hooks write.
func sameNamespace(all stacks) []string {
	var problems []string
	for _, event := range hooks() {
		if got := str(at(all["gate.yml"].resource(event).properties, "Environment", "Variables", "METRICS_NAMESPACE")); got != own {
			problems = append(problems, fmt.Sprintf("%s writes to %q, the alarms look at %q", event, got, own))
		}
	}
	return problems
}

func TestWhatOperatorsRead(t *testing.T) {
	t.Parallel()
	e := observed(t)
	hold(t, map[string]invariant{
		"queries name fields that the hooks write": {queriesNameFields(e), []mutation{
			{"gate.yml", "fields timestamp, deployment_id, cluster, service, lifecycle_event, verdict, status, blame, reason", "fields timestamp, deployment_id, cluster, service, lifecycle_event, verdict, status, blame, why"},
			{"gate.yml", `filter event = 'reported' and outcome`, `filter event = 'reported' and result`},
			{"gate.yml", `pct(duration_ms, 95)`, `pct(latency_ms, 95)`},
			{"gate.yml", `filter event = 'compare'`, `filter event = 'comparison'`},
			{"gate.yml", `filter event = 'compare'`, `filter event = 'check'`},
			{"gate.yml", `and mode = 'observe' and`, `and modes = 'observe' and`},
			{"gate.yml", `verdict, mode, reason, link`, `verdict, mode, reason, page`},
			{"gate.yml", `avg(green_p95_ms)`, `avg(green_p99_ms)`},
			{"gate.yml", `QueryString: !FindInMap [Queries, Text, SlowChecks]`, `QueryString: !FindInMap [Queries, Text, Slow]`},
		}},
		"alarms name metrics that the hooks write": {alarmsNameMetrics(e), []mutation{
			{"gate.yml", "MetricName: GateFailed", "MetricName: HookFailed"},
			{"gate.yml", "Dimensions: [{Name: LifecycleEvent, Value: AfterAllowTestTraffic}]", "Dimensions: [{Name: Event, Value: AfterAllowTestTraffic}]"},
			{"gate.yml", "Value: BeforeAllowTraffic}]", "Value: AfterAllowAll}]"},
			{"gate.yml", "Dimensions: [{Name: FunctionName, Value: !Ref AfterAllowTraffic}]", "Dimensions: [{Name: Function, Value: !Ref AfterAllowTraffic}]"},
			{"gate.yml", "      Namespace: !Sub Greenlight/${NamePrefix}\n      MetricName: GateFailed\n", "      Namespace: Greenlight\n      MetricName: GateFailed\n"},
			{"gate.yml", "Namespace: !Sub Greenlight/${NamePrefix}", "Namespace: Greenlight"},
			{"gate.yml", "Cluster, Service, LifecycleEvent) GROUP BY", "Cluster, Service) GROUP BY"},
			{"gate.yml", "SELECT SUM(GateFailed)", "SELECT SUM(HookFailed)"},
			{"gate.yml", "TreatMissingData: notBreaching", "TreatMissingData: breaching"},
			{"bluegreen.yml", "{Name: TargetGroup, Value: !GetAtt TargetGroup2", "{Name: TargetGroups, Value: !GetAtt TargetGroup2"},
			{"gate.yml", "MetricName: Errors, Dimensions: [{Name: FunctionName", "MetricName: Errors, Dimensions: [{Name: Function"},
			{"gate.yml", "MetricName: NotifyFailed, Dimensions: [{Name: FunctionName", "MetricName: NotifyFailed, Dimensions: [{Name: Function"},
			{"gate.yml", "MetricName: NotifyFailed", "MetricName: NotifierFailed"},
		}},
		"dashboards": {dashboards(e), []mutation{
			{"gate.yml", `"GateDuration", "LifecycleEvent"`, `"HookDuration", "LifecycleEvent"`},
			{"gate.yml", `{"type": "alarm", "x": 8`, `{"type": "alarm", "x": 7`},
			{"gate.yml", `, "${InvocationLost.Arn}"'`, `, "${Lost.Arn}"'`},
			{"gate.yml", `ECSsAlarms: !If [ForECS,`, `ECSsAlarms: !If [ForCodeDeploy,`},
			{"gate.yml", `,Cluster,Service,LifecycleEvent} MetricName`, `,Cluster,LifecycleEvent} MetricName`},
			{"gate.yml", `${Logs} | ${Verdicts}`, `${Logs} | filter event = 'verdict' | fields timestamp, deployment_id, verdict`},
			{"gate.yml", `[".", "GateWouldFail", ".", ".", {"label": "before`, `[".", "GateWouldFall", ".", ".", {"label": "before`},
			{"gate.yml", `[".", "GatePassed", ".", "BeforeAllowTraffic",`, `[".", "GatePassed", "LifecycleEvents", "BeforeAllowTraffic",`},
			{"gate.yml", `WouldStop: !FindInMap [Queries, Text, WouldStop]`, `WouldStop: ""`},
			{"gate.yml", `"view": "table",`, `"view": "table"`},
			{"gate.yml", `WatchAlarm: !If [HasWatch, !Sub ', "${WatchFailed.Arn}"', ""]`, `WatchAlarm: ""`},
			{"gate.yml", ` | SOURCE '${AfterAllowTrafficLogs}'"`, `"`},
			{"gate.yml", `"title": "What was watched under production's traffic", "region": "${AWS::Region}", "view": "table",`, `"title": "What was watched under production's traffic"`},
			{"gate.yml", `[".", "Errors", ".", "${AfterAllowTraffic}"],`, `[".", "Errors", ".", "${AfterAllowTraffic}"]`},
			{"gate.yml", `WatchUnreported: !If [WatchesCodeDeploy,`, `WatchUnreported: !If [ForCodeDeploy,`},
			{"bluegreen.yml", `"AWS/ECS", "CPUUtilization"`, `"AWS/ECS", "CPU"`},
			{"gate.yml", `"width": 24, "height": 7`, `"width": 25, "height": 7`},
		}},
		"one failure is seen": {counted, []mutation{
			{"gate.yml", `"view": "timeSeries", "stat": "Sum", "period": 60,`, `"view": "timeSeries", "stat": "Sum", "period": 300,`},
			{"gate.yml", `"view": "timeSeries", "stat": "Sum", "period": 60,`, `"view": "timeSeries", "stat": "Average", "period": 60,`},
			{"gate.yml", `"setPeriodToTimeRange": true, `, ``},
			{"gate.yml", `[".", "GateSkipped", ".", ".", {"label": "watch: skipped"`, `[".", "GateFailed", ".", ".", {"label": "watch: skipped"`},
			{"gate.yml", `MetricName=\"GateWouldFail\"', 'Sum')`, `MetricName=\"GateFailed\"', 'Sum')`},
		}},
		"a query stands once": {oneSource, []mutation{
			{"gate.yml", `QueryString: !FindInMap [Queries, Text, Verdicts]`, `QueryString: filter event = 'verdict'`},
			{"gate.yml", `${Logs} | ${FailedChecks}`, `${Logs} | filter event = 'check' | fields timestamp`},
			{"gate.yml", `QueryString: !FindInMap [Queries, Text, SlowChecks]`, `QueryString: !FindInMap [Queries, Text, Verdicts]`},
			{"gate.yml", `filter event = 'check'`, `filter event = "check"`},
		}},
		"one namespace": {sameNamespace, []mutation{
			{"gate.yml", "METRICS_NAMESPACE: !Sub Greenlight/${NamePrefix}", "METRICS_NAMESPACE: Greenlight"},
		}},
	})
}

package discovery_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
)

// finder asks a server that answers by operation, or by operation and a text that the request holds.
func finder(t *testing.T, answers map[string]string) discovery.Finder {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if _, after, ok := strings.Cut(string(body), "Action="); ok {
			operation, _, _ = strings.Cut(after, "&")
		}
		for key, answer := range answers {
			op, holds, _ := strings.Cut(key, " ")
			if op == operation && strings.Contains(string(body), holds) {
				_, _ = io.WriteString(w, answer)
				return
			}
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized to perform: `+operation+`"}`)
	}))
	t.Cleanup(server.Close)
	return discovery.Finder{AWS: awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: server.URL}.Config()}
}

var target = codedeploy.Target{ID: "cluster:service", TaskSets: []codedeploy.TaskSet{
	{Identifer: aws.String("ecs-svc/1"), TaskSetLabel: types.TargetLabelBlue}, {Identifer: aws.String("ecs-svc/2"), TaskSetLabel: types.TargetLabelGreen},
}}

const taskSets = `{"taskSets":[
	{"id":"ecs-svc/1","taskDefinition":"arn:old","loadBalancers":[{"containerName":"web","targetGroupArn":"arn:tg1"}]},
	{"id":"ecs-svc/2","taskDefinition":"arn:new","loadBalancers":[{"containerName":"web","targetGroupArn":"arn:tg2"}]},
	{"id":"ecs-svc/0","taskDefinition":"arn:older"}]}`

func TestTaskDefinitions(t *testing.T) {
	f := finder(t, map[string]string{
		"DescribeTaskSets":               taskSets,
		"DescribeTaskDefinition arn:old": `{"taskDefinition":{"taskDefinitionArn":"arn:old","containerDefinitions":[{"name":"log","image":"fluent:9","dockerLabels":{"greenlight.release":"9"}},{"name":"web","image":"r.example:5000/a/app:1.0@sha256:00","dockerLabels":{"greenlight.bootstrap":"true"}}]}}`,
		"DescribeTaskDefinition arn:new": `{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[{"name":"side","dockerLabels":{"greenlight.release":"7","greenlight.suite":"s3://side","greenlight.bootstrap":"true"}},{"name":"web","image":"app@sha256:00","logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-stream-prefix":"p"}},"dockerLabels":{"greenlight.release":"1.1","greenlight.suite":"s3://b/k#sha256=00"}},{"name":"fire","logConfiguration":{"logDriver":"awsfirelens","options":{"awslogs-group":"/x"}}}]}}`,
	})
	original, replacement := f.TaskDefinitions(t.Context(), target)
	got, ok := original.Get()
	if want := (discovery.TaskDefinition{ARN: "arn:old", Container: "web", TargetGroup: "arn:tg1", Release: "1.0", Bootstrap: true}); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("original %+v, %v, want %+v", got, original.Err(), want)
	}
	got, ok = replacement.Get()
	if want := (discovery.TaskDefinition{ARN: "arn:new", Container: "web", TargetGroup: "arn:tg2", Release: "1.1", Suite: "s3://b/k#sha256=00", Logs: []discovery.Log{{Container: "web", Group: "/ecs/web", Prefix: "p"}}}); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("replacement %+v, %v, want %+v", got, replacement.Err(), want)
	}
}

func TestWhatIsNotAllowedIsSaidInAWSsWords(t *testing.T) {
	f := finder(t, map[string]string{"DescribeTaskSets": taskSets})
	_, replacement := f.TaskDefinitions(t.Context(), target)
	got, known := replacement.Get()
	if err := replacement.Err(); known || err == nil || !strings.Contains(err.Error(), "not authorized to perform: DescribeTaskDefinition") {
		t.Errorf("got %v, %v", got, err)
	}
}

// Each of these answers 200, and is no fact about what was asked for.
func TestAnAnswerAboutSomethingElseIsAnError(t *testing.T) {
	web := `"containerDefinitions":[{"name":"web","image":"app:2"}]`
	for name, tc := range map[string]struct{ definition, sets, err string }{
		"an empty answer":            {`{}`, taskSets, "the answer is about"},
		"null":                       {`{"taskDefinition":null}`, taskSets, "the answer is about"},
		"another task definition":    {`{"taskDefinition":{"taskDefinitionArn":"arn:older",` + web + `}}`, taskSets, `"arn:older"`},
		"no containers":              {`{"taskDefinition":{"taskDefinitionArn":"arn:new"}}`, taskSets, "has no containers"},
		"no such container":          {`{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[{"name":"log"}]}}`, taskSets, `"web"`},
		"a list for an object":       {`{"taskDefinition":[]}`, taskSets, "expected '{', got ["},
		"no task sets":               {"", `{}`, "no replacement task set"},
		"another service's":          {"", `{"taskSets":[{"id":"ecs-svc/9","taskDefinition":"arn:new"}]}`, "no replacement task set"},
		"a task set without its own": {`{"taskDefinition":{` + web + `}}`, `{"taskSets":[{"id":"ecs-svc/2"}]}`, "asked for"},
	} {
		f := finder(t, map[string]string{"DescribeTaskSets": tc.sets, "DescribeTaskDefinition": tc.definition})
		_, replacement := f.TaskDefinitions(t.Context(), target)
		if got, known := replacement.Get(); known || replacement.Err() == nil || !strings.Contains(replacement.Err().Error(), tc.err) {
			t.Errorf("%s: %+v, %v; want an error with %q", name, got, replacement.Err(), tc.err)
		}
	}
}

// Labels count where the load balancer leads; without one, where there is only one to choose.
func TestWhichContainerSpeaks(t *testing.T) {
	label := func(name, release, more string) string {
		return `{"name":"` + name + `","dockerLabels":{"greenlight.release":"` + release + `"}` + more + `}`
	}
	port := `,"portMappings":[{"containerPort":80}]`
	for name, tc := range map[string]struct{ balancers, containers, want string }{
		"behind the load balancer":    {`[{"containerName":"web"}]`, label("side", "1", port) + "," + label("web", "2", ""), "2"},
		"no load balancer, only one":  {`[]`, label("web", "2", ""), "2"},
		"no load balancer, one port":  {`[]`, label("side", "1", "") + "," + label("web", "2", port), "2"},
		"no load balancer, two ports": {`[]`, label("side", "1", port) + "," + label("web", "2", port), ""},
		"twice the same name":         {`[{"containerName":"web"}]`, label("web", "1", "") + "," + label("web", "2", ""), ""},
	} {
		f := finder(t, map[string]string{
			"DescribeTaskSets":       `{"taskSets":[{"id":"ecs-svc/2","taskDefinition":"arn:new","loadBalancers":` + tc.balancers + `}]}`,
			"DescribeTaskDefinition": `{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[` + tc.containers + `]}}`,
		})
		_, replacement := f.TaskDefinitions(t.Context(), target)
		got, known := replacement.Get()
		if got.Release != tc.want || known != (tc.want != "") || known == (replacement.Err() != nil) {
			t.Errorf("%s: release %q, %v, want %q", name, got.Release, replacement.Err(), tc.want)
		}
	}
}

const (
	listener = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/alb/1/2"
	balancer = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/alb/1"
	oneRule  = "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/alb/1/2/3"
)

func TestListener(t *testing.T) {
	f := func(listenerARN, balancerARN string) discovery.Finder {
		return finder(t, map[string]string{
			"DescribeListeners":     `<R><DescribeListenersResult><Listeners><member><ListenerArn>` + listenerARN + `</ListenerArn><LoadBalancerArn>` + balancer + `</LoadBalancerArn><Port>8443</Port><Protocol>HTTPS</Protocol></member></Listeners></DescribeListenersResult></R>`,
			"DescribeLoadBalancers": `<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>` + balancerARN + `</LoadBalancerArn><DNSName>alb.example</DNSName></member></LoadBalancers></DescribeLoadBalancersResult></R>`,
		})
	}
	got, err := f(listener, balancer).Listener(t.Context(), listener)
	if want := (discovery.Listener{URL: "https://alb.example:8443", LoadBalancer: balancer}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := f(listener+"9", balancer).Listener(t.Context(), listener); err == nil {
		t.Errorf("another listener: %+v", got)
	}
	if got, err := f(listener, balancer+"9").Listener(t.Context(), listener); err == nil {
		t.Errorf("another load balancer: %+v", got)
	}
}

func TestLeadsOnlyTo(t *testing.T) {
	const tg1, tg2 = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/one/1", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/2"
	weighted := func(w1, w2 string) string {
		return `<member><Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>` + tg1 + `</TargetGroupArn><Weight>` + w1 +
			`</Weight></member><member><TargetGroupArn>` + tg2 + `</TargetGroupArn><Weight>` + w2 + `</Weight></member></TargetGroups></ForwardConfig></member>`
	}
	plain := `<member><Type>forward</Type><TargetGroupArn>` + tg2 + `</TargetGroupArn></member>`
	fixed := `<member><Type>fixed-response</Type></member>`
	rule := func(actions string) string {
		return `<member><RuleArn>` + oneRule + `</RuleArn><Actions>` + actions + `</Actions></member>`
	}
	for name, tc := range map[string]struct {
		rules string
		want  bool
	}{
		"weighted, all on green":     {rule(weighted("0", "100")), true},
		"plain":                      {rule(plain), true},
		"some still on blue":         {rule(weighted("10", "90")), false},
		"all on blue":                {rule(weighted("100", "0")), false},
		"a rule besides leads away":  {rule(plain) + rule(weighted("1", "0")), false},
		"a fixed response besides":   {rule(plain) + rule(fixed), true},
		"nothing but fixed response": {rule(fixed), false},
		"no rules":                   {"", false},
	} {
		f := finder(t, map[string]string{"DescribeRules": `<R><DescribeRulesResult><Rules>` + tc.rules + `</Rules></DescribeRulesResult></R>`})
		if got, err := f.Way(t.Context(), listener); err != nil || got.LeadsOnlyTo("two") != tc.want {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, tc.want)
		}
	}
	another := `<member><RuleArn>` + strings.Replace(oneRule, "/2/3", "/9/3", 1) + `</RuleArn><Actions>` + plain + `</Actions></member>`
	f := finder(t, map[string]string{"DescribeRules": `<R><DescribeRulesResult><Rules>` + another + `</Rules></DescribeRulesResult></R>`})
	if got, err := f.Way(t.Context(), listener); err == nil {
		t.Errorf("another listener's rules: %+v", got)
	}
	if (discovery.Way{Groups: []string{""}}).LeadsOnlyTo("") {
		t.Error("a target group without a name is nobody's")
	}
}

func TestWhatARuleAsksFor(t *testing.T) {
	header := func(name string, values ...string) string {
		text := `<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>` + name + `</HttpHeaderName><Values>`
		for _, v := range values {
			text += `<member>` + v + `</member>`
		}
		return text + `</Values></HttpHeaderConfig></member>`
	}
	path := func(value string) string {
		return `<member><Field>path-pattern</Field><Values><member>` + value + `</member></Values></member>`
	}
	query := func(key, value string) string {
		return `<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>` + key + `</Key><Value>` + value + `</Value></member></Values></QueryStringConfig></member>`
	}
	host := `<member><Field>host-header</Field><HostHeaderConfig><Values><member>*.green.example</member></Values></HostHeaderConfig></member>`
	none := func(why string) discovery.Way {
		return discovery.Way{Cannot: "the listener rule " + oneRule + " leads to no release: " + why}
	}
	one := map[string]string{"X-Test": "1"}
	for name, tc := range map[string]struct {
		conditions, actions string
		want                discovery.Way
	}{
		"nothing":            {"", "", discovery.Way{}},
		"a header":           {header("x-test", "1"), "", discovery.Way{Headers: one}},
		"the first of two":   {header("x-test", "1", "2"), "", discovery.Way{Headers: one}},
		"a mask alone":       {header("x-test", "y?s*"), "", discovery.Way{Headers: map[string]string{"X-Test": "yxsx"}}},
		"a header twice":     {header("x-test", "1") + header("x-test", "1"), "", discovery.Way{Headers: one}},
		"a query":            {query("v", "green"), "", discovery.Way{Query: map[string]string{"v": "green"}}},
		"a host":             {host, "", discovery.Way{Hosts: []string{"*.green.example"}}},
		"every path":         {path("/*") + header("x-test", "1"), "", discovery.Way{Headers: one}},
		"a path":             {path("/green/*"), "", discovery.Way{Paths: []string{"/green/*"}}},
		"a source":           {`<member><Field>source-ip</Field></member>`, "", none("no request of a suite can satisfy its condition source-ip")},
		"a method":           {`<member><Field>http-request-method</Field></member>`, "", none("no request of a suite can satisfy its condition http-request-method")},
		"a host by a regexp": {`<member><Field>host-header</Field><RegexValues><member>^g</member></RegexValues></member>`, "", none("no request of a suite can satisfy its condition host-header")},
		"two values of one header": {
			header("x-test", "1") + header("X-TEST", "2"), "",
			discovery.Way{Headers: one, Cannot: none(`it asks for two values of "X-Test", or for none`).Cannot},
		},
		"a query without a key": {query("", "green"), "", none(`it asks for two values of "", or for none`)},
		"a fixed response":      {"", "fixed-response", none("it does not forward what asks for it, but has the action fixed-response")},
		"a redirect":            {"", "redirect", none("it does not forward what asks for it, but has the action redirect")},
		"a login":               {"", "authenticate-oidc", none("it does not forward what asks for it, but has the action authenticate-oidc")},
	} {
		f := finder(t, map[string]string{"DescribeRules": `<R><DescribeRulesResult><Rules><member><RuleArn>` + oneRule +
			`</RuleArn><Conditions>` + tc.conditions + `</Conditions><Actions><member><Type>` + tc.actions + `</Type></member></Actions></member></Rules></DescribeRulesResult></R>`})
		if tc.actions == "" {
			f = finder(t, map[string]string{"DescribeRules": `<R><DescribeRulesResult><Rules><member><RuleArn>` + oneRule +
				`</RuleArn><Conditions>` + tc.conditions + `</Conditions></member></Rules></DescribeRulesResult></R>`})
		}
		tc.want.Rule = oneRule
		if got, err := f.Way(t.Context(), oneRule); err != nil || !cmp.Equal(got, tc.want) {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(tc.want, got))
		}
	}
}

// A rule that comes first takes what fits it: only one that certainly refuses all that is sent is in nobody's way.
func TestARuleThatComesFirst(t *testing.T) {
	condition := func(field, config, values string) string {
		return `<member><Field>` + field + `</Field><` + config + `>` + values + `</` + config + `></member>`
	}
	values := func(all ...string) string {
		return `<Values><member>` + strings.Join(all, `</member><member>`) + `</member></Values>`
	}
	host := func(all ...string) string { return condition("host-header", "HostHeaderConfig", values(all...)) }
	path := func(all ...string) string { return condition("path-pattern", "PathPatternConfig", values(all...)) }
	const other = "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/alb/1/2/9"
	way := discovery.Way{
		Rule: oneRule, Groups: []string{"two"}, Hosts: []string{"b.example", "*.b.example"}, Paths: []string{"/b/*"},
	}
	for name, tc := range map[string]struct {
		priority, conditions, group string
		taken, any                  bool
	}{
		"it has no conditions":                         {"1", "", "one", true, false},
		"it comes later":                               {"30", "", "one", false, false},
		"it is the default":                            {"default", "", "one", false, false},
		"it does not say its priority":                 {"", "", "one", true, false},
		"it leads to green, too":                       {"1", "", "two", false, false},
		"it does not forward":                          {"1", "", "", true, false},
		"another host":                                 {"1", host("a.example"), "one", false, false},
		"two other hosts":                              {"1", host("a.example", "c.example"), "one", false, false},
		"one of two hosts is ours":                     {"1", host("a.example", "B.example"), "one", true, false},
		"a mask that our host may fit":                 {"1", host("*.example"), "one", true, false},
		"a host that ends like ours":                   {"1", host("ab.example"), "one", false, false},
		"a mask with ours as its end":                  {"1", host("a*.b.example"), "one", true, false},
		"another path":                                 {"1", path("/a/*"), "one", false, false},
		"a path below ours":                            {"1", path("/b/c"), "one", true, false},
		"a header that a suite may say":                {"1", `<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-test</HttpHeaderName><Values><member>blue</member></Values></HttpHeaderConfig></member>`, "one", true, false},
		"another host by an expression":                {"1", `<member><Field>host-header</Field><Values><member>a.example</member></Values><RegexValues><member>.</member></RegexValues></member>`, "one", true, false},
		"a source address":                             {"1", `<member><Field>source-ip</Field></member>`, "one", true, false},
		"a host that is another's, and a path of ours": {"1", host("a.example") + path("/b/*"), "one", false, false},
		"a host that is nobody's, and ours is any":     {"1", host("greenlight.invalid"), "one", false, true},
		"a host that is somebody's, and ours is any":   {"1", host("greenlight.invalid", "a.example"), "one", true, true},
		"a path that is another's, and ours is any":    {"1", path("/a/*"), "one", true, true},
	} {
		rule := func(arn, priority, conditions, group string) string {
			return `<member><RuleArn>` + arn + `</RuleArn><Priority>` + priority + `</Priority><Conditions>` + conditions + `</Conditions><Actions><member><Type>` +
				map[bool]string{true: `redirect`, false: `forward</Type><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/` + group + `/1</TargetGroupArn><Type>forward`}[group == ""] +
				`</Type></member></Actions></member>`
		}
		page := func(rules, more string) string {
			return `<R><DescribeRulesResult><Rules>` + rules + `</Rules>` + more + `</DescribeRulesResult></R>`
		}
		first := rule(other, tc.priority, tc.conditions, tc.group)
		own := rule(oneRule, "20", "", "two")
		for _, answers := range []map[string]string{
			{"DescribeRules": page(first+own, "")},
			{"DescribeRules 2&Version": page(own, "<NextMarker>m</NextMarker>"), "DescribeRules Marker=m": page(first, "")},
		} {
			sent := way
			if tc.any { // the rule asks for nothing
				sent = discovery.Way{Rule: oneRule, Groups: []string{"two"}}
			}
			got, err := finder(t, answers).Earlier(t.Context(), sent, "two")
			if want := map[bool]string{true: other}[tc.taken]; err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	}
	if got, err := finder(t, map[string]string{"DescribeRules": `<R><DescribeRulesResult><Rules></Rules></DescribeRulesResult></R>`}).Earlier(t.Context(), way, "two"); err == nil {
		t.Errorf("its own rule is not listed: %q", got)
	}
	if got, err := finder(t, nil).Earlier(t.Context(), way, "two"); err == nil {
		t.Errorf("the rules may not be read: %q", got)
	}
	if got, err := finder(t, nil).Earlier(t.Context(), discovery.Way{Rule: listener}, "two"); err != nil || got != "" {
		t.Errorf("a whole listener: %q, %v", got, err)
	}
}

func TestHealth(t *testing.T) {
	target := func(state, reason string) string {
		return `<member><TargetHealth><State>` + state + `</State><Reason>` + reason + `</Reason></TargetHealth></member>`
	}
	f := finder(t, map[string]string{"DescribeTargetHealth": `<R><DescribeTargetHealthResult><TargetHealthDescriptions>` +
		target("healthy", "") + target("unhealthy", "Target.Timeout") + target("unhealthy", "Target.Timeout") + `</TargetHealthDescriptions></DescribeTargetHealthResult></R>`})
	if got, err := f.Health(t.Context(), "arn:tg"); err != nil || got != "1 healthy, 2 unhealthy (Target.Timeout)" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRevision(t *testing.T) {
	const alb, nlb = "arn:aws:elasticloadbalancing:eu-west-1:1:", "arn:aws:elasticloadbalancing:eu-west-1:1:listener/net/n/1/2"
	revision := func(test, production string) string {
		return `{"serviceRevisions":[{"serviceRevisionArn":"arn:r","taskDefinition":"arn:new","containerImages":[{"containerName":"log"},{"containerName":"web","imageDigest":"sha256:1"}],"resolvedConfiguration":{"loadBalancers":[{"targetGroupArn":"` + alb + `targetgroup/two/2"}]},"loadBalancers":[{"containerName":"web","advancedConfiguration":{"testListenerRule":"` + test + `","productionListenerRule":"` + production + `"}}]}]}`
	}
	definition := `{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[{"name":"web","image":"app:7"}]}}`
	for name, tc := range map[string]struct {
		answer string
		want   discovery.Revision
	}{
		"rules of an ALB":     {revision(alb+"listener-rule/app/a/1/2/3", alb+"listener-rule/app/a/1/4/5"), discovery.Revision{TestRule: alb + "listener-rule/app/a/1/2/3", ProductionRule: alb + "listener-rule/app/a/1/4/5", TargetGroup: alb + "targetgroup/two/2", TestRules: 1}},
		"listeners of an NLB": {revision(nlb, nlb), discovery.Revision{TestRule: nlb, ProductionRule: nlb, TargetGroup: alb + "targetgroup/two/2", TestRules: 1}},
		"no test listener":    {revision("", nlb), discovery.Revision{ProductionRule: nlb, TargetGroup: alb + "targetgroup/two/2"}},
		"no load balancer":    {`{"serviceRevisions":[{"serviceRevisionArn":"arn:r","taskDefinition":"arn:new"}]}`, discovery.Revision{}},
	} {
		f := finder(t, map[string]string{"DescribeServiceRevisions arn:r": tc.answer, "DescribeTaskDefinition arn:new": definition})
		td := discovery.TaskDefinition{ARN: "arn:new", Container: "web", Release: "7", TargetGroup: tc.want.TargetGroup}
		if td.TargetGroup != "" {
			td.Digest = "sha256:1"
		}
		tc.want.TaskDefinition = discovery.Of(td, nil)
		got, err := f.Revisions(t.Context(), "arn:r")
		if err != nil || len(got) != 1 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", tc.want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, tc.want)
		}
	}
	if got := discovery.ListenerOf(alb + "listener-rule/app/a/1/2/3"); got != alb+"listener/app/a/1/2" {
		t.Errorf("the listener of the rule is %s", got)
	}
	for _, answer := range []string{`{}`, `{"serviceRevisions":[]}`, `{"serviceRevisions":[{"serviceRevisionArn":"arn:other","taskDefinition":"arn:new"}]}`} {
		f := finder(t, map[string]string{"DescribeServiceRevisions": answer, "DescribeTaskDefinition arn:new": definition})
		if _, err := f.Revisions(t.Context(), "arn:r"); err == nil || !strings.Contains(err.Error(), "not about this revision") {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	const lb = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/trips/50dc"
	const filter = "Filter.1.Value.1=ELB+app%2Ftrips%2F50dc"
	answer := func(addresses ...string) string {
		items := ""
		for _, a := range addresses {
			items += "<item><description>ELB app/trips/50dc</description><privateIpAddress>" + a + "</privateIpAddress></item>"
		}
		items += "<item><description>ELB app/other/50dc</description><privateIpAddress>10.9.9.9</privateIpAddress></item>"
		return "<R><networkInterfaceSet>" + items + "</networkInterfaceSet></R>"
	}
	f := finder(t, map[string]string{"DescribeNetworkInterfaces " + filter: answer("10.0.1.7", "", "no address", "10.0.2.9")})
	if got, err := f.Addresses(t.Context(), lb); err != nil || strings.Join(got, " ") != "10.0.1.7 10.0.2.9" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := f.Addresses(t.Context(), "arn:of-something-else"); err == nil || !strings.Contains(err.Error(), "not a load balancer's ARN") {
		t.Errorf("an ARN of something else: %v", err)
	}
	f = finder(t, map[string]string{"DescribeNetworkInterfaces": answer()})
	if _, err := f.Addresses(t.Context(), lb); err == nil || !strings.Contains(err.Error(), "ELB app/trips/50dc") {
		t.Errorf("a load balancer without interfaces: %v", err)
	}
}

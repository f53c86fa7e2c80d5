package release_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/release"
	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// finder asks a server that answers by operation, or by operation and a text that the request holds.
func finder(t *testing.T, answers map[string]string) release.Finder {
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
	return release.Finder{AWS: &signed.Client{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""),
		Endpoint: func(string) string { return server.URL },
	}}
}

var target = codedeploy.Target{ID: "cluster:service", TaskSets: []codedeploy.TaskSet{
	{ID: "ecs-svc/1", Original: true}, {ID: "ecs-svc/2"},
}}

const taskSets = `{"taskSets":[
	{"id":"ecs-svc/1","taskDefinition":"arn:old","loadBalancers":[{"containerName":"web","targetGroupArn":"arn:tg1"}]},
	{"id":"ecs-svc/2","taskDefinition":"arn:new","loadBalancers":[{"containerName":"web","targetGroupArn":"arn:tg2"}]},
	{"id":"ecs-svc/0","taskDefinition":"arn:older"}]}`

func TestTaskDefinitions(t *testing.T) {
	f := finder(t, map[string]string{
		"DescribeTaskSets":               taskSets,
		"DescribeTaskDefinition arn:old": `{"taskDefinition":{"containerDefinitions":[{"name":"log","image":"fluent:9"},{"name":"web","image":"r.example:5000/a/app:1.0@sha256:00","dockerLabels":{"greenlight.bootstrap":"true"}}]}}`,
		"DescribeTaskDefinition arn:new": `{"taskDefinition":{"containerDefinitions":[{"name":"web","image":"app@sha256:00","dockerLabels":{"greenlight.release":"1.1","greenlight.suite":"s3://b/k#sha256=00"}}]}}`,
	})
	got, err := f.TaskDefinitions(t.Context(), target)
	want := release.TaskDefinitions{
		Original:    &release.TaskDefinition{ARN: "arn:old", TargetGroup: "arn:tg1", Release: "1.0", Bootstrap: true},
		Replacement: &release.TaskDefinition{ARN: "arn:new", TargetGroup: "arn:tg2", Release: "1.1", Suite: "s3://b/k#sha256=00"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestWhatIsNotAllowedIsSaidInAWSsWords(t *testing.T) {
	f := finder(t, map[string]string{"DescribeTaskSets": taskSets})
	got, err := f.TaskDefinitions(t.Context(), target)
	if err == nil || !strings.Contains(err.Error(), "not authorized to perform: DescribeTaskDefinition") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestListener(t *testing.T) {
	f := finder(t, map[string]string{
		"DescribeListeners":     `<R><DescribeListenersResult><Listeners><member><LoadBalancerArn>arn:lb</LoadBalancerArn><Port>8443</Port><Protocol>HTTPS</Protocol></member></Listeners></DescribeListenersResult></R>`,
		"DescribeLoadBalancers": `<R><DescribeLoadBalancersResult><LoadBalancers><member><DNSName>alb.example</DNSName></member></LoadBalancers></DescribeLoadBalancersResult></R>`,
	})
	got, err := f.Listener(t.Context(), "arn:l")
	if want := (release.Listener{ARN: "arn:l", URL: "https://alb.example:8443", LoadBalancer: "arn:lb"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
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
	rule := func(actions string) string { return `<member><Actions>` + actions + `</Actions></member>` }
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
		if got, err := f.LeadsOnlyTo(t.Context(), "arn:l", "two"); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tc.want)
		}
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
		return `{"serviceRevisions":[{"taskDefinition":"arn:new","loadBalancers":[{"containerName":"web","advancedConfiguration":{"testListenerRule":"` + test + `","productionListenerRule":"` + production + `"}}]}]}`
	}
	definition := `{"taskDefinition":{"containerDefinitions":[{"name":"web","image":"app:7"}]}}`
	for name, tc := range map[string]struct {
		answer string
		want   release.Revision
	}{
		"rules of an ALB":     {revision(alb+"listener-rule/app/a/1/2/3", alb+"listener-rule/app/a/1/4/5"), release.Revision{TestListener: alb + "listener/app/a/1/2", ProductionListener: alb + "listener/app/a/1/4"}},
		"listeners of an NLB": {revision(nlb, nlb), release.Revision{TestListener: nlb, ProductionListener: nlb}},
		"no test listener":    {revision("", nlb), release.Revision{ProductionListener: nlb}},
		"no load balancer":    {`{"serviceRevisions":[{"taskDefinition":"arn:new"}]}`, release.Revision{}},
	} {
		f := finder(t, map[string]string{"DescribeServiceRevisions arn:r": tc.answer, "DescribeTaskDefinition arn:new": definition})
		tc.want.TaskDefinition = release.TaskDefinition{ARN: "arn:new", Release: "7"}
		got, err := f.Revision(t.Context(), "arn:r")
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	f := finder(t, map[string]string{"DescribeServiceRevisions": `{"serviceRevisions":[]}`})
	if _, err := f.Revision(t.Context(), "arn:gone"); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("a revision that is gone: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	const lb = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/trips/50dc"
	const filter = "Filter.1.Value.1=ELB+app%2Ftrips%2F50dc"
	answer := func(addresses ...string) string {
		items := ""
		for _, a := range addresses {
			items += "<item><privateIpAddress>" + a + "</privateIpAddress></item>"
		}
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

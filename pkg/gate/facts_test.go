package gate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
)

// facts are AWS's answers about one deployment, by operation. A hook finds everything out from them.
func facts(id, release, suite string, green, blue *httptest.Server) map[string]string {
	arn := func(kind string) string {
		return "arn:aws:elasticloadbalancing:eu-west-1:1:" + kind + "/app/" + id + "/1"
	}
	port := func(s *httptest.Server) string { u, _ := url.Parse(s.URL); return u.Port() }
	definition := func(n, release, labels string) string {
		return `{"taskDefinition":{"taskDefinitionArn":"arn:td/` + id + `:` + n + `","containerDefinitions":[{"name":"web","image":"app:` + release + `","dockerLabels":{` + labels + `}}]}}`
	}
	xml := func(operation, body string) string {
		return fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", operation, body)
	}
	listener := func(n, port string) string {
		return xml("DescribeListeners", `<Listeners><member><ListenerArn>`+arn("listener")+`/`+n+`</ListenerArn><LoadBalancerArn>`+arn("loadbalancer")+
			`</LoadBalancerArn><Port>`+port+`</Port><Protocol>HTTP</Protocol></member></Listeners>`)
	}
	quoted, _ := json.Marshal(suite)
	return map[string]string{
		"GetDeployment": `{"deploymentInfo":{"deploymentId":"` + id + `","applicationName":"trips","deploymentGroupName":"group","creator":"user",
			"loadBalancerInfo":{"targetGroupPairInfoList":[{"testTrafficRoute":{"listenerArns":["` + arn("listener") + `/test"]},"prodTrafficRoute":{"listenerArns":["` + arn("listener") + `/prod"]}}]}}}`,
		"ListDeploymentTargets": `{"targetIds":["` + id + `:service"]}`,
		"GetDeploymentTarget": `{"deploymentTarget":{"ecsTarget":{"deploymentId":"` + id + `","targetId":"` + id + `:service","lifecycleEvents":[],"taskSetsInfo":[
			{"identifer":"` + id + `/1","taskSetLabel":"Blue","trafficWeight":100},{"identifer":"` + id + `/2","taskSetLabel":"Green","targetGroup":{"name":"two"}}]}}}`,
		"DescribeTaskSets": `{"taskSets":[{"id":"` + id + `/1","taskDefinition":"arn:td/` + id + `:1","loadBalancers":[{"containerName":"web"}]},
			{"id":"` + id + `/2","taskDefinition":"arn:td/` + id + `:2","loadBalancers":[{"containerName":"web"}]}]}`,
		"DescribeTaskDefinition :1": definition("1", "1.0", ""),
		"DescribeTaskDefinition :2": definition("2", release, `"greenlight.release":"`+release+`","greenlight.suite":"ssm:/suite/`+id+`"`),
		"DescribeListeners test":    listener("test", port(green)),
		"DescribeListeners prod":    listener("prod", port(blue)),
		"DescribeLoadBalancers":     xml("DescribeLoadBalancers", `<LoadBalancers><member><LoadBalancerArn>`+arn("loadbalancer")+`</LoadBalancerArn><DNSName>127.0.0.1</DNSName></member></LoadBalancers>`),
		"DescribeRules":             xml("DescribeRules", `<Rules><member><RuleArn>`+arn("listener-rule")+`/test/1</RuleArn><Actions><member><Type>forward</Type><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/1</TargetGroupArn></member></Actions></member></Rules>`),
		"GetParameter":              `{"Parameter":{"Name":"/suite/` + id + `","Value":` + string(quoted) + `}}`,
	}
}

// bends are what may become of an answer: the first is none.
func bends() []func(answer, anothers string) (int, string) {
	is := func(text string) func(string, string) (int, string) {
		return func(string, string) (int, string) { return http.StatusOK, text }
	}
	return []func(answer, anothers string) (int, string){
		func(answer, _ string) (int, string) { return http.StatusOK, answer },
		func(string, string) (int, string) { return denied(nil) },
		func(_, anothers string) (int, string) { return http.StatusOK, anothers },
		is(`{}`), is(`null`), is(``), is(`[]`), is(`<R></R>`), is(`{"Parameter":{}}`),
		func(answer, _ string) (int, string) { return http.StatusOK, answer[:len(answer)/2] },
		func(answer, _ string) (int, string) {
			return http.StatusOK, strings.NewReplacer(`":"`, `":["`, `</ListenerArn>`, `0</ListenerArn>`).Replace(answer)
		},
		func(answer, _ string) (int, string) {
			return http.StatusOK, strings.NewReplacer(`[{`, `[{},{`, `"taskDefinition":{`, `"taskDefinition":{},"x":{`).Replace(answer)
		},
	}
}

// bent runs one hook with the facts bent as choices say, one byte for each operation. It returns whether the gate opened,
// and which paths the release under test was asked for.
func bent(t *testing.T, second, broken bool, choices []byte) (opened bool, asked []string, log string) {
	const mine, anothers = deploymentID, "d-9Z9Z9Z9Z9"
	var mu sync.Mutex
	trips := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	release := app("1.1", map[string]http.HandlerFunc{"/trips": trips})
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		release.ServeHTTP(rw, r)
	}), app("1.0", nil))
	for _, name := range []string{"TEST_URL", "PRODUCTION_URL", "RELEASE", "SUITE"} {
		delete(w.env, name)
	}
	fine := server(t, app("1.1", nil))
	lenient := "version: 1\nname: lenient\nchecks:\n  - {name: version, request: GET /version, expect: {json: {$.version: \"${RELEASE}\"}}}\n"
	patience := "within: 10s"
	if len(choices) > 0 {
		patience = "within: 100ms" // what is bent need not pass
	}
	ours := facts(mine, "1.1", strings.Replace(suite, "within: 2s", patience, 1), w.green, w.blue)
	theirs := facts(anothers, "1.1", lenient, fine, fine)
	operations := make([]string, 0, len(ours))
	for key := range ours {
		operations = append(operations, key)
	}
	slices.Sort(operations)
	all := bends()
	for i, key := range operations {
		bend := all[0]
		if i < len(choices) {
			bend = all[int(choices[i])%len(all)]
		}
		operation, holds, several := strings.Cut(key, " ")
		before := w.answers[operation]
		w.answers[operation] = func(body []byte) (int, string) {
			if several && !strings.Contains(string(body), holds) && before != nil {
				return before(body)
			}
			return bend(ours[key], theirs[key])
		}
	}
	w.parameters = map[string]string{}
	event, name := `{"DeploymentId":"`+mine+`","LifecycleEventHookExecutionId":"exec-1"}`, lifecycle.AfterAllowTestTraffic
	if second {
		name = lifecycle.BeforeAllowTraffic
	}
	o := w.invoke(name, event, 20*time.Second)
	if len(o.stored) != 1 || len(o.of("verdict")) != 1 {
		t.Fatalf("stored %q, %d verdicts:\n%s", o.stored, len(o.of("verdict")), o.log)
	}
	mu.Lock()
	defer mu.Unlock()
	return o.stored[0] == "Succeeded", asked, o.log
}

// FuzzFacts bends what AWS says about a deployment: answers that are refused, empty, of another shape, cut off, or about
// another deployment, whose release is fine and whose suite is lenient. One property: an open gate means that every check
// of this release's own suite was asked of this release and held.
func FuzzFacts(f *testing.F) {
	const operations = 11
	for i := range operations {
		for bend := 1; bend < len(bends()); bend++ {
			choices := make([]byte, operations)
			choices[i] = byte(bend)
			f.Add(bend%2 == 0, true, choices)
		}
	}
	everything := func(bend byte) []byte { return slices.Repeat([]byte{bend}, operations) }
	f.Add(false, true, everything(2))
	f.Add(true, true, everything(2))
	f.Fuzz(func(t *testing.T, second, broken bool, choices []byte) {
		opened, asked, log := bent(t, second, broken, choices)
		if !opened {
			return
		}
		if broken || !slices.Contains(asked, "/version") || !slices.Contains(asked, "/trips") {
			t.Errorf("the gate opened; broken %v, asked %q\n%s", broken, asked, log)
		}
	})
}

// The facts as they are open the gate for a good release, so that FuzzFacts' rows are shut by what is bent.
func TestTheFactsThemselvesAreEnough(t *testing.T) {
	for _, second := range []bool{false, true} {
		if opened, asked, log := bent(t, second, false, nil); !opened || !slices.Contains(asked, "/trips") {
			t.Errorf("second gate %v: shut, asked %q\n%s", second, asked, log)
		}
		if opened, _, log := bent(t, second, true, nil); opened {
			t.Errorf("second gate %v: open for a broken release\n%s", second, log)
		}
	}
}

package functions_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// native is one of Amazon ECS's own deployments, as AWS describes it. Its zero value is not one: see newNative.
type native struct {
	*cloud
	d     *rollout
	suite string
	// conditions are those of the test rule, as XML; actions replace its forward to the new target group.
	conditions, actions string
	// earlier are the conditions of a rule that comes first on the test rule's listener, and leads to the old release.
	earlier string
	// leads is the target group of production's rule.
	leads string
	// testRules are the ARNs that the service names, productionRule that of production.
	testRules      []string
	productionRule string
	// sources are the service revisions before, current those that the service knows.
	sources, current []string
	status, config   string
	// share is the new release's of production, where the deployment says it.
	share string
	// healthy are production's targets.
	healthy string
	// denied are operations that the hook may not call.
	denied []string
}

const (
	oldRevision = "arn:service-revision/old"
	linear      = `{"strategy":"LINEAR","linearConfiguration":{"stepPercent":25}}`
)

// newNative is a deployment in order: an old release behind one listener, the new one behind another.
func newNative(t *testing.T, green, blue, suite string) *native {
	t.Helper()
	n := &native{cloud: newCloud(t), suite: suite, leads: "tg1", sources: []string{oldRevision}, status: "IN_PROGRESS", config: "{}", healthy: "healthy"}
	n.d, _ = n.deploy(after, green, blue, suite)
	n.testRules, n.productionRule = []string{n.rule("test", "7")}, n.rule("production", "9")
	n.current = []string{oldRevision, n.d.revision()}
	n.answers = map[string]func([]byte) string{
		"DescribeServiceDeployments": n.deployments, "DescribeServices": n.services,
		"DescribeServiceRevisions": n.serviceRevisions, "DescribeRules": n.rules, "DescribeTargetHealth": n.health,
	}
	return n
}

func (n *native) rule(listener, id string) string {
	return strings.Replace(n.d.listener(listener), ":listener/", ":listener-rule/", 1) + "/" + id
}

func (n *native) arn(kind, end string) string {
	return "arn:aws:ecs:eu-west-1:123456789012:" + kind + "/" + n.d.id + "/trips" + end
}

func quoted(format string, all []string) string {
	var out []string
	for _, one := range all {
		out = append(out, fmt.Sprintf(format, one))
	}
	return strings.Join(out, ",")
}

func (n *native) deployments([]byte) string {
	return fmt.Sprintf(`{"serviceDeployments":[{"serviceDeploymentArn":%q,"status":%q,"startedAt":%d,"sourceServiceRevisions":[%s],"targetServiceRevision":{"arn":%q%s},"deploymentConfiguration":%s}]}`,
		n.arn("service-deployment", "/1"), n.status, time.Now().Unix()-60, quoted(`{"arn":%q}`, n.sources), n.d.revision(), n.share, n.config)
}

func (n *native) services([]byte) string {
	return fmt.Sprintf(`{"services":[{"serviceArn":%q,"deployments":[{}],"currentServiceRevisions":[%s]}]}`, n.arn("service", ""), quoted(`{"arn":%q}`, n.current))
}

func (n *native) serviceRevisions(input []byte) string {
	var all []string
	for i, arn := range []string{oldRevision, n.d.revision()} {
		if strings.Contains(string(input), arn) {
			var balancers []string
			for _, rule := range n.testRules {
				balancers = append(balancers, fmt.Sprintf(`{"containerName":"web","advancedConfiguration":{"testListenerRule":%q,"productionListenerRule":%q}}`, rule, n.productionRule))
			}
			all = append(all, fmt.Sprintf(`{"serviceRevisionArn":%q,"taskDefinition":%q,"loadBalancers":[%s],"containerImages":[{"containerName":"web","imageDigest":"sha256:%d"}],
				"resolvedConfiguration":{"loadBalancers":[{"targetGroupArn":%q}]}}`, arn, n.d.definition(i+1), strings.Join(balancers, ","), i+1, n.d.group(i+1)))
		}
	}
	return `{"serviceRevisions":[` + strings.Join(all, ",") + `]}`
}

func (n *native) rules(input []byte) string {
	forward := func(group string) string {
		return `<member><Type>forward</Type><TargetGroupArn>` + strings.Replace(n.d.group(1), "/tg1/", "/"+group+"/", 1) + `</TargetGroupArn></member>`
	}
	rule := func(arn, priority, conditions, actions string) string {
		return `<member><RuleArn>` + arn + `</RuleArn><Priority>` + priority + `</Priority><Conditions>` + conditions + `</Conditions><Actions>` + actions + `</Actions></member>`
	}
	actions := n.actions
	if actions == "" {
		actions = forward("tg2")
	}
	form, _ := url.ParseQuery(string(input))
	var all string
	if test := rule(n.rule("test", "7"), "20", n.conditions, actions); form.Get("RuleArns.member.1") == n.rule("test", "7") {
		all = test
	} else if form.Get("RuleArns.member.1") != "" {
		all = rule(n.productionRule, "30", "", forward(n.leads))
	} else if all = test; n.earlier != "" {
		all += rule(n.rule("test", "6"), "10", n.earlier, forward("tg1"))
	}
	return `<R><DescribeRulesResult><Rules>` + all + `</Rules></DescribeRulesResult></R>`
}

func (n *native) health([]byte) string {
	if n.healthy == "" {
		return `<R><DescribeTargetHealthResult><TargetHealthDescriptions></TargetHealthDescriptions></DescribeTargetHealthResult></R>`
	}
	return `<R><DescribeTargetHealthResult><TargetHealthDescriptions><member><TargetHealth><State>` + n.healthy + `</State></TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult></R>`
}

// event is what ECS sends at a stage; weights is `"production":10` or other members of executionDetails.
func (n *native) event(stage, details string) string {
	return fmt.Sprintf(`{"executionId":"x","lifecycleStage":%q,"resourceArn":%q,"executionDetails":{"serviceArn":%q,"targetServiceRevisionArn":%q%s}}`,
		stage, n.arn("service-deployment", "/1"), n.arn("service", ""), n.d.revision(), details)
}

// production is how much of production's traffic the two revisions get.
func (n *native) production(green, blue float64) string {
	return fmt.Sprintf(`,"productionTrafficWeights":{%q:%g,%q:%g}`, n.d.revision(), green, oldRevision, blue)
}

// at invokes a hook at a stage, with nothing set but the parameter for evidence.
func (n *native) at(stage, details string, variables ...string) answer {
	for _, operation := range n.denied {
		n.answers[operation] = func([]byte) string { return "{}" }
	}
	hook := after
	if strings.HasPrefix(stage, "PRE_PRODUCTION") || strings.HasPrefix(stage, "PRODUCTION") {
		hook = before
	}
	e := start(n.t, hook, n.url, append([]string{"EVIDENCE_PARAMETER=/evidence"}, variables...)...)
	return e.invoke(n.event(stage, details), time.Minute)
}

// oneWay is one listener that leads to green what a rule asks for, and all else to blue.
func oneWay(t *testing.T, g, b application, leads func(*http.Request) bool) string {
	gh, bh := g.handler(), b.handler()
	return handle(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leads(r) {
			gh.ServeHTTP(w, r)
			return
		}
		bh.ServeHTTP(w, r)
	}))
}

const headerCondition = `<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Preview</HttpHeaderName><Values><member>true</member></Values></HttpHeaderConfig></member>`

func byHeader(r *http.Request) bool { return r.Header.Get(previewHeader) == "true" }

// patient is the trip planner's suite with less patience, and comparisons that take less time.
func patient(more string) string {
	return suite{within: "3s", more: strings.Replace(more, "pairs: 40", "pairs: 20", 1)}.text()
}

// nativeRow is one case of an Amazon ECS deployment.
type nativeRow struct {
	name           string
	run            func(t *testing.T) answer
	verdict, blame string
	status, reason string
	// witness begins with saying, and ends so.
	witness, saying, ends string
}

// ruled is a deployment on one listener, whose test rule has conditions.
func ruled(t *testing.T, g application, suite, conditions string, leads func(*http.Request) bool) *native {
	u := oneWay(t, g, old(), leads)
	n := newNative(t, u, u, suite)
	n.conditions = conditions
	return n
}

func nativeRules() []nativeRow {
	judge := func(n *native) answer { return n.at("POST_TEST_TRAFFIC_SHIFT", "") }
	compare := func(n *native) answer { return n.at("PRE_PRODUCTION_TRAFFIC_SHIFT", n.production(0, 100)) }
	broken := with("GET /trips", answers(500))
	slow := around(slowly("/report", func(int64) time.Duration { return 300 * time.Millisecond }))
	header := func(g application, suite string, at func(*native) answer) func(*testing.T) answer {
		return func(t *testing.T) answer { return at(ruled(t, g, suite, headerCondition, byHeader)) }
	}
	rule := func(conditions string, leads func(*http.Request) bool) func(*testing.T) answer {
		return func(t *testing.T) answer { return judge(ruled(t, good(), patient(""), conditions, leads)) }
	}
	bent := func(bend func(*native)) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := newNative(t, serve(t, good()), serve(t, old()), patient(""))
			bend(n)
			return judge(n)
		}
	}
	host := `<member><Field>host-header</Field><HostHeaderConfig><Values><member>*.green.example</member></Values></HostHeaderConfig></member>`
	query := `<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>side</Key><Value>green</Value></member></Values></QueryStringConfig></member>`
	path := func(p string) string {
		return `<member><Field>path-pattern</Field><PathPatternConfig><Values><member>` + p + `</member></Values></PathPatternConfig></member>`
	}
	earlier := func(conditions string) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := ruled(t, good(), mute, headerCondition+host, byHeader)
			n.earlier = conditions
			return judge(n)
		}
	}
	return []nativeRow{
		{name: "one listener, a rule with a header that no suite knows of", run: header(good(), patient(""), judge), verdict: "PASS"},
		{name: "the same, 500 on one route", run: header(broken, patient(""), judge), verdict: "FAIL", blame: "release", reason: "4 of 4 attempts failed"},
		{name: "the same, `inconclusive: allow`", run: header(broken, patient("policy: {inconclusive: allow}\n"), judge), verdict: "FAIL", blame: "release", reason: "4 of 4 attempts failed"},
		{name: "the same, a shared outage", run: func(t *testing.T) answer {
			u := oneWay(t, around(failingAt("/trips", 0)), around(failingAt("/trips", 0)), byHeader)
			n := newNative(t, u, u, patient(""))
			n.conditions = headerCondition
			return judge(n)
		}, verdict: "INCONCLUSIVE", blame: "environment", reason: "the old release fails in the same way"},
		{name: "the same, 300 ms slower", run: header(slow, patient(compared), compare), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "the same, as fast", run: header(good(), patient(compared), compare), verdict: "PASS"},
		{name: "a rule with a host", run: rule(host, func(r *http.Request) bool { return strings.HasSuffix(r.Host, ".green.example") }), verdict: "PASS"},
		{name: "a rule with a query", run: rule(query, func(r *http.Request) bool { return r.URL.Query().Get("side") == "green" }), verdict: "PASS"},
		{name: "a rule with two headers and a query", run: rule(headerCondition+strings.ReplaceAll(headerCondition, "X-Preview", "X-Side")+query, func(r *http.Request) bool {
			return byHeader(r) && r.Header.Get("X-Side") == "true" && r.URL.Query().Get("side") == "green"
		}), verdict: "PASS"},
		{name: "a rule with a path that all checks ask for", run: rule(path("/*s*"), func(r *http.Request) bool { return strings.Contains(r.URL.Path, "s") }), verdict: "PASS"},
		{name: "a rule with a path that a check does not ask for", run: rule(path("/version"), func(r *http.Request) bool { return r.URL.Path == "/version" }), verdict: "ERROR", blame: "config", reason: "takes the paths /version only"},
		{name: "only the path leads to green: nothing is shared with blue", run: func(t *testing.T) answer {
			n := ruled(t, broken, patient("policy: {inconclusive: allow}\n"), path("/*s*"), func(*http.Request) bool { return true })
			return judge(n)
		}, verdict: "FAIL", blame: "release", reason: "4 of 4 attempts failed", witness: "baseline", saying: "none: only the path leads"},
		{name: "a rule with a source address", run: rule(`<member><Field>source-ip</Field><SourceIpConfig><Values><member>10.0.0.0/8</member></Values></SourceIpConfig></member>`, byHeader), verdict: "ERROR", blame: "config", reason: "condition source-ip"},
		{name: "a rule with two values of one header", run: rule(headerCondition+strings.Replace(headerCondition, ">true<", ">false<", 1), byHeader), verdict: "ERROR", blame: "config", reason: "two values"},
		{name: "a rule that answers by itself", run: bent(func(n *native) { n.actions = `<member><Type>fixed-response</Type></member>` }), verdict: "ERROR", blame: "config", reason: "fixed-response"},
		{name: "a rule that redirects", run: bent(func(n *native) { n.actions = `<member><Type>redirect</Type></member>` }), verdict: "ERROR", blame: "config", reason: "redirect"},
		{name: "two test listeners", run: bent(func(n *native) { n.testRules = append(n.testRules, n.rule("test", "8")) }), verdict: "ERROR", blame: "config", reason: "test traffic has 2 listeners or rules"},
		{name: "the rule proves the release", run: header(good(), mute, judge), verdict: "PASS", witness: "proof", saying: "listener arn:", ends: ", image sha256:2"},
		{name: "an earlier rule asks for another host", run: earlier(strings.Replace(host, "green", "other", 1)), verdict: "PASS", witness: "proof", saying: "listener arn:"},
		{name: "an earlier rule may take what is sent", run: earlier(path("/api/*")), verdict: "ERROR", blame: "config", reason: "comes before the test traffic's"},
	}
}

// nativeGates are what both gates know of a deployment.
func nativeGates() []nativeRow {
	broken := with("GET /trips", answers(500))
	slow := around(slowly("/report", func(int64) time.Duration { return 300 * time.Millisecond }))
	// then is the deployment's first gate, or its first step, for a good release, and a later call for another one.
	then := func(later application, first, stage string, share float64, prepare func(*native)) func(*testing.T) answer {
		return func(t *testing.T) answer {
			var mu sync.Mutex
			now := good().handler()
			u := handle(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				h := now
				mu.Unlock()
				h.ServeHTTP(w, r)
			}))
			n := newNative(t, u, serve(t, old()), patient(compared))
			n.config = linear
			if prepare != nil {
				prepare(n)
			}
			if first != "" {
				if a := n.at(first, n.production(0, 100)); a.body != `{"hookStatus":"SUCCEEDED"}` {
					t.Fatalf("%s: %s", first, a.log)
				}
			}
			mu.Lock()
			now = later.handler()
			mu.Unlock()
			return n.at(stage, n.production(share, 100-share))
		}
	}
	created := func(g application, bend func(*native)) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := newNative(t, serve(t, g), serve(t, around(failing(func(int64) bool { return true }, answers(503)))), patient(compared+"policy: {inconclusive: allow}\n"))
			n.sources, n.current, n.healthy = nil, []string{n.d.revision()}, ""
			if bend != nil {
				bend(n)
			}
			return n.at("PRE_PRODUCTION_TRAFFIC_SHIFT", "")
		}
	}
	const preProduction, production, post = "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"
	at := func(stage string, g application, details func(*native) string) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := newNative(t, serve(t, g), serve(t, old()), patient(""))
			return n.at(stage, details(n))
		}
	}
	none := func(*native) string { return "" }
	silent := func(share string) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := newNative(t, serve(t, slow), serve(t, old()), patient(compared))
			n.share = share
			return n.at(preProduction, "")
		}
	}
	return []nativeRow{
		{name: "test traffic is being shifted", run: at("TEST_TRAFFIC_SHIFT", good(), none), verdict: "PASS"},
		{name: "the first gate's verdict counts for the last", run: then(broken, post, preProduction, 0, nil), verdict: "PASS", witness: "judged_by", saying: "the first gate, "},
		{name: "the last gate alone judges everything", run: then(broken, "", preProduction, 0, nil), verdict: "FAIL", blame: "release", reason: "list trips"},
		{name: "the old release is the placeholder", run: then(good(), "", preProduction, 0, func(n *native) { n.d.bootstrap = true }), verdict: "PASS"},
		{name: "step 1: slower", run: then(slow, "", preProduction, 0, nil), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "`inconclusive: ask`, approved", run: func(t *testing.T) answer {
			a := ask(t)
			a.tag(t, a.d.definition(2), answering("approved", a.question))
			return a.ends("SUCCEEDED", "")
		}, verdict: "INCONCLUSIVE", blame: "environment", status: "SUCCEEDED", reason: "approved by "},
		{name: "`inconclusive: ask`, rejected", run: func(t *testing.T) answer {
			a := ask(t)
			a.tag(t, a.d.definition(2), answering("rejected", a.question))
			return a.ends("FAILED", "")
		}, verdict: "INCONCLUSIVE", blame: "environment", reason: "rejected by "},
		{name: "step 2, after a step that compared", run: then(good(), preProduction, preProduction, 25, nil), verdict: "PASS", witness: "baseline", saying: "none: production already serves the new release (25 %)"},
		{name: "step 3: 500 on one route", run: then(broken, preProduction, preProduction, 50, nil), verdict: "FAIL", blame: "release", reason: "list trips"},
		{name: "step 2, and no step compared", run: then(good(), "", preProduction, 25, nil), verdict: "INCONCLUSIVE", blame: "environment", reason: "production already serves the new release (25 %)"},
		{name: "step 2 of a canary, whatever the first gate said", run: then(broken, post, preProduction, 10, func(n *native) { n.config = `{"strategy":"CANARY"}` }), verdict: "FAIL", blame: "release", reason: "list trips"},
		{name: "a rollback by its weights", run: at(production, broken, func(n *native) string { return n.production(0, 100) }), verdict: "FAIL", blame: "release", status: "SUCCEEDED", reason: "WOULD FAIL: "},
		{name: "a rollback of test traffic", run: at("TEST_TRAFFIC_SHIFT", broken, func(n *native) string {
			return fmt.Sprintf(`,"testTrafficWeights":{%q:0,%q:100}`, n.d.revision(), oldRevision)
		}), verdict: "FAIL", blame: "release", status: "SUCCEEDED", reason: "WOULD FAIL: "},
		{name: "a rollback, as the deployment says", run: then(broken, "", post, 0, func(n *native) { n.status = "ROLLBACK_IN_PROGRESS" }), verdict: "FAIL", blame: "release", status: "SUCCEEDED", reason: "WOULD FAIL: "},
		{name: "production's rule leads to green, whatever the weights say", run: then(slow, "", preProduction, 0, func(n *native) { n.leads = "tg2" }), verdict: "INCONCLUSIVE", blame: "environment", reason: "already leads to the new release's target group"},
		{name: "the event says no weights, the deployment does", run: silent(`,"requestedProductionTrafficWeight":0`), verdict: "FAIL", blame: "release", reason: `comparison "report"`},
		{name: "neither says any weights", run: silent(""), verdict: "INCONCLUSIVE", blame: "environment", reason: "not known whether production"},
		{name: "weights that do not add up", run: at(preProduction, good(), func(n *native) string { return n.production(0, 60) }), verdict: "ERROR", blame: "config", reason: "do not add up: 60 % in all"},
		{name: "weights below nothing", run: at(preProduction, good(), func(n *native) string { return n.production(-10, 110) }), verdict: "ERROR", blame: "config", reason: "do not add up"},
		{name: "a service revision that cannot be read", run: then(good(), "", post, 0, func(n *native) { n.denied = []string{"DescribeServiceRevisions"} }), verdict: "ERROR", blame: "config", reason: "read service revision"},
		{name: "a deployment that cannot be read is no reason to fail", run: then(good(), "", post, 0, func(n *native) { n.denied = []string{"DescribeServiceDeployments"} }), verdict: "PASS"},
		{name: "tasks are scaled up: nothing can be judged", run: at("POST_SCALE_UP", good(), none), verdict: "ERROR", blame: "config", reason: `"POST_SCALE_UP"`},
		{name: "production was shifted: nothing can be stopped", run: at("POST_PRODUCTION_TRAFFIC_SHIFT", good(), none), verdict: "ERROR", blame: "config", reason: `"POST_PRODUCTION_TRAFFIC_SHIFT"`},

		{name: "a service is created", run: created(good(), nil), verdict: "PASS", witness: "baseline", saying: "none: the service is being created"},
		{name: "a service is created with a stack's placeholder", run: created(good(), func(n *native) { n.d.labels["greenlight.bootstrap"] = "true" }), verdict: "PASS", witness: "baseline", saying: "none: the service is being created"},
		{name: "the same, whatever production's targets seem to be", run: created(good(), func(n *native) { n.d.labels["greenlight.bootstrap"], n.healthy = "true", "healthy" }), verdict: "PASS"},
		{name: "the placeholder comes back, as a stack that is updated would send it", run: then(good(), "", preProduction, 0, func(n *native) { n.d.labels["greenlight.bootstrap"] = "true" }), verdict: "ERROR", blame: "config", reason: "greenlight.bootstrap=true"},
		{name: "a service is created, 500 on one route", run: created(broken, nil), verdict: "FAIL", blame: "release", reason: "list trips"},
		{name: "a service is created, the release never starts", run: created(around(failing(func(int64) bool { return true }, answers(503))), nil), verdict: "FAIL", blame: "release", reason: "not ready"},
		{name: "no creation, `inconclusive: allow`: production has a healthy target", run: created(good(), func(n *native) { n.healthy = "healthy" }), verdict: "INCONCLUSIVE", blame: "environment", status: "SUCCEEDED", reason: "not known whether production"},
		{name: "no creation, `inconclusive: allow`: the service knows another revision", run: created(good(), func(n *native) { n.current = append(n.current, oldRevision) }), verdict: "INCONCLUSIVE", blame: "environment", status: "SUCCEEDED", reason: "not known whether production"},
		{name: "no creation, `inconclusive: allow`: there is a revision before", run: created(good(), func(n *native) { n.sources = []string{oldRevision} }), verdict: "INCONCLUSIVE", blame: "environment", status: "SUCCEEDED", reason: "not known whether production"},
		{name: "no creation, `inconclusive: allow`: the service cannot be read", run: created(good(), func(n *native) { n.denied = []string{"DescribeServices"} }), verdict: "INCONCLUSIVE", blame: "environment", status: "SUCCEEDED", reason: "not known whether production"},
	}
}

// nativeTraps are what can be seen before capacity is paid for.
func nativeTraps() []nativeRow {
	ahead := func(stage string, bend func(*testing.T, *native)) func(*testing.T) answer {
		return func(t *testing.T) answer {
			n := newNative(t, serve(t, old()), serve(t, old()), patient(""))
			if bend != nil {
				bend(t, n)
			}
			if len(n.sources) == 0 {
				return n.at(stage, "")
			}
			return n.at(stage, n.production(0, 100))
		}
	}
	trap := func(name, reason string, bend func(*testing.T, *native)) nativeRow {
		return nativeRow{name: name, run: ahead("PRE_SCALE_UP", bend), verdict: "ERROR", blame: "config", reason: reason}
	}
	return []nativeRow{
		{name: "ahead: all is in order", run: ahead("PRE_SCALE_UP", nil), verdict: "PASS", reason: "nothing was judged yet"},
		{name: "ahead: the same before anything else", run: ahead("RECONCILE_SERVICE", nil), verdict: "PASS", reason: "nothing was judged yet"},
		{name: "ahead: a service is created", run: ahead("PRE_SCALE_UP", func(_ *testing.T, n *native) {
			n.sources, n.current, n.healthy = nil, []string{n.d.revision()}, ""
		}), verdict: "PASS", reason: "nothing was judged yet"},
		{name: "ahead: a service is created, and its listener has no target yet", run: ahead("PRE_SCALE_UP", func(t *testing.T, n *native) {
			n.sources, n.current, n.healthy = nil, []string{n.d.revision()}, ""
			n.d.green = serve(t, around(failing(func(int64) bool { return true }, answers(503))))
		}), verdict: "PASS", reason: "nothing was judged yet"},
		trap("ahead: production's rule leads elsewhere", "correct the listener's rule", func(_ *testing.T, n *native) { n.leads = "tg3" }),
		trap("ahead: no target of production is healthy", "no target of production is healthy: 1 unhealthy", func(_ *testing.T, n *native) { n.healthy = "unhealthy" }),
		trap("ahead: there is no test rule", "there is no test listener or rule", func(_ *testing.T, n *native) { n.testRules = []string{""} }),
		trap("ahead: test and production have one rule", "have one listener or rule", func(_ *testing.T, n *native) { n.productionRule = n.testRules[0] }),
		trap("ahead: nothing tells test and production apart", "same address", func(_ *testing.T, n *native) { n.d.blue = n.d.green }),
		trap("ahead: a source address leads to the new release", "condition source-ip", func(_ *testing.T, n *native) { n.conditions = `<member><Field>source-ip</Field></member>` }),
		trap("ahead: a hook that times out lets the deployment go on", "set its action to ROLLBACK", func(_ *testing.T, n *native) {
			n.config = `{"lifecycleHooks":[{"timeoutConfiguration":{"timeoutInMinutes":5,"action":"CONTINUE"}}]}`
		}),
		trap("ahead: the circuit breaker does not roll back", "circuit breaker does not roll back", func(_ *testing.T, n *native) {
			n.config = `{"deploymentCircuitBreaker":{"enable":true,"rollback":false}}`
		}),
		trap("ahead: alarms do not roll back", "alarms do not roll back", func(_ *testing.T, n *native) {
			n.config = `{"alarms":{"enable":true,"rollback":false,"alarmNames":["a"]}}`
		}),
		trap("ahead: the suite is not the one that was published", "its sha256 is", func(_ *testing.T, n *native) { tampered(n.cloud, n.d) }),
		trap("ahead: the suite is gone", "NoSuchKey", func(_ *testing.T, n *native) { gone(n.cloud, n.d) }),
		trap("ahead: a secret is gone", "variable TOKEN", func(_ *testing.T, n *native) { n.Values.Delete("smoke/token") }),
		trap("ahead: nobody listens", "the test listener does not answer", func(t *testing.T, n *native) { n.d.green = nobody(t) }),
		trap("ahead: the deployment cannot be read", "read service deployment", func(_ *testing.T, n *native) { n.denied = []string{"DescribeServiceDeployments"} }),
	}
}

// TestMatrixOfNativeDeployments runs every row with the functions' own binaries: nothing is set, what a hook knows it
// found from the event.
func TestMatrixOfNativeDeployments(t *testing.T) {
	t.Parallel()
	all := append(append(nativeRules(), nativeGates()...), nativeTraps()...)
	results := make([]line, len(all))
	statuses := make([]string, len(all))
	t.Run("rows", func(t *testing.T) {
		for i, r := range all {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				a := r.run(t)
				v := a.verdict(t)
				t.Logf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
				if r.blame == "" {
					r.blame = "none"
				}
				if r.status == "" {
					r.status = map[bool]string{true: "SUCCEEDED", false: "FAILED"}[r.verdict == "PASS"]
				}
				if v.text("verdict") != r.verdict || v.text("blame") != r.blame || !strings.Contains(v.text("reason"), r.reason) || a.body != `{"hookStatus":"`+r.status+`"}` {
					t.Errorf("%s, blame %s: %s: %s\nwant %s, blame %s, %s: …%s…", v.text("verdict"), v.text("blame"), a.body, v.text("reason"), r.verdict, r.blame, r.status, r.reason)
				}
				if r.witness != "" && (!strings.HasPrefix(v.text(r.witness), r.saying) || !strings.HasSuffix(v.text(r.witness), r.ends)) {
					t.Errorf("%s %q, want %q", r.witness, v.text(r.witness), r.saying)
				}
				if step, want := v["step"], map[string]float64{"step 1": 1, "step 2": 2, "step 3": 3}[r.name[:min(len(r.name), 6)]]; want != 0 && step != want {
					t.Errorf("step %v, want %v", step, want)
				}
				if v.text("service") != "trips" || v.text("cluster") == "" {
					t.Errorf("cluster %q, service %q", v.text("cluster"), v.text("service"))
				}
				checkMetrics(t, a)
				if m := a.lines(t, "metrics"); len(m) != 1 || m[0].text("Cluster") != v.text("cluster") || m[0].text("Service") != "trips" || !strings.Contains(a.log, `"Dimensions":[["Cluster","Service","LifecycleEvent"],["LifecycleEvent"]]`) {
					t.Errorf("metrics %v", m)
				}
				noSecretIn(t, "log", a.log)
				results[i], statuses[i] = v, r.status
			})
		}
	})
	if t.Failed() || partly(results) {
		return
	}
	var b strings.Builder
	b.WriteString("\n| Amazon ECS's own deployments: case | verdict | blame | told |\n| --- | --- | --- | --- |\n")
	for i, r := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.name, results[i].text("verdict"), results[i].text("blame"), statuses[i])
	}
	checkSection(t, "native", b.String()+"\n")
}

// TestTheProberTakesBothSides: what each side's rule asks for goes into the VPC with the question, and so does what an
// earlier call found.
func TestTheProberTakesBothSides(t *testing.T) {
	t.Parallel()
	slow := around(slowly("/report", func(int64) time.Duration { return 300 * time.Millisecond }))
	for name, tc := range map[string]struct {
		green           application
		stage, suite    string
		limit           time.Duration
		verdict, reason string
		calls           int
	}{
		"compared":               {good(), "PRE_PRODUCTION_TRAFFIC_SHIFT", patient(compared), time.Minute, "PASS", "1 comparison passed", 1},
		"slower":                 {slow, "PRE_PRODUCTION_TRAFFIC_SHIFT", patient(compared), time.Minute, "FAIL", `comparison "report"`, 1},
		"looking ahead":          {old(), "PRE_SCALE_UP", patient(""), time.Minute, "PASS", "nothing was judged yet", 1},
		"it takes several calls": {sluggish(150*time.Millisecond, 0, good()), "POST_TEST_TRAFFIC_SHIFT", long, 6 * time.Second, "PASS", "3 checks passed", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := private(t, oneWay(t, tc.green, old(), byHeader))
			n := newNative(t, u, u, tc.suite)
			n.conditions = headerCondition
			n.Functions = &lambdaService{t: t, prober: start(t, "prober", "http://127.0.0.1:1"), limit: time.Minute}
			hook := map[bool]string{true: before, false: after}[strings.HasPrefix(tc.stage, "PRE_PRODUCTION")]
			e := start(t, hook, n.url, "PROBER_FUNCTION=Prober", "EVIDENCE_PARAMETER=/evidence")
			a, made := calls{n: n, stage: tc.stage, limit: tc.limit}.run(t, e)
			if v := a.verdict(t); v.text("verdict") != tc.verdict || !strings.Contains(v.text("reason"), tc.reason) || made < tc.calls {
				t.Errorf("%s after %d calls: %s", v.text("verdict"), made, v.text("reason"))
			}
			noSecretIn(t, "log", a.log)
		})
	}
}

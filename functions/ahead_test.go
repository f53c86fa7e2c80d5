package functions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// TestBeforeInstall holds what a hook of CodeDeploy's first event finds out before a task is started.
func TestBeforeInstall(t *testing.T) {
	t.Parallel()
	const inOrder, not = "nothing is in the way of a verdict", "this deployment cannot be judged: "
	listeners := func(change func(d *deployment.Deployment)) func(*testing.T, *cloud, *rollout) string {
		return func(_ *testing.T, c *cloud, d *rollout) string { c.book.Update(d.id, change); return "" }
	}
	for name, tc := range map[string]struct {
		prepare func(*testing.T, *cloud, *rollout) string
		want    told
	}{
		"all is in order": {nil, told{"PASS", "none", "Succeeded", inOrder}},
		"failed deployments are not rolled back": {
			listeners(func(d *deployment.Deployment) { d.AutoRollback = false }), told{"ERROR", "config", "Failed", not + "the deployment group blue-green does not roll back"},
		},
		"no test listener": {
			listeners(func(d *deployment.Deployment) { d.TestListener = "" }), told{"ERROR", "config", "Failed", "there is no test listener"},
		},
		"one listener for both": {
			listeners(func(d *deployment.Deployment) { d.TestListener = d.ProductionListener }), told{"ERROR", "config", "Failed", "have one listener"},
		},
		"production leads elsewhere": {func(_ *testing.T, _ *cloud, d *rollout) string {
			d.productionWeight = 40
			return ""
		}, told{"ERROR", "config", "Failed", `production's listener leads to ["tg1" "tg2"], and the service says that "tg1" serves`}},
		"no target of production is healthy": {func(_ *testing.T, c *cloud, _ *rollout) string {
			c.answers = nil
			return ""
		}, told{"ERROR", "config", "Failed", "no target of production is healthy: 1 unhealthy"}},
		"nobody listens":       {func(t *testing.T, _ *cloud, d *rollout) string { d.green = nobody(t); return "" }, told{"ERROR", "config", "Failed", "the test listener does not answer"}},
		"a suite that is gone": {func(*testing.T, *cloud, *rollout) string { return "SUITE=s3://suites/gone.yaml" }, told{"ERROR", "config", "Failed", "NoSuchKey"}},
		"a secret that is gone": {func(_ *testing.T, c *cloud, d *rollout) string {
			c.Values.Delete("smoke/token")
			return "SUITE=s3://suites/" + d.id + ".yaml"
		}, told{"ERROR", "config", "Failed", "variable TOKEN"}},
		"a rollback": {func(_ *testing.T, c *cloud, d *rollout) string {
			rollback(c, d)
			d.green = nobody(t)
			return ""
		}, told{"ERROR", "config", "Succeeded", "WOULD FAIL: " + not}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.answers = map[string]func([]byte) string{"DescribeTargetHealth": (&native{healthy: "healthy"}).health}
			d, event := c.deploy(install, serve(t, old()), serve(t, old()), suite{}.text())
			c.book.Update(d.id, func(d *deployment.Deployment) { d.AutoRollback = true })
			variable := ""
			if tc.prepare != nil {
				variable = tc.prepare(t, c, d)
			}
			a := start(t, after, c.url, variable).invoke(event, time.Minute)
			v := tc.want.check(t, a, d)
			if v.text("lifecycle_event") != "BeforeInstall" || strings.Contains(a.log, `"event":"check"`) || a.took > 15*time.Second {
				t.Errorf("%s after %v: %s", v.text("lifecycle_event"), a.took, a.log)
			}
		})
	}
}

// TestTheThirdFunctionLooksAhead holds it while a service is created: a stack's placeholder has no watch and needs none, a
// release does.
func TestTheThirdFunctionLooksAhead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ placeholder, keys, verdict, reason string }{
		"the placeholder":  {"true", "", "PASS", "nothing was judged yet"},
		"a release":        {"false", "", "ERROR", "the suite has no watch: add one, or take the hook away"},
		"one with a watch": {"false", "watch: {for: 4m}\n", "PASS", "nothing was judged yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNative(t, serve(t, old()), serve(t, old()), watchSuite(tc.keys))
			n.sources, n.current, n.healthy = nil, []string{n.d.revision()}, ""
			n.d.labels["greenlight.bootstrap"] = tc.placeholder
			a := start(t, watch, n.url).invoke(n.event("PRE_SCALE_UP", ""), time.Minute)
			if v := a.verdict(t); v.text("verdict") != tc.verdict || !strings.Contains(v.text("reason"), tc.reason) {
				t.Errorf("%s: %s\n%s", v.text("verdict"), v.text("reason"), a.log)
			}
		})
	}
}

package functions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// frugal is a suite that needs nothing of AWS.
func frugal() string {
	var kept []string
	for l := range strings.Lines(suite{}.text()) {
		if !strings.Contains(l, "TOKEN: {") && !strings.Contains(l, "KEY: {") {
			kept = append(kept, strings.Replace(l, `Authorization: "Bearer ${TOKEN}", X-Api-Key: "${KEY}", `, "", 1))
		}
	}
	return strings.Join(kept, "")
}

// settings says by variables all that a hook would have to find out.
func settings(t testing.TB, suite, green, blue string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "smoke.yaml")
	if err := os.WriteFile(path, []byte(suite), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"SUITE=" + path, "TEST_URL=" + green, "PRODUCTION_URL=" + blue, "RELEASE=" + release}
}

// TestAnAWSThatNeverAnswersIsToldInTime holds the 15 s that a misconfiguration may take.
func TestAnAWSThatNeverAnswersIsToldInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		silent, variable, reason string
	}{
		"everything":                  {"*", "", "greenlight.suite"},
		"CodeDeploy's reads":          {"GetDeploymentTarget", "", "greenlight.suite"},
		"ECS":                         {"DescribeTaskSets", "", "greenlight.suite"},
		"S3":                          {"GetObject", "", "read the suite s3://suites/"},
		"Secrets Manager":             {"GetSecretValue", "", "variable TOKEN: secretsmanager GetSecretValue"},
		"SSM, for a variable":         {"GetParameter", "", "variable KEY: ssm GetParameter"},
		"SSM, for the suite":          {"*", "SUITE=ssm:/suite", "read the suite ssm:/suite"},
		"the load balancer":           {"DescribeListeners", "", "TEST_URL is not set"},
		"all, with a suite in a file": {"*", "SUITE=/nowhere/smoke.yaml", "/nowhere/smoke.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				c := newCloud(t)
				c.hush(tc.silent)
				e := start(t, after, c.url, tc.variable)
				d, event := c.deploy(after, serve(t, good()), serve(t, old()), suite{}.text())
				a := e.invoke(event, time.Minute)
				v := judged(t, a, d)
				if v.text("verdict") != "ERROR" || v.text("blame") != "config" || !strings.Contains(v.text("reason"), tc.reason) {
					t.Errorf("%s, blame %s: %s; want ERROR, blame config: …%s…", v.text("verdict"), v.text("blame"), v.text("reason"), tc.reason)
				}
				if a.took > 15*time.Second {
					t.Errorf("took %v, want at most 15s", a.took)
				}
			})
		})
	}
}

// TestWhatIsNotNeededIsNotWaitedFor sets all that a hook needs: the only call that must work stores the status.
func TestWhatIsNotNeededIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hook    string
		prepare func(*cloud)
		// most is how much longer than at best it may take.
		most     time.Duration
		evidence string
	}{
		"nothing answers, first gate":            {after, func(c *cloud) { c.hush("*") }, 8 * time.Second, ""},
		"nothing answers, second gate":           {before, func(c *cloud) { c.hush("*") }, 8 * time.Second, "evidence=none"},
		"only CodeDeploy answers, second gate":   {before, func(c *cloud) { c.hush("DescribeTaskSets") }, 6 * time.Second, "evidence=none"},
		"only the load balancer's API is silent": {after, func(c *cloud) { c.hush("DescribeRules") }, 6 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				c := newCloud(t)
				tc.prepare(c)
				green, blue := serve(t, good()), serve(t, old())
				e := start(t, tc.hook, c.url, settings(t, frugal(), green, blue)...)
				d, event := c.deploy(tc.hook, green, blue, "")
				a := e.invoke(event, time.Minute)
				v := judged(t, a, d)
				if v.text("verdict") != "PASS" || !strings.Contains(v.text("reason"), tc.evidence) || v.text("release") != release {
					t.Errorf("%s of release %q: %s; want PASS with %q", v.text("verdict"), v.text("release"), v.text("reason"), tc.evidence)
				}
				if a.took > tc.most {
					t.Errorf("took %v, want at most %v: what is not needed ate the suite's time", a.took, tc.most)
				}
			})
		})
	}
}

// TestOnlyCodeDeploysEndpointIsSet leaves all other services to AWS's own host names, which nobody
// answers for here.
func TestOnlyCodeDeploysEndpointIsSet(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{after, before} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				c := newCloud(t)
				green, blue := serve(t, good()), serve(t, old())
				e := start(t, hook, "", append(settings(t, frugal(), green, blue), "AWS_ENDPOINT_URL_CODEDEPLOY="+c.url, "AWS_REGION=xx-nowhere-1")...)
				d, event := c.deploy(hook, green, blue, "")
				a := e.invoke(event, time.Minute)
				if v := judged(t, a, d); v.text("verdict") != "PASS" || a.took > 8*time.Second {
					t.Errorf("%s after %v: %s", v.text("verdict"), a.took, v.text("reason"))
				}
			})
		})
	}
}

// TestAnExplanationDoesNotCostTheVerdict lets the wait for the release end together with the time, while
// the load balancer's API, which could say more, is silent.
func TestAnExplanationDoesNotCostTheVerdict(t *testing.T) {
	t.Parallel()
	inTime(t, func(t testing.TB) {
		c := newCloud(t)
		c.hush("DescribeTargetHealth")
		e := start(t, after, c.url)
		d, event := c.deploy(after, serve(t, around(failing(func(int64) bool { return true }, answers(503)))), serve(t, old()), suite{within: "5m"}.text())
		v := judged(t, e.invoke(event, 10*time.Second), d)
		if v.text("verdict") != "FAIL" || v.text("blame") != "release" {
			t.Errorf("%s, blame %s: %s", v.text("verdict"), v.text("blame"), v.text("reason"))
		}
	})
}

// TestASkipThatNeverAnswersLeavesTimeToReport reads the skip parameter out of the time that is kept back.
func TestASkipThatNeverAnswersLeavesTimeToReport(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{5 * time.Second, 8 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t testing.TB) {
				c := newCloud(t)
				c.hush("GetParameter")
				green, blue := serve(t, with("GET /trips", hang)), serve(t, old())
				e := start(t, after, c.url, append(settings(t, strings.Replace(frugal(), "timeout: 10s", "timeout: 5m", 1), green, blue), "SKIP_PARAMETER=/skip")...)
				d, event := c.deploy(after, green, blue, "")
				a := e.invoke(event, limit)
				if v := judged(t, a, d); v.text("status") != "Failed" || !strings.Contains(a.log, "no skip: ssm GetParameter") {
					t.Errorf("%s %s: %s", v.text("verdict"), v.text("status"), v.text("reason"))
				}
			})
		})
	}
}

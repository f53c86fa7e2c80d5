package discovery_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/discovery"
)

const (
	ownDeployment = "arn:aws:ecs:eu-west-1:1:service-deployment/c/s/1"
	ownService    = "arn:aws:ecs:eu-west-1:1:service/c/s"
)

// A service is being created only where its deployment replaces nothing and it knows nothing else itself.
func TestRollout(t *testing.T) {
	deployment := func(more string) string {
		return `{"serviceDeployments":[{"serviceDeploymentArn":"` + ownDeployment + `"` + more + `}]}`
	}
	service := func(more string) string { return `{"services":[{"serviceArn":"` + ownService + `"` + more + `}]}` }
	for name, tc := range map[string]struct {
		deployment, service string
		want                discovery.Rollout
		err                 string
	}{
		"one before":          {deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"targetServiceRevision":{"arn":"arn:new","requestedProductionTrafficWeight":10}`), "", discovery.Rollout{Sources: []string{"arn:old"}, Share: discovery.Of(10.0, nil)}, ""},
		"another's weight":    {deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"targetServiceRevision":{"arn":"arn:old","requestedProductionTrafficWeight":10}`), "", discovery.Rollout{Sources: []string{"arn:old"}}, ""},
		"a rollback":          {deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"status":"ROLLBACK_IN_PROGRESS"`), "", discovery.Rollout{Sources: []string{"arn:old"}, RollingBack: true}, ""},
		"a rollback to come":  {deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"status":"ROLLBACK_REQUESTED"`), "", discovery.Rollout{Sources: []string{"arn:old"}, RollingBack: true}, ""},
		"none before":         {deployment(""), service(`,"currentServiceRevisions":[{"arn":"arn:new"}],"deployments":[{}]`), discovery.Rollout{First: true}, ""},
		"none at all":         {deployment(""), service(""), discovery.Rollout{First: true}, ""},
		"another is current":  {deployment(""), service(`,"currentServiceRevisions":[{"arn":"arn:new"},{"arn":"arn:old"}]`), discovery.Rollout{}, ""},
		"two deployments":     {deployment(""), service(`,"deployments":[{},{}]`), discovery.Rollout{}, ""},
		"another service":     {deployment(""), strings.Replace(service(""), "/c/s", "/c/other", 1), discovery.Rollout{}, "not about this service"},
		"no service":          {deployment(""), `{}`, discovery.Rollout{}, "not about this service"},
		"another deployment":  {strings.Replace(deployment(""), "/c/s/1", "/c/s/2", 1), "", discovery.Rollout{}, "not about this deployment"},
		"an empty answer":     {`{}`, "", discovery.Rollout{}, "not about this deployment"},
		"nothing may be read": {"", "", discovery.Rollout{}, "DescribeServiceDeployments"},
		"nothing that rolls back": {
			deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":false},"alarms":{"enable":true,"rollback":false,"alarmNames":[]},
			"lifecycleHooks":[{"timeoutConfiguration":{"timeoutInMinutes":1,"action":"ROLLBACK"}},{},{"timeoutConfiguration":{"timeoutInMinutes":1,"action":"CONTINUE"}}]}`), "",
			discovery.Rollout{Sources: []string{"arn:old"}, Flaws: []string{
				"the deployment circuit breaker does not roll back: set its rollback to true", "the deployment's alarms do not roll back: set their rollback to true",
				"a lifecycle hook that times out lets the deployment go on: set its action to ROLLBACK",
			}, Lenient: true},
			"",
		},
		"all rolls back": {
			deployment(`,"sourceServiceRevisions":[{"arn":"arn:old"}],"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true},"alarms":{"enable":false,"rollback":false,"alarmNames":[]}}`), "",
			discovery.Rollout{Sources: []string{"arn:old"}},
			"",
		},
	} {
		all := map[string]string{"DescribeServiceDeployments": tc.deployment, "DescribeServices": tc.service}
		if tc.deployment == "" {
			delete(all, "DescribeServiceDeployments")
		}
		got, err := finder(t, all).Rollout(t.Context(), ownDeployment, ownService, "arn:new")
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) || err == nil && fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tc.want) {
			t.Errorf("%s: %+v, %v\nwant %+v, %s", name, got, err, tc.want, tc.err)
		}
	}
}

func TestTheNumberOfAStep(t *testing.T) {
	for config, want := range map[string][4]int{
		`{"strategy":"LINEAR","linearConfiguration":{"stepPercent":25}}`:   {1, 2, 3, 4},
		`{"strategy":"LINEAR","linearConfiguration":{"stepPercent":12.5}}`: {1, 3, 5, 7},
		`{"strategy":"LINEAR"}`:     {1, 0, 0, 0},
		`{"strategy":"CANARY"}`:     {1, 2, 2, 2},
		`{"strategy":"BLUE_GREEN"}`: {}, `{}`: {},
	} {
		f := finder(t, map[string]string{"DescribeServiceDeployments": `{"serviceDeployments":[{"serviceDeploymentArn":"` + ownDeployment + `","sourceServiceRevisions":[{"arn":"arn:old"}],"deploymentConfiguration":` + config + `}]}`})
		r, err := f.Rollout(t.Context(), ownDeployment, ownService, "arn:new")
		if got := [4]int{r.Step(0), r.Step(25), r.Step(50), r.Step(75)}; err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", config, got, err, want)
		}
	}
}

func TestTheNamesInAnARN(t *testing.T) {
	for arn, want := range map[string][2]string{
		ownService: {"c", "s"}, ownDeployment: {"c", "s"}, "arn:s": {}, "": {}, "arn:aws:ecs:eu-west-1:1:service/s": {}, "c/s/1": {},
	} {
		if cluster, service := discovery.ServiceIn(arn); [2]string{cluster, service} != want {
			t.Errorf("%s: %q %q, want %q", arn, cluster, service, want)
		}
	}
}

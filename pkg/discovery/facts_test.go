package discovery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/discovery"
)

// answers are AWS's about one deployment of a service behind an Application Load Balancer.
func answers() map[string]string {
	const tg = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/two/2"
	return map[string]string{
		"GetDeployment": `{"deploymentInfo":{"deploymentId":"d-1","applicationName":"trips","deploymentGroupName":"group",
			"loadBalancerInfo":{"targetGroupPairInfoList":[{"testTrafficRoute":{"listenerArns":["` + listener + `"]},"prodTrafficRoute":{"listenerArns":["` + listener + `"]}}]}}}`,
		"ListDeploymentTargets": `{"targetIds":["cluster:service"]}`,
		"GetDeploymentTarget": `{"deploymentTarget":{"ecsTarget":{"deploymentId":"d-1","targetId":"cluster:service","taskSetsInfo":[
			{"identifer":"ecs-svc/1","taskSetLabel":"Blue"},{"identifer":"ecs-svc/2","taskSetLabel":"Green","trafficWeight":10,"targetGroup":{"name":"two"}}]}}}`,
		"DescribeTaskSets":               taskSets,
		"DescribeTaskDefinition arn:old": `{"taskDefinition":{"taskDefinitionArn":"arn:old","containerDefinitions":[{"name":"web","image":"app:1"}]}}`,
		"DescribeTaskDefinition arn:new": `{"taskDefinition":{"taskDefinitionArn":"arn:new","containerDefinitions":[{"name":"web","image":"app:2"}]}}`,
		"DescribeServiceDeployments":     `{"serviceDeployments":[{"serviceDeploymentArn":"arn:d"}]}`,
		"DescribeServices":               `{"services":[{"serviceArn":"arn:aws:ecs:eu-west-1:1:service/c/s"}]}`,
		"DescribeServiceRevisions":       `{"serviceRevisions":[{"serviceRevisionArn":"arn:r","taskDefinition":"arn:new","resolvedConfiguration":{"loadBalancers":[{"targetGroupArn":"` + tg + `"}]},"loadBalancers":[{"containerName":"web","advancedConfiguration":{"testListenerRule":"` + oneRule + `"}}]}]}`,
		"DescribeListeners":              `<R><DescribeListenersResult><Listeners><member><ListenerArn>` + listener + `</ListenerArn><LoadBalancerArn>` + balancer + `</LoadBalancerArn><Port>80</Port><Protocol>HTTP</Protocol></member></Listeners></DescribeListenersResult></R>`,
		"DescribeLoadBalancers":          `<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>` + balancer + `</LoadBalancerArn><DNSName>alb.example</DNSName></member></LoadBalancers></DescribeLoadBalancersResult></R>`,
		"DescribeNetworkInterfaces":      `<R><networkInterfaceSet><item><description>ELB app/alb/1</description><privateIpAddress>10.0.0.1</privateIpAddress></item></networkInterfaceSet></R>`,
		"DescribeRules":                  `<R><DescribeRulesResult><Rules><member><RuleArn>` + oneRule + `</RuleArn><Conditions><member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-test</HttpHeaderName><Values><member>1</member></Values></HttpHeaderConfig></member></Conditions></member></Rules></DescribeRulesResult></R>`,
	}
}

// said is the facts in words; what is not known is missing.
func said(f discovery.Facts) string {
	var words []string
	add := func(name, value string, known bool) {
		if known {
			words = append(words, name+"="+value)
		}
	}
	original, ok := f.Original.Get()
	add("original", original.Release, ok)
	replacement, ok := f.Replacement.Get()
	add("replacement", replacement.Release, ok)
	group, ok := f.GreenGroup.Get()
	add("group", group, ok)
	for name, s := range map[string]discovery.Side{"test": f.Test, "production": f.Production} {
		url, ok := s.URL.Get()
		add(name, url, ok)
		addresses, ok := s.Addresses.Get()
		add(name+" at", strings.Join(addresses, ","), ok)
		way, ok := s.Way.Get()
		add(name+" header", way.Headers["X-Test"], ok)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

var everything = discovery.Wanted{Definitions: true, TestURL: true, ProductionURL: true, Addresses: true}

func ofDeployment(t *testing.T, answers map[string]string, w discovery.Wanted) (discovery.Facts, []string) {
	t.Helper()
	f := finder(t, answers)
	f.CodeDeploy = codedeploy.New(f.AWS)
	found := f.Deployment(t.Context(), "d-1")
	warnings := found.Warnings
	found = f.Complete(t.Context(), found, w)
	return found, append(warnings, found.Warnings...)
}

func TestTheFactsOfADeployment(t *testing.T) {
	found, warnings := ofDeployment(t, answers(), everything)
	const want = "group=two original=1 production at=10.0.0.1:80 production=http://alb.example:80 replacement=2 test at=10.0.0.1:80 test=http://alb.example:80"
	if got := said(found); got != want || len(warnings) != 0 {
		t.Errorf("got  %s, warnings %q\nwant %s", got, warnings, want)
	}
	if share, ok := found.Share.Get(); !ok || share != 10 {
		t.Errorf("share %v, %v", share, ok)
	}
	if found, warnings := ofDeployment(t, answers(), discovery.Wanted{TestURL: true}); said(found) != "group=two test=http://alb.example:80" || len(warnings) != 0 {
		t.Errorf("with a test URL wanted: %s, warnings %q", said(found), warnings)
	}
}

// What cannot be read is not known, is warned of once, and takes nothing along that does not come from it.
func TestWhatCannotBeReadIsNotKnown(t *testing.T) {
	for denied, tc := range map[string]struct {
		known    string
		warnings int
	}{
		"GetDeployment":                  {"group=two original=1 replacement=2", 1},
		"GetDeploymentTarget":            {"production at=10.0.0.1:80 production=http://alb.example:80 test at=10.0.0.1:80 test=http://alb.example:80", 1},
		"DescribeTaskSets":               {"group=two production at=10.0.0.1:80 production=http://alb.example:80 test at=10.0.0.1:80 test=http://alb.example:80", 1},
		"DescribeTaskDefinition arn:old": {"group=two production at=10.0.0.1:80 production=http://alb.example:80 replacement=2 test at=10.0.0.1:80 test=http://alb.example:80", 1},
		"DescribeListeners":              {"group=two original=1 replacement=2", 1},
		"DescribeNetworkInterfaces":      {"group=two original=1 production=http://alb.example:80 replacement=2 test=http://alb.example:80", 1},
	} {
		some := answers()
		delete(some, denied)
		found, warnings := ofDeployment(t, some, everything)
		if got := said(found); got != tc.known || len(warnings) != tc.warnings {
			t.Errorf("without %s: %d warnings %q\ngot  %s\nwant %s", denied, len(warnings), warnings, got, tc.known)
		}
		if _, known := found.Replacement.Get(); known == (found.Replacement.Err() != nil) {
			t.Errorf("without %s: the replacement is known: %v, and %v", denied, known, found.Replacement.Err())
		}
	}
}

func ofRevision(t *testing.T, answers map[string]string, arn string) discovery.Facts {
	t.Helper()
	return finder(t, answers).Native(t.Context(), "arn:d", "arn:aws:ecs:eu-west-1:1:service/c/s", arn, everything)
}

func TestTheFactsOfARevision(t *testing.T) {
	found := ofRevision(t, answers(), "arn:r")
	const want = "group=two replacement=2 test at=10.0.0.1:80 test header=1 test=http://alb.example:80"
	if diff := cmp.Diff(want, said(found)); diff != "" || len(found.Warnings) != 0 || found.Test.ARN != oneRule {
		t.Errorf("%s, warnings %q", diff, found.Warnings)
	}
	// Its listeners are known without its task definition, and nothing without its name.
	some := answers()
	delete(some, "DescribeTaskDefinition arn:new")
	found = ofRevision(t, some, "arn:r")
	if got := said(found); found.Replacement.Err() == nil || got != strings.Replace(want, " replacement=2", "", 1) || len(found.Warnings) != 1 {
		t.Errorf("without its task definition: %s, %v, warnings %q", got, found.Replacement.Err(), found.Warnings)
	}
	found = ofRevision(t, answers(), "")
	if got := said(found); got != "" || found.Replacement.Err() == nil || len(found.Warnings) != 1 {
		t.Errorf("without a name: %s, warnings %q", got, found.Warnings)
	}
}

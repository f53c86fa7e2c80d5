package console_test

import (
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/console"
)

func TestPages(t *testing.T) {
	const ecs = "arn:aws:ecs:eu-west-1:1:service-deployment/trips/web/x"
	for _, tc := range []struct{ region, id, want string }{
		{"eu-west-1", "d-1A2B3C4D5", "https://console.aws.amazon.com/codesuite/codedeploy/deployments/d-1A2B3C4D5?region=eu-west-1"},
		{"cn-north-1", "d-1", "https://console.amazonaws.cn/codesuite/codedeploy/deployments/d-1?region=cn-north-1"},
		{"eusc-de-east-1", "d-1", "https://console.amazonaws-eusc.eu/codesuite/codedeploy/deployments/d-1?region=eusc-de-east-1"},
		{"us-gov-west-1", ecs, "https://console.amazonaws-us-gov.com/ecs/v2/clusters/trips/services/web/deployments?region=us-gov-west-1"},
		{"eu-west-1", "d-<x>|\"&?#", "https://console.aws.amazon.com/codesuite/codedeploy/deployments/d-%3Cx%3E%7C%22&%3F%23?region=eu-west-1"},
		{"eu-west-1", "arn:aws:ecs:eu-west-1:1:service-deployment/a b/c>d/x", "https://console.aws.amazon.com/ecs/v2/clusters/a%20b/services/c%3Ed/deployments?region=eu-west-1"},
		{"eu-west-1", "d-1/../x", ""},
		{"eu-west-1", "", ""},
		{"eu-west-1", "arn:aws:ecs:eu-west-1:1:service/trips/web", ""},
		{"eu-west-1", "https://evil.example/d-1", ""},
	} {
		if got := console.Deployment(tc.region, tc.id); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.id, got, tc.want)
		}
	}
	for location, want := range map[string]string{
		"s3://reports/greenlight/d-1/x.html": "https://console.aws.amazon.com/s3/object/reports?region=eu-west-1&prefix=greenlight%2Fd-1%2Fx.html",
		"s3://a/b&c#d>e":                     "https://console.aws.amazon.com/s3/object/a?region=eu-west-1&prefix=b%26c%23d%3Ee",
		"reports/x.html":                     "", "s3://reports": "", "https://evil.example/x": "", "": "",
	} {
		if got := console.Object("eu-west-1", location); got != want {
			t.Errorf("%s: %s, want %s", location, got, want)
		}
	}
}

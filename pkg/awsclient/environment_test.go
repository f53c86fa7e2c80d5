package awsclient_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// hosts is an HTTP client that says where a request would have gone.
type hosts struct{ got string }

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	h.got = r.URL.Scheme + "://" + r.URL.Host
	return nil, errors.New("not sent")
}

func TestWhereTheClientsCall(t *testing.T) {
	own := map[string]string{"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": "http://elb.example", "AWS_ENDPOINT_URL_SSM": ""}
	lookup := func(name string) (string, bool) { v, ok := own[name]; return v, ok }
	for name, tc := range map[string]struct {
		env               awsclient.Environment
		ssm, balancer, s3 string
	}{
		"a region":  {awsclient.Environment{Region: "eu-west-1"}, "https://ssm.eu-west-1.amazonaws.com", "https://elasticloadbalancing.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"},
		"China":     {awsclient.Environment{Region: "cn-north-1"}, "https://ssm.cn-north-1.amazonaws.com.cn", "https://elasticloadbalancing.cn-north-1.amazonaws.com.cn", "https://s3.cn-north-1.amazonaws.com.cn"},
		"isolated":  {awsclient.Environment{Region: "us-iso-east-1"}, "https://ssm.us-iso-east-1.c2s.ic.gov", "https://elasticloadbalancing.us-iso-east-1.c2s.ic.gov", "https://s3.us-iso-east-1.c2s.ic.gov"},
		"sovereign": {awsclient.Environment{Region: "eusc-de-east-1"}, "https://ssm.eusc-de-east-1.amazonaws.eu", "https://elasticloadbalancing.eusc-de-east-1.amazonaws.eu", "https://s3.eusc-de-east-1.amazonaws.eu"},
		"FIPS":      {awsclient.Environment{Region: "us-east-1", FIPS: true}, "https://ssm-fips.us-east-1.amazonaws.com", "https://elasticloadbalancing-fips.us-east-1.amazonaws.com", "https://s3-fips.us-east-1.amazonaws.com"},
		"dual stack": {
			awsclient.Environment{Region: "eu-west-1", DualStack: true},
			"https://ssm.eu-west-1.api.aws", "https://elasticloadbalancing.eu-west-1.api.aws", "https://s3.dualstack.eu-west-1.amazonaws.com",
		},
		"one endpoint for all, one of its own": {
			awsclient.Environment{Region: "eu-west-1", Endpoint: "http://all.example", Lookup: lookup},
			"http://all.example", "http://elb.example", "http://all.example",
		},
		"endpoints that are ignored": {
			awsclient.Environment{Region: "eu-west-1", Endpoint: "http://all.example", Lookup: lookup, IgnoreEndpoints: true},
			"https://ssm.eu-west-1.amazonaws.com", "https://elasticloadbalancing.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com",
		},
	} {
		tc.env.AccessKeyID, tc.env.SecretAccessKey = "AKID", "s"
		cfg := awsclient.Once(tc.env.Config()) // asked again, it would go to the same place
		var h hosts
		cfg.HTTPClient = &h
		if _, _ = parameter(t.Context(), cfg); h.got != tc.ssm {
			t.Errorf("%s: SSM is at %s, want %s", name, h.got, tc.ssm)
		}
		if _, _ = elasticloadbalancingv2.NewFromConfig(cfg).DescribeListeners(t.Context(), nil); h.got != tc.balancer {
			t.Errorf("%s: Elastic Load Balancing is at %s, want %s", name, h.got, tc.balancer)
		}
		if _, _ = s3.NewFromConfig(cfg).ListBuckets(t.Context(), nil); h.got != tc.s3 {
			t.Errorf("%s: S3 is at %s, want %s", name, h.got, tc.s3)
		}
	}
}

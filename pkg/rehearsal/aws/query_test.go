package aws_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	fake "github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

// queried is a server with one load balancer, whose name has to be escaped.
func queried() *fake.Server {
	return &fake.Server{LoadBalancers: func() []fake.LoadBalancer {
		return []fake.LoadBalancer{{ARN: "arn:loadbalancer/app/a", Name: "a"}, {ARN: "arn:loadbalancer/app/b", Name: "<b>"}, {ARN: "arn:loadbalancer/app/d", Name: "d"}}
	}}
}

func TestBothDialects(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for body, c := range map[string]struct {
		status int
		want   []string
	}{
		"Action=DescribeLoadBalancers&Version=2015-12-01&Names.member.1=a&Names.member.2=<b>": {
			200, []string{"<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member>", "&lt;b&gt;</LoadBalancerName>", "</DescribeLoadBalancersResult><ResponseMetadata><RequestId>"},
		},
		"Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=description&Filter.1.Value.1=ELB+app/a&Filter.1.Value.2=ELB+app/d": {
			200, []string{"<DescribeNetworkInterfacesResponse><requestId>", "<description>ELB app/a</description>", "<description>ELB app/d</description>", "</networkInterfaceSet></DescribeNetworkInterfacesResponse>"},
		},
		"Action=None&Version=2015-12-01":                                        {400, []string{"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"}},
		"Action=None&Version=2016-11-15":                                        {400, []string{"<Response><Errors><Error><Code>InvalidAction</Code>"}},
		"Action=DescribeRules&Version=2020-01-01":                               {400, []string{"no service of version"}},
		"Action=DescribeLoadBalancers&Version=2015-12-01&Names.member.1=<none>": {400, []string{"LoadBalancerNotFound", "&lt;none&gt;"}},
		"%": {400, []string{"MalformedQueryString"}},
	} {
		status, got := send(t, queried(), http.MethodPost, "/", form, "", body)
		if status != c.status || slices.ContainsFunc(c.want, func(w string) bool { return !strings.Contains(got, w) }) {
			t.Errorf("%s: %d %s, want %d %q", body, status, got, c.status, c.want)
		}
		if strings.Contains(got, "ELB app/b") {
			t.Errorf("%s: what was not asked for: %s", body, got)
		}
	}
}

// An error that nobody gave a name is the service's own, in each protocol.
func TestAnErrorWithoutANameIsInternal(t *testing.T) {
	w := httptest.NewRecorder()
	if name := fake.Refuse(w, fake.Call{}, errors.New("out of order")); name != "InternalFailure" || w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"out of order"`) {
		t.Errorf("%s: %d %s", name, w.Code, w.Body)
	}
}

// Whatever comes in, what goes out is XML.
func FuzzQuery(f *testing.F) {
	f.Add("Action=DescribeLoadBalancers&Version=2015-12-01&Names.member.1=a")
	f.Add("Action=\x00&Version=2016-11-15")
	f.Add("Filter.1.Name=\xff&Action=DescribeNetworkInterfaces&Version=2016-11-15")
	f.Fuzz(func(t *testing.T, body string) {
		_, got := send(t, queried(), http.MethodPost, "/", "application/x-www-form-urlencoded", "", body)
		decoder := xml.NewDecoder(strings.NewReader(got))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%q: %v in %q", body, err, got)
			}
		}
	})
}

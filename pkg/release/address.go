package release

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/signed"
)

// Addresses returns the private addresses of the load balancer's nodes, one in each zone. Its DNS name
// resolves to public ones, also inside the VPC, where a rule between security groups does not fit
// them. The nodes' network interfaces are known by their description: "ELB app/name/id".
func (f Finder) Addresses(ctx context.Context, loadBalancerARN string) ([]string, error) {
	_, name, ok := strings.Cut(loadBalancerARN, ":loadbalancer/")
	if !ok {
		return nil, fmt.Errorf("find the load balancer's addresses: %.200q is not a load balancer's ARN", loadBalancerARN)
	}
	var out struct {
		Interfaces []struct {
			Address     string `xml:"privateIpAddress"`
			Description string `xml:"description"`
		} `xml:"networkInterfaceSet>item"`
	}
	in := url.Values{
		"Filter.1.Name": {"description"}, "Filter.1.Value.1": {"ELB " + name},
		"Filter.2.Name": {"status"}, "Filter.2.Value.1": {"in-use"},
	}
	if err := f.AWS.Query(ctx, signed.EC2, "DescribeNetworkInterfaces", in, &out); err != nil {
		return nil, fmt.Errorf("find the load balancer's addresses: %w", err)
	}
	var addresses []string
	for _, i := range out.Interfaces {
		if i.Description == "ELB "+name && net.ParseIP(i.Address) != nil {
			addresses = append(addresses, i.Address)
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("find the load balancer's addresses: no network interface has the description %q", "ELB "+name)
	}
	return addresses, nil
}

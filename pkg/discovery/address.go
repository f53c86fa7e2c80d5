package discovery

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
)

// Addresses returns the private addresses of the load balancer's nodes, one in each zone. Its DNS name
// resolves to public ones, also inside the VPC, where a rule between security groups does not fit
// them. The nodes' network interfaces are known by their description: "ELB app/name/id".
func (f Finder) Addresses(ctx context.Context, loadBalancerARN string) ([]string, error) {
	_, name, ok := strings.Cut(loadBalancerARN, ":loadbalancer/")
	if !ok {
		return nil, fmt.Errorf("find the load balancer's addresses: %.200q is not a load balancer's ARN", loadBalancerARN)
	}
	in := &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{
		{Name: aws.String("description"), Values: []string{"ELB " + name}},
		{Name: aws.String("status"), Values: []string{"in-use"}},
	}}
	out, err := ec2.NewFromConfig(f.AWS).DescribeNetworkInterfaces(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("find the load balancer's addresses: %w", awsclient.Error(err))
	}
	var addresses []string
	for _, i := range out.NetworkInterfaces {
		address := aws.ToString(i.PrivateIpAddress)
		if aws.ToString(i.Description) == "ELB "+name && net.ParseIP(address) != nil {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("find the load balancer's addresses: no network interface has the description %q", "ELB "+name)
	}
	return addresses, nil
}

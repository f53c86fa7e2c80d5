package rehearsal

import (
	"net"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
)

// reportBucket is the S3 bucket that the hooks are told to write their reports to.
const reportBucket = "rehearsal-reports"

// evidenceParameter is where the first hook keeps its verdict for the second. As in the gate's stack, it exists from
// the beginning and holds no verdict.
const evidenceParameter = "/rehearsal/evidence"

// loadBalancers returns the load balancer's present state, for the Elastic Load Balancing API.
func (s *stage) loadBalancers() []aws.LoadBalancer {
	state := aws.LoadBalancer{
		ARN:  arn("elasticloadbalancing", "loadbalancer/app/rehearsal/0000000000000001"),
		Name: "rehearsal", Address: "127.0.0.1",
	}
	for i, l := range []*alb.Listener{s.production, s.test} {
		if l == nil {
			continue
		}
		var forward []aws.Weight
		for _, w := range l.Weights() {
			forward = append(forward, aws.Weight{GroupARN: targetGroupARN(w.Group.Name), Weight: w.Share})
		}
		if header := s.plan.Header; l == s.test && header.Name != "" {
			rule := aws.Rule{ARN: s.testRule(), Header: header.Name, Values: []string{header.Value}, Forward: forward}
			state.Listeners[0].Rules = append(state.Listeners[0].Rules, rule)
			continue
		}
		state.Listeners = append(state.Listeners, aws.Listener{
			ARN: listenerARN(strconv.Itoa(i + 1)), Port: l.Port(), Forward: forward,
		})
	}
	for _, d := range []*side{s.blue, s.green} {
		shown := aws.Group{ARN: targetGroupARN(d.group.Name)}
		for _, t := range d.group.Targets() {
			host, port, _ := net.SplitHostPort(t.Addr)
			number, _ := strconv.Atoi(port) // the balancer dialled it
			shown.Targets = append(shown.Targets, aws.Target{Address: host, Port: number, Health: t.Health().String()})
		}
		state.Groups = append(state.Groups, shown)
	}
	return []aws.LoadBalancer{state}
}

// publishSuite puts the suite where the task definition's label greenlight.suite says that it is, as the
// pipeline would.
func (s *stage) publishSuite() {
	reference := s.plan.Release.SuiteReference
	location, _, _ := strings.Cut(reference, "#")
	if key, ok := strings.CutPrefix(location, "s3://"); ok {
		s.aws.Objects.Put(key, "application/yaml", s.plan.SuiteText)
	} else if name, ok := strings.CutPrefix(reference, "ssm:"); ok {
		s.aws.Values.Put(name, string(s.plan.SuiteText))
	}
}

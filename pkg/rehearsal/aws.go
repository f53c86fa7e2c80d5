package rehearsal

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/alb"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// The names and ARNs of what exists only for the length of a rehearsal. They look like AWS's, since
// hooks take them apart.

// service is the ECS service's name: the task definition's family without the usual prefix.
func (p Plan) service() string {
	return strings.TrimPrefix(cmp.Or(p.Release.Family, "service"), "task-")
}

// revision is that of a side's task definition: 1 is what served before, 2 is new.
func revision(label deployment.TaskSetLabel) int {
	if label == deployment.Green {
		return 2
	}
	return 1
}

func (p Plan) definitionARN(label deployment.TaskSetLabel) string {
	return arn("ecs", "task-definition/%s:%d", p.family(), revision(label))
}

// deploymentID is a new deployment's: Amazon ECS knows its own ones by their ARN.
func (p Plan) deploymentID() string {
	if p.Native == nil {
		return deployment.NewID()
	}
	return arn("ecs", "service-deployment/rehearsal/%s/%s", p.service(), rand.Text()[:21])
}

func (p Plan) family() string { return cmp.Or(p.Release.Family, "release") }

// definitions are both task definitions as DescribeTaskDefinition shows them. What served before is known
// by its release alone, and taken to log where the replacement does.
func (p Plan) definitions() map[string]json.RawMessage {
	described := func(label deployment.TaskSetLabel, definition map[string]any) json.RawMessage {
		definition["taskDefinitionArn"], definition["status"] = p.definitionARN(label), "ACTIVE"
		definition["revision"] = revision(label)
		text, _ := json.Marshal(definition) // it was JSON, or is ours
		return text
	}
	replacement := map[string]any{}
	_ = json.Unmarshal(p.Release.TaskDefinition, &replacement) // without one it stays empty
	container := map[string]any{
		"name": p.Release.Container, "image": "rehearsal:" + p.BlueRelease, "essential": true,
		"portMappings": []any{map[string]any{"containerPort": p.Release.Port}},
		"dockerLabels": map[string]string{"greenlight.release": p.BlueRelease},
	}
	if logging, group, _ := p.logging(); group != "" {
		container["logConfiguration"] = logging
	}
	original := map[string]any{"family": p.family(), "containerDefinitions": []any{container}}
	return map[string]json.RawMessage{
		p.definitionARN(deployment.Blue):  described(deployment.Blue, original),
		p.definitionARN(deployment.Green): described(deployment.Green, replacement),
	}
}

func (r *run) taskSet(d *side, status string, weight float64, now time.Time) deployment.TaskSet {
	return deployment.TaskSet{
		ID: fmt.Sprintf("ecs-svc/%019d", revision(d.label)), Label: d.label, Release: d.release,
		Status: status, Weight: weight, Created: now,
		Desired: r.plan.Tasks, Running: d.set.Load().Running(),
		TargetGroup: d.group.Name, TargetGroupARN: targetGroupARN(d.group.Name),
		TaskDefinition: d.definition, Container: r.plan.Release.Container, Port: r.plan.Release.Port,
	}
}

// arn is one in the rehearsal's account.
func arn(service, format string, args ...any) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + fmt.Sprintf(format, args...)
}

// loadBalancer is the load balancer's name in CloudWatch's metrics.
const loadBalancer = "app/rehearsal/0000000000000001"

func listenerARN(n string) string {
	return arn("elasticloadbalancing", "listener/app/rehearsal/0000000000000001/000000000000000%s", n)
}

func targetGroupARN(name string) string {
	return arn("elasticloadbalancing", "targetgroup/%s/0000000000000001", name)
}

func functionARN(name string) string { return arn("lambda", "function:%s", name) }

// ruleARN is the ARN of a listener's rule; number 1 is the default rule.
func ruleARN(listener, number string) string {
	return fmt.Sprintf("%s/%016s", strings.Replace(listener, ":listener/", ":listener-rule/", 1), number)
}

// reportBucket is the S3 bucket that the hooks are told to write their reports to.
const reportBucket = "rehearsal-reports"

// evidenceParameter is where the first hook keeps its verdict for the second. As in the gate's stack, it exists from
// the beginning and holds no verdict.
const evidenceParameter = "/rehearsal/evidence"

// loadBalancers returns the load balancer's present state, for the Elastic Load Balancing API.
func (s *stage) loadBalancers() []aws.LoadBalancer {
	state := aws.LoadBalancer{
		ARN:  arn("elasticloadbalancing", "loadbalancer/"+loadBalancer),
		Name: "rehearsal", Address: "127.0.0.1", Groups: map[string][]aws.Target{},
	}
	for i, l := range []*alb.Listener{s.production, s.test} {
		if l == nil {
			continue
		}
		forward := map[string]int{}
		for _, w := range l.Weights() {
			forward[targetGroupARN(w.Group.Name)] = w.Share
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
		var targets []aws.Target
		for _, t := range d.group.Targets() {
			host, port, _ := net.SplitHostPort(t.Addr)
			number, _ := strconv.Atoi(port) // the balancer dialled it
			targets = append(targets, aws.Target{Address: host, Port: number, Health: string(t.Health())})
		}
		state.Groups[targetGroupARN(d.group.Name)] = targets
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

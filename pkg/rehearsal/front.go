package rehearsal

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/balancer"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/elb"
)

// reportBucket is the S3 bucket that the hooks are told to write their reports to.
const reportBucket = "rehearsal-reports"

// evidenceParameter is where the first hook keeps its verdict for the second. Like the gate's stack makes it, it
// is there from the beginning and says nothing.
const evidenceParameter = "/rehearsal/evidence"

// front is the one address at which every AWS stand-in answers (AWS_ENDPOINT_URL): the protocol of a
// request says for whom it is.
type front struct {
	json, query, s3 http.Handler
	// calls is told of every call after it was answered.
	calls func()
}

func (f front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer f.calls()
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		f.json.ServeHTTP(w, r)
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		f.query.ServeHTTP(w, r)
	case r.URL.Path != "/":
		f.s3.ServeHTTP(w, r)
	default:
		f.json.ServeHTTP(w, r) // which says what is missing
	}
}

// balancerState is what Elastic Load Balancing tells of the load balancer now.
func (s *stage) balancerState() elb.State {
	state := elb.State{
		ARN:  "arn:aws:elasticloadbalancing:" + Region + ":" + Account + ":loadbalancer/app/rehearsal/0000000000000001",
		Name: "rehearsal", Address: "127.0.0.1",
	}
	for i, l := range []*balancer.Listener{s.production, s.test} {
		if l == nil {
			continue
		}
		shown := elb.Listener{ARN: listenerARN(strconv.Itoa(i + 1)), Port: l.Port()}
		for _, w := range l.Weights() {
			shown.Forward = append(shown.Forward, elb.Weight{GroupARN: targetGroupARN(w.Group.Name), Weight: w.Share})
		}
		state.Listeners = append(state.Listeners, shown)
	}
	for _, d := range []*side{s.blue, s.green} {
		check := s.plan.Health
		shown := elb.Group{
			ARN: targetGroupARN(d.group.Name), Name: d.group.Name, HealthPath: check.Asks(), Codes: check.Codes.String(),
			Interval: int(checkInterval.Seconds()), Timeout: int(checkTimeout.Seconds()), Threshold: checkThreshold,
		}
		for _, t := range d.group.Targets() {
			host, port, _ := net.SplitHostPort(t.Addr)
			number, _ := strconv.Atoi(port) // the balancer dialled it
			shown.Targets = append(shown.Targets, elb.Target{Address: host, Port: number, Health: t.Health().String()})
		}
		state.Groups = append(state.Groups, shown)
	}
	return state
}

// publishSuite puts the suite where the task definition's label greenlight.suite says that it is, as the
// pipeline would.
func (s *stage) publishSuite() {
	reference := s.plan.Release.SuiteReference
	location, _, _ := strings.Cut(reference, "#")
	if key, ok := strings.CutPrefix(location, "s3://"); ok {
		s.objects.Put(key, "application/yaml", s.plan.SuiteText)
	} else if name, ok := strings.CutPrefix(reference, "ssm:"); ok {
		if s.secrets.Values == nil {
			s.secrets.Values = map[string]string{}
		}
		s.secrets.Values[name] = string(s.plan.SuiteText)
	}
}

package functions_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/aws"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// The functions' folders.
const (
	after  = "after-allow-test-traffic"
	before = "before-allow-traffic"
	watch  = "after-allow-traffic"
	// install is the event before the new task set is there, which any of them answers.
	install = "before-install"
)

const (
	arns    = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
	storing = "PutLifecycleEventHookExecutionStatus"
)

// cloud is AWS as the functions see it, at one address: the rehearsal's, with the answers bent that a test wants
// otherwise. Everything is kept by deployment, so that one process can judge many.
type cloud struct {
	*aws.Server
	t    testing.TB
	url  string
	book *deployment.Book

	// connections were made so far, open are there now.
	connections, open atomic.Int64

	mu       sync.Mutex
	rollouts map[string]*rollout
	// silent names operations that never answer: "GetDeployment"; "*" are all but the one that stores a status.
	silent map[string]bool
	// answers are given by operation in the place of the rehearsal's.
	answers map[string]func(input []byte) string
}

// rollout is one deployment with what CodeDeploy heard of it.
type rollout struct {
	id, event string
	// green and blue are the base URLs behind the test and the production listener.
	green, blue string
	// labels are the docker labels of the replacement's container.
	labels map[string]string
	// bootstrap says that the original task set is a new stack's placeholder; blueWeight is what the test
	// listener still sends to it.
	bootstrap  bool
	blueWeight int
	// productionWeight is what the production listener sends to the old one.
	productionWeight int
	// sidecars stand before the container behind the load balancer; undescribed is a DescribeTaskDefinition that
	// answers 200 and nothing.
	sidecars    []any
	undescribed bool
	// put decides what becomes of the n-th status that arrives (from 1); nil stores it.
	put func(n int) *aws.Fault

	mu     sync.Mutex
	puts   int
	stored []storage
}

// storage is one status that CodeDeploy took.
type storage struct {
	status string
	at     time.Time
}

// Faults of CodeDeploy's that are no answers.
var (
	hangs  = &aws.Fault{Code: "hang"}
	resets = &aws.Fault{Code: "reset"}
)

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{t: t, book: deployment.NewBook(), rollouts: map[string]*rollout{}, silent: map[string]bool{}}
	c.Server = &aws.Server{
		Region: "eu-west-1", Account: "123456789012", Book: c.book,
		Definitions: c.definitions, Revisions: c.revisions, LoadBalancers: c.loadBalancers, Bend: c.bend, Done: c.done,
	}
	c.Values.Put("/smoke/key", key)
	c.Values.Put("/evidence", "none")
	c.Values.Put("smoke/token", string(must(json.Marshal(map[string]string{"password": token}))))
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = quiet()
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.connections.Add(1)
			c.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	c.url = server.URL
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const appSpec = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/trips:2"
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}
Hooks:
  - AfterAllowTestTraffic: first
  - BeforeAllowTraffic: second
`

// deploy opens a deployment that is at the hook's lifecycle event, and returns it with the event that
// CodeDeploy sends. A blue of "" is a deployment group without a production listener.
func (c *cloud) deploy(hook, green, blue, suite string) (*rollout, string) {
	r := &rollout{id: deployment.NewID(), productionWeight: 100, event: "AfterAllowTestTraffic", green: green, blue: blue, labels: map[string]string{"greenlight.release": release}}
	if suite != "" {
		sum := sha256.Sum256([]byte(suite))
		r.labels["greenlight.suite"] = fmt.Sprintf("s3://suites/%s.yaml#sha256=%x", r.id, sum)
	}
	d := deployment.New(deployment.Deployment{
		ID: r.id, Application: "trips", Group: "blue-green", Creator: deployment.ByUser,
		AppSpec: appSpec, Cluster: r.id, Service: "trips", BlueGroup: "tg1", GreenGroup: "tg2",
		TestListener: r.listener("test"), ProductionListener: r.listener("production"),
		TaskSets: []deployment.TaskSet{
			{
				ID: "ecs-svc/1", Label: deployment.Blue, Status: "PRIMARY", Weight: 100,
				TargetGroup: "tg1", TargetGroupARN: r.group(1), TaskDefinition: r.definition(1), Container: "web", Port: 8080,
			},
			{
				ID: "ecs-svc/2", Label: deployment.Green, Status: "ACTIVE",
				TargetGroup: "tg2", TargetGroupARN: r.group(2), TaskDefinition: r.definition(2), Container: "web", Port: 8080,
			},
		},
	}, time.Now())
	if event, ok := map[string]string{before: "BeforeAllowTraffic", watch: "AfterAllowTraffic", install: "BeforeInstall"}[hook]; ok {
		r.event = event
	}
	event := d.Events[0].Name
	for i := range d.Events {
		e := d.Events[i].Name
		d.Begin(e, time.Now())
		if string(e) == r.event {
			event = e
			break
		}
		d.End(e, deployment.EventSucceeded, time.Now(), nil)
	}
	c.mu.Lock()
	c.rollouts[r.id] = r
	c.mu.Unlock()
	c.Objects.Put("suites/"+r.id+".yaml", "application/yaml", []byte(suite))
	c.book.Add(d)
	execution, _, err := c.book.Expect(r.id, event)
	if err != nil {
		c.t.Fatal(err)
	}
	return r, fmt.Sprintf(`{"DeploymentId":%q,"LifecycleEventHookExecutionId":%q}`, r.id, execution)
}

// advance ends the first gate's lifecycle event and begins the second's; it returns what CodeDeploy sends for it.
func (c *cloud) advance(r *rollout) string {
	c.book.Update(r.id, func(d *deployment.Deployment) {
		for i := range d.Events {
			switch e := d.Events[i].Name; e { //nolint:exhaustive // the two gates'
			case "AfterAllowTestTraffic":
				d.End(e, deployment.EventSucceeded, time.Now(), nil)
			case "BeforeAllowTraffic":
				d.Begin(e, time.Now())
			}
		}
	})
	r.mu.Lock()
	r.event, r.stored = "BeforeAllowTraffic", nil
	r.mu.Unlock()
	execution, _, err := c.book.Expect(r.id, "BeforeAllowTraffic")
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf(`{"DeploymentId":%q,"LifecycleEventHookExecutionId":%q}`, r.id, execution)
}

// hush makes an operation one that never answers.
func (c *cloud) hush(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent[name] = true
}

func (r *rollout) statuses() []storage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]storage(nil), r.stored...)
}

// calls is how often a status was put, stored or not.
func (r *rollout) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.puts
}

// The ARNs of a rollout's parts.
func (r *rollout) definition(revision int) string {
	return fmt.Sprintf("arn:aws:ecs:eu-west-1:123456789012:task-definition/%s:%d", r.id, revision)
}

func (r *rollout) group(n int) string { return fmt.Sprintf("%stargetgroup/tg%d/%s", arns, n, r.id) }

func (r *rollout) listener(name string) string {
	return fmt.Sprintf("%slistener/app/%s-%s/1/1", arns, r.id, name)
}

func (r *rollout) rule(name string) string {
	return strings.Replace(r.listener(name), ":listener/", ":listener-rule/", 1) + "/0000000000000001"
}

func (r *rollout) revision() string { return "arn:service-revision/" + r.id }

func (c *cloud) all() []*rollout {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*rollout
	for _, r := range c.rollouts {
		all = append(all, r)
	}
	return all
}

// definitions are the task definitions of both task sets of every rollout.
func (c *cloud) definitions() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, r := range c.all() {
		logs := map[string]any{"logDriver": "awslogs", "options": map[string]string{"awslogs-group": "/ecs/" + r.id, "awslogs-stream-prefix": "app"}}
		for revision, containers := range [][]any{
			{map[string]any{"name": "web", "image": "trips:1.0", "logConfiguration": logs, "dockerLabels": map[string]string{"greenlight.bootstrap": strconv.FormatBool(r.bootstrap)}}},
			append(slices.Clone(r.sidecars), map[string]any{"name": "web", "image": "trips:" + release, "logConfiguration": logs, "dockerLabels": r.labels}),
		} {
			arn := r.definition(revision + 1)
			all[arn] = must(json.Marshal(map[string]any{"taskDefinitionArn": arn, "containerDefinitions": containers}))
		}
	}
	return all
}

// revisions are what Amazon ECS's own deployments bring.
func (c *cloud) revisions() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, r := range c.all() {
		all[r.revision()] = must(json.Marshal(map[string]any{
			"serviceRevisionArn": r.revision(), "taskDefinition": r.definition(2), "loadBalancers": []any{map[string]any{
				"containerName": "web", "targetGroupArn": r.group(2),
				"advancedConfiguration": map[string]any{"testListenerRule": r.rule("test"), "productionListenerRule": r.rule("production")},
			}},
		}))
	}
	return all
}

// loadBalancers are two for each rollout, since each listener of these worlds has an address of its own. A blue
// without a URL has none.
func (c *cloud) loadBalancers() []aws.LoadBalancer {
	var all []aws.LoadBalancer
	for _, r := range c.all() {
		for name, side := range map[string]struct {
			base       string
			blueWeight int
			n          int
		}{"test": {r.green, r.blueWeight, 2}, "production": {r.blue, r.productionWeight, 1}} {
			at, err := url.Parse(side.base)
			if err != nil || side.base == "" {
				continue
			}
			port, _ := strconv.Atoi(at.Port())
			all = append(all, aws.LoadBalancer{
				ARN: fmt.Sprintf("%sloadbalancer/app/%s-%s/1", arns, r.id, name), Name: name, Address: "127.0.0.1", DNS: at.Hostname(),
				Listeners: []aws.Listener{{
					ARN: r.listener(name), Port: port, Protocol: strings.ToUpper(at.Scheme),
					Forward: map[string]int{r.group(1): side.blueWeight, r.group(2): 100 - side.blueWeight},
				}},
				Groups: map[string][]aws.Target{r.group(side.n): {{Address: "127.0.0.1", Port: port, Health: "unhealthy"}}},
			})
		}
	}
	return all
}

// bend answers what a test wants answered otherwise, or not at all.
func (c *cloud) bend(w http.ResponseWriter, r *http.Request, call aws.Call) bool {
	var in struct{ DeploymentID, TaskDefinition string }
	_ = json.Unmarshal(call.Input, &in)
	family, revision, _ := strings.Cut(in.TaskDefinition[strings.LastIndex(in.TaskDefinition, "/")+1:], ":")
	c.mu.Lock()
	answers := c.answers[call.Operation]
	silent := c.silent[call.Operation] || c.silent["*"] && call.Operation != storing
	d := c.rollouts[in.DeploymentID+family]
	c.mu.Unlock()
	switch {
	case silent:
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the caller has gone
		<-r.Context().Done()
		return true
	case answers != nil:
		_, _ = io.WriteString(w, answers(call.Input))
		return true
	case d != nil && call.Operation == storing:
		return d.spoil(w, r, call)
	case d != nil && d.undescribed && revision == "2":
		_, _ = io.WriteString(w, "{}")
		return true
	}
	return false
}

// spoil is what becomes of a status that arrives; false lets it be stored.
func (r *rollout) spoil(w http.ResponseWriter, request *http.Request, call aws.Call) bool {
	r.mu.Lock()
	r.puts++
	var fault *aws.Fault
	if r.put != nil {
		fault = r.put(r.puts)
	}
	r.mu.Unlock()
	switch fault {
	case nil:
		return false
	case hangs:
		<-request.Context().Done()
	case resets:
		panic(http.ErrAbortHandler)
	default:
		aws.Refuse(w, call, fault)
	}
	return true
}

// done notes each status that CodeDeploy took.
func (c *cloud) done(call aws.Call) {
	if call.Operation != storing || call.Fault != "" {
		return
	}
	var in struct{ DeploymentID, Status string }
	_ = json.Unmarshal(call.Input, &in)
	c.mu.Lock()
	r := c.rollouts[in.DeploymentID]
	c.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored = append(r.stored, storage{in.Status, time.Now()})
}

// object is what was put into a bucket, or nothing.
func (c *cloud) object(key string) string {
	body, _ := c.Objects.Get(key)
	return string(body)
}

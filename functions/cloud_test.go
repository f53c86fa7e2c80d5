package functions_test

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/awsjson"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

// The functions' folders.
const (
	after  = "after-allow-test-traffic"
	before = "before-allow-traffic"
)

// cloud is AWS as the functions see it, at one address: CodeDeploy, whose answers are those of the
// rehearsal, and as much of ECS, Elastic Load Balancing, S3, SSM, Secrets Manager and Lambda as a hook
// asks for. Everything is kept by deployment, so that one process can judge many.
type cloud struct {
	t    testing.TB
	url  string
	book *deployment.Book
	api  http.Handler

	// connections were made so far, open are there now.
	connections, open atomic.Int64

	mu       sync.Mutex
	rollouts map[string]*rollout
	objects  map[string]string
	// parameters are SSM's, secretTexts Secrets Manager's.
	parameters, secretTexts map[string]string
	// invoke answers Lambda's Invoke; nil: there is no function.
	invoke http.HandlerFunc
	// silent names services and operations that never answer: "ecs", "GetDeployment".
	silent map[string]bool
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
	// sidecars stand before the container behind the load balancer; undescribed is a DescribeTaskDefinition that
	// answers 200 and nothing.
	sidecars    []any
	undescribed bool
	// put decides what becomes of the n-th status that arrives (from 1); nil stores it.
	put func(n int) *awsjson.Fault

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
	hangs  = &awsjson.Fault{Type: "hang"}
	resets = &awsjson.Fault{Type: "reset"}
)

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{
		t: t, book: deployment.NewBook(), rollouts: map[string]*rollout{}, objects: map[string]string{}, silent: map[string]bool{},
		parameters:  map[string]string{"/smoke/key": key, "/evidence": "none"},
		secretTexts: map[string]string{"smoke/token": string(must(json.Marshal(map[string]string{"password": token})))},
	}
	c.api = awsjson.Handler{Services: []awsjson.Service{codedeploy.API{Book: c.book, Region: "eu-west-1", Account: "123456789012"}.Service()}}
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
	r := &rollout{id: deployment.NewID(), event: "AfterAllowTestTraffic", green: green, blue: blue, labels: map[string]string{"greenlight.release": release}}
	if suite != "" {
		sum := sha256.Sum256([]byte(suite))
		r.labels["greenlight.suite"] = fmt.Sprintf("s3://suites/%s.yaml#sha256=%x", r.id, sum)
	}
	d := deployment.New(deployment.Deployment{
		ID: r.id, Application: "trips", Group: "blue-green", Creator: deployment.ByUser,
		AppSpec: appSpec, Cluster: r.id, Service: "trips", BlueGroup: "tg1", GreenGroup: "tg2",
		TestListener: "arn:listener/" + r.id + "/test", ProductionListener: "arn:listener/" + r.id + "/production",
		TaskSets: []deployment.TaskSet{
			{ID: "ecs-svc/1", Label: deployment.Blue, TargetGroup: "tg1", Status: "PRIMARY", Weight: 100},
			{ID: "ecs-svc/2", Label: deployment.Green, TargetGroup: "tg2", Status: "ACTIVE"},
		},
	}, time.Now())
	if hook == before {
		r.event = "BeforeAllowTraffic"
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
	c.objects["/suites/"+r.id+".yaml"] = suite
	c.mu.Unlock()
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

// hush makes a service or an operation one that never answers.
func (c *cloud) hush(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent[name] = true
}

func (c *cloud) find(text string) *rollout {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, r := range c.rollouts {
		if strings.Contains(text, id) {
			return r
		}
	}
	return nil
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

// ServeHTTP answers JSON services by X-Amz-Target, query services by Action, S3 and Lambda by path.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	form, _ := url.ParseQuery(string(body))
	if operation == "" {
		operation = form.Get("Action")
	}
	if operation == "" {
		operation = "S3"
		if strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/") {
			operation = "Lambda"
		}
	}
	c.mu.Lock()
	silent := c.silent[operation] || c.silent[r.Method] || c.silent["*"] && operation != "PutLifecycleEventHookExecutionStatus"
	c.mu.Unlock()
	switch {
	case silent:
		<-r.Context().Done()
	case operation == "PutLifecycleEventHookExecutionStatus":
		c.put(w, r, body)
	case strings.HasPrefix(service, "CodeDeploy"):
		c.api.ServeHTTP(w, r)
	case service != "":
		c.json(w, operation, body)
	case operation == "Lambda" && c.invoke != nil:
		c.invoke(w, r)
	case operation == "S3":
		c.s3(w, r, body)
	default:
		c.query(w, operation, form)
	}
}

// put stores a status, or fails to in the way that the rollout asks for.
func (c *cloud) put(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		DeploymentID string `json:"deploymentId"`
		Status       string `json:"status"`
	}
	_ = json.Unmarshal(body, &in)
	c.mu.Lock()
	d := c.rollouts[in.DeploymentID]
	c.mu.Unlock()
	if d == nil {
		c.api.ServeHTTP(w, r)
		return
	}
	d.mu.Lock()
	d.puts++
	var fault *awsjson.Fault
	if d.put != nil {
		fault = d.put(d.puts)
	}
	d.mu.Unlock()
	switch fault {
	case nil:
	case hangs:
		<-r.Context().Done()
		return
	case resets:
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(max(fault.Status, http.StatusBadRequest))
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": fault.Type, "message": fault.Message})
		return
	}
	answer := httptest.NewRecorder()
	c.api.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK {
		d.mu.Lock()
		d.stored = append(d.stored, storage{in.Status, time.Now()})
		d.mu.Unlock()
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// json answers ECS, SSM and Secrets Manager.
func (c *cloud) json(w http.ResponseWriter, operation string, body []byte) {
	var in struct{ Name, SecretID, Value, TaskDefinition string }
	_ = json.Unmarshal(body, &in)
	d := c.find(string(body))
	var out any
	c.mu.Lock()
	parameter, isParameter := c.parameters[in.Name]
	secret, isSecret := c.secretTexts[in.SecretID]
	c.mu.Unlock()
	switch {
	case operation == "PutParameter":
		c.mu.Lock()
		c.parameters[in.Name] = in.Value
		c.mu.Unlock()
		out = map[string]any{"Version": 2}
	case operation == "GetParameter" && isParameter:
		out = map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": parameter}}
	case operation == "GetSecretValue" && isSecret:
		out = map[string]string{"SecretString": secret}
	case operation == "DescribeTaskSets" && d != nil:
		out = map[string]any{"taskSets": []any{taskSet("1", d.id), taskSet("2", d.id)}}
	case operation == "DescribeServiceRevisions" && d != nil:
		rule := "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/" + d.id
		out = map[string]any{"serviceRevisions": []any{map[string]any{
			"serviceRevisionArn": "arn:service-revision/" + d.id,
			"taskDefinition":     "arn:task-definition/" + d.id + ":2",
			"loadBalancers": []any{map[string]any{
				"containerName": "web", "targetGroupArn": "arn:tg",
				"advancedConfiguration": map[string]string{"testListenerRule": rule + "/test/rule", "productionListenerRule": rule + "/production/rule"},
			}},
		}}}
	case operation == "DescribeTaskDefinition" && d != nil:
		containers := []any{map[string]any{"name": "web", "image": "trips:1.0", "dockerLabels": map[string]string{"greenlight.bootstrap": fmt.Sprint(d.bootstrap)}}}
		if strings.HasSuffix(in.TaskDefinition, ":2") {
			containers = append(d.sidecars, map[string]any{"name": "web", "image": "trips:" + release, "dockerLabels": d.labels})
		}
		out = map[string]any{"taskDefinition": map[string]any{"taskDefinitionArn": in.TaskDefinition, "containerDefinitions": containers}}
		if d.undescribed {
			out = map[string]any{}
		}
	default:
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": "ResourceNotFoundException", "message": operation + ": there is no such thing"}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func taskSet(n, id string) map[string]any {
	return map[string]any{
		"id": "ecs-svc/" + n, "taskDefinition": "arn:task-definition/" + id + ":" + n,
		"loadBalancers": []any{map[string]string{"containerName": "web", "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/tg" + n + "/" + id}},
	}
}

func (c *cloud) s3(w http.ResponseWriter, r *http.Request, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodPut {
		c.objects[r.URL.Path] = string(body)
		return
	}
	object, ok := c.objects[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
		return
	}
	_, _ = io.WriteString(w, object)
}

func (c *cloud) object(path string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[path]
}

// query answers Elastic Load Balancing and EC2 in XML. A load balancer's ARN names the deployment and the
// listener, since each listener of these worlds has an address of its own.
func (c *cloud) query(w http.ResponseWriter, operation string, form url.Values) {
	d := c.find(form.Encode())
	if d == nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>NotFound</Code><Message>%s</Message></Error></ErrorResponse>`, operation)
		return
	}
	base := d.green
	if strings.Contains(form.Encode(), "production") {
		base = d.blue
	}
	at, err := url.Parse(base)
	if err != nil || base == "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>ListenerNotFound</Code><Message>there is none</Message></Error></ErrorResponse>`)
		return
	}
	tg2 := "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/tg2/" + d.id
	var result string
	switch operation {
	case "DescribeListeners":
		listener := form.Get("ListenerArns.member.1")
		arn := strings.Replace(listener, "arn:listener/", "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/", 1)
		result = fmt.Sprintf(`<Listeners><member><ListenerArn>%s</ListenerArn><LoadBalancerArn>%s</LoadBalancerArn><Port>%s</Port><Protocol>%s</Protocol></member></Listeners>`, listener, arn, at.Port(), strings.ToUpper(at.Scheme))
	case "DescribeLoadBalancers":
		result = `<LoadBalancers><member><DNSName>` + xmlText(at.Hostname()) + `</DNSName></member></LoadBalancers>`
	case "DescribeRules":
		result = fmt.Sprintf(`<Rules><member><Actions><member><Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>%s</TargetGroupArn><Weight>%d</Weight></member>`+
			`<member><TargetGroupArn>%s</TargetGroupArn><Weight>%d</Weight></member></TargetGroups></ForwardConfig></member></Actions></member></Rules>`,
			strings.Replace(tg2, "tg2", "tg1", 1), d.blueWeight, tg2, 100-d.blueWeight)
	case "DescribeTargetHealth":
		result = `<TargetHealthDescriptions><member><TargetHealth><State>unhealthy</State><Reason>Target.FailedHealthChecks</Reason></TargetHealth></member></TargetHealthDescriptions>`
	case "DescribeNetworkInterfaces":
		_, _ = fmt.Fprintf(w, `<DescribeNetworkInterfacesResponse><networkInterfaceSet><item><description>%s</description><privateIpAddress>127.0.0.1</privateIpAddress></item></networkInterfaceSet></DescribeNetworkInterfacesResponse>`, form.Get("Filter.1.Value.1"))
		return
	}
	_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", operation, result)
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

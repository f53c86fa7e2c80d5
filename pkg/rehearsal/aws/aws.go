// Package aws is as much of AWS, on loopback, as a hook, a pipeline and an operator use around one
// deployment: CodeDeploy, ECS, Elastic Load Balancing, the part of EC2 that names a load balancer's
// addresses, S3, SSM, Secrets Manager, CloudWatch's metrics, alarms and logs, who calls (STS), and the way to a Lambda
// function. All services answer at one address (AWS_ENDPOINT_URL): the protocol of a request says for whom it is. The
// SDKs, boto3 and the aws command line talk to it unchanged.
//
// It does not check signatures, since whoever can reach loopback may call. It refuses to run anything: what a call asks
// for is noted in a deployment.Book, and whoever runs the deployment acts on it. It refuses to invent: a value that was
// not given is not found, and an unknown operation is an error.
package aws

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

const (
	// maxBody bounds a request, in bytes; the largest real one (an AppSpec as a string) has some kilobytes.
	maxBody = 1 << 20
	// maxInvoke is what Lambda takes as a payload (6 MB). S3 has a bound of its own.
	maxInvoke = 6 << 20
)

// functionsPath begins the paths of Lambda's operations on functions.
const functionsPath = "/2015-03-31/functions/"

// Server is AWS as an http.Handler. It reads the state anew for each call.
type Server struct {
	// Region and Account stand in the ARNs.
	Region, Account string
	Book            *deployment.Book
	// Definitions are the task definitions as JSON, by ARN.
	Definitions func() map[string]json.RawMessage
	// Revisions are service revisions as JSON, by ARN, beside those of the Book's deployments; nil: there are none.
	Revisions     func() map[string]json.RawMessage
	LoadBalancers func() []LoadBalancer
	// Tasks are the service's, those that have ended among them.
	Tasks func() []Task
	// Metrics are a metric's samples between two times, Alarms CloudWatch's alarms; nil: there are none.
	Metrics func(m Metric, from, to time.Time) []float64
	Alarms  func() []Alarm
	Values  Values
	Objects Objects
	// Functions answers Lambda's Invoke and GetFunction; nil: no function exists.
	Functions http.Handler

	// Bend, when set, sees each call first. It returns true when it has answered in the service's place.
	Bend func(w http.ResponseWriter, r *http.Request, c Call) bool
	// Done, when set, is called after each call that Bend did not answer.
	Done func(c Call)

	// registered are the task definitions that RegisterTaskDefinition was called for, tags those of all, by ARN; logs are
	// the lines of log groups.
	mu         sync.Mutex
	registered map[string]json.RawMessage
	tags       map[string][]any
	logs       map[string]*logGroup
}

// Call is one call of an operation.
type Call struct {
	// Service is the prefix of X-Amz-Target, the version of a query API, "s3" or "lambda".
	Service, Operation string
	// Input is the request's body; S3's is left in the request.
	Input []byte
	// Fault is the name of the error that was answered, or empty.
	Fault string

	protocol protocol
	form     url.Values
	// caller is the access key that signed the call.
	caller string
}

// protocol is one of AWS's ways to write down a call and its answer.
type protocol int

const (
	awsJSON  protocol = iota // the operation in X-Amz-Target, JSON in and out
	query                    // a form with Action and Version in, XML out
	ec2Query                 // EC2's dialect of it
	restXML                  // S3
	restJSON                 // Lambda
	rpcCBOR                  // smithy's RPC v2: the operation in the path, CBOR in and out
)

// Fault is an error as AWS returns it.
type Fault struct {
	// Code is AWS's name: "DeploymentDoesNotExistException".
	Code, Message string
	// Status is the HTTP status; zero means 400, what AWS uses for what the caller did wrong.
	Status int
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

func fault(code, format string, args ...any) error {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := read(w, r)
	if err == nil && s.Bend != nil && s.Bend(w, r, c) {
		return
	}
	w.Header().Set("X-Amzn-Requestid", requestID)
	switch {
	case err != nil:
	case c.protocol == restXML:
		err = s.answerS3(w, r)
	case c.protocol != restJSON:
		err = s.answer(w, c)
	case s.Functions == nil:
		err = &Fault{"ResourceNotFoundException", "Function not found", http.StatusNotFound}
	default:
		s.Functions.ServeHTTP(w, r)
	}
	if err != nil {
		c.Fault = Refuse(w, c, err)
	}
	if s.Done != nil {
		s.Done(c)
	}
}

// requestID has the shape of AWS's: a UUID. Nobody here looks a request up.
const requestID = "00000000-0000-4000-8000-000000000000"

// read finds out which operation a request calls.
func read(w http.ResponseWriter, r *http.Request) (c Call, err error) {
	target, posts := r.Header.Get("X-Amz-Target"), r.Method == http.MethodPost
	form := posts && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	limit, tooLarge := int64(maxBody), "SerializationException"
	switch {
	case target == "" && strings.HasPrefix(r.URL.Path, functionsPath):
		limit, tooLarge = maxInvoke, "RequestTooLargeException"
		operation := map[bool]string{true: "Invoke", false: "GetFunction"}[posts]
		c = Call{protocol: restJSON, Service: "lambda", Operation: operation}
	case r.Header.Get("Smithy-Protocol") == rpcV2:
		c.protocol = rpcCBOR
	case target == "" && r.URL.Path != "/" && !form:
		verb := r.Method[:1] + strings.ToLower(r.Method[1:])
		return Call{protocol: restXML, Service: "s3", Operation: verb + "Object"}, nil
	case target == "" && form:
		c.protocol = query
	}
	// Lambda's, too, is read to its end: only then the server sees that a caller has gone.
	if c.Input, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			text := fmt.Sprintf("request is larger than %d bytes", limit)
			return c, &Fault{tooLarge, text, http.StatusRequestEntityTooLarge}
		}
		return c, fault("SerializationException", "%v", err)
	}
	switch c.protocol {
	case restJSON:
		r.Body = io.NopCloser(bytes.NewReader(c.Input))
	case rpcCBOR:
		return c, c.unpack(r.URL.Path)
	case query:
		_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		c.caller, _, _ = strings.Cut(credential, "/")
		if c.form, err = url.ParseQuery(string(c.Input)); err != nil {
			return c, fault("MalformedQueryString", "%v", err)
		}
		if c.Service, c.Operation = c.form.Get("Version"), c.form.Get("Action"); c.Service == ec2Version {
			c.protocol = ec2Query
		}
	default:
		if c.Service, c.Operation, _ = strings.Cut(target, "."); target == "" {
			err = &Fault{"MissingAuthenticationTokenException", "Missing Authentication Token", http.StatusForbidden}
		}
	}
	return c, err
}

// Refuse answers a call with an error, as the call's protocol writes it, and returns the error's name. One that
// is not a *Fault becomes InternalFailure.
func Refuse(w http.ResponseWriter, c Call, err error) string {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		f = &Fault{"InternalFailure", err.Error(), http.StatusInternalServerError}
	}
	out := object{"Code": f.Code, "Message": f.Message}
	switch c.protocol {
	case awsJSON, rpcCBOR:
		out = object{"__type": f.Code, "message": f.Message}
	case restJSON:
		w.Header().Set("X-Amzn-Errortype", f.Code)
		out = object{"Type": "User", "Message": f.Message}
	case query, ec2Query, restXML:
	}
	_ = c.send(w, cmp.Or(f.Status, http.StatusBadRequest), out, map[protocol]string{ // texts always can be sent
		query:    "<ErrorResponse><Error><Type>Sender</Type>%[3]s</Error><RequestId>%[2]s</RequestId></ErrorResponse>",
		ec2Query: "<Response><Errors><Error>%[3]s</Error></Errors><RequestID>%[2]s</RequestID></Response>",
		restXML:  "<Error>%[3]s</Error>",
	})
	return f.Code
}

// send writes an answer in the call's protocol. inXML is the form of one in XML: of the operation, the request's id, and
// what is answered.
func (c Call) send(w http.ResponseWriter, status int, out any, inXML map[protocol]string) (err error) {
	var body []byte
	contentType := "text/xml;charset=utf-8"
	switch c.protocol {
	case rpcCBOR:
		contentType, body = "application/cbor", cbor.Encode(packed(out))
		w.Header().Set("Smithy-Protocol", rpcV2)
	case awsJSON, restJSON:
		contentType = map[protocol]string{awsJSON: "application/x-amz-json-1.1", restJSON: "application/json"}[c.protocol]
		body, err = json.Marshal(out)
	case query, ec2Query, restXML:
		item := map[protocol]string{query: "member", ec2Query: "item"}[c.protocol]
		body = fmt.Appendf(nil, inXML[c.protocol], c.Operation, requestID, xmlText(out, item))
	}
	if err == nil {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write(body) // net/http leaves the body out where a HEAD was asked
	}
	return err
}

// arn is an ARN of ECS's.
func (s *Server) arn(kind string, parts ...string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s", s.Region, s.Account, kind, strings.Join(parts, "/"))
}

const rpcV2 = "rpc-v2-cbor"

// object is a structure of AWS's.
type object map[string]any

// where is a member where something is so; elsewhere it is null, which AWS's clients take for absent.
func where(is bool, member any) any {
	if is {
		return member
	}
	return nil
}

// each shows a list, which is empty where there is nothing to show.
func each[T any](list []T, show func(T) object) []object {
	shown := make([]object, 0, len(list))
	for _, x := range list {
		shown = append(shown, show(x))
	}
	return shown
}

// given is what a part of the server tells; nothing where it was not set.
func given[T any](part func() T) (t T) {
	if part != nil {
		t = part()
	}
	return t
}

// put puts a value into a map that may still be nil.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// operation answers one call.
type operation func(c Call) (any, error)

// typed returns the operation that decodes its JSON for f. Members that I does not know are ignored, as AWS does.
func typed[I any](f func(in I) (any, error)) operation {
	return func(c Call) (any, error) {
		var in I
		if err := json.Unmarshal(c.Input, &in); err != nil && len(c.Input) > 0 {
			return nil, fault("SerializationException", "%v", err)
		}
		return f(in)
	}
}

// services are all operations but S3's and Lambda's, by service.
func (s *Server) services() map[string]map[string]operation {
	return map[string]map[string]operation{
		CodeDeploy: {
			"BatchGetDeploymentTargets":            typed(s.of(s.batchGetDeploymentTargets)),
			"CreateDeployment":                     typed(s.createDeployment),
			"GetDeployment":                        typed(s.of(s.getDeployment)),
			"ListDeployments":                      typed(s.listDeployments),
			"GetDeploymentTarget":                  typed(s.of(s.getDeploymentTarget)),
			"ListDeploymentTargets":                typed(s.of(s.listDeploymentTargets)),
			"GetApplicationRevision":               typed(s.getApplicationRevision),
			"PutLifecycleEventHookExecutionStatus": typed(s.of(s.putStatus)),
			"StopDeployment":                       typed(s.of(s.stopDeployment)),
			"ContinueDeployment":                   typed(s.of(s.continueDeployment)),
		},
		ECS: {
			"ContinueServiceDeployment":  typed(s.continueServiceDeployment),
			"DescribeServiceDeployments": typed(s.describeServiceDeployments),
			"DescribeServiceRevisions":   typed(s.describeServiceRevisions),
			"DescribeServices":           typed(s.describeServices),
			"DescribeTaskDefinition":     typed(s.describeTaskDefinition),
			"DescribeTasks":              typed(s.describeTasks),
			"DescribeTaskSets":           typed(s.describeTaskSets),
			"ListServiceDeployments":     typed(s.listServiceDeployments),
			"ListTasks":                  typed(s.listTasks),
			"RegisterTaskDefinition":     typed(s.registerTaskDefinition),
			"StopServiceDeployment":      typed(s.stopServiceDeployment),
			"TagResource":                typed(s.tagResource),
			"UpdateService":              typed(s.updateService),
		},
		elbVersion: {
			"DescribeLoadBalancers": s.describeLoadBalancers,
			"DescribeListeners":     s.describeListeners,
			"DescribeRules":         s.describeRules,
			"DescribeTargetHealth":  s.describeTargetHealth,
		},
		ec2Version: {"DescribeNetworkInterfaces": s.describeNetworkInterfaces},
		stsVersion: {"GetCallerIdentity": func(c Call) (any, error) { // a user who is called like the access key
			return object{"Arn": fmt.Sprintf("arn:aws:iam::%s:user/%s", s.Account, c.caller)}, nil
		}},
		SecretsManager: {"GetSecretValue": typed(s.Values.getSecret)},
		SSM:            {"GetParameter": typed(s.Values.getParameter), "PutParameter": typed(s.Values.putParameter)},
		Logs:           {"FilterLogEvents": typed(s.filterLogEvents)},
		CloudWatch:     {"GetMetricData": typed(s.getMetricData), "DescribeAlarms": typed(s.describeAlarms)},
	}
}

// answer answers a call of one of the services.
func (s *Server) answer(w http.ResponseWriter, c Call) error {
	services := s.services()
	do, ok := services[c.Service][c.Operation]
	switch {
	case ok:
	case c.protocol == awsJSON || c.protocol == rpcCBOR:
		return fault("UnknownOperationException", "the rehearsal does not answer %.80q", c.Service+"."+c.Operation)
	case services[c.Service] == nil:
		return fault("InvalidAction", "The rehearsal has no service of version %.40q.", c.Service)
	default:
		return fault("InvalidAction", "The action %.80q is not valid for this web service: the rehearsal does not answer it.",
			c.Operation)
	}
	out, err := do(c)
	if err != nil {
		return err
	}
	return c.send(w, http.StatusOK, out, map[protocol]string{
		query: "<%[1]sResponse><%[1]sResult>%[3]s</%[1]sResult><ResponseMetadata><RequestId>%[2]s</RequestId>" +
			"</ResponseMetadata></%[1]sResponse>",
		ec2Query: "<%[1]sResponse><requestId>%[2]s</requestId>%[3]s</%[1]sResponse>",
	})
}

// seconds are a timestamp: those since 1970.
type seconds float64

// moment is a time as it is answered. The zero one is null.
func moment(t time.Time) any {
	return where(!t.IsZero(), seconds(float64(t.UnixMilli())/1000))
}

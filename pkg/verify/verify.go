// Package verify asks AWS whether everything exists that a release names: images for the task's platform, roles that
// trust Amazon ECS, secrets and parameters, log groups, objects in S3, hooks with their suite, and what deploys it.
//
// It refuses to be silent about what it does not know: what could not be looked up is a warning. It changes nothing,
// and no message holds a secret's value, nor a parameter's name, which may be a secret that stands in the wrong place.
package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// most bounds a look-up with all of its calls; atOnce is how many are under way, which AWS does not throttle.
const (
	most   = 15 * time.Second
	slow   = 2 * time.Second
	atOnce = 32
)

// Release is what is to be deployed, and where to.
type Release struct {
	// Task is what taskdef.Read has read; Hooks are the AppSpec's.
	Task  taskdef.Task
	Hooks []appspec.Hook
	// Suite is the text of the suite that is to judge, and SuiteFile its name; "" where no file is given.
	Suite     string
	SuiteFile appspec.Value
	// SecretKeys says that secrets may be read, to see whether a key is in them.
	SecretKeys bool
	// Group is CodeDeploy's, as APPLICATION/GROUP; Service is one that Amazon ECS deploys itself, as CLUSTER/SERVICE.
	Group, Service appspec.Value
	// AWS is a bounded configuration (see pkg/awsclient). Waiting is told what takes longer than two seconds, also several
	// things at once.
	AWS     aws.Config
	Waiting func(thing string)
}

type verifier struct {
	Release
	all    sync.WaitGroup
	slots  chan struct{}
	suites atomic.Int32 // how many the hooks read

	mu       sync.Mutex
	problems diagnostic.List
}

// Problems looks everything up, side by side.
func (r Release) Problems(ctx context.Context) diagnostic.List {
	v := &verifier{Release: r, slots: make(chan struct{}, atOnce)}
	v.task(ctx)
	v.deployment(ctx)
	v.all.Wait()
	if r.SuiteFile.Text != "" && v.suites.Load() == 0 {
		const help = "--appspec or --service names the hooks"
		v.tell("suite", r.SuiteFile, doubt("was compared with none: no hook that was looked up reads one", help))
	}
	// They came in any order, and those of one place stay in this one.
	slices.SortFunc(v.problems, func(a, b diagnostic.Problem) int { return cmp.Compare(a.Text, b.Text) })
	return v.problems
}

// problem is the end of a sentence that begins with a thing, and what to do.
type problem diagnostic.Problem

func (p problem) Error() string { return p.Text }

func wrong(text, help string) error { return problem{Text: text, Help: help} }

func doubt(text, help string) error {
	return problem{Severity: diagnostic.Warning, Text: text, Help: help}
}

// look looks a thing up beside all others. An error of ask's that is no problem says why that could not be done.
func (v *verifier) look(ctx context.Context, kind string, n appspec.Value, ask func(context.Context) error) {
	v.all.Go(func() {
		v.slots <- struct{}{}
		defer func() { <-v.slots }()
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		defer time.AfterFunc(slow, func() { v.Waiting(kind + " " + template.Quote(n.Text)) }).Stop()
		if err := ask(ctx); err != nil {
			v.tell(kind, n, err)
		}
	})
}

// tell notes a problem, or that a thing could not be looked up.
func (v *verifier) tell(kind string, n appspec.Value, err error) {
	p, is := errors.AsType[problem](err)
	switch {
	case is:
	case awsclient.IsCode(err, "RepositoryNotFoundException", "NoSuchEntity", "ResourceNotFoundException", "NoSuchBucket",
		"NoSuchKey", "NotFound", "ParameterNotFound", "ParameterVersionNotFound", "ListenerNotFound",
		"ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException", "ClusterNotFoundException"):
		p.Text = "does not exist"
	default:
		p.Severity, p.Text = diagnostic.Warning, unclear(err)
	}
	p.Place, p.Text = n.Place, kind+" "+template.Quote(n.Text)+" "+p.Text
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, diagnostic.Problem(p))
}

// unclear is the end of a sentence on what could not be looked up.
func unclear(err error) string {
	if err = awsclient.Error(err); errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("timed out, AWS does not answer")
	}
	return "could not be looked up: " + err.Error()
}

// in returns the configuration for a region; "" is our own.
func (v *verifier) in(region string) aws.Config {
	cfg := v.AWS
	cfg.Region = cmp.Or(region, cfg.Region)
	return cfg
}

// task looks up what the task definition names.
func (v *verifier) task(ctx context.Context) {
	each := func(n *template.Node, do func(context.Context, appspec.Value)) {
		if n.Str() != "" {
			do(ctx, appspec.Value{Text: n.Text, Place: v.Task.Doc.Place(n.At)})
		}
	}
	each(v.Task.Root.Get("taskRoleArn"), v.role("ecs-tasks.amazonaws.com"))
	each(v.Task.Root.Get("executionRoleArn"), v.role("ecs-tasks.amazonaws.com"))
	for _, c := range v.Task.Root.Get("containerDefinitions").List() {
		logs, fire := c.Get("logConfiguration"), c.Get("firelensConfiguration").Get("options")
		each(c.Get("image"), v.image)
		each(c.Get("dockerLabels").Get("greenlight.suite"), v.suite)
		each(c.Get("repositoryCredentials").Get("credentialsParameter"), v.secret)
		for _, s := range slices.Concat(c.Get("secrets").List(), logs.Get("secretOptions").List()) {
			each(s.Get("valueFrom"), v.reference)
		}
		for _, f := range c.Get("environmentFiles").List() {
			each(f.Get("value"), v.object)
		}
		if fire.Get("config-file-type").Str() == "s3" {
			each(fire.Get("config-file-value"), v.object)
		}
		if options := logs.Get("options"); logs.Get("logDriver").Str() == "awslogs" {
			each(options.Get("awslogs-group"), func(ctx context.Context, n appspec.Value) {
				v.logGroup(ctx, n, options)
			})
		}
	}
}

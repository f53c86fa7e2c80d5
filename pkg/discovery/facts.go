package discovery

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"

	"github.com/greenlight-ecs/greenlight/pkg/codedeploy"
	"github.com/greenlight-ecs/greenlight/pkg/parallel"
)

// Fact is one thing that a deployment says of itself, or why it is not known. The zero value was not asked for.
type Fact[T any] struct {
	value T
	known bool
	err   error
}

// Of is what was read, or what was said instead.
func Of[T any](value T, err error) Fact[T] {
	if err != nil {
		return Fact[T]{err: err}
	}
	return Fact[T]{value: value, known: true}
}

// Get returns the value and whether it is known. The value of a fact that is not is zero.
func (f Fact[T]) Get() (T, bool) { return f.value, f.known }

// Err is why a fact is not known; nil where it is known, or was not asked for.
func (f Fact[T]) Err() error { return f.err }

// Facts is what AWS says of a deployment.
type Facts struct {
	// Deployment and Target are CodeDeploy's; a native deployment has neither.
	Deployment Fact[codedeploy.Deployment]
	Target     Fact[codedeploy.Target]
	// Original and Replacement are what the two releases run.
	Original, Replacement Fact[TaskDefinition]
	// Test and Production are the ways to the two releases.
	Test, Production Side
	// GreenGroup and BlueGroup are the names of the two releases' target groups.
	GreenGroup, BlueGroup Fact[string]
	// Rollout is what a native deployment says of itself.
	Rollout Fact[Rollout]
	// TestListeners is how many ways there are for test traffic.
	TestListeners int
	// Share is how much of production's traffic the new release gets, in per cent.
	Share Fact[float64]
	// Warnings say what could not be read, in AWS's words.
	Warnings []string
}

// Side is the way to one release.
type Side struct {
	// ARN is that of the listener, or of the rule, that leads there; empty where the deployment names none.
	ARN string
	// URL is the listener's base URL.
	URL Fact[string]
	// Addresses are what to dial from inside the VPC, with the port.
	Addresses Fact[[]string]
	// Way is what leads there, and what it asks for.
	Way Fact[Way]
}

// Wanted says what else is to be read of a deployment.
type Wanted struct {
	// Definitions are those of the task sets.
	Definitions bool
	// TestURL and ProductionURL are the listeners' base URLs, Addresses what to dial for both, Ways what they do. A
	// listener rule's is always read.
	TestURL, ProductionURL, Addresses, Ways bool
}

// Deployment reads what CodeDeploy says of a deployment.
func (f Finder) Deployment(ctx context.Context, id string) Facts {
	var found Facts
	parallel.Do(
		func() { found.Deployment = Of(f.CodeDeploy.Deployment(ctx, id)) },
		func() { found.Target = Of(f.CodeDeploy.Target(ctx, id)) },
	)
	if d, ok := found.Deployment.Get(); ok {
		found.Test.ARN, found.Production.ARN = cmp.Or(d.TestListeners...), cmp.Or(d.ProductionListeners...)
		found.TestListeners = len(d.TestListeners)
	}
	t, _ := found.Target.Get()
	if green := t.Replacement(); green != nil {
		found.Share, found.GreenGroup = Of(green.TrafficWeight, nil), named(green.TargetGroup)
	}
	if blue := t.Original(); blue != nil {
		found.BlueGroup = named(blue.TargetGroup)
	}
	return found.warned(found.Deployment.Err(), found.Target.Err())
}

// Complete returns what Deployment found with what is wanted beside it. Its warnings are only the new ones.
func (f Finder) Complete(ctx context.Context, found Facts, w Wanted) Facts {
	var test, production Side
	var original, replacement Fact[TaskDefinition]
	parallel.Do(
		func() {
			if t, ok := found.Target.Get(); w.Definitions && ok {
				original, replacement = f.TaskDefinitions(ctx, t)
			}
		},
		func() { test = f.side(ctx, found.Test.ARN, w.TestURL, w) },
		func() { production = f.side(ctx, found.Production.ARN, w.ProductionURL, w) },
	)
	found.Original, found.Replacement, found.Test, found.Production = original, replacement, test, production
	found.Warnings = nil
	found = found.warned(replacement.Err(), original.Err(), test.err(), production.err())
	if _, ok := found.Target.Get(); w.Definitions && !ok {
		found.Replacement = Of(TaskDefinition{}, errors.New("read task sets: the deployment's target is not known"))
	}
	return found
}

// Native reads what a native deployment says of itself, and of the service revisions that it moves between.
func (f Finder) Native(ctx context.Context, deployment, service, revision string, w Wanted) Facts {
	if revision == "" {
		found := Facts{Replacement: Of(TaskDefinition{}, errors.New("read service revision: the event names none"))}
		return found.warned(found.Replacement.Err())
	}
	found := Facts{Rollout: Of(f.Rollout(ctx, deployment, service, revision))}
	asked := []string{revision}
	if r, _ := found.Rollout.Get(); len(r.Sources) == 1 {
		asked = append(asked, r.Sources[0])
	}
	all, err := f.Revisions(ctx, asked...)
	if err != nil {
		found.Replacement = Of(TaskDefinition{}, err)
		return found.warned(found.Rollout.Err(), err)
	}
	// A revision whose task definition cannot be read may still say where its listeners are.
	found.Replacement, found.GreenGroup = all[0].TaskDefinition, named(targetGroupName(all[0].TargetGroup))
	found.TestListeners = all[0].TestRules
	if len(all) > 1 {
		found.Original, found.BlueGroup = all[1].TaskDefinition, named(targetGroupName(all[1].TargetGroup))
	}
	parallel.Do(
		func() { found.Test = f.side(ctx, all[0].TestRule, w.TestURL, w) },
		func() { found.Production = f.side(ctx, all[0].ProductionRule, w.ProductionURL, w) },
	)
	return found.warned(found.Rollout.Err(), found.Replacement.Err(), found.Original.Err(), found.Test.err(),
		found.Production.err(), found.Production.Way.Err())
}

// side reads the listener behind an ARN, what leads there, and what to dial to get to it.
func (f Finder) side(ctx context.Context, arn string, wantURL bool, w Wanted) Side {
	s := Side{ARN: arn}
	if arn != "" && (w.Ways || ListenerOf(arn) != arn) {
		s.Way = Of(f.Way(ctx, arn))
	}
	if arn == "" || !wantURL && !w.Addresses {
		return s
	}
	l, err := f.Listener(ctx, ListenerOf(arn))
	s.URL = Of(l.URL, err)
	if err != nil || !w.Addresses {
		return s
	}
	hosts, err := f.Addresses(ctx, l.LoadBalancer)
	u, urlErr := url.Parse(l.URL)
	if err = errors.Join(err, urlErr); err == nil {
		for i, host := range hosts {
			hosts[i] = net.JoinHostPort(host, u.Port())
		}
	}
	s.Addresses = Of(hosts, err)
	return s
}

// err is the first thing that could not be read of a side, its way left out.
func (s Side) err() error { return cmp.Or(s.URL.Err(), s.Addresses.Err()) }

// warned returns the facts with a warning for each error, once.
func (found Facts) warned(errs ...error) Facts {
	for _, err := range errs {
		if err != nil && !slices.Contains(found.Warnings, err.Error()) {
			found.Warnings = append(found.Warnings, err.Error())
		}
	}
	return found
}

// named is a name that is known when it is not empty.
func named(name string) Fact[string] { return Fact[string]{value: name, known: name != ""} }

package discovery

import (
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
	// GreenGroup is the name of the new release's target group.
	GreenGroup Fact[string]
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
	// Headers are what the rule asks for.
	Headers Fact[map[string]string]
}

// Wanted says what else is to be read of a deployment.
type Wanted struct {
	// Definitions are those of the task sets.
	Definitions bool
	// TestURL and ProductionURL are the listeners' base URLs, Addresses what to dial for both.
	TestURL, ProductionURL, Addresses bool
}

// Deployment reads what CodeDeploy says of a deployment.
func (f Finder) Deployment(ctx context.Context, id string) Facts {
	var found Facts
	parallel.Do(
		func() { found.Deployment = Of(f.CodeDeploy.Deployment(ctx, id)) },
		func() { found.Target = Of(f.CodeDeploy.Target(ctx, id)) },
	)
	if d, ok := found.Deployment.Get(); ok {
		found.Test.ARN, found.Production.ARN = firstOf(d.TestListeners), firstOf(d.ProductionListeners)
	}
	t, _ := found.Target.Get()
	if green := t.Replacement(); green != nil {
		found.Share, found.GreenGroup = Of(green.TrafficWeight, nil), named(green.TargetGroup)
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
		func() { test = f.side(ctx, found.Test.ARN, w.TestURL, w.Addresses) },
		func() { production = f.side(ctx, found.Production.ARN, w.ProductionURL, w.Addresses) },
	)
	found.Original, found.Replacement, found.Test, found.Production = original, replacement, test, production
	found.Warnings = nil
	found = found.warned(replacement.Err(), original.Err(), test.err(), production.err())
	if _, ok := found.Target.Get(); w.Definitions && !ok {
		found.Replacement = Of(TaskDefinition{}, errors.New("read task sets: the deployment's target is not known"))
	}
	return found
}

// OfRevision reads what a native deployment says of the service revision that it brings.
func (f Finder) OfRevision(ctx context.Context, arn string, w Wanted) Facts {
	if arn == "" {
		found := Facts{Replacement: Of(TaskDefinition{}, errors.New("read service revision: the event names none"))}
		return found.warned(found.Replacement.Err())
	}
	// A revision whose task definition cannot be read may still say where its listeners are.
	r, err := f.Revision(ctx, arn)
	found := Facts{Replacement: Of(r.TaskDefinition, err), GreenGroup: named(r.TargetGroup)}
	var headers Fact[map[string]string]
	parallel.Do(
		func() { found.Test = f.side(ctx, r.TestRule, w.TestURL, w.Addresses) },
		func() { found.Production = f.side(ctx, r.ProductionRule, w.ProductionURL, w.Addresses) },
		func() {
			if ListenerOf(r.TestRule) != r.TestRule {
				way, err := f.Way(ctx, r.TestRule)
				headers = Of(way.Headers, err)
			}
		},
	)
	found.Test.Headers = headers
	return found.warned(err, found.Test.err(), found.Production.err())
}

// side reads the listener behind an ARN, and what to dial to get to it.
func (f Finder) side(ctx context.Context, arn string, wantURL, wantAddresses bool) Side {
	s := Side{ARN: arn}
	if arn == "" || !wantURL && !wantAddresses {
		return s
	}
	l, err := f.Listener(ctx, ListenerOf(arn))
	s.URL = Of(l.URL, err)
	if err != nil || !wantAddresses {
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

// err is the first thing that could not be read of a side, its headers left out.
func (s Side) err() error {
	if err := s.URL.Err(); err != nil {
		return err
	}
	return s.Addresses.Err()
}

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

func firstOf(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

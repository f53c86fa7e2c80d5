package faults

import "slices"

// trial is a mutant with its fault.
type trial struct {
	Mutant
	fault Fault
}

// routes are all routes that a request may belong to.
func (c Campaign) routes() []Route {
	var all []Route
	add := func(r Route) {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, a := range c.Suite.Requests() {
		add(Route{Method: a.Method, Path: a.Path})
	}
	for _, r := range slices.Concat(c.Routes, c.Only) {
		add(r)
	}
	return all
}

// trials lists the mutants: those that take long come first, so that they end with the others.
func (c Campaign) trials(routes []Route) []trial {
	var first, then []trial
	for _, f := range c.Faults {
		places := []*Route{nil}
		if f.Scope == OneRoute {
			places = places[:0]
			for _, r := range routes {
				if c.wanted(r) {
					places = append(places, &r)
				}
			}
		}
		for _, p := range places {
			t := trial{Mutant{Fault: f.Name, About: f.About, Scope: f.Scope, Route: p}, f}
			if p != nil {
				t.Checks = c.checks(*p)
			}
			if f.Waits() {
				first = append(first, t)
			} else {
				then = append(then, t)
			}
		}
	}
	return append(first, then...)
}

// wanted reports whether a route is to be broken. One that only readiness asks is left out, unless there is no other:
// for each fault there the suite would wait for its whole `within`.
func (c Campaign) wanted(route Route) bool {
	if len(c.Only) > 0 {
		return slices.Contains(c.Only, route)
	}
	if c.Readiness || slices.Contains(c.Routes, route) {
		return true
	}
	ready, others := false, false
	for _, a := range c.Suite.Requests() {
		is := a.Method == route.Method && a.Path == route.Path
		ready = ready || is && a.Ready
		others = others || !a.Ready
	}
	return !ready || !others
}

// checks names what asks a route.
func (c Campaign) checks(route Route) []string {
	var names []string
	for _, a := range c.Suite.Requests() {
		if a.Method == route.Method && a.Path == route.Path && !slices.Contains(names, a.Check) {
			names = append(names, a.Check)
		}
	}
	return names
}

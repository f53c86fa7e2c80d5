package alb

import (
	"slices"
	"sync"
	"time"
)

// measured is how long a target group remembers what it measured.
const measured = time.Hour

// second is what a target group measured in one second: times, in seconds, are from a request to its target's answer.
type second struct {
	requests, errors, refused int
	times                     []float64
	checked                   bool
	unhealthy                 int
}

// meter holds the seconds by their Unix time.
type meter struct {
	mu      sync.Mutex
	seconds map[int64]*second
}

// note changes what is measured in a second.
func (m *meter) note(at time.Time, change func(s *second)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seconds == nil {
		m.seconds = map[int64]*second{}
	}
	s := m.seconds[at.Unix()]
	if s == nil {
		s = &second{}
		m.seconds[at.Unix()] = s
		delete(m.seconds, at.Add(-measured).Unix())
	}
	change(s)
}

// Samples are those of one of an Application Load Balancer's metrics, by CloudWatch's name, from one whole second to
// another. As there, what did not happen leaves none, and an answer of the load balancer's own is no error of a target's.
func (g *Group) Samples(metric string, from, to time.Time) (all []float64) {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	for t := from.Unix(); t < to.Unix(); t++ {
		s := g.meter.seconds[t]
		switch {
		case s == nil:
		case metric == "RequestCount":
			all = append(all, slices.Repeat([]float64{1}, s.requests)...)
		case metric == "HTTPCode_Target_5XX_Count":
			all = append(all, slices.Repeat([]float64{1}, s.errors)...)
		case metric == "TargetConnectionErrorCount":
			all = append(all, slices.Repeat([]float64{1}, s.refused)...)
		case metric == "TargetResponseTime":
			all = append(all, s.times...)
		case metric == "UnHealthyHostCount" && s.checked:
			all = append(all, float64(s.unhealthy))
		}
	}
	return all
}

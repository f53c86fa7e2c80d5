package alb

import (
	"sync"
	"time"
)

// measured is how long a target group remembers what it measured.
const measured = time.Hour

// meter holds what was measured in each second, by its Unix time, under CloudWatch's names.
type meter struct {
	mu      sync.Mutex
	seconds map[int64]map[string][]float64
}

func (m *meter) note(metric string, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.seconds[now.Unix()] == nil {
		if m.seconds == nil {
			m.seconds = map[int64]map[string][]float64{}
		}
		m.seconds[now.Unix()] = map[string][]float64{}
		delete(m.seconds, now.Add(-measured).Unix())
	}
	second := m.seconds[now.Unix()]
	second[metric] = append(second[metric], value)
}

// Samples are those of one of an Application Load Balancer's metrics, by CloudWatch's name, from one whole second to
// another. As there, what did not happen leaves none, and an answer of the load balancer's own is no error of a target's.
func (g *Group) Samples(metric string, from, to time.Time) (all []float64) {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	for t := from.Unix(); t < to.Unix(); t++ {
		all = append(all, g.meter.seconds[t][metric]...)
	}
	return all
}

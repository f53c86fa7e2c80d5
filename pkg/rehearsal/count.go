package rehearsal

import "time"

// countEvery is how often the requests so far are told.
const countEvery = 200 * time.Millisecond

// countRequests tells how many requests there were, again and again, until the returned function is called.
func (s *stage) countRequests() (stop func()) {
	if s.stream.emit == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(countEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case at := <-tick.C:
				s.stream.send(Event{At: at, Kind: KindTraffic, Tallies: s.balancer.Log.Tallies()})
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

package rehearsal

import (
	"sync"
	"time"
)

// Every calls show once every pace until stop is called. When stop has returned, show does not run any more.
func Every(pace time.Duration, show func(now time.Time)) (stop func()) {
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		for tick := time.Tick(pace); ; {
			select {
			case <-done:
				return
			case now := <-tick:
				show(now)
			}
		}
	})
	return func() {
		close(done)
		showing.Wait()
	}
}

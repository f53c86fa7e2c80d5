package view

import (
	"strings"
	"time"
)

// spinEvery is how long one picture of the spinner stands.
const spinEvery = 100 * time.Millisecond

// Spinner is a character that moves with the time.
func Spinner(since time.Duration) string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(since/spinEvery)%len(frames)])
}

// Bar shows a share in so many characters.
func Bar(part, whole, width int) string {
	filled := 0
	if whole > 0 {
		filled = min(max(part*width/whole, 0), width)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// Every calls show again and again, so often, until the returned function is called; when that returns, show does not
// run any more.
func Every(pace time.Duration, show func(now time.Time)) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-tick.C:
				show(now)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

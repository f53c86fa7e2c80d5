package codedeploy

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	for left, want := range map[time.Duration]pace{
		14 * time.Minute: {3 * time.Second, 28 * time.Second, 1},
		30 * time.Second: {3 * time.Second, 28 * time.Second, 1},
		16 * time.Second: {1500 * time.Millisecond, 14 * time.Second, 0.5},
		// Under 5 s nothing is kept back: the one attempt that is guaranteed may take it all.
		4 * time.Second:  {3 * time.Second, 3900 * time.Millisecond, 3.9 / 28},
		1 * time.Second:  {900 * time.Millisecond, 900 * time.Millisecond, 0.9 / 28},
		-1 * time.Second: {500 * time.Millisecond, 500 * time.Millisecond, 0.5 / 28},
	} {
		if got := paceFor(left); got.attempt != want.attempt || got.whole != want.whole || got.scale < want.scale-1e-9 || got.scale > want.scale+1e-9 {
			t.Errorf("paceFor(%v) = %+v, want %+v", left, got, want)
		}
	}
}

// Eight attempts that all hang, with their pauses, end before what is kept back begins.
func TestAllAttemptsFitIntoTheTimeLeft(t *testing.T) {
	for left := scarce; left < time.Minute; left += 100 * time.Millisecond {
		p := paceFor(left)
		sum := maxAttempts * p.attempt
		for n := range maxAttempts - 1 {
			sum += p.pause(n, 1)
		}
		if sum > left-keepBack+time.Millisecond {
			t.Fatalf("with %v left, %v are planned, want at most %v", left, sum, left-keepBack)
		}
	}
}

func TestPausesTakeFourSecondsTogether(t *testing.T) {
	var sum time.Duration
	for _, p := range pauses() {
		sum += p
	}
	if sum != 4*time.Second {
		t.Errorf("the pauses take %v, want 4s", sum)
	}
}

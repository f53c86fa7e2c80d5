package rehearsal

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/rehearsal/deployment"
)

func never(time.Time) bool { return false }

func TestTheHourPassesAtThePlansSpeedWhileNobodyWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		status, stop := callback{limit: callbackLimit, speed: 100, atWork: never}.wait(t.Context())
		if took := time.Since(began); status != "" || stop != nil || took != 36*time.Second {
			t.Errorf("%q, %v after %v, want nothing after 36s", status, stop, took)
		}
	})
}

func TestTheHourPassesInRealTimeWhileTheHookWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		working := func(now time.Time) bool { return now.Sub(began) <= 10*time.Minute }
		status, stop := callback{limit: callbackLimit, speed: 100, atWork: working}.wait(t.Context())
		// Ten minutes are gone in real time; the other fifty take thirty seconds.
		if took := time.Since(began); status != "" || stop != nil || took != 10*time.Minute+30*time.Second {
			t.Errorf("%q, %v after %v, want nothing after 10m30s", status, stop, took)
		}
	})
}

func TestTheWaitEndsWithTheAnswerAStopOrAnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, stop := make(chan deployment.EventStatus, 1), make(chan deployment.Stop, 1)
		c := callback{limit: callbackLimit, answer: answer, stop: stop, speed: 1, atWork: never}
		answer <- deployment.EventFailed
		if status, asked := c.wait(t.Context()); asked != nil || status != deployment.EventFailed {
			t.Errorf("answer: status %q, %v", status, asked)
		}
		stop <- deployment.Stop{Rollback: true}
		if status, asked := c.wait(t.Context()); status != "" || asked == nil || !asked.Rollback {
			t.Errorf("stop: status %q, %+v", status, asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if status, asked := c.wait(ctx); status != "" || asked != nil || time.Since(began) != 0 {
			t.Errorf("interrupt: status %q, %v after %v", status, asked, time.Since(began))
		}
	})
}

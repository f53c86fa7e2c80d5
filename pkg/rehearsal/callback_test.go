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
		end, _, _ := callback{limit: callbackLimit, speed: 100, atWork: never}.wait(t.Context())
		if took := time.Since(began); end != callbackLate || took != 36*time.Second {
			t.Errorf("end %d after %v, want late after 36s", end, took)
		}
	})
}

func TestTheHourPassesInRealTimeWhileTheHookWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		working := func(now time.Time) bool { return now.Sub(began) <= 10*time.Minute }
		end, _, _ := callback{limit: callbackLimit, speed: 100, atWork: working}.wait(t.Context())
		// Ten minutes are gone in real time; the other fifty take thirty seconds.
		if took := time.Since(began); end != callbackLate || took != 10*time.Minute+30*time.Second {
			t.Errorf("end %d after %v, want late after 10m30s", end, took)
		}
	})
}

func TestTheWaitEndsWithTheAnswerAStopOrAnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, stop := make(chan deployment.EventStatus, 1), make(chan deployment.Stop, 1)
		c := callback{limit: callbackLimit, answer: answer, stop: stop, speed: 1, atWork: never}
		answer <- deployment.EventFailed
		if end, status, _ := c.wait(t.Context()); end != callbackAnswered || status != deployment.EventFailed {
			t.Errorf("answer: end %d, status %q", end, status)
		}
		stop <- deployment.Stop{Rollback: true}
		if end, _, asked := c.wait(t.Context()); end != callbackStopped || !asked.Rollback {
			t.Errorf("stop: end %d, %+v", end, asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if end, _, _ := c.wait(ctx); end != callbackInterrupted {
			t.Errorf("interrupt: end %d", end)
		}
	})
}

package gate

import (
	"strings"
	"testing"
	"time"
)

func TestDivide(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		left, reserve time.Duration
		// prepared, judging and abandon are counted from now.
		prepared, judging, abandon time.Duration
		warning                    string
	}{
		"a quarter of an hour":   {15 * time.Minute, 30 * time.Second, 12 * time.Second, 870 * time.Second, 871 * time.Second, ""},
		"a minute":               {time.Minute, 30 * time.Second, 12 * time.Second, 30 * time.Second, 31 * time.Second, ""},
		"the reserve is shrunk":  {20 * time.Second, 30 * time.Second, 3750 * time.Millisecond, 5 * time.Second, 6 * time.Second, "has 20s left and REPORT_RESERVE takes 30s: keeping 15s back"},
		"a second":               {time.Second, 30 * time.Second, 187500 * time.Microsecond, 250 * time.Millisecond, 437500 * time.Microsecond, "keeping 750ms back"},
		"no reserve":             {10 * time.Second, 0, 3750 * time.Millisecond, 5 * time.Second, 6 * time.Second, "REPORT_RESERVE is 0s, too little to store a status in: keeping 5s back"},
		"a reserve that will do": {time.Minute, 5 * time.Second, 12 * time.Second, 55 * time.Second, 56 * time.Second, ""},
		"no reserve, no time":    {2 * time.Second, 0, 375 * time.Millisecond, 500 * time.Millisecond, 875 * time.Millisecond, "keeping 1.5s back"},
	} {
		b := divide(now, now.Add(tc.left), tc.reserve, false)
		if got := b.prepared.Sub(now); got != tc.prepared {
			t.Errorf("%s: prepared after %v, want %v", name, got, tc.prepared)
		}
		if got := b.judging.Sub(now); got != tc.judging {
			t.Errorf("%s: judging ends after %v, want %v", name, got, tc.judging)
		}
		if got := b.abandon.Sub(now); got != tc.abandon {
			t.Errorf("%s: left behind after %v, want %v", name, got, tc.abandon)
		}
		if (tc.warning == "") != (b.warning == "") || !strings.Contains(b.warning, tc.warning) {
			t.Errorf("%s: warning %q, want %q", name, b.warning, tc.warning)
		}
	}
	if b := divide(now, time.Time{}, 30*time.Second, false); !b.deadline.Equal(now.Add(noDeadline)) || b.judging.Sub(now) != noDeadline-30*time.Second {
		t.Errorf("without a deadline: judging ends after %v", b.judging.Sub(now))
	}
	if b := divide(now, now.Add(5*time.Second), 30*time.Second, true); b.judging.Sub(now) != 3750*time.Millisecond {
		t.Errorf("a native deployment's: judging ends after %v", b.judging.Sub(now))
	}
}
